from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_portfolio import AS_OF, portfolio

from ml import Model, score
from ml.dataset import Matrix
from ml.errors import FrameError, ScoringError
from ml.scoring import AGAINST, FOR, NOTHING_AGAINST, REASON_SCHEMA, SCORE_SCHEMA

Change = Callable[[str, Any], np.ndarray]


def test_every_row_is_scored_or_says_why_not(model: Model, night: pd.DataFrame) -> None:
    unknown = night["supplier_id"] == "S00003"
    changed = night.assign(
        population_status=np.where(night["supplier_id"] == "S00001", "IN_DISTRESS", "ELIGIBLE"),
        not_scored_reason=np.where(night["supplier_id"] == "S00002", "The tax number is in doubt.", None),
    )
    changed.loc[unknown, [feature.name for feature in model.features]] = np.nan
    scores = score(model, changed, scored_at=datetime(2026, 6, 30, 2, 0, tzinfo=UTC)).supplier_score
    assert scores.schema.equals(SCORE_SCHEMA)
    rows = scores.to_pandas().set_index("supplier_id")
    assert len(rows) == len(night)
    assert rows.loc["S00001", "not_scored_reason"].startswith("The supplier is in distress already")
    assert rows.loc["S00002", "not_scored_reason"] == "The tax number is in doubt."
    assert rows.loc["S00003", "not_scored_reason"].startswith("None of the model's features is known")
    refused = rows["status"] == "NOT_SCORED"
    assert refused.sum() == 3
    assert rows.loc[refused, ["pd_90d", "grade", "score", "raw_score"]].isna().all(axis=None)
    assert rows.loc[~refused, ["pd_90d", "grade", "score", "raw_score"]].notna().all(axis=None)


def test_contributions_sum_to_the_raw_score(model: Model, night: pd.DataFrame) -> None:
    rows = score(model, night).supplier_score.to_pandas()
    assert (rows["raw_score"] - rows["contribution_sum"]).abs().max() <= 1e-6


def test_pd_grade_and_score_tell_one_order(model: Model, night: pd.DataFrame) -> None:
    rows = score(model, night).supplier_score.to_pandas().sort_values("raw_score")
    assert rows["pd_90d"].between(0, 1, inclusive="neither").all()
    assert rows["pd_90d"].is_monotonic_increasing
    assert rows["grade"].is_monotonic_increasing
    assert rows["score"].is_monotonic_decreasing
    assert rows["grade"].nunique() > 3


def test_a_score_does_not_depend_on_the_company_it_is_in(model: Model, night: pd.DataFrame) -> None:
    alone = score(model, night.head(1)).supplier_score.to_pandas()
    among = score(model, night.sample(frac=1, random_state=1)[night.columns[::-1]]).supplier_score.to_pandas()
    among = among[among["supplier_id"] == alone["supplier_id"][0]]
    pd.testing.assert_series_equal(alone.iloc[0], among.iloc[0], check_names=False)


def test_worse_figures_raise_the_pd(scored_change: Change, night: pd.DataFrame) -> None:
    assert scored_change("cash_cover", -5.0).mean() > 1.5 * scored_change("cash_cover", night["cash_cover"]).mean()


def test_reasons_are_the_largest_positive_contributions_in_order(model: Model, night: pd.DataFrame) -> None:
    scores = score(model, night)
    reasons = scores.score_reason.to_pandas()
    assert scores.score_reason.schema.equals(REASON_SCHEMA)
    reasons = reasons[reasons["direction"] == AGAINST]
    assert set(reasons["supplier_id"]) == set(night["supplier_id"])
    assert reasons.groupby("supplier_id")["contribution"].apply(lambda amounts: amounts.is_monotonic_decreasing).all()
    assert (reasons.groupby("supplier_id")["reason_rank"].max() <= 5).all()
    neutral = reasons["contribution"] <= 0
    assert (reasons.loc[neutral, "reason_rank"] == 1).all()
    assert reasons.loc[neutral, "reason_text"].str.startswith(NOTHING_AGAINST).all()
    assert not reasons.loc[~neutral, "reason_text"].str.startswith(NOTHING_AGAINST).any()


def test_what_speaks_for_a_supplier_is_known_and_lowers_its_risk(model: Model, night: pd.DataFrame) -> None:
    reasons = score(model, night).score_reason.to_pandas()
    protective = reasons[reasons["direction"] == FOR]
    assert len(protective) > len(night) / 2
    assert (protective["contribution"] < 0).all()
    assert (protective["reason_rank"] <= 3).all()
    assert protective["feature_value"].notna().all()
    ordered = protective.groupby("supplier_id")["contribution"]
    assert ordered.apply(lambda amounts: amounts.is_monotonic_increasing).all()
    assert not protective["reason_text"].str.startswith(NOTHING_AGAINST).any()


