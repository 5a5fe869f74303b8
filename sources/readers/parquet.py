"""Parquet files, read by DuckDB in their own types.

What a file says of itself is checked before it is read: the engine takes what the footer claims into memory outside its
own bound.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from sources.mapping import Mapping
from sources.readers import (
    MAX_COLUMNS,
    RAW_TEXT_CHARACTERS,
    FileRefused,
    Located,
    Records,
    RecordsDisagree,
    Workspace,
    cut,
    quoted,
    sql_path,
    sql_text,
)
from sources.sql import OUR_FAULT

_BATCH_ROWS = 1_000
_TRAILER_BYTES = 8
_FOOTER_BYTES = 16 << 20
_COLUMN_CHUNKS = 50_000
_LARGE_CHUNK_BYTES = 64 << 20
_VALUE_BYTES = 16 << 20
_ROW_NUMBER = "file_row_number"
_NESTING = re.compile(r"\[|STRUCT\(|MAP\(|UNION\(")
_NESTING_LEVELS = 8  # the time to make text of a value doubles with each


def open_parquet(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a Parquet file; columns the contract does not know are not read."""
    connection = workspace.connection
    try:
        described = _described(path, connection)
        columns = {name: (quoted(f"d{i}"), kind) for i, (name, kind) in enumerate(described.items())}
        _check_nesting(described, mapping)
        _check_values(path, {name: kind for name, kind in described.items() if name in _read(mapping)}, connection)
    except OUR_FAULT:
        raise
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        raise FileRefused(f"It is no readable Parquet file ({first_line}); deliver it again.") from error
    selected = ", ".join(f"{quoted(name)} as {column}" for name, (column, _) in columns.items())
    scan = f"read_parquet({sql_path(path)}, {_ROW_NUMBER}=true)"
    relation = f"(select {_ROW_NUMBER} + 1 as row_no, {selected} from {scan})"

    def locate(row_nos: Collection[int], records_read: int) -> Iterator[Located]:
        wanted = pa.array(np.fromiter(row_nos, np.int64, len(row_nos)))
        shown = (
            f"{sql_text(name)}: left(cast({column} as varchar), {RAW_TEXT_CHARACTERS})"
            for name, (column, _) in columns.items()
        )
        # A connection of its own: the caller uses the other one before this is read to its end.
        cursor = connection.cursor()
        cursor.register("wanted_records", pa.table({"wanted": wanted}))
        batches = cursor.sql(
            f"select r.row_no, left(to_json({{{', '.join(shown)}}})::varchar, {RAW_TEXT_CHARACTERS}) "
            f"from {relation} r semi join wanted_records w on r.row_no = w.wanted"
        ).to_arrow_reader(_BATCH_ROWS)
        found = 0
        for batch in batches:
            found += batch.num_rows
            for row_no, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield Located(row_no, None, cut(text))
        if found != len(row_nos):
            raise RecordsDisagree

    return Records(relation=relation, columns=columns, row_no="row_no", locate=locate, is_columnar=True)


def _described(path: Path, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Columns and their types in order; FileRefused when reading them all would take too much memory."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TRAILER_BYTES))
        footer_bytes = int.from_bytes(file.read(4), "little")
    if _FOOTER_BYTES < footer_bytes <= size:
        raise FileRefused(f"Its footer has {footer_bytes:,} bytes, the limit is {_FOOTER_BYTES:,}; deliver it again.")
    ((row_groups,),) = connection.execute(
        f"select num_row_groups from parquet_file_metadata({sql_path(path)})"
    ).fetchall()
    leaves = connection.execute(
        f"select count(*) from (from parquet_schema({sql_path(path)}) limit {_COLUMN_CHUNKS})"
    ).fetchall()[0][0]
    if leaves > MAX_COLUMNS:
        raise FileRefused(f"It has more than {MAX_COLUMNS:,} columns; deliver fewer.")
    if row_groups * leaves > _COLUMN_CHUNKS:
        raise FileRefused(
            f"It has {row_groups:,} row groups of {leaves:,} columns, which take too much memory; write larger groups."
        )
    rows = connection.execute(f"describe select * from read_parquet({sql_path(path)})").fetchall()
    described: dict[str, str] = {name: kind for name, kind, *_ in rows}
    if _ROW_NUMBER in described:
        raise FileRefused(f"Its column {_ROW_NUMBER} has the name of a column of the engine; name it otherwise.")
    return described


def _read(mapping: Mapping) -> frozenset[str]:
    return frozenset((*mapping.delivered_columns, *mapping.read_by_expressions))


def _check_nesting(described: dict[str, str], mapping: Mapping) -> None:
    """FileRefused when a column that is read holds lists or structures, or any is nested too deep to be shown."""
    for name, kind in described.items():
        levels = len(_NESTING.findall(kind))
        if levels > _NESTING_LEVELS:
            raise FileRefused(f"Its column {name[:100]!r} is nested {levels} levels deep; leave it out.")
        if levels and name in _read(mapping):
            raise FileRefused(f"Its column {name} holds lists or structures ({kind[:100]}); deliver plain values.")


def _check_values(path: Path, read: dict[str, str], connection: duckdb.DuckDBPyConnection) -> None:
    """FileRefused when a column that is read holds a value of absurd size, which the engine would copy many times."""
    large = {
        name
        for (name,) in connection.execute(
            f"select distinct path_in_schema from parquet_metadata({sql_path(path)}) "
            f"where total_uncompressed_size > {_LARGE_CHUNK_BYTES} and type = 'BYTE_ARRAY'"
        ).fetchall()
    }
    for name, kind in read.items():
        if name in large:
            length = "octet_length" if kind == "BLOB" else "strlen"
            ((longest,),) = connection.execute(
                f"select max({length}({quoted(name)})) from read_parquet({sql_path(path)})"
            ).fetchall()
            if longest > _VALUE_BYTES:
                raise FileRefused(
                    f"Its column {name} holds a value of {longest:,} bytes, the limit is {_VALUE_BYTES:,}; "
                    "deliver it again."
                )
