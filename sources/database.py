"""Databases that are read from: one query with a high-water mark, in a read-only transaction, batch by batch.

PostgreSQL is read by its ADBC driver, which streams the query as Arrow batches. SQLite is read by Python's own module:
its ADBC driver takes a column's type from the first rows and fails at a later value of another, as SQLite allows.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Protocol
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi as postgresql
from sqlglot.errors import TokenError

PARAMETER = "high_water"

_SETTING = "anchorwatch.high_water"
_BATCH_ROWS = 10_000
_BATCH_CHARACTERS = 16 << 20
_SHOWN_CHARACTERS = 500
_URL_MARKS = re.compile(r"[:/?#@]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Value = int | float | Decimal | date | datetime | str
"""A high-water mark; of a timestamp with a time zone it is aware, of one without it is not."""


class DatabaseError(Exception):
    """The database cannot be read; the message is a sentence without its subject, and without any secret."""


@dataclass(frozen=True)
class Mark:
    """A high-water mark as text, and the SQL type it is compared as."""

    text: str
    kind: str

    @classmethod
    def of(cls, value: Value) -> Mark:
        """The mark of a value."""
        if isinstance(value, datetime):
            return cls(value.isoformat(), "timestamp" if value.tzinfo is None else "timestamptz")
        if isinstance(value, date):
            return cls(value.isoformat(), "date")
        kinds = {int: "bigint", float: "double precision", Decimal: "numeric", str: "text"}
        return cls(f"{value:f}" if isinstance(value, Decimal) else str(value), kinds[type(value)])

    @classmethod
    def written(cls, start: int | Decimal | str) -> Mark:
        """The mark that a person wrote; ISO dates and timestamps are told from other text."""
        if not isinstance(start, str):
            return cls.of(start)
        try:
            value = date.fromisoformat(start) if _DATE.fullmatch(start) else datetime.fromisoformat(start)
        except ValueError:
            return cls(start, "text")
        return replace(cls.of(value), text=start)

    @property
    def value(self) -> Value:
        """The value; ValueError when the text is none of the kind, or there is no such kind."""
        if self.kind in ("timestamp", "timestamptz"):
            return datetime.fromisoformat(self.text)
        if self.kind == "date":
            return date.fromisoformat(self.text)
        if self.kind == "numeric":
            try:
                return Decimal(self.text)
            except InvalidOperation as error:
                raise ValueError(self.text) from error
        if self.kind == "double precision":
            return float(self.text)
        if self.kind == "bigint":
            return int(self.text)
        if self.kind != "text":
            raise ValueError(self.kind)
        return self.text


@dataclass(frozen=True)
class Batch:
    """Rows of a query, and the highest value of its high-water column among them."""

    rows: pa.RecordBatch
    highest: Value


class Database(Protocol):
    """A database by its URL; its errors are DatabaseError."""

    def batches(self, query: str, high_water: str, mark: Mark) -> Iterator[Batch]:
        """Rows of the query with ``:high_water`` bound to the mark, without empty batches."""
        ...


def open_database(url: str) -> Database:
    """The database of a URL ``postgresql://…`` or ``sqlite:////path/to/file``."""
    scheme = url.partition(":")[0].lower()
    if scheme in ("postgresql", "postgres"):
        return _PostgreSQL(url)
    if scheme == "sqlite":
        return _SQLite(url)
    raise DatabaseError(
        "its URL is neither of PostgreSQL (postgresql://user@host/database) nor of SQLite (sqlite:////path/to/file); "
        "let other databases deliver files"
    )


@dataclass(frozen=True, repr=False)
class _PostgreSQL:
    url: str

    def batches(self, query: str, high_water: str, mark: Mark) -> Iterator[Batch]:
        # The driver streams only queries without parameters: the mark is bound to a setting of the transaction.
        bound = bind(query, f"cast(current_setting('{_SETTING}') as {mark.kind})", "postgres")
        try:
            with postgresql.connect(self.url) as connection, connection.cursor() as cursor:
                cursor.execute("set transaction isolation level repeatable read, read only")
                cursor.execute("set local time zone 'UTC'")
                cursor.execute(f"select set_config('{_SETTING}', $1, true)", (mark.text,))
                cursor.fetchall()
                cursor.execute(bound)
                for batch in cursor.fetch_record_batch():
                    if len(batch):
                        yield _batch(_deliverable(batch), high_water)
        except (DriverError, pa.ArrowException) as error:
            raise DatabaseError(_scrubbed(error, self.url)) from None


@dataclass(frozen=True, repr=False)
class _SQLite:
    url: str

    def batches(self, query: str, high_water: str, mark: Mark) -> Iterator[Batch]:
        bind(query, f":{PARAMETER}", "sqlite")
        value = mark.value if mark.kind in ("bigint", "double precision") else mark.text
        if mark.kind == "numeric":
            value = float(mark.text)
        path = unquote(self.url.partition("://")[2].removeprefix("/"))
        try:
            with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as connection:
                connection.execute("pragma query_only = on")
                cursor = connection.execute(query, {PARAMETER: value})
                names = [name for name, *_ in cursor.description or ()]
                column = _place(names, high_water)
                for rows in _chunks(cursor):
                    highest = _highest([row[column] for row in rows], high_water)
                    columns = [
                        pa.array([_sqlite_text(row[number], name) for row in rows], pa.string())
                        for number, name in enumerate(names)
                    ]
                    yield Batch(pa.RecordBatch.from_arrays(columns, names), highest)
        except (sqlite3.Error, OverflowError) as error:
            raise DatabaseError(_scrubbed(error, self.url)) from None


