"""What the marts say about the tiny portfolio, and that it does not matter how the warehouse came to its night."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tiny_portfolio import DELIVERIES, NIGHTS
from tiny_warehouse import SCHEMAS, Warehouse, WarehouseFactory, comparable


def test_nights_one_by_one_equal_one_build(warehouses: WarehouseFactory, built: Warehouse) -> None:
    actual = comparable(warehouses.by_dbt[NIGHTS[4]], (NIGHTS[4], NIGHTS[1]))
    expected = comparable(built.tables(SCHEMAS), (NIGHTS[4], NIGHTS[1]))
    assert actual.keys() == expected.keys()
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_earlier_night_ignores_later_deliveries(warehouses: WarehouseFactory) -> None:
    with_everything = warehouses.empty()
    with_everything.deliver(DELIVERIES)
    with_everything.build(NIGHTS[2], with_tests=False)
    expected = comparable(warehouses.by_dbt[NIGHTS[2]], (NIGHTS[2], NIGHTS[1]))
    actual = comparable(with_everything.tables(SCHEMAS), (NIGHTS[2], NIGHTS[1]))
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_certificate_is_followed_through_split_and_late_transfer(built: Warehouse) -> None:
    positions = built.query(
        """
        select holder_id, valid_from, valid_to, received_amount, available_amount, financed_amount, passed_on_amount
        from receivable.certificate_position where root_certificate_id = 'R1' order by holder_id, valid_from
        """
    )
    assert positions == [
        ("S1", NIGHTS[0], NIGHTS[1], Decimal(100_000), Decimal(100_000), Decimal(0), Decimal(0)),
        ("S1", NIGHTS[1], NIGHTS[3], Decimal(100_000), Decimal(60_000), Decimal(0), Decimal(40_000)),
        ("S1", NIGHTS[3], None, Decimal(100_000), Decimal(0), Decimal(0), Decimal(100_000)),
        ("S2", NIGHTS[1], NIGHTS[3], Decimal(40_000), Decimal(40_000), Decimal(0), Decimal(0)),
        ("S2", NIGHTS[3], None, Decimal(40_000), Decimal(10_000), Decimal(30_000), Decimal(0)),
        ("S3", NIGHTS[3], None, Decimal(60_000), Decimal(60_000), Decimal(0), Decimal(0)),
    ]


def test_receivables_count_no_amount_twice(built: Warehouse) -> None:
    open_amounts = built.query(
        """
        select receivable_type || ' ' || coalesce(certificate_id, company_code || '/' || ap_document_no), open_amount
        from receivable.fct_receivable
        """
    )
    assert dict(open_amounts) == {
        "PAYABLE 1000/A1": Decimal(0),
        "PAYABLE 1000/A2": Decimal(25_000),
        "PAYABLE 2000/A1": Decimal(3_000),
        "CERTIFICATE R1A1": Decimal(60_000),
        "CERTIFICATE R1B": Decimal(40_000),
        "CERTIFICATE R2": Decimal(0),
    }


def test_ageing_takes_vendor_and_corrections_as_known_on_the_night(built: Warehouse) -> None:
    overdue = built.query(
        """
        select as_of_date, supplier_id, open_amount, overdue_31_60_amount from receivable.ageing_daily
        where core_enterprise_id = 'CE1' and overdue_31_60_amount > 0 order by 1
        """
    )
    assert overdue == [
        (NIGHTS[1], "S2", Decimal(65_000), Decimal(25_000)),
        (NIGHTS[4], "S3", Decimal(85_000), Decimal(25_000)),
    ]


def test_exposure_and_limit_follow_cash(built: Warehouse) -> None:
    exposures = built.query(
        "select as_of_date, supplier_id, outstanding_amount, max_days_past_due from exposure.exposure_daily order by 1"
    )
    assert exposures == [(NIGHTS[4], "S2", Decimal(10_000), 0)]
    limits = built.query(
        """
        select limit_amount, utilised_amount, blocked_amount, free_amount
        from exposure.limit_daily order by as_of_date
        """
    )
    assert limits == [
        (Decimal(1_000_000), Decimal(0), Decimal(100_000), Decimal(900_000)),
        (Decimal(1_000_000), Decimal(10_000), Decimal(40_000), Decimal(950_000)),
    ]


def test_chain_knows_its_tiers(built: Warehouse) -> None:
    chain = built.query(
        """
        select
            relation.core_enterprise_id, coalesce(buyer.supplier_id, buyer.core_enterprise_id), relation.supplier_id,
            tier
        from core.bridge_supply_relation as relation
        join core.dim_party as buyer on relation.buyer_party_id = buyer.party_id
        order by all
        """
    )
    assert chain == [
        ("CE1", "CE1", "S1", 1),
        ("CE1", "CE1", "S2", 1),
        ("CE1", "CE1", "S3", 1),
        ("CE1", "S1", "S2", 2),
        ("CE1", "S1", "S3", 2),
        ("CE2", "CE2", "S3", 1),
    ]


def test_small_shareholding_connects_nobody(built: Warehouse) -> None:
    groups = built.query(
        """
        select list(supplier_id order by supplier_id), any_value(party_count)
        from core.connected_group group by connected_group_id order by 2
        """
    )
    assert groups == [(["S1", "S2"], 2), ([None, None, None], 3)]


def test_schema_events_are_told_by_file_and_column(built: Warehouse) -> None:
    events = built.query(
        "select feed, batch_date, column_name, event, policy from monitoring.schema_event order by all"
    )
    assert events == [("repayment", NIGHTS[4], name, "COLUMN_UNKNOWN", "warn") for name in ("note", "user")]


def test_a_late_entry_restates_the_statement_that_it_belongs_to(warehouses: WarehouseFactory) -> None:
    def proofs(night: date) -> list[tuple[Any, ...]]:
        return [(row[2], row[3], row[4]) for row in sorted(warehouses.by_dbt[night]["monitoring.statement_proof"])]

    first = (date(2026, 3, 29), "PROVEN", Decimal("0.00"))
    short = (NIGHTS[0], "BROKEN_SUM", Decimal("-10.00"))
    assert proofs(NIGHTS[1]) == [first, short]
    assert proofs(NIGHTS[2]) == [
        first,
        short,
        (NIGHTS[1], "BROKEN_SUM", Decimal("873.75")),
        (NIGHTS[2], "NOT_PROVABLE", None),
    ]
    assert proofs(NIGHTS[4]) == [
        first,
        (NIGHTS[0], "PROVEN", Decimal("0.00")),
        (NIGHTS[1], "PROVEN", Decimal("0.00")),
        (NIGHTS[2], "PROVEN", Decimal("0.00")),
    ]
