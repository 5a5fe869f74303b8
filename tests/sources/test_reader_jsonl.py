"""JSON Lines: numbers keep their text, a broken line is refused alone, nested values are columns."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.contract import load_contracts
from sources.engine import quick_connection
from sources.mapping import Mapping, identity_mapping
from sources.readers import Workspace
from sources.readers.jsonl import open_jsonl
from sources.readers.scanner import MAX_LINE_BYTES
from tests.sources.landing_zone import DAY, Zone, counts
from tests.sources.opened import Opened

FEED = "external.fx_rate"
GOOD = '{"base_currency": "USD", "quote_currency": "CNY", "rate_date": "2026-03-0%d", "rate": 7.10}'


def read(text: str | bytes, **keys: object) -> Opened:
    """What the reader makes of a file; ``keys`` are of the mapping, ``columns`` the delivered ones it reads."""
    own = identity_mapping(load_contracts()[FEED]).model_dump(exclude_defaults=True, by_alias=True)
    names = keys.pop("columns", ("a", "b", "c", "d"))
    assert isinstance(names, tuple)
    columns = dict(zip(("base_currency", "quote_currency", "rate_date", "rate"), names, strict=False))
    mapping = Mapping.model_validate({**own, **keys, "columns": columns})
    with TemporaryDirectory() as folder, quick_connection() as connection:
        path = Path(folder) / "r.jsonl"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        records = open_jsonl(path, mapping, Workspace(connection, Path(folder), 1 << 30))
        fields = ", ".join(f'{column} as "{name}"' for name, (column, _) in records.columns.items())
        found = connection.sql(f"select {fields} from {records.relation} order by {records.row_no}")
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
        return Opened(rows, [*records.refused()], records.notes)


@pytest.mark.parametrize("name", ["r.jsonl", "r.ndjson", "r.json", "r.JSONL"])
def test_objects_are_loaded_by_the_contract(zone: Zone, name: str) -> None:
    zone.deliver(FEED, name, f"{GOOD % 1}\n\n{GOOD % 2}")
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 2, "quarantined": 0, "duplicate": 0}
    assert zone.rows("raw/external/fx_rate", "rate") == [(Decimal("7.1"),)] * 2


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("12.10", "12.10"),
        ("60000.1", "60000.1"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("123456789012345678901234567890.12", "123456789012345678901234567890.12"),
        ("-0", "-0"),
        ("1.2345678E7", "12345678"),
        ("1.50e1", "15.0"),
        ("2e-3", "0.002"),
        ('"007"', "007"),
        ("true", "true"),
        ("false", "false"),
        ("null", None),
        ('[1.10, {"x": "ä", "y": null}]', '[1.10, {"x": "ä", "y": null}]'),
        ('{"x": 1.10}', '{"x": 1.10}'),
    ],
)
def test_values_become_exact_text(number: str, text: str | None) -> None:
    assert read(f'{{"a": {number}}}').rows[0]["a"] == text


def test_numbers_are_written_as_the_mapping_reads_them() -> None:
    assert read('{"a": 1.234}', decimal_mark=",", thousands_sign=".").rows[0]["a"] == "1,234"


def test_values_inside_objects_are_columns() -> None:
    found = read('{"x": {"y": {"z": 1.0}, "n": 2}}\n{"x": {"y": null}}', columns=("x.y.z", "x.n", "x.q", "b"))
    assert [(row["x.y.z"], row["x.n"]) for row in found.rows] == [("1.0", "2"), (None, None)]
    assert "x.q" not in found.rows[0]


def test_expressions_read_values_inside_objects(zone: Zone) -> None:
    columns = {name: name for name in ("base_currency", "quote_currency", "rate_date")}
    rate = {"expression": 'as_number(price.bid) + as_number("price.deep.fee")'}
    zone.map("nested", {"feed": FEED, "reader": "jsonl", "columns": {**columns, "rate": rate}})
    zone.deliver(FEED, "_delivery.yaml", "mapping: nested")
    price = '"price": {"bid": 7.10, "deep": {"fee": 0.05}}'
    zone.deliver(FEED, "r.jsonl", (GOOD % 1).replace('"rate": 7.10', price))
    (receipt,) = zone.ingest(FEED)
    assert (receipt.loaded_rows, receipt.message) == (1, None)
    assert zone.rows("raw/external/fx_rate", "rate") == [(Decimal("7.15"),)]


BROKEN = {
    '{"a": 1': ("json", "The line is no JSON object (Expecting ',' delimiter at character 8)."),
    '{"a": 1} x': ("json", "The line is no JSON object (Extra data at character 10)."),
    "[1, 2]": ("json", "The line holds a JSON value that is no object."),
    '{"a": NaN}': ("json", "The line holds NaN, which is no JSON number."),
    '{"a": 1, "b": 2, "a": 1}': ("duplicate_key", "An object has the key 'a' more than once."),
    '{"q": [{"k": 1, "k": 2}]}': ("duplicate_key", "An object has the key 'k' more than once."),
    '{"c.d": 1, "c": {"d": 2}}': ("duplicate_key", "The record has 'c.d' more than once."),
    '{"a": 1e999}': ("number", "a 1e999 is too large or small."),
    '{"a": "\\ud800"}': ("encoding", "The escape \\ud800 is half of a character."),
    '{"q": {"\\udc00": 1}}': ("encoding", "The escape \\udc00 is half of a character."),
    '{"a": "\0"}': ("nul_byte", "The record holds a NUL byte."),
    "[" * 100_000: ("json", "The line is nested too deeply to be a record."),
}


@pytest.mark.parametrize("line", BROKEN, ids=lambda line: line[:20])
def test_a_broken_line_is_refused_alone(line: str) -> None:
    found = read(f'{{"a": 1}}\n{line}\n{{"a": 2}}\n', columns=("a", "b", "c.d", "d"))
    assert [row["a"] for row in found.rows] == ["1", "2"]
    (refused,) = found.refused
    assert (refused.row_no, refused.line_no) == (2, 2)
    assert (refused.rule, refused.message) == BROKEN[line]
    assert refused.raw_text == line[:4000].replace("\0", "\\x00")


def test_wrong_bytes_and_long_lines_are_refused_alone(zone: Zone) -> None:
    long = json.dumps({"rate": "x" * MAX_LINE_BYTES})
    lines = [(GOOD % 1).encode(), b'{"rate": "\xff"}', long.encode(), (GOOD % 2).encode()]
    zone.deliver(FEED, "r.jsonl.gz", gzip.compress(b"\n".join(lines)))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 4, "loaded": 2, "quarantined": 2, "duplicate": 0}
    assert zone.refused("row_no, line_no, rule") == [(2, 2, "encoding"), (3, 3, "record_size")]


def test_contract_rules_name_the_line(zone: Zone) -> None:
    zone.deliver(
        FEED, "r.jsonl", f"{GOOD % 1}\n\n{(GOOD % 2).replace('7.10', '-7')}\n{(GOOD % 3).replace(': 7.10', ': null')}"
    )
    (receipt,) = zone.ingest(FEED)
    assert receipt.loaded_rows == 1
    assert zone.refused("row_no, line_no, rule") == [(2, 3, "minimum"), (3, 4, "required")]
    assert '"rate": -7' in str(zone.refused("raw_text")[0][0])


def test_columns_nobody_reads_are_named(zone: Zone) -> None:
    zone.deliver(FEED, "r.jsonl", (GOOD % 1).replace("}", ', "meta": {"id": 7, "tags": []}, "note": null}'))
    (receipt,) = zone.ingest(FEED)
    assert receipt.loaded_rows == 1
    assert receipt.message == "COLUMN_UNKNOWN: ignored the unknown columns meta.id, meta.tags, note."


def test_a_column_that_no_record_has_is_missing(zone: Zone) -> None:
    zone.deliver(FEED, "r.jsonl", (GOOD % 1).replace('"rate"', '"kurs"'))
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert "lacks the required column rate; it has columns base_currency" in (receipt.message or "")
    assert "kurs" in (receipt.message or "")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "The file is empty"),
        ("\n \n", "The file is empty"),
        (f"[\n{GOOD % 1}\n]", "It is one JSON array"),
        (f"[{GOOD % 1}]", "It is one JSON array"),
        ('{\n "rate": 7\n}', "Its objects are spread over lines"),
    ],
)
def test_other_forms_of_json_are_refused_with_a_sentence(zone: Zone, content: str, sentence: str) -> None:
    zone.deliver(FEED, "r.json", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert (receipt.message or "").startswith(sentence)


def test_a_file_of_broken_lines_only_is_quarantined_line_by_line(zone: Zone) -> None:
    zone.deliver(FEED, "r.jsonl", "nonsense\nmore\n")
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 0, "quarantined": 2, "duplicate": 0}


def test_another_encoding_is_the_mapping_s() -> None:
    assert read('{"a": "开票"}'.encode("gb18030"), encoding="gb18030").rows[0]["a"] == "开票"


def test_a_repeated_file_of_many_keys_is_told_quickly() -> None:
    keys = ", ".join(f'"{number}": 1' for number in range(60_000))
    found = read(f'{{"a": 1}}\n{{{keys}, "59999": 2}}')
    assert [record.rule for record in found.refused] == ["duplicate_key"]


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
)


@settings(max_examples=75, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({"a": LEAVES, "b": LEAVES, "c": st.fixed_dictionaries({"d": LEAVES})}),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
)
def test_what_is_written_is_read(records: list[dict[str, object]], is_ascii: bool) -> None:
    def token(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f'"{key}": {token(own)}' for key, own in value.items()) + "}"
        return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=is_ascii)

    def text(value: object) -> object:
        return f"{value:f}" if isinstance(value, Decimal) else str(value).lower() if isinstance(value, bool) else value

    found = read("\n".join(token(record) for record in records), columns=("a", "b", "c.d", "d"))
    assert found.refused == []
    assert [(row["a"], row["b"], row["c.d"]) for row in found.rows] == [
        (text(record["a"]), text(record["b"]), text(dict(record["c"])["d"]))  # type: ignore[call-overload]
        for record in records
    ]


def test_the_day_is_loaded_under_its_own_date(zone: Zone) -> None:
    zone.deliver(FEED, "r.jsonl", GOOD % 2)
    zone.ingest(FEED)
    assert zone.rows("raw/external/fx_rate", "rate_date, known_date") == [(DAY, DAY)]
