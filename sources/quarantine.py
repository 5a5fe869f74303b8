"""Quarantine: every refused record, with the file, the place in it, the rule it broke and its text as delivered."""

from __future__ import annotations

from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sources.arrival import Arrival
from sources.lake import Lake
from sources.readers import sql_text

QUARANTINE = "quarantine"

_SLICE_RECORDS = 10_000
_AFTER_ALL = (1 << 63) - 1

QUARANTINE_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("feed", pa.string()),
        ("business_date", pa.date32()),
        ("batch_date", pa.date32()),
        ("file", pa.string()),
        ("file_sha256", pa.string()),
        ("file_id", pa.string()),
        ("row_no", pa.int64()),
        ("line_no", pa.int64()),
        ("column_name", pa.string()),
        ("rule", pa.string()),
        ("message", pa.string()),
        ("raw_text", pa.string()),
        ("loaded_at", pa.timestamp("us")),
    ]
)


def quarantine_dataset(arrival: Arrival) -> str:
    """Lake dataset of the feed's refused records."""
    return f"{QUARANTINE}/{arrival.contract.source}/{arrival.contract.feed}"


def write_refused_file(lake: Lake, arrival: Arrival, message: str, loaded_at: datetime) -> None:
    """Write the one quarantine row of a file that was refused whole."""
    row = {
        "source": arrival.contract.source,
        "feed": arrival.contract.feed,
        "business_date": arrival.delivery.business_date,
        "batch_date": arrival.batch_date,
        "file": arrival.delivery.file,
        "file_sha256": arrival.sha256,
        "file_id": arrival.file_id,
        "rule": "file",
        "message": message,
        "loaded_at": loaded_at,
    }
    table = pa.Table.from_pylist([row], schema=QUARANTINE_SCHEMA)
    lake.write(quarantine_dataset(arrival), arrival.partition, arrival.file_id, table)


def write_refused_records(
    connection: duckdb.DuckDBPyConnection, lake: Lake, arrival: Arrival, file_no: int, loaded_at: datetime
) -> None:
    """Write one file's rows of the table ``refused`` with their texts in ``located``, in order of records.

    The caller owes a sync.
    """
    path = lake.file(quarantine_dataset(arrival), arrival.partition, arrival.file_id)
    delivery = arrival.delivery
    starts = connection.execute(
        f"""
        select row_no
        from (select row_no, row_number() over (order by row_no) - 1 as n from refused where file_no = {file_no})
        where n % {_SLICE_RECORDS} = 0
        order by row_no
        """
    ).fetchall()
    bounds = [start for (start,) in starts]
    with (
        lake.replacing(path, is_synced=False) as temporary,
        pq.ParquetWriter(temporary, QUARANTINE_SCHEMA, compression="zstd") as writer,
    ):
        # In slices: to bring all texts of millions of refused records in order takes more memory than there is.
        for start, end in zip(bounds, [*bounds[1:], _AFTER_ALL], strict=True):
            rows = connection.sql(
                f"""
                select {sql_text(arrival.contract.source)} as source, {sql_text(arrival.contract.feed)} as feed,
                       date '{delivery.business_date}' as business_date, date '{arrival.batch_date}' as batch_date,
                       {sql_text(delivery.file)} as file, {sql_text(arrival.sha256)} as file_sha256,
                       {sql_text(arrival.file_id)} as file_id, row_no, refused.line_no, column_name, rule,
                       message, coalesce(refused.raw_text, located.raw_text) as raw_text,
                       timestamp '{loaded_at}' as loaded_at
                from (from refused where file_no = {file_no} and row_no >= {start} and row_no < {end}) refused
                left join (from located where file_no = {file_no} and row_no >= {start} and row_no < {end}) located
                    using (row_no)
                order by row_no
                """
            )
            writer.write_table(rows.to_arrow_table().cast(QUARANTINE_SCHEMA))
