"""Receivables that the tiny portfolio does not have, night by night and at once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from receivable_portfolio import BUILT, MONTH_ENDS, receivables
from tiny_portfolio import NIGHTS
from tiny_warehouse import SCHEMAS, Warehouse, WarehouseFactory, comparable

LAST = BUILT[-1]


@pytest.fixture(scope="module")
def nightly(warehouses: WarehouseFactory) -> Warehouse:
    """Three nights, each built with what had been delivered by then."""
    warehouse, last = warehouses.empty(), None
    for night in BUILT:
        warehouse.deliver([delivery for delivery in receivables() if delivery.batch_date <= night])
        warehouse.build(night, since=last, with_tests=False)
        last = night
    return warehouse


def ageing(warehouse: Warehouse, currency: str) -> dict[date, tuple[Any, ...]]:
    """Open, not due, 1 to 30 and 31 to 60 days past due, by date."""
    rows = warehouse.query(
        f"""
        select as_of_date, open_amount, not_due_amount, overdue_1_30_amount, overdue_31_60_amount
        from receivable.ageing_daily where currency = '{currency}' order by 1
        """
    )
    return {row[0]: row[1:] for row in rows}


def test_nights_one_by_one_equal_one_build(nightly: Warehouse, warehouses: WarehouseFactory) -> None:
    scratch = warehouses.empty()
    scratch.deliver(receivables())
    scratch.build(LAST, with_tests=False)
    dates = (LAST, *MONTH_ENDS)
    actual, expected = (comparable(w.tables(SCHEMAS), dates) for w in (nightly, scratch))
    assert actual.keys() == expected.keys()
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_books_of_nobody_known_are_aged_under_a_key_of_their_own(nightly: Warehouse) -> None:
    aged = nightly.query(
        """
        select as_of_date, core_enterprise_id, supplier_id from receivable.ageing_daily
        where open_amount in (500, 70) order by 1, 2
        """
    )
    before = [(night, key, None) for night in NIGHTS[:2] for key in ("UNKNOWN:8000", "UNKNOWN:9000")]
    after = [(night, key, None) for night in (NIGHTS[3], MONTH_ENDS[1], LAST) for key in ("CE9", "UNKNOWN:8000")]
    assert aged == before + after
    found = nightly.query("select ap_document_no, core_enterprise_id, open_amount from receivable.fct_receivable")
    assert {row for row in found if row[0] in ("U1", "U2")} == {
        ("U1", "CE9", Decimal(500)),
        ("U2", "UNKNOWN:8000", Decimal(70)),
    }


def test_ageing_and_receivables_are_held_against_the_ledger(nightly: Warehouse, tmp_path: Path) -> None:
    test = "assert_ageing_equals_receivables"
    assert nightly.test(test, as_of=LAST) == "pass"
    broken = nightly.copy(tmp_path / "broken")
    for mart in ("ageing_daily", "fct_receivable"):
        broken.execute(f"delete from receivable.{mart} where core_enterprise_id = 'UNKNOWN:8000'")
    assert broken.test(test, as_of=LAST) == "fail"


def test_books_of_nobody_known_are_named_in_a_warning(nightly: Warehouse, built: Warehouse) -> None:
    warning = "warn_payable_of_unknown_core_enterprise"
    assert nightly.test(warning, as_of=LAST) == "warn"
    assert built.test(warning, as_of=NIGHTS[-1]) == "pass"


def test_retention_ages_from_its_own_due_date(nightly: Warehouse) -> None:
    assert ageing(nightly, "USD") == {
        NIGHTS[0]: (9_000, 400, 8_600, 0),
        NIGHTS[1]: (9_000, 400, 8_600, 0),
        NIGHTS[3]: (200, 200, 0, 0),
        MONTH_ENDS[1]: (200, 0, 200, 0),
        LAST: (200, 0, 0, 200),
    }


def test_what_the_books_state_later_does_not_make_it_punctual(nightly: Warehouse) -> None:
    assert ageing(nightly, "EUR") == {
        **dict.fromkeys(NIGHTS[:2], (100, 0, 100, 0)),
        NIGHTS[3]: (100, 0, 100, 0),
        MONTH_ENDS[1]: (100, 0, 0, 100),
        LAST: (100, 0, 0, 100),
    }
    terms = "select due_date, due_date_source, stated_due_date from receivable.fct_receivable where currency = 'EUR'"
    assert nightly.query(terms) == [(date(2026, 3, 7), "TERMS", date(2026, 6, 30))]
    earlier_version = "select due_date from receivable.fct_receivable_v1 where currency = 'EUR'"
    assert nightly.query(earlier_version) == [(date(2026, 6, 30),)]


def test_a_term_from_delivery_begins_when_the_delivery_becomes_known(nightly: Warehouse) -> None:
    aged = ageing(nightly, "GBP")
    assert [aged[night] for night in BUILT] == [(50, 50, 0, 0), (50, 0, 50, 0), (50, 0, 0, 50)]


def test_amounts_roll_from_month_end_to_month_end(nightly: Warehouse) -> None:
    rolled = nightly.query(
        """
        select month_end_date, currency, from_bucket, to_bucket, moved_amount from receivable.roll_rate_monthly
        where currency in ('USD', 'GBP') order by all
        """
    )
    march, april = MONTH_ENDS
    assert rolled == [
        (march, "GBP", "NEW", "NOT_DUE", Decimal(50)),
        (march, "USD", "NEW", "NOT_DUE", Decimal(400)),
        (march, "USD", "NEW", "OVERDUE_1_30", Decimal(8_600)),
        (april, "GBP", "NOT_DUE", "OVERDUE_31_60", Decimal(50)),
        (april, "USD", "NOT_DUE", "OVERDUE_1_30", Decimal(200)),
        (april, "USD", "NOT_DUE", "SETTLED", Decimal(200)),
        (april, "USD", "OVERDUE_1_30", "SETTLED", Decimal(8_600)),
    ]


@pytest.mark.parametrize(
    "breakage",
    [
        "update receivable.roll_rate_monthly set moved_amount = moved_amount + 0.01 where to_bucket = 'SETTLED'",
        "update receivable.roll_rate_monthly set moved_amount = moved_amount + 0.01 where from_bucket = 'NEW'",
        "delete from receivable.working_capital_monthly where currency = 'JPY'",
        "update receivable.eligibility_daily set open_amount = open_amount - 0.01 where reason = 'RETENTION'",
        "update receivable.borrowing_base_daily set gross_amount = 0 where supplier_id is null",
    ],
)
def test_marts_that_disagree_with_the_ageing_stop_the_night(nightly: Warehouse, breakage: str, tmp_path: Path) -> None:
    test = "assert_receivable_marts_agree"
    assert nightly.test(test, as_of=LAST) == "pass"
    broken = nightly.copy(tmp_path / "broken")
    broken.execute(breakage)
    assert broken.test(test, as_of=LAST) == "fail"


def test_a_table_that_an_earlier_release_made_is_made_anew(nightly: Warehouse, tmp_path: Path) -> None:
    older = nightly.copy(tmp_path / "older")
    older.execute("alter table receivable.fct_receivable drop column lifecycle_state")
    older.execute("alter table receivable.ageing_daily drop column retention_amount")
    models = ["fct_receivable", "ageing_daily", "roll_rate_monthly", "assert_receivable_marts_agree"]
    selected = ["--select", *models, "--indirect-selection", "cautious"]
    statuses = older.dbt("build", *selected, "--exclude", "test_type:unit", as_of=LAST, since=BUILT[1])
    odd = {name: status for name, status in statuses.items() if status not in ("success", "pass")}
    assert odd == {"warn_payable_of_unknown_core_enterprise": "warn"}
    states = "select receivable_id, lifecycle_state, due_date from receivable.fct_receivable order by 1"
    assert older.query(states) == nightly.query(states)


def test_a_night_makes_anew_what_another_party_owns_and_nothing_else(nightly: Warehouse, tmp_path: Path) -> None:
    later, tomorrow = nightly.copy(tmp_path / "later"), LAST + timedelta(days=1)
    (owner,) = later.query("select min(supplier_id) from receivable.fct_receivable where supplier_id is not null")[0]
    remade = "select distinct supplier_id from receivable.fct_receivable where tier > 0"

    def night() -> list[tuple[Any, ...]]:
        later.execute("update receivable.fct_receivable set tier = -1")
        later.build(tomorrow, LAST, later.project.models("fct_receivable"), with_tests=False)
        return later.query(remade)

    later.execute("delete from intermediate.int_touched_payable")
    later.execute("delete from intermediate.int_touched_root")
    assert night() == []
    later.execute(
        f"insert into intermediate.int_supplier by name select * replace ("
        f"insured_headcount + 1 as insured_headcount, date '{tomorrow}' as valid_from) "
        "from intermediate.int_supplier where valid_to is null"
    )
    later.execute(
        f"update intermediate.int_supplier set valid_to = date '{tomorrow}' "
        f"where valid_to is null and valid_from < date '{tomorrow}'"
    )
    assert night() == []
    later.execute(
        f"update intermediate.int_supplier set party_id = 'another' where supplier_id = '{owner}' and valid_to is null"
    )
    assert night() == [(owner,)]
