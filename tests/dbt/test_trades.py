"""Trade verification and duplicate financing, night by night and at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tiny_portfolio import NIGHTS
from tiny_warehouse import SCHEMAS, Warehouse, WarehouseFactory, comparable
from trade_portfolio import BUILT, MONTH_ENDS, trades

LAST = BUILT[-1]
Breaches = dict[tuple[str, str], date]


def breaches(warehouse: Warehouse) -> Breaches:
    """First known date by rule and subject, of the portfolio's own core enterprise."""
    rows = warehouse.query(
        "select rule_id, subject_id, first_known_date from intermediate.int_trade_breach "
        "where core_enterprise_id = 'CE7'"
    )
    return {(rule, subject): known for rule, subject, known in rows}


def legs(warehouse: Warehouse, receivable: str) -> tuple[str, ...]:
    (row,) = warehouse.query(
        "select books_status, order_status, receipt_status, tax_status, cash_status, verdict "
        f"from receivable.trade_verification where receivable_id = '{receivable}'"
    )
    return row


@pytest.fixture(scope="module")
def found() -> dict[date, Breaches]:
    """Breaches after each night, filled by the warehouse that is built night by night."""
    return {}


@pytest.fixture(scope="module")
def nightly(warehouses: WarehouseFactory, found: dict[date, Breaches]) -> Warehouse:
    warehouse, last = warehouses.empty(), None
    for night in BUILT:
        warehouse.deliver([delivery for delivery in trades() if delivery.batch_date <= night])
        warehouse.build(night, since=last, with_tests=False)
        found[night] = breaches(warehouse)
        last = night
    return warehouse


def test_nights_one_by_one_equal_one_build(nightly: Warehouse, warehouses: WarehouseFactory) -> None:
    scratch = warehouses.empty()
    scratch.deliver(trades())
    scratch.build(LAST, with_tests=False)
    dates = (LAST, *MONTH_ENDS)
    actual, expected = (comparable(w.tables(SCHEMAS), dates) for w in (nightly, scratch))
    assert actual.keys() == expected.keys()
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_each_planted_breach_is_found_from_the_night_that_showed_it(nightly: Warehouse) -> None:
    awaited = date(2026, 4, 15)  # 15 days after the certificates were known, and the night after
    assert breaches(nightly) == {
        ("VOID_OR_RED_AFTER_FINANCE", "C1"): NIGHTS[3],
        ("FINANCED_BEFORE_DELIVERY", "C2"): NIGHTS[3],
        ("INVOICE_ABOVE_BOOKS", "C3"): NIGHTS[0],
        ("TAX_AMOUNT_CONTRADICTS", "C3"): NIGHTS[0],
        ("INVOICE_NOT_IN_BOOKS", "C4"): awaited,
        ("INVOICE_NOT_IN_TAX", "C4"): awaited,
        ("DUPLICATE_EXACT", "C6"): NIGHTS[2],
        ("FINANCED_ABOVE_INVOICE", "C6"): NIGHTS[2],
        ("INVOICE_NOT_IN_BOOKS", "C7"): awaited,
        ("INVOICE_NOT_IN_TAX", "C7"): awaited,
        ("INVOICE_NOT_IN_BOOKS", "C8"): date(2026, 4, 17),
        ("INVOICE_NOT_IN_TAX", "C8"): date(2026, 4, 17),
        ("DUPLICATE_FUZZY", "C8"): NIGHTS[2],
        # nothing confirms C4, whose number is one digit from that of C3, and so of C6 from its own
        ("DUPLICATE_FUZZY", "C4"): NIGHTS[0],
        ("DUPLICATE_FUZZY", "C5"): NIGHTS[0],
        ("DUPLICATE_FUZZY", "C6"): NIGHTS[2],
        ("FUNDER_OVERLAP", "BANK1:BANK1-9"): NIGHTS[3],
        ("FUNDER_OVERLAP", "BANK2:BANK2-9"): NIGHTS[3],
    }


def test_a_night_writes_the_invoices_of_which_it_has_something_else_to_say(nightly: Warehouse, tmp_path: Path) -> None:
    later = nightly.copy(tmp_path / "later")
    verified = later.project.models("trade_verification")

    def written() -> set[str]:
        later.execute("update receivable.trade_verification set explanation = 'as before'")
        later.build(LAST, LAST, verified, with_tests=False)
        rows = later.query("select receivable_id from receivable.trade_verification where explanation <> 'as before'")
        return {receivable for (receivable,) in rows}

    assert written() == set()
    assert legs(later, "C3")[0] == "CONTRADICTED"
    later.execute("update intermediate.rule_parameter set value = 9 where rule_id = 'trade_amount_tolerance_ratio'")
    assert "C3" in written()
    assert legs(later, "C3")[0] == "MATCHED"
    later.execute("update intermediate.int_trade_evidence set is_withdrawn = true where trade_id = 'C3'")
    # its payable, on which no certificate rests any more
    assert len(written()) == 1
    assert later.query("select 1 from receivable.trade_verification where receivable_id = 'C3'") == []


def test_a_table_that_an_earlier_release_made_is_made_anew(nightly: Warehouse, tmp_path: Path) -> None:
    older = nightly.copy(tmp_path / "older")
    older.execute("alter table receivable.trade_verification drop column tax_red_amount")
    selected = ["--select", "trade_verification", "--indirect-selection", "cautious", "--exclude", "test_type:unit"]
    assert set(older.dbt("build", *selected, as_of=LAST, since=BUILT[-2]).values()) == {"success", "pass"}
    rows = "select receivable_id, tax_red_amount, explanation from receivable.trade_verification order by all"
    assert older.query(rows) == nightly.query(rows)


def test_an_invoice_on_a_tape_is_looked_for_in_the_books(nightly: Warehouse) -> None:
    rows = nightly.query(
        "select rule_id, subject_id, first_known_date from receivable.rule_breach "
        "where rule_id like 'COLLATERAL_%' order by all"
    )
    awaited = date(2026, 4, 18)  # 15 days after the tapes came, and the night after
    assert rows == [
        ("COLLATERAL_NOT_IN_BOOKS", "BANK1:BANK1-9", awaited),
        ("COLLATERAL_NOT_IN_BOOKS", "BANK2:BANK2-9", awaited),
    ]


def test_a_breach_appears_on_the_night_that_it_names(nightly: Warehouse, found: dict[date, Breaches]) -> None:
    assert breaches(nightly) == found[LAST]
    for night in BUILT:
        assert all(known <= night for known in found[night].values())
        missed = {key for key, known in found[LAST].items() if known <= night} - found[night].keys()
        assert missed == set()


def test_the_legs_of_a_complete_and_of_an_invented_trade(nightly: Warehouse) -> None:
    assert legs(nightly, "C5") == ("MATCHED", "MATCHED", "MATCHED", "MATCHED", "NOT_DUE", "VERIFIED")
    assert legs(nightly, "C4") == ("MISSING", "MISSING", "MISSING", "MISSING", "NOT_DUE", "INCOMPLETE")
    assert legs(nightly, "C2") == ("MATCHED", "MATCHED", "CONTRADICTED", "MATCHED", "NOT_DUE", "CONTRADICTED")
