"""Delimited text: every fault is refused alone, with its record number, line and text, and the rest is loaded."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.contract import load_contracts
from sources.engine import quick_connection
from sources.mapping import identity_mapping
from sources.readers import FileRefused, Workspace
from sources.readers.delimited import open_delimited
from sources.readers.headings import distinct_headings
from tests.sources.landing_zone import RATE_HEADER, Zone, counts, csv, new_zone

FEED = "external.fx_rate"
GOOD = "USD,CNY,2026-03-0{},7.1"


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (b"USD,CNY,2026-03-02", "field_count"),
        (b"USD,CNY,2026-03-02,7.1,9", "field_count"),
        (b'USD,"CNY"x,2026-03-02,7.1', "quotes"),
        (b'USD,"CNY,2026-03-02,7.1', "quotes"),
        (b"USD,C\xff\xfe,2026-03-02,7.1", "encoding"),
        (b"USD,C\0Y,2026-03-02,7.1", "nul_byte"),
        (b"USD,CNY,2026-03-02,seven", "type"),
        (b"USD,CNY,2026-02-30,7.1", "type"),
        (b"USD,CNY,02.03.2026,7.1", "type"),
        (b"USD,CNY,2026-03-02,1e1", "type"),
        (b"USD,CNY,2026-03-02,7.1234567", "type"),
        (b"USD,CNY,2026-03-02,0", "minimum"),
        (b"USD,yuan,2026-03-02,7.1", "pattern"),
        (b"USD,,2026-03-02,7.1", "required"),
        (b"   ", "field_count"),
    ],
)
@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_broken_record_is_refused_alone(zone: Zone, record: bytes, rule: str, is_compressed: bool) -> None:
    good = [GOOD.format(day).encode() for day in (1, 3, 4)]
    content = b"\n".join([RATE_HEADER.encode(), good[0], b"", record, good[1], good[2]]) + b"\n"
    zone.deliver(FEED, "r.csv.gz" if is_compressed else "r.csv", gzip.compress(content) if is_compressed else content)
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 4, "loaded": 3, "quarantined": 1, "duplicate": 0}
    (refused,) = zone.refused("row_no, line_no, rule, raw_text")
    text = record.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    assert refused == (2, 4, rule, text)
    assert [row for (row,) in zone.rows(f"raw/{FEED.replace('.', '/')}", "row_no")] == [1, 3, 4]


def test_quoted_line_breaks_count_as_one_record(zone: Zone) -> None:
    feed = "erp.vendor"
    names = load_contracts()[feed].column_names
    values = dict.fromkeys(names, "") | {"company_code": "C1"}
    for column in load_contracts()[feed].columns:
        if column.required and column.name != "company_code":
            values[column.name] = {"date": "2026-03-01", "boolean": "true"}.get(column.sql_type, "")
            if column.sql_type == "varchar":
                values[column.name] = column.allowed_values[-1] if column.allowed_values else "X"
    free = next(c.name for c in load_contracts()[feed].columns if c.name.endswith("_name"))

    def record(number: str, text: str, company: str = "C1") -> str:
        row = values | {"erp_vendor_no": number, free: text, "company_code": company}
        return ",".join(row[name] for name in names)

    content = csv(",".join(names), record("1", '"two\nlines"'), record("2", "plain"), record("3", '"a ""b"""', ""))
    zone.deliver(feed, "v.csv", content)
    (receipt,) = zone.ingest(feed)
    assert counts(receipt) == {"delivered": 3, "loaded": 2, "quarantined": 1, "duplicate": 0}, zone.refused("message")
    assert zone.refused("row_no, line_no, rule") == [(3, 5, "required")]
    assert zone.rows("raw/erp/vendor", free) == [("two\nlines",), ("plain",)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_byte_order_mark_and_line_ends(zone: Zone, line_end: str) -> None:
    content = "\ufeff" + line_end.join([RATE_HEADER, GOOD.format(1), GOOD.format(2)])
    zone.deliver(FEED, "r.csv", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.loaded_rows == 2
    assert zone.rows("raw/external/fx_rate", "rate") == [(Decimal("7.1"),)] * 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["r.csv", "r.txt"])
def test_a_byte_order_mark_names_the_encoding(zone: Zone, encoding: str, name: str) -> None:
    zone.deliver(FEED, name, csv(RATE_HEADER, GOOD.format(1), "EUR,\u5143,2026-03-01,7.1").encode(encoding))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 1, "quarantined": 1, "duplicate": 0}
    assert zone.refused("row_no, line_no, raw_text") == [(2, 3, "EUR,\u5143,2026-03-01,7.1")]


def test_mixed_line_ends_are_read(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", f"{RATE_HEADER}\r\n{GOOD.format(1)}\n{GOOD.format(2)}\r\n{GOOD.format(3)}\n")
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 3, "loaded": 3, "quarantined": 0, "duplicate": 0}


def test_of_many_headings_that_stand_twice_some_are_shown() -> None:
    names = [f"c{number % 30}" for number in range(90)]
    with pytest.raises(FileRefused, match=r"'c26' and 10 others more than once; let the mapping read 'c0 \(1\)'"):
        distinct_headings(names, names)
    assert distinct_headings(["a", "", "b", "a", ""], ["b"]) == ("a (1)", "", "b", "a (2)", "")


