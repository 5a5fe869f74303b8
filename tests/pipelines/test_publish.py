"""The publication: complete, exact, readable by older clients, swapped in at once, and the same for the same rows."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import run
from pipelines.mask import Mask
from pipelines.publish import Publication, publish, read_manifest
from pipelines.published_table import PublicationError, TableDocs
from tests.tokens import token

NIGHT = date(2026, 6, 30)
MASK = Mask(b"a secret of thirty-two characters")


def warehouse(path: Path, rows: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute("create schema core")
        con.execute(
            f"create table core.dim_supplier as select * from (values {rows}) "
            "as t(supplier_id, supplier_name, registered_capital_amount, loaded_at)"
        )
    return path


FIRST = "('S1', 'a|b', 1.50::decimal(18,2), timestamp '2026-07-01 02:00')"
SECOND = "('S2', null, null, timestamp '2026-07-01 02:00')"
ROWS = f"{FIRST}, {SECOND}"


DOCS = TableDocs("Grain: one row per supplier's id", {"supplier_id": "Platform id"})


def published(
    tmp_path: Path, rows: str = ROWS, personal: frozenset[str] = frozenset(), docs: TableDocs = DOCS
) -> Publication:
    return publish(
        warehouse(tmp_path / "w" / "anchorwatch.duckdb", rows),
        tmp_path / "published",
        "bank",
        {"core.dim_supplier": docs},
        as_of=NIGHT,
        model_version="m1",
        code_version="c1",
        mask=MASK,
        personal=personal,
        memory="1GB",
    )


def digest(done: Publication) -> str:
    return str(done.tables["core.dim_supplier"]["digest"])


def test_database_parquet_and_manifest_hold_the_same_rows(tmp_path: Path) -> None:
    done = published(tmp_path)
    with duckdb.connect(str(done.database), read_only=True) as con:
        from_database = con.execute("select * from core.dim_supplier order by 1").fetchall()
        comments = con.execute(
            "select t.comment, c.comment from duckdb_tables() t "
            "join duckdb_columns() c using (schema_name, table_name) "
            "where c.column_name = 'supplier_id'"
        ).fetchall()
    parquet = done.folder / "parquet" / "core" / "dim_supplier.parquet"
    from_parquet = duckdb.execute(f"select * from read_parquet('{parquet}') order by 1").fetchall()
    assert from_database == from_parquet
    assert len(from_database) == 2
    assert comments == [("Grain: one row per supplier's id", "Platform id")]
    manifest = read_manifest(tmp_path / "published", "bank")
    assert manifest is not None
    assert manifest["as_of_date"] == "2026-06-30"
    assert manifest["tables"]["core.dim_supplier"]["rows"] == 2


def test_new_words_about_the_same_rows_are_published(tmp_path: Path) -> None:
    before = digest(published(tmp_path))
    done = published(tmp_path, docs=TableDocs("Grain: one row per supplier"))
    assert digest(done) == before
    with duckdb.connect(str(done.database), read_only=True) as con:
        assert con.execute("select comment from duckdb_tables()").fetchall() == [("Grain: one row per supplier",)]


def test_file_is_written_for_clients_of_the_1_x_line(tmp_path: Path) -> None:
    done = published(tmp_path)
    with duckdb.connect() as con:
        con.execute(f"attach '{done.database}' as p (read_only)")
        tags = con.execute("select tags from duckdb_databases() where database_name = 'p'").fetchall()[0][0]
    assert str(tags["storage_version"]).startswith("v1.5")


def test_clocks_and_row_order_do_not_change_the_digest(tmp_path: Path) -> None:
    first = digest(published(tmp_path))
    again = digest(published(tmp_path, f"{SECOND}, {FIRST}".replace("02:00", "03:11")))
    assert first == again


@pytest.mark.parametrize(
    "rows",
    [
        ROWS.replace("1.50", "1.51"),
        ROWS.replace("'S2', null", "'S2', ''"),
        ROWS.replace("'a|b'", "'a||b'"),
        FIRST,
    ],
    ids=["a cent", "missing is not empty", "separator in text", "a row less"],
)
def test_any_change_of_content_changes_the_digest(tmp_path: Path, rows: str) -> None:
    assert digest(published(tmp_path)) != digest(published(tmp_path, rows))


def test_an_open_reader_keeps_the_old_file(tmp_path: Path) -> None:
    first = published(tmp_path)
    with duckdb.connect(str(first.database), read_only=True) as reader:
        published(tmp_path, ROWS.replace("1.50", "9.00"))
        seen = reader.execute("select max(registered_capital_amount) from core.dim_supplier").fetchall()[0][0]
    assert str(seen) == "1.50"
    with duckdb.connect(str(tmp_path / "published/bank/anchorwatch.duckdb"), read_only=True) as con:
        assert (
            str(con.execute("select max(registered_capital_amount) from core.dim_supplier").fetchall()[0][0]) == "9.00"
        )


def test_a_damaged_publication_is_told_in_a_sentence_and_whole_again_when_it_is_published_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    database = published(tmp_path).database.resolve()
    database.write_bytes(b"damaged")
    monkeypatch.setenv("ANCHORWATCH_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["anchorwatch", "status"])
    assert run() == 1
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith(f'anchorwatch: IO Error: The file "{database}"')
    assert published(tmp_path).database.resolve() == database
    with duckdb.connect(str(database), read_only=True) as con:
        assert con.execute("select count(*) from core.dim_supplier").fetchone() == (2,)


def test_a_publication_killed_at_any_moment_leaves_the_old_one_and_the_next_is_whole(tmp_path: Path) -> None:
    before = digest(published(tmp_path))
    published(tmp_path / "undisturbed", ROWS.replace("1.50", "9.00"))
    manifest = read_manifest(tmp_path / "undisturbed" / "published", "bank")
    assert manifest is not None
    after = manifest["tables"]["core.dim_supplier"]["digest"]
    processes = multiprocessing.get_context("forkserver")
    for moment in MOMENTS:
        process = processes.Process(target=publish_until, args=(tmp_path, moment))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, moment
        manifest = read_manifest(tmp_path / "published", "bank")
        assert manifest is not None
        assert manifest["tables"]["core.dim_supplier"]["digest"] == before, moment
    assert digest(published(tmp_path, ROWS.replace("1.50", "9.00"))) == after


# functions of the publication, each of which begins when the one before has written
MOMENTS = ("write_rows", "comment", "_swap_in", "os.replace")


def publish_until(tmp_path: Path, moment: str) -> None:
    """Publish other rows, and be killed where a function of the publication is about to begin."""

    def killed(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"pipelines.publish.{moment}", killed)
        published(tmp_path, ROWS.replace("1.50", "9.00"))


def test_a_home_copied_with_its_links_followed_can_publish_again(tmp_path: Path) -> None:
    published(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "published", copy / "published")
    assert not (copy / "published" / "bank").is_symlink()
    done = published(copy, ROWS.replace("1.50", "9.00"))
    assert done.database.exists()
    assert (copy / "published" / "bank").is_symlink()


def test_old_versions_are_removed(tmp_path: Path) -> None:
    for capital in range(5):
        published(tmp_path, ROWS.replace("1.50", f"{capital}.00"))
    kept = list((tmp_path / "published").glob(".bank-2026*"))
    assert len(kept) == 2


def test_a_personal_column_is_published_as_tokens(tmp_path: Path) -> None:
    done = published(tmp_path, f"{ROWS}, {FIRST.replace('S1', 'S3')}", frozenset({"supplier_name"}))
    masked = token(MASK, "a|b")
    expected = [("S1", masked), ("S2", None), ("S3", masked)]
    query = "select supplier_id, supplier_name from {} order by 1"
    with duckdb.connect(str(done.database), read_only=True) as con:
        assert con.execute(query.format("core.dim_supplier")).fetchall() == expected
    parquet = done.folder / "parquet" / "core" / "dim_supplier.parquet"
    assert duckdb.execute(query.format(f"read_parquet('{parquet}')")).fetchall() == expected


def test_many_tables_are_published_at_once_each_with_its_own_rows_and_tokens(tmp_path: Path) -> None:
    """Two at a time, so that none may see what another has made on its way."""
    names = [f"core.t{number}" for number in range(20)]
    source = tmp_path / "w.duckdb"
    with duckdb.connect(str(source)) as con:
        con.execute("create schema core")
        for number, name in enumerate(names):
            con.execute(f"create table {name} as select i, 'P{number}-' || i as person from range({number + 1}) r(i)")
    done = publish(
        source,
        tmp_path / "published",
        "bank",
        dict.fromkeys(names, TableDocs("Grain: one row per person", {"person": "A name"})),
        as_of=NIGHT,
        model_version="m",
        code_version="c",
        mask=MASK,
        personal=frozenset({"person"}),
        memory="1GB",
    )
    assert [done.tables[name]["rows"] for name in names] == [*range(1, 21)]
    assert len({facts["digest"] for facts in done.tables.values()}) == len(names)
    with duckdb.connect(str(done.database), read_only=True) as con:
        for number, name in enumerate(names):
            expected = [(i, token(MASK, f"P{number}-{i}")) for i in range(number + 1)]
            assert con.execute(f"from {name} order by i").fetchall() == expected
            parquet = done.folder / "parquet" / "core" / f"t{number}.parquet"
            assert duckdb.execute(f"from read_parquet('{parquet}') order by i").fetchall() == expected
        assert con.execute("select count(*) from duckdb_columns() where comment = 'A name'").fetchall() == [(20,)]


def test_the_digest_of_a_personal_column_is_over_its_tokens(tmp_path: Path) -> None:
    personal = frozenset({"supplier_name"})
    first = digest(published(tmp_path, ROWS, personal))
    assert digest(published(tmp_path, ROWS, personal)) == first
    assert digest(published(tmp_path, ROWS.replace("a|b", "a|c"), personal)) != first
    assert digest(published(tmp_path)) != first


def test_a_personal_column_that_is_no_text_stops_the_publication_and_the_old_one_stands(tmp_path: Path) -> None:
    first = digest(published(tmp_path))
    with pytest.raises(PublicationError, match=r"registered_capital_amount.*personal"):
        published(tmp_path, ROWS.replace("1.50", "9.00"), frozenset({"registered_capital_amount"}))
    manifest = read_manifest(tmp_path / "published", "bank")
    assert manifest is not None
    assert manifest["tables"]["core.dim_supplier"]["digest"] == first


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(PublicationError, match=r"no table risk\.watchlist"):
        publish(
            warehouse(tmp_path / "w.duckdb", ROWS),
            tmp_path / "published",
            "bank",
            {"risk.watchlist": TableDocs()},
            as_of=NIGHT,
            model_version="m",
            code_version="c",
            mask=MASK,
            personal=frozenset(),
            memory="1GB",
        )
