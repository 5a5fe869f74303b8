from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from small_portfolio import AS_OF, REGISTRY, portfolio, spec

from ml import Model, TrainingSpec, fit, score
from ml.dataset import design_matrix
from ml.errors import TrainingError


def test_the_model_finds_the_signal_and_says_so_out_of_time(model: Model) -> None:
    assert model.manifest.evaluation.auc.value > 0.7
    assert model.manifest.evaluation.ece.value < 0.03


def test_windows_are_an_embargo_apart_and_no_label_was_open(model: Model) -> None:
    windows = model.manifest.windows
    assert windows.calibration.first - windows.train.last >= timedelta(days=90)
    assert windows.test.first - windows.calibration.last >= timedelta(days=90)
    assert windows.test.last + timedelta(days=90) <= AS_OF


def test_the_same_data_in_any_order_gives_the_same_model_and_scores(
    frame: pd.DataFrame, night: pd.DataFrame, model: Model
) -> None:
    again = fit(pa.Table.from_pandas(frame.sample(frac=1, random_state=3), preserve_index=False), spec())
    assert again.version == model.version
    assert again.manifest.digest() == model.manifest.digest()
    assert score(again, night).supplier_score.equals(score(model, night).supplier_score)


def test_another_process_makes_the_same_model_and_scores(frame: pd.DataFrame) -> None:
    program = (
        "import hashlib; from small_portfolio import *; from ml import fit, score; frame = portfolio(); "
        "model = fit(frame, spec(max_rounds=10, tuning_folds=2)); night = frame[frame['as_of_date'] == AS_OF]; "
        "print(model.manifest.digest(), hashlib.sha256(score(model, night).pd.tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    model = fit(frame, spec(max_rounds=10, tuning_folds=2))
    night = frame[frame["as_of_date"] == AS_OF]
    digest = hashlib.sha256(score(model, night).pd.tobytes()).hexdigest()
    assert done.stdout.split() == [model.manifest.digest(), digest]


def test_the_number_of_threads_changes_no_score(frame: pd.DataFrame) -> None:
    one, two = (
        fit(frame, spec(params={"num_threads": threads}, max_rounds=8, tuning_folds=0)).parts.estimator.text
        for threads in (1, 2)
    )
    assert two == one.replace("[num_threads: 1]", "[num_threads: 2]")


def test_another_seed_is_another_version(frame: pd.DataFrame, model: Model) -> None:
    other = fit(frame, spec(seed=8))
    assert other.version != model.version
    assert other.version.startswith("ew-2026-06-30-")


def test_the_test_window_teaches_nothing(frame: pd.DataFrame, model: Model) -> None:
    first = model.manifest.windows.test.first
    flipped = frame.copy()
    newest = (flipped["as_of_date"] >= first) & flipped["is_distress_90d"].notna()
    flipped.loc[newest, "is_distress_90d"] = ~flipped.loc[newest, "is_distress_90d"]
    other = fit(flipped, spec())
    assert other.parts.estimator.text == model.parts.estimator.text
    assert other.parts.scaling == model.parts.scaling
    assert other.manifest.evaluation.auc.value == pytest.approx(1 - model.manifest.evaluation.auc.value)


@pytest.mark.parametrize("place", range(len(REGISTRY)))
def test_raising_a_constrained_feature_never_lowers_the_pd(model: Model, night: pd.DataFrame, place: int) -> None:
    feature = REGISTRY.features[place]
    matrix = design_matrix(pa.Table.from_pandas(night, preserve_index=False), REGISTRY.features)[:60]
    grid = np.linspace(np.nanmin(matrix[:, place]) - 1, np.nanmax(matrix[:, place]) + 1, 150, dtype=np.float32)
    moved = np.repeat(matrix, len(grid), axis=0)
    moved[:, place] = np.tile(grid, len(matrix))
    steps = np.diff(model.probability(model.raw_scores(moved)).reshape(len(matrix), len(grid)), axis=1)
    if feature.sign == 0:
        assert (steps < 0).any()
        assert (steps > 0).any()
    else:
        assert (steps * feature.sign >= 0).all()
        assert (steps * feature.sign > 0).any()


@pytest.mark.parametrize(
    ("months", "suppliers", "message"),
    [(5, 100, "cannot be split into training, calibration and test"), (20, 15, "No cut of 17 labelled snapshots with")],
)
def test_a_history_that_carries_no_model_is_refused(months: int, suppliers: int, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        fit(portfolio(suppliers, months), spec())


def test_an_embargo_shorter_than_the_horizon_is_refused() -> None:
    with pytest.raises(TrainingError, match="shorter than the horizon"):
        TrainingSpec(as_of_date=AS_OF, embargo_days=30)


def test_what_keeps_models_repeatable_is_not_for_a_spec_to_change() -> None:
    with pytest.raises(TrainingError, match="'monotone_constraints_method' is not for a spec to set"):
        spec(params={"monotone_constraints_method": "advanced"})


def test_any_table_with_key_date_and_label_can_be_learned_from() -> None:
    generator = np.random.default_rng(6)
    ratios = generator.normal(size=(1500, 3))
    table = pd.DataFrame(ratios, columns=["ROA(C) before interest", "ROA(C) before-interest", "x{y}"])
    table["firm"] = np.arange(1500)
    table["year_end"] = "2024-12-31"
    table["failed"] = (generator.random(1500) < 1 / (1 + np.exp(3 - 2 * ratios[:, 0]))).astype(int)
    cross_section = TrainingSpec.for_table(
        date="year_end", key="firm", label="failed", max_rounds=60, tuning_trials=0, bag=2
    )
    model = fit(table, cross_section)
    assert model.manifest.evaluation.auc.value > 0.8
    assert score(model, table).supplier_score.num_rows == 1500
