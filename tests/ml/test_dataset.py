from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from small_portfolio import AS_OF, REGISTRY

from ml.dataset import Dataset, design_matrix, labelled, numbers
from ml.errors import FrameError


def learnable(frame: pd.DataFrame, as_of_date: date = AS_OF) -> Dataset:
    return labelled(
        frame,
        key=("as_of_date", "supplier_id"),
        label="is_distress_90d",
        group=None,
        as_of_date=as_of_date,
        horizon_days=90,
    ).with_features(REGISTRY.features)


def test_the_matrix_follows_the_registry_and_keeps_missing_missing(frame: pd.DataFrame) -> None:
    turned = frame[frame.columns[::-1]]
    matrix = design_matrix(pa.Table.from_pandas(turned, preserve_index=False), REGISTRY.features)
    for position, name in enumerate(REGISTRY.names):
        np.testing.assert_array_equal(matrix[:, position], frame[name].to_numpy(np.float32))
    assert np.isnan(matrix).any()


def test_a_renamed_column_is_refused_with_the_nearest_name(frame: pd.DataFrame) -> None:
    with pytest.raises(FrameError, match=r"lacks column 'cash_cover'.*nearest column is 'cash_cover_m'"):
        learnable(frame.rename(columns={"cash_cover": "cash_cover_m"}))


@pytest.mark.parametrize(
    ("values", "message"),
    [(["a", "b"], "of type (large_)?string, not a number"), ([1.0, np.inf], "1 infinite values")],
)
def test_what_is_no_number_is_refused(values: list[object], message: str) -> None:
    with pytest.raises(FrameError, match=message):
        numbers(pa.Table.from_pandas(pd.DataFrame({"x": values})), "x")


def test_decimals_booleans_and_nulls_are_numbers() -> None:
    table = pa.table({"d": [Decimal("1.25"), None], "b": [True, None], "n": pa.nulls(2)})
    assert [numbers(table, name)[0] for name in ("d", "b")] == [1.25, 1.0]
    assert np.isnan([numbers(table, name)[1] for name in ("d", "b", "n")]).all()


def test_only_outcomes_that_were_over_are_learned_from(frame: pd.DataFrame) -> None:
    early = date(2025, 6, 30)
    latest = learnable(frame, early).dates.max()
    assert latest + np.timedelta64(90, "D") <= np.datetime64(early)
    assert latest > np.datetime64("2025-02-01")


def test_suppliers_outside_the_population_take_no_part(frame: pd.DataFrame) -> None:
    status = np.where(frame["supplier_id"] == "S00007", "IN_DISTRESS", "ELIGIBLE")
    assert "S00007" not in set(learnable(frame.assign(population_status=status)).ids)


def test_the_order_of_delivery_leaves_no_trace(frame: pd.DataFrame) -> None:
    assert learnable(frame.sample(frac=1, random_state=1)).digest() == learnable(frame).digest()


def test_the_digest_sees_one_changed_value(frame: pd.DataFrame) -> None:
    changed = frame.copy()
    changed.loc[5, "noise"] += 1
    assert learnable(changed).digest() != learnable(frame).digest()


def test_a_repeated_key_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(FrameError, match=r"1 rows repeat a key of \(as_of_date, supplier_id\)"):
        learnable(pd.concat([frame, frame.head(1)]))


def test_a_label_that_is_no_truth_value_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(FrameError, match="must be true or false"):
        learnable(frame.assign(is_distress_90d=2.0))
