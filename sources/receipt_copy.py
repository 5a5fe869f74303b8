"""The receipts of a feed as rows, most of them from one copy.

There is a receipt for every file that was ever delivered, each in a file of its own, and to open a file takes a
millisecond. Receipts once read are therefore kept together, beside the datasets of the lake. The copy is no truth: of a
receipt that is gone or is another file by now it says nothing, and without it all are read again.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sources.engine import quick_connection
from sources.lake import Lake
from sources.sql import sql_path

_COPIES = ".receipts"
_READ_ALONE = 4  # so many are rather opened each time than copied with all the others
_PLACE, _WRITTEN = "_place", "_written_ns"


def receipt_rows(lake: Lake, dataset: str, feed: str, schema: pa.Schema) -> pa.Table:
    """The receipts of a feed (``source.feed``) in the columns of ``schema``, in no order."""
    folder, copy = lake.dataset(dataset), lake.root / _COPIES / f"{feed}.parquet"
    files = {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.glob(f"batch_date=*/{feed}.*.parquet")
    }
    if not files:
        return schema.empty_table()
    known = _standing(copy, schema.append(pa.field(_PLACE, pa.string())).append(pa.field(_WRITTEN, pa.int64())), files)
    others = files.keys() - set(known.column(_PLACE).to_pylist())
    if others:
        rows = _read([folder / place for place in others], folder / "_schema.parquet", schema)
        ids = zip(rows.column("batch_date").to_pylist(), rows.column("file_id").to_pylist(), strict=True)
        places = [f"batch_date={batch_date}/{feed}.{file_id}.parquet" for batch_date, file_id in ids]
        rows = rows.append_column(_PLACE, pa.array(places, pa.string()))
        rows = rows.append_column(_WRITTEN, pa.array(map(files.get, places), pa.int64()))
        known = pa.concat_tables([known, rows])
    if len(others) > _READ_ALONE:
        with lake.replacing(copy, is_synced=False) as temporary:
            pq.write_table(known, temporary, compression="zstd", write_page_checksum=True)
    return known.select(schema.names)


def _standing(copy: Path, schema: pa.Schema, files: dict[str, int]) -> pa.Table:
    """The rows of the copy whose receipts still are the files that were copied; none of a copy in another schema."""
    try:
        table = pq.read_table(copy, partitioning=None, page_checksum_verification=True)
    except (OSError, pa.ArrowException):
        # none yet, or not whole, which its checksums tell; who may not read it fails where it is written again
        return schema.empty_table()
    if not table.schema.equals(schema):
        return schema.empty_table()
    copied = zip(table.column(_PLACE).to_pylist(), table.column(_WRITTEN).to_pylist(), strict=True)
    return table.filter(pa.array([written is not None and files.get(place) == written for place, written in copied]))


def _read(paths: Collection[Path], schema_file: Path, schema: pa.Schema) -> pa.Table:
    # a lake of an earlier version has receipts without the newest columns; the schema file has them all
    listed = ", ".join(sql_path(path) for path in [*paths, schema_file])
    with quick_connection() as connection:
        rows = connection.sql(f"from read_parquet([{listed}], union_by_name=true, hive_partitioning=false)")
        return rows.select(*schema.names).to_arrow_table().cast(schema)
