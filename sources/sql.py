"""SQL text composed safely: literals, paths, identifiers."""

from __future__ import annotations

from pathlib import Path

import duckdb

OUR_FAULT = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.InternalException,
    duckdb.FatalException,
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
)
"""Errors of the engine that say nothing of delivered content; any other, while it reads a file, is the file's."""


def sql_text(value: str) -> str:
    """A SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_path(path: Path) -> str:
    """A path as a SQL text literal for a reader function, its glob characters made literal."""
    return sql_text("".join(f"[{character}]" if character in "*?[" else character for character in str(path)))


def quoted(name: str) -> str:
    """A SQL identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one integer that a query gives."""
    return int(connection.execute(query).fetchall()[0][0])
