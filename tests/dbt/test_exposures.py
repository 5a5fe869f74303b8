"""Exposures in several currencies and of several funders, night by night and at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from exposure_portfolio import exposures
from receivable_portfolio import BUILT, MONTH_ENDS
from tiny_portfolio import NIGHTS
from tiny_warehouse import SCHEMAS, Warehouse, WarehouseFactory, comparable

LAST = BUILT[-1]


@pytest.fixture(scope="module")
def nightly(warehouses: WarehouseFactory) -> Warehouse:
    """Three nights, each built with what had been delivered by then."""
    warehouse, last = warehouses.empty(), None
    for night in BUILT:
        warehouse.deliver([delivery for delivery in exposures() if delivery.batch_date <= night])
        warehouse.build(night, since=last, with_tests=night == LAST)
        last = night
    return warehouse


def test_nights_one_by_one_equal_one_build(nightly: Warehouse, warehouses: WarehouseFactory) -> None:
    scratch = warehouses.empty()
    scratch.deliver(exposures())
    scratch.build(LAST, with_tests=False)
    dates = (LAST, *MONTH_ENDS)
    actual, expected = (comparable(w.tables(SCHEMAS), dates) for w in (nightly, scratch))
    assert actual.keys() == expected.keys()
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_amounts_are_converted_at_the_rate_of_their_date(nightly: Warehouse) -> None:
    """As known then: the rate of the month-end came a day later; one that is too old is none."""
    dollars = nightly.query(
        """
        select as_of_date, outstanding_amount, reporting_amount, reporting_currency
        from exposure.exposure_daily where currency = 'USD' order by 1
        """
    )
    expected = {
        NIGHTS[0]: Decimal(3_500),
        MONTH_ENDS[0]: Decimal(3_500),
        NIGHTS[3]: Decimal(3_600),
        date(2026, 4, 30): None,
        LAST: Decimal(3_650),
    }
    assert dollars == [(on, Decimal(500), amount, "CNY") for on, amount in expected.items()]


def test_groups_are_those_of_their_date(nightly: Warehouse) -> None:
    """By control alone, and by all ties. An address of twelve ties nobody, one of two does."""
    rows = nightly.query(
        """
        select
            groups.as_of_date, coalesce(roles.supplier_id, roles.core_enterprise_id),
            dense_rank() over (partition by groups.as_of_date order by control_group_id),
            dense_rank() over (partition by groups.as_of_date order by connected_group_id),
            control_group_id is null
        from intermediate.int_connected_group_daily as groups
        join intermediate.int_party_role as roles on groups.party_id = roles.party_id order by 1, 2
        """
    )

    def groups(on: date, kind: int) -> set[str]:
        """Members of each group of a date, joined."""
        members: dict[int, list[str]] = {}
        for row in rows:
            if row[0] == on and not (kind == 2 and row[4]):
                members.setdefault(row[kind], []).append(row[1])
        return {" ".join(names) for names in members.values()}

    before = MONTH_ENDS[0]
    assert (groups(before, 2), groups(before, 3)) == ({"S1 S2"}, {"S1 S2 S3"})
    assert (groups(NIGHTS[3], 2), groups(NIGHTS[3], 3)) == ({"CE1 CE2", "S1 S2"}, {"CE1 CE2", "S1 S2 S3"})
    assert (groups(LAST, 2), groups(LAST, 3)) == ({"CE1 CE2"}, {"CE1 CE2", "S1 S3"})


@pytest.mark.parametrize(
    "breakage",
    [
        "update exposure.concentration_daily set exposure_amount = exposure_amount + 0.01 where member_id = 'CE1'",
        "delete from exposure.concentration_daily where dimension = 'CONTROL_GROUP'",
        "update exposure.maturity_ladder_daily set financed_amount = 499.99 where currency = 'USD'",
        "delete from exposure.maturity_ladder_daily where maturity_bucket = 'OVERDUE'",
        "update exposure.sfa_disclosure set issued_amount = issued_amount + 0.01 where currency = 'USD'",
    ],
)
def test_views_that_disagree_stop_the_night(nightly: Warehouse, breakage: str, tmp_path: Path) -> None:
    test = "assert_exposure_views_agree"
    broken = nightly.copy(tmp_path / "broken")
    broken.execute(breakage)
    assert broken.test(test, as_of=LAST) == "fail"


def test_ladder_tells_currencies_and_kinds_apart(nightly: Warehouse) -> None:
    ladder = nightly.query(
        f"""
        select core_enterprise_id, currency, maturity_bucket, financed_amount, held_amount, payable_amount
        from exposure.maturity_ladder_daily where as_of_date = date '{LAST}' order by all
        """
    )
    assert ladder == [
        ("CE1", "CNY", "DUE_31_60", Decimal(10_000), Decimal(100_000), Decimal(0)),
        ("CE1", "CNY", "OVERDUE", Decimal(0), Decimal(0), Decimal(25_000)),
        ("CE1", "USD", "DUE_31_60", Decimal(500), Decimal(1_000), Decimal(0)),
        ("CE2", "CNY", "OVERDUE", Decimal(0), Decimal(0), Decimal(3_000)),
    ]


def test_tables_of_an_earlier_release_are_continued(nightly: Warehouse, tmp_path: Path) -> None:
    older = nightly.copy(tmp_path / "older")
    for column in ("reporting_amount", "reporting_currency"):
        older.execute(f"alter table exposure.exposure_daily drop column {column}")
    older.execute("alter table exposure.limit_daily drop column issued_amount")
    older.execute("drop table exposure.concentration_daily")
    models = ["exposure_daily", "limit_daily", "concentration_daily"]
    statuses = older.dbt("run", "--select", *models, as_of=LAST, since=BUILT[1])
    assert set(statuses.values()) == {"success"}
    for columns, mart in (("*", "exposure_daily"), ("*", "concentration_daily"), ("issued_amount", "limit_daily")):
        night = f"select {columns} from exposure.{mart} where as_of_date = date '{LAST}' order by all"
        assert older.query(night) == nightly.query(night)
    dates = older.query("select distinct as_of_date from exposure.concentration_daily order by 1")
    assert dates == [(MONTH_ENDS[1],), (LAST,)]
