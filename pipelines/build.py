"""All that Dagster knows, on one page. Nothing is found by magic: what is not listed here does not run."""

from __future__ import annotations

from dagster import Definitions

from pipelines.assets import early_warning, freshness, identity, ingest, monitoring, publication, warehouse
from pipelines.dbt_manifest import ensure_manifest
from pipelines.jobs import ALL_JOBS
from pipelines.log import night_logger
from pipelines.resources import NightResource
from pipelines.schedules import nightly_schedule
from pipelines.sensors import delivery_sensor
from pipelines.settings import Settings


def build_definitions(settings: Settings) -> Definitions:
    """Definitions over one home; the same for the command line, the UI and the tests."""
    settings.prepare()
    ensure_manifest(settings)
    return Definitions(
        assets=[
            *ingest.all_feeds(),
            monitoring.deliveries,
            identity.match_records,
            *warehouse.dbt_passes(settings),
            early_warning.supplier_feature,
            early_warning.champion,
            early_warning.score,
            monitoring.feature_drift,
            monitoring.drift_diagnosis,
            monitoring.drift_report,
            publication.publication_asset(settings),
        ],
        asset_checks=[freshness.feed_freshness],
        jobs=ALL_JOBS,
        schedules=[nightly_schedule()],
        sensors=[delivery_sensor(settings)],
        resources={"night": NightResource(home=str(settings.root))},
        loggers={"console": night_logger},
    )
