"""Refuse records: by contract rule, by check digit, or because the reader could not split them into columns.

Works on the tables of `sources.load` and fills ``refused``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

import duckdb
import pyarrow as pa

from sources.contract import WITHHELD, Contract
from sources.identifier import CHECKED_SCHEMES, describe_scheme, is_valid_number
from sources.readers import Located, Records, RefusedRecord, quoted, scalar, sql_text
from sources.rules import Rule
from sources.sentence import in_one_line_sql

_BATCH_ROWS = 2_000
_NUMBERS_REMEMBERED = 1 << 16

_PLACE_SCHEMA = pa.schema([("row_no", pa.int64()), ("line_no", pa.int64()), ("raw_text", pa.string())])
_RECORD_SCHEMA = pa.schema([*_PLACE_SCHEMA, ("rule", pa.string()), ("message", pa.string())])


def start_refused(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the empty tables ``refused`` and ``located`` (of texts).

    ``value`` is what stands in quotes in the message, where it is no personal one: those the message withholds.
    """
    connection.execute(
        """
        create or replace temp table refused (
            file_no integer, row_no bigint, line_no bigint,
            column_name varchar, rule varchar, message varchar, raw_text varchar, value varchar
        );
        create or replace temp table located (file_no integer, row_no bigint, line_no bigint, raw_text varchar)
        """
    )


def refuse_by_rule(connection: duckdb.DuckDBPyConnection, rules: Iterable[Rule], contract: Contract) -> None:
    """Refuse the records with a ``_fault``, with the rule's message around the delivered value."""
    if not scalar(connection, "select count(_fault) from delivered"):
        return
    table = pa.table(
        {
            "number": pa.array([rule.number for rule in rules], pa.int16()),
            "column_name": [rule.column for rule in rules],
            "rule": [rule.name for rule in rules],
            "before": [rule.before for rule in rules],
            "after": [rule.after for rule in rules],
            "is_personal": [rule.column in contract.personal_columns for rule in rules],
        }
    )
    connection.register("rules", table)
    connection.execute(
        f"""
        insert into refused
        select file_no, row_no, null, column_name, rule,
               before || case
                   when _fault_value is null then ''
                   when is_personal then {sql_text(f"'{WITHHELD}'")}
                   else '''' || _fault_value || ''''
               end || after,
               null, _fault_value
        from delivered join rules on number = _fault
        """
    )
    connection.unregister("rules")


def refuse_by_check_digit(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Refuse sound records whose official number is not well formed under its scheme; each number is checked once."""
    pairs = [(column.name, column.number_scheme) for column in contract.columns if column.number_scheme]
    if not pairs:
        return
    schemes = ", ".join(sql_text(scheme) for scheme in CHECKED_SCHEMES)
    distinct = " union ".join(
        f"select {quoted(scheme)} as scheme, {quoted(name)} as number from delivered "
        f"where _fault is null and {quoted(scheme)} in ({schemes}) and {quoted(name)} is not null"
        for name, scheme in pairs
    )
    numbers = connection.execute(distinct)
    wrong = []
    # Every row may have a number of its own: as Python's texts, all of them would take more memory than the engine may.
    while batch := numbers.fetchmany(_BATCH_ROWS):
        if faulty := [pair for pair in batch if not _is_valid(*pair)]:
            columns = (*zip(*faulty, strict=True), [describe_scheme(scheme) for scheme, _ in faulty])
            wrong.append(pa.table(list(map(pa.array, columns)), names=["scheme", "number", "meaning"]))
    if not wrong:
        return
    connection.register("wrong_number", pa.concat_tables(wrong))
    for name, scheme in pairs:
        number = sql_text(WITHHELD) if name in contract.personal_columns else in_one_line_sql("w.number")
        connection.execute(
            f"""
            insert into refused
            select n.file_no, n.row_no, null, '{name}', 'check_digit',
                   '{name} ''' || {number} || ''' is not ' || w.meaning || '.', null, {in_one_line_sql("w.number")}
            from delivered n
            join wrong_number w on w.scheme = n.{quoted(scheme)} and w.number = n.{quoted(name)}
            anti join refused r on r.file_no = n.file_no and r.row_no = n.row_no
            where n._fault is null
            """
        )
    connection.unregister("wrong_number")


@lru_cache(maxsize=_NUMBERS_REMEMBERED)
def _is_valid(scheme: str, number: str) -> bool:
    return is_valid_number(scheme, number)


class _RowNumbers(Collection[int]):
    """Numbers of the refused records of one file: a bit for each record, as all of millions may be refused."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, file_no: int) -> None:
        where = f"from refused where file_no = {file_no}"
        self._count = scalar(connection, f"select count(*) {where}")
        self._bits = bytearray(scalar(connection, f"select coalesce(max(row_no), 0) {where}") // 8 + 1)
        numbers = connection.execute(f"select row_no {where}")
        while batch := numbers.fetchmany(_BATCH_ROWS):
            for (number,) in batch:
                self._bits[number >> 3] |= 1 << (number & 7)

    def __contains__(self, number: object) -> bool:
        return (
            isinstance(number, int)
            and 0 <= number >> 3 < len(self._bits)
            and bool(self._bits[number >> 3] & 1 << (number & 7))
        )

    def __iter__(self) -> Iterator[int]:
        return (
            place << 3 | bit for place, bits in enumerate(self._bits) if bits for bit in range(8) if bits & 1 << bit
        )

    def __len__(self) -> int:
        return self._count


def locate_refused(connection: duckdb.DuckDBPyConnection, file_no: int, records: Records) -> None:
    """Give the refused records of one file their physical lines, and their texts in ``located``.

    Raises RecordsDisagree.
    """
    wanted = _RowNumbers(connection, file_no)
    if not wanted:
        return
    read = scalar(connection, f"select count(*) from delivered where file_no = {file_no}")
    for batch in _tables(records.locate(wanted, read), _PLACE_SCHEMA):
        connection.register("located_batch", batch)
        connection.execute(f"insert into located by name select *, {file_no} as file_no from located_batch")
        connection.unregister("located_batch")
    # The texts stay where they are: an update holds all of what it changes in memory.
    connection.execute(
        "update refused set line_no = l.line_no "
        f"from located l where refused.file_no = {file_no} and l.file_no = {file_no} and l.row_no = refused.row_no"
    )


def refuse_unreadable(connection: duckdb.DuckDBPyConnection, file_no: int, records: Records) -> None:
    """Add the records of one file that its reader could not split into columns."""
    for batch in _tables(records.refused(), _RECORD_SCHEMA):
        connection.register("refused_batch", batch)
        connection.execute(
            "insert into refused by name "
            f"select * replace ({in_one_line_sql('message')} as message), {file_no} as file_no from refused_batch"
        )
        connection.unregister("refused_batch")


def _tables(records: Iterable[Located] | Iterable[RefusedRecord], schema: pa.Schema) -> Iterator[pa.Table]:
    stream: Iterator[Located | RefusedRecord] = iter(records)
    while batch := _next(stream):
        yield pa.table(
            {
                name: pa.array([getattr(record, name) for record in batch], schema.field(name).type)
                for name in schema.names
            }
        )


def _next(stream: Iterator[Located | RefusedRecord]) -> Sequence[Located | RefusedRecord]:
    return list(islice(stream, _BATCH_ROWS))
