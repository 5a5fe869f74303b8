"""Versions of rows: which delivered rows only repeat what the lake already has.

A row is a duplicate when all its contract columns equal the latest version of its key, in the lake or earlier among
the new ones. The same key with other content is a new version. A version with a negative row number withdraws its key
(`sources.restatement`): whatever is delivered after it is a new version.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from sources.contract import Contract
from sources.lake import Lake
from sources.readers import quoted, scalar, sql_path
from sources.receipt import Receipt

_KEYS_SORTED_AT_ONCE = 2_000_000


def find_duplicates(
    connection: duckdb.DuckDBPyConnection, contract: Contract, lake: Lake, loaded: Sequence[Receipt]
) -> int:
    """Fill the table ``duplicate(file_no, row_no)`` from the view ``sound``; return its number of rows.

    ``loaded`` are the feed's receipts so far. A row that repeats another has its event date too, so only lake files
    that share an event date with the new rows are read. Where one of their rows seems to be repeated, later batches
    are looked at as well: a row that was changed and is now changed back is a version.
    """
    connection.execute("create or replace temp table duplicate (file_no integer, row_no bigint)")
    _collect_repeated_keys(connection, contract)
    files = _files_sharing_dates(loaded, *_event_dates(connection, contract))
    found = _collect_earlier(connection, contract, lake, files)
    if not found and not scalar(connection, "select count(*) from repeated_key"):
        return 0
    duplicates = _mark(connection, contract)
    if found and duplicates:
        oldest = connection.execute("select min(batch_date) from earlier").fetchall()[0][0]
        seen = {receipt.file_id for receipt in files}
        later = [r for r in loaded if r.wrote_rows and r.batch_date >= oldest and r.file_id not in seen]
        if later and _collect_earlier(connection, contract, lake, [*files, *later]):
            duplicates = _mark(connection, contract)
    return duplicates


def count_replaced(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """How many new rows are an earlier version of another new row; to be asked after `find_duplicates`."""
    if not scalar(connection, "select count(*) from repeated_key"):
        return 0
    key = _row(contract.key)
    return scalar(
        connection,
        f"select count(*) - count(distinct row({key})) from sound as s anti join duplicate as d "
        f"on s.file_no = d.file_no and s.row_no = d.row_no where hash({key}) in (from repeated_key)",
    )


def _collect_repeated_keys(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Fill ``repeated_key`` with the hashes of keys that come more than once among the new rows.

    The hashes of all keys of a large file take more memory than there is: they are sorted some at a time.
    """
    hashes = f"select hash({_row(contract.key)}) as h from sound"
    rounds = scalar(connection, "select count(*) from sound") // _KEYS_SORTED_AT_ONCE + 1
    if rounds > 1:
        # to read the rows themselves once a round would take longer than all else that is done with them
        connection.execute(f"create or replace temp table key_hash as {hashes}")
        hashes = "select h from key_hash"
    connection.execute("create or replace temp table repeated_key (h ubigint)")
    for number in range(rounds):
        found = connection.sql(f"select h from ({hashes}) where h % {rounds} = {number}").to_arrow_table()
        # in a third of the time in which the engine counts them
        ordered = np.sort(found.column("h").to_numpy())
        repeated = pa.table({"h": np.unique(ordered[1:][ordered[1:] == ordered[:-1]])})
        if len(repeated):
            connection.from_arrow(repeated).insert_into("repeated_key")
    connection.execute("drop table if exists key_hash")


def _event_dates(connection: duckdb.DuckDBPyConnection, contract: Contract) -> tuple[list[date], bool]:
    """Distinct event dates of the new rows in order, and whether some row has none."""
    event = quoted(contract.event_date)
    rows = connection.execute(f"select distinct {event}::date as d from sound order by d nulls last").fetchall()
    dates = [row[0] for row in rows if row[0] is not None]
    return dates, len(dates) < len(rows)


