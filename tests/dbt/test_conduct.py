"""Rules that parties break by what they do: found on the night that shows it, night by night and at once."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest
from conduct_portfolio import misconduct
from tiny_portfolio import NIGHTS
from tiny_warehouse import SCHEMAS, Warehouse, WarehouseFactory, comparable

PROJECT = Path(__file__).parents[2] / "dbt_project"
BUILT = (NIGHTS[1], NIGHTS[2], NIGHTS[3], NIGHTS[4])
FOUND = "select rule_id, subject_kind, subject_id, first_known_date from receivable.rule_breach order by all"


@pytest.fixture(scope="module")
def nights(warehouses: WarehouseFactory) -> tuple[Warehouse, dict[date, list[tuple[str, str, str, date]]]]:
    """Four nights, each with what had been delivered by then, and the breaches that each listed."""
    warehouse, last, found = warehouses.empty(), None, {}
    for night in BUILT:
        warehouse.deliver([delivery for delivery in misconduct() if delivery.batch_date <= night])
        warehouse.build(night, since=last, with_tests=False)
        found[night] = warehouse.query(FOUND)
        last = night
    return warehouse, found


@pytest.fixture(scope="module")
def nightly(nights: tuple[Warehouse, object]) -> Warehouse:
    return nights[0]


def test_nights_one_by_one_equal_one_build(nightly: Warehouse, warehouses: WarehouseFactory) -> None:
    scratch = warehouses.empty()
    scratch.deliver(misconduct())
    scratch.build(NIGHTS[4], with_tests=False)
    actual, expected = (comparable(w.tables(SCHEMAS), (NIGHTS[4], NIGHTS[1])) for w in (nightly, scratch))
    assert actual.keys() == expected.keys()
    assert [name for name, rows in actual.items() if rows != expected[name]] == []


def test_each_breach_is_known_from_the_night_that_shows_it(nightly: Warehouse) -> None:
    found = nightly.query(
        "select rule_id, subject_kind, case when subject_kind = 'INVOICE' then supplier_id else subject_id end, "
        "first_known_date from receivable.rule_breach where rule_family not in ('CERTIFICATE', 'TRADE') "
        "or rule_id in ('CERTIFIED_ABOVE_CONFIRMABLE', 'CHANNEL_UNTRUSTED') "
        "or rule_id like 'PATH_REVISITS_%' order by all"
    )
    assert found == [
        ("CERTIFIED_ABOVE_CONFIRMABLE", "INVOICE", "S1", NIGHTS[1]),
        ("CHANNEL_UNTRUSTED", "CERTIFICATE", "R5", NIGHTS[0]),
        ("EVERGREEN", "PAIR", "CE2:S1:CNY", NIGHTS[2]),
        ("LIMIT_EXCEEDED", "FACILITY", "F2", NIGHTS[1]),
        ("MONEY_RETURNS", "PAIR", "CE1:S3:CNY", NIGHTS[4]),
        ("NEW_PARTY_LARGE_ADVANCE", "FINANCING", "FIN1", NIGHTS[2]),
        ("NEW_PARTY_LARGE_ADVANCE", "FINANCING", "FIN2", NIGHTS[1]),
        ("PATH_REVISITS_GROUP", "CERTIFICATE", "R8C", NIGHTS[2]),
        ("PATH_REVISITS_HOLDER", "CERTIFICATE", "R8B", NIGHTS[2]),
        ("PROCEEDS_NOT_RECEIVED", "FINANCING", "FX", NIGHTS[2]),
        ("REAGED", "CERTIFICATE", "J1", NIGHTS[3]),
        ("REAGED", "COLLATERAL", "RA", NIGHTS[3]),
        ("REAGED", "INVOICE", "S3", NIGHTS[3]),
        ("REDEEMED_WITHOUT_CASH", "REDEMPTION", "CE1:2026-03-10:CNY", NIGHTS[0]),
        ("RELATED_OBLIGOR_AND_HOLDER", "CERTIFICATE", "R9", NIGHTS[2]),
        ("SELF_FUNDED_SETTLEMENT", "REPAYMENT", "REP3", NIGHTS[4]),
        ("SHELL_SUPPLIER", "SUPPLIER", "S2", NIGHTS[1]),
        ("STATUS_CONTRADICTS_CASH", "CERTIFICATE", "R2", NIGHTS[0]),
        ("STATUS_CONTRADICTS_CASH", "CERTIFICATE", "RA", NIGHTS[0]),
        ("STATUS_CONTRADICTS_CASH", "COLLATERAL", "RA", NIGHTS[3]),
        ("TENOR_ABOVE_CAP", "CERTIFICATE", "R6", NIGHTS[0]),
        ("TENOR_NEEDS_REASON", "CERTIFICATE", "R2", NIGHTS[0]),
        ("TENOR_NEEDS_REASON", "CERTIFICATE", "R7", NIGHTS[0]),
        ("TERM_ABOVE_STATUTORY", "PAIR", "CE1:S1:CNY", NIGHTS[1]),
        ("THIRD_PARTY_SETTLEMENT", "INVOICE", "S3", NIGHTS[1]),
        ("THIRD_PARTY_SETTLEMENT", "REPAYMENT", "REP3", NIGHTS[4]),
        ("THIRD_PARTY_SETTLEMENT", "REPAYMENT", "REP4", NIGHTS[4]),
        ("UTILISATION_DIFFERS", "FACILITY", "F2", NIGHTS[4]),
    ]


def test_a_breach_is_listed_from_its_first_night_on(
    nights: tuple[Warehouse, dict[date, list[tuple[str, ...]]]],
) -> None:
    """No night lists what it says was known earlier, unless an earlier night has listed it."""
    _, found = nights
    for night in BUILT[1:]:
        before = {row[:3] for earlier in BUILT if earlier < night for row in found[earlier]}
        assert {row for row in found[night] if row[3] < night and row[:3] not in before} == set()
        assert all(row[3] <= night for row in found[night])


def test_a_corrected_payment_takes_its_breach_away(nights: tuple[Warehouse, dict[date, list[tuple[str, ...]]]]) -> None:
    _, found = nights
    count = {
        night: sum(row[:2] == ("THIRD_PARTY_SETTLEMENT", "INVOICE") for row in rows) for night, rows in found.items()
    }
    assert count == {NIGHTS[1]: 2, NIGHTS[2]: 2, NIGHTS[3]: 1, NIGHTS[4]: 1}


def test_a_breach_says_what_happened(nightly: Warehouse) -> None:
    told = dict(
        nightly.query(
            "select rule_id, explanation from receivable.rule_breach "
            "where rule_id in ('MONEY_RETURNS', 'SELF_FUNDED_SETTLEMENT', 'EVERGREEN', 'SHELL_SUPPLIER')"
        )
    )
    assert told == {
        "MONEY_RETURNS": "1 payments came back to CE1, the first of 9000.00 CNY from 2026-03-28 to 2026-04-02 "
        "by CE1 > S3 > S2 > CE1.",
        "SELF_FUNDED_SETTLEMENT": "CE1 paid 5000.00 CNY for S2 by 2026-04-02, "
        "after S1 had paid it 5050.00 on 2026-04-01.",
        "EVERGREEN": "3 certificates of CE2 to S1 that matured in the year to 2026-04-01, 3000.00 of 3000.00 CNY, "
        "were followed by new ones of about their amount.",
        "SHELL_SUPPLIER": "Supplier S2 has the signs of a shell: it was registered on 2025-08-01 and first financed "
        "on 2025-09-02, 0 persons are insured, 10.00 of 1000.00 CNY of capital are paid in, "
        "in its first year it drew more than its capital bears.",
    }


def test_every_breach_has_the_rule_of_its_day(nightly: Warehouse) -> None:
    rows = nightly.query(
        "select count(*), count(distinct breach_id), count(rule_title), count(rule_source) from receivable.rule_breach"
    )
    ((breaches, keys, titles, sources),) = rows
    assert breaches > 0
    assert breaches == keys == titles == sources


def test_the_rule_book_has_each_rule_that_a_model_finds_and_no_other() -> None:
    models = PROJECT / "models"
    events = (models / "marts/receivable/certificate_event_breach.sql").read_text()
    of_events = dict(re.findall(r"\(\s*'([A-Z_]+)', '(HARD|FLAG)',", events))
    of_finders = {
        rule
        for path in sorted((models / "intermediate").glob("*_breach.sql"))
        for rule in re.findall(r"'([A-Z_]+)'(?: as rule_id|, \"is_)", path.read_text())
    }
    with (PROJECT / "seeds/rule_book.csv").open(newline="") as lines:
        book = {row["rule_id"]: row["severity"] for row in csv.DictReader(lines) if not row["valid_to"]}
    assert book.keys() == of_events.keys() | of_finders
    assert {rule: book[rule] for rule in of_events} == of_events
