"""Ingest: versions, repeats, clocks, and what a crash leaves behind."""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from sources import ingest, load, versions
from sources.arrival import Arrival
from sources.contract import load_contracts
from sources.engine import TOO_LARGE, quick_connection
from sources.ingest import Limits, ingest_feed, initialise
from sources.load import OpenFile, load_files, open_file
from sources.readers import Workspace
from sources.receipt import Receipt
from tests.sources.hostile.tables import negative_size, parquet, rates
from tests.sources.landing_zone import CLOCK, DAY, RATE_HEADER, Zone, counts, csv, new_zone

FEED = "external.fx_rate"
RAW = "raw/external/fx_rate"
USD, EUR, GBP = (f"{currency},CNY,2026-03-01,7.1" for currency in ("USD", "EUR", "GBP"))
USD_RESTATED = "USD,CNY,2026-03-01,7.2"


def test_every_dataset_has_its_schema_before_the_first_row(zone: Zone) -> None:
    for contract in load_contracts().values():
        assert zone.rows(f"raw/{contract.source}/{contract.feed}") == []
    assert zone.rows("quarantine") == zone.rows("receipts", order="file_id") == []


@pytest.mark.parametrize("sorted_at_once", [1, 2_000_000])
def test_a_row_that_equals_the_latest_version_is_a_duplicate(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, sorted_at_once: int
) -> None:
    """However many rounds it takes to look at the keys."""
    monkeypatch.setattr(versions, "_KEYS_SORTED_AT_ONCE", sorted_at_once)
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD, EUR, USD))
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD, GBP), DAY + timedelta(1))
    first, second = zone.ingest(FEED, DAY + timedelta(1))
    assert counts(first) == {"delivered": 3, "loaded": 2, "quarantined": 0, "duplicate": 1}
    assert counts(second) == {"delivered": 2, "loaded": 1, "quarantined": 0, "duplicate": 1}


@pytest.mark.parametrize("one_night_each", [False, True])
def test_a_row_changed_and_changed_back_is_three_versions(zone: Zone, one_night_each: bool) -> None:
    receipts = []
    for number, row in enumerate([USD, USD_RESTATED, USD]):
        day = DAY + timedelta(number)
        zone.deliver(
            FEED, "r.csv", csv(RATE_HEADER, row, f"A{number}A".replace(str(number), "XYZ"[number]) + EUR[3:]), day
        )
        if one_night_each:
            receipts += zone.ingest(FEED, day, day - timedelta(1))
    receipts += zone.ingest(FEED, DAY + timedelta(2))
    assert [receipt.loaded_rows for receipt in receipts] == [2, 2, 2]


def test_a_row_restated_to_another_date_and_back_is_a_version(zone: Zone) -> None:
    feed, names = "external.public_record", load_contracts()["external.public_record"].column_names

    def record(published: str) -> str:
        values = {column.name: "" for column in load_contracts()[feed].columns}
        for column in load_contracts()[feed].columns:
            if column.required:
                values[column.name] = column.allowed_values[-1] if column.allowed_values else "X"
            if column.required and column.sql_type == "date":
                values[column.name] = "2026-01-01"
        values |= {"published_date": published}
        return ",".join(values[name] for name in names)

    receipts = []
    for number, published in enumerate(["2026-01-05", "2026-02-07", "2026-01-05"]):
        day = DAY + timedelta(number)
        zone.deliver(feed, f"{number}.csv", csv(",".join(names), *[record(published)] * (number + 1)), day)
        receipts += zone.ingest(feed, day, day - timedelta(1))
    assert [receipt.loaded_rows for receipt in receipts] == [1, 1, 1], zone.refused("message")


def test_the_same_bytes_again_are_all_duplicates(zone: Zone) -> None:
    for day in (DAY, DAY + timedelta(1)):
        zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD, EUR), day)
    first, second = zone.ingest(FEED, DAY + timedelta(1))
    assert (first.status, second.status) == ("LOADED", "REPEATED_FILE")
    assert counts(second) == {"delivered": 2, "loaded": 0, "quarantined": 0, "duplicate": 2}


