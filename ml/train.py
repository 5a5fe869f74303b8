"""Training: a labelled table and a spec in, a sealed model out."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version as installed_version
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from ml.backtest.metrics import evaluate
from ml.calibration import GradeScale, fit_calibration
from ml.dataset import Dataset, Frame, as_table, labelled
from ml.errors import TrainingError
from ml.features import FeatureRegistry, load_registry
from ml.manifest import LabelDefinition, Manifest, Window, Windows, sha256
from ml.model import TEST_SCHEMA, Model, Parts, Scaling
from ml.reference import SAMPLE_ROWS, reference_bins, sample_rows
from ml.split import split_by_entity, split_by_time
from ml.trees import DEFAULTS, FIXED, fit_trees

LIBRARIES = ("lightgbm", "numpy", "scipy", "pyarrow", "pandas")

ENTITY_SHARES = (0.6, 0.2, 0.2)


@dataclass(frozen=True)
class TrainingSpec:
    """What to learn from which columns, and how.

    `features` defaults to the project's registry; for another table see `ml.dataset.numeric_features`. `group` names
    the column of entities that must stay together (default: the key's second column). `split="entity"` is for tables
    of one date: parts are drawn by group instead of by time, and the figures are then not out of time.
    """

    as_of_date: date
    features: FeatureRegistry = field(default_factory=load_registry)
    key: tuple[str, str] = ("as_of_date", "supplier_id")
    label: str = "is_distress_90d"
    label_definition: str = "distress of the supplier after as_of_date and within the horizon"
    group: str | None = None
    segment_columns: tuple[str, ...] = ("sector_code", "size_class")
    horizon_days: int = 90
    embargo_days: int = 90
    split: Literal["time", "entity"] = "time"
    calibration_snapshots: int = 3
    test_snapshots: int = 4
    minimum_events: int = 5
    params: Mapping[str, Any] = field(default_factory=dict)
    max_rounds: int = 200
    tuning_folds: int = 3
    grade_scale: GradeScale = field(default_factory=GradeScale)
    seed: int = 7

    def __post_init__(self) -> None:
        if self.split == "time" and self.embargo_days < self.horizon_days:
            raise TrainingError(
                f"An embargo of {self.embargo_days} days is shorter than the horizon of {self.horizon_days}: "
                "outcomes of one "
                "window would reach into the next; make the embargo at least as long."
            )
        fixed = sorted(set(self.params) & (FIXED.keys() | {"seed", "monotone_constraints"}))
        if fixed:
            raise TrainingError(f"Parameter '{fixed[0]}' is not for a spec to set; remove it from params.")


def fit(frame: Frame, spec: TrainingSpec) -> Model:
    """Fits, calibrates on later rows, and judges on the newest rows, which nothing before has seen.

    Args:
        frame: one row per key with label and feature columns; rows with a null label, or a `population_status` other
        than
            ELIGIBLE, take no part.
        spec: see `TrainingSpec`.

    Raises:
        FrameError: a column is absent or holds what it must not.
        TrainingError: the history is too short or holds too few events.
    """
    table = as_table(frame)
    features = spec.features
    data = labelled(
        table,
        features,
        key=spec.key,
        label=spec.label,
        group=spec.group,
        as_of_date=spec.as_of_date,
        horizon_days=spec.horizon_days,
    )
    train, calibration, test = _windows(data, spec)
    estimator = fit_trees(
        train, features, params=spec.params, seed=spec.seed, max_rounds=spec.max_rounds, folds=spec.tuning_folds
    )
    curve = fit_calibration(estimator.raw_scores(calibration.matrix), calibration.labels)
    forecast = curve.probability(estimator.raw_scores(test.matrix))
    segments = [name for name in spec.segment_columns if name in table.column_names]
    sample = sample_rows(test.table, [spec.key[0], *segments], SAMPLE_ROWS, spec.seed)
    parts = Parts(
        estimator=estimator,
        scaling=Scaling(calibration=curve, grade_scale=spec.grade_scale),
        reference=reference_bins(test, features.features),
        reference_sample=sample.select([*segments, *features.names]).replace_schema_metadata(),
        test=pa.table([test.dates, test.ids.astype(str), test.labels.astype(bool), forecast], schema=TEST_SCHEMA),
    )
    manifest = Manifest(
        as_of_date=spec.as_of_date,
        estimator=estimator.kind,
        features=features.features,
        registry_digest=features.digest,
        key=spec.key,
        segment_columns=tuple(segments),
        label=LabelDefinition(column=spec.label, horizon_days=spec.horizon_days, definition=spec.label_definition),
        split=spec.split,
        embargo_days=spec.embargo_days,
        windows=Windows(train=_facts(train), calibration=_facts(calibration), test=_facts(test)),
        params={**DEFAULTS, **spec.params, **FIXED},
        seed=spec.seed,
        data_digest=data.digest(),
        libraries={"python": platform.python_version()} | {name: installed_version(name) for name in LIBRARIES},
        evaluation=evaluate(test.labels, forecast, test.groups, scale=spec.grade_scale, seed=spec.seed),
        files={name: sha256(content) for name, content in parts.files().items()},
    )
    return Model(manifest.sealed(), parts)


def _windows(data: Dataset, spec: TrainingSpec) -> tuple[Dataset, Dataset, Dataset]:
    if spec.split == "entity":
        part = split_by_entity(data.groups, data.labels, ENTITY_SHARES, spec.seed)
        windows = (data.take(part == 0), data.take(part == 1), data.take(part == 2))
    else:
        dates, at = np.unique(data.dates, return_inverse=True)
        per_date = np.bincount(at, weights=data.labels, minlength=len(dates)).astype(int)
        split = split_by_time(
            dates.tolist(),
            embargo_days=spec.embargo_days,
            calibration_snapshots=spec.calibration_snapshots,
            test_snapshots=spec.test_snapshots,
            events=dict(zip(dates.tolist(), per_date.tolist(), strict=True)),
            minimum_events=spec.minimum_events,
        )
        windows = (
            data.take(_within(data, split.train)),
            data.take(_within(data, split.calibration)),
            data.take(_within(data, split.test)),
        )
    for name, window in zip(("training", "calibration", "test"), windows, strict=True):
        events = int(window.labels.sum())
        if min(events, len(window) - events) < spec.minimum_events:
            raise TrainingError(
                f"The {name} window holds {events} events in {len(window)} rows; at least {spec.minimum_events} rows "
                "with and "
                "without an event are needed: bring a longer history or more suppliers."
            )
    return windows


def _within(data: Dataset, dates: tuple[date, ...]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.isin(data.dates, np.asarray(dates, dtype="datetime64[D]"))


def _facts(window: Dataset) -> Window:
    dates = np.unique(window.dates)
    return Window(
        first=dates[0].item(),
        last=dates[-1].item(),
        snapshots=len(dates),
        rows=len(window),
        events=int(window.labels.sum()),
        groups=len(np.unique(window.groups.astype(str))),
    )
