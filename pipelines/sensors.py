"""The sensor: new delivery folders start the ingest of their date, so that bad files are seen before the night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from dagster import DefaultSensorStatus, RunRequest, SensorDefinition, SensorEvaluationContext, SkipReason, sensor

from pipelines.jobs import INGEST
from pipelines.settings import Settings
from sources.landing import newest_delivery


def delivery_sensor(settings: Settings) -> SensorDefinition:
    @sensor(
        name="deliveries_arrived",
        job=INGEST,
        minimum_interval_seconds=300,
        default_status=DefaultSensorStatus.STOPPED,
        description="Looks into landing every five minutes; a file that is new or changed starts the ingest.",
    )
    def deliveries_arrived(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        newest = newest_delivery(settings.landing, datetime.now(UTC).date())
        if newest is None:
            yield SkipReason(f"No delivery in {settings.landing} yet")
            return
        cursor = f"{newest.date.isoformat()} {newest.files} files, changed {newest.modified_ns}"
        if cursor == context.cursor:
            yield SkipReason(f"Nothing new since {cursor}")
            return
        context.update_cursor(cursor)
        yield RunRequest(run_key=cursor, partition_key=newest.date.isoformat())

    return deliveries_arrived
