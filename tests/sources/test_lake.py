from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sources.lake import Lake

TABLE = pa.table({"a": [1, 2]})


def test_a_written_table_is_read_back_and_replaced(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write("scores/x", "as_of_date=2026-03-02", "part", TABLE)
    lake.write("scores/x", "as_of_date=2026-03-02", "part", TABLE.slice(1))
    assert lake.read("scores/x", "as_of_date=2026-03-02", "part").to_pylist() == [{"a": 2}]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    path = lake.write("x", "d=1", "part", TABLE)
    with pytest.raises(ZeroDivisionError):
        _write_half(lake, path)
    assert lake.read("x", "d=1", "part").equals(TABLE)
    assert [entry.name for entry in path.parent.iterdir()] == ["part.parquet"]


def _write_half(lake: Lake, path: Path) -> None:
    with lake.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError


def test_a_dataset_without_rows_has_its_columns(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.ensure_schema("x", TABLE.schema)
    assert duckdb.execute(f"describe select * from read_parquet('{lake.glob('x')}')").fetchall()[0][:2] == (
        "a",
        "BIGINT",
    )


@pytest.mark.parametrize("name", ["../x", "a//b", "", "/etc", "a/../b", ".hidden"])
def test_names_cannot_leave_the_lake(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name"):
        Lake(tmp_path).dataset(name)
