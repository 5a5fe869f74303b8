"""The engine that reads delivered files: a DuckDB connection with bounded memory that spills to a scratch folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb

from sources.sql import scalar, sql_text

TOO_LARGE = "It takes more memory than the engine may use for a file; deliver it in smaller files."
ENGINE_BROKEN = (duckdb.InternalException, duckdb.FatalException)
"""Errors after which a connection is of no use any more."""

# What the allocator keeps for a thread that has ended its task; by default 128 MB each.
_KEPT_MEMORY = "1MB"
_THREADS = 4  # each holds buffers of its own, so that the memory of a file on many cores would be that of the cores


@contextmanager
def engine(scratch: Path, memory: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with at most ``memory`` (such as ``1GB``), whose times are UTC."""
    connection = duckdb.connect()
    try:
        connection.execute(f"set memory_limit = {sql_text(memory)}")
        connection.execute(f"set allocator_flush_threshold = {sql_text(_KEPT_MEMORY)}")
        _set_threads(connection, _THREADS)
        connection.execute(f"set temp_directory = {sql_text(str(scratch / 'spill'))}")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        # It makes a join of IN with a list of five, and a join of several threads brings rows in any order: those of a
        # text file, which are numbered in the order in which they come, had the numbers of others.
        connection.execute("set disabled_optimizers = 'in_clause'")
        yield connection
    finally:
        connection.close()


def quick_connection() -> duckdb.DuckDBPyConnection:
    """A connection for small questions, to an engine that the process keeps: starting one takes longer than they do.

    Temporary tables are its own, settings are those of all such connections.
    """
    return _kept_engine().cursor()


@cache
def _kept_engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@contextmanager
def one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """The engine slower, with the buffers of one thread alone and the memory for all else."""
    threads = scalar(connection, "select current_setting('threads')")
    _set_threads(connection, 1)
    try:
        yield
    finally:
        _set_threads(connection, threads)


class SpareMemory:
    """Memory that an engine is given step by step where it has too little, and keeps: to take it back could fail."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, steps: Sequence[str]) -> None:
        self._connection, self._steps = connection, list(steps)

    def give(self) -> bool:
        """Give the engine the next of the steps; False when there is none."""
        if not self._steps:
            return False
        self._connection.execute(f"set memory_limit = {sql_text(self._steps.pop(0))}")
        return True


def _set_threads(connection: duckdb.DuckDBPyConnection, most: int) -> None:
    connection.execute(f"set threads = {min(os.cpu_count() or 1, most)}")


def engine_fails(error: duckdb.Error) -> str:
    """The sentence on a file that breaks the engine."""
    return f"The engine fails on it ({str(error).splitlines()[0]}); deliver it again."
