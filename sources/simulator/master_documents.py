"""Master records of the platform: core enterprises, suppliers and the relations between legal entities."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sources.simulator.columns import constant, dates, decimals, join, labels, money, pick
from sources.simulator.feeds import CURRENCY, SCHEME, Feed, History, make_feed
from sources.simulator.hardship import INSOLVENT
from sources.simulator.parties import REGIONS, SECTORS, SIZE_CLASSES
from sources.simulator.state import NEVER
from sources.simulator.streams import Stream, Streams
from sources.simulator.vendor_documents import company_codes

_EXIT_AFTER_DAYS = 30
_HEADCOUNT_MONTH = 6
_ACTIVE, _FROZEN, _EXITED = 0, 1, 2
Ints = NDArray[np.int64]


def master_feeds(history: History) -> list[Feed]:
    """The platform's three feeds of master records."""
    return [_core_enterprises(history), _suppliers(history), _relations(history)]


def _core_enterprises(history: History) -> Feed:
    """The record on the first day; suspended while a certificate is unpaid."""
    world, cores = history.world, history.world.parties.cores
    count = len(cores)
    rows = [(np.zeros(count, np.int64), np.arange(count), np.zeros(count, np.int64))]
    defaults, redeems = history.journal.table("core_default"), history.journal.table("redeem")
    rows.append((defaults["day"], defaults["core"], np.ones(len(defaults["day"]), np.int64)))
    keys = np.sort(redeems["core"] * 10_000 + redeems["day"])
    position = np.searchsorted(keys, defaults["core"] * 10_000 + defaults["day"])
    found = keys[np.minimum(position, len(keys) - 1)] if len(keys) else defaults["core"] * 0 - 1
    ended = (position < len(keys)) & (found // 10_000 == defaults["core"])
    rows.append((found[ended] % 10_000, defaults["core"][ended], np.zeros(int(ended.sum()), np.int64)))
    day, core, status = (np.concatenate(column) for column in zip(*rows, strict=True))
    return make_feed(
        "platform.core_enterprise",
        day,
        {
            "core_enterprise_id": pick(cores.ids, core),
            "party_no": pick(cores.numbers, core),
            "party_no_scheme": constant(SCHEME, len(day)),
            "party_name": pick(cores.names, core),
            "company_code": pick(company_codes(history), core),
            "sector_code": pick([item.code for item in SECTORS], cores.sector[core]),
            "region_code": pick([code for code, _, _ in REGIONS], cores.region[core]),
            "registered_date": dates(world.timeline, world.parties.core_registered_day[core]),
            "programme_start_date": dates(world.timeline, np.zeros(len(day), np.int64)),
            "status": pick(["ACTIVE", "SUSPENDED"], status),
            "updated_date": dates(world.timeline, day),
        },
    )


def _suppliers(history: History) -> Feed:
    """The record at admission; versions at freezes, exits and the yearly count of insured staff."""
    world, parties = history.world, history.world.parties
    count, last = len(parties.suppliers), history.last_day
    admitted = np.flatnonzero(parties.onboarded_day <= last)
    rows: list[tuple[Ints, Ints, Ints, NDArray[np.float64]]] = []
    start = np.maximum(parties.onboarded_day[admitted], 0)
    rows.append((start, admitted, np.zeros(len(admitted), np.int64), np.ones(len(admitted))))
    freeze, legal = history.journal.table("freeze_change"), history.journal.table("legal_change")
    status_days: list[tuple[Ints, Ints, Ints]] = []
    status_days.append((freeze["day"], freeze["supplier"], freeze["new"]))
    ended = np.flatnonzero((legal["new"] == INSOLVENT) & (legal["day"] + _EXIT_AFTER_DAYS <= last))
    status_days.append(
        (
            legal["day"][ended] + _EXIT_AFTER_DAYS,
            legal["supplier"][ended],
            np.full(len(ended), _EXITED),
        )
    )
    for day, supplier, status in status_days:
        rows.append((day, supplier, status, np.ones(len(day))))
    base = parties.revenue / 365
    for snapshot in history.snapshots:
        if snapshot.day > 0 and world.timeline.date_of(snapshot.day).month == _HEADCOUNT_MONTH:
            everyone = np.arange(count)
            rows.append((np.full(count, snapshot.day), everyone, np.full(count, -1), snapshot.wage_rate / base))
    day, supplier, status, staff = (np.concatenate(column) for column in zip(*rows, strict=True))
    order = np.lexsort((status, day, supplier))
    day, supplier, status, staff = day[order], supplier[order], status[order], staff[order]
    status, since, staff = _carry(day, supplier, status, staff)
    keep = day >= parties.onboarded_day[supplier]
    # an exited firm has no further versions
    order = np.flatnonzero(keep)
    order = order[np.lexsort((supplier[order], day[order]))]
    day, supplier, status, since, staff = day[order], supplier[order], status[order], since[order], staff[order]
    columns = len(day)
    kyc = np.maximum(parties.onboarded_day[supplier], -300 + supplier % 290)
    return make_feed(
        "platform.supplier",
        day,
        {
            "supplier_id": pick(parties.suppliers.ids, supplier),
            "party_no": pick(parties.suppliers.numbers, supplier),
            "party_no_scheme": constant(SCHEME, columns),
            "supplier_name": pick(parties.suppliers.names, supplier),
            "sector_code": pick([item.code for item in SECTORS], parties.suppliers.sector[supplier]),
            "region_code": pick([code for code, _, _ in REGIONS], parties.suppliers.region[supplier]),
            "size_class": pick(SIZE_CLASSES, parties.size_class[supplier]),
            "registered_date": dates(world.timeline, parties.registered_day[supplier]),
            "registered_capital_amount": money(parties.registered_capital[supplier]),
            "paid_in_capital_amount": money(parties.paid_in_capital[supplier]),
            "currency": constant(CURRENCY, columns),
            "insured_headcount": np.maximum(1, np.rint(parties.headcount[supplier] * staff)).astype(np.int64),
            "legal_representative": pick(parties.legal_representative, supplier),
            "contact_phone": pick(parties.phone, supplier),
            "address": pick(parties.address, supplier),
            "settlement_account_no": pick(parties.suppliers.accounts, supplier),
            "kyc_date": dates(world.timeline, kyc),
            "onboarded_date": dates(world.timeline, parties.onboarded_day[supplier]),
            "has_bank_authorisation": parties.has_bank[supplier],
            "has_tax_authorisation": parties.has_tax[supplier],
            "status": pick(["ACTIVE", "FROZEN", "EXITED"], status),
            "status_date": dates(world.timeline, since),
            "updated_date": dates(world.timeline, day),
        },
    )


def _carry(
    day: Ints, supplier: Ints, status: Ints, staff: NDArray[np.float64]
) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """Fill each version with what it does not change: status with its first day, and the size of the staff."""
    status, staff, since = status.copy(), staff.copy(), day.copy()
    changes_staff = status == -1
    for row in range(1, len(day)):
        if supplier[row] != supplier[row - 1]:
            continue
        if status[row] == -1 or status[row - 1] == _EXITED:
            status[row], since[row] = status[row - 1], since[row - 1]
        if not changes_staff[row]:
            staff[row] = staff[row - 1]
    return np.maximum(status, _ACTIVE), since, staff


def _relations(history: History) -> Feed:
    """Ownership, officers, guarantees, shared addresses, and dependence on one core enterprise; all from the start."""
    world, parties = history.world, history.world.parties
    count, edges = len(parties.suppliers), world.network.edges
    rng = Streams(world.seed).on(Stream.MASTER)
    pairs: list[tuple[str, Ints, Ints, NDArray[np.float64]]] = []
    for kind, share in (("SHAREHOLDER", 0.04), ("OFFICER", 0.03), ("GUARANTOR", 0.06), ("PHONE", 0.01)):
        giver = rng.choice(count, max(2, round(share * count)), replace=False)
        taker = (giver + rng.integers(1, count, len(giver))) % count
        ratio = np.round(rng.uniform(0.1, 0.9, len(giver)), 4) if kind == "SHAREHOLDER" else np.full(len(giver), np.nan)
        pairs.append((kind, giver, taker, ratio))
    _, first, place = np.unique(parties.address, return_index=True, return_inverse=True)
    shared = np.flatnonzero(first[place] != np.arange(count))
    pairs.append(("ADDRESS", first[place][shared], shared, np.full(len(shared), np.nan)))
    to_core = np.arange(edges.core_edges)
    heavy = to_core[edges.volume[to_core, 0] > 0.5 * parties.revenue[edges.seller[to_core]]]
    numbers = np.concatenate([parties.suppliers.numbers, parties.cores.numbers])
    pairs.append(("DEPENDENCE", count + edges.buyer_core[heavy], edges.seller[heavy], np.full(len(heavy), np.nan)))
    kind = pa.concat_arrays([constant(name, len(giver)) for name, giver, _, _ in pairs])
    giver, taker, ratio = (np.concatenate([pair[place] for pair in pairs]) for place in (1, 2, 3))
    rows = len(giver)
    day = np.zeros(rows, dtype=np.int64)
    share_ratio = pc.if_else(
        pa.array(np.isnan(ratio)),
        pa.scalar(None, pa.decimal128(18, 6)),
        decimals(np.rint(np.nan_to_num(ratio) * 1e6).astype(np.int64), 6),
    )
    return make_feed(
        "platform.party_relation",
        day,
        {
            "relation_id": join("RL", labels("", np.arange(rows) + 1, 6)),
            "from_party_no": pick(numbers, giver),
            "from_party_no_scheme": constant(SCHEME, rows),
            "to_party_no": pick(numbers, taker),
            "to_party_no_scheme": constant(SCHEME, rows),
            "relation_type": kind,
            "share_ratio": share_ratio,
            "valid_from": dates(world.timeline, day),
            "valid_to": dates(world.timeline, np.full(rows, NEVER)),
        },
    )
