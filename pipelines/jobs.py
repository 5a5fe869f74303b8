"""The jobs. All run in one process: the warehouse file has one writer, and every further process imports dbt anew."""

from __future__ import annotations

from dagster import AssetSelection, define_asset_job, in_process_executor
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pipelines.assets.early_warning import CHAMPION, SCORES
from pipelines.assets.freshness import feed_freshness
from pipelines.assets.monitoring import PAGE
from pipelines.partitions import NIGHTS

FEEDS = AssetSelection.groups("feeds_platform", "feeds_erp", "feeds_tax", "feeds_bank", "feeds_external")
TRAINED = AssetSelection.assets(CHAMPION)
# They read a mart, which these jobs do not build.
PROMISE_CHECKS = AssetSelection.checks(feed_freshness)


def _job(name: str, selection: AssetSelection, description: str) -> UnresolvedAssetJobDefinition:
    return define_asset_job(
        name, selection, description=description, partitions_def=NIGHTS, executor_def=in_process_executor
    )


NIGHTLY = _job(
    "nightly",
    AssetSelection.all() - TRAINED,
    "The night: ingest, build, score, monitor, publish. Rows of the day only; safe to run again.",
)
FIRST_NIGHT = _job(
    "first_night",
    AssetSelection.all(),
    "A night that also trains the champion, for a home that has none.",
)
INGEST = _job(
    "ingest",
    (FEEDS | AssetSelection.groups("lake")) - PROMISE_CHECKS,
    "Take deliveries into the raw lake; the warehouse stays.",
)
TRAIN = _job(
    "train",
    TRAINED.upstream() - PROMISE_CHECKS,
    "Train on what is known on the date. The first model becomes champion, later ones challenger.",
)
SCORE = _job(
    "score",
    AssetSelection.assets(SCORES).required_multi_asset_neighbors().upstream() - TRAINED - PROMISE_CHECKS,
    "The night up to the score files in the lake; the warehouse and the publication stay.",
)
REPLAY = _job(
    "replay",
    AssetSelection.all() - TRAINED - FEEDS - AssetSelection.groups("lake") - AssetSelection.assets(PAGE),
    "Build, score and publish from a lake that is already there: a past night beside the book.",
)
ALL_JOBS = [NIGHTLY, FIRST_NIGHT, INGEST, TRAIN, SCORE, REPLAY]
