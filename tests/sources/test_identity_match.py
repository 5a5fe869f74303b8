"""Pairs of records: what is found and kept, and that night by night gives what a run from scratch gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.arrival import raw_dataset
from sources.contract import load_contracts
from sources.identity.candidates import BLOCK_SIZE
from sources.identity.company_name import company_name_columns
from sources.identity.match import PAIRS, Matched, initialise, match_night
from sources.identity.records import RECORD_KINDS, RECORDS
from sources.identity.similarity import (
    LEGAL_CLASS_DIFFERS,
    REGION_DIFFERS,
    REGION_MISSING,
    SHORT_FORM,
    SWAPPED,
    name_similarity,
)
from sources.ingest import initialise as initialise_sources
from sources.lake import Lake

NIGHTS = [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(tmp_path)
    initialise_sources(made)
    initialise(made)
    return made


def load(lake: Lake, feed: str, night: date, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows into the raw lake as ingest does."""
    contract = load_contracts()[feed]
    schema = contract.raw_schema
    lineage = {"known_date": night, "batch_date": night, "file_id": f"{feed}-{night}"}
    full = [{**row, **lineage, "row_no": number} for number, row in enumerate(rows, start=1)]
    columns = {name: [row.get(name) for row in full] for name in schema.names}
    lake.write(raw_dataset(contract), f"batch_date={night}", f"{feed}-{night}", pa.table(columns, schema=schema))


def vendor(key: str, name: str, number: str | None = None, account: str | None = None, **others: Any) -> dict[str, Any]:
    scheme = "CN-USCC" if number else None
    return {
        "company_code": "1000",
        "erp_vendor_no": key,
        "vendor_name": name,
        "party_no": number,
        "party_no_scheme": scheme,
        "bank_account_no": account,
        **others,
    }


def pairs(lake: Lake) -> dict[tuple[str, str], dict[str, Any]]:
    rows = [row for path in files(lake, PAIRS) for row in pq.read_table(path, partitioning=None).to_pylist()]
    return {(row["left_key"], row["right_key"]): row for row in rows}


def files(lake: Lake, dataset: str) -> list[Path]:
    return sorted(lake.dataset(dataset).glob("batch_date=*/*.parquet"))


def bytes_of(lake: Lake) -> dict[str, bytes]:
    found = [path for dataset in (RECORDS, PAIRS) for path in files(lake, dataset)]
    return {str(path.relative_to(lake.root)): path.read_bytes() for path in found}


DELIVERED = [
    (NIGHTS[0], [vendor("V1", "北京恒建建筑工程有限公司", "A"), vendor("V2", "上海瑞达电气有限公司", "B", "62-2")]),
    (NIGHTS[1], [vendor("V3", "恒建（北京）建筑工程"), vendor("V4", "瑞达", account="622")]),
    (NIGHTS[2], [vendor("V3", "恒建（北京）建筑工程", payment_terms_days=30), vendor("V4", "瑞达电器", account="622")]),
]


def test_names_and_accounts_bring_records_together(lake: Lake) -> None:
    for night, rows in DELIVERED:
        load(lake, "erp.vendor", night, rows)
    matched = match_night(lake, NIGHTS[-1], None)
    found = pairs(lake)
    assert set(found) == {("1000:V3", "1000:V1"), ("1000:V4", "1000:V2")}
    assert found["1000:V3", "1000:V1"]["name_similarity"] == 1.0
    assert not found["1000:V3", "1000:V1"]["is_same_account"]
    assert found["1000:V4", "1000:V2"]["is_same_account"], "blanks and hyphens are no part of an account number"
    assert found["1000:V4", "1000:V2"]["known_date"] == NIGHTS[2], "the newer state of the vendor has a pair of its own"
    assert matched == Matched(new_states=5, candidates=3, pairs=3, crowded_keys=0)


def test_night_by_night_gives_what_a_run_from_scratch_gives(lake: Lake, tmp_path: Path) -> None:
    since = None
    for night, rows in DELIVERED:
        load(lake, "erp.vendor", night, rows)
        match_night(lake, night, since)
        since = night
    night_by_night = bytes_of(lake)
    match_night(lake, NIGHTS[-1], None)
    assert bytes_of(lake) == night_by_night


def test_a_night_uses_nothing_that_came_later(lake: Lake) -> None:
    load(lake, "erp.vendor", *DELIVERED[0])
    load(lake, "erp.vendor", *DELIVERED[1])
    match_night(lake, NIGHTS[1], None)
    without = bytes_of(lake)
    load(lake, "erp.vendor", *DELIVERED[2])
    match_night(lake, NIGHTS[1], None)
    assert bytes_of(lake) == without


def test_a_rerun_replaces_what_a_killed_night_wrote(lake: Lake) -> None:
    for night, rows in DELIVERED:
        load(lake, "erp.vendor", night, rows)
    match_night(lake, NIGHTS[0], None)
    before = bytes_of(lake)
    match_night(lake, NIGHTS[1], NIGHTS[0])
    match_night(lake, NIGHTS[2], NIGHTS[0])
    assert {path: content for path, content in bytes_of(lake).items() if path in before} == before
    whole = bytes_of(lake)
    match_night(lake, NIGHTS[2], NIGHTS[0])
    assert bytes_of(lake) == whole
    match_night(lake, NIGHTS[0], NIGHTS[0])
    assert bytes_of(lake) == before, "what was written for later deliveries is gone"


