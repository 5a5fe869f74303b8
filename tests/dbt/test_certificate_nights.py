"""Certificates whose terms change: night by night as in one build, and month-ends keep what they knew."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from tiny_portfolio import DELIVERIES, NIGHTS, Delivery
from tiny_warehouse import SCHEMAS, Warehouse, WarehouseFactory, comparable

RESTATED, EXTENDED = date(2026, 4, 4), date(2026, 5, 4)
MONTH_ENDS = (NIGHTS[1], date(2026, 4, 30))


def certificate(certificate_id: str, **changed: Any) -> dict[str, Any]:
    """The certificate as the tiny portfolio delivered it, with other terms."""
    rows = [row for delivery in DELIVERIES if delivery.feed == "platform.certificate" for row in delivery.rows]
    return {**next(row for row in rows if row["certificate_id"] == certificate_id), **changed}


def event(certificate_id: str, event_type: str, amount: int, on: date, **others: Any) -> dict[str, Any]:
    return {
        "certificate_event_id": f"{certificate_id}-{event_type}-{on}",
        "certificate_id": certificate_id,
        "root_certificate_id": certificate_id[:2],
        "event_type": event_type,
        "amount": Decimal(amount),
        "currency": "CNY",
        "occurred_at": datetime.combine(on, time()),
        **others,
    }


# R1 and what was made of it fell due earlier than stated, on 2 April; at the end of April it is overdue. In May the
# part of S3 is extended, and by then a tenth of it is frozen; S2 is in dispute.
LATER = [
    Delivery(
        RESTATED,
        "platform.certificate",
        [certificate(name, due_date=date(2026, 4, 2)) for name in ("R1", "R1A", "R1A1", "R1B")],
    ),
    Delivery(RESTATED, "platform.certificate_event", [event("R1B", "FINANCE_REPAID", 20_000, NIGHTS[3])]),
    Delivery(
        EXTENDED,
        "platform.certificate_event",
        [
            event("R1A1", "EXTENDED", 60_000, date(2026, 5, 3), new_due_date=date(2026, 7, 31)),
            event("R1A1", "FROZEN", 6_000, date(2026, 5, 3), booked_at=datetime.combine(date(2026, 5, 2), time(23))),
            event("R1B", "DISPUTED", 40_000, date(2026, 5, 3)),
        ],
    ),
]


@pytest.fixture(scope="module")
def nightly(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Two more nights, with the end of April between them."""
    warehouse = built.copy(tmp_path_factory.mktemp("terms") / "warehouse")
    warehouse.deliver(LATER[:2])
    warehouse.build(RESTATED, since=NIGHTS[4])
    warehouse.deliver(LATER[2:])
    warehouse.build(EXTENDED, since=RESTATED)
    return warehouse


def test_the_nights_equal_a_build_from_scratch(nightly: Warehouse, warehouses: WarehouseFactory) -> None:
    scratch = warehouses.empty()
    scratch.deliver([*DELIVERIES, *LATER])
    scratch.build(EXTENDED, with_tests=False)
    dates = (*MONTH_ENDS, EXTENDED)
    actual, expected = (comparable(w.tables(SCHEMAS), dates) for w in (nightly, scratch))
    assert actual.keys() == expected.keys()
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_month_ends_age_by_the_terms_of_their_day(nightly: Warehouse) -> None:
    rows = nightly.query(
        "select as_of_date, supplier_id, not_due_amount, overdue_1_30_amount, overdue_31_60_amount "
        "from receivable.ageing_daily where core_enterprise_id = 'CE1' and supplier_id in ('S1', 'S3') order by 1, 2"
    )
    dues = [(day, holder, *(int(amount) for amount in amounts)) for day, holder, *amounts in rows]
    assert [due for due in dues if due[0] in (MONTH_ENDS[0], MONTH_ENDS[1], EXTENDED)] == [
        (MONTH_ENDS[0], "S1", 60_000, 0, 0),
        (MONTH_ENDS[1], "S3", 0, 60_000, 0),
        (EXTENDED, "S3", 60_000, 0, 0),
    ]


