"""The schedule: each day at 02:00 the night of the day before. Off until somebody switches it on."""

from __future__ import annotations

from dagster import DefaultScheduleStatus, ScheduleDefinition, build_schedule_from_partitioned_job

from pipelines.jobs import NIGHTLY


def nightly_schedule() -> ScheduleDefinition:
    return build_schedule_from_partitioned_job(  # type: ignore[return-value]
        NIGHTLY, hour_of_day=2, minute_of_hour=0, default_status=DefaultScheduleStatus.STOPPED
    )
