"""What the monitoring marts say of deliveries: which feed is late, what lies in landing, what was restated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_portfolio import DELIVERIES, NIGHTS
from tiny_warehouse import Warehouse, WarehouseFactory

from sources.contract import load_contracts
from sources.landing_entry import EntryState, LandingEntry, entry_table
from sources.promise import promise_table

MONITORING = ["int_receipt", "feed_freshness", "landing_entry", "feed_reconciliation"]


def write(lake: Path, dataset: str, night: date, table: pa.Table) -> None:
    path = lake / dataset / f"as_of_date={night}" / "part.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def waiting(entry: str) -> LandingEntry:
    return LandingEntry("bank", "balance", NIGHTS[0], entry, EntryState.WAITING, "It waits.")


def watch(warehouse: Warehouse, night: date, entries: Sequence[LandingEntry]) -> None:
    """What the night writes of landing and promises."""
    lake = warehouse.folder / "lake"
    write(lake, "landing_entries", night, entry_table(night, entries))
    promises = {(contract.source, contract.feed): contract.delivery for contract in load_contracts().values()}
    write(lake, "feed_promises", night, promise_table(night, promises))


def build(warehouse: Warehouse, night: date, since: date | None = None) -> None:
    warehouse.build(night, since, warehouse.project.models(*MONITORING))


def freshness(warehouse: Warehouse, night: date) -> dict[str, tuple[object, ...]]:
    rows = warehouse.query(
        "select source || '.' || feed, newest_delivery_date, promised_date, late_days, status "
        f"from monitoring.feed_freshness where as_of_date = date '{night}'"
    )
    return {feed: tuple(values) for feed, *values in rows}


@pytest.fixture(scope="module")
def nightly(warehouses: WarehouseFactory) -> Warehouse:
    """Three nights, the last of them run twice: its file came between the runs."""
    warehouse = warehouses.empty()
    warehouse.deliver(DELIVERIES)
    last = None
    for night, entries in ((NIGHTS[1], ["a"]), (NIGHTS[3], ["a", "b"]), (NIGHTS[4], ["b"]), (NIGHTS[4], [])):
        watch(warehouse, night, [waiting(entry) for entry in entries])
        build(warehouse, night, since=last)
        last = night
    return warehouse


def test_feeds_are_late_by_their_own_promise(nightly: Warehouse) -> None:
    found = freshness(nightly, NIGHTS[4])
    assert found.keys() == load_contracts().keys()
    assert found["platform.financing"] == (NIGHTS[2], NIGHTS[3], 1, "LATE")
    assert found["erp.ap_payment"] == (NIGHTS[3], NIGHTS[1], 0, "FRESH")
    assert found["platform.supplier"] == (NIGHTS[0], None, None, "NO_PROMISE")
    assert found["tax.vat_return"] == (None, date(2026, 2, 25), None, "NEVER_DELIVERED")
    assert freshness(nightly, NIGHTS[1])["platform.financing"] == (NIGHTS[0], date(2026, 3, 28), 0, "FRESH")


def test_entries_are_those_of_the_last_run_of_each_night(nightly: Warehouse) -> None:
    rows = nightly.query("select as_of_date, entry, first_seen_date from monitoring.landing_entry order by all")
    assert rows == [(NIGHTS[1], "a", NIGHTS[1]), (NIGHTS[3], "a", NIGHTS[1]), (NIGHTS[3], "b", NIGHTS[3])]


def test_nights_one_by_one_equal_one_build(nightly: Warehouse, warehouses: WarehouseFactory) -> None:
    at_once = warehouses.empty()
    at_once.deliver(DELIVERIES)
    for night, entries in ((NIGHTS[1], ["a"]), (NIGHTS[3], ["a", "b"]), (NIGHTS[4], [])):
        watch(at_once, night, [waiting(entry) for entry in entries])
    build(at_once, NIGHTS[4])
    assert at_once.tables(["monitoring"]) == nightly.tables(["monitoring"])
