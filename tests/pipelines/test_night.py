"""The night as a transaction."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.night import Night, NightError, last_finished_night
from pipelines.settings import Settings


def finish(settings: Settings, night: date) -> None:
    with Night(settings, night) as tonight:
        path = tonight.open_warehouse()
        with duckdb.connect(str(path)) as con:
            con.execute("create schema if not exists monitoring")
            con.execute("create table if not exists monitoring.run_log (as_of_date date)")
            con.execute("insert into monitoring.run_log values (?)", [night])
        tonight.commit()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    settings.prepare()
    return settings


def test_what_is_not_committed_never_happened(settings: Settings) -> None:
    finish(settings, date(2026, 6, 29))
    with Night(settings, date(2026, 6, 30)) as tonight, duckdb.connect(str(tonight.open_warehouse())) as con:
        con.execute("delete from monitoring.run_log")
    assert last_finished_night(settings.warehouse) == date(2026, 6, 29)
    assert not settings.working_warehouse.exists()


def test_the_working_copy_starts_from_the_last_night(settings: Settings) -> None:
    with Night(settings, date(2026, 6, 29)) as first:
        first.open_warehouse()
        assert first.since is None
    finish(settings, date(2026, 6, 29))
    with Night(settings, date(2026, 6, 30)) as second:
        second.open_warehouse()
        assert second.since == date(2026, 6, 29)
    with Night(settings, date(2026, 6, 30)) as rebuilt:
        rebuilt.open_warehouse(from_scratch=True)
        assert rebuilt.since is None


def test_a_left_over_of_a_killed_night_is_removed(settings: Settings) -> None:
    settings.working_warehouse.parent.mkdir(parents=True)
    settings.working_warehouse.write_bytes(b"half a file")
    with Night(settings, date(2026, 6, 30)) as tonight:
        tonight.open_warehouse()
        assert not settings.working_warehouse.exists()


def test_two_nights_at_once_are_refused(settings: Settings) -> None:
    second = Night(settings, date(2026, 6, 30))
    with Night(settings, date(2026, 6, 30)), pytest.raises(NightError, match="Another night is at work"):
        second.__enter__()


def test_a_night_before_the_last_is_refused_and_frees_the_lock(settings: Settings) -> None:
    finish(settings, date(2026, 6, 30))
    with pytest.raises(NightError, match=r"replay --as-of 2026-06-01"), Night(settings, date(2026, 6, 1)):
        pass
    finish(settings, date(2026, 7, 1))
    assert last_finished_night(settings.warehouse) == date(2026, 7, 1)
