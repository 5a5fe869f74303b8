"""Schema changes: each is named, warns or refuses as the contract says, and knows only files that came before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sources.contract import Policy, load_contracts
from sources.mapping import Mapping as ColumnMappings
from sources.mapping import identity_mapping
from sources.receipt import Status
from sources.schema_event import EventName, policy_for
from tests.sources.landing_zone import DAY, Zone, csv, new_zone

FEED = "tax.taxpayer"
HEADER = "taxpayer_no,taxpayer_no_scheme,taxpayer_name,status"
FIRM = "{},LOCAL,Firm,NORMAL"
EVENTS = "schema_events"


def policy(monkeypatch: pytest.MonkeyPatch, feed: str = FEED, **changed: Policy) -> None:
    monkeypatch.setitem(load_contracts(), feed, replace(load_contracts()[feed], **changed))


def events(zone: Zone, columns: str = "business_date, file, event, column_name, policy") -> list[tuple[Any, ...]]:
    return zone.rows(EVENTS, columns, order="batch_date, file_id, event, column_name")


def arrears(zone: Zone, amounts: pa.Array, day: date, **others: Any) -> None:
    """A Parquet file of taxpayers with arrears of the given type."""
    rows: Mapping[str, Any] = {
        "taxpayer_no": [f"T{day:%d}{number}" for number in range(len(amounts))],
        "taxpayer_no_scheme": ["LOCAL"] * len(amounts),
        "taxpayer_name": ["Firm"] * len(amounts),
        "status": ["NORMAL"] * len(amounts),
        "arrears_amount": amounts,
        **others,
    }
    path = zone.root / "t.parquet"
    pq.write_table(pa.table(rows), path)
    zone.deliver(FEED, "taxpayer.parquet", path.read_bytes(), day)


def test_a_file_as_the_one_before_has_no_event(zone: Zone) -> None:
    for number in range(2):
        zone.deliver(FEED, "t.csv", csv(HEADER, FIRM.format(f"T{number}")), DAY + timedelta(number))
    assert all(receipt.status is Status.LOADED for receipt in zone.ingest(FEED, DAY + timedelta(1)))
    assert events(zone) == []


def test_columns_in_another_order_are_no_event(zone: Zone) -> None:
    zone.deliver(FEED, "t.csv", csv(HEADER, FIRM.format("T1")))
    zone.deliver(
        FEED,
        "t.csv",
        csv("status,taxpayer_name,taxpayer_no_scheme,taxpayer_no", "NORMAL,Firm,LOCAL,T2"),
        DAY + timedelta(1),
    )
    assert [receipt.loaded_rows for receipt in zone.ingest(FEED, DAY + timedelta(1))] == [1, 1]
    assert events(zone) == []


def test_an_unknown_column_warns(zone: Zone) -> None:
    zone.deliver(FEED, "t.csv", csv(HEADER + ",note", FIRM.format("T1") + ",x"))
    (receipt,) = zone.ingest(FEED)
    assert (receipt.status, receipt.loaded_rows) == (Status.LOADED, 1)
    assert receipt.message is not None
    assert "COLUMN_UNKNOWN: ignored the unknown column note." in receipt.message
    assert events(zone) == [(DAY, "t.csv", "COLUMN_UNKNOWN", "note", "warn")]


def test_an_unknown_column_refuses_the_file_where_the_contract_says_so(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(monkeypatch, on_unknown_column="refuse")
    zone.deliver(FEED, "a.csv", csv(HEADER + ",note", FIRM.format("T1") + ",x"))
    zone.deliver(FEED, "b.csv", csv(HEADER, FIRM.format("T2")))
    refused, loaded = sorted(zone.ingest(FEED), key=lambda receipt: receipt.file)
    assert (refused.status, loaded.status, loaded.loaded_rows) == (Status.REFUSED, Status.LOADED, 1)
    assert refused.message is not None
    assert "COLUMN_UNKNOWN: it has the unknown column note; such a file is refused until mapping" in refused.message
    assert events(zone) == [(DAY, "a.csv", "COLUMN_UNKNOWN", "note", "refuse")]
    assert zone.refused("file, rule") == [("a.csv", "file")]
    assert len(zone.rows("raw/tax/taxpayer")) == 1


def test_an_optional_column_is_gone_when_the_file_before_had_it(zone: Zone) -> None:
    zone.deliver(FEED, "t_20260302.csv", csv(HEADER + ",tax_credit_grade", FIRM.format("T1") + ",A"))
    for number in (1, 2):
        day = DAY + timedelta(number)
        zone.deliver(FEED, f"t_{day:%Y%m%d}.csv", csv(HEADER, FIRM.format(f"T{number}")), day)
    first, second, third = zone.ingest(FEED, DAY + timedelta(2))
    assert events(zone) == [
        (DAY + timedelta(1), "t_20260303.csv", "COLUMN_GONE", "tax_credit_grade", "warn"),
    ]
    assert "COLUMN_GONE: did not find the optional column tax_credit_grade." in str(second.message)
    assert "COLUMN_GONE" not in f"{first.message} {third.message}"


def test_each_of_several_series_is_compared_with_itself(zone: Zone) -> None:
    """A deliverer's two companies send different columns every day: nothing changes."""
    for number in range(3):
        day = DAY + timedelta(number)
        zone.deliver(FEED, f"north_{day}.csv", csv(HEADER + ",tax_credit_grade", FIRM.format(f"N{number}") + ",A"), day)
        zone.deliver(FEED, f"south_{day}.csv", csv(HEADER, FIRM.format(f"S{number}")), day)
    zone.ingest(FEED, DAY + timedelta(2))
    assert [event for event in events(zone) if event[0] > DAY] == []


