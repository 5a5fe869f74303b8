"""Decisions of people on records that only a person can place, each weeks or months after the record came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sources.simulator.columns import dates
from sources.simulator.feeds import SCHEME, Feed, History, make_feed
from sources.simulator.streams import Stream, Streams
from sources.simulator.vendor_documents import company_codes, trading_records, vendor_numbers

_DECIDED_SHARE = 0.5
_HARD = (
    "PARENT_NUMBER",
    "NO_NUMBER_SLIP",
    "NO_NUMBER_OLD_NAME",
    "NO_NUMBER_ENGLISH",
    "NO_NUMBER_NO_REGION_NO_ACCOUNT",
    "NO_NUMBER_SHORT_NO_ACCOUNT",
    "NO_NUMBER_SWAPPED_NO_ACCOUNT",
)
_OFFICERS = ("credit.officer.1", "credit.officer.2")
_FIRST_DAY, _LAST_DAY = 3, 900


@dataclass(frozen=True)
class _Decision:
    day: int
    vendor: str
    right_kind: str
    right_key: str
    verdict: str
    reason: str


def identity_decisions(history: History) -> Feed:
    """Half of the hard records are decided: who the vendor is, and whose number it wrongly carries."""
    world, codes, numbers = history.world, company_codes(history), vendor_numbers(history).to_pylist()
    firms, edges = world.parties.suppliers, world.network.edges
    rng = Streams(world.seed).on(Stream.IDENTITY, part=4)
    decisions = []
    hard = [
        (edge, record)
        for edge, record in trading_records(world)
        if record.day == 0 and record.trouble.startswith(_HARD)
    ]
    for place, (edge, record) in enumerate(hard):
        decided_day = int(rng.integers(_FIRST_DAY, _LAST_DAY))
        is_decided = rng.random() < _DECIDED_SHARE
        # the first is always decided, early, so that the smallest portfolio has a decision too
        if place == 0:
            decided_day, is_decided = _FIRST_DAY, True
        if not is_decided:
            continue
        vendor = f"{codes[record.core]}:{numbers[edge]}"
        if record.party_no is not None:
            why = "number of another firm of the group"
            decisions.append(_Decision(decided_day, vendor, SCHEME, record.party_no, "DIFFERENT", why))
        supplier = str(firms.ids[edges.seller[edge]])
        why = "contract and account papers were looked at"
        decisions.append(_Decision(decided_day, vendor, "platform.supplier", supplier, "SAME", why))
    decisions = sorted((d for d in decisions if d.day <= history.last_day), key=lambda d: d.day)
    day = np.array([decision.day for decision in decisions], dtype=np.int64)
    first = np.searchsorted(day, day)
    return make_feed(
        "platform.identity_decision",
        day,
        {
            "decision_id": pa.array(
                [
                    f"ID{when:04d}-{place}"
                    for when, place in zip(day.tolist(), (np.arange(len(day)) - first + 1).tolist(), strict=True)
                ],
                pa.string(),
            ),
            "left_kind": pa.array(["erp.vendor"] * len(day), pa.string()),
            "left_key": pa.array([decision.vendor for decision in decisions], pa.string()),
            "right_kind": pa.array([decision.right_kind for decision in decisions], pa.string()),
            "right_key": pa.array([decision.right_key for decision in decisions], pa.string()),
            "verdict": pa.array([decision.verdict for decision in decisions], pa.string()),
            "decided_by": pa.array([_OFFICERS[when % 2] for when in day.tolist()], pa.string()),
            "decided_date": dates(history.world.timeline, day),
            "reason": pa.array([decision.reason for decision in decisions], pa.string()),
        },
    )
