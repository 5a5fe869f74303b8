"""Readers: one delivered file, whatever its format, becomes a DuckDB relation of delivered columns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import duckdb

from sources.mapping import Mapping as ColumnMappings
from sources.sentence import in_one_line
from sources.sql import quoted as quoted
from sources.sql import scalar as scalar
from sources.sql import sql_path as sql_path
from sources.sql import sql_text as sql_text

RAW_TEXT_CHARACTERS = 4_000
MAX_COLUMNS = 10_000

DeliveredColumns = Mapping[str, tuple[str, str]]
"""Delivered column -> its SQL name in the relation and its SQL type."""


class FileRefused(Exception):
    """The file as a whole cannot be read; the message is a sentence for its receipt, in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(in_one_line(message))


@dataclass(frozen=True)
class RefusedRecord:
    """A record that has no readable columns: ``row_no`` counts records from 1, ``line_no`` physical lines."""

    row_no: int
    line_no: int | None
    rule: str
    message: str
    raw_text: str


@dataclass(frozen=True)
class Located:
    """Where a record stands in its file, and its text as delivered, cut at RAW_TEXT_CHARACTERS."""

    row_no: int
    line_no: int | None
    raw_text: str


@dataclass(frozen=True)
class Workspace:
    """What a reader may use: the run's DuckDB connection, a scratch folder of this file, and a bound on its content."""

    connection: duckdb.DuckDBPyConnection
    scratch: Path
    max_content_bytes: int


@dataclass(frozen=True)
class Records:
    """The readable records of one file.

    ``relation`` is SQL for a FROM clause; ``row_no`` names its column of record numbers, None when every record of
    the file is there in file order. ``refused`` yields the records that are not. ``locate`` finds records by
    number, the numbers ascending; it raises `RecordsDisagree` when the file, read anew, has another number of records
    than ``relation`` had (given as the second argument). ``repair`` reads the same file record by record, for when the
    engine refuses ``relation``.
    ``is_ordered`` says that ``relation`` gives the records in file order; ``is_columnar`` that it reads a few columns,
    with ``row_no``, in a fraction of the time that all of them take.
    """

    relation: str
    columns: DeliveredColumns
    row_no: str | None
    locate: Callable[[Collection[int], int], Iterator[Located]]
    refused: Callable[[], Iterator[RefusedRecord]] = field(default=lambda: iter(()))
    repair: Callable[[], Records] | None = None
    notes: tuple[str, ...] = ()
    is_ordered: bool = True
    is_columnar: bool = False


class RecordsDisagree(Exception):
    """The engine and the record scanner split the file differently."""


class Reader(Protocol):
    """Opens an unpacked file of one format; raises FileRefused when nothing of it can be read."""

    def __call__(self, path: Path, mapping: ColumnMappings, workspace: Workspace) -> Records: ...


def cut(text: str) -> str:
    """Text as kept in quarantine: bounded, without NUL characters."""
    return text[:RAW_TEXT_CHARACTERS].replace("\0", "\\x00")
