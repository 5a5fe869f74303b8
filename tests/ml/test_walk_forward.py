from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from small_portfolio import portfolio, spec

from ml.backtest.walk_forward import walk_forward
from ml.errors import TrainingError

QUICK = {"max_rounds": 20, "tuning_folds": 0}


def test_each_snapshot_is_forecast_by_a_model_that_could_have_existed(frame: pd.DataFrame) -> None:
    result = walk_forward(frame, spec(**QUICK), refit_every=4)
    rows = result.forecasts.to_pandas()
    age = pd.to_datetime(rows["as_of_date"]) - pd.to_datetime(rows["fitted_as_of"])
    assert (age >= pd.Timedelta(0)).all()
    assert (age <= pd.Timedelta(days=130)).all()
    assert rows["as_of_date"].max() + timedelta(days=90) <= frame["as_of_date"].max()
    assert result.evaluation.auc.value > 0.7
    assert set(result.snapshots) <= set(rows["as_of_date"])
    assert len(result.snapshots) > 5


def test_what_happened_later_changes_no_earlier_forecast(frame: pd.DataFrame) -> None:
    """A forecast of a date depends on labels alone whose horizon was over on that date."""
    before = walk_forward(frame, spec(**QUICK), refit_every=4).forecasts.to_pandas()
    cut = sorted(before["as_of_date"].unique())[5]
    changed = frame.copy()
    unknown = (pd.to_datetime(changed["as_of_date"]) + pd.Timedelta(days=90) > pd.Timestamp(cut)) & changed[
        "is_distress_90d"
    ].notna()
    changed.loc[unknown, "is_distress_90d"] = np.random.default_rng(0).random(int(unknown.sum())) < 0.5
    after = walk_forward(changed, spec(**QUICK), refit_every=4).forecasts.to_pandas()
    early = before["as_of_date"] <= cut
    np.testing.assert_array_equal(before.loc[early, "pd_90d"], after.loc[early, "pd_90d"])
    assert (before.loc[~early, "pd_90d"] != after.loc[~early, "pd_90d"]).any()


def test_a_history_without_a_past_is_refused() -> None:
    with pytest.raises(TrainingError, match="None of 5 snapshots has"):
        walk_forward(portfolio(100, 8), spec(**QUICK))
