from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from small_portfolio import spec

from ml import Model, fit, score
from ml.change import CHANGE_SCHEMA, score_change
from ml.errors import FrameError

YESTERDAY = date(2026, 6, 29)


@pytest.fixture(scope="module")
def before(night: pd.DataFrame) -> pd.DataFrame:
    """The night before: every tenth supplier had more cash, and of every seventh the sales were not known."""
    place = np.arange(len(night))
    return night.assign(
        as_of_date=YESTERDAY,
        cash_cover=night["cash_cover"] + np.where(place % 10 == 0, 3.0, 0.0),
        sales_trend=night["sales_trend"].where(place % 7 != 0),
    )


def change(model: Model, now: pd.DataFrame, before: pd.DataFrame, by: Model) -> pd.DataFrame:
    return score_change(model, now, before, score(by, before).supplier_score).to_pandas().set_index("supplier_id")


def test_the_parts_add_up_to_what_the_score_moved(model: Model, night: pd.DataFrame, before: pd.DataFrame) -> None:
    found = change(model, night, before, model)
    raw = [
        score(model, rows).supplier_score.to_pandas().set_index("supplier_id")["raw_score"] for rows in (night, before)
    ]
    moved = (raw[0] - raw[1]).loc[found.index]
    np.testing.assert_allclose(found["raw_score_change"], moved, atol=1e-9)
    parts = found["from_data"] + found["from_behaviour"] + found["from_model"]
    np.testing.assert_allclose(parts, found["raw_score_change"], atol=1e-6)
    assert (found["from_model"] == 0).all()


def test_data_that_arrived_is_told_from_behaviour(model: Model, night: pd.DataFrame, before: pd.DataFrame) -> None:
    found = change(model, night, before, model)
    place = pd.Series(np.arange(len(night)), index=night["supplier_id"]).loc[found.index]
    known = night.set_index("supplier_id")["sales_trend"].notna().loc[found.index]
    arrived = (place % 7 == 0) & known
    assert (found.loc[~arrived, "from_data"] == 0).all()
    assert (found.loc[arrived & (place % 10 != 0), "from_behaviour"] == 0).all()
    assert (found.loc[~arrived, "largest_feature"] == "cash_cover").all()
    untouched = night["supplier_id"][(np.arange(len(night)) % 7 != 0) & (np.arange(len(night)) % 10 != 0)]
    assert not set(untouched) & set(found.index)


def test_another_model_has_a_part_of_its_own(
    model: Model, frame: pd.DataFrame, night: pd.DataFrame, before: pd.DataFrame
) -> None:
    other = fit(frame, spec(seed=8, max_rounds=30, tuning_folds=0))
    found = change(other, night, before, model)
    parts = found["from_data"] + found["from_behaviour"] + found["from_model"]
    np.testing.assert_allclose(parts, found["raw_score_change"], atol=1e-6)
    assert (found["from_model"] != 0).mean() > 0.9
    assert set(found["previous_model_version"]) == {model.version}
    assert set(found["model_version"]) == {other.version}


def test_who_was_not_scored_before_is_left_out(model: Model, night: pd.DataFrame, before: pd.DataFrame) -> None:
    earlier = score(model, before.assign(population_status="EXITED")).supplier_score
    empty = score_change(model, night, before, earlier)
    assert empty.schema == CHANGE_SCHEMA
    assert empty.num_rows == 0


def test_a_night_of_two_dates_is_refused(model: Model, night: pd.DataFrame, before: pd.DataFrame) -> None:
    both = pd.concat([night, before])
    with pytest.raises(FrameError, match="one date each"):
        score_change(model, both, before, score(model, before).supplier_score)
