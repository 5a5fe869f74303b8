"""Training: a labelled table and a spec in, a sealed model out."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed_version

import numpy as np
import pyarrow as pa

from ml.backtest.metrics import Evaluation, evaluate
from ml.columns import declare
from ml.dataset import Dataset, Frame, Rows, truth_values
from ml.errors import TrainingError
from ml.features import FeatureRegistry
from ml.manifest import LabelDefinition, Manifest, SplitName, Window, Windows, sha256
from ml.model import TEST_SCHEMA, Model, Parts, Scaling
from ml.procedure import Learned, learn_by_entity, learn_by_window
from ml.reference import SAMPLE_ROWS, reference_bins, sample_rows
from ml.segments import evaluate_segments
from ml.spec import SMALL_TABLE_ROWS, TrainingSpec
from ml.split import WindowPlaces, entity_places, window_places

LIBRARIES = ("lightgbm", "numpy", "optuna", "pandas", "pyarrow", "scipy")


def fit(frame: Frame, spec: TrainingSpec) -> Model:
    """Fits, calibrates on rows the estimator has not seen, and judges on rows that nothing before has seen.

    Args:
        frame: one row per key with label and feature columns (pandas or Arrow); rows with a null label, or a
            `population_status` other than ELIGIBLE, take no part.
        spec: see `TrainingSpec`, and `TrainingSpec.for_table` for a table of any origin.

    Raises:
        FrameError: a column is absent or holds what it must not, or a key repeats.
        TrainingError: one outcome only, a history that is too short, or too few events.
    """
    rows = spec.rows_of(frame)
    spec = spec.with_bag_for(len(rows))
    _refuse_one_outcome(rows, spec)
    split, windows = _windows(rows, spec)
    features, left_out = declare(rows.table, np.arange(len(rows)) if windows is None else windows.train, spec)
    data = rows.with_features(features.features)
    later = {
        days: truth_values(rows.table, name)
        for days, name in spec.later_labels.items()
        if name in rows.table.column_names
    }
    learned = (
        learn_by_entity(data, later, features.features, spec)
        if windows is None
        else learn_by_window(data, later, windows, features.features, spec)
    )
    not_fitted = {spec.later_labels[days]: reason for days, reason in learned.refused_horizons.items()}
    return _sealed(data, features, split, learned, {**left_out, **not_fitted}, spec)


def _windows(rows: Rows, spec: TrainingSpec) -> tuple[SplitName, WindowPlaces | None]:
    """How the table is judged, and the places of its windows; nested cross-validation has none."""
    if spec.split == "entity" or (spec.split == "auto" and len(np.unique(rows.dates)) == 1):
        # on a large table one hold-out is as sharp a judge as nested cross-validation and costs a tenth
        if len(rows) <= SMALL_TABLE_ROWS:
            return "nested", None
        return "entity", entity_places(rows.groups, rows.labels, spec.seed)
    return "time", window_places(
        rows.dates,
        rows.labels,
        embargo_days=spec.embargo_days,
        calibration_snapshots=spec.calibration_snapshots,
        test_snapshots=spec.test_snapshots,
        minimum_events=spec.minimum_events,
    )


def _refuse_one_outcome(rows: Rows, spec: TrainingSpec) -> None:
    events = int(rows.labels.sum())
    if events in (0, len(rows)):
        found = "no row" if len(rows) == 0 else ("no event" if events == 0 else "nothing but events")
        raise TrainingError(
            f"Label '{spec.label}' has {found} in {len(rows)} rows whose outcome is known; "
            "a model needs rows with and without an event: check the label, the as_of_date and the horizon."
        )


def _sealed(
    data: Dataset,
    features: FeatureRegistry,
    split: SplitName,
    learned: Learned,
    left_out: dict[str, str],
    spec: TrainingSpec,
) -> Model:
    test = learned.test
    segment_columns = [name for name in spec.segment_columns if name in data.source.column_names]
    sample = sample_rows(test.table, [spec.key[0], *segment_columns], SAMPLE_ROWS, spec.seed)
    parts = Parts(
        estimator=learned.estimator,
        scaling=Scaling(calibration=learned.curve, later=learned.later_curves, grade_scale=spec.grade_scale),
        reference=reference_bins(test, data, features.features),
        reference_sample=sample.select([*segment_columns, *features.names]).replace_schema_metadata(),
        test=pa.table(
            [test.dates, test.ids.astype(str), test.labels.astype(bool), learned.forecast], schema=TEST_SCHEMA
        ),
    )
    manifest = Manifest(
        as_of_date=spec.as_of_date or data.dates.max().item(),
        estimator=learned.estimator.kind,
        features=features.features,
        registry_digest=features.digest,
        key=spec.key,
        segment_columns=tuple(segment_columns),
        label=LabelDefinition(
            column=spec.label,
            horizon_days=spec.horizon_days,
            definition=spec.label_definition,
            later={curve.days: spec.later_labels[curve.days] for curve in learned.later_curves},
        ),
        split=split,
        embargo_days=spec.embargo_days,
        windows=Windows(train=_facts(learned.train), calibration=_facts(learned.calibration), test=_facts(test)),
        params=learned.recipe.described(),
        seed=spec.seed,
        data_digest=data.digest(),
        libraries={"python": platform.python_version()} | {name: installed_version(name) for name in LIBRARIES},
        evaluation=evaluate(test.labels, learned.forecast, test.groups, scale=spec.grade_scale, seed=spec.seed),
        later_evaluations=_later_evaluations(learned, spec),
        segments=evaluate_segments(
            test,
            learned.forecast,
            features.features,
            scale=spec.grade_scale,
            minimum_events=spec.minimum_events,
            seed=spec.seed,
        ),
        left_out=left_out,
        files={name: sha256(content) for name, content in parts.files().items()},
    )
    return Model(manifest.sealed(), parts)


def _later_evaluations(learned: Learned, spec: TrainingSpec) -> dict[int, Evaluation]:
    """Figures of longer horizons on the judged rows whose longer horizon is over, where these carry any."""
    found = {}
    for days, forecast in learned.later_forecasts.items():
        labels = learned.later_labels[days]
        known = ~np.isnan(labels)
        events = int(labels[known].sum())
        if min(events, int(known.sum()) - events) >= spec.minimum_events:
            found[days] = evaluate(
                labels[known],
                forecast[known],
                learned.test.groups[known],
                scale=spec.grade_scale,
                seed=spec.seed,
            )
    return found


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
