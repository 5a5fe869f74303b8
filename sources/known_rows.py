"""Rows at the high-water mark that extracts hold already: they are read again with the new ones, and left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sources.database import Mark
from sources.sql import sql_text

_MEMORY = "256MB"


class KnownRows:
    """The rows of ``extracts`` whose ``high_water`` is ``mark``; beyond a bound they are on disk."""

    def __init__(self, extracts: Sequence[Path], high_water: str, mark: Mark) -> None:
        self._extracts = extracts
        self._high_water = high_water
        self._mark = mark
        self._folder = TemporaryDirectory(prefix="anchorwatch-")
        self._connection = duckdb.connect()
        self._is_read = self._has_rows = False

    def __enter__(self) -> KnownRows:
        self._connection.execute(f"set memory_limit = {sql_text(_MEMORY)}")
        self._connection.execute(f"set temp_directory = {sql_text(self._folder.name)}")
        self._connection.execute("set TimeZone = 'UTC'")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()
        self._folder.cleanup()

    def without(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows that no extract holds."""
        if self._extracts and not self._is_read:
            self._read(rows.schema)
        if not self._has_rows:
            return rows
        places = pc.indices_nonzero(self._at_mark(rows))
        if not len(places):
            return rows
        at_mark = rows.take(places)
        asked = _numbered(at_mark).append_column("place", pc.cast(places, pa.int64()))
        self._connection.register("asked", asked)
        equal = " and ".join(f"a.c{i} is not distinct from k.c{i}" for i in range(rows.num_columns))
        found = self._connection.execute(f"select distinct a.place from asked a join known k on {equal}").fetchall()
        self._connection.unregister("asked")
        known = {place for (place,) in found}
        return rows.take(pa.array([place for place in range(len(rows)) if place not in known], pa.int64()))

    def _read(self, schema: pa.Schema) -> None:
        """Fill the table ``known`` from the extracts that have the same columns."""
        self._is_read = True
        self._connection.register("empty", _numbered(schema.empty_table()))
        self._connection.execute("create temp table known as from empty")
        self._connection.unregister("empty")
        for path in self._extracts:
            with pq.ParquetFile(path) as file:
                if not file.schema_arrow.remove_metadata().equals(schema.remove_metadata()):
                    continue
                for batch in file.iter_batches():
                    at_mark = batch.filter(self._at_mark(batch))
                    if len(at_mark):
                        self._connection.register("more", _numbered(at_mark))
                        self._connection.execute("insert into known from more")
                        self._connection.unregister("more")
                        self._has_rows = True

    def _at_mark(self, rows: pa.RecordBatch) -> pa.Array:
        column = rows.column(self._high_water)
        value = self._mark.value if not pa.types.is_string(column.type) else self._mark.text
        return pc.equal(column, pa.scalar(value, column.type))


def _numbered(rows: pa.RecordBatch | pa.Table) -> pa.Table:
    """The rows with columns ``c0``, ``c1``, …, as two names of a database can be one to the engine."""
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
    return table.rename_columns([f"c{i}" for i in range(table.num_columns)])
