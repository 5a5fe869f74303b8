"""Commands about the models of a home: `anchorwatch model list`, `promote` and `rollback`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from pipelines.console import screen
from pipelines.settings import Settings

app = typer.Typer(help="See, promote and take back models.", no_args_is_help=True)

_By = Annotated[str, typer.Option("--by", help="Who decides")]
_Why = Annotated[str, typer.Option("--why", help="For what reason; kept with the decision")]


@app.command("list")
def list_models() -> None:
    """Every stored model with its state and what it is worth, and every decision about them."""
    from ml.registry import PROMOTION_EVIDENCE, ModelRegistry

    console, registry = screen(), ModelRegistry(Settings().models)
    versions = registry.versions()
    if not versions:
        console.print(f"No model is stored in {registry.root}; `anchorwatch train` makes one.", soft_wrap=True)
        return
    table = Table("model", "state", "estimator", "trained on", "AUC", "ECE, points", "backtest")
    for version in versions:
        model = registry.load(version)
        figures = model.manifest.evaluation
        table.add_row(
            version,
            registry.state(version),
            model.manifest.estimator,
            str(model.manifest.as_of_date),
            f"{figures.auc.value:.3f}",
            f"{100 * figures.ece.value:.2f}",
            "yes" if (registry.folder(version) / PROMOTION_EVIDENCE).exists() else "no",
        )
    console.print(table)
    for step in registry.history():
        console.print(
            f"{step.at:%Y-%m-%d %H:%M} {step.version} became {step.state}, by {step.actor}: {step.reason}",
            soft_wrap=True,
            highlight=False,
        )


@app.command()
def promote(version: Annotated[str, typer.Argument(help="Version of the model")], by: _By, why: _Why) -> None:
    """Make a model the champion, on the evidence of its backtest. The next night scores with it."""
    from ml.registry import ModelRegistry

    registry = ModelRegistry(Settings().models)
    registry.promote(version, at=datetime.now(UTC).replace(tzinfo=None), actor=by, reason=why)
    screen().print(f"Champion of this home: {version}", highlight=False)


@app.command()
def rollback(by: _By, why: _Why) -> None:
    """Make the champion before this one champion again. The next night scores with it."""
    from ml.registry import ModelRegistry

    registry = ModelRegistry(Settings().models)
    version = registry.rollback(at=datetime.now(UTC).replace(tzinfo=None), actor=by, reason=why)
    screen().print(f"Champion of this home: {version}", highlight=False)
