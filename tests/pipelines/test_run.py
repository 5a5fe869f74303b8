"""What a run finds of the runs before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, job, op

from pipelines.night import NightError, take_lock
from pipelines.run import end_runs_that_were_killed, run_job
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
