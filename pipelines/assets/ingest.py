"""The feeds: one asset for each contract, taken from landing into the raw lake.

What belongs here: which feeds there are, what Dagster shows of them, and when a failure is worth another try.
What does not: reading, mapping or checking a row; that is `sources.ingest`.
"""

import errno
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Failure,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    RetryRequested,
    multi_asset,
)

from pipelines.log import warn
from pipelines.partitions import NIGHTS
from pipelines.resources import NightResource
from sources.contract import Contract, load_contracts
from sources.ingest import ingest_feed
from sources.receipt import Receipt, Status

OWNER = "data-engineering@anchorwatch.example"
# Errors of a file share that has gone away for a moment. Anything else comes back the same on a second try.
TRANSIENT = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTUNREACH, errno.EAGAIN, errno.EBUSY}
RECONCILES = "delivered_is_loaded_quarantined_duplicate"
FEW_REFUSED = "few_rows_refused"
REFUSED_RATIO = 0.05


def source_assets(source: str, contracts: list[Contract]) -> AssetsDefinition:
    """One multi-asset for a source, an output for each of its feeds."""

    @multi_asset(
        name=f"ingest_{source}",
        specs=[_spec(contract) for contract in contracts],
        check_specs=[_check(contract, name) for contract in contracts for name in (RECONCILES, FEW_REFUSED)],
        partitions_def=NIGHTS,
        can_subset=True,
        pool="lake",
    )
    def ingest(context: AssetExecutionContext, night: NightResource) -> Iterator[Any]:
        for contract in contracts:
            key = AssetKey([contract.source, contract.feed])
            if key not in context.selected_asset_keys:
                continue
            receipts = _ingest(context, night, contract)
            for line in trouble(receipts):
                warn(context, line)
            yield MaterializeResult(asset_key=key, metadata=_metadata(receipts))
            yield from _checks(key, receipts)

    return ingest


def _spec(contract: Contract) -> AssetSpec:
    return AssetSpec(
        key=AssetKey([contract.source, contract.feed]),
        group_name=f"feeds_{contract.source}",
        description=contract.description,
        owners=[OWNER],
        kinds={"parquet"},
        metadata={
            "contract": MetadataValue.text(f"sources/contracts/{contract.source}/{contract.feed}.yaml"),
            "key": MetadataValue.text(", ".join(contract.key)),
            "promise": MetadataValue.text("as there is news" if contract.delivery is None else str(contract.delivery)),
        },
        freshness_policy=freshness_policy(contract),
    )


def freshness_policy(contract: Contract) -> FreshnessPolicy | None:
    """Dagster's view of the promise: a night looked for the feed within the longest silence that it allows.

    It sees runs, not delivery dates, since a night without a file materialises the asset too; delivery dates are held
    against the promise by `pipelines.assets.freshness`.
    """
    if contract.delivery is None:
        return None
    return FreshnessPolicy.time_window(fail_window=timedelta(days=contract.delivery.longest_silence_days + 1))


def _check(contract: Contract, name: str) -> AssetCheckSpec:
    describe = {
        RECONCILES: "Every delivered row was loaded, stands in quarantine or is a duplicate.",
        FEW_REFUSED: f"At most {REFUSED_RATIO:.0%} of the rows delivered for the night were refused, and no file.",
    }
    return AssetCheckSpec(
        name=name,
        asset=AssetKey([contract.source, contract.feed]),
        description=describe[name],
        blocking=name == RECONCILES,
    )


def _ingest(context: AssetExecutionContext, night: NightResource, contract: Contract) -> list[Receipt]:
    feed = f"{contract.source}.{contract.feed}"
    try:
        return ingest_feed(
            feed,
            night.settings.landing,
            night.lake,
            night.as_of,
            night.night.last_night,
            mapping_folders=night.settings.mappings,
        )
    except OSError as error:
        if error.errno in TRANSIENT:
            warn(context, f"{feed}: {error}; trying again in 30 seconds")
            raise RetryRequested(max_retries=3, seconds_to_wait=30) from error
        raise Failure(f"{feed}: {error}", allow_retries=False) from error


def trouble(receipts: list[Receipt]) -> list[str]:
    """One line for each file that was not loaded whole."""
    lines = []
    for r in receipts:
        name = f"{r.source}.{r.feed} {r.business_date} {r.file}"
        if r.status is Status.REFUSED:
            lines.append(f"{name}: file refused: {r.message}")
        elif r.status is Status.REPEATED_FILE:
            lines.append(f"{name}: delivered before, its {r.delivered_rows:,} rows are duplicates")
        elif r.quarantined_rows:
            why = f" ({r.message})" if r.message else ""
            lines.append(f"{name}: {r.quarantined_rows:,} of {r.delivered_rows:,} rows quarantined{why}")
        elif r.message:
            lines.append(f"{name}: {r.message}")
    return lines


def _metadata(receipts: list[Receipt]) -> dict[str, Any]:
    counts = {
        "files": len(receipts),
        "delivered_rows": sum(r.delivered_rows for r in receipts),
        "dagster/row_count": sum(r.loaded_rows for r in receipts),
        "quarantined_rows": sum(r.quarantined_rows for r in receipts),
        "duplicate_rows": sum(r.duplicate_rows for r in receipts),
    }
    metadata: dict[str, Any] = {name: MetadataValue.int(value) for name, value in counts.items()}
    if receipts:
        metadata["newest_delivery"] = MetadataValue.text(str(max(r.business_date for r in receipts)))
    return metadata


def _checks(key: AssetKey, receipts: list[Receipt]) -> Iterator[AssetCheckResult]:
    delivered = sum(r.delivered_rows for r in receipts)
    accounted = sum(r.loaded_rows + r.quarantined_rows + r.duplicate_rows for r in receipts)
    yield AssetCheckResult(
        asset_key=key,
        check_name=RECONCILES,
        passed=delivered == accounted,
        metadata={"delivered": delivered, "accounted": accounted},
    )
    refused = sum(r.quarantined_rows for r in receipts)
    files = [r.file for r in receipts if r.status is Status.REFUSED]
    yield AssetCheckResult(
        asset_key=key,
        check_name=FEW_REFUSED,
        passed=not files and refused <= REFUSED_RATIO * delivered,
        severity=AssetCheckSeverity.WARN,
        metadata={"quarantined_rows": refused, "refused_files": files},
    )


def all_feeds() -> list[AssetsDefinition]:
    by_source: dict[str, list[Contract]] = {}
    for contract in load_contracts().values():
        by_source.setdefault(contract.source, []).append(contract)
    return [source_assets(source, contracts) for source, contracts in sorted(by_source.items())]