def test_a_file_that_turns_up_late_is_known_after_the_last_night(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD))
    (receipt,) = zone.ingest(FEED, DAY + timedelta(9), DAY + timedelta(8))
    assert receipt.batch_date == DAY + timedelta(9)
    assert zone.rows(RAW, "known_date, batch_date") == [(DAY + timedelta(9), DAY + timedelta(9))]


def test_only_folders_up_to_the_night_are_read(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD), DAY + timedelta(1))
    assert zone.ingest(FEED, DAY) == []


def test_history_becomes_known_with_the_lag_and_never_after_its_delivery(zone: Zone) -> None:
    zone.deliver(FEED, "_delivery.yaml", "history: true\n")
    rows = ["USD,CNY,2026-01-10,7.1", "USD,CNY,2026-03-02,7.1"]
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, *rows))
    (receipt,) = zone.ingest(FEED)
    assert receipt.is_history
    assert receipt.min_known_date == date(2026, 1, 11)
    assert zone.rows(RAW, "known_date") == [(date(2026, 1, 11),), (DAY,)]


def test_a_second_run_writes_nothing(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD))
    zone.ingest(FEED)
    before = _files(zone)
    assert zone.ingest(FEED, clock=CLOCK + timedelta(hours=1)) == []
    assert _files(zone) == before


def test_touching_a_file_does_not_deliver_it_again(zone: Zone) -> None:
    path = zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD))
    zone.ingest(FEED)
    path.touch()
    assert zone.ingest(FEED) == []


@pytest.mark.parametrize("lost", ["receipts", "receipts and raw"])
def test_a_crash_before_the_receipt_is_repaired(zone: Zone, lost: str) -> None:
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD, "bad", EUR))
    zone.ingest(FEED)
    before = _files(zone)
    for path in zone.lake.dataset("receipts").glob("batch_date=*/*"):
        path.unlink()
    if "raw" in lost:
        for path in zone.lake.dataset(RAW).glob("batch_date=*/*"):
            path.unlink()
    zone.ingest(FEED)
    assert _files(zone) == before


def test_rows_without_a_receipt_go_when_their_file_is_withdrawn(zone: Zone) -> None:
    path = zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD))
    zone.ingest(FEED)
    for receipt in zone.lake.dataset("receipts").glob("batch_date=*/*"):
        receipt.unlink()
    path.unlink()
    zone.ingest(FEED)
    assert zone.rows(RAW) == []


def test_files_loaded_together_give_the_same_lake_as_one_by_one(tmp_path: Path) -> None:
    together, apart = new_zone(tmp_path / "together"), new_zone(tmp_path / "apart")
    rows = [[USD, EUR], [USD, "bad", USD_RESTATED], [USD_RESTATED, GBP, 'x"'], [USD, EUR]]
    for number, records in enumerate(rows):
        for zone in (together, apart):
            zone.deliver(FEED, f"{number}.csv", csv(RATE_HEADER, *records), DAY + timedelta(number))
        apart.ingest(FEED, DAY + timedelta(number))
    together.ingest(FEED, DAY + timedelta(3))
    for dataset in (RAW, "quarantine"):
        assert together.rows(dataset) == apart.rows(dataset) != []
    columns = "file, status, message, delivered_rows, loaded_rows, quarantined_rows, duplicate_rows"
    assert together.rows("receipts", columns, "file_id") == apart.rows("receipts", columns, "file_id")


def test_same_input_same_bytes(tmp_path: Path) -> None:
    zones = [new_zone(tmp_path / name) for name in ("a", "b")]
    for zone in zones:
        path = zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD, EUR, "bad"))

        os.utime(path, ns=(0, 0))
        zone.ingest(FEED)
    assert _files(zones[0]) == _files(zones[1])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("first_rate", ["7", "none"], ids=["sound", "refused"])
