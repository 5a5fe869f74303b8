"""Every past month-end judged by the model that could have existed then.

At a date D the rows are known whose horizon was over: the newest of them calibrate, those an embargo before train, and
the rows of D are forecast. Settings are chosen anew at each refit, inside that training window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.backtest.metrics import Evaluation, evaluate
from ml.calibration import Calibration, fit_calibration
from ml.columns import declare
from ml.dataset import Dataset, Floats, Frame
from ml.errors import TrainingError
from ml.features import Feature
from ml.model import Estimator
from ml.recipe import settle
from ml.segments import SegmentEvaluation, evaluate_segments, segments
from ml.spec import TrainingSpec

FORECAST_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("supplier_id", pa.string()),
        ("fitted_as_of", pa.date32()),
        ("label", pa.bool_()),
        ("pd_90d", pa.float64()),
    ]
)


@dataclass(frozen=True)
class WalkForward:
    """`forecasts` (`FORECAST_SCHEMA`): one row per judged row; figures over all of them, by snapshot and by segment.

    A snapshot with too few events has no figures of its own. `members` says per segment which rows of `forecasts` are
    in it, `data_digest` what all of this was made of.
    """

    forecasts: pa.Table
    members: dict[str, NDArray[np.bool_]]
    data_digest: str
    evaluation: Evaluation
    snapshots: dict[date, Evaluation]
    segments: dict[str, SegmentEvaluation]


@dataclass(frozen=True)
class _Fitted:
    as_of: date
    estimator: Estimator
    curve: Calibration

    def forecast(self, data: Dataset) -> Floats:
        return self.curve.probability(self.estimator.raw_scores(data.matrix))


def walk_forward(
    frame: Frame, spec: TrainingSpec, *, refit_every: int = 3, progress: Callable[[str], None] = lambda _: None
) -> WalkForward:
    """Forecasts of every snapshot for which a model could have existed, by that model.

    Args:
        frame, spec: as for `ml.fit`; the spec's `split` and `test_snapshots` play no part.
        refit_every: snapshots that one model forecasts before the next is fitted.
        progress: is told of each fit.

    Raises:
        FrameError: as `ml.fit`.
        TrainingError: no snapshot has enough history before it.
    """
    rows = spec.rows_of(frame)
    spec = spec.with_bag_for(len(rows))
    # what kind of feature a column is may be seen on the oldest rows only
    oldest = np.flatnonzero(rows.dates <= np.quantile(rows.dates.astype(np.int64), 0.25).astype("datetime64[D]"))
    features = declare(rows.table, oldest, spec)[0].features
    data = rows.with_features(features)
    found: list[tuple[Dataset, Floats, date]] = []
    fitted: _Fitted | None = None
    for number, day in enumerate(_snapshots(data)):
        if fitted is None or number % refit_every == 0:
            fitted = _fit_as_of(data, features, day, spec) or fitted
            if fitted is not None and fitted.as_of == day:
                progress(f"{day}: {fitted.estimator.summary}")
        if fitted is not None:
            night = data.take(data.dates == np.datetime64(day))
            found.append((night, fitted.forecast(night), fitted.as_of))
    if not found:
        raise TrainingError(
            f"None of {len(_snapshots(data))} snapshots has {spec.minimum_events} events in training and in "
            "calibration before it; bring a longer history or more suppliers."
        )
    return _judged(data, found, features, spec)


def _snapshots(data: Dataset) -> list[date]:
    days: list[date] = np.unique(data.dates).tolist()
    return days


def _fit_as_of(data: Dataset, features: Sequence[Feature], day: date, spec: TrainingSpec) -> _Fitted | None:
    """The model of one night; None while history is too short for one."""
    known = [past for past in _snapshots(data) if past + timedelta(days=spec.horizon_days) <= day]
    newest = known[-spec.calibration_snapshots :]
    oldest = [past for past in known if newest and past + timedelta(days=spec.embargo_days) <= newest[0]]
    train, calibration = (
        data.take(np.isin(data.dates, np.asarray(window, dtype="datetime64[D]"))) for window in (oldest, newest)
    )
    for window in (train, calibration):
        events = int(window.labels.sum())
        if min(events, len(window) - events) < spec.minimum_events:
            return None
    estimator = settle(train, features, spec).fit(train)
    return _Fitted(day, estimator, fit_calibration(estimator.raw_scores(calibration.matrix), calibration.labels))


def _judged(
    data: Dataset, found: list[tuple[Dataset, Floats, date]], features: Sequence[Feature], spec: TrainingSpec
) -> WalkForward:
    forecast = np.concatenate([forecast for _, forecast, _ in found])
    fitted = np.concatenate([np.repeat(np.datetime64(as_of), len(night)) for night, _, as_of in found])
    # rows are sorted by date, so the nights follow each other as in the table
    whole = data.take(data.dates >= found[0][0].dates.min())
    if whole.labels.sum() in (0, len(whole)):
        raise TrainingError(f"The {len(whole)} rows that could be forecast hold one outcome only.")
    nights = {}
    for night, values, _ in found:
        events = int(night.labels.sum())
        if min(events, len(night) - events) >= spec.minimum_events:
            nights[night.dates[0].item()] = evaluate(
                night.labels, values, night.groups, scale=spec.grade_scale, seed=spec.seed
            )
    return WalkForward(
        forecasts=pa.table(
            [whole.dates, whole.ids.astype(str), fitted, whole.labels.astype(bool), forecast], schema=FORECAST_SCHEMA
        ),
        members=segments(whole, features),
        data_digest=data.digest(),
        evaluation=evaluate(whole.labels, forecast, whole.groups, scale=spec.grade_scale, seed=spec.seed),
        snapshots=nights,
        segments=evaluate_segments(
            whole,
            forecast,
            features,
            scale=spec.grade_scale,
            minimum_events=spec.minimum_events,
            seed=spec.seed,
        ),
    )
