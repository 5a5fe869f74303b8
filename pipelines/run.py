"""Run a job of the definitions in this process and turn what went wrong into a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from threading import Thread

from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, ExecuteInProcessResult, RunsFilter
from dagster_shared.error import SerializableErrorInfo

from ml.drift import import_page_library
from pipelines.assets.monitoring import PAGE
from pipelines.build import build_definitions
from pipelines.lake_datasets import prepare_lake
from pipelines.night import take_lock
from pipelines.settings import Settings
from sources.lake import Lake

# People read sentences; the engine's own events are in the run history for the UI.
LOGGERS = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}
OWN_ERRORS = ("pipelines.", "ml.", "sources.")
UNFINISHED = [DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.CANCELING]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `problems` are sentences, empty when all went well; `warnings` are checks that did not hold."""

    run_id: str
    problems: list[str]
    warnings: list[str]


def run_job(settings: Settings, job: str, as_of: date) -> Outcome:
    """Run one job for one night; only one at a time can run on a home.

    Raises:
        NightError: another run is at work on the home.
    """
    settings.prepare()
    prepare_lake(Lake(settings.lake))
    with DagsterInstance.get() as instance:
        with take_lock(settings):
            end_runs_that_were_killed(instance)
        resolved = build_definitions(settings).resolve_job_def(job)
        if PAGE in resolved.asset_layer.executable_asset_keys:
            # It takes seconds, and the night waits for the disk and the engine before it draws the page.
            Thread(target=import_page_library, name="drift page").start()
        result = resolved.execute_in_process(
            partition_key=as_of.isoformat(), instance=instance, raise_on_error=False, run_config=LOGGERS
        )
        return Outcome(result.run_id, [] if result.success else _problems(result), _warnings(result))


def end_runs_that_were_killed(instance: DagsterInstance) -> None:
    """Close what a killed process left open; only whoever holds the lock knows that no run is at work.

    Its run would stay started for ever, and so would its claim on the warehouse's pool, for which the next run would
    wait without an end.
    """
    for run_id in instance.event_log_storage.get_concurrency_run_ids():
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    for run in instance.get_runs(RunsFilter(statuses=UNFINISHED)):
        instance.report_run_failed(run, message="The process of this run ended without saying so")


def _problems(result: ExecuteInProcessResult) -> list[str]:
    problems = []
    for entry in result.all_events:
        if entry.event_type == DagsterEventType.STEP_FAILURE:
            data = entry.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                problems.append(data.user_failure_data.description)
            elif data.error:
                problems.append(f"{entry.step_key}: {_reason(data.error)}")
        elif entry.event_type == DagsterEventType.RUN_FAILURE and not problems:
            # no step began: the night itself could not
            error = entry.job_failure_data.error
            problems.append(_reason(error) if error else str(entry.message))
    return problems or ["The run ended without success and without saying why; see it in `anchorwatch dev`."]


def _reason(error: SerializableErrorInfo) -> str:
    """The sentence of the error that is ours, or else the first line of the one that was first."""
    name, _, sentence = error.message.strip().partition(": ")
    if name.startswith(OWN_ERRORS):
        return sentence
    return _reason(error.cause) if error.cause else error.message.strip().splitlines()[0]


def _warnings(result: ExecuteInProcessResult) -> list[str]:
    return [
        f"{'.'.join(check.asset_key.path)}: {check.check_name} does not hold"
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]
