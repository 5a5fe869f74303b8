"""What a run finds of the runs before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job, op

from pipelines.night import NightError, take_lock
from pipelines.run import end_runs_that_were_killed, run_job
from pipelines.run_history import OPEN_DATABASES, RunHistory
from pipelines.settings import Settings

POOL = "lake"


@op(pool=POOL)
def write_lake() -> None:
    """Stands for a step with the one writer's pool."""


@job
def writing() -> None:
    write_lake()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    settings.prepare()
    return settings


@pytest.fixture
def instance(settings: Settings) -> Iterator[DagsterInstance]:
    with DagsterInstance.get() as instance:
        yield instance


@pytest.fixture
def killed_run(instance: DagsterInstance) -> str:
    """A run whose process ended while a step of it held the pool."""
    run = instance.create_run_for_job(writing, status=DagsterRunStatus.STARTED)
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    claim = instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "write_lake")
    assert claim.is_claimed
    return run.run_id


def status_of(instance: DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_the_pool_of_a_killed_run_is_free_again(instance: DagsterInstance, killed_run: str) -> None:
    storage = instance.event_log_storage
    assert not storage.claim_concurrency_slot(POOL, "next", "write_lake").is_claimed
    storage.free_concurrency_slots_for_run("next")
    end_runs_that_were_killed(instance)
    assert status_of(instance, killed_run) == DagsterRunStatus.FAILURE
    assert writing.execute_in_process(instance=instance).success


def test_a_run_at_work_is_left_alone(settings: Settings, instance: DagsterInstance, killed_run: str) -> None:
    with take_lock(settings), pytest.raises(NightError, match="Another night is at work"):
        run_job(settings, "nightly", date(2026, 6, 30))
    assert status_of(instance, killed_run) == DagsterRunStatus.STARTED
    assert instance.event_log_storage.get_concurrency_run_ids() == {killed_run}


def test_the_history_of_more_runs_than_are_kept_open_is_there(instance: DagsterInstance) -> None:
    runs = [writing.execute_in_process(instance=instance).run_id for _ in range(OPEN_DATABASES + 2)]
    for run in (runs[0], runs[-1]):
        assert instance.event_log_storage.get_stats_for_run(run).steps_succeeded == 1
    assert status_of(instance, runs[0]) is DagsterRunStatus.SUCCESS


def test_another_process_reads_the_history_where_the_settings_say(
    instance: DagsterInstance, settings: Settings
) -> None:
    run = writing.execute_in_process(instance=instance).run_id
    with DagsterInstance.from_ref(instance.get_ref()) as other:
        assert isinstance(other.event_log_storage, RunHistory)
        assert other.event_log_storage.get_stats_for_run(run).steps_succeeded == 1
    assert list(settings.dagster_home.rglob(f"{run}.db"))
