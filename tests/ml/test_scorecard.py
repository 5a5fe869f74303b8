from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_portfolio import REGISTRY, portfolio, spec

from ml import Model, TrainingSpec, fit, score
from ml.dataset import design_matrix
from ml.errors import ModelFolderError, TrainingError
from ml.features import column_feature
from ml.registry import ModelRegistry
from ml.scorecard import ScorecardEstimator, fit_scorecard


@pytest.fixture(scope="module")
def card(frame: pd.DataFrame) -> Model:
    return fit(frame, spec(estimator="scorecard"))


def estimator(model: Model) -> ScorecardEstimator:
    assert isinstance(model.parts.estimator, ScorecardEstimator)
    return model.parts.estimator


def test_a_card_is_scored_explained_and_stored_like_any_model(
    card: Model, night: pd.DataFrame, tmp_path: Path, model: Model
) -> None:
    registry = ModelRegistry(tmp_path)
    registry.save(card)
    loaded = registry.load(card.version)
    scores = score(loaded, night, role="challenger")
    assert scores.supplier_score.equals(score(card, night, role="challenger").supplier_score)
    rows = scores.supplier_score.to_pandas()
    assert (rows["raw_score"] - rows["contribution_sum"]).abs().max() <= 1e-6
    assert set(scores.score_reason.column("supplier_id").to_pylist()) == set(night["supplier_id"])
    assert card.manifest.evaluation.auc.value > model.manifest.evaluation.auc.value - 0.05


def test_points_add_up_to_the_score(card: Model, night: pd.DataFrame) -> None:
    table = estimator(card).points().to_pandas()
    matrix = design_matrix(pa.Table.from_pandas(night, preserve_index=False), card.features)[:20]
    names = [feature.name for feature in card.features]
    for row, raw in zip(matrix, estimator(card).raw_scores(matrix), strict=True):
        total = estimator(card).base_points
        for feature, lines in table.groupby("feature"):
            value = row[names.index(feature)]
            above, up_to = lines["above"].fillna(-np.inf), lines["up_to"].fillna(np.inf)
            here = lines["is_missing"] if np.isnan(value) else ~lines["is_missing"] & (above < value) & (value <= up_to)
            assert here.sum() == 1
            total += lines.loc[here, "points"].item()
        assert total == pytest.approx(-40 / np.log(2) * raw, abs=0.1 * len(names))


@settings(max_examples=60)
@given(data=st.data())
def test_a_worse_value_never_lowers_the_raw_score(card: Model, data: st.DataObject) -> None:
    values = st.floats(-10, 10, width=32)
    row = np.array([data.draw(st.one_of(values, st.just(np.nan))) for _ in REGISTRY], dtype=np.float32)
    place = data.draw(st.sampled_from([place for place, sign in enumerate(REGISTRY.signs) if sign]))
    low, high = sorted(data.draw(st.tuples(values, values)))
    both = np.stack([row, row])
    both[:, place] = low, high
    lower, higher = estimator(card).raw_scores(both)
    assert REGISTRY.signs[place] * (higher - lower) >= 0


def test_noise_earns_no_points(card: Model) -> None:
    assert "noise" not in set(estimator(card).points().column("feature").to_pylist())


def test_a_table_of_noise_makes_no_card() -> None:
    frame = portfolio(200)
    generator = np.random.default_rng(0)
    shuffled = frame.assign(**{name: generator.normal(size=len(frame)) for name in REGISTRY.names})
    with pytest.raises(TrainingError, match="has an information value of"):
        fit(shuffled, spec(estimator="scorecard"))


def test_a_small_table_makes_a_card_of_what_tells_and_not_of_noise() -> None:
    """Weights of small bins are shrunk, and so must be the level that they are compared with."""
    found = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        signal = generator.normal(size=400)
        table = pd.DataFrame(
            {
                "firm": np.arange(400),
                "day": "2024-12-31",
                "failed": generator.random(400) < 1 / (1 + np.exp(2 - signal)),
                "signal": signal,
                **{f"noise {number}": generator.normal(size=400) for number in range(10)},
            }
        )
        rows = TrainingSpec.for_table(key="firm", date="day", label="failed", estimator="scorecard").rows_of(table)
        features = [column_feature(name) for name in table.columns[3:]]
        card = fit_scorecard(rows.with_features(features), features).card
        found.append(sorted(card.features))
    assert all(0 in places for places in found)
    assert sum(len(places) - 1 for places in found) <= 10


def test_a_text_that_is_no_card_is_refused() -> None:
    with pytest.raises(ModelFolderError, match=r"model\.txt is not a scorecard"):
        _ = ScorecardEstimator('{"names": []}').summary
