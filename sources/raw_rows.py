"""Write the rows that are left of a group of files into the raw lake, from the views of `sources.load`.

Those are ``kept``, and of a file alone ``unfiltered``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sources.arrival import Counts
from sources.engine import one_thread
from sources.lake import ROW_GROUP_ROWS, Lake
from sources.sql import scalar

# A column with more distinct text than this has no use of a dictionary: at Arrow's default of 1 MB numbers of invoices
# were written twice, at twice the time and a third more bytes.
_DICTIONARY_BYTES = 64 << 10

# The engine hands rows over in pieces of this size, six a row group: small buffers are used again for the next,
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
    columns = f"select * exclude (file_no), timestamp '{loaded_at}' as loaded_at"
    if len(paths) == 1 and is_ordered and not counts[0].withdrawn:
        if counts[0].loaded:
            is_whole = not counts[0].quarantined and not counts[0].duplicate
            left_out = None if is_whole else _left_out(connection)
            # Several threads would be ahead of the writer by dozens of megabytes, and not sooner at the end.
            with one_thread(connection):
                rows = connection.sql(f"{columns} from unfiltered").to_arrow_reader(_PIECE_ROWS)
                _write(rows if left_out is None else _without(rows, left_out), rows.schema, lake, paths[0])
        return
    rows = connection.sql(f"{columns} from kept order by file_no, row_no")
    if len(paths) == 1:
        if counts[0].loaded or counts[0].withdrawn:
            reader = rows.to_arrow_reader(_PIECE_ROWS)
            _write(reader, reader.schema, lake, paths[0])
        return
    table = rows.to_arrow_table()
    start = 0
    for path, count in zip(paths, counts, strict=True):
        if count.loaded:
            _write(table.slice(start, count.loaded).to_batches(), table.schema, lake, path)
            start += count.loaded


def _left_out(connection: duckdb.DuckDBPyConnection) -> npt.NDArray[np.uint8]:
    """The rows of one file that are not to be loaded, a bit for each: a join would lose the order of the others."""
    place = "from (select row_no from refused union all select row_no from duplicate)"
    bits = np.zeros(scalar(connection, f"select coalesce(max(row_no), 0) {place}") // 8 + 2, np.uint8)
    for batch in connection.sql(f"select row_no {place}").to_arrow_reader(_PIECE_ROWS):
        numbers = batch.column(0).to_numpy()
        np.bitwise_or.at(bits, numbers >> 3, (1 << (numbers & 7)).astype(np.uint8))
    return bits


def _without(batches: Iterable[pa.RecordBatch], left_out: npt.NDArray[np.uint8]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        numbers = batch.column("row_no").to_numpy()
        # The last byte has no bits: it stands for all rows behind those that are left out.
        bits = left_out.take(numbers >> 3, mode="clip") >> (numbers & 7) & 1
        yield batch.filter(pa.array(bits == 0)) if bits.any() else batch


def _write(batches: Iterable[pa.RecordBatch], schema: pa.Schema, lake: Lake, path: Path) -> None:
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    with (
        lake.replacing(path, is_synced=False) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            store_decimal_as_integer=True,
            use_dictionary=texts,
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
            # Numbers, dates and times as differences: smaller than by a dictionary or plain, and written sooner.
            column_encoding={field.name: "DELTA_BINARY_PACKED" for field in schema if _is_integer(field.type)},
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


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
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