def bind(query: str, replacement: str, dialect: str) -> str:
    """The query with ``replacement`` for each ``:high_water`` outside of texts and comments; it must have one."""
    try:
        tokens = sqlglot.tokenize(query, dialect=dialect)
    except TokenError as error:
        raise DatabaseError(f"its query is no SQL ({' '.join(str(error).split())[:_SHOWN_CHARACTERS]})") from None
    if any(token.token_type.name == "SEMICOLON" for token in tokens):
        raise DatabaseError("its query has a semicolon; write one query, without one")
    bound, end = "", 0
    for colon, name in pairwise(tokens):
        if colon.token_type.name == "COLON" and name.text == PARAMETER and name.start == colon.end + 1:
            bound += query[end : colon.start] + replacement
            end = name.end + 1
    if not end:
        raise DatabaseError(f"its query does not compare with :{PARAMETER}; add where <column> >= :{PARAMETER}")
    return bound + query[end:]


def _batch(rows: pa.RecordBatch, high_water: str) -> Batch:
    column = rows.column(_place(rows.schema.names, high_water))
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        if column.null_count:
            raise _null_mark(high_water)
        try:
            return Batch(rows, pc.max(column).as_py())
        except (OverflowError, ValueError):
            raise DatabaseError(f"{high_water} has a date that no calendar has; leave such rows out") from None
    if pa.types.is_string(kind):
        try:
            numbers = [None if text is None else Decimal(text) for text in column.to_pylist()]
        except InvalidOperation:
            raise DatabaseError(
                f"{high_water} is text, which a database orders in its own ways; take a column of numbers or times"
            ) from None
        return Batch(rows, _highest(numbers, high_water))
    raise DatabaseError(f"{high_water} is of the type {kind}; take a column of numbers or times as high-water mark")


def _place(names: Sequence[str], high_water: str) -> int:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DatabaseError(f"its query gives {', '.join(repeated)} more than once; name the columns with as")
    if high_water not in names:
        raise DatabaseError(f"its query gives no column {high_water}, it gives {', '.join(names) or 'none'}")
    return names.index(high_water)


def _highest(values: Sequence[Any], high_water: str) -> Value:
    if any(value is None for value in values):
        raise _null_mark(high_water)
    try:
        highest: Value = max(values)
    except (InvalidOperation, TypeError):
        raise DatabaseError(f"{high_water} has values that cannot be compared; cast it in the query") from None
    is_number = isinstance(highest, int) or (isinstance(highest, float | Decimal) and math.isfinite(highest))
    if not (is_number or isinstance(highest, str)):
        raise DatabaseError(f"{high_water} has values that are neither numbers nor text; leave them out of the query")
    return highest


def _null_mark(high_water: str) -> DatabaseError:
    return DatabaseError(f"{high_water} is null in some rows, which no mark would ever pass; leave them out or fill it")


def _deliverable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch in types that a Parquet file and the contract's typing take as they are; numerics are exact text."""
    arrays = []
    for field, array in zip(batch.schema, batch.columns, strict=True):
        if isinstance(field.type, pa.BaseExtensionType):
            array = array.storage
        kind = array.type
        is_plain = (
            pa.types.is_string(kind)
            or pa.types.is_boolean(kind)
            or pa.types.is_integer(kind)
            or pa.types.is_floating(kind)
            or pa.types.is_date(kind)
            or pa.types.is_timestamp(kind)
            or pa.types.is_time(kind)
        )
        if not is_plain:
            raise DatabaseError(
                f"column {field.name} is of a type that no file takes ({field.type}); cast it to text in the query"
            )
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _chunks(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    rows: list[tuple[Any, ...]] = []
    characters = 0
    for row in cursor:
        rows.append(row)
        characters += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(rows) == _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield rows
            rows, characters = [], 0
    if rows:
        yield rows


def _sqlite_text(value: Any, name: str) -> str | None:
    if isinstance(value, bytes):
        raise DatabaseError(f"column {name} holds bytes, which no file takes; leave it out or take hex({name})")
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return None if value is None else str(value)


def is_ahead(value: Value, now: datetime) -> bool:
    """Whether a mark lies more than a day after ``now`` (aware), so that rows of today would be passed over."""
    if isinstance(value, str):
        written = Mark.written(value)
        return written.kind != "text" and is_ahead(written.value, now)
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return (aware - now).days >= 1
    return isinstance(value, date) and (value - now.date()).days > 1


def _scrubbed(error: Exception, url: str) -> str:
    """What a driver says, in one line, without the URL or what of it can be secret, and without the query."""
    message = " ".join(str(error).split()).partition(" Query was:")[0].replace("[libpq] ", "")
    address, _, options = url.partition("://")[2].partition("?")
    user_info = address.rpartition("@")[0]
    password = user_info.partition(":")[2]
    # A password with characters that a URL must escape comes up in parts, as a port for instance.
    parts = [*_URL_MARKS.split(password), *(option.partition("=")[2] for option in options.split("&"))]
    secrets = {url, user_info, password, options, *parts}
    for secret in sorted(secrets | {unquote(secret) for secret in secrets}, key=len, reverse=True):
        if secret:
            message = message.replace(secret, "***")
    return f"it cannot be read ({message[:_SHOWN_CHARACTERS].rstrip('.')})"
