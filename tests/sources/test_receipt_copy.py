"""The copy of many receipts is never seen: what it says is what the receipts themselves say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sources.lake import Lake
from sources.receipt import RECEIPTS, Receipt, read_receipts, receipts_by_feed, write_receipts
from tests.sources.landing_zone import DAY, RATE_HEADER, Zone

FEED = "external.fx_rate"


@pytest.fixture
def receipts(zone: Zone) -> list[Receipt]:
    """Receipts of many days, which have been read once."""
    zone.deliver(FEED, "r.csv", f"{RATE_HEADER}\nUSD,CNY,2026-03-02,7.1\n")
    (receipt,) = zone.ingest(FEED)
    days = [DAY + timedelta(days=number) for number in range(1, 40)]
    write_receipts(zone.lake, (replace(receipt, batch_date=day, file=f"{day}.csv") for day in days))
    assert not copy_of(zone).exists()
    receipts = read_receipts(zone.lake, FEED)
    assert len(receipts) == 40
    assert copy_of(zone).exists()
    return receipts


def copy_of(zone: Zone) -> Path:
    return zone.lake.root / ".receipts" / f"{FEED}.parquet"


def test_it_says_what_the_receipts_say(zone: Zone, receipts: list[Receipt], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sources.receipt_copy._read", None)
    assert read_receipts(zone.lake, FEED) == receipts
    assert receipts_by_feed(zone.lake) == {FEED: receipts}


def test_a_receipt_that_is_gone_is_gone(zone: Zone, receipts: list[Receipt]) -> None:
    receipt_file(zone.lake, receipts[3]).unlink()
    assert read_receipts(zone.lake, FEED) == [*receipts[:3], *receipts[4:]]


def test_a_receipt_that_was_written_anew_and_one_that_is_new_are_read(zone: Zone, receipts: list[Receipt]) -> None:
    changed = replace(receipts[3], message="Written anew.")
    added = replace(receipts[-1], batch_date=receipts[-1].batch_date + timedelta(days=1))
    write_receipts(zone.lake, [changed, added])
    assert read_receipts(zone.lake, FEED) == [*receipts[:3], changed, *receipts[4:], added]


def test_a_broken_copy_and_one_of_an_earlier_release_are_made_again(zone: Zone, receipts: list[Receipt]) -> None:
    path = copy_of(zone)
    whole = path.read_bytes()
    middle = len(whole) // 3
    for broken in (whole[: len(whole) // 2], whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :], b""):
        path.write_bytes(broken)
        assert read_receipts(zone.lake, FEED) == receipts
        assert path.read_bytes() == whole
    pq.write_table(pq.read_table(path).drop_columns("controls"), path)
    assert read_receipts(zone.lake, FEED) == receipts
    assert path.read_bytes() == whole


def receipt_file(lake: Lake, receipt: Receipt) -> Path:
    name = f"{receipt.source}.{receipt.feed}.{receipt.file_id}"
    return lake.file(RECEIPTS, f"batch_date={receipt.batch_date}", name)
