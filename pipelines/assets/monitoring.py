"""What the platform watches in itself: deliveries, drift against the champion's reference, and the drift page."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    Failure,
    MaterializeResult,
    MetadataValue,
    asset,
    multi_asset,
)

import ml.diagnosis
import ml.drift
from ml.registry import ModelRegistry
from pipelines.assets.early_warning import CHAMPION, FEATURES, models_in_roles
from pipelines.lake_datasets import (
    FEATURE_DRIFT,
    drift_of_night,
    features_before,
    features_of_night,
    receipts_of_night,
    schema_events_of_night,
    write_feed_promises,
    write_landing_entries,
    write_night,
)
from pipelines.log import tell, warn
from pipelines.partitions import NIGHTS
from pipelines.resources import NightResource
from pipelines.rules import drift_thresholds
from sources.contract import load_contracts
from sources.landing_entry import EntryState, LandingEntry

OWNER = "model-validation@anchorwatch.example"
RECEIPTS = AssetKey(["lake", "receipt"])
QUARANTINE = AssetKey(["lake", "quarantine"])
SCHEMA_EVENTS = AssetKey(["lake", "schema_event"])
LANDING = AssetKey(["lake", "landing_entry"])
PROMISES = AssetKey(["lake", "feed_promise"])
DRIFT = AssetKey(["lake", "feature_drift"])
DIAGNOSIS = AssetKey(["lake", "drift_diagnosis"])
FRESHNESS = AssetKey(["monitoring", "feed_freshness"])
PAGE = AssetKey(["reports", "drift"])
DELIVERED = "something_was_delivered"
ALL_TAKEN_IN = "all_of_landing_was_taken_in"
LINES_SHOWN = 12
FEW_DRIFTED = "few_features_drifted"
QUIET = "nothing_broke_overnight"
# A quiet night flags no feature at all nineteen times in twenty. A few that moved are for the page, many for a person.
DRIFTED_RATIO = 0.05


@multi_asset(
    name="deliveries",
    specs=[
        AssetSpec(
            key=key,
            deps=[AssetKey([c.source, c.feed]) for c in load_contracts().values()],
            group_name="lake",
            owners=["data-engineering@anchorwatch.example"],
            kinds={"parquet"},
            description=description,
        )
        for key, description in (
            (RECEIPTS, "One row for each delivered file: what became of its rows."),
            (QUARANTINE, "One row for each refused record: file, line, column, rule and the raw text."),
            (SCHEMA_EVENTS, "One row for each column of a delivered file that was unknown, gone or of another type."),
            (LANDING, "One row for each entry of landing that was not taken in, and why."),
            (PROMISES, "One row for each feed: the date that its newest delivery has if its contract is kept."),
        )
    ],
    check_specs=[
        AssetCheckSpec(
            name=DELIVERED, asset=RECEIPTS, blocking=True, description="The night has a delivery to work on."
        ),
        AssetCheckSpec(
            name=ALL_TAKEN_IN, asset=LANDING, description="No file waits, and nothing lies in a wrong place."
        ),
    ],
    partitions_def=NIGHTS,
)
def deliveries(context: AssetExecutionContext, night: NightResource) -> Iterator[Any]:
    tonight = receipts_of_night(night.lake, night.as_of, night.night.last_night)
    refused = int(tonight["quarantined_rows"].sum())
    tell(
        context,
        f"{len(tonight)} files for the night: {tonight['delivered_rows'].sum():,} rows delivered, "
        f"{tonight['loaded_rows'].sum():,} loaded, {refused:,} quarantined, "
        f"{tonight['duplicate_rows'].sum():,} duplicates",
    )
    yield MaterializeResult(asset_key=RECEIPTS, metadata={"files_of_the_night": MetadataValue.int(len(tonight))})
    yield MaterializeResult(asset_key=QUARANTINE, metadata={"rows_of_the_night": MetadataValue.int(refused)})
    events = schema_events_of_night(night.lake, night.as_of, night.night.last_night)
    yield MaterializeResult(asset_key=SCHEMA_EVENTS, metadata={"events_of_the_night": MetadataValue.int(len(events))})
    write_feed_promises(night.lake, night.as_of)
    yield MaterializeResult(asset_key=PROMISES)
    today = datetime.now(UTC).date()
    left = write_landing_entries(night.lake, night.settings.landing, night.as_of, today, night.settings.mappings)
    for line in lines_of(left):
        warn(context, line)
    yield MaterializeResult(asset_key=LANDING, metadata={"entries_of_the_night": MetadataValue.int(len(left))})
    yield AssetCheckResult(
        asset_key=LANDING,
        check_name=ALL_TAKEN_IN,
        passed=not left,
        severity=AssetCheckSeverity.WARN,
        metadata={"entries": [entry.line for entry in left[:LINES_SHOWN]]},
    )
    yield AssetCheckResult(asset_key=RECEIPTS, check_name=DELIVERED, passed=len(tonight) > 0)
    if len(tonight) == 0:
        waiting = sum(entry.state is EntryState.WAITING for entry in left)
        raise Failure(
            f"No file was delivered for {night.as_of}: nothing in {night.settings.landing} is newer than "
            f"the last night{f', but {waiting} files wait' if waiting else ''}. "
            "The publication of the last night stands.",
            allow_retries=False,
        )


def lines_of(entries: Sequence[LandingEntry]) -> list[str]:
    """One line for each of the first entries, and one that counts the rest."""
    lines = [entry.line for entry in entries[:LINES_SHOWN]]
    if len(entries) > LINES_SHOWN:
        lines.append(f"and {len(entries) - LINES_SHOWN:,} more entries of landing: see monitoring.landing_entry")
    return lines


@asset(
    key=DRIFT,
    deps=[FEATURES, CHAMPION],
    partitions_def=NIGHTS,
    group_name="monitoring",
    owners=[OWNER],
    kinds={"parquet", "duckdb"},
    description="Population stability index of each feature against the champion's reference, over all rows.",
    check_specs=[
        AssetCheckSpec(
            name=FEW_DRIFTED,
            asset=DRIFT,
            description=f"At most {DRIFTED_RATIO:.0%} of the features exceed their sampling-aware critical value.",
        )
    ],
    pool="warehouse",
)
def feature_drift(context: AssetExecutionContext, night: NightResource) -> Iterator[Any]:
    models = models_in_roles(ModelRegistry(night.settings.models))
    frame = features_of_night(night.lake, night.as_of)
    with duckdb.connect(str(night.night.warehouse), read_only=True) as con:
        limits = drift_thresholds(con, night.as_of)
    drift = pa.concat_tables(
        ml.drift.feature_drift(frame, model, night.as_of, role=role, thresholds=limits)
        for role, model in models.items()
    )
    write_night(night.lake, FEATURE_DRIFT, night.as_of, "part", drift)
    of_champion = [row for row in drift.to_pylist() if row["model_role"] == "champion"]
    drifted = sorted((r for r in of_champion if r["is_drifted"]), key=lambda r: -r["psi"])
    tell(context, f"{len(drifted)} of {len(of_champion)} features drifted against the champion's reference")
    table = "\n".join(f"| `{r['feature_name']}` | {r['psi']:.3f} | {r['psi_critical']:.3f} |" for r in drifted[:20])
    yield MaterializeResult(
        asset_key=DRIFT,
        metadata={
            "dagster/row_count": MetadataValue.int(drift.num_rows),
            "drifted_features": MetadataValue.int(len(drifted)),
            "most_drifted": MetadataValue.md(f"| feature | PSI | critical |\n|---|---|---|\n{table}"),
        },
    )
    yield AssetCheckResult(
        asset_key=DRIFT,
        check_name=FEW_DRIFTED,
        passed=len(drifted) <= DRIFTED_RATIO * len(of_champion),
        severity=AssetCheckSeverity.WARN,
        metadata={"drifted": [r["feature_name"] for r in drifted[:20]]},
    )


@asset(
    key=DIAGNOSIS,
    deps=[FEATURES, CHAMPION, FRESHNESS],
    partitions_def=NIGHTS,
    group_name="monitoring",
    owners=[OWNER],
    kinds={"parquet"},
    description="Why the night does not look like the one before: a fault of the data, or another population.",
    check_specs=[
        AssetCheckSpec(
            name=QUIET, asset=DIAGNOSIS, description="No feed is late, and nothing jumped against the night before."
        )
    ],
    pool="warehouse",
)
def drift_diagnosis(context: AssetExecutionContext, night: NightResource) -> Iterator[Any]:
    frame = features_of_night(night.lake, night.as_of)
    with duckdb.connect(str(night.night.warehouse), read_only=True) as con:
        late, limits = _late_feeds(con, night.as_of), drift_thresholds(con, night.as_of)
    tables, told = [], []
    for role, model in models_in_roles(ModelRegistry(night.settings.models)).items():
        before = features_before(night.lake, night.as_of, model.feature_names)
        found = ml.diagnosis.diagnose(frame, before, model, late_feeds=late, thresholds=limits)
        tables.append(ml.diagnosis.diagnosis_table(found, night.as_of, model, role))
        told += [finding for finding in found if role == "champion"]
    write_night(night.lake, "drift/drift_diagnosis", night.as_of, "part", pa.concat_tables(tables))
    lines = [f"{finding.kind} {finding.subject}: {finding.evidence}" for finding in told]
    for line, finding in zip(lines, told, strict=True):
        if finding.subject not in late:  # the check of its promise says so already
            warn(context, line)
    yield MaterializeResult(asset_key=DIAGNOSIS, metadata={"findings": MetadataValue.int(len(told))})
    yield AssetCheckResult(
        asset_key=DIAGNOSIS,
        check_name=QUIET,
        passed=not told,
        severity=AssetCheckSeverity.WARN,
        metadata={"findings": lines},
    )


def _late_feeds(con: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, str]:
    """Feed to why it is late."""
    rows = con.execute(
        "select source || '.' || feed, newest_delivery_date, promised_date from monitoring.feed_freshness "
        "where as_of_date = ? and status = 'LATE'",
        [as_of],
    ).fetchall()
    return {
        feed: f"Its newest delivery is of {newest}, and one of {promised} was promised by this night."
        for feed, newest, promised in rows
    }


@asset(
    key=PAGE,
    deps=[DRIFT],
    partitions_def=NIGHTS,
    group_name="monitoring",
    owners=[OWNER],
    kinds={"evidently", "html"},
    description="Evidently's drift page for people, on a sample of the night against one of the champion's reference.",
)
def drift_report(context: AssetExecutionContext, night: NightResource) -> MaterializeResult[None]:
    champion = ModelRegistry(night.settings.models).load_role("champion")
    frame, drift = features_of_night(night.lake, night.as_of), drift_of_night(night.lake, night.as_of)
    drift = drift.filter(pc.equal(drift.column("model_role"), "champion"))
    path = night.settings.reports / night.as_of.isoformat() / "drift.html"
    ml.drift.write_report(
        frame,
        champion.parts.reference_sample,
        path,
        columns=champion.important_features(ml.drift.REPORT_COLUMNS),
        critical=dict(zip(*(drift.column(name).to_pylist() for name in ("feature_name", "psi_critical")), strict=True)),
        strata=champion.manifest.segment_columns,
    )
    tell(context, f"Drift page: {path}")
    return MaterializeResult(metadata={"page": MetadataValue.path(str(path))})
