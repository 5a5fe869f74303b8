"""One small portfolio through whole nights: a next night that is killed, its replay, faults, red nights.

The portfolio has two years of history and few daily deliveries. Tests start from backups of prepared homes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.evaluate_schemes import scheme_quality
from pipelines.publish import read_manifest
from pipelines.settings import Settings
from pipelines.trap_docs import PAGE, traps
from sources.contract import load_contracts
from sources.ingest import ingest_feed
from sources.lake import Lake
from sources.simulator import extend, named_schemes, simulate
from tests.pipelines.commands import PATIENCE, Commands

pytestmark = pytest.mark.night

NIGHT, NEXT_NIGHT = date(2026, 6, 3), date(2026, 6, 4)


def digests(home: Path) -> dict[str, str]:
    manifest = read_manifest(home / "published", "bank")
    assert manifest is not None
    return {name: facts["digest"] for name, facts in manifest["tables"].items()}


def published(home: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "published/bank/anchorwatch.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with closing(Commands(tmp_path_factory.mktemp("commands"))) as commands:
        yield commands


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every night of this module is at work."""
    return tmp_path_factory.mktemp("night") / "home"


@pytest.fixture(scope="module")
def first_night(workplace: Path, parse: Callable[[Settings], None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    history = {"start": date(2024, 7, 1), "until": NIGHT, "go_live": date(2026, 6, 1)}
    simulate(workplace, scale=0.1, seed=7, schemes=named_schemes("all"), **history)
    parse(Settings(home=workplace))
    done = subprocess.run(
        [Path(sys.executable).parent / "anchorwatch", "nightly", "--train"],
        env=os.environ | {"ANCHORWATCH_HOME": str(workplace), "COLUMNS": "160"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Watch list" in done.stdout
    assert re.search(r"Core enterprises: \d+ graded, \d+ of them in grade 8 to 10", done.stdout)
    assert re.search(r"Rules broken: \d+ HARD \(\d+ new\), \d+ FLAG", done.stdout)
    return shutil.copytree(workplace, tmp_path_factory.mktemp("first") / "home", copy_function=copied_or_linked)


@pytest.fixture
def home(first_night: Path, workplace: Path) -> Path:
    """The home as its first night left it."""
    return restored(first_night, workplace)


def restored(backup: Path, workplace: Path) -> Path:
    shutil.rmtree(workplace, ignore_errors=True)
    return shutil.copytree(backup, workplace, copy_function=copied_or_linked)


def copied_or_linked(source: str, target: str) -> None:
    """Deliveries and files of the lake are written once and never changed, so both homes can have the same ones."""
    if {"landing", "lake"} & set(Path(source).parts):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


@dataclass(frozen=True)
class KilledNight:
    """The next night, whose runs were killed at three moments, and the run that then finished.

    ``seen`` are the digests that readers saw after each kill, by the moment.
    """

    home: Path
    said: str
    seen: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def next_night(
    first_night: Path, workplace: Path, commands: Commands, tmp_path_factory: pytest.TempPathFactory
) -> KilledNight:
    """The next night with its deliveries, some of them broken; the last run is the rerun of a night that had ended."""
    home = restored(first_night, workplace)
    extend(home, NEXT_NIGHT)
    deliver_broken_files(home)
    night, said, seen = ("nightly", "--as-of", NEXT_NIGHT.isoformat()), "", {}
    for moment, has_come in (("rows", rows_are_loaded(home)), ("dbt", dbt_writes(home)), ("new", is_published(home))):
        killed = commands.kill(home, *night, when=has_come)
        assert killed.code == -signal.SIGKILL
        said += killed.stdout + killed.stderr
        seen[moment] = digests(home)
    done = commands.run(home, *night)
    assert done.code == 0, done
    return KilledNight(
        shutil.copytree(home, tmp_path_factory.mktemp("next") / "home", copy_function=copied_or_linked),
        said,
        seen,
    )


def deliver_broken_files(home: Path) -> None:
    """A truncated Parquet file, an external entity, a wrong encoding, and a file that was delivered before."""
    landing, day = home / "landing", NEXT_NIGHT.isoformat()
    whole = min((landing / "tax" / "vat_invoice").rglob("*.parquet")).read_bytes()
    broken = {
        "tax/vat_invoice": ("truncated.parquet", whole[: len(whole) // 2]),
        "bank/transaction": (
            "entity.xml",
            b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document>&x;</Document>',
        ),
        "external/fx_rate": (
            "encoding.csv",
            "base_currency,quote_currency,rate_date,rate\nUSD,CNY,2026-06-03,7.1\n人,CNY,2026-06-03,1\n".encode(
                "gb18030"
            ),
        ),
        "erp/ap_invoice": ("again.csv", min((landing / "erp/ap_invoice").rglob("*.csv")).read_bytes()),
    }
    for feed, (name, content) in broken.items():
        (landing / feed / day).mkdir(parents=True, exist_ok=True)
        (landing / feed / day / name).write_bytes(content)


def test_every_supplier_is_scored_or_told_why_not(first_night: Path) -> None:
    [(rows, suppliers, known, bad_pd, unexplained)] = published(
        first_night,
        "select count(*), count(distinct supplier_id), (select count(*) from core.dim_supplier), "
        "count(*) filter (where status = 'SCORED' and not (pd_90d > 0 and pd_90d < 1)), "
        "count(*) filter (where status = 'NOT_SCORED' and not_scored_reason is null) "
        "from risk.supplier_score_latest",
    )
    assert rows == suppliers == known > 100
    assert (bad_pd, unexplained) == (0, 0)


def test_every_trap_of_the_page_is_one(first_night: Path) -> None:
    """Each pair of queries runs on a publication, and the wrong one says something else than the right one.

    But for the two that need what this portfolio has not: the day in question, and a file that came twice.
    """
    known = list(traps(PAGE.read_text()))
    assert len(known) == PAGE.read_text().count("-- wrong") == PAGE.read_text().count("-- right") > 10
    with duckdb.connect(str(first_night / "published/bank/anchorwatch.duckdb"), read_only=True) as con:
        same = {trap.title for trap in known if len(set(trap.answers(con))) == 1}
    assert same <= {"An interval ends before its last day", "What was delivered is not what there is"}


def test_no_table_depends_on_the_order_of_rows(home: Path) -> None:
    """Threads hand rows on in any order; every model gives the same to the last bit when its inputs are shuffled."""
    compiled_here = home / "warehouse/dbt/run/compiled/anchorwatch"
    models = [
        (node["relation_name"], compiled_here / node["original_file_path"])
        for node in json.loads((home / "warehouse/dbt/manifest.json").read_text())["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] in ("table", "incremental")
    ]
    assert len(models) > 100
    engine = {"file_search_path": str(home / "lake")}
    with duckdb.connect(str(home / "warehouse/anchorwatch.duckdb"), config=engine) as con:
        for (table,) in con.execute("select format('{}.{}', schema_name, table_name) from duckdb_tables()").fetchall():
            con.execute(f"create or replace table {table} as from {table} order by hash(rowid)")
        different = []
        for relation, compiled in models:
            columns = ", ".join(f'"{name}"' for name, *_ in con.execute(f"describe {relation}").fetchall())
            # of the same types, as hashes of equal numbers differ by type
            con.execute(f"create or replace temp table made as from {relation} limit 0")
            con.execute(f"insert into made by name {compiled.read_text()}")
            made, stands = f"select {columns} from made", f"select {columns} from {relation}"
            sums = f"select count(*), sum(hash({columns})), bit_xor(hash({columns}))"
            if con.execute(f"{sums} from made").fetchall() != con.execute(f"{sums} from {relation}").fetchall():
                query = f"({made} except all {stands}) union all ({stands} except all {made}) limit 1"
                different.append((relation, con.execute(query).fetchall()))
    assert different == []


def test_no_rule_finder_holds_more_rows_than_it_read(first_night: Path, tmp_path: Path) -> None:
    """What lies near in time is joined by blocks: pairs of all days of a party grow with the square of the history."""
    compiled = first_night / "warehouse/dbt/run/compiled/anchorwatch/models"
    finders = [
        *compiled.glob("intermediate/int_*_breach.sql"),
        *compiled.glob("marts/receivable/trade_verification.sql"),
    ]
    assert len(finders) >= 9
    with duckdb.connect(str(first_night / "warehouse/anchorwatch.duckdb"), read_only=True) as con:
        con.execute(f"set enable_profiling = 'json'; set profiling_output = '{tmp_path / 'profile.json'}'")
        held = {finder.stem: rows_held(con, finder.read_text(), tmp_path / "profile.json") for finder in finders}
    assert min(read for read, _ in held.values()) > 1_000
    assert {name: (read, most) for name, (read, most) in held.items() if most > read} == {}


def test_losses_are_expected_of_narrow_rows(first_night: Path) -> None:
    """The engine keeps exposures in five joins at once: with what all of a date share, it took half as much again."""
    compiled = first_night / "warehouse/dbt/run/compiled/anchorwatch/models/marts/exposure/expected_loss.sql"
    engine = {"threads": 1, "memory_limit": "60MB", "temp_directory": "", "file_search_path": str(first_night / "lake")}
    with duckdb.connect(str(first_night / "warehouse/anchorwatch.duckdb"), read_only=True, config=engine) as con:
        assert len(con.execute(compiled.read_text()).fetchall()) > 10_000


def rows_held(con: duckdb.DuckDBPyConnection, query: str, profile: Path) -> tuple[int, int]:
    """Rows that a query read from tables, and the most that one of its operators handed on."""
    con.execute(query).fetchall()
    operators = json.loads(profile.read_text())["operator"]
    read, most = 0, 0
    while operators:
        operator = operators.pop()
        operators += operator.get("children", [])
        if operator["type"] == "TABLE_SCAN":
            read += operator["intermediate_rows"]
        most = max(most, operator["intermediate_rows"])
    return read, most


def test_every_published_table_and_column_says_what_it_is(first_night: Path) -> None:
    silent = "select table_name || '.' || column_name from duckdb_columns() where not internal and comment is null"
    assert published(first_night, silent) == []
    assert published(first_night, "select table_name from duckdb_tables() where comment is null") == []


def test_planted_schemes_are_found(first_night: Path) -> None:
    """Each rule finds its subjects; those of the last days may wait for books and tax office."""
    with duckdb.connect(str(first_night / "published/bank/anchorwatch.duckdb"), read_only=True) as con:
        qualities = scheme_quality(con, first_night / "truth/scheme.parquet")
    assert {quality.scheme for quality in qualities} == set(named_schemes("all"))
    assert [quality for quality in qualities if quality.visible and not quality.found] == []
    assert [quality for quality in qualities if quality.rule_id is None and quality.found < 0.9 * quality.visible] == []


def test_every_measure_has_a_figure(first_night: Path) -> None:
    """The semantic models speak of columns that are there, and each measure says something of the last date."""
    manifest = json.loads((first_night / "warehouse/dbt/semantic_manifest.json").read_text())
    figures = {}
    for model in manifest["semantic_models"]:
        relation = model["node_relation"]
        table = f"{relation['schema_name']}.{relation['alias']}"
        for part in model["entities"] + model["dimensions"]:
            published(first_night, f"select {part['expr'] or part['name']} from {table} limit 1")
        for measure in model["measures"]:
            how = {"average": "avg"}.get(measure["agg"], measure["agg"])
            time = model["defaults"]["agg_time_dimension"]
            last = f"where {time} = (select max({time}) from {table})" if measure["non_additive_dimension"] else ""
            value = f"{how}({measure['expr'] or measure['name']})"
            [(figures[measure["name"]],)] = published(first_night, f"select {value} from {table} {last}")
    assert figures
    assert [name for name, figure in figures.items() if figure is None] == []


def test_a_better_grade_never_has_a_higher_pd(first_night: Path) -> None:
    inversions = published(
        first_night,
        "with g as (select grade, min(pd_90d) as low, max(pd_90d) as high from risk.supplier_score_latest "
        "where status = 'SCORED' group by grade) select * from g a join g b on a.grade < b.grade and a.high > b.low",
    )
    assert inversions == []


def test_every_delivered_row_is_accounted_for(first_night: Path) -> None:
    [(files, delivered, accounted)] = published(
        first_night,
        "select count(*), sum(delivered_rows), sum(loaded_rows + quarantined_rows + duplicate_rows) "
        "from monitoring.feed_reconciliation",
    )
    on_disk = [p for p in (first_night / "landing").rglob("*") if p.is_file() and not p.name.startswith("_")]
    assert files == len(on_disk)
    assert delivered == accounted > 0


def test_quarantine_holds_exactly_the_rows_that_were_broken(first_night: Path) -> None:
    con = duckdb.connect()
    truth = con.execute(
        f"select source || '.' || feed, cast(delivery_date as date), file, row_no "
        f"from read_parquet('{first_night}/truth/faults.parquet') where expected = 'QUARANTINED' "
        f"and cast(delivery_date as date) <= date '{NIGHT}' order by all"
    ).fetchall()
    found = con.execute(
        f"select source || '.' || feed, business_date, file, row_no "
        f"from read_parquet('{first_night}/lake/quarantine/**/*.parquet', union_by_name = true) order by all"
    ).fetchall()
    assert truth
    assert found == truth


def test_no_personal_value_of_the_portfolio_leaves(first_night: Path) -> None:
    """Account and telephone numbers and persons' names are in the raw lake, and in nothing that others may read."""
    con = duckdb.connect()
    personal, others = set(), set()
    for contract in load_contracts().values():
        names = [column.name for column in contract.columns if column.sql_type == "varchar"]
        raw = f"read_parquet('{first_night}/lake/raw/{contract.source}/{contract.feed}/**/*.parquet')"
        for name in names:
            values = {value for (value,) in con.execute(f"select distinct {name} from {raw}").fetchall() if value}
            (personal if name in contract.personal_columns else others).update(values)
    personal -= others
    numbers = {value for value in personal if value.isdecimal() and len(value) >= 8}
    assert len(numbers) > 100
    assert len(personal - numbers) > 100
    files = sorted(path for path in (first_night / "published/bank/parquet").rglob("*.parquet") if path.is_file())
    assert len(files) > 15
    for file in files:
        table = pq.read_table(file, partitioning=None)
        for name in table.column_names:
            texts = {text for text in table[name].to_pylist() if isinstance(text, str)}
            assert not texts & personal, f"{file.name} {name}"
            assert not numbers_in(" ".join(texts)) & numbers, f"{file.name} {name}"
    readable = [first_night / "published/bank/manifest.json", *(first_night / "reports").rglob("*")]
    readable += [*(first_night / "dagster").rglob("*"), *(first_night / "warehouse/dbt").rglob("*.log")]
    for path in readable:
        if path.is_file():
            assert not numbers_in(path.read_bytes().decode(errors="replace")) & numbers, path.name


def numbers_in(text: str) -> set[str]:
    return set(re.findall("[0-9]{8,}", text))


def rows_are_loaded(home: Path) -> Callable[[], bool]:
    raw = home / "lake" / "raw"
    before = set(raw.rglob("*.parquet"))
    return lambda: bool(set(raw.rglob("*.parquet")) - before)


def dbt_writes(home: Path) -> Callable[[], bool]:
    log = home / "warehouse" / ".work" / "anchorwatch.duckdb.wal"
    return log.exists


def is_published(home: Path) -> Callable[[], bool]:
    before = digests(home)
    return lambda: digests(home) != before


def test_a_reader_sees_one_night_or_the_next_however_often_it_is_killed(
    first_night: Path, next_night: KilledNight
) -> None:
    """Killed on rows and on dbt, and when all is published; to run a finished night again changes nothing."""
    before, after = digests(first_night), digests(next_night.home)
    assert before != after
    assert next_night.seen == {"rows": before, "dbt": before, "new": after}


def test_a_killed_night_is_what_its_replay_makes_undisturbed(
    next_night: KilledNight, workplace: Path, commands: Commands
) -> None:
    """The replay builds the night beside the book and at once, from a lake that knows a day more by now."""
    home = restored(next_night.home, workplace)
    later = NEXT_NIGHT + timedelta(days=1)
    extend(home, later)
    for feed in ("erp.ap_payment", "platform.certificate_event", "bank.transaction", "tax.vat_invoice"):
        receipts = ingest_feed(feed, home / "landing", Lake(home / "lake"), later, NEXT_NIGHT)
        assert sum(receipt.loaded_rows for receipt in receipts) > 0
    before = digests(home)
    done = commands.run(home, "replay", "--as-of", NEXT_NIGHT.isoformat())
    assert done.code == 0, done
    assert "equals the book" in done.stdout
    assert digests(home) == before


def test_a_night_that_cannot_begin_says_why(home: Path, commands: Commands) -> None:
    day_before = (NIGHT - timedelta(days=1)).isoformat()
    earlier = commands.run(home, "nightly", "--as-of", day_before)
    assert earlier.code == 1
    assert f"anchorwatch: {day_before} lies before the last finished night {NIGHT}; `anchor" in earlier.stderr
    warehouse = home / "warehouse/anchorwatch.duckdb"
    os.truncate(warehouse, warehouse.stat().st_size // 2)
    damaged = commands.run(home, "nightly", "--as-of", NIGHT.isoformat())
    assert damaged.code == 1
    assert f"anchorwatch: The warehouse {warehouse} cannot be read (" in damaged.stderr


def test_without_a_delivery_the_night_is_red_and_the_publication_stands(home: Path, commands: Commands) -> None:
    before = digests(home)
    done = commands.run(home, "nightly", "--as-of", NEXT_NIGHT.isoformat())
    assert done.code == 1
    assert f"No file was delivered for {NEXT_NIGHT}" in done.stderr
    assert digests(home) == before


def test_without_a_model_the_night_is_red_and_the_publication_stands(home: Path, commands: Commands) -> None:
    before = digests(home)
    extend(home, NEXT_NIGHT)
    shutil.rmtree(home / "models")
    done = commands.run(home, "nightly", "--as-of", NEXT_NIGHT.isoformat())
    assert done.code == 1
    assert "no champion" in done.stderr
    assert digests(home) == before


def test_broken_files_are_named_and_stop_nothing(next_night: KilledNight) -> None:
    for name in ("truncated.parquet", "entity.xml", "encoding.csv", "again.csv"):
        assert sum(name in line for line in next_night.said.splitlines()) == 1, next_night.said
    became = {
        file: counts
        for file, *counts in published(
            next_night.home,
            "select file, status, delivered_rows, loaded_rows, quarantined_rows, duplicate_rows "
            f"from monitoring.feed_reconciliation where business_date = date '{NEXT_NIGHT}'",
        )
    }
    assert became["truncated.parquet"] == ["REFUSED", 0, 0, 0, 0]
    assert became["entity.xml"] == ["REFUSED", 0, 0, 0, 0]
    assert became["encoding.csv"] == ["LOADED", 2, 1, 1, 0]
    assert became["again.csv"][0] == "REPEATED_FILE"
    assert became["again.csv"][1] == became["again.csv"][4] > 0


def test_explain_says_why(first_night: Path, commands: Commands) -> None:
    [(supplier,)] = published(
        first_night,
        "select supplier_id from risk.supplier_score_latest where status = 'SCORED' order by pd_90d desc limit 1",
    )
    done = commands.run(first_night, "explain", supplier)
    assert done.code == 0, done
    [(reason,)] = published(
        first_night, f"select reason_1 from risk.supplier_score_latest where supplier_id = '{supplier}'"
    )
    assert reason.split()[0] in done.stdout
    unknown = commands.run(first_night, "explain", "nobody")
    assert unknown.code == 2
    assert "No score of supplier nobody" in unknown.stderr
