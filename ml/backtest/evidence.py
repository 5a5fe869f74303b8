"""The evidence for a promotion: every past month-end, forecast by the model that could have existed then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Literal

import pandas as pd
import pyarrow as pa

from ml.backtest.lead_time import LeadTime, graded, lead_time
from ml.backtest.metrics import Evaluation
from ml.backtest.stability import SnapshotStability, stability
from ml.backtest.walk_forward import WalkForward, walk_forward
from ml.dataset import Frame, as_table, days, entities, require_columns
from ml.features import FeatureRegistry
from ml.manifest import Record, canonical_json, sha256
from ml.segments import SegmentEvaluation
from ml.spec import TrainingSpec

Kind = Literal["lightgbm", "scorecard"]
KINDS: tuple[Kind, ...] = ("lightgbm", "scorecard")


class Procedure(Record):
    """What one way to learn was worth over all snapshots."""

    evaluation: Evaluation
    snapshots: dict[date, Evaluation]
    segments: dict[str, SegmentEvaluation]
    lead_time: LeadTime
    lead_time_segments: dict[str, LeadTime]
    stability: tuple[SnapshotStability, ...]


class Backtest(Record):
    """The content of `backtest.json`; no clock is in it, so the same rows give the same digest."""

    as_of_date: date
    first: date
    last: date
    snapshots: int
    refit_every: int
    label: str
    horizon_days: int
    embargo_days: int
    seed: int
    data_digest: str
    registry_digest: str | None
    procedures: dict[str, Procedure]

    def to_bytes(self) -> bytes:
        return canonical_json(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        return sha256(self.to_bytes())


def backtest(
    frame: Frame,
    spec: TrainingSpec,
    events: Frame,
    *,
    warning_grade: int,
    refit_every: int = 3,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Backtest, Mapping[Kind, pa.Table]]:
    """Judges the model's procedure and the scorecard beside it; gives the evidence and the forecasts by procedure.

    Args:
        frame, spec: as for `ml.fit`.
        events: supplier_id, distress_date; every beginning of distress, for the lead time.
        warning_grade: from this grade a supplier is on the watch list.
        refit_every: snapshots that one model forecasts before the next is fitted.
        progress: is told of each fit.

    Raises:
        FrameError, TrainingError: as `walk_forward`.
    """
    table = as_table(events)
    require_columns(table, ["supplier_id", "distress_date"], "the events of a backtest")
    happened = pd.DataFrame(
        {"supplier_id": entities(table, "supplier_id"), "distress_date": days(table, "distress_date")}
    )
    runs = {
        kind: walk_forward(frame, replace(spec, estimator=kind), refit_every=refit_every, progress=progress)
        for kind in KINDS
    }
    whole = runs[KINDS[0]]
    dates = whole.forecasts.column("as_of_date").unique().to_pylist()
    features = spec.features
    evidence = Backtest(
        as_of_date=spec.as_of_date or max(dates),
        first=min(dates),
        last=max(dates),
        snapshots=len(dates),
        refit_every=refit_every,
        label=spec.label,
        horizon_days=spec.horizon_days,
        embargo_days=spec.embargo_days,
        seed=spec.seed,
        data_digest=whole.data_digest,
        registry_digest=features.digest if isinstance(features, FeatureRegistry) else None,
        procedures={kind: _judged(run, happened, spec, warning_grade) for kind, run in runs.items()},
    )
    return evidence, {kind: run.forecasts for kind, run in runs.items()}


def _judged(run: WalkForward, events: pd.DataFrame, spec: TrainingSpec, warning_grade: int) -> Procedure:
    pd_90d = run.forecasts.column("pd_90d").to_numpy()
    rows = graded(run.forecasts, spec.grade_scale.grades(pd_90d))

    def early(part: pd.DataFrame) -> LeadTime:
        return lead_time(part, events, warning_grade=warning_grade, seed=spec.seed)

    return Procedure(
        evaluation=run.evaluation,
        snapshots=run.snapshots,
        segments=run.segments,
        lead_time=early(rows),
        lead_time_segments={name: early(rows[inside]) for name, inside in run.members.items()},
        stability=stability(rows.assign(pd=pd_90d)),
    )
