from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_portfolio import AS_OF, spec

from ml import Model, fit, score
from ml.calibration import Calibration
from ml.errors import TrainingError
from ml.term import LaterHorizon, TermRows, fit_term, later_probabilities

SLOPES = st.floats(0.05, 20)
CURVES = st.builds(Calibration, a=SLOPES, b=SLOPES, c=st.floats(-10, 10), rows=st.just(1), events=st.just(1))


@settings(max_examples=60)
@given(first=CURVES, second=CURVES, third=CURVES, raw=st.lists(st.floats(-12, 12), min_size=2, max_size=30))
def test_no_pd_falls_with_the_horizon_and_all_horizons_order_alike(
    first: Calibration, second: Calibration, third: Calibration, raw: list[float]
) -> None:
    scores = np.sort(np.array(raw))
    shortest = first.probability(scores)
    later = later_probabilities(
        shortest, scores, (LaterHorizon(days=180, curve=second), LaterHorizon(days=365, curve=third))
    )
    assert (shortest <= later[180]).all()
    assert (later[180] <= later[365]).all()
    assert (later[365] < 1).all()
    assert all((np.diff(pd) >= 0).all() for pd in later.values())


def with_longer_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """180 and 365 days by chaining the 90-day label of later month-ends; null where it is not over."""
    wide = frame.pivot(index="as_of_date", columns="supplier_id", values="is_distress_90d").astype(float)
    longer = frame.copy()
    for days, quarters in ((180, 2), (365, 4)):
        chained = sum(wide.shift(-3 * quarter).fillna(0) for quarter in range(quarters)) > 0
        over = pd.to_datetime(pd.Series(chained.index)) + pd.Timedelta(days=days) <= pd.Timestamp(AS_OF)
        label = chained.astype(float).where(np.broadcast_to(over.to_numpy()[:, None], chained.shape))
        longer[f"is_distress_{days}d"] = label.to_numpy().ravel()
    return longer


@pytest.fixture(scope="module")
def long_sighted(frame: pd.DataFrame) -> Model:
    return fit(with_longer_labels(frame), spec())


def test_a_night_is_scored_over_every_horizon(long_sighted: Model, night: pd.DataFrame) -> None:
    rows = score(long_sighted, night).supplier_score.to_pandas()
    assert rows[["pd_90d", "pd_180d", "pd_365d"]].notna().all(axis=None)
    assert (rows["pd_90d"] < rows["pd_180d"]).all()
    assert (rows["pd_180d"] < rows["pd_365d"]).all()
    assert long_sighted.manifest.label.later == {180: "is_distress_180d", 365: "is_distress_365d"}


def test_longer_pds_are_calibrated(long_sighted: Model, frame: pd.DataFrame) -> None:
    rows = score(long_sighted, frame).supplier_score.to_pandas()
    labels = with_longer_labels(frame)
    for days in (180, 365):
        known = labels[f"is_distress_{days}d"].notna()
        rate = labels.loc[known, f"is_distress_{days}d"].mean()
        assert rows.loc[known, f"pd_{days}d"].mean() == pytest.approx(rate, rel=0.25)


def test_the_test_window_teaches_no_longer_horizon(long_sighted: Model, frame: pd.DataFrame) -> None:
    first = pd.Timestamp(long_sighted.manifest.windows.test.first)
    changed = with_longer_labels(frame)
    for days in (180, 365):
        open_then = pd.to_datetime(changed["as_of_date"]) + pd.Timedelta(days=days) > first
        name = f"is_distress_{days}d"
        changed.loc[open_then, name] = 1 - changed.loc[open_then, name]
    assert fit(changed, spec()).parts.scaling == long_sighted.parts.scaling


def test_without_a_longer_label_there_is_no_longer_pd(model: Model, night: pd.DataFrame) -> None:
    rows = score(model, night).supplier_score
    assert rows.column("pd_180d").null_count == rows.num_rows
    assert model.manifest.label.later == {}


def test_a_horizon_without_events_is_left_out_and_said_so() -> None:
    rows = TermRows(np.zeros(50), np.zeros(50), {180: np.full(50, np.nan)})
    curves, refused = fit_term(rows, minimum_events=5)
    assert curves == ()
    assert refused == {180: "0 events in 0 rows whose 180 days were over"}


def test_a_horizon_without_a_column_in_the_score_table_is_refused() -> None:
    with pytest.raises(TrainingError, match="later horizon of 30 days"):
        spec(later_labels={30: "is_distress_30d"})