@pytest.mark.parametrize("broken", ["", "a record of one field\n"])
def test_of_headings_that_stand_twice_a_mapping_says_which_it_reads(zone: Zone, broken: str) -> None:
    columns = {"base_currency": "Waehrung (2)", "quote_currency": "Waehrung (1)", "rate_date": "Tag", "rate": "Kurs"}
    zone.map("rates", {"feed": FEED, "columns": columns, "ignored": ["*"]})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    zone.deliver(FEED, "r.csv", f"Waehrung,Tag,,Kurs,Waehrung,\nUSD,2026-03-02,x,7.1,EUR,\n{broken}")
    (receipt,) = zone.ingest(FEED)
    assert (receipt.loaded_rows, receipt.quarantined_rows) == (1, int(bool(broken)))
    assert zone.rows("raw/external/fx_rate", "base_currency, quote_currency") == [("EUR", "USD")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"base_currency,quote_currency,rate_date\nUSD,CNY,2026-03-01\n", "lacks the required column rate"),
        (b"\xff,b\n", "header line cannot be read"),
        (b"\xff\xfe,b\n", "not utf-16"),
        (f"{'x' * 200_000!r},b\n".replace("'", '"').encode(), "header line cannot be read: field larger"),
        (f"{RATE_HEADER},{','.join(f'c{i}' for i in range(10_000))}\n".encode(), "10,004 columns, the limit is 10,000"),
        (b"," * 60_000 + b"\n", "60,001 columns"),
        (b"rate,quote_currency,rate_date,rate\n", "more than once; let the mapping read 'rate (1)' or the one that is"),
        (b"base_currency,c (1),c,c\n", "differ by a number in brackets alone"),
    ],
)
def test_a_file_without_a_usable_header_is_refused(zone: Zone, content: bytes, sentence: str) -> None:
    zone.deliver(FEED, "r.csv", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert sentence in (receipt.message or "")
    assert zone.refused("row_no, rule, message") == [(None, "file", receipt.message)]


def test_a_broken_gzip_stream_is_refused(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv.gz", gzip.compress(csv(RATE_HEADER, GOOD.format(1)).encode())[:-12])
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert "does not unpack" in (receipt.message or "")


def test_unknown_columns_are_named_and_ignored(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER + ",note", GOOD.format(1) + ",x"))
    (receipt,) = zone.ingest(FEED)
    assert receipt.loaded_rows == 1
    assert receipt.message == "COLUMN_UNKNOWN: ignored the unknown column note."


FAULTS = {
    "field_count": "USD,CNY,2026-03-02",
    "quotes": 'USD,"CNY"x,2026-03-02,7.1',
    "type": "USD,CNY,2026-03-02,x",
    "pattern": "USD,cny,2026-03-02,7.1",
    "required": "USD,CNY,,7.1",
    "minimum": "USD,CNY,2026-03-02,-1",
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.one_of(st.just("good"), st.just("same"), st.sampled_from(sorted(FAULTS))), max_size=40),
    blank_lines=st.booleans(),
)
def test_exactly_the_injected_faults_are_refused(
    tmp_path_factory: pytest.TempPathFactory, kinds: list[str], blank_lines: bool
) -> None:
    zone = new_zone(tmp_path_factory.mktemp("zone"))
    records = []
    for number, kind in enumerate(kinds):
        good = f"{chr(65 + number // 26)}{chr(65 + number % 26)}A,CNY,2026-03-02,7.1"
        records.append({"good": good, "same": "ZZZ,CNY,2026-03-02,7.1"}.get(kind) or FAULTS[kind])
    separator = "\n\n" if blank_lines else "\n"
    zone.deliver(FEED, "r.csv", separator.join([RATE_HEADER, *records, ""]))
    (receipt,) = zone.ingest(FEED)
    injected = [(number, kind) for number, kind in enumerate(kinds, start=1) if kind in FAULTS]
    repeats = max(kinds.count("same") - 1, 0)
    assert zone.refused() == injected
    assert receipt.delivered_rows == len(kinds)
    assert receipt.duplicate_rows == repeats
    assert receipt.loaded_rows == len(kinds) - len(injected) - repeats


TITLED = {"feed": FEED, "header_row": 4, "columns": {name: name for name in RATE_HEADER.split(",")}}
TITLES = 'Rates of March\nsaid "by the bank"\n\n'


@pytest.mark.parametrize("broken", [[], ["USD,CNY,2026-03-02"]], ids=["whole", "repaired"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_titles_above_the_header_are_passed_over_where_the_mapping_says_so(
    zone: Zone, broken: list[str], delimiter: str
) -> None:
    zone.map("titled", TITLED)
    zone.deliver(FEED, "_delivery.yaml", "mapping: titled")
    text = csv(RATE_HEADER, GOOD.format(1), *broken, GOOD.format(2), "USD,CNY,2026-03-03,x").replace(",", delimiter)
    zone.deliver(FEED, "r.csv", TITLES + text)
    (receipt,) = zone.ingest(FEED)
    assert receipt.loaded_rows == 2, receipt.message
    assert zone.refused("line_no")[-1] == (7 + len(broken),)


def test_a_file_that_ends_before_its_header_is_refused(zone: Zone) -> None:
    zone.map("titled", TITLED)
    zone.deliver(FEED, "_delivery.yaml", "mapping: titled")
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, GOOD.format(1)))
    (receipt,) = zone.ingest(FEED)
    assert receipt.message == "The file is empty: it has no line 4 or after; deliver it with one."


def test_titles_do_not_slow_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(TITLES + csv(RATE_HEADER, GOOD.format(1), GOOD.format(2)))
    mapping = identity_mapping(load_contracts()[FEED]).model_copy(update={"header_row": 4})
    with quick_connection() as connection:
        records = open_delimited(path, mapping, Workspace(connection, tmp_path, 1 << 30))
        rates = connection.sql(f"select d3 from {records.relation}").fetchall()
    assert (records.row_no, rates) == (None, [("7.1",), ("7.1",)])
