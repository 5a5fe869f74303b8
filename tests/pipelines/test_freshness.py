"""Promises and the landing zone as Dagster and the screen show them."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import duckdb
import pytest
from dagster import AssetKey, AssetSelection, DagsterInstance, Definitions, asset, define_asset_job
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from rich.console import Console

from pipelines.assets.freshness import AS_PROMISED, FRESHNESS, feed_freshness
from pipelines.assets.ingest import all_feeds
from pipelines.assets.monitoring import LINES_SHOWN, lines_of
from pipelines.build import build_definitions
from pipelines.console import show_landing
from pipelines.partitions import NIGHTS
from pipelines.resources import NightResource
from pipelines.run import run_job
from pipelines.settings import Settings
from sources.contract import load_contracts
from sources.lake import Lake
from sources.landing_entry import LANDING_ENTRIES, EntryState, LandingEntry
from sources.promise import FEED_PROMISES

NIGHT = date(2026, 3, 2)
RATES = "base_currency,quote_currency,rate_date,rate\nUSD,CNY,2026-03-01,7.1\n"


@pytest.fixture(scope="module")
def definitions(parsed_home: Settings) -> Definitions:
    return build_definitions(parsed_home)


def test_a_feed_that_promises_has_a_policy_and_a_check(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    checked = {key.asset_key for key in graph.asset_check_keys if key.name == AS_PROMISED}
    for contract in load_contracts().values():
        key = AssetKey([contract.source, contract.feed])
        policy = graph.get(key).freshness_policy
        assert (key in checked) == (contract.delivery is not None) == (policy is not None), contract.name
        if contract.delivery is not None:
            assert isinstance(policy, TimeWindowFreshnessPolicy)
            assert policy.fail_window.to_timedelta() == timedelta(days=contract.delivery.longest_silence_days + 1)
    assert len(checked) > 10


@pytest.mark.parametrize(
    ("job", "is_checked"), [("nightly", True), ("ingest", False), ("train", False), ("score", False)]
)
def test_promises_are_checked_where_their_mart_is_built(definitions: Definitions, job: str, is_checked: bool) -> None:
    assert ("feed_freshness" in {node.name for node in definitions.resolve_job_def(job).nodes}) == is_checked


def test_a_broken_promise_is_a_warning_of_its_feed_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.prepare()
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("create schema monitoring")
        con.execute(f"create table monitoring.run_log as select date '{NIGHT}' as as_of_date")
        con.execute(
            "create table monitoring.feed_freshness (as_of_date date, source text, feed text, promise text, "
            "promised_date date, newest_delivery_date date, late_days integer, status text)"
        )
        for name, contract in load_contracts().items():
            status = {"bank.balance": "LATE", "tax.vat_return": "NEVER_DELIVERED"}.get(name, "FRESH")
            con.execute(
                "insert into monitoring.feed_freshness values (?, ?, ?, 'every day', ?, ?, 4, ?)",
                [NIGHT, contract.source, contract.feed, NIGHT, NIGHT - timedelta(4), status],
            )
    mart = asset(key=FRESHNESS, partitions_def=NIGHTS)(lambda: None)
    job = define_asset_job("checks", AssetSelection.assets(FRESHNESS) | AssetSelection.checks(feed_freshness))
    resources = {"night": NightResource(home=str(settings.root))}
    definitions = Definitions(
        assets=[*all_feeds(), mart], asset_checks=[feed_freshness], jobs=[job], resources=resources
    )
    with DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("checks").execute_in_process(
            partition_key=NIGHT.isoformat(), instance=instance
        )
        said = [event.user_message for event in instance.all_logs(result.run_id) if "4 days late" in event.user_message]
    broken = [check.asset_key.to_user_string() for check in result.get_asset_check_evaluations() if not check.passed]
    assert broken == ["bank/balance"]
    assert said == [
        "bank.balance: 4 days late: the newest delivery is of 2026-02-26, promised is one of 2026-03-02 at least "
        "(every day); ask the sender"
    ]


def test_an_ingest_says_what_it_left_and_writes_it_down(parsed_home: Settings) -> None:
    folder = parsed_home.landing / "external" / "fx_rate" / NIGHT.isoformat()
    folder.mkdir(parents=True)
    (folder / "taken.csv").write_text(RATES)
    (folder / "waits.csv").write_text(RATES)
    (folder / "_delivery.yaml").write_text("{files: waits.csv, control: required}")
    outcome = run_job(parsed_home, "ingest", NIGHT)
    assert outcome.problems == []
    assert outcome.warnings == ["lake.landing_entry: all_of_landing_was_taken_in does not hold"]
    lake, partition = Lake(parsed_home.lake), f"as_of_date={NIGHT}"
    (entry,) = lake.read(LANDING_ENTRIES, partition, "part").to_pylist()
    assert (entry["entry"], entry["state"]) == ("2026-03-02/waits.csv", "WAITING")
    promises = lake.read(FEED_PROMISES, partition, "part").to_pylist()
    assert len(promises) == len(load_contracts())
    assert {"source": "external", "feed": "fx_rate"}.items() <= next(
        row for row in promises if row["promised_date"] == date(2026, 2, 28) and row["feed"] == "fx_rate"
    ).items()


def test_many_entries_are_a_few_lines_and_a_count() -> None:
    entry = LandingEntry("bank", "balance", NIGHT, "2026-03-02/r.csv", EntryState.WAITING, "It waits.")
    assert lines_of([entry]) == ["bank.balance 2026-03-02/r.csv: It waits."]
    lines = lines_of([entry] * 1000)
    assert len(lines) == LINES_SHOWN + 1
    assert lines[-1] == "and 988 more entries of landing: see monitoring.landing_entry"


def test_status_shows_what_waits_and_who_is_late() -> None:
    screen = StringIO()
    with duckdb.connect() as con:
        console = Console(file=screen, width=200)
        show_landing(con, console)
        assert screen.getvalue() == "", "a publication of an earlier release has no such tables"
        con.execute("create schema monitoring")
        con.execute(
            f"create table monitoring.feed_freshness as select date '{NIGHT}' as as_of_date, 'bank' as source, "
            f"'balance' as feed, 'LATE' as status, date '2026-02-26' as newest_delivery_date, "
            f"date '2026-03-02' as promised_date"
        )
        con.execute(
            f"create table monitoring.landing_entry as select date '{NIGHT}' as as_of_date, 'bank' as source, "
            "'balance' as feed, '2026-03-02/[r].csv' as entry, 'WAITING' as state, 'It waits.' as message"
        )
        show_landing(con, console)
    assert "WAITING bank.balance 2026-03-02/[r].csv: It waits." in screen.getvalue()
    assert "bank.balance: newest delivery 2026-02-26, promised 2026-03-02" in screen.getvalue()
