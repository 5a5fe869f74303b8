"""`ml.fit` and `ml.score` on tables that nobody prepared for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml import Model, TrainingSpec, fit, score
from ml.dataset import category_codes
from ml.drift import feature_drift
from ml.errors import FrameError, TrainingError
from ml.registry import ModelRegistry

FIRMS = 600


def firms(rows: int = FIRMS, seed: int = 6) -> pd.DataFrame:
    """One balance sheet a firm, with all that real tables come with."""
    generator = np.random.default_rng(seed)
    ratio = generator.normal(size=rows)
    sector = generator.choice(["retail", "mining", "farming", "космос"], rows, p=[0.5, 0.3, 0.19, 0.01])
    hazard = 1 / (1 + np.exp(3 - 2 * ratio - 1.5 * (sector == "mining")))
    return pd.DataFrame(
        {
            "firm": [f"F{number}" for number in range(rows)],
            "year_end": "2024-12-31",
            "failed": generator.random(rows) < hazard,
            "ROA(C) before interest": np.where(generator.random(rows) < 0.1, np.nan, ratio),
            "ROA(C) before-interest": generator.normal(size=rows),
            "x{y}": np.where(generator.random(rows) < 0.05, np.inf, generator.normal(size=rows) * 1e300),
            "sector": pd.Categorical(np.where(generator.random(rows) < 0.05, None, sector)),
            "always": 1.0,
            "never": None,
            "name": [f"Firm number {number}" for number in range(rows)],
            "founded": pd.Timestamp("2000-01-01"),
        }
    )


def firm_spec(**changes: Any) -> TrainingSpec:
    quick: dict[str, Any] = {"max_rounds": 40, "tuning_trials": 0, "bag": 2, "folds": 3}
    return TrainingSpec.for_table(key="firm", date="year_end", label="failed", **(quick | changes))


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(firms(), firm_spec())


def test_a_cross_section_is_judged_row_by_row_on_models_that_never_saw_the_firm(model: Model) -> None:
    assert model.manifest.split == "nested"
    assert model.parts.test.num_rows == FIRMS
    assert model.manifest.evaluation.auc.value > 0.75
    # in-sample figures would be far above
    labels = firms()["failed"].to_numpy()
    seen = score(model, firms()).pd
    assert np.mean(seen[labels][:, None] > seen[~labels][None, :]) > model.manifest.evaluation.auc.value


def test_columns_that_carry_nothing_are_left_out_with_the_reason(model: Model) -> None:
    assert model.manifest.left_out == {
        "always": "the same in every row",
        "never": "missing in every row",
        "name": f"text with {FIRMS} different values in {FIRMS} rows",
        "founded": model.manifest.left_out["founded"],
    }
    assert model.manifest.left_out["founded"].startswith("of type timestamp")
    names = [feature.name for feature in model.features]
    assert names == sorted(names) == ["ROA(C) before interest", "ROA(C) before-interest", "sector", "x{y}"]


def test_text_is_a_category_and_an_unknown_one_is_scored(model: Model) -> None:
    (sector,) = (feature for feature in model.features if feature.name == "sector")
    assert sector.categories is not None
    assert sector.categories[0] == "retail"
    frame = pd.DataFrame({"sector": ["retail", "new in 2026", None]})
    codes = category_codes(pa.Table.from_pandas(frame), sector)
    np.testing.assert_array_equal(codes, [0, len(sector.categories), np.nan])
    changed = score(model, firms().assign(sector="new in 2026"))
    assert not np.isnan(changed.pd).any()
    mining = score(model, firms().assign(sector="mining")).pd
    assert mining.mean() > 1.2 * score(model, firms().assign(sector="retail")).pd.mean()
    texts = " ".join(score(model, firms()).score_reason.column("reason_text").to_pylist())
    assert "sector is mining (most peers retail)" in texts


def test_an_infinite_value_is_larger_than_any_other() -> None:
    table = firms(400)
    table["cover"] = np.where(table["failed"], np.inf, np.random.default_rng(1).normal(size=400))
    model = fit(table, firm_spec(features=["cover"], monotone={"cover": 1}))
    assert model.manifest.evaluation.auc.value > 0.99
    worst = score(model, table.assign(cover=np.inf)).pd
    assert (worst >= score(model, table.assign(cover=1e6)).pd).all()
    reasons = score(model, table).score_reason.to_pandas()
    assert reasons["reason_text"].str.contains("cover is inf").any()


def test_drift_is_measured_on_categories_and_infinite_values_too(model: Model) -> None:
    day = model.manifest.as_of_date
    quiet = feature_drift(firms(seed=11), model, day).to_pandas().set_index("feature_name")
    assert not quiet["is_drifted"].any()
    moved = feature_drift(firms(seed=11).assign(sector="mining"), model, day).to_pandas().set_index("feature_name")
    assert moved.index[moved["is_drifted"]].tolist() == ["sector"]


def test_a_saved_model_scores_a_foreign_table_alike(model: Model, tmp_path: Any) -> None:
    registry = ModelRegistry(tmp_path)
    registry.save(model)
    np.testing.assert_array_equal(score(registry.load(model.version), firms()).pd, score(model, firms()).pd)


def test_pandas_and_arrow_give_the_same_model(model: Model) -> None:
    table = pa.Table.from_pandas(firms().sample(frac=1, random_state=2), preserve_index=False)
    assert fit(table, firm_spec()).version == model.version


def test_groups_are_not_torn_apart() -> None:
    """A label that belongs to the owner, not to the firm, cannot be learned from firms of other owners."""
    generator = np.random.default_rng(3)
    owner = np.repeat(np.arange(150), 4)
    table = pd.DataFrame(
        {
            "firm": np.arange(600),
            "year_end": "2024-12-31",
            "failed": np.repeat(generator.random(150) < 0.3, 4),
            "owner": owner.astype(str),
            "fingerprint": np.repeat(generator.normal(size=150), 4),
        }
    )
    by_heart = {
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": 1e-3,
        "lambda_l2": 0,
        "num_leaves": 63,
        "max_depth": -1,
    }
    together = fit(table, firm_spec(features=["fingerprint"], group="owner", params=by_heart, bag=1))
    apart = fit(table, firm_spec(features=["fingerprint"], params=by_heart, bag=1))
    assert together.manifest.evaluation.auc.value < 0.62
    assert apart.manifest.evaluation.auc.value > 0.75


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"failed": False}, TrainingError, "'failed' has no event in 600 rows"),
        ({"failed": True}, TrainingError, "nothing but events"),
        ({"failed": None}, TrainingError, "has no row in 0 rows"),
        ({"failed": "perhaps"}, FrameError, r"'failed' is text \(perhaps\); give true"),
        ({"failed": [1, 2] * 300}, FrameError, r"'failed' must be true or false \(1 or 0\); it holds 1, 2: give true"),
        ({"firm": "F1"}, FrameError, "599 rows repeat a key of"),
        ({"firm": None}, FrameError, "'firm' is null in 600 rows"),
        ({"year_end": "last year"}, FrameError, "'year_end' holds no dates"),
        ({"year_end": 2024}, FrameError, "'year_end' is of type int64, no date"),
        ({"sector": [1, "a"] * 300}, FrameError, "Column 'sector' mixes types"),
        ({"sector": [1j] * 600}, FrameError, "Column 'sector' holds what no table takes"),
        ({"sector": [10**25] * 600}, FrameError, "Column 'sector' holds what no table takes"),
        ({"sector": pd.cut(np.arange(600), 3)}, FrameError, "Column 'sector' holds categories of type .*; make text"),
        ({"": 1.0}, FrameError, "Column 12 of the table has no name"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_a_sentence(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fit(firms().assign(**change), firm_spec())


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(FrameError, match="A table is needed, of pandas or of Arrow, not a dict"):
        fit({"firm": [1]}, firm_spec())  # type: ignore[arg-type]
    with pytest.raises(FrameError, match="'firm' is in the index of the table; reset_index"):
        fit(firms().set_index("firm"), firm_spec())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"estimator": "xgboost"}, "estimator is 'xgboost'; it must be one of 'lightgbm', 'scorecard'"),
        ({"split": "nested"}, "split is 'nested'; it must be one of 'auto', 'time', 'entity'"),
        ({"tuning_metric": "f1"}, "tuning_metric is 'f1'"),
        ({"params": {"num_leafs": 3}}, r"no parameter 'num_leafs' of lightgbm to set \(did you mean 'num_leaves'\?\)"),
        ({"params": {"num_leaves": "many"}}, "Parameter 'num_leaves' is 'many'; give a number"),
        ({"params": {"num_leaves": 3}, "estimator": "scorecard"}, "no parameter 'num_leaves' of scorecard"),
        ({"monotone": {"x": 2}}, "The direction of 'x' is 2; give 1, -1 or 0"),
        ({"features": ["x", "failed"]}, "Feature 'failed' is an outcome and nothing to learn from"),
        ({"features": ["firm"]}, "Feature 'firm' is part of the key and nothing to learn from"),
        ({"date": None}, "are names of columns, not"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        TrainingSpec.for_table(**({"key": "firm", "date": "year_end", "label": "failed"} | change))


def test_the_order_of_columns_leaves_no_trace(model: Model) -> None:
    assert fit(firms()[firms().columns[::-1]], firm_spec()).version == model.version


def test_names_that_a_booster_takes_for_one_stay_apart() -> None:
    table = firms(200).rename(columns={"ROA(C) before interest": "a b", "x{y}": "a_b", "always": "a_b__0"})
    named = fit(table, firm_spec(features=["a b", "a_b", "a_b__0"]))
    assert len(set(named.parts.estimator.input_names)) == 3


def test_a_category_learned_as_text_is_not_taken_from_another_type(model: Model) -> None:
    for values in (True, 1.0):
        with pytest.raises(FrameError, match=r"Column 'sector' is of type .*, and the model has learned from text"):
            score(model, firms().assign(sector=values))
    assert not np.isnan(score(model, firms().assign(sector=None)).pd).any()


def test_numbers_written_as_text_are_told() -> None:
    charges = [f"{number}.5" for number in range(FIRMS - 1)] + [" "]
    model = fit(firms().assign(charges=charges), firm_spec())
    assert model.manifest.left_out["charges"].endswith("most of them numbers written as text; ' ' is none: convert it")


def test_loans_that_begin_on_any_day_are_judged_by_time() -> None:
    table = firms(3000)
    table["year_end"] = (pd.Timestamp("2014-01-01") + pd.to_timedelta(np.arange(3000), unit="D")).date
    model = fit(table, firm_spec(bag=1))
    windows = model.manifest.windows
    assert model.manifest.split == "time"
    assert windows.test.rows >= 250
    assert windows.calibration.rows >= 200
    assert windows.train.rows >= 1500


def test_a_table_without_a_feature_is_refused() -> None:
    with pytest.raises(TrainingError, match="No column is left to learn from: always is the same in every row"):
        fit(firms()[["firm", "year_end", "failed", "always"]], firm_spec())
    with pytest.raises(FrameError, match="Feature 'founded' cannot be learned from: it is of type timestamp"):
        fit(firms(), firm_spec(features=["founded"]))


def test_two_columns_of_one_name_are_refused() -> None:
    table = firms()
    table.columns = [*table.columns[:-1], "firm"]
    with pytest.raises(FrameError, match="2 columns named 'firm'"):
        fit(table, firm_spec())


def test_a_tiny_table_is_learned_from_and_a_tinier_one_refused() -> None:
    table = firms(60)
    table["failed"] = np.arange(60) < 6
    tiny = fit(table, firm_spec())
    assert tiny.manifest.evaluation.events == 6
    table["failed"] = np.arange(60) < 2
    with pytest.raises(TrainingError, match="holds 2 events in 60 rows"):
        fit(table, firm_spec())


def test_the_label_may_be_text_of_zeros_and_ones() -> None:
    table = firms(200)
    version = fit(table, firm_spec()).version
    for texts in (table["failed"].astype(int).astype(str), table["failed"].map({True: "TRUE", False: "False"})):
        assert fit(table.assign(failed=pd.Categorical(texts)), firm_spec()).version == version


def test_tuning_is_bounded_seeded_and_inside_the_training_rows() -> None:
    tuned = firm_spec(tuning_trials=3, bag=1, folds=2, max_rounds=20)
    first, second = (fit(firms(300), tuned) for _ in range(2))
    assert first.version == second.version
    assert first.manifest.params["rounds"] <= 20


def test_a_tuned_model_is_no_larger_than_its_reasons_may_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.tuning.MOST_WORK", 40_000)
    for depth in (5, -1):
        spec = firm_spec(tuning_trials=3, bag=2, folds=2, max_rounds=200, params={"max_depth": depth})
        tuned = fit(firms(300), spec).manifest.params
        depth = tuned["max_depth"] if tuned["max_depth"] > 0 else tuned["num_leaves"] - 1
        assert tuned["num_leaves"] * depth**2 * tuned["rounds"] * tuned["bag"] <= 40_000