def test_families_add_up_to_the_raw_score(model: Model, night: pd.DataFrame) -> None:
    scores = score(model, night)
    rows = scores.supplier_score.to_pandas().set_index("supplier_id")
    families = scores.score_family.to_pandas()
    assert set(families["family"]) == {feature.family for feature in model.features}
    sums = families.groupby("supplier_id")["contribution"].sum()
    np.testing.assert_allclose(rows["base_value"] + sums.loc[rows.index], rows["raw_score"], atol=1e-6)


def test_the_next_grade_is_the_one_a_worse_pd_would_get(model: Model, night: pd.DataFrame) -> None:
    rows = score(model, night).supplier_score.to_pandas()
    below = rows[rows["next_grade_pd"].notna()]
    assert (below["next_grade_pd"] > below["pd_90d"]).all()
    np.testing.assert_array_equal(model.scale.grades(below["next_grade_pd"].to_numpy()), below["grade"] + 1)
    assert (rows.loc[rows["next_grade_pd"].isna(), "grade"] == 10).all()


def test_a_reason_carries_its_value_and_the_median_of_its_peers(model: Model, night: pd.DataFrame) -> None:
    reasons = score(model, night).score_reason.to_pandas()
    medians = night.groupby(["sector_code", "size_class"])["overdue_share"].median()
    rows = night.set_index("supplier_id")
    checked = reasons[reasons["feature_name"] == "overdue_share"]
    assert len(checked) > 10
    for reason in checked.itertuples():
        row = rows.loc[reason.supplier_id]
        assert reason.feature_value == row["overdue_share"]
        assert reason.peer_value == pytest.approx(medians[row["sector_code"], row["size_class"]])
        assert f"{reason.feature_value:.0%} is overdue (peers {reason.peer_value:.0%})" in reason.reason_text


def test_a_small_peer_group_falls_back_to_all(model: Model, night: pd.DataFrame) -> None:
    lonely = night.assign(sector_code=np.where(night["supplier_id"] == "S00000", "A01", night["sector_code"]))
    reasons = score(model, lonely.assign(overdue_share=night["overdue_share"].where(night.index != 0, 0.99)))
    rows = reasons.score_reason.to_pandas().query("supplier_id == 'S00000' and feature_name == 'overdue_share'")
    expected = night["overdue_share"].where(night.index != 0, 0.99).median()
    assert rows["peer_value"].tolist() == pytest.approx([expected])


@pytest.mark.parametrize("who", ["some", "all"])
def test_suppliers_of_no_known_sector_are_each_other_s_peers(model: Model, night: pd.DataFrame, who: str) -> None:
    unknown = (night.index % 2 == 0) | (who == "all")
    changed = night.assign(sector_code=night["sector_code"].where(~unknown, None), size_class=None)
    reasons = score(model, changed).score_reason.to_pandas().query("feature_name == 'overdue_share'")
    expected = changed[unknown]["overdue_share"].median()
    found = reasons[reasons["supplier_id"].isin(night[unknown]["supplier_id"])]["peer_value"]
    assert len(found) > 5
    assert found.to_numpy() == pytest.approx(expected)


def test_a_flag_that_is_not_raised_is_no_reason(model: Model, night: pd.DataFrame) -> None:
    reasons = score(model, night).score_reason.to_pandas()
    blocked = reasons[reasons["reason_text"].str.contains("An account is blocked")]
    assert (blocked["feature_value"] == 1).all()


def test_a_night_without_anyone_to_score_gives_rows_and_no_reasons(model: Model, night: pd.DataFrame) -> None:
    scores = score(model, night.assign(population_status="EXITED"))
    assert set(scores.supplier_score.column("status").to_pylist()) == {"NOT_SCORED"}
    assert scores.score_reason.num_rows == 0


def test_a_missing_or_renamed_feature_is_refused(model: Model, night: pd.DataFrame) -> None:
    with pytest.raises(FrameError, match="lacks column 'sales_trend'"):
        score(model, night.drop(columns="sales_trend"))


def test_contributions_that_miss_the_raw_score_stop_the_night(model: Model, night: pd.DataFrame) -> None:
    class Drifting(type(model.parts.estimator)):  # type: ignore[misc]
        def raw_scores(self, matrix: Matrix) -> np.ndarray:
            return super().raw_scores(matrix) + 2e-6

    wrong = replace(model, parts=replace(model.parts, estimator=Drifting(model.parts.estimator.text)))
    with pytest.raises(ScoringError, match=r"miss its raw score by 2\.00e-06"):
        score(wrong, night)


def test_several_dates_are_scored_at_once_each_among_its_own_peers(model: Model) -> None:
    frame = portfolio().query("as_of_date >= @AS_OF.replace(month=5, day=31)")
    both = score(model, frame).supplier_score.to_pandas()
    alone = score(model, frame[frame["as_of_date"] == AS_OF]).supplier_score.to_pandas()
    pd.testing.assert_frame_equal(both[both["as_of_date"] == AS_OF].reset_index(drop=True), alone)