def test_positions_and_receivables_show_the_due_date_that_holds(nightly: Warehouse) -> None:
    positions = nightly.query(
        "select valid_from, due_date from receivable.certificate_position where root_certificate_id = 'R1' "
        "and holder_id = 'S2' order by 1"
    )
    assert positions == [
        (NIGHTS[1], date(2026, 6, 30)),
        (NIGHTS[3], date(2026, 6, 30)),
        (RESTATED, date(2026, 4, 2)),
    ]
    receivables = nightly.query(
        "select certificate_id, due_date from receivable.fct_receivable where root_certificate_id = 'R1' order by 1"
    )
    assert receivables == [("R1A1", date(2026, 7, 31)), ("R1B", date(2026, 4, 2))]


def test_states_follow_events_and_terms(nightly: Warehouse) -> None:
    rows = nightly.query(
        "select certificate_id, valid_from, state, due_date, is_disputed from receivable.certificate_state "
        "order by 1, 2"
    )
    stated, restated, overdue = date(2026, 6, 30), date(2026, 4, 2), date(2026, 3, 20)
    assert rows == [
        ("R1", NIGHTS[0], "HELD", stated, False),
        ("R1", NIGHTS[1], "SPLIT", stated, False),
        ("R1", RESTATED, "SPLIT", restated, False),
        ("R1A", NIGHTS[1], "HELD", stated, False),
        ("R1A", NIGHTS[3], "TRANSFERRED", stated, False),
        ("R1A", RESTATED, "TRANSFERRED", restated, False),
        ("R1A1", NIGHTS[3], "HELD", stated, False),
        ("R1A1", RESTATED, "HELD", restated, False),
        ("R1A1", EXTENDED, "HELD", date(2026, 7, 31), False),
        ("R1B", NIGHTS[1], "HELD", stated, False),
        ("R1B", NIGHTS[3], "FINANCED", stated, False),
        ("R1B", RESTATED, "FINANCED", restated, False),
        ("R1B", EXTENDED, "FINANCED", restated, True),
        ("R2", NIGHTS[0], "FINANCED", overdue, False),
        ("R2", NIGHTS[1], "RECOVERED", overdue, False),
    ]


def test_tiers_show_how_far_promises_have_gone(nightly: Warehouse) -> None:
    rows = nightly.query(
        "select as_of_date, supplier_id, tier, held_amount, frozen_amount, financed_amount, disputed_amount, "
        "overdue_amount, defaulted_amount, share_of_core_ratio "
        f"from exposure.tier_penetration_daily where as_of_date in ('{MONTH_ENDS[0]}', '{EXTENDED}') order by 1, 2"
    )
    assert [(*row[:3], *(int(amount) for amount in row[3:9]), row[9]) for row in rows] == [
        (MONTH_ENDS[0], "S1", 1, 60_000, 0, 0, 0, 0, 0, 0.6),
        (MONTH_ENDS[0], "S2", 2, 40_000, 0, 0, 0, 0, 0, 0.4),
        (EXTENDED, "S2", 2, 40_000, 0, 10_000, 40_000, 40_000, 40_000, 0.4),
        (EXTENDED, "S3", 2, 60_000, 6_000, 0, 0, 0, 0, 0.6),
    ]


def test_holders_are_looked_through_to_the_core_enterprise_and_back(nightly: Warehouse) -> None:
    upwards = nightly.query(
        "select distance, ancestor_certificate_id, ancestor_holder_id, core_enterprise_id "
        "from receivable.certificate_path where certificate_id = 'R1A1' order by 1"
    )
    assert upwards == [(0, "R1A1", "S3", "CE1"), (1, "R1A", "S1", "CE1"), (2, "R1", "S1", "CE1")]
    downwards = nightly.query(
        "select certificate_id, holder_path from receivable.certificate_path "
        "where ancestor_certificate_id = 'R1' order by 1"
    )
    assert downwards == [("R1", "S1"), ("R1A", "S1"), ("R1A1", "S1>S3"), ("R1B", "S1>S2")]


def test_an_odd_event_is_told_in_a_sentence(nightly: Warehouse) -> None:
    rows = nightly.query("select rule_id, severity, explanation from receivable.certificate_event_breach")
    sentence = "FROZEN of 6000.00 CNY on certificate R1A1: the platform booked it at 2026-05-02 23:00:00."
    assert rows == [("BOOKED_BEFORE_IT_HAPPENED", "FLAG", sentence)]
