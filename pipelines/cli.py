"""The command line: `anchorwatch nightly`, `simulate`, `train`, `replay`, `explain`, `status` and the rest.

Exit codes: 0 done, 1 the night failed, 2 wrong usage or input. A failure is one sentence on standard error.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import time
import warnings
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import duckdb
import typer
from rich.console import Console

from pipelines.console import screen
from pipelines.model_commands import app as model_app
from pipelines.night import NightError
from pipelines.settings import CHECKOUT, Settings, SettingsError
from pipelines.source_commands import app as source_app

app = typer.Typer(
    help="Nightly watch over a reverse-factoring book.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(source_app, name="source")
app.add_typer(model_app, name="model")
console = screen()
errors = Console(stderr=True)

# Thirty months: 28 of history, then 61 days of daily deliveries.
DEMO_START, DEMO_UNTIL, DEMO_SEED = datetime(2024, 1, 1), datetime(2026, 6, 30), 1  # noqa: DTZ001

AsOf = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Date of the night (default: newest delivery)")
]


class UsageError(Exception):
    """The command cannot be done as asked; exit code 2."""


@app.command()
def simulate(
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last delivery day")] = DEMO_UNTIL,
    out: Annotated[
        Path | None, typer.Option(help="Folder of a new portfolio (default: the home's own, continued)")
    ] = None,
    scale: Annotated[float, typer.Option(min=0.01, help="1 = 40 core enterprises, 2,000 suppliers")] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes")] = DEMO_SEED,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the economy")] = DEMO_START,
    schemes: Annotated[
        str, typer.Option(help="Frauds that a few actors play: all, none, or names (docs/failure_library.md)")
    ] = "all",
) -> None:
    """Write a demo portfolio as deliveries, or continue the home's own by further days."""
    from sources import simulator

    home = Settings().root
    goes_on = out is None and simulator.exists(home)
    started = time.perf_counter()

    def progress(line: str) -> None:
        console.print(f"  {line}", soft_wrap=True, highlight=False)

    if goes_on:
        made = simulator.extend(home, until.date(), progress)
    else:
        made = simulator.simulate(
            out or home,
            scale=scale,
            seed=seed,
            start=start.date(),
            until=until.date(),
            schemes=simulator.named_schemes(schemes),
            progress=progress,
        )
    console.print(
        f"Demo portfolio from {made.start} to {made.until}, daily deliveries since {made.go_live}: "
        f"{(out or home) / 'landing'} ({time.perf_counter() - started:.0f} s)",
        soft_wrap=True,
        highlight=False,
    )


@app.command()
def deliver(
    plan: Annotated[str, typer.Argument(help="Name of a delivery plan: a folder of mappings with a _plan.yaml")],
    source_dir: Annotated[Path, typer.Argument(help="Folder of the files")],
    on: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="Delivery date")],
) -> None:
    """Put files of others into landing, as a delivery plan (YAML) says."""
    from sources.deliver import deliver as put_into_landing

    settings = Settings()
    settings.prepare()
    for path in put_into_landing(plan, source_dir, settings.landing, on.date(), settings.mappings):
        console.print(f"  {path}", soft_wrap=True, highlight=False)


@app.command("adopt-model")
def adopt_model(source: Annotated[Path, typer.Argument(help="Home whose champion is taken over")]) -> None:
    """Take the champion of another home, where this one has none of its own."""
    from ml.registry import ModelRegistry

    settings = Settings()
    settings.prepare()
    model = ModelRegistry(source / "models").load_role("champion")
    registry = ModelRegistry(settings.models)
    registry.save(model)
    registry.assign(
        "champion",
        model.version,
        at=datetime.now(UTC).replace(tzinfo=None),
        actor="adopt-model",
        reason=f"taken over from {source}",
    )
    console.print(f"Champion of this home: {model.version}")


