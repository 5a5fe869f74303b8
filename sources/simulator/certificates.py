"""From positions to certificates: who made which, every event of its life, what was financed and by whom repaid.

A certificate that is passed on in part ends on the day it was made; its children are one for each recipient and a
remainder for the holder. All descendants of a root are made on the root's day of issue, and an edge issues once a day,
so each (edge, day made) has one original and at most one remainder. Due days do not tell an edge's certificates apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sources.simulator.columns import (
    join,
    labels,
    pick,
    to_cents,
)
from sources.simulator.feeds import History
from sources.simulator.parties import BANKS
from sources.simulator.state import NEVER

_DAY_SPAN = 4096
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Ledger:
    """Certificates in order of making, one entry each; amounts in cents, ``parent``/``root`` are positions in it.

    ``ended`` marks certificates that were split or transferred; ``redeemed`` is the day of redemption or NEVER.
    """

    edge: Ints
    due: Ints
    made: Ints
    cents: Ints
    parent: Ints
    root: Ints
    is_remainder: NDArray[np.bool_]
    ended: NDArray[np.bool_]
    redeemed: Ints

    def ids(self, index: Ints) -> pa.Array:
        """Certificate identifiers; -1 gives null."""
        text = labels("CT", np.maximum(index, 0) + 1, 8)
        return pc.if_else(pa.array(index < 0), pa.scalar(None, pa.string()), text)


@dataclass(frozen=True)
class Financings:
    """Financings in order of day: certificate position, cents, and when and by whom they were repaid."""

    certificate: Ints
    edge: Ints
    day: Ints
    due: Ints
    principal: Ints
    interest: Ints
    fee: Ints
    repaid: Ints
    by_supplier: NDArray[np.bool_]


def build_ledger(history: History) -> Ledger:
    """Number certificates in order of day, root before children."""
    edges, journal = history.world.network.edges, history.journal
    issue, transfer = journal.table("issue"), journal.table("transfer")
    tier = history.world.parties.tier
    edge = np.concatenate([issue["edge"], transfer["edge"]])
    due = np.concatenate([issue["due"], transfer["due"]])
    made = np.concatenate([issue["day"], transfer["day"]])
    cents = to_cents(np.concatenate([issue["amount"], transfer["amount"]]))
    feed = np.where(edges.feed[edge] >= 0, edges.feed[edge], edge)
    # remainders: one for each certificate from which something was passed on
    passed = np.arange(len(issue["edge"]), len(edge))
    key = edge * _DAY_SPAN + made
    wanted = feed[passed] * _DAY_SPAN + made[passed]
    source_key, place = np.unique(wanted, return_inverse=True)
    order = np.argsort(key, kind="stable")
    source = order[np.searchsorted(key[order], source_key)]
    passed_cents = np.bincount(place, cents[passed], len(source)).astype(np.int64)
    parent = np.full(len(edge), -1, dtype=np.int64)
    parent[passed] = source[place]
    originals = len(edge)
    edge, due = np.concatenate([edge, edge[source]]), np.concatenate([due, due[source]])
    made = np.concatenate([made, made[source]])
    cents = np.concatenate([cents, cents[source] - passed_cents])
    parent = np.concatenate([parent, source])
    remainder = np.arange(len(edge)) >= originals
    level = tier[edges.seller[edge]] + remainder
    order = np.lexsort((edge, remainder, level, made))
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    parent = np.where(parent[order] >= 0, position[parent[order]], -1)
    root = np.where(parent >= 0, parent, np.arange(len(parent)))
    for _ in range(4):
        root = root[root]
    ended = np.zeros(len(order), dtype=bool)
    ended[parent[parent >= 0]] = True
    edge, due = edge[order], due[order]
    redeemed = _next_day(journal.table("redeem"), "core", edges.root_core[edge], due)
    return Ledger(edge, due, made[order], cents[order], parent, root, remainder[order], ended, redeemed)


def _next_day(events: dict[str, Ints], who: str, wanted: Ints, not_before: Ints) -> Ints:
    """Day of the first event of that party on or after a day; NEVER when there is none yet."""
    if not len(events["day"]):
        return np.full(len(wanted), NEVER)
    keys = np.sort(events[who] * _DAY_SPAN + events["day"])
    position = np.searchsorted(keys, wanted * _DAY_SPAN + not_before)
    found = keys[np.minimum(position, len(keys) - 1)]
    same = (position < len(keys)) & (found // _DAY_SPAN == wanted)
    return np.where(same, found % _DAY_SPAN, NEVER)


def build_financings(history: History, ledger: Ledger) -> Financings:
    """Every financing with its repayment: by the core enterprise at redemption, or by an earlier buy-back."""
    edges, journal = history.world.network.edges, history.journal
    table = journal.table("finance")
    leaf = np.flatnonzero(~ledger.ended)
    key = ledger.edge[leaf] * _DAY_SPAN + ledger.made[leaf]
    order = np.argsort(key, kind="stable")
    certificate = leaf[order][np.searchsorted(key[order], table["edge"] * _DAY_SPAN + table["issued"])]
    redeemed = ledger.redeemed[certificate]
    bought = _next_day(journal.table("buy_back"), "edge", table["edge"], table["due"])
    by_supplier = edges.has_recourse[table["edge"]] & (bought != NEVER) & ((redeemed == NEVER) | (bought < redeemed))
    return Financings(
        certificate,
        table["edge"],
        table["day"],
        table["due"],
        to_cents(table["amount"]),
        to_cents(table["interest"]),
        to_cents(table["fee"]),
        np.where(by_supplier, bought, redeemed),
        by_supplier,
    )


def funder_of(history: History, edge: Ints) -> Ints:
    """Position of the bank that funds an edge: each core enterprise has two."""
    return (history.world.network.edges.root_core[edge] + history.world.network.edges.seller[edge] % 2) % len(BANKS)


def facility_ids(core: Ints, bank: Ints) -> pa.Array:
    """One facility for each core enterprise and bank."""
    return join(labels("FAC", core + 1, 3), "-", pick([code for code, _ in BANKS], bank))
