"""The external feeds, and those of them that concern no single firm: indices and exchange rates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sources.simulator.columns import constant, dates, decimals, pick
from sources.simulator.feeds import CURRENCY, Feed, History, make_feed
from sources.simulator.parties import REGIONS, SECTORS
from sources.simulator.register_documents import public_records
from sources.simulator.state import NEVER
from sources.simulator.statement_documents import ratings, statements
from sources.simulator.streams import Stream, Streams


def public_feeds(history: History) -> list[Feed]:
    """The five external feeds."""
    return [
        public_records(history),
        _indices(history),
        statements(history),
        ratings(history),
        _exchange_rates(history),
    ]


def _indices(history: History) -> Feed:
    """Monthly values, published on the tenth business day or so of the next month; the loan prime rate at once."""
    world = history.world
    rows: list[tuple[int, str, str, int, float]] = []
    rng_of = Streams(world.seed)
    supplier_region = world.parties.suppliers.region
    for snapshot in history.snapshots:
        noise = rng_of.on(Stream.DOCUMENT, snapshot.day, part=1).standard_normal(len(REGIONS) + 4)
        building = float(np.mean([snapshot.cycle[i] for i, item in enumerate(SECTORS) if item.is_building]))
        when = int(world.timeline.next_business_day(np.array([snapshot.day + 10]))[0])
        rows += [
            (snapshot.day + 1, "PMI_CONSTRUCTION", "ALL", snapshot.day, 52.0 + 45 * building + 0.5 * noise[0]),
            (snapshot.day + 1, "STEEL_PRICE", "ALL", snapshot.day, 3900 * float(np.exp(snapshot.prices[0]))),
            (snapshot.day + 1, "CEMENT_PRICE", "ALL", snapshot.day, 410 * float(np.exp(snapshot.prices[1]))),
            (snapshot.day + 20, "LPR_1Y", "ALL", snapshot.day, _prime_rate(world.timeline.date_of(snapshot.day).year)),
            (when, "FAI_YOY", "ALL", snapshot.day, 3.5 + 30 * building + 0.3 * noise[1]),
            (when, "HOUSING_STARTS_YOY", "ALL", snapshot.day, -12 + 90 * building + 2 * noise[2]),
        ]
        rows += [
            (when, "SECTOR_ACTIVITY", item.code, snapshot.day, 100 * float(np.exp(snapshot.cycle[i])))
            for i, item in enumerate(SECTORS)
        ]
        ill = np.bincount(supplier_region, snapshot.distress_known != NEVER, len(REGIONS))
        share = ill / np.maximum(np.bincount(supplier_region, minlength=len(REGIONS)), 1)
        rows += [
            (
                when + 5,
                "REGION_NPL_RATIO",
                code,
                snapshot.day,
                max(0.2, 1.1 + 12 * float(share[i]) + 0.1 * noise[4 + i]),
            )
            for i, (code, _, _) in enumerate(REGIONS)
        ]
    rows = [row for row in rows if 0 <= row[0] <= history.last_day]
    rows.sort(key=lambda row: row[0])
    day = np.array([row[0] for row in rows], dtype=np.int64)
    return make_feed(
        "external.industry_index",
        day,
        {
            "index_code": pa.array([row[1] for row in rows], type=pa.string()),
            "segment_code": pa.array([row[2] for row in rows], type=pa.string()),
            "period_end_date": dates(world.timeline, np.array([row[3] for row in rows], dtype=np.int64)),
            "index_value": decimals(np.rint(np.array([row[4] for row in rows]) * 1e6).astype(np.int64), 6),
            "published_date": dates(world.timeline, day),
        },
    )


def _prime_rate(year: int) -> float:
    return {2024: 3.35, 2025: 3.0, 2026: 3.0}.get(year, 3.45)


def _exchange_rates(history: History) -> Feed:
    world, streams = history.world, Streams(history.world.seed)
    days = np.array([day for day in range(history.last_day + 1) if world.timeline.is_business_day(day)], dtype=np.int64)
    steps = np.array([streams.on(Stream.DOCUMENT, day, part=2).standard_normal(2) for day in days.tolist()])
    level = np.array([7.12, 7.78]) * np.exp(np.cumsum(steps.reshape(-1, 2) * [0.0012, 0.0025], axis=0))
    rate = np.rint(level.ravel() * 1e4).astype(np.int64) * 100
    day = np.repeat(days, 2)
    return make_feed(
        "external.fx_rate",
        day,
        {
            "base_currency": pick(["USD", "EUR"], np.arange(len(day)) % 2),
            "quote_currency": constant(CURRENCY, len(day)),
            "rate_date": dates(world.timeline, day),
            "rate": decimals(rate, 6),
        },
    )
