"""Rows that a corrected file no longer holds end on the night that brings it, and every ledger follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tiny_portfolio import DELIVERIES, NIGHTS, Delivery
from tiny_warehouse import SCHEMAS, Warehouse, WarehouseFactory, comparable

NIGHT = date(2026, 4, 4)


def rows(feed: str, **key: object) -> list[Mapping[str, Any]]:
    """Delivered rows of a feed in which the columns have these values."""
    found = [row for delivery in DELIVERIES if delivery.feed == feed for row in delivery.rows]
    return [row for row in found if all(row[name] == value for name, value in key.items())]


def row(feed: str, **key: object) -> Mapping[str, Any]:
    """The latest delivered row of a key."""
    return rows(feed, **key)[-1]


# The transfer of R1A to S3 was an error, and so were the financing of R1B, the second invoice of vendor V2, the newer
# limit of the facility and a closing balance. R1B itself was delivered under a wrong number: it is R1C. R2 never was.
WITHDRAWN = {
    "platform.certificate": [
        row("platform.certificate", certificate_id="R1A1"),
        row("platform.certificate", certificate_id="R1B"),
        row("platform.certificate", certificate_id="R2"),
    ],
    "platform.certificate_event": [
        *rows("platform.certificate_event", certificate_id="R2"),
        row("platform.certificate_event", certificate_event_id="R1A-TRANSFERRED-R1A1"),
        row("platform.certificate_event", certificate_event_id="R1B-FINANCED-2026-03-31"),
        row("platform.certificate_event", certificate_event_id="R1-TRANSFERRED-R1B"),
    ],
    "platform.financing": [row("platform.financing", financing_id="FIN1")],
    "platform.facility_event": [row("platform.facility_event", facility_event_id="F1-2")],
    "bank.balance": [row("bank.balance", balance_date=NIGHTS[1])],
    "erp.ap_invoice": [row("erp.ap_invoice", company_code="1000", ap_document_no="A2")],
}
CORRECTED = {
    "platform.certificate": [{**row("platform.certificate", certificate_id="R1B"), "certificate_id": "R1C"}],
    "platform.certificate_event": [
        {
            **row("platform.certificate_event", certificate_event_id="R1-TRANSFERRED-R1B"),
            "certificate_event_id": "R1-TRANSFERRED-R1C",
            "child_certificate_id": "R1C",
        }
    ],
}
EVENT_TABLES = (
    "staging.stg_platform__certificate_event",
    "intermediate.int_certificate_event",
    "receivable.fct_certificate_event",
)
CORRECTIONS = [Delivery(NIGHT, feed, CORRECTED.get(feed, []), withdrawn=rows) for feed, rows in WITHDRAWN.items()]


@pytest.fixture(scope="module")
def nightly(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The night of the corrections on top of a last night that an earlier release built."""
    warehouse = built.copy(tmp_path_factory.mktemp("withdrawals") / "warehouse")
    warehouse.execute("alter table intermediate.int_certificate drop column withdrawn_date")
    for table in EVENT_TABLES:
        warehouse.execute(f"alter table {table} drop column new_due_date")
    for column in ("restates_file_id", "absent_rows", "withdrawn_rows", "controls"):
        warehouse.execute(f"alter table intermediate.int_receipt drop column {column}")
    warehouse.deliver(CORRECTIONS)
    warehouse.dbt_build(NIGHT, since=NIGHTS[4])
    return warehouse


def test_the_night_equals_a_build_from_scratch(nightly: Warehouse, warehouses: WarehouseFactory) -> None:
    scratch = warehouses.empty()
    scratch.deliver([*DELIVERIES, *CORRECTIONS])
    scratch.build(NIGHT, with_tests=False)
    actual, expected = (comparable(w.tables(SCHEMAS), (NIGHT, NIGHTS[1])) for w in (nightly, scratch))
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_receivables_lose_what_was_withdrawn(nightly: Warehouse) -> None:
    rows = nightly.query(
        """
        select receivable_type || ' ' || coalesce(certificate_id, company_code || '/' || ap_document_no), open_amount
        from receivable.fct_receivable
        """
    )
    assert dict(rows) == {
        "PAYABLE 1000/A1": Decimal(0),
        "PAYABLE 2000/A1": Decimal(3_000),
        "CERTIFICATE R1A": Decimal(60_000),
        "CERTIFICATE R1C": Decimal(40_000),
    }


def test_a_tree_without_events_has_none(nightly: Warehouse) -> None:
    roots = nightly.query("select distinct root_certificate_id from receivable.fct_certificate_event")
    assert roots == [("R1",)]


def test_past_nights_keep_what_they_knew(nightly: Warehouse, built: Warehouse) -> None:
    before = "select * from receivable.ageing_daily where as_of_date <= date '2026-03-31' order by all"
    assert nightly.query(before) == built.query(before) != []
    holders = (
        "select distinct holder_id from receivable.certificate_position where root_certificate_id = 'R1' order by 1"
    )
    assert nightly.query(holders) == [("S1",), ("S2",), ("S3",)]


def test_positions_go_back_to_who_held_them(nightly: Warehouse) -> None:
    positions = nightly.query(
        """
        select holder_id, valid_from, received_amount, available_amount, financed_amount
        from receivable.certificate_position where root_certificate_id = 'R1' and valid_to is null order by 1
        """
    )
    assert positions == [
        ("S1", NIGHT, Decimal(100_000), Decimal(60_000), Decimal(0)),
        ("S2", NIGHT, Decimal(40_000), Decimal(40_000), Decimal(0)),
        ("S3", NIGHT, Decimal(0), Decimal(0), Decimal(0)),
    ]


def test_exposure_and_limit_follow(nightly: Warehouse) -> None:
    assert nightly.query(f"select * from exposure.exposure_daily where as_of_date = date '{NIGHT}'") == []
    limits = nightly.query(
        "select limit_amount, utilised_amount, blocked_amount, free_amount from exposure.limit_daily "
        f"where as_of_date = date '{NIGHT}'"
    )
    assert limits == [(Decimal(900_000), Decimal(0), Decimal(40_000), Decimal(860_000))]


def test_a_statement_without_its_end_goes_into_the_next(nightly: Warehouse) -> None:
    proofs = nightly.query("select balance_date, status, entry_count from monitoring.statement_proof order by 1")
    assert proofs == [
        (date(2026, 3, 29), "PROVEN", 1),
        (NIGHTS[0], "PROVEN", 2),
        (NIGHTS[2], "PROVEN", 2),
    ]


def test_reconciliation_says_how_many_rows_ended(nightly: Warehouse) -> None:
    rows = nightly.query(
        "select feed, loaded_rows, withdrawn_rows from monitoring.feed_reconciliation "
        f"where batch_date = date '{NIGHT}' order by feed"
    )
    expected = [(feed.split(".")[1], len(CORRECTED.get(feed, [])), len(rows)) for feed, rows in WITHDRAWN.items()]
    assert rows == sorted(expected)
