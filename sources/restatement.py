"""Restatements: a file with the folder and name of one taken in before, and other bytes.

Its rows become versions like any others. What the earlier file brought and this one no longer has is *absent*: such a
row is withdrawn by a version that ends it, with the row's content and a negative row number (`sources.versions`), from
the night that the restating file belongs to. Rows stand, and are only reported, where absence is not certain: a part of
the file could not be read, it is empty without a control that says so, it brings changes alone
(``restatement: partial``), or a later file repeated rows, perhaps these.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from sources.arrival import Arrival
from sources.contract import Contract
from sources.lake import Lake
from sources.receipt import Receipt, Status
from sources.sql import quoted, scalar, sql_path

_TAKEN_IN = (Status.LOADED, Status.REPEATED_FILE)


def restated_receipts(arrival: Arrival, receipts: Sequence[Receipt]) -> list[Receipt]:
    """Receipts of the files that lay under the arrival's folder and name and were taken in; none for a new name."""
    place = (arrival.delivery.business_date, arrival.delivery.file)
    return [r for r in receipts if (r.business_date, r.file) == place and r.status in _TAKEN_IN]


def find_absent(
    connection: duckdb.DuckDBPyConnection,
    arrival: Arrival,
    lake: Lake,
    restated: Sequence[Receipt],
    receipts: Sequence[Receipt],
) -> tuple[int, str | None]:
    """Fill the table ``absent`` (contract columns, ``known_date``) from ``delivered``; return its number of rows.

    The second value says why they stand; None when they are withdrawn. A row is absent when its latest version came in
    a restated file and its key is in no record of the arrival, refused ones among them.
    """
    contract = arrival.contract
    brought = [receipt for receipt in restated if receipt.wrote_rows]
    if not brought:
        connection.execute(f"create or replace temp table absent as {_nothing(contract)}")
        return 0, None
    first_known = min(receipt.min_known_date or receipt.batch_date for receipt in brought)
    later = [r for r in receipts if r.wrote_rows and r.batch_date >= first_known and r not in brought]
    names = ", ".join(f"'{receipt.file_id}'" for receipt in brought)
    key = ", ".join(quoted(name) for name in contract.key)
    columns = ", ".join(quoted(name) for name in contract.column_names)
    versions = f"select {columns}, known_date, batch_date, file_id, row_no from"
    order = "known_date desc, batch_date desc, file_id desc, row_no desc"
    connection.execute(
        f"""
        create or replace temp table absent as
        select {columns}, known_date
        from (
            select *
            from (
                {versions} {_scan(arrival, lake, brought)}
                union all
                {versions} {_scan(arrival, lake, later) if later else f"({_nothing(contract)})"}
            )
            semi join {_scan(arrival, lake, brought)} using ({key})
            qualify row_number() over (partition by {key} order by {order}) = 1
        )
        anti join delivered using ({key})
        where file_id in ({names}) and row_no > 0
        """
    )
    absent = scalar(connection, "select count(*) from absent")
    return absent, _why_they_stand(connection, arrival, restated, receipts) if absent else None


def _why_they_stand(
    connection: duckdb.DuckDBPyConnection, arrival: Arrival, restated: Sequence[Receipt], receipts: Sequence[Receipt]
) -> str | None:
    if not arrival.delivery.restates_whole:
        return "as its _delivery.yaml says that it brings changes alone"
    without_key = " or ".join(f"{quoted(name)} is null" for name in arrival.contract.key)
    unread = scalar(
        connection,
        f"select (select count(*) from delivered where {without_key}) "
        "+ (select count(*) from refused anti join delivered using (file_no, row_no))",
    )
    if unread:
        return f"for the key of {unread:,} of its records could not be read"
    is_proven = arrival.control is not None and arrival.control.vouches
    if not is_proven and not scalar(connection, "select count(*) from delivered"):
        return "for it is empty and no control file says that it is whole"
    first = min((receipt.batch_date, receipt.loaded_at) for receipt in restated)
    repeating = [r for r in receipts if r.duplicate_rows and r not in restated and (r.batch_date, r.loaded_at) >= first]
    if repeating:
        newest = repeating[-1]
        return f"for {newest.business_date}/{newest.file}, taken in since, repeated rows, perhaps these"
    return None


def _nothing(contract: Contract) -> str:
    columns = ", ".join(f"null::{column.sql_type} as {quoted(column.name)}" for column in contract.columns)
    lineage = "null::date as known_date, null::date as batch_date, null::varchar as file_id, null::bigint as row_no"
    return f"select {columns}, {lineage} where false"


def _scan(arrival: Arrival, lake: Lake, files: Sequence[Receipt]) -> str:
    paths = (lake.file(arrival.raw_dataset, f"batch_date={r.batch_date}", r.file_id) for r in files)
    listed = ", ".join(sql_path(path) for path in paths)
    return f"read_parquet([{listed}], union_by_name=true, hive_partitioning=false)"


def restatement_note(restated: Sequence[Receipt], absent: int, stand: str | None) -> str | None:
    """The sentence of a receipt on what a file restates; None where nothing was taken in before."""
    if not restated:
        return None
    earlier = max(restated, key=lambda receipt: (receipt.batch_date, receipt.loaded_at))
    note = f"It restates the file of its name taken in on {earlier.loaded_at:%Y-%m-%d}"
    if not absent:
        return f"{note}."
    lacking = f"{note} and lacks {absent:,} row{'' if absent == 1 else 's'} of that one"
    return f"{lacking}: left standing, {stand}." if stand else f"{lacking}: withdrawn."
