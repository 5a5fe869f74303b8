"""The promise of each feed as an asset check, and a line for each that is broken.

What belongs here: which feeds are checked, and what Dagster and the screen show. What does not: when a feed is late;
that is `monitoring.feed_freshness`, made of receipts and of what the contracts promise.
"""

from collections.abc import Iterator
from typing import Any

import duckdb
from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    multi_asset_check,
)

from pipelines.log import FOR_PEOPLE
from pipelines.resources import NightResource
from sources.contract import load_contracts

FRESHNESS = AssetKey(["monitoring", "feed_freshness"])
AS_PROMISED = "newest_delivery_is_as_promised"
_PROMISING = {name: contract for name, contract in load_contracts().items() if contract.delivery is not None}


@multi_asset_check(
    name="feed_freshness",
    specs=[
        AssetCheckSpec(
            name=AS_PROMISED,
            asset=AssetKey([contract.source, contract.feed]),
            additional_deps=[FRESHNESS],
            description=f"The newest delivery is as new as promised: {contract.delivery}.",
        )
        for contract in _PROMISING.values()
    ],
)
def feed_freshness(context: AssetCheckExecutionContext, night: NightResource) -> Iterator[AssetCheckResult]:
    for row in rows_of_night(night):
        name = f"{row['source']}.{row['feed']}"
        if row["status"] == "LATE":
            context.log.warning(late_line(row), extra={FOR_PEOPLE: True})
        if name in _PROMISING:
            yield AssetCheckResult(
                asset_key=AssetKey([row["source"], row["feed"]]),
                check_name=AS_PROMISED,
                # a feed that was never delivered is not connected, which its first file ends
                passed=row["status"] != "LATE",
                severity=AssetCheckSeverity.WARN,
                metadata={key: str(value) for key, value in row.items() if key not in ("source", "feed")},
            )


def rows_of_night(night: NightResource) -> list[dict[str, Any]]:
    """The night's rows of `monitoring.feed_freshness`: in the working warehouse, after commit in the standing one."""
    working = night.night.warehouse
    with duckdb.connect(str(working if working.exists() else night.settings.warehouse), read_only=True) as con:
        found = con.execute(
            "select source, feed, promise, promised_date, newest_delivery_date, late_days, status "
            "from monitoring.feed_freshness where as_of_date = ? order by source, feed",
            [night.as_of],
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def late_line(row: dict[str, Any]) -> str:
    """The line about a feed that is late."""
    days = f"{row['late_days']} day{'' if row['late_days'] == 1 else 's'}"
    return (
        f"{row['source']}.{row['feed']}: {days} late: the newest delivery is of {row['newest_delivery_date']}, "
        f"promised is one of {row['promised_date']} at least ({row['promise']}); ask the sender"
    )
