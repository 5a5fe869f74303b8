"""Receivables that the tiny portfolio does not have, night by night and at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from receivable_portfolio import RECEIVABLES
from test_nights import SCHEMAS, night_and_month_end
from tiny_portfolio import DELIVERIES, NIGHTS, Delivery
from tiny_warehouse import Warehouse, WarehouseFactory


def without_file_clash() -> list[Delivery]:
    """One delivery a feed and night, as the lake keeps them."""
    rows: dict[tuple[date, str], list[Delivery]] = {}
    for delivery in [*DELIVERIES, *RECEIVABLES]:
        rows.setdefault((delivery.batch_date, delivery.feed), []).append(delivery)
    return [
        Delivery(night, feed, [row for part in parts for row in part.rows], parts[0].unknown_columns)
        for (night, feed), parts in rows.items()
    ]


@pytest.fixture(scope="module")
def nightly(warehouses: WarehouseFactory) -> Warehouse:
    """Every night built with what had been delivered by then."""
    warehouse, last = warehouses.empty(), None
    for night in NIGHTS:
        warehouse.deliver([delivery for delivery in without_file_clash() if delivery.batch_date <= night])
        warehouse.build(night, since=last, with_tests=False)
        last = night
    return warehouse


def test_nights_one_by_one_equal_one_build(nightly: Warehouse, warehouses: WarehouseFactory) -> None:
    scratch = warehouses.empty()
    scratch.deliver(without_file_clash())
    scratch.build(NIGHTS[-1], with_tests=False)
    actual, expected = (night_and_month_end(w.tables(SCHEMAS), NIGHTS[-1]) for w in (nightly, scratch))
    assert actual.keys() == expected.keys()
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_books_of_nobody_known_are_aged_under_a_key_of_their_own(nightly: Warehouse) -> None:
    aged = nightly.query(
        """
        select as_of_date, core_enterprise_id, currency, supplier_id, open_amount from receivable.ageing_daily
        where open_amount in (500, 70) order by 1, 2
        """
    )
    u1, u2 = Decimal(500), Decimal(70)
    assert aged == [
        *[
            row
            for night in NIGHTS[:3]
            for row in ((night, "UNKNOWN:8000", "USD", None, u2), (night, "UNKNOWN:9000", "CNY", None, u1))
        ],
        *[
            row
            for night in NIGHTS[3:]
            for row in ((night, "CE9", "CNY", None, u1), (night, "UNKNOWN:8000", "USD", None, u2))
        ],
    ]
    receivables = nightly.query(
        "select core_enterprise_id, open_amount from receivable.fct_receivable where ap_document_no in ('U1', 'U2')"
    )
    assert sorted(receivables) == [("CE9", u1), ("UNKNOWN:8000", u2)]


def test_ageing_and_receivables_are_held_against_the_ledger(nightly: Warehouse, tmp_path: Path) -> None:
    test = "assert_ageing_equals_receivables"
    assert nightly.dbt("test", "--select", test, as_of=NIGHTS[-1]) == {test: "pass"}
    broken = nightly.copy(tmp_path / "broken")
    for mart in ("ageing_daily", "fct_receivable"):
        broken.execute(f"delete from receivable.{mart} where core_enterprise_id = 'UNKNOWN:8000'")
    assert broken.dbt("test", "--select", test, as_of=NIGHTS[-1]) == {test: "fail"}


def test_books_of_nobody_known_are_named_in_a_warning(nightly: Warehouse, built: Warehouse) -> None:
    warning = "warn_payable_of_unknown_core_enterprise"
    assert nightly.dbt("test", "--select", warning, as_of=NIGHTS[-1]) == {warning: "warn"}
    assert built.dbt("test", "--select", warning, as_of=NIGHTS[-1]) == {warning: "pass"}


def test_retention_ages_from_its_own_due_date(nightly: Warehouse, built: Warehouse) -> None:
    """Beside what the tiny portfolio has: 8,600 are overdue until paid, 200 of the retention only after 04-02."""
    sums = """
        select
            as_of_date, sum(open_amount), sum(not_due_amount), sum(overdue_1_30_amount), sum(receivable_count)
        from receivable.ageing_daily where core_enterprise_id = 'CE1' group by as_of_date
    """
    with_it = {row[0]: row[1:] for row in nightly.query(sums)}
    without = {row[0]: row[1:] for row in built.query(sums)}
    added = {night: tuple(a - b for a, b in zip(with_it[night], without[night], strict=True)) for night in without}
    assert added == {NIGHTS[1]: (9_000, 400, 8_600, 1), NIGHTS[4]: (200, 0, 200, 1)}
