"""Identity: what the night's records have in common with all others, as lake datasets that dbt decides on.

What belongs here: from which night on pairs are made. What does not: how records are compared; that is
`sources.identity`. What follows from a pair is SQL (`dbt_project/models/intermediate/identity`).
"""

from collections.abc import Iterator
from typing import Any

from dagster import AssetExecutionContext, AssetKey, AssetSpec, MaterializeResult, MetadataValue, multi_asset

from pipelines.lake_datasets import old_history_arrived
from pipelines.log import tell
from pipelines.partitions import NIGHTS
from pipelines.resources import NightResource
from sources.identity.match import match_night
from sources.identity.records import RECORD_KINDS

OWNER = "data-engineering@anchorwatch.example"
RECORDS = AssetKey(["lake", "identity_record"])
PAIRS = AssetKey(["lake", "identity_pair"])


@multi_asset(
    name="match_records",
    specs=[
        AssetSpec(
            key=key,
            deps=[AssetKey(kind.feed.split(".")) for kind in RECORD_KINDS],
            group_name="identity",
            owners=[OWNER],
            kinds={"parquet", "duckdb"},
            description=description,
        )
        for key, description in (
            (RECORDS, "One row for each record that names a party and day from which it says something else of it."),
            (PAIRS, "One row for each two states of records that have something in common: number, account, name."),
        )
    ],
    partitions_def=NIGHTS,
    pool="lake",
)
def match_records(context: AssetExecutionContext, night: NightResource) -> Iterator[MaterializeResult[Any]]:
    last_night = night.night.last_night
    since = None if old_history_arrived(night.lake, night.as_of, last_night) else last_night
    matched = match_night(night.lake, night.as_of, since)
    tell(
        context,
        f"{matched.new_states:,} records are new or say something else: {matched.candidates:,} pairs looked at, "
        f"{matched.pairs:,} have something in common",
    )
    yield MaterializeResult(asset_key=RECORDS, metadata={"dagster/row_count": MetadataValue.int(matched.new_states)})
    yield MaterializeResult(
        asset_key=PAIRS,
        metadata={
            "dagster/row_count": MetadataValue.int(matched.pairs),
            "candidates": MetadataValue.int(matched.candidates),
            "crowded_keys": MetadataValue.int(matched.crowded_keys),
        },
    )
