"""The night as a transaction: a lock, a copy of the warehouse to work on, and one rename at the end.

A run works on `warehouse/.work/anchorwatch.duckdb`. Whatever happens to it, `warehouse/anchorwatch.duckdb` stays that
of the last finished night, and the file itself says which night that was (`monitoring.run_log`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
from datetime import date
from pathlib import Path
from typing import IO

import duckdb

from pipelines.settings import Settings
from sources.sentence import shortened


class NightError(Exception):
    """The night cannot go on; the message says why and what to do."""


def last_finished_night(warehouse: Path) -> date | None:
    """The newest night in a warehouse file; None where there is no file yet.

    Raises:
        NightError: the file cannot be read.
    """
    if not warehouse.exists():
        return None
    try:
        with duckdb.connect(str(warehouse), read_only=True) as con:
            row = con.execute("select max(as_of_date) from monitoring.run_log").fetchone()
    except duckdb.Error as error:
        reason = shortened(str(error).splitlines()[0])
        raise NightError(
            f"The warehouse {warehouse} cannot be read ({reason}). If it is damaged, move it away and run the night "
            "again: it is built anew from the lake."
        ) from error
    return row[0] if row else None


def take_lock(settings: Settings) -> IO[str]:
    """The lock of a home as an open file; closing it, or the end of the process, lets go of it.

    Raises:
        NightError: another process holds it.
    """
    lock = (settings.root / "night.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise NightError(
            f"Another night is at work in {settings.root}; wait until it has ended, then start again."
        ) from None
    return lock


class Night:
    """One night in the making: `with Night(settings, as_of) as night: …; night.commit()`."""

    def __init__(self, settings: Settings, as_of: date) -> None:
        self.settings = settings
        self.as_of = as_of
        self.warehouse_is_copy = False
        self._lock: IO[str] | None = None
        self.last_night: date | None = None

    @property
    def warehouse(self) -> Path:
        """The copy that this night's dbt writes."""
        return self.settings.working_warehouse

    def __enter__(self) -> Night:
        self._lock = take_lock(self.settings)
        shutil.rmtree(self.warehouse.parent, ignore_errors=True)
        self.last_night = last_finished_night(self.settings.warehouse)
        if self.last_night and self.as_of < self.last_night:
            self.__exit__()
            raise NightError(
                f"{self.as_of} lies before the last finished night {self.last_night}; "
                f"`anchorwatch replay --as-of {self.as_of}` rebuilds a past night beside it."
            )
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.warehouse.parent, ignore_errors=True)
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def since(self) -> date | None:
        """The night up to which the working warehouse knows the deliveries; None when it is built from scratch."""
        return self.last_night if self.warehouse_is_copy else None

    def open_warehouse(self, *, from_scratch: bool = False) -> Path:
        """Copy the last finished warehouse to the working place, once; returns the path to write."""
        if not self.warehouse.exists():
            self.warehouse.parent.mkdir(parents=True, exist_ok=True)
            if self.settings.warehouse.exists() and not from_scratch:
                shutil.copyfile(self.settings.warehouse, self.warehouse)
                self.warehouse_is_copy = True
        return self.warehouse

    def commit(self) -> None:
        """Make this night's warehouse the standing one."""
        with self.warehouse.open("rb") as written:
            os.fsync(written.fileno())
        self.warehouse.replace(self.settings.warehouse)
        folder = os.open(self.settings.warehouse.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
