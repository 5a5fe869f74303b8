"""Personal values stay in the raw lake and in the text that quarantine keeps: no sentence says one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sources.contract import WITHHELD, Column, Contract, load_contracts
from sources.receipt import Status
from tests.sources import test_reader_bai2 as bai2
from tests.sources import test_reader_camt as camt
from tests.sources.landing_zone import Zone, csv

MARKER = "MARKER6222021234567890"
PERSONAL = [contract for contract in load_contracts().values() if contract.personal_columns]
COLUMNS = [(contract, name) for contract in PERSONAL for name in sorted(contract.personal_columns)]


def record(contract: Contract, **values: str) -> str:
    return ",".join(values.get(column.name, plain(column)) for column in contract.columns)


def plain(column: Column) -> str:
    """A value that the contract takes."""
    if column.allowed_values:
        return column.allowed_values[-1]
    if column.sql_type == "varchar":
        return "CNY" if column.pattern else "X"
    return {"date": "2026-03-01", "timestamp": "2026-03-01 10:00:00", "boolean": "true"}.get(column.sql_type, "1")


def said(zone: Zone) -> str:
    """Every sentence about the delivery: of receipts, quarantine and schema events."""
    sentences = zone.rows("receipts", "message", order="file_id")
    sentences += zone.rows("quarantine", "message")
    sentences += zone.rows("schema_events", "column_name", order="file_id")
    return " ".join(str(sentence) for (sentence,) in sentences)


def test_the_contracts_know_personal_columns() -> None:
    assert len(COLUMNS) >= 10


@pytest.mark.parametrize(("contract", "name"), COLUMNS, ids=lambda value: getattr(value, "name", value))
def test_a_refused_value_is_not_said(
    zone: Zone, contract: Contract, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = [replace(c, pattern="^[A-Z]+[0-9]{16}$") if c.name == name else c for c in contract.columns]
    monkeypatch.setitem(load_contracts(), contract.name, replace(contract, columns=tuple(columns)))
    marked: dict[str, Any] = dict.fromkeys(contract.personal_columns, MARKER)
    other = next(column.name for column in contract.columns if column.required and column.name not in marked)
    rows = [
        record(contract, **marked),
        record(contract, **marked | {name: f"{MARKER}1"}),
        record(contract, **marked | {other: ""}),
        record(contract, **marked) + ",X",
    ]
    zone.deliver(contract.name, "r.csv", csv(",".join(contract.column_names), *rows))
    (receipt,) = zone.ingest(contract.name)
    assert (receipt.loaded_rows, receipt.quarantined_rows) == (1, 3), zone.refused("message")
    assert MARKER not in said(zone)
    assert f"{name} '{WITHHELD}' does not match" in said(zone)
    assert all(MARKER in str(text) for (text,) in zone.refused("raw_text"))


@pytest.mark.parametrize("contract", PERSONAL, ids=lambda contract: contract.name)
def test_a_file_without_its_header_is_refused_without_its_first_record(zone: Zone, contract: Contract) -> None:
    marked: dict[str, Any] = {
        name: f"{MARKER}{number}" for number, name in enumerate(sorted(contract.personal_columns))
    }
    row = ",".join(f"{value}{number}" for number, value in enumerate(record(contract, **marked).split(",")))
    twice = ",".join([MARKER] * len(contract.columns))
    zone.deliver(contract.name, "bare.csv", csv(row, row))
    zone.deliver(contract.name, "twice.csv", csv(twice, twice))
    receipts = zone.ingest(contract.name)
    assert [receipt.status for receipt in receipts] == [Status.REFUSED] * 2
    assert MARKER not in said(zone)
    assert [message for (message,) in zone.refused("message")] == [receipt.message for receipt in receipts]
    assert "is its first line the header?" in said(zone)


def test_a_refused_bank_report_is_refused_without_its_values(zone: Zone) -> None:
    zone.deliver("bank.transaction", "r.bai2", bai2.simple(f"16,195,{MARKER},Z,,/"))
    (receipt,) = zone.ingest("bank.transaction")
    assert receipt.status == Status.REFUSED
    assert MARKER not in said(zone)
    assert f"the amount '{WITHHELD}', which is no whole number" in said(zone)


def test_signs_of_a_format_are_no_values(zone: Zone) -> None:
    zone.deliver("bank.transaction", "s.xml", camt.statement(camt.entry("R1")).replace("</Id>", "</Id", 1))
    (receipt,) = zone.ingest("bank.transaction")
    assert "expected '>'" in (receipt.message or "")


def test_a_header_with_a_wrong_name_is_still_shown(zone: Zone) -> None:
    contract = load_contracts()["bank.balance"]
    zone.deliver(contract.name, "r.csv", csv(",".join(contract.column_names).replace("amount", "amout"), "x"))
    (receipt,) = zone.ingest(contract.name)
    assert "it has columns account_no, balance_date, balance_type, amout, currency." in str(receipt.message)


def test_values_of_feeds_without_persons_are_said(zone: Zone) -> None:
    zone.deliver(
        "external.fx_rate", "r.csv", csv("base_currency,quote_currency,rate_date,rate", "USD,CNY,2026-03-01,abc")
    )
    zone.ingest("external.fx_rate")
    assert "'abc'" in said(zone)
