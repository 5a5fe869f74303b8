"""Extracts: every row once, whatever comes at the mark; exact numbers; a killed pull; no secret in any sentence."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from adbc_driver_postgresql import dbapi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipelines.cli import app
from sources.database import bind
from sources.extract import ExtractError, Pulled, load_extract, pull
from sources.yaml_model import MappingError
from tests.sources.landing_zone import DAY, Zone, counts
from tests.sources.postgresql_server import ESCAPED_PASSWORD, PASSWORD, running, server_programs

FEED = "external.fx_rate"
NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
QUERY = "select base_currency, quote_currency, rate_date, rate, updated_at from fx where updated_at >= :high_water"
DEFINITION: dict[str, Any] = {
    "feed": FEED,
    "url_variable": "RATES_URL",
    "query": QUERY,
    "high_water": "updated_at",
    "start": "2026-01-01",
}


@dataclass(frozen=True)
class Home:
    """A landing zone, and a database that is pulled into it."""

    zone: Zone
    url: str

    def define(self, **keys: Any) -> None:
        folder = self.zone.root / "extracts"
        folder.mkdir(exist_ok=True)
        content = {name: value for name, value in {**DEFINITION, **keys}.items() if value is not None}
        (folder / "rates.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))

    def pull(self, day: date = DAY, now: datetime = NOW) -> Pulled:
        extract = load_extract("rates", self.zone.root / "extracts", self.zone.mapping_folders)
        return pull(extract, self.zone.landing, day, self.url, now)

    def execute(self, *statements: str) -> None:
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection, connection:
                for statement in statements:
                    connection.execute(statement)
        else:
            with dbapi.connect(self.url) as connection, connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                connection.commit()

    def insert(self, currency: str, updated_at: str, rate: str = "7.10") -> None:
        self.execute(f"insert into fx values ('{currency}', 'CNY', '2026-03-01', {rate}, '{updated_at}')")

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.zone.landing)) for path in self.zone.landing.rglob("*.p*"))

    def pulled(self) -> list[str]:
        """Currencies in all files, in order of the files."""
        paths = sorted(self.zone.landing.rglob("*.parquet"), key=lambda p: (p.parent.name, int(p.stem.split("-")[1])))
        return [row["base_currency"] for path in paths for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    with running(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, zone: Zone) -> Home:
    if request.param == "sqlite":
        home = Home(zone, f"sqlite:///{zone.root}/data base.sqlite")
        home.execute(
            "create table fx (base_currency text, quote_currency text, rate_date text, rate numeric, updated_at text)"
        )
    else:
        home = Home(zone, request.getfixturevalue("postgresql_url"))
        home.execute(
            "drop table if exists fx",
            "create table fx (base_currency text, quote_currency text, rate_date date, rate numeric(18, 6), "
            "updated_at timestamp)",
        )
    home.define()
    return home


def test_new_rows_become_a_file_that_ingest_loads(home: Home) -> None:
    home.insert("USD", "2026-03-01 10:00:00", "60000.1")
    home.insert("EUR", "2026-03-01 11:00:00", "7.123456")
    done = home.pull()
    assert (done.rows, home.files()) == (2, ["external/fx_rate/2026-03-02/rates-1.parquet"])
    (receipt,) = home.zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 2, "quarantined": 0, "duplicate": 0}
    rates = home.zone.rows("raw/external/fx_rate", "rate", "rate desc")
    assert rates == [(Decimal("60000.1"),), (Decimal("7.123456"),)]


def test_without_new_rows_nothing_is_written(home: Home) -> None:
    assert (home.pull().path, home.files()) == (None, [])
    assert [*home.zone.landing.glob("*/*/2*")] == []
    home.insert("USD", "2026-03-01 10:00:00")
    home.pull()
    assert home.pull().path is None
    assert home.pulled() == ["USD"]


def test_rows_that_come_later_with_the_same_mark_are_not_lost(home: Home) -> None:
    home.insert("USD", "2026-03-01 10:00:00")
    home.insert("AAA", "2026-02-01 10:00:00")
    home.pull()
    for currency in ("EUR", "GBP"):
        home.insert(currency, "2026-03-01 10:00:00")
        assert home.pull().rows == 1
    home.insert("CHF", "2026-03-01 10:00:01")
    assert home.pull(DAY + timedelta(days=1)).rows == 1
    assert home.pull(DAY + timedelta(days=1)).rows == 0
    assert sorted(home.pulled()) == ["AAA", "CHF", "EUR", "GBP", "USD"]


def test_a_row_that_changes_is_delivered_again_as_a_new_version(home: Home) -> None:
    home.insert("USD", "2026-03-01 10:00:00")
    home.pull()
    home.execute("update fx set rate = 8, updated_at = '2026-03-02 09:00:00'")
    home.pull()
    receipts = home.zone.ingest(FEED)
    assert [receipt.loaded_rows for receipt in receipts] == [1, 1]


def test_a_query_may_look_back_behind_the_mark(home: Home) -> None:
    shifted = "datetime(:high_water, '-1 hour')" if home.url.startswith("sqlite") else ":high_water - interval '1 hour'"
    home.define(query=QUERY.replace(":high_water", shifted))
    home.insert("USD", "2026-03-01 10:00:00")
    home.pull()
    home.insert("EUR", "2026-03-01 09:30:00")
    home.pull()
    assert "EUR" in home.pulled()
    receipts = home.zone.ingest(FEED)
    assert sum(receipt.loaded_rows for receipt in receipts) == 2


def test_numbers_are_marks_too(home: Home) -> None:
    home.execute("alter table fx add id bigint")
    home.execute(*(f"insert into fx values ('A{chr(65 + n)}A', 'CNY', '2026-03-01', 7, null, {n})" for n in (9, 10)))
    home.define(query="select * from fx where id >= :high_water", high_water="id", start=0)
    assert home.pull().mark.text == "10"
    home.execute("insert into fx values ('XXX', 'CNY', '2026-03-01', 7, null, 11)")
    assert (home.pull().rows, home.pulled()[-1]) == (1, "XXX")


@pytest.mark.parametrize("renamed", ["_delivery.yaml", "rates-1.parquet"])
def test_a_killed_pull_loses_and_repeats_nothing(home: Home, renamed: str) -> None:
    home.insert("USD", "2026-03-01 10:00:00")
    program = (
        "import os, sys, pathlib, datetime, sources.extract as e\n"
        "rename = os.replace\n"
        "e.os.replace = lambda old, new: os._exit(9) if new.name == sys.argv[2] else rename(old, new)\n"
        "extract = e.load_extract('rates', pathlib.Path(sys.argv[1]) / 'extracts')\n"
        "e.pull(extract, pathlib.Path(sys.argv[1]) / 'landing', datetime.date(2026, 3, 2), os.environ['RATES_URL'], "
        "datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC))"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, str(home.zone.root), renamed],
        env={**os.environ, "RATES_URL": home.url},
        check=False,
    )
    assert killed.returncode == 9
    assert [*home.zone.landing.rglob("rates-1.*")] == [*home.zone.landing.rglob("rates-1.parquet.part")]
    assert home.zone.ingest(FEED) == []
    assert home.pull().rows == 1
    assert home.pulled() == ["USD"]
    assert [*home.zone.landing.rglob("*.part")] == []


def test_two_pulls_at_once_do_not_meet(home: Home) -> None:
    import fcntl

    (home.zone.landing / "external" / "fx_rate").mkdir(parents=True)
    with (home.zone.landing / "external" / "fx_rate" / ".rates.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ExtractError, match="another pull of it is at work"):
            home.pull()


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"high_water": "changed_at"}, "its query gives no column changed_at, it gives base_currency"),
        ({"query": f"{QUERY};"}, "its query has a semicolon"),
        (
            {"query": "select * from fx where updated_at >= ':high_water'"},
            "its query does not compare with :high_water",
        ),
        ({"query": "select nope from fx where updated_at >= :high_water"}, "nope"),
        (
            {"query": "select *, rate as rate from fx where updated_at >= :high_water"},
            "its query gives rate more than once",
        ),
        ({"query": QUERY.replace("updated_at from", "null as updated_at from")}, "updated_at is null in some rows"),
    ],
)
def test_what_is_wrong_with_a_query_is_said(home: Home, keys: dict[str, Any], sentence: str) -> None:
    home.insert("USD", "2026-03-01 10:00:00")
    home.define(**keys)
    with pytest.raises(ExtractError) as raised:
        home.pull()
    assert sentence in str(raised.value)
    assert str(raised.value).startswith("extract rates: ")
    assert home.files() == []


def test_a_mark_that_lies_ahead_is_refused(home: Home) -> None:
    home.insert("USD", "9999-12-31 00:00:00")
    with pytest.raises(ExtractError, match=r"updated_at reaches 9999-12-31.*lies ahead"):
        home.pull()
    assert home.files() == []


def test_a_query_cannot_write(home: Home) -> None:
    home.insert("USD", "2026-03-01 10:00:00")
    home.define(query="delete from fx where updated_at >= :high_water returning *")
    with pytest.raises(ExtractError, match="cannot be read"):
        home.pull()
    home.define(query=QUERY)
    assert home.pull().rows == 1


def test_days_before_the_newest_extract_are_refused(home: Home) -> None:
    home.insert("USD", "2026-03-01 10:00:00")
    home.pull()
    with pytest.raises(ExtractError, match="its newest file is of 2026-03-02"):
        home.pull(DAY - timedelta(days=1))


def test_a_file_without_a_mark_stops_the_pull(home: Home) -> None:
    home.zone.deliver(FEED, "rates-1.parquet", b"PAR1")
    with pytest.raises(ExtractError, match=r"2026-03-02/rates-1.parquet holds no high-water mark"):
        home.pull()


def test_another_column_needs_another_name(home: Home) -> None:
    home.insert("USD", "2026-03-01 10:00:00")
    home.pull()
    home.define(query=QUERY.replace("rate_date,", "rate_date, rate_date as day,"), high_water="day")
    with pytest.raises(ExtractError, match="counts by updated_at, the extract by day; give the extract another name"):
        home.pull()


MAPPING = {
    "feed": FEED,
    "columns": {name: name for name in ("base_currency", "quote_currency", "rate_date", "rate")},
    "ignored": ["updated_at"],
}


def test_mapping_and_history_are_declared_beside_the_file(home: Home) -> None:
    home.zone.map("rates", MAPPING)
    home.zone.deliver(FEED, "_delivery.yaml", "files: '*.csv'\nhistory: true\n")
    home.define(mapping="rates", history=True)
    home.insert("USD", "2026-03-01 10:00:00")
    home.pull()
    home.insert("EUR", "2026-03-02 10:00:00")
    home.pull()
    folder = home.zone.landing / "external" / "fx_rate" / "2026-03-02"
    assert yaml.safe_load((folder / "_delivery.yaml").read_text()) == {
        "deliveries": [
            {"files": "rates-1.parquet", "mapping": "rates", "restatement": "partial", "history": True},
            {"files": "rates-*.parquet", "mapping": "rates", "restatement": "partial"},
            {"files": "*.csv", "history": True},
        ]
    }
    receipts = home.zone.ingest(FEED)
    fates = {receipt.file: (receipt.mapping, receipt.is_history, receipt.message) for receipt in receipts}
    assert fates == {"rates-1.parquet": ("rates", True, None), "rates-2.parquet": ("rates", False, None)}


def test_what_the_feed_s_other_files_follow_stays_and_is_not_followed(home: Home) -> None:
    home.zone.map("rates", MAPPING)
    feed_folder = home.zone.landing / "external" / "fx_rate"
    feed_folder.mkdir(parents=True)
    (feed_folder / "_delivery.yaml").write_text("mapping: rates\ncontrol: required\n")
    home.insert("USD", "2026-03-01 10:00:00")
    home.pull()
    assert yaml.safe_load((feed_folder / "2026-03-02" / "_delivery.yaml").read_text()) == {
        "deliveries": [
            {"files": "rates-*.parquet", "restatement": "partial"},
            {"mapping": "rates", "control": "required"},
        ]
    }
    (receipt,) = home.zone.ingest(FEED)
    assert (receipt.mapping, receipt.loaded_rows) == ("identity", 1)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 2), max_size=4), max_size=8))
def test_every_row_is_delivered_exactly_once(tmp_path_factory: pytest.TempPathFactory, nights: list[list[int]]) -> None:
    """Each night rows come at the mark or after it, and are pulled."""
    home = Home(Zone(tmp_path_factory.mktemp("home")), "")
    home = Home(home.zone, f"sqlite:///{home.zone.root}/db.sqlite")
    home.execute("create table fx (base_currency text, id integer)")
    home.define(query="select * from fx where id >= :high_water", high_water="id", start=0)
    mark, number = 0, 0
    for night, steps in enumerate(nights):
        for step in steps:
            number += 1
            home.execute(f"insert into fx values ('{number}', {mark + step})")
        mark += max(steps, default=0)
        home.pull(DAY + timedelta(days=night // 2))
    assert sorted(map(int, home.pulled())) == [*range(1, number + 1)]


# Of one database alone.


@pytest.fixture
def server(zone: Zone, postgresql_url: str) -> Home:
    home = Home(zone, postgresql_url)
    home.define()
    return home


def test_exact_numbers_and_instants_of_postgresql(server: Home) -> None:
    server.execute(
        "drop table if exists fx",
        "create table fx (id bigint, amount numeric, day date, at timestamptz, yes boolean, doc jsonb, nothing text)",
        "insert into fx values (1, 12345678901234567890.10, '2026-03-01', '2026-03-01 10:00+08', true, "
        "'{\"a\": 1.10}', null)",
    )
    server.define(query="select * from fx where at >= :high_water", high_water="at", start="2026-01-01T00:00:00Z")
    done = server.pull()
    assert done.path is not None
    (row,) = pq.read_table(done.path).to_pylist()
    assert row == {
        "id": 1,
        "amount": "12345678901234567890.10",
        "day": date(2026, 3, 1),
        "at": datetime(2026, 3, 1, 2, tzinfo=UTC),
        "yes": True,
        "doc": '{"a": 1.10}',
        "nothing": None,
    }
    assert done.mark.text == "2026-03-01T02:00:00+00:00"
    assert server.pull().rows == 0


def test_numerics_are_marks_by_their_value(server: Home) -> None:
    server.execute("drop table if exists fx", "create table fx (base_currency text, id numeric)")
    server.execute("insert into fx values ('A', 9), ('B', 10)")
    server.define(query="select * from fx where id >= :high_water", high_water="id", start=0)
    assert server.pull().mark.text == "10"
    server.execute("insert into fx values ('C', 10.5)")
    assert server.pull().rows == 1


def test_types_that_no_file_takes_are_named(server: Home) -> None:
    server.execute("drop table if exists fx", "create table fx (id bigint, tags int[])")
    server.execute("insert into fx values (1, '{1}')")
    server.define(query="select * from fx where id >= :high_water", high_water="id", start=0)
    with pytest.raises(ExtractError, match=r"column tags is of a type that no file takes .*; cast it to text"):
        server.pull()


def test_text_is_no_mark_of_postgresql(server: Home) -> None:
    server.execute("drop table if exists fx", "create table fx (code text)", "insert into fx values ('a')")
    server.define(query="select * from fx where code >= :high_water", high_water="code", start="")
    with pytest.raises(ExtractError, match="code is text, which a database orders in its own ways"):
        server.pull()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres:{0}@127.0.0.1:1/postgres",
        "postgresql://postgres:{1}@127.0.0.1:1/postgres",
        "postgresql://postgres:{0}@host.invalid/postgres",
        "postgresql://127.0.0.1:1/postgres?password={0}&user={0}",
        "postgresql://127.0.0.1:1/postgres?pass={0}",
        "postgresql:///{0}?host=/{0}",
    ],
)
def test_no_sentence_tells_a_secret(server: Home, url: str) -> None:
    with pytest.raises(ExtractError) as raised:
        Home(server.zone, url.format(ESCAPED_PASSWORD, PASSWORD)).pull()
    for secret in (PASSWORD, ESCAPED_PASSWORD, "s3cret", "marks"):
        assert secret not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_wrong_password_is_not_told(server: Home) -> None:
    with pytest.raises(ExtractError, match="password authentication failed") as raised:
        Home(server.zone, server.url.replace("s3cret", "Wr0ng")).pull()
    assert "Wr0ng" not in str(raised.value)


def test_a_large_result_comes_in_batches(server: Home) -> None:
    server.execute("drop table if exists fx")
    server.execute(
        "create table fx as select n as id, repeat('x', 1000) as base_currency from generate_series(1, 60000) n"
    )
    server.define(query="select * from fx where id >= :high_water", high_water="id", start=0)
    done = server.pull()
    assert done.path is not None
    assert done.rows == 60_000
    assert pq.ParquetFile(done.path).num_row_groups > 1
    assert server.pull().rows == 0


@pytest.fixture
def file(zone: Zone) -> Home:
    home = Home(zone, f"sqlite:///{zone.root}/db.sqlite")
    home.define()
    return home


def test_sqlite_values_of_any_type_stay_exact_text(file: Home) -> None:
    file.execute("create table fx (id integer, value)")
    values = ("null", "7", "60000.1", "'007'", "1e16")
    file.execute(*(f"insert into fx values ({number}, {value})" for number, value in enumerate(values)))
    file.define(query="select * from fx where id >= :high_water order by id", high_water="id", start=0)
    done = file.pull()
    assert done.path is not None
    assert pq.read_table(done.path)["value"].to_pylist() == [None, "7", "60000.1", "007", "10000000000000000"]


def test_bytes_of_sqlite_are_refused(file: Home) -> None:
    file.execute("create table fx (id integer, value)", "insert into fx values (1, x'ff')")
    file.define(query="select * from fx where id >= :high_water", high_water="id", start=0)
    with pytest.raises(ExtractError, match="column value holds bytes"):
        file.pull()


def test_a_missing_sqlite_file_is_not_made(file: Home) -> None:
    with pytest.raises(ExtractError, match="unable to open database file"):
        file.pull()
    assert not (file.zone.root / "db.sqlite").exists()


def test_other_databases_are_refused(file: Home) -> None:
    with pytest.raises(ExtractError, match=r"neither of PostgreSQL .* nor of SQLite") as raised:
        Home(file.zone, "mysql://user:s3cret@host/db").pull()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        ("a >= :high_water", "a >= ?"),
        ("a::date >= :high_water::date and b > :high_water", "a::date >= ?::date and b > ?"),
        (
            "':high_water' < :high_water -- :high_water\n/* :high_water */",
            "':high_water' < ? -- :high_water\n/* :high_water */",
        ),
        ('":high_water" = $$:high_water$$ or x = :high_water', '":high_water" = $$:high_water$$ or x = ?'),
    ],
)
def test_only_the_parameter_is_bound(query: str, bound: str) -> None:
    assert bind(query, "?", "postgres") == bound


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"feed": "external.fx_rates"}, "key feed: there is no contract external.fx_rates"),
        ({"mapping": "nobody"}, "nobody"),
        ({"query": "select 1"}, "key query: it must compare with :high_water"),
        ({"url_variable": None}, "give the database's URL by one of url_variable"),
        ({"url_file": "/x"}, "give the database's URL by one of url_variable"),
        ({"url": "postgresql://u:p@h/d"}, "key url: there is no such key"),
        ({"start": None}, "key start"),
        ({"high_mark": "x"}, "key high_mark: there is no such key (did you mean high_water?)"),
    ],
)
def test_what_is_wrong_with_a_definition_is_said(file: Home, keys: dict[str, Any], sentence: str) -> None:
    file.define(**keys)
    with pytest.raises(MappingError) as raised:
        file.pull()
    assert sentence in str(raised.value)


def test_a_mapping_of_another_feed_is_refused(file: Home) -> None:
    file.zone.map("ours", MAPPING)
    file.define(feed="bank.balance", mapping="ours")
    with pytest.raises(MappingError, match=r"key mapping: it is not for bank.balance"):
        file.pull()


@pytest.mark.parametrize("name", ["none", "../rates", "Rates", ""])
def test_an_extract_that_is_not_there_is_named(file: Home, name: str) -> None:
    with pytest.raises(MappingError, match="there is no extract"):
        load_extract(name, file.zone.root / "extracts")


def test_the_url_comes_from_a_variable_or_a_file(file: Home, tmp_path: Path) -> None:
    extract = load_extract("rates", file.zone.root / "extracts")
    assert extract.url({"RATES_URL": " sqlite:///x\n"}) == "sqlite:///x"
    with pytest.raises(ExtractError, match="the environment variable RATES_URL is not set"):
        extract.url({})
    secret = tmp_path / "url"
    file.define(url_variable=None, url_file=str(secret))
    with pytest.raises(ExtractError, match="cannot be read"):
        load_extract("rates", file.zone.root / "extracts").url({})
    secret.write_text("sqlite:///y\n")
    assert load_extract("rates", file.zone.root / "extracts").url({}) == "sqlite:///y"


def test_the_command_says_what_it_did(file: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    file.execute("create table fx (base_currency, quote_currency, rate_date, rate, updated_at)")
    file.insert("USD", "2026-03-01 10:00:00")
    monkeypatch.setenv("ANCHORWATCH_HOME", str(file.zone.root))
    monkeypatch.setenv("RATES_URL", file.url)
    for variable in ("DAGSTER_HOME", "DBT_TARGET_PATH"):
        monkeypatch.setenv(variable, os.environ.get(variable, ""))
    first, second = (CliRunner().invoke(app, ["source", "pull", "rates", "--date", "2026-03-02"]) for _ in range(2))
    assert first.output.startswith("1 new row of rates up to updated_at 2026-03-01 10:00:00: ")
    assert second.output == "No new row of rates since updated_at 2026-03-01 10:00:00; nothing was written.\n"
    assert (first.exit_code, second.exit_code) == (0, 0)
