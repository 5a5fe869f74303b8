"""Dagster's run history in SQLite, made for a night's thousand events.

Named in `dagster.yaml`. Dagster's own storage makes an engine for each statement, which compiles it anew, and waits for
the disk at each event: together they took half of a small night.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event

BUSY_SECONDS = 60
# The UI may look at every run there was.
OPEN_DATABASES = 8


class RunHistory(SqliteEventLogStorage):
    """The events of runs: a database for each run and an index over all, each with one engine.

    When they reach the disk is left to the system. A killed process loses nothing by this; a power cut can cost the
    history, which is not the book.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: dict[str, str]) -> RunHistory:  # type: ignore[override]
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._engines:
                if len(self._engines) == OPEN_DATABASES:
                    # the index was opened first and is needed at each event
                    self._engines.pop([*self._engines][-1]).dispose()
                self._engines[shard] = _engine(self.conn_string_for_shard(shard))
                self._initdb(self._engines[shard])
            with self._engines[shard].connect() as connection, connection.begin():
                yield connection


class RunStorage(DagsterSqliteStorage):
    """Dagster's storage of runs, events and schedules under one folder."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = RunHistory(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: dict[str, str]) -> RunStorage:  # type: ignore[override]
        return cls(inst_data=inst_data, **config_value)

    @property
    def event_storage_data(self) -> ConfigurableClassData:
        folder = yaml.safe_dump({"base_dir": self._event_log_storage._base_dir})
        return ConfigurableClassData(__name__, RunHistory.__name__, folder)


def _engine(url: str) -> Engine:
    """An engine that keeps its connection and what it compiled; the storage lets one thread at a time use it."""
    engine = create_engine(
        url, poolclass=StaticPool, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", _do_not_wait)
    return engine


def _do_not_wait(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("pragma synchronous = off")
