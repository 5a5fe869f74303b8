"""Facilities: limits that cover what is outstanding, what is blocked during a default, and what financings take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sources.simulator.certificates import Financings, Ledger, facility_ids, funder_of
from sources.simulator.columns import (
    constant,
    decimals,
    join,
    labels,
    pick,
    running_number,
    timestamps,
)
from sources.simulator.feeds import CURRENCY, Feed, History, make_feed
from sources.simulator.parties import BANKS
from sources.simulator.state import NEVER

_HOUR = 3600
_KINDS = ("LIMIT_SET", "BLOCK", "UNBLOCK", "UTILISE", "RELEASE")
_SECONDS = np.array([1800, 10 * _HOUR, 8 * _HOUR + 3500, 7 * _HOUR, 8 * _HOUR])
Ints = NDArray[np.int64]


def facility_events(history: History, ledger: Ledger, financings: Financings) -> Feed:
    """Limits are raised on the day that needs more room; a part is blocked while the core enterprise is in default.

    What financings take of a limit on a day and what repayments give back is one event each.
    """
    limits = _limit_rows(history, ledger)
    table = np.concatenate([limits, *_use_rows(history, ledger, financings)])
    # LIMIT_SET and the events of default keep the order in which they were decided; use follows
    day, place, kind, cents = table[np.argsort(table[:, 0], kind="stable")].T
    banks = len(BANKS)
    cores, funders = place // banks, place % banks
    world = history.world
    return make_feed(
        "platform.facility_event",
        day,
        {
            "facility_event_id": join("FE", labels("", day, 4), "-", labels("", running_number(day), 4)),
            "facility_id": facility_ids(cores, funders),
            "core_enterprise_id": pick(world.parties.cores.ids, cores),
            "funder_id": pick([code for code, _ in BANKS], funders),
            "event_type": pick(_KINDS, kind),
            "amount": decimals(cents),
            "currency": constant(CURRENCY, len(day)),
            "event_at": timestamps(world.timeline, day, _SECONDS[kind]),
        },
    )


def _use_rows(history: History, ledger: Ledger, financings: Financings) -> list[Ints]:
    """Day, facility, kind and cents of what was financed and repaid under each facility on each day."""
    edges, banks = history.world.network.edges, len(BANKS)
    facility = edges.root_core[financings.edge] * banks + funder_of(
        history, ledger.edge[ledger.root[financings.certificate]]
    )
    parts = []
    for kind, day in ((3, financings.day), (4, financings.repaid)):
        row = np.flatnonzero((day != NEVER) & (day <= history.last_day))
        size = len(history.world.parties.cores) * banks
        key, place = np.unique(day[row] * size + facility[row], return_inverse=True)
        cents = np.bincount(place, financings.principal[row], len(key)).astype(np.int64)
        parts.append(np.stack([key // size, key % size, np.full(len(key), kind), cents], axis=1))
    return parts


def _limit_rows(history: History, ledger: Ledger) -> Ints:
    """Day, facility, kind and cents of limits and what is blocked of them, in order of day."""
    world = history.world
    edges, banks = world.network.edges, len(BANKS)
    roots = np.flatnonzero(ledger.parent < 0)
    facility = edges.root_core[ledger.edge[roots]] * banks + funder_of(history, ledger.edge[roots])
    paid = roots[ledger.redeemed[roots] != NEVER]
    size = len(world.parties.cores) * banks
    days = history.last_day + 1
    flat = np.bincount(facility * days + ledger.made[roots], ledger.cents[roots], size * days)
    issued = flat.reshape(size, days)
    paid_facility = edges.root_core[ledger.edge[paid]] * banks + funder_of(history, ledger.edge[paid])
    flat = np.bincount(paid_facility * days + ledger.redeemed[paid], ledger.cents[paid], size * days)
    # room is needed for the day's issues before the day's redemptions free any
    peak = np.cumsum(issued, axis=1) - np.cumsum(flat.reshape(size, days), axis=1) + flat.reshape(size, days)
    defaults, redeems = history.journal.table("core_default"), history.journal.table("redeem")
    rows: list[tuple[int, int, int, int]] = []
    for number in range(size):
        core, bank = divmod(number, banks)
        if (bank - core) % banks > 1:
            continue
        limit = int(world.network.core_purchases[core, 0] / 100_000) * 1_000_000
        rows.append((0, number, 0, limit))
        blocked_until = -1
        starts = set(defaults["day"][defaults["core"] == core].tolist())
        ends = np.sort(redeems["day"][redeems["core"] == core])
        blocked = 0
        changes = np.flatnonzero(issued[number] > 0).tolist()
        for day in sorted(starts | set(changes)):
            if blocked and 0 <= blocked_until < day:
                rows.append((blocked_until, number, 2, blocked))
                blocked = 0
            need = int(peak[number, day]) + blocked
            if need > limit:
                limit = -(-int(need * 1.4) // 100_000_000) * 100_000_000
                rows.append((day, number, 0, limit))
            if day in starts and not blocked:
                blocked = min(limit // 10, limit - int(peak[number, day]))
                later = ends[ends > day]
                blocked_until = int(later[0]) if len(later) else -1
                if blocked > 0:
                    rows.append((day, number, 1, blocked))
        if blocked and blocked_until >= 0:
            rows.append((blocked_until, number, 2, blocked))
    return np.array(sorted(rows), dtype=np.int64).reshape(-1, 4)