def test_rows_of_a_large_file_keep_its_order(tmp_path: Path, suffix: str, first_rate: str) -> None:
    """The engine reads and writes with several threads, here row groups by the dozen."""
    rows = 250_000
    codes = [chr(65 + n // 676 % 26) + chr(65 + n // 26 % 26) + chr(65 + n % 26) for n in range(rows)]
    dates = [date(2000, 1, 1) + timedelta(days=n * 7 % 9_000) for n in range(rows)]
    rates = [first_rate, *(f"{n}.5" for n in range(1, rows))]
    table = pa.table(
        {"base_currency": codes, "quote_currency": ["CNY"] * rows, "rate_date": pa.array(dates), "rate": rates}
    )
    path = tmp_path / f"r.{suffix}"
    if suffix == "csv":
        pa_csv.write_csv(table, path)
    else:
        pq.write_table(table, path, row_group_size=5_000)
    zones = [new_zone(tmp_path / name) for name in ("a", "b")]
    for zone in zones:
        os.utime(zone.deliver(FEED, path.name, path.read_bytes()), ns=(0, 0))
        (receipt,) = zone.ingest(FEED)
        assert receipt.delivered_rows == rows
        assert receipt.quarantined_rows == (first_rate == "none")
        (raw,) = (zone.lake.root / "raw/external/fx_rate").rglob(f"{receipt.file_id}.parquet")
        numbers = pq.read_table(raw, columns=["row_no"])["row_no"].to_numpy()
        assert len(numbers) == receipt.loaded_rows
        assert (numbers[1:] > numbers[:-1]).all()
    assert _files(zones[0]) == _files(zones[1])


def test_parquet_is_loaded_in_its_own_types(zone: Zone, tmp_path: Path) -> None:
    table = pa.table(
        {
            "base_currency": ["USD", "EUR", "GBP"],
            "quote_currency": ["CNY", "CNY", "pound"],
            "rate_date": pa.array([date(2026, 3, 1)] * 3),
            "rate": pa.array([7.1, 1 / 3, 9.5]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    zone.deliver(FEED, "t.parquet", (tmp_path / "t.parquet").read_bytes())
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 3, "loaded": 1, "quarantined": 2, "duplicate": 0}
    assert zone.refused("row_no, column_name, rule, line_no") == [
        (2, "rate", "type", None),
        (3, "quote_currency", "pattern", None),
    ]


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_that_several_threads_read_keep_their_order_and_numbers(zone: Zone, suffix: str, is_whole: bool) -> None:
    """Where the file is not whole, a row in a thousand is refused and another repeats the first row."""
    feed, rows = "tax.vat_invoice", 400_000
    path = zone.deliver(feed, f"t.{suffix}", b"")
    invoice_no, scheme = "n::varchar", "'LOCAL'"
    if not is_whole:
        invoice_no = "case when n % 1000 = 1 then '0' else n::varchar end"
        scheme = "case when n % 1000 = 2 then 'NONE ' || n else 'LOCAL' end"
    with quick_connection() as connection:
        connection.execute(
            f"""
            copy (
                select repeat('S', 60) as seller_no, {scheme} as seller_no_scheme, 'B' as buyer_no,
                       'LOCAL' as buyer_no_scheme, {invoice_no} as invoice_no, '2026-03-01'::date as invoice_date,
                       1::decimal(18, 2) as net_amount, 0::decimal(18, 2) as tax_amount,
                       1::decimal(18, 2) as gross_amount, 'CNY' as currency, 'VALID' as invoice_status
                from range({rows}) t(n)
                order by n
            ) to '{path}' (format {suffix})
            """
        )
    (receipt,) = zone.ingest(feed)
    odd = 0 if is_whole else rows // 1000
    assert counts(receipt) == {"delivered": rows, "loaded": rows - 2 * odd, "quarantined": odd, "duplicate": odd}
    (file,) = zone.lake.root.glob(f"raw/tax/vat_invoice/*/{receipt.file_id}.parquet")
    loaded = pq.read_table(file, columns=["row_no", "invoice_no"], partitioning=None)
    numbers = loaded["row_no"].to_numpy()
    assert (numbers[1:] > numbers[:-1]).all()
    assert loaded["invoice_no"].to_pylist() == [str(number - 1) for number in numbers]
    right = "message like '%NONE ' || (row_no - 1) || '''%' and raw_text like '%NONE ' || (row_no - 1) || '%'"
    assert zone.refused(right) == [(True,)] * odd


@pytest.mark.parametrize("keep", [0, 100, -20])
def test_a_truncated_parquet_file_is_refused(zone: Zone, tmp_path: Path, keep: int) -> None:
    pq.write_table(pa.table({"base_currency": ["USD"] * 1000}), tmp_path / "t.parquet")
    zone.deliver(FEED, "t.parquet", (tmp_path / "t.parquet").read_bytes()[:keep])
    zone.deliver(FEED, "good.csv", csv(RATE_HEADER, USD))
    good, broken = sorted(zone.ingest(FEED), key=lambda receipt: receipt.file)
    assert (good.status, broken.status) == ("LOADED", "REFUSED")
    assert broken.message
    assert str(zone.landing) not in broken.message


def test_a_file_that_each_question_reads_again_becomes_what_one_that_is_kept_becomes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights with refused rows, wrong check digits, repeated rows and restated ones."""
    feed, rows = "tax.vat_invoice", 3_000
    zones = [new_zone(tmp_path / name) for name in ("kept", "again")]
    for zone, small_bytes in zip(zones, (1 << 30, 0), strict=True):
        monkeypatch.setattr(load, "_SMALL_FILE_BYTES", small_bytes)
        for night in range(2):
            path = zone.deliver(feed, f"{night}.parquet", b"", DAY + timedelta(days=night))
            with quick_connection() as connection:
                connection.execute(
                    f"""
                    copy (
                        select case when n % 7 = 0 then '91110105000000000X' else '91110105000000001Y' end as seller_no,
                               case when n % 11 = 0 then 'NONE' else 'CN-USCC' end as seller_no_scheme, 'B' as buyer_no,
                               'LOCAL' as buyer_no_scheme, (n // 2 * 2)::varchar as invoice_no,
                               '2026-03-01'::date as invoice_date,
                               case when n % 13 = 0 then null else (n // 4 + {night} * (n % 3))::decimal(18, 2) end
                                   as net_amount,
                               0::decimal(18, 2) as tax_amount, 1::decimal(18, 2) as gross_amount, 'CNY' as currency,
                               'VALID' as invoice_status
                        from range({rows}) t(n)
                        order by n
                    ) to '{path}' (format parquet)
                    """
                )
            os.utime(path, ns=(0, 0))
            (receipt,) = zone.ingest(feed, DAY + timedelta(days=night), DAY)
            assert min(receipt.loaded_rows, receipt.quarantined_rows, receipt.duplicate_rows) > 100
            assert receipt.delivered_rows == rows
    assert _files(zones[0]) == _files(zones[1])
    assert {rule for (rule,) in zones[0].refused("distinct rule")} == {"check_digit", "allowed_values", "required"}


@pytest.mark.parametrize("small_bytes", [0, 1 << 30])
def test_a_parquet_file_broken_in_a_column_without_rules_is_refused(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, small_bytes: int
) -> None:
    monkeypatch.setattr(load, "_SMALL_FILE_BYTES", small_bytes)
    feed, day = "external.financial_statement", pa.array([date(2026, 1, 1)] * 5000)
    table = pa.table(
        {
            "party_no": [str(number) for number in range(5000)],
            "party_no_scheme": ["LOCAL"] * 5000,
            "period_end_date": day,
            "published_date": day,
            "currency": ["CNY"] * 5000,
            "cash_amount": pa.array([Decimal(number) for number in range(5000)], pa.decimal128(18, 2)),
        }
    )
    path = zone.deliver(feed, "t.parquet", b"")
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    (receipt,) = zone.ingest(feed)
    assert (receipt.status, receipt.loaded_rows) == ("LOADED", 5000)
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(5)
    content = bytearray(path.read_bytes())
    start, end = chunk.data_page_offset, chunk.data_page_offset + chunk.total_compressed_size
    content[start:end] = b"\xff" * (end - start)
    zone.deliver(feed, "broken.parquet", bytes(content))
    (receipt,) = zone.ingest(feed)
    assert (receipt.status, receipt.loaded_rows) == ("REFUSED", 0)
    assert "It cannot be read to its end" in (receipt.message or "")


def test_a_parquet_file_broken_inside_is_refused_and_its_neighbours_are_loaded(zone: Zone, tmp_path: Path) -> None:
    names = load_contracts()[FEED].arrow_schema
    for number in range(3):
        currencies = [f"{chr(65 + i // 676)}{chr(65 + i // 26 % 26)}{chr(65 + i % 26)}" for i in range(5000)]
        table = pa.table(
            {
                "base_currency": currencies,
                "quote_currency": ["CNY"] * 5000,
                "rate_date": pa.array([date(2026, 3, 1 + number)] * 5000),
                "rate": pa.array([Decimal(7)] * 5000, names.field("rate").type),
            }
        )
        pq.write_table(table, tmp_path / "t.parquet", compression="zstd")
        content = bytearray((tmp_path / "t.parquet").read_bytes())
        if number == 1:
            content[60:1200] = b"\xff" * 1140
        zone.deliver(FEED, f"{number}.parquet", bytes(content))
    receipts = sorted(zone.ingest(FEED), key=lambda receipt: receipt.file)
    assert [receipt.status for receipt in receipts] == ["LOADED", "REFUSED", "LOADED"]
    assert receipts[1].message
    assert str(zone.landing) not in receipts[1].message


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_SMALL_FILE_BYTES", 0)
    columns = {name: [text] for name, text in zip(RATE_HEADER.split(","), USD.split(","), strict=True)}
    path = zone.deliver(FEED, "r.parquet", b"")
    pq.write_table(pa.table(columns), path)

    def find_duplicates(*arguments: Any) -> int:
        path.write_bytes(path.read_bytes()[:100])
        return versions.find_duplicates(*arguments)

    monkeypatch.setattr(load, "find_duplicates", find_duplicates)
    with pytest.raises(OSError, match=r"r\.parquet changed while it was read; run again when it is complete"):
        zone.ingest(FEED)
    monkeypatch.undo()
    pq.write_table(pa.table(columns), path)
    (receipt,) = zone.ingest(FEED)
    assert (receipt.status, receipt.loaded_rows) == ("LOADED", 1)


def test_a_wrong_check_digit_is_refused(zone: Zone) -> None:
    columns = load_contracts()["tax.taxpayer"].columns
    header = ",".join(column.name for column in columns if column.required)
    good, wrong = "91110000600037341L,CN-USCC,Firm,NORMAL", "911100006000373410,CN-USCC,Firm,NORMAL"
    zone.deliver("tax.taxpayer", "t.csv", csv(header, good, wrong, "anything,LOCAL,Firm,NORMAL"))
    (receipt,) = zone.ingest("tax.taxpayer")
    refused = dict(zone.refused())
    assert refused[2] == "check_digit"
    assert receipt.delivered_rows == 3


def _files(zone: Zone) -> dict[str, bytes]:
    initialise(zone.lake)
    return {str(p.relative_to(zone.root)): p.read_bytes() for p in sorted(zone.lake.root.rglob("*.parquet"))}


def test_the_clock_is_the_only_difference_between_runs(zone: Zone, tmp_path: Path) -> None:
    other = new_zone(tmp_path / "other")
    for place, clock in ((zone, CLOCK), (other, datetime(2027, 1, 1))):  # noqa: DTZ001  (the lake's clock is naive UTC)
        place.deliver(FEED, "r.csv", csv(RATE_HEADER, EUR, USD, USD_RESTATED))
        place.ingest(FEED, clock=clock)
    columns = "* exclude (loaded_at)"
    assert zone.rows(RAW, columns) == other.rows(RAW, columns)


@pytest.mark.parametrize("sign", ["\x1b", "\x0b", "\x85", "\u2028", "\u202e", "\t", "\0"])
def test_what_is_said_is_one_line_that_can_be_printed(zone: Zone, sign: str) -> None:
    zone.deliver(FEED, "value.csv", csv(RATE_HEADER, f"USD,CNY,2026-03-01,7{sign}1"))
    zone.deliver(FEED, "value.jsonl", '{"base_currency": "USD", "quote_currency": "CNY", "rate_date": "2026-03-01"}\n')
    zone.deliver(FEED, "header.csv", csv(RATE_HEADER.replace("rate_date", f"rate{sign}_date"), USD))
    receipts = zone.ingest(FEED)
    said = [str(message) for (message,) in zone.refused("message")] + [receipt.message or "" for receipt in receipts]
    assert "".join(said).isprintable()
    if sign != "\0":
        assert "rate '7\N{REPLACEMENT CHARACTER}1' is no decimal(18,6)." in said
        assert "rate\N{REPLACEMENT CHARACTER}_date" in " ".join(said)


def test_a_file_that_breaks_the_engine_is_refused_and_its_neighbours_are_loaded(zone: Zone) -> None:
    for number in range(3):
        table = rates(rate=[f"{number}.5"] * 4)
        parquet(lambda table=table: table)(zone.deliver(FEED, f"{number}.parquet", b""))
    parquet(rates, negative_size)(zone.deliver(FEED, "1.parquet", b""))
    receipts = {receipt.file: receipt for receipt in zone.ingest(FEED)}
    assert [receipts[f"{number}.parquet"].loaded_rows for number in range(3)] == [4, 0, 4]
    assert "The engine fails on it (INTERNAL Error" in (receipts["1.parquet"].message or "")
    assert zone.ingest(FEED) == []


def test_a_file_that_takes_more_memory_than_there_is_is_refused_and_its_neighbours_are_loaded(zone: Zone) -> None:
    zone.deliver(FEED, "large.csv", csv(RATE_HEADER, *(f"USD,CNY,2026-03-01,{number}.5" for number in range(60_000))))
    zone.deliver(FEED, "small.csv", csv(RATE_HEADER, EUR))
    limits = Limits(engine_memory="6MB", more_memory=("6MB",))
    receipts = ingest_feed(FEED, zone.landing, zone.lake, DAY, None, limits=limits)
    made = {receipt.file: (receipt.status, receipt.message, receipt.loaded_rows) for receipt in receipts}
    assert made == {"large.csv": ("REFUSED", TOO_LARGE, 0), "small.csv": ("LOADED", None, 1)}


def test_a_file_for_which_memory_was_short_is_loaded_with_the_first_that_is_enough(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, *(f"USD,CNY,2026-03-01,{number}.5" for number in range(60_000))))
    given = []

    def load(*arguments: Any) -> list[Receipt]:
        given.extend(arguments[3].execute("select current_setting('memory_limit')").fetchall()[0])
        return load_files(*arguments)

    monkeypatch.setattr(ingest, "load_files", load)
    limits = Limits(engine_memory="6MB", more_memory=("7MB", "100MB", "200MB"))
    (receipt,) = ingest_feed(FEED, zone.landing, zone.lake, DAY, None, limits=limits)
    assert (receipt.status, receipt.loaded_rows) == ("LOADED", 60_000)
    assert given == ["5.7 MiB", "6.6 MiB", "95.3 MiB"]


def test_a_file_for_which_memory_was_short_is_loaded_by_one_thread(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether many threads have enough depends on how they meet; a sound file must not be refused by chance."""
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD))
    threads = []

    def load(*arguments: Any) -> list[Receipt]:
        connection = arguments[3]
        threads.extend(connection.execute("select current_setting('threads')").fetchall()[0])
        if len(threads) == 1:
            raise duckdb.OutOfMemoryException("failed to pin block")
        return load_files(*arguments)

    monkeypatch.setattr(ingest, "load_files", load)
    (receipt,) = zone.ingest(FEED)
    assert (receipt.status, receipt.loaded_rows) == ("LOADED", 1)
    assert threads[1] == 1


@pytest.mark.parametrize(
    ("more", "status"), [(("60MB",), "LOADED"), (("45MB", "60MB"), "LOADED"), (("45MB", "50MB"), "REFUSED")]
)
def test_a_file_that_takes_much_memory_to_open_is_opened_with_more_of_it(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], status: str
) -> None:
    """Some formats ask the engine what stands in a file before any row is typed."""
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, USD))
    zone.deliver(FEED, "small.csv", csv(RATE_HEADER, EUR))

    def opened(arrival: Arrival, workspace: Workspace) -> OpenFile:
        (memory,) = workspace.connection.execute("select current_setting('memory_limit')").fetchall()[0]
        if arrival.delivery.path.name == "r.csv" and memory < "55":
            raise duckdb.OutOfMemoryException("failed to pin block")
        return open_file(arrival, workspace)

    monkeypatch.setattr(ingest, "open_file", opened)
    limits = Limits(engine_memory="40MB", more_memory=more)
    receipts = ingest_feed(FEED, zone.landing, zone.lake, DAY, None, limits=limits)
    assert {receipt.file: receipt.status for receipt in receipts} == {"r.csv": status, "small.csv": "LOADED"}