@app.command()
def nightly(
    as_of: AsOf = None,
    train_first: Annotated[bool, typer.Option("--train", help="Train a champion first where there is none")] = False,
) -> None:
    """Ingest what was delivered up to the date, build, score, monitor, publish. Safe to run again."""
    from ml.registry import ModelRegistry
    from pipelines.console import show_morning

    settings, night = Settings(), _night_date(as_of)
    has_champion = ModelRegistry(settings.models).role("champion") is not None
    if not has_champion and not train_first:
        raise NightError(
            f"There is no champion model in {settings.models}: run `anchorwatch train`, then the night again. "
            "The publication of the last night stands."
        )
    _run("nightly" if has_champion else "first_night", night)
    show_morning(settings, console)


@app.command()
def ingest(as_of: AsOf = None) -> None:
    """Take deliveries into the raw lake; the warehouse stays as it is."""
    _run("ingest", _night_date(as_of))


@app.command()
def train(as_of: AsOf = None) -> None:
    """Train a model on what was known on the date. The first one becomes champion, later ones challenger."""
    _run("train", _night_date(as_of))


@app.command()
def backtest(
    model: Annotated[
        str | None, typer.Option(help="Model that the evidence is for (default: challenger, or champion)")
    ] = None,
    refit_every: Annotated[int, typer.Option(min=1, help="Month-ends that one model forecasts")] = 3,
) -> None:
    """Judge every past month-end by the model that could have existed then; writes the evidence for a promotion."""
    from pipelines.backtest import backtest_model, show_backtest

    show_backtest(backtest_model(Settings(), model, refit_every, console), console)


@app.command()
def score(as_of: AsOf = None) -> None:
    """Ingest, build and score up to the score files in the lake; nothing is published."""
    _run("score", _night_date(as_of))


@app.command()
def publish() -> None:
    """Publish the standing warehouse again, as it is."""
    from pipelines.republish import republish

    done = republish(Settings())
    console.print(f"Published {len(done.tables)} tables of {done.as_of_date}: {done.database}", soft_wrap=True)


