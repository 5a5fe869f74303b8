"""Point-in-time features of a portfolio of eighteen months: values, missing values, labels, and nights that replay."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from feature_portfolio import BEFORE_LAST, DELIVERIES, LAST
from tiny_warehouse import Warehouse, WarehouseFactory

from ml.features import load_registry
from pipelines.feature_docs import TARGET, supplier_daily_docs

KEYS = [
    "as_of_date",
    "supplier_id",
    "party_id",
    "sector_code",
    "size_class",
    "population_status",
    "not_scored_reason",
    "data_depth",
]


def build_features(warehouse: Warehouse, as_of: date, since: date | None = None, with_tests: bool = True) -> None:
    """Build the features and labels of a night with all they are made of, by default with their data tests."""
    models = warehouse.project.with_upstream(warehouse.project.models("supplier_label"))
    warehouse.build(as_of, since, models, with_tests)


def rows_of(warehouse: Warehouse, as_of: date) -> dict[str, dict[str, Any]]:
    """Rows of a night by supplier, each a mapping of columns."""
    with duckdb.connect(str(warehouse.path), read_only=True) as connection:
        found = connection.execute("select * from features.supplier_daily where as_of_date = ?", [as_of])
        columns = [column[0] for column in found.description]
        rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    return {row["supplier_id"]: row for row in rows}


def differences(left: dict[str, dict[str, Any]], right: dict[str, dict[str, Any]]) -> list[tuple[str, str, Any, Any]]:
    """Cells that differ, be it in the last bit."""
    assert left.keys() == right.keys()
    return [
        (supplier, column, value, right[supplier][column])
        for supplier, row in left.items()
        for column, value in row.items()
        if value != right[supplier][column]
    ]


@pytest.fixture(scope="module")
def everything(warehouses: WarehouseFactory) -> Warehouse:
    """All deliveries, built in one go on the last night."""
    warehouse = warehouses.empty()
    warehouse.deliver(DELIVERIES)
    build_features(warehouse, LAST)
    return warehouse


@pytest.fixture(scope="module")
def truncated(warehouses: WarehouseFactory) -> Warehouse:
    """Only what had been delivered by the night before the last, built on it."""
    warehouse = warehouses.empty()
    warehouse.deliver([delivery for delivery in DELIVERIES if delivery.batch_date <= BEFORE_LAST])
    build_features(warehouse, BEFORE_LAST, with_tests=False)
    return warehouse


@pytest.fixture(scope="module")
def last_night(everything: Warehouse) -> dict[str, dict[str, Any]]:
    return rows_of(everything, LAST)


def test_columns_are_the_registry(everything: Warehouse) -> None:
    columns = everything.query(
        "select column_name, data_type from information_schema.columns where table_schema = 'features' "
        "and table_name = 'supplier_daily' order by ordinal_position"
    )
    assert [name for name, _ in columns] == [*KEYS, *load_registry().names]
    assert {data_type for name, data_type in columns if name not in KEYS} == {"DOUBLE"}


def test_column_docs_are_up_to_date() -> None:
    assert Path(TARGET).read_text(encoding="utf-8") == supplier_daily_docs(load_registry()), (
        "The registry has changed: run `python -m pipelines.feature_docs`."
    )


def test_registry_covers_every_source_and_family() -> None:
    registry = load_registry()
    assert len(registry) >= 150
    assert all(feature.reason_zh for feature in registry)
    assert len({feature.indicator_id for feature in registry}) >= 60
    assert {source for feature in registry for source in feature.sources} == {
        "platform",
        "erp",
        "tax",
        "bank",
        "external",
    }
    assert all(feature.sources for feature in registry)


def test_earlier_night_ignores_later_deliveries(everything: Warehouse, truncated: Warehouse) -> None:
    assert differences(rows_of(everything, BEFORE_LAST), rows_of(truncated, BEFORE_LAST)) == []


def test_night_after_night_equals_one_build(everything: Warehouse, truncated: Warehouse, tmp_path: Path) -> None:
    nightly = truncated.copy(tmp_path / "nightly")
    nightly.deliver([delivery for delivery in DELIVERIES if delivery.batch_date > BEFORE_LAST])
    build_features(nightly, LAST, since=BEFORE_LAST)
    assert differences(rows_of(nightly, LAST), rows_of(everything, LAST)) == []
    assert differences(rows_of(nightly, BEFORE_LAST), rows_of(everything, BEFORE_LAST)) == []


def test_source_that_does_not_reach_a_supplier_leaves_its_features_missing(
    last_night: dict[str, dict[str, Any]],
) -> None:
    registry = load_registry()
    for supplier, absent in (("S2", {"tax", "bank"}), ("S3", {"bank", "erp"}), ("S5", {"tax", "bank", "erp"})):
        known = [
            f.name
            for f in registry
            if set(f.sources) & absent and "external" not in f.sources and last_night[supplier][f.name] is not None
        ]
        assert known == [], supplier


def test_authorised_supplier_without_activity_has_real_zeros(last_night: dict[str, dict[str, Any]]) -> None:
    silent = last_night["S3"]
    assert silent["zero_invoice_months_12m"] == 6
    assert silent["days_since_last_invoice"] == (LAST - date(2025, 9, 30)).days
    assert silent["vat_sales_yoy_3m"] == -1
    assert silent["vat_sales_change_3m"] is None


def test_money_features(last_night: dict[str, dict[str, Any]], everything: Warehouse) -> None:
    row = last_night["S1"]
    # 50,000 + 50,000 + 50,000 - 100,000 voided in March, against 300,000 a year before
    assert row["vat_sales_yoy_3m"] == pytest.approx(50_000 / 300_000 - 1)
    assert rows_of(everything, BEFORE_LAST)["S1"]["vat_sales_yoy_3m"] == pytest.approx(200_000 / 300_000 - 1)
    # 90,000 of purchases in half a year against 350,000 of sales
    assert row["anchor_dependence_6m"] == 1
    assert row["customer_hhi_6m"] == 1
    # 60,000 a month leave, the returned salary is taken back: 30,000 on the account last for 15 days
    assert row["cash_buffer_days"] == pytest.approx(30_000 / (180_000 / 90))
    assert row["returned_payments_90d"] == 3
    assert row["salary_regularity_6m"] == 0
    # paid 10 days late each time, and once 30 days late by the correction
    assert 10 <= row["days_late_weighted_6m"] < 15
    assert last_night["S2"]["days_late_weighted_6m"] == pytest.approx(10)
    # the retention is not overdue
    assert last_night["S2"]["overdue_share_90_plus"] == 0
    assert row["anchor_liability_to_assets"] == pytest.approx(0.7)
    assert row["financing_longest_dpd"] == (LAST - date(2026, 2, 1)).days
    assert row["financing_overdue_share"] == 1


def test_population_and_depth(last_night: dict[str, dict[str, Any]]) -> None:
    status = {supplier: (row["population_status"], row["data_depth"]) for supplier, row in last_night.items()}
    assert status == {
        "S1": ("IN_DISTRESS", "A"),
        "S2": ("ELIGIBLE", "D"),
        "S3": ("NO_RECENT_DATA", "D"),
        "S4": ("EXITED", "D"),
        "S5": ("NO_RECENT_DATA", "D"),
    }
    assert (
        last_night["S1"]["not_scored_reason"]
        == "In distress since 2026-03-03: a financing it is liable for was not repaid in time."
    )
    assert last_night["S2"]["not_scored_reason"] is None
    assert all(row["not_scored_reason"].endswith(".") for supplier, row in last_night.items() if supplier != "S2")


def test_label_looks_ninety_days_ahead(everything: Warehouse) -> None:
    labels = dict(
        everything.query(
            "select as_of_date, is_distress_90d from features.supplier_label where supplier_id = 'S3' "
            "and as_of_date >= date '2025-09-30'"
        )
    )
    assert labels == {
        date(2025, 9, 30): False,
        date(2025, 10, 31): True,
        date(2025, 11, 30): True,
        date(2025, 12, 31): True,
        date(2026, 1, 31): None,
        BEFORE_LAST: None,
        LAST: None,
    }
    reasons = everything.query(
        "select distinct distress_date, distress_reason from features.supplier_label "
        "where supplier_id = 'S3' and distress_date is not null"
    )
    assert reasons == [(date(2026, 1, 15), "INSOLVENCY")]


def test_cured_supplier_enters_the_population_again(everything: Warehouse) -> None:
    statuses = dict(
        everything.query(
            "select as_of_date, population_status from features.supplier_daily where supplier_id = 'S3' "
            "and as_of_date >= date '2025-12-31'"
        )
    )
    assert statuses == {
        date(2025, 12, 31): "ELIGIBLE",
        date(2026, 1, 31): "IN_DISTRESS",
        BEFORE_LAST: "ELIGIBLE",
        LAST: "NO_RECENT_DATA",
    }