def test_other_changes_of_a_record_make_no_state(lake: Lake) -> None:
    for night, rows in DELIVERED:
        load(lake, "erp.vendor", night, rows)
    match_night(lake, NIGHTS[-1], None)
    states = [row for path in files(lake, RECORDS) for row in pq.read_table(path, partitioning=None).to_pylist()]
    assert [row["known_date"] for row in states if row["record_key"] == "1000:V3"] == [NIGHTS[1]]


def test_every_kind_of_record_is_read(lake: Lake) -> None:
    for kind in RECORD_KINDS:
        contract = load_contracts()[kind.feed]
        row = dict.fromkeys(contract.key, "91") | {kind.name: "北京恒建有限公司", kind.number: "91"}
        row |= {contract.column(kind.number).number_scheme or "": "CN-USCC"}
        load(lake, kind.feed, NIGHTS[0], [row])
    assert match_night(lake, NIGHTS[0], None).new_states == len(RECORD_KINDS)


def test_one_number_under_names_far_apart_is_kept(lake: Lake) -> None:
    names = ["北京恒建建筑工程有限公司", "北京恒建建筑工程", "四川祥云货运有限公司"]
    load(lake, "erp.vendor", NIGHTS[0], [vendor(f"V{n}", name, "A") for n, name in enumerate(names)])
    match_night(lake, NIGHTS[0], None)
    assert set(pairs(lake)) == {("1000:V2", "1000:V0"), ("1000:V2", "1000:V1")}
    assert all(row["is_same_number"] for row in pairs(lake).values())


def test_neighbours_with_numbers_of_their_own_are_no_pair(lake: Lake) -> None:
    rows = [vendor("V1", "北京恒建建筑工程有限公司", "A"), vendor("V2", "北京恒达建筑工程有限公司", "B")]
    load(lake, "erp.vendor", NIGHTS[0], rows)
    match_night(lake, NIGHTS[0], None)
    assert pairs(lake) == {}


def test_a_crowded_account_costs_no_more_than_its_first_records(lake: Lake) -> None:
    crowd = 4 * BLOCK_SIZE
    names = company_names(crowd)
    load(lake, "erp.vendor", NIGHTS[0], [vendor(f"{n:04d}", names[n], account="1") for n in range(crowd)])
    matched = match_night(lake, NIGHTS[0], None)
    assert matched.candidates == BLOCK_SIZE * (BLOCK_SIZE - 1) // 2 + (crowd - BLOCK_SIZE) * BLOCK_SIZE
    assert matched.crowded_keys == 1


def company_names(count: int) -> list[str]:
    """Names that have no two characters in a row in common."""
    return ["".join(chr(0x4E00 + 7 * (4 * number + place)) for place in range(4)) for number in range(count)]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("北京恒建建筑工程有限公司", "恒建（北京）建筑工程有限责任公司", 1.0),
        ("北京恒建建筑工程有限公司", "恒建建筑工程有限公司", REGION_MISSING),
        ("北京恒建建筑工程有限公司", "上海恒建建筑工程有限公司", REGION_DIFFERS),
        ("江苏恒建建筑工程有限公司", "苏州恒建建筑工程有限公司", REGION_MISSING),
        ("无锡恒建建筑工程有限公司", "苏州恒建建筑工程有限公司", REGION_DIFFERS),
        ("北京恒建建筑工程有限公司", "北京恒建建筑工程股份有限公司", LEGAL_CLASS_DIFFERS),
        ("北京恒建建筑工程有限公司", "北京恒建", SHORT_FORM),
        ("北京恒建建筑工程有限公司", "北京恒建有限公司", 1 / 3),
        ("北京恒建建筑工程有限公司", "北京建筑工程恒建有限公司", SWAPPED),
        ("北京恒建建筑工程有限公司", "北京恒健建筑工程有限公司", 5 / 6),
        ("北京恒建建筑工程有限公司", "Beijing Hengjian Construction Co. Ltd", None),
        ("Müller Maschinenbau GmbH", "MUELLER MASCHINENBAU G.m.b.H.", 1.0),
        ("Müller Maschinenbau GmbH", "Maschinenbau Müller GmbH", SWAPPED),
        ("Müller Maschinenbau GmbH", "Müller Maschinenbau AG", LEGAL_CLASS_DIFFERS),
        ("!!", "北京恒建", None),
    ],
)
def test_likeness_of_names(left: str, right: str, expected: float | None) -> None:
    assert likeness(left, right) == (None if expected is None else pytest.approx(expected, abs=1e-4))
    assert likeness(right, left) == likeness(left, right)


@given(st.text(max_size=20), st.text(max_size=20))
def test_likeness_is_a_share(left: str, right: str) -> None:
    found = likeness(left, right)
    assert found is None or 0 <= found <= 1
    assert likeness(left, left) in (None, 1.0)


def likeness(left: str, right: str) -> float | None:
    parts = company_name_columns([left, right])
    rows = {row["name"]: row for row in parts.to_pylist()}
    one, other = (pa.Table.from_pylist([rows[name]], schema=parts.schema) for name in (left, right))
    result: float | None = name_similarity(one, other)[0].as_py()
    return result
