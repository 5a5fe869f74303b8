"""Parquet files, read by DuckDB in their own types."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from sources.mapping import Mapping
from sources.readers import FileRefused, Located, Records, RecordsDisagree, Workspace, cut, quoted, sql_path, sql_text


def open_parquet(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a Parquet file; columns the contract does not know are not read."""
    connection = workspace.connection
    scan = f"read_parquet({sql_path(path)}, file_row_number=true)"
    try:
        described = connection.execute(f"describe select * from {scan}").fetchall()
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        raise FileRefused(f"It is no readable Parquet file ({first_line}); deliver it again.") from error
    columns = {name: (quoted(name), kind) for name, kind, *_ in described if name != "file_row_number"}
    relation = f"(select *, file_row_number + 1 as row_no from {scan})"

    def locate(row_nos: Collection[int], records_read: int) -> Iterator[Located]:
        wanted = pa.table({"wanted": pa.array(sorted(row_nos), pa.int64())})
        fields = ", ".join(f"{sql_text(name)}: cast({column} as varchar)" for name, (column, _) in columns.items())
        connection.register("wanted_records", wanted)
        cursor = connection.execute(
            f"select r.row_no, to_json({{{fields}}})::varchar from {relation} r semi join wanted_records w "
            "on r.row_no = w.wanted order by r.row_no"
        )
        rows = cursor.fetchall()
        connection.unregister("wanted_records")
        if len(rows) != len(wanted):
            raise RecordsDisagree
        for row_no, text in rows:
            yield Located(row_no, None, cut(text))

    return Records(relation=relation, columns=columns, row_no="row_no", locate=locate)