@app.command()
def replay(as_of: Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"])]) -> None:
    """Build a past night again beside the book, from what was known then, and compare it with what was published."""
    from pipelines.replay import replay_night

    replay_night(Settings(), as_of.date(), console)


@app.command()
def explain(
    supplier: Annotated[str, typer.Argument(help="supplier_id")],
    as_of: AsOf = None,
    zh: Annotated[bool, typer.Option("--zh", help="Reasons in Chinese")] = False,
) -> None:
    """Show one supplier's score, what raises and what lowers it, and what moved it since the night before."""
    from pipelines.console import describe_score

    settings = Settings()
    if not (settings.published / settings.audience).exists():
        raise UsageError(f"Nothing has been published in {settings.published} yet; run `anchorwatch nightly`.")
    if not describe_score(settings, supplier, as_of.date() if as_of else None, console, chinese=zh):
        raise UsageError(f"No score of supplier {supplier}{f' on {as_of.date()}' if as_of else ''} has been published.")


@app.command()
def evaluate(runs: Annotated[int, typer.Option(min=10, help="Futures simulated from each date")] = 500) -> None:
    """Set the champion's out-of-time figures beside the oracle's (demo portfolios only)."""
    from pipelines.evaluate import evaluate_against_oracle

    evaluate_against_oracle(Settings(), runs, console)


@app.command("evaluate-identity")
def evaluate_identity() -> None:
    """Hold who was found to be who against the truth: recall and precision (demo portfolios only)."""
    from pipelines.evaluate import show_identity_quality

    show_identity_quality(Settings(), console)


@app.command("evaluate-schemes")
def evaluate_schemes(
    write_docs: Annotated[
        bool, typer.Option("--write-docs", help="Put the figures into docs/failure_library.md")
    ] = False,
) -> None:
    """Hold what breaks a rule against the planted schemes: recall, precision, days (demo portfolios only)."""
    from pipelines.evaluate_schemes import show_scheme_quality

    show_scheme_quality(Settings(), console, write_docs)


@app.command()
def status() -> None:
    """Show the last published night and what it holds."""
    from pipelines.console import show_morning

    settings = Settings()
    settings.prepare()
    show_morning(settings, console)


@app.command("docs")
def write_docs() -> None:
    """Write the documentation of the warehouse, with columns, tests and lineage, as one page."""
    from pipelines.dbt_docs import write_dbt_docs

    console.print(f"Documentation: {write_dbt_docs(Settings())}", soft_wrap=True, highlight=False)


@app.command()
def dev(port: Annotated[int, typer.Option(help="Port on 127.0.0.1")] = 3000) -> None:
    """Open the Dagster UI on 127.0.0.1 with everything loaded."""
    from pipelines.dbt_manifest import ensure_manifest
    from pipelines.lake_datasets import prepare_lake
    from sources.lake import Lake

    settings = Settings()
    settings.prepare()
    prepare_lake(Lake(settings.lake))
    ensure_manifest(settings)
    dagster = str(Path(sys.executable).parent / "dagster")
    os.chdir(CHECKOUT)
    os.execv(dagster, [dagster, "dev", "-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", str(port)])  # noqa: S606


def _night_date(as_of: datetime | None) -> date:
    from sources.landing import newest_delivery

    settings, today = Settings(), datetime.now(UTC).date()
    if as_of is not None:
        if as_of.date() > today:
            raise UsageError(f"{as_of.date()} lies in the future; a night can only use what has been delivered.")
        return as_of.date()
    newest = newest_delivery(settings.landing, today)
    if newest is None:
        raise NightError(
            f"No file has been delivered: {settings.landing} is empty. `anchorwatch simulate` makes a demo."
        )
    return newest.date


def _run(job: str, night: date) -> None:
    from pipelines.run import run_job

    console.print(f"[bold]{job.replace('_', ' ')}[/] as of {night}", highlight=False)
    outcome = run_job(Settings(), job, night)
    for warning in outcome.warnings:
        console.print(f"[yellow]![/] {warning}", soft_wrap=True, highlight=False)
    if outcome.problems:
        raise NightError(" ".join(outcome.problems))


# Dagster, dbt and Evidently make some million objects that stay. Looking for garbage among them every 700 new ones, as
# Python does by itself, takes a sixth of the time in which they are imported, and finds none.
OBJECTS_BEFORE_COLLECTION = (50_000, 20, 100)


def main() -> NoReturn:
    """Entry point: run a command and end the process."""
    gc.set_threshold(*OBJECTS_BEFORE_COLLECTION)
    status = run()
    # Taking apart an interpreter that has loaded dbt and Evidently takes two seconds and ends with pages of notes on
    # types that their libraries hold on to. All files are closed by now.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run() -> int:
    """Run the command of `sys.argv`; its exit code. What people can mend is one sentence, the rest a traceback."""
    from pipelines.dbt_manifest import ManifestError
    from pipelines.published_table import PublicationError
    from sources.extract import ExtractError

    # Notes of libraries to programmers; what people must know is said by the assets.
    warnings.filterwarnings("ignore", category=UserWarning)
    try:
        app(standalone_mode=True)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except (NightError, ManifestError, PublicationError, ExtractError) as error:
        errors.print(f"[red]anchorwatch:[/] {error}", soft_wrap=True, highlight=False)
        return 1
    except duckdb.IOException as error:
        # a damaged file, or one that another program holds: the engine names it
        errors.print(f"[red]anchorwatch:[/] {str(error).splitlines()[0]}", soft_wrap=True, highlight=False)
        return 1
    except (UsageError, SettingsError) as error:
        errors.print(f"[red]anchorwatch:[/] {error}", soft_wrap=True, highlight=False)
        return 2
    except expected_input_errors() as error:
        errors.print(f"[red]anchorwatch:[/] {error}", soft_wrap=True, highlight=False)
        return 2
    return 0


def expected_input_errors() -> tuple[type[Exception], ...]:
    """The wings' own error types: what they say is meant for people."""
    from ml.errors import EarlyWarningError
    from sources.contract import ContractError
    from sources.simulator import PortfolioError
    from sources.yaml_model import MappingError

    return (ContractError, MappingError, PortfolioError, EarlyWarningError, FileNotFoundError)
