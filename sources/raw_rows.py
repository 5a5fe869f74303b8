"""Write the rows that are left of a group of files into the raw lake, from the view ``kept`` of `sources.load`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sources.arrival import Counts
from sources.lake import ROW_GROUP_ROWS, Lake

# A column with more distinct text than this has no use of a dictionary: at Arrow's default of 1 MB numbers of invoices
# were written twice, at twice the time and a third more bytes.
_DICTIONARY_BYTES = 64 << 10


def write_rows(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    paths: Sequence[Path],
    counts: Sequence[Counts],
    loaded_at: datetime,
    *,
    is_ordered: bool,
) -> None:
    """Write each file's rows, not yet synced, in the order of the file; nothing where none is left.

    One file is written as a stream, several as slices of one table. ``is_ordered`` says that the reader of the files
    gave their records in order.
    """
    query = f"select * exclude (file_no), timestamp '{loaded_at}' as loaded_at from kept"
    if not is_ordered or len(paths) > 1 or counts[0].quarantined or counts[0].duplicate or counts[0].withdrawn:
        # Where all rows of one file are left, no join went over them and they need no sorting.
        query += " order by file_no, row_no"
    rows = connection.sql(query)
    if len(paths) == 1:
        if counts[0].loaded or counts[0].withdrawn:
            _write(rows.to_arrow_reader(ROW_GROUP_ROWS), lake, paths[0])
        return
    table = rows.to_arrow_table()
    start = 0
    for path, count in zip(paths, counts, strict=True):
        if count.loaded:
            _write(table.slice(start, count.loaded).to_reader(), lake, path)
            start += count.loaded


def _write(batches: pa.RecordBatchReader, lake: Lake, path: Path) -> None:
    with (
        lake.replacing(path, is_synced=False) as temporary,
        pq.ParquetWriter(
            temporary,
            batches.schema,
            compression="zstd",
            store_decimal_as_integer=True,
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
        ) as writer,
    ):
        for rows in _row_groups(batches):
            writer.write_table(rows)


def _row_groups(batches: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Groups of the same rows each time; where the engine ends a batch depends on how its threads met."""
    held = batches.schema.empty_table()
    for batch in batches:
        held = pa.concat_tables([held, pa.Table.from_batches([batch])])
        while held.num_rows >= ROW_GROUP_ROWS:
            yield held.slice(0, ROW_GROUP_ROWS).combine_chunks()
            held = held.slice(ROW_GROUP_ROWS)
    if held.num_rows:
        yield held.combine_chunks()