def test_a_gone_column_refuses_until_it_is_there_again(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    policy(monkeypatch, on_gone_column="refuse")
    header = [HEADER + ",tax_credit_grade", HEADER, HEADER, HEADER + ",tax_credit_grade"]
    for number, names in enumerate(header):
        row = FIRM.format(f"T{number}") + (",A" if names != HEADER else "")
        zone.deliver(FEED, "t.csv", csv(names, row), DAY + timedelta(number))
    statuses = [receipt.status for receipt in zone.ingest(FEED, DAY + timedelta(3))]
    assert statuses == [Status.LOADED, Status.REFUSED, Status.REFUSED, Status.LOADED]


def test_a_required_column_that_is_gone_is_named(zone: Zone) -> None:
    zone.deliver(FEED, "t.csv", csv("taxpayer_no,taxpayer_no_scheme,taxpayer_name", "T1,LOCAL,Firm"))
    (receipt,) = zone.ingest(FEED)
    assert receipt.status is Status.REFUSED
    assert events(zone) == [(DAY, "t.csv", "COLUMN_GONE", "status", "refuse")]


def test_an_amount_that_becomes_a_binary_number_is_named_and_loads_what_is_exact(zone: Zone) -> None:
    exact = pa.array([Decimal("1.10")], pa.decimal128(18, 2))
    arrears(zone, exact, DAY)
    binary = pa.array([0.1, 1234567890123.45, 12345678901234.56, 0.1 + 0.2, 1e17])
    arrears(zone, binary, DAY + timedelta(1))
    _, receipt = zone.ingest(FEED, DAY + timedelta(1))
    assert events(zone, "event, column_name, earlier_type, delivered_type") == [
        ("COLUMN_RETYPED", "arrears_amount", "DECIMAL(18,2)", "DOUBLE")
    ]
    assert "COLUMN_RETYPED: another type in column arrears_amount (was DECIMAL(18,2), is DOUBLE)." in str(
        receipt.message
    )
    assert zone.rows("raw/tax/taxpayer", "arrears_amount", "arrears_amount") == [
        (Decimal("0.10"),),
        (Decimal("1.10"),),
        (Decimal("1234567890123.45"),),
    ]
    assert zone.refused("row_no, rule") == [(3, "inexact"), (4, "type"), (5, "type")]


def test_every_amount_of_fifteen_digits_survives_a_binary_number(zone: Zone) -> None:
    amounts = [f"{10**12 + number * 7_654_321}.{number % 100:02d}" for number in range(500)]
    arrears(zone, pa.array([float(amount) for amount in amounts]), DAY)
    (receipt,) = zone.ingest(FEED)
    assert receipt.loaded_rows == 500
    loaded = zone.rows("raw/tax/taxpayer", "arrears_amount", "row_no")
    assert loaded == [(Decimal(amount),) for amount in amounts]


def test_a_single_precision_number_keeps_six_digits(zone: Zone) -> None:
    arrears(zone, pa.array([1234.5, 123456.79], pa.float32()), DAY)
    zone.ingest(FEED)
    assert zone.rows("raw/tax/taxpayer", "arrears_amount") == [(Decimal("1234.50"),)]
    assert zone.refused("row_no, rule") == [(2, "inexact")]


def test_a_binary_number_is_no_number_of_a_firm(zone: Zone) -> None:
    arrears(zone, pa.array([1, 2]), DAY, taxpayer_no=pa.array([911101.0, 6.222021234567891e18]))
    (receipt,) = zone.ingest(FEED)
    assert receipt.loaded_rows == 0
    assert zone.refused("column_name, rule") == [("taxpayer_no", "type")] * 2


def test_a_retyped_column_refuses_the_file_where_the_contract_says_so(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(monkeypatch, on_retyped_column="refuse")
    arrears(zone, pa.array([Decimal("1.10")], pa.decimal128(18, 2)), DAY)
    for number in (1, 2):
        arrears(zone, pa.array([1.5]), DAY + timedelta(number))
    statuses = [receipt.status for receipt in zone.ingest(FEED, DAY + timedelta(2))]
    assert statuses == [Status.LOADED, Status.REFUSED, Status.REFUSED]
    assert [event[2:] for event in events(zone)] == [("COLUMN_RETYPED", "arrears_amount", "refuse")] * 2


@pytest.mark.parametrize("rows", [9, 10])
@pytest.mark.parametrize("word", ["warn", "refuse"])
def test_text_of_another_form_in_the_whole_column_is_another_type(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, word: Policy, rows: int
) -> None:
    policy(monkeypatch, on_retyped_column=word)
    header = HEADER + ",status_date"
    zone.deliver(FEED, "t.csv", csv(header, *(FIRM.format(f"T{n}") + ",02.03.2026" for n in range(rows))))
    zone.deliver(FEED, "u.csv", csv(header, *(FIRM.format(f"U{n}") + ",2026-03-02" for n in range(rows))))
    receipt, other = sorted(zone.ingest(FEED), key=lambda receipt: receipt.file)
    assert other.loaded_rows == rows
    if rows < 10:
        assert (events(zone), receipt.quarantined_rows) == ([], rows)
        return
    assert events(zone) == [(DAY, "t.csv", "COLUMN_RETYPED", "status_date", word)]
    assert receipt.status is (Status.REFUSED if word == "refuse" else Status.LOADED)
    assert receipt.quarantined_rows == (0 if word == "refuse" else rows)


def test_broken_rows_beside_good_ones_are_no_event(zone: Zone) -> None:
    rows = [*(FIRM.format(f"T{n}") + ",02.03.2026" for n in range(20)), FIRM.format("T99") + ",2026-03-02"]
    zone.deliver(FEED, "t.csv", csv(HEADER + ",status_date", *rows))
    (receipt,) = zone.ingest(FEED)
    assert (receipt.loaded_rows, receipt.quarantined_rows) == (1, 20)
    assert events(zone) == []


def test_a_mapping_promises_the_columns_that_it_names_and_has_the_last_word() -> None:
    contract = replace(load_contracts()[FEED], on_gone_column="refuse")
    identity = identity_mapping(contract)
    for name in EventName:
        field = {"COLUMN_UNKNOWN": "on_unknown_column", "COLUMN_GONE": "on_gone_column"}.get(name, "on_retyped_column")
        own = ColumnMappings(**{**dict(identity), "name": "own", field: "refuse"})
        assert policy_for(name, contract, identity) == ("refuse" if name is EventName.COLUMN_GONE else "warn")
        assert policy_for(name, contract, own) == "refuse"
    lenient = identity.model_copy(update={"on_gone_column": "warn"})
    assert policy_for(EventName.COLUMN_GONE, contract, lenient) == "warn"


@pytest.mark.parametrize("nightly", [True, False], ids=["night by night", "all at once"])
def test_events_are_those_of_a_lake_filled_night_by_night(tmp_path: Path, nightly: bool) -> None:
    """Whatever run ingests them, and after a crash before any of the receipts: the same events."""
    zone = new_zone(tmp_path / "zone")
    amounts = [pa.array([Decimal(1)], pa.decimal128(18, 2)), pa.array([1.5]), pa.array([2.5]), pa.array([3])]
    for number, array in enumerate(amounts):
        arrears(zone, array, DAY + timedelta(number))
        if nightly:
            zone.ingest(FEED, DAY + timedelta(number))
    zone.ingest(FEED, DAY + timedelta(3))
    expected = [
        (DAY + timedelta(1), "DECIMAL(18,2)", "DOUBLE"),
        (DAY + timedelta(3), "DOUBLE", "BIGINT"),
    ]
    assert events(zone, "business_date, earlier_type, delivered_type") == expected
    for lost in (1, 2):
        receipts = sorted(zone.lake.dataset("receipts").glob("batch_date=*/*"))
        receipts[lost].unlink()
        zone.ingest(FEED, DAY + timedelta(3))
        assert events(zone, "business_date, earlier_type, delivered_type") == expected


def test_events_without_a_receipt_go_when_their_file_is_withdrawn(zone: Zone) -> None:
    path = zone.deliver(FEED, "t.csv", csv(HEADER + ",note", FIRM.format("T1") + ",x"))
    zone.ingest(FEED)
    for receipt in zone.lake.dataset("receipts").glob("batch_date=*/*"):
        receipt.unlink()
    path.unlink()
    zone.ingest(FEED)
    assert events(zone) == []


def test_a_header_without_end_is_bounded(zone: Zone) -> None:
    names = ",".join(f"note{number}" for number in range(1_000))
    zone.deliver(FEED, "t.csv", csv(f"{HEADER},{names}", FIRM.format("T1") + ",x" * 1_000))
    (receipt,) = zone.ingest(FEED)
    found = events(zone, "column_name")
    assert len(found) == 201
    assert ("and 800 more",) in found
    assert len(receipt.message or "") < 1_000
