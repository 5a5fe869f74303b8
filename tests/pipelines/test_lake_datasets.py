from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.lake_datasets import FEATURES, features_before, prepare_lake, write_night
from sources.lake import Lake

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
