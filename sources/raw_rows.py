"""Write the rows that are left of a group of files into the raw lake, from the view ``kept`` of `sources.load`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sources.arrival import Counts
from sources.lake import ROW_GROUP_ROWS, Lake

# A column with more distinct text than this has no use of a dictionary: at Arrow's default of 1 MB numbers of invoices
# were written twice, at twice the time and a third more bytes.
_DICTIONARY_BYTES = 64 << 10

# The engine hands rows over in pieces of this size, six a row group: buffers that are small are used again for the next,
# where those of a whole row group are given back to the system and taken from it anew, page by page.
_PIECE_ROWS = ROW_GROUP_ROWS // 6

_INTEGER_DIGITS = 18  # of a decimal that fits into an integer of 8 bytes


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
            _write(rows.to_arrow_reader(_PIECE_ROWS), lake, paths[0])
        return
    table = rows.to_arrow_table()
    start = 0
    for path, count in zip(paths, counts, strict=True):
        if count.loaded:
            _write(table.slice(start, count.loaded).to_reader(), lake, path)
            start += count.loaded


def _write(batches: pa.RecordBatchReader, lake: Lake, path: Path) -> None:
    texts = [field.name for field in batches.schema if pa.types.is_string(field.type)]
    with (
        lake.replacing(path, is_synced=False) as temporary,
        pq.ParquetWriter(
            temporary,
            batches.schema,
            compression="zstd",
            store_decimal_as_integer=True,
            use_dictionary=texts,
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
            # Numbers, dates and times as differences: smaller than by a dictionary or plain, and written sooner.
            column_encoding={field.name: "DELTA_BINARY_PACKED" for field in batches.schema if _is_integer(field.type)},
        ) as writer,
    ):
        pieces = _pieces(batches)
        while rows := [*islice(pieces, ROW_GROUP_ROWS // _PIECE_ROWS)]:
            writer.write_table(pa.Table.from_batches(rows))
            rows.clear()  # before the next are held


def _is_integer(kind: pa.DataType) -> bool:
    """Whether values of the type are stored as integers."""
    if pa.types.is_decimal(kind):
        return bool(kind.precision <= _INTEGER_DIGITS)
    return bool(pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _pieces(batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The same rows in each piece each time; where the engine ends a batch depends on how its threads met."""
    held: list[pa.RecordBatch] = []
    missing = _PIECE_ROWS
    for batch in batches:
        while batch.num_rows:
            held.append(batch.slice(0, missing))
            missing -= held[-1].num_rows
            batch = batch.slice(held[-1].num_rows)
            if not missing:
                yield _joined(held)
                held.clear()
                missing = _PIECE_ROWS
    if held:
        yield _joined(held)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