def _files_sharing_dates(loaded: Iterable[Receipt], dates: Sequence[date], has_undated: bool) -> list[Receipt]:
    """Receipts of files with a row in the lake on one of ``dates``; all files when some new row is undated."""
    found = []
    for receipt in loaded:
        if not receipt.wrote_rows:
            continue
        if has_undated or receipt.min_event_date is None or receipt.max_event_date is None:
            found.append(receipt)
            continue
        position = bisect_left(dates, receipt.min_event_date)
        if position < len(dates) and dates[position] <= receipt.max_event_date:
            found.append(receipt)
    return found


def _collect_earlier(
    connection: duckdb.DuckDBPyConnection, contract: Contract, lake: Lake, files: Iterable[Receipt]
) -> int:
    """Fill ``earlier`` with the latest version, in ``files``, of each key of the new rows; return the number found."""
    dataset = f"raw/{contract.name.replace('.', '/')}"
    paths = [lake.file(dataset, f"batch_date={r.batch_date}", r.file_id) for r in files]
    if not paths:
        connection.execute(
            "create or replace temp table earlier as select *, null::date as batch_date from sound limit 0"
        )
        return 0
    key = _row(contract.key)
    connection.execute(
        f"""
        create or replace temp table latest as
        select hash({key}) as h, known_date, batch_date, file_id, row_no
        from {_scan(paths)}
        where hash({key}) in (select hash({key}) from sound)
        qualify row_number() over (
            partition by {key} order by known_date desc, batch_date desc, file_id desc, row_no desc
        ) = 1
        """
    )
    holding = {row[0] for row in connection.execute("select distinct file_id from latest").fetchall()}
    paths = [path for path in paths if path.stem in holding]
    if not paths:
        return _collect_earlier(connection, contract, lake, [])
    columns = ", ".join(quoted(name) for name in contract.column_names)
    connection.execute(
        f"create or replace temp table earlier as select -1 as file_no, row_no, {columns}, batch_date "
        f"from {_scan(paths)} semi join latest using (file_id, row_no)"
    )
    return scalar(connection, "select count(*) from earlier")


def _mark(connection: duckdb.DuckDBPyConnection, contract: Contract) -> int:
    """Fill ``duplicate`` with the rows equal to the version before them; return their number.

    A key that comes once needs no order: its version before is the one in the lake. Most deliveries that repeat rows
    are whole tables brought anew; to bring two of them in order takes many times what it takes to compare them.
    """
    key, content = _row(contract.key), f"row({_row(contract.column_names)})"
    columns = _row(contract.column_names)
    is_equal = " and ".join(f"s.{quoted(name)} is not distinct from e.{quoted(name)}" for name in contract.column_names)
    connection.execute("delete from duplicate")
    # Without an earlier version nothing is repeated: a join of all rows would find that out and no more.
    if scalar(connection, "select count(*) from earlier"):
        connection.execute(
            f"""
            insert into duplicate
            select file_no, row_no
            from (from sound where hash({key}) not in (from repeated_key)) s
            semi join (from earlier where row_no > 0) e on {is_equal}
            """
        )
    connection.execute(
        f"""
        insert into duplicate
        select file_no, row_no
        from (
            select file_no, row_no,
                   {content} is not distinct from lag({content}) over version
                   and lag(row_no) over version > 0 as is_same
            from (
                select file_no, row_no, {columns} from earlier where hash({key}) in (from repeated_key)
                union all
                select file_no, row_no, {columns} from sound where hash({key}) in (from repeated_key)
            )
            window version as (partition by {key} order by file_no, row_no)
        )
        where is_same and file_no >= 0
        """
    )
    return scalar(connection, "select count(*) from duplicate")


def _row(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def _scan(paths: Iterable[Path]) -> str:
    listed = ", ".join(sql_path(path) for path in paths)
    return f"read_parquet([{listed}], union_by_name=true, hive_partitioning=false)"
