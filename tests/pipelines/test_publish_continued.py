"""A publication that goes on from the one before is what one that is written anew would be."""

from __future__ import annotations

import errno
import random
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines import published_table
from pipelines.mask import Mask
from pipelines.publish import Publication, publish
from pipelines.published_table import TableDocs

MASK = Mask(b"a secret of thirty-two characters")
FIRST_DAY = date(2026, 3, 1)
DOCS = TableDocs("Grain: one row per entry", {"amount": "What is owed"})
Entries = dict[int, tuple[date | None, str | None, int]]


@pytest.fixture(autouse=True)
def _small_tables_are_sliced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_table, "SLICED_ROWS", 100)


def entries(count: int) -> Entries:
    """Of three months."""
    return {number: (FIRST_DAY + timedelta(days=number % 70), f"P{number % 9}", number) for number in range(count)}


def warehouse(path: Path, tables: Mapping[str, Entries], hour: int = 0, more: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute("create schema core")
        for name, held in tables.items():
            columns = (list(held), *(list(values) for values in zip(*held.values(), strict=True))) if held else [[]] * 4
            con.execute(
                f"create table {name} as select unnest(?::integer[]) as entry_id, unnest(?::date[]) as booked, "
                "unnest(?::varchar[]) as person, unnest(?::integer[]) * 0.01::decimal(3, 2) as amount, "
                f"timestamp '2026-07-01' + to_hours({hour}) as loaded_at {more}",
                list(columns),
            )
    return path


def published(root: Path, source: Path, *, docs: TableDocs = DOCS, is_anew: bool = False) -> Publication:
    with duckdb.connect(str(source), read_only=True) as con:
        names = con.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    return publish(
        source,
        root / "published",
        "bank",
        {name: docs for (name,) in names},
        as_of=FIRST_DAY,
        model_version="m",
        code_version="c",
        mask=MASK,
        personal=frozenset({"person"}),
        memory="1GB",
        is_anew=is_anew,
    )


def shown(done: Publication) -> dict[str, object]:
    """All that a reader sees of a publication, whose Parquet files must hold the rows of its database."""
    seen: dict[str, object] = {"facts": done.tables}
    with duckdb.connect() as con:
        con.execute(f"attach '{done.database}' as p (read_only)")
        seen["comments"] = con.execute(
            "select table_name, column_name, comment from duckdb_columns() where database_name = 'p' "
            "union all select table_name, '', comment from duckdb_tables() where database_name = 'p' order by all"
        ).fetchall()
        for name in done.tables:
            rows = con.execute(f"from p.{name} order by all").fetchall()
            parquet = done.folder / "parquet" / f"{name.replace('.', '/')}.parquet"
            assert con.execute(f"from read_parquet('{parquet}') order by all").fetchall() == rows
            seen[name] = rows
    seen["files"] = sorted(str(path.relative_to(done.folder)) for path in done.folder.rglob("*"))
    return seen


@pytest.mark.parametrize("seed", range(6))
def test_it_is_what_one_that_is_written_anew_is(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    tables = {"core.large": entries(600), "core.small": entries(7), "core.other": entries(150)}
    for night in range(6):
        for held in tables.values():
            for number in chance.sample(sorted(held), min(len(held), chance.choice([0, 1, 20]))):
                held.pop(number)
            for number in chance.choices(range(2_000), k=chance.choice([0, 1, 15])):
                day = chance.choice([None, FIRST_DAY + timedelta(days=chance.randrange(90))])
                held[number] = (day, chance.choice([None, "P1", f"P{night}"]), chance.randrange(10_000))
        if chance.random() < 0.3:
            tables[chance.choice(["core.other", "core.new"])] = entries(chance.choice([0, 3, 400]))
        if chance.random() < 0.2:
            tables.pop("core.other", None)
        more = chance.choice(["", "", "", ", 'x' as note"])
        docs = chance.choice([DOCS, TableDocs("Grain: one row per entry", {"person": "Who"}), TableDocs()])
        source = warehouse(tmp_path / "w" / "anchorwatch.duckdb", tables, chance.choice([0, 0, night]), more)
        continued = published(tmp_path / "continued", source, docs=docs)
        assert continued.note is None
        assert shown(continued) == shown(published(tmp_path / "anew", source, docs=docs, is_anew=True))


def inodes(done: Publication) -> dict[str, int]:
    folder = done.folder / "parquet" / "core"
    return {str(path.relative_to(folder)): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_files_in_which_nothing_has_changed_are_taken_over(tmp_path: Path) -> None:
    held = entries(600)
    source = tmp_path / "w.duckdb"
    before = inodes(published(tmp_path, warehouse(source, {"core.large": held, "core.small": entries(5)})))
    assert before.keys() == {"small.parquet", *(f"large.parquet/2026-0{month}.parquet" for month in (3, 4, 5))}
    held[1_000] = (date(2026, 4, 9), "P1", 1)
    done = published(tmp_path, warehouse(source, {"core.large": held, "core.small": entries(5)}))
    after = inodes(done)
    assert {name for name in after if after[name] != before[name]} == {"large.parquet/2026-04.parquet"}
    with duckdb.connect() as con:
        con.execute(f"attach '{done.database}' as p (read_only)")
        tags = con.execute("select tags from duckdb_databases() where database_name = 'p'").fetchall()[0][0]
    assert str(tags["storage_version"]).startswith("v1.5")


def test_where_files_cannot_be_linked_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = warehouse(tmp_path / "w.duckdb", {"core.large": entries(600), "core.small": entries(5)})
    published(tmp_path, source)

    def link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.link", link)
    assert shown(published(tmp_path, source)) == shown(published(tmp_path / "anew", source))


def test_a_day_that_is_gone_leaves_its_file(tmp_path: Path) -> None:
    source, held = tmp_path / "w.duckdb", entries(600)
    published(tmp_path, warehouse(source, {"core.large": held}))
    left = {number: entry for number, entry in held.items() if entry[0] != date(2026, 4, 9)}
    assert len(left) < len(held)
    done = published(tmp_path, warehouse(source, {"core.large": left}))
    assert shown(done) == shown(published(tmp_path / "anew", source))


def test_a_row_that_only_has_another_clock_is_published(tmp_path: Path) -> None:
    source, held = tmp_path / "w.duckdb", {"core.large": entries(600)}
    first = published(tmp_path, warehouse(source, held))
    again = published(tmp_path, warehouse(source, held, hour=5))
    assert again.tables == first.tables
    with duckdb.connect(str(again.database), read_only=True) as con:
        assert con.execute("select distinct hour(loaded_at) from core.large").fetchall() == [(5,)]


@pytest.mark.parametrize("damaged", ["anchorwatch.duckdb", "parquet/core/large.parquet/2026-03.parquet"])
@pytest.mark.parametrize("is_gone", [False, True])
def test_what_is_not_as_it_was_written_is_not_taken_over(tmp_path: Path, damaged: str, is_gone: bool) -> None:
    source, held = tmp_path / "w.duckdb", entries(600)
    path = published(tmp_path, warehouse(source, {"core.large": held})).folder / damaged
    if is_gone:
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    held[1_000] = (date(2026, 4, 9), "P1", 1)
    done = published(tmp_path, warehouse(source, {"core.large": held}))
    assert (done.note is not None) == (damaged == "anchorwatch.duckdb")
    assert shown(done) == shown(published(tmp_path / "anew", source))


@pytest.mark.parametrize("sliced_rows", [(1_000, 100), (100, 1_000)])
def test_the_same_rows_in_another_layout_take_the_place_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sliced_rows: tuple[int, int]
) -> None:
    source, done = warehouse(tmp_path / "w.duckdb", {"core.large": entries(600)}), []
    for rows in sliced_rows:
        monkeypatch.setattr(published_table, "SLICED_ROWS", rows)
        done.append(published(tmp_path, source, is_anew=True))
    assert done[0].tables == done[1].tables
    assert shown(done[1]) == shown(published(tmp_path / "anew", source))


def test_rows_that_did_not_arrive_stop_the_publication(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, held = tmp_path / "w.duckdb", entries(600)
    first = published(tmp_path, warehouse(source, {"core.large": held}))
    held[1_000] = (date(2026, 4, 9), "P1", 1)
    with monkeypatch.context() as patch:
        patch.setattr(published_table, "_of_days", lambda *_: "false")
        with pytest.raises(published_table.PublicationError, match="run `anchorwatch publish`"):
            published(tmp_path, warehouse(source, {"core.large": held}))
    assert shown(first)["facts"] == first.tables
