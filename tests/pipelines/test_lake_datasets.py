from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.lake_datasets import (
    FEATURES,
    features_before,
    old_history_arrived,
    prepare_lake,
    receipts_of_night,
    write_night,
)
from sources.ingest import ingest_feed
from sources.lake import Lake
from sources.receipt import read_receipts, write_receipts

NIGHT = date(2026, 7, 1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(tmp_path / "lake")
    prepare_lake(made)
    return made


@pytest.mark.parametrize(
    ("days", "names", "found"),
    [(1, ["cash"], True), (7, ["cash"], True), (8, ["cash"], False), (0, ["cash"], False), (1, ["cash", "new"], False)],
    ids=["last night", "a week ago", "too long ago", "the night itself", "of an earlier release"],
)
def test_the_night_before_is_near_and_knows_all_features(lake: Lake, days: int, names: list[str], found: bool) -> None:
    earlier = NIGHT - timedelta(days=days)
    write_night(lake, FEATURES, earlier, "part", pa.table({"supplier_id": ["S1"], "cash": [1.0]}))
    assert (features_before(lake, NIGHT, names) is not None) is found


def test_of_two_nights_the_last_counts(lake: Lake) -> None:
    for days in (3, 2):
        table = pa.table({"supplier_id": ["S1"], "cash": [float(days)]})
        write_night(lake, FEATURES, NIGHT - timedelta(days=days), "part", table)
    before = features_before(lake, NIGHT, ["cash"])
    assert before is not None
    assert before.column("cash").to_pylist() == [2.0]


@pytest.fixture
def three_days(lake: Lake, tmp_path: Path) -> Lake:
    """A file of rates became known on each of the three days up to the night."""
    for days in (2, 1, 0):
        day = NIGHT - timedelta(days=days)
        folder = tmp_path / "landing" / "external" / "fx_rate" / day.isoformat()
        folder.mkdir(parents=True)
        (folder / "r.csv").write_text(f"base_currency,quote_currency,rate_date,rate\nUSD,CNY,{day},7.{days}\n")
        ingest_feed("external.fx_rate", tmp_path / "landing", lake, day, None)
    return lake


@pytest.mark.parametrize(
    ("last_night", "days"),
    [(None, [2, 1, 0]), (NIGHT - timedelta(days=2), [1, 0]), (NIGHT - timedelta(days=1), [0]), (NIGHT, [0])],
    ids=["the first night", "after a night without one", "every night", "once more"],
)
def test_a_night_works_on_what_came_since_the_last(three_days: Lake, last_night: date | None, days: list[int]) -> None:
    found = receipts_of_night(three_days, NIGHT, last_night)
    assert found["batch_date"].dt.date.to_list() == [NIGHT - timedelta(days=number) for number in days]
    assert (found["loaded_rows"] == 1).all()


def test_a_night_opens_no_receipt_of_an_earlier_one(three_days: Lake) -> None:
    for day in (NIGHT - timedelta(days=2), NIGHT - timedelta(days=1)):
        (receipt,) = (three_days.root / "receipts" / f"batch_date={day}").glob("*.parquet")
        receipt.write_bytes(b"no Parquet file")
    assert len(receipts_of_night(three_days, NIGHT, NIGHT - timedelta(days=1))) == 1
    with pytest.raises(duckdb.Error):
        receipts_of_night(three_days, NIGHT, NIGHT - timedelta(days=2))


@pytest.mark.parametrize(
    ("known", "loaded", "is_history", "arrived"),
    [(1, 1, True, True), (0, 1, True, False), (1, 0, True, False), (1, 1, False, False)],
    ids=["from before the last night", "of the night", "nothing was loaded", "no history"],
)
def test_history_from_before_the_last_night_is_noticed(
    three_days: Lake, known: int, loaded: int, is_history: bool, arrived: bool
) -> None:
    (receipt,) = (receipt for receipt in read_receipts(three_days, "external.fx_rate") if receipt.batch_date == NIGHT)
    told = {"is_history": is_history, "min_known_date": NIGHT - timedelta(days=known)}
    write_receipts(three_days, [replace(receipt, **told, loaded_rows=loaded, duplicate_rows=1 - loaded)])
    assert old_history_arrived(three_days, NIGHT, NIGHT - timedelta(days=1)) is arrived
    assert not old_history_arrived(three_days, NIGHT, None)
    assert not old_history_arrived(three_days, NIGHT, NIGHT)


def test_a_night_to_which_nothing_came_has_no_receipts(three_days: Lake) -> None:
    later = NIGHT + timedelta(days=1)
    assert receipts_of_night(three_days, later, NIGHT)["loaded_rows"].sum() == 0
    assert not old_history_arrived(three_days, later, NIGHT)
