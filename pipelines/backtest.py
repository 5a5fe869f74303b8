"""What the model's procedure was worth on every past month-end, put into a model's folder as its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from ml.backtest.evidence import Backtest, backtest
from ml.card import CARD_PICTURES, FIGURES, interval_text
from ml.folder import write_evidence
from ml.pack import PACK_FILE, render_pack
from ml.registry import PROMOTION_EVIDENCE, ModelRegistry
from pipelines.dbt_manifest import code_version
from pipelines.learning import training_frame, training_spec
from pipelines.night import NightError
from pipelines.rules import rule_value
from pipelines.settings import Settings


@dataclass(frozen=True)
class Judged:
    """The evidence and where it went."""

    version: str
    evidence: Backtest
    pack: Path
    forecasts: Path


def backtest_model(settings: Settings, version: str | None, refit_every: int, console: Console) -> Judged:
    """Backtest a model's procedure on what was known when it was trained.

    Args:
        version: the model whose folder takes the evidence; None takes the challenger, or else the champion.

    Raises:
        NightError: the home has no finished night or no model, or the model learned other features than the warehouse
            has.
        TrainingError: the history is too short.
    """
    if not settings.warehouse.exists():
        raise NightError(f"No night has been finished in {settings.root}; run `anchorwatch nightly` first.")
    registry = ModelRegistry(settings.models)
    chosen = version or registry.role("challenger") or registry.role("champion")
    if chosen is None:
        raise NightError(f"There is no model in {settings.models} to judge: run `anchorwatch train` first.")
    model = registry.load(chosen)
    as_of = model.manifest.as_of_date
    spec = training_spec(as_of)
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        frame, events = training_frame(con), _events(con)
        warning_grade = int(rule_value(con, "watch_grade_watch", as_of))
    console.print(f"Backtest of {chosen} on what was known on {as_of}: models of the past are fitted", highlight=False)

    def progress(line: str) -> None:
        console.print(f"  {line}", highlight=False)

    evidence, forecasts = backtest(
        frame, spec, events, warning_grade=warning_grade, refit_every=refit_every, progress=progress
    )
    if evidence.registry_digest != model.manifest.registry_digest:
        raise NightError(
            f"Model {chosen} learned other features than this release makes; train a model and judge that one."
        )
    folder = registry.folder(chosen)
    pack = render_pack(
        model,
        evidence,
        history=registry.history(),
        code_version=code_version(),
        pictures={name: (folder / name).read_bytes() for name in CARD_PICTURES},
    )
    write_evidence(folder, {PROMOTION_EVIDENCE: evidence.to_bytes(), PACK_FILE: pack.encode()})
    target = settings.reports / "backtest" / chosen
    target.mkdir(parents=True, exist_ok=True)
    for kind, table in forecasts.items():
        pq.write_table(table, target / f"{kind}.parquet")
    return Judged(chosen, evidence, folder / PACK_FILE, target)


def show_backtest(judged: Judged, console: Console) -> None:
    """Print the figures that decide."""
    for name, procedure in judged.evidence.procedures.items():
        whole, lead = procedure.evaluation, procedure.lead_time
        console.print(
            f"[bold]{name}[/] {whole.rows:,} rows, {whole.events:,} events, {len(procedure.snapshots)} snapshots",
            highlight=False,
        )
        figures = [(title, getattr(whole, field), factor, style) for title, (field, factor, style) in FIGURES.items()]
        for title, figure, factor, style in (
            *figures,
            ("events warned of, %", lead.warned_share, 100, ".0f"),
            ("median days warned", lead.median_days, 1, ".0f"),
            ("the same over all events", lead.median_days_of_all, 1, ".0f"),
        ):
            shown = "none" if figure is None else interval_text(figure, factor, style)
            console.print(f"  {title:32} {shown}", highlight=False, markup=False)
        flagged = "none" if lead.flagged_share is None else f"{lead.flagged_share:.1%}"
        console.print(f"  {'rows that carry a warning':32} {flagged}", highlight=False)
    console.print(f"Model pack: {judged.pack}", soft_wrap=True, highlight=False)
    console.print(f"Forecasts: {judged.forecasts}", soft_wrap=True, highlight=False)


def _events(con: duckdb.DuckDBPyConnection) -> pa.Table:
    return con.sql(
        "select supplier_id, distress_date from intermediate.int_supplier_distress_episode order by all"
    ).to_arrow_table()
