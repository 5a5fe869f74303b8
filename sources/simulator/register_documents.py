"""Entries in public registers: courts, penalties, changes of ownership, overdue bills."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sources.simulator.columns import constant, dates, join, labels, money, pick
from sources.simulator.feeds import CURRENCY, SCHEME, Feed, History, make_feed
from sources.simulator.hardship import ABNORMAL, DISHONEST, ENFORCED, INSOLVENT, SUED
from sources.simulator.state import NEVER
from sources.simulator.streams import Stream, Streams

_RECORD_OF_STAGE = {SUED: "LAWSUIT", ENFORCED: "ENFORCEMENT", DISHONEST: "DISHONEST_DEBTOR", INSOLVENT: "INSOLVENCY"}
_NOISE = (("LAWSUIT", 0.05), ("ADMIN_PENALTY", 0.10), ("LEGAL_REP_CHANGE", 0.06), ("SHAREHOLDER_CHANGE", 0.08))
_NOISE_LASTS_DAYS = 75
Record = tuple[int, int, str, int, float, int]


def public_records(history: History) -> Feed:
    """Entries as published and, as a later version, when they are lifted."""
    world = history.world
    records = sorted(
        [*_court_records(history), *_noise_records(history), *_bill_records(history)], key=lambda record: record[:5]
    )
    rows = [
        (day, number, day, party, kind, amount, NEVER)
        for number, (day, party, kind, _, amount, _) in enumerate(records)
    ]
    rows += [
        (closed, number, day, party, kind, amount, closed)
        for number, (day, party, kind, _, amount, closed) in enumerate(records)
        if closed != NEVER and closed <= history.last_day
    ]
    rows.sort(key=lambda row: (row[0], row[1]))
    version_day = np.array([row[0] for row in rows], dtype=np.int64)
    published = np.array([row[2] for row in rows], dtype=np.int64)
    party = np.array([row[3] for row in rows], dtype=np.int64)
    amount = np.array([row[5] for row in rows])
    closed = np.array([row[6] for row in rows], dtype=np.int64)
    numbers = np.concatenate([world.parties.suppliers.numbers, world.parties.cores.numbers])
    return make_feed(
        "external.public_record",
        version_day,
        {
            "public_record_id": _record_ids(records).take(pa.array([row[1] for row in rows], type=pa.int64())),
            "party_no": pick(numbers, party),
            "party_no_scheme": constant(SCHEME, len(rows)),
            "record_type": pa.array([row[4] for row in rows], type=pa.string()),
            "amount": pa.array(money(amount).to_pylist(), type=pa.decimal128(18, 2), mask=amount <= 0),
            "currency": constant(CURRENCY, len(rows)),
            "published_date": dates(world.timeline, published),
            "closed_date": dates(world.timeline, closed),
        },
        closed != NEVER,
    )


def _record_ids(records: list[Record]) -> pa.Array:
    """Identifiers by day of publication and order within it, so that a later day renumbers nothing."""
    day = np.array([record[0] for record in records], dtype=np.int64)
    first = np.searchsorted(day, day)
    return join("PR", labels("", day, 4), "-", labels("", np.arange(len(day)) - first + 1, 4))


def _court_records(history: History) -> list[Record]:
    """Records are (day, party, kind, order, amount, day lifted)."""
    change, tax = history.journal.table("legal_change"), history.journal.table("tax_change")
    records: list[Record] = []
    open_records: dict[int, list[Record]] = {}
    for day, supplier, new, amount in zip(
        change["day"].tolist(),
        change["supplier"].tolist(),
        change["new"].tolist(),
        change["amount"].tolist(),
        strict=True,
    ):
        if new == 0:
            records += [(*record[:5], day) for record in open_records.pop(supplier, [])]
            continue
        opened = [(day, supplier, _RECORD_OF_STAGE[new], new, amount, NEVER)]
        if new == DISHONEST:
            opened.append((day, supplier, "EQUITY_FREEZE", new, amount, NEVER))
        open_records.setdefault(supplier, []).extend(opened)
    abnormal: dict[int, Record] = {}
    for day, supplier, new in zip(tax["day"].tolist(), tax["supplier"].tolist(), tax["new"].tolist(), strict=True):
        if new == ABNORMAL:
            abnormal[supplier] = (day + 7, supplier, "ABNORMAL_OPERATION", 9, 0.0, NEVER)
        elif supplier in abnormal:
            record = abnormal.pop(supplier)
            records.append((*record[:5], max(day, record[0])))
    records += [record for group in open_records.values() for record in group]
    return [record for record in [*records, *abnormal.values()] if record[0] <= history.last_day]


def _noise_records(history: History) -> list[Record]:
    """Entries that have nothing to do with cash."""
    world = history.world
    count, streams = len(world.parties.suppliers), Streams(world.seed)
    records: list[Record] = []
    for day in range(history.last_day + 1):
        if not world.timeline.is_business_day(day):
            continue
        rng = streams.on(Stream.DOCUMENT, day)
        for order, (kind, per_year) in enumerate(_NOISE):
            for supplier in rng.integers(0, count, rng.poisson(per_year * count / 261)).tolist():
                amount = round(float(rng.lognormal(10.5, 0.8)), 2) if kind in ("LAWSUIT", "ADMIN_PENALTY") else 0.0
                closed = day + _NOISE_LASTS_DAYS if kind in ("LAWSUIT", "ADMIN_PENALTY") else NEVER
                records.append((day, supplier, kind, 20 + order, amount, closed))
    return records


def _bill_records(history: History) -> list[Record]:
    suppliers = len(history.world.parties.suppliers)
    defaults = history.journal.table("core_default")
    pairs = zip(defaults["day"].tolist(), defaults["core"].tolist(), strict=True)
    return [
        (day + 2, suppliers + core, "BILL_OVERDUE", 10, 0.0, NEVER)
        for day, core in pairs
        if day + 2 <= history.last_day
    ]
