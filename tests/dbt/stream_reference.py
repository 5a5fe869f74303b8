"""What a stream of events comes to on a day, straight from what was known by then: the model of the models.

Written from the definitions and not from the SQL: no intervals, no ledger, no incremental step. Of each row the newest
version counts; a certificate counts once it, the event that made it and its parent are known; an event counts once
every certificate that it names is. What a certificate passes on is what its parts have. Amounts are whole cents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from tests.dbt.stream_delivery import Version

TECHNICAL_DELAY = timedelta(days=7)
# most days past due of the buckets of ageing before the last, the first being what is not due
BUCKETS = (0, 30, 60, 90, 120)
Row = dict[str, Any]


@dataclass(frozen=True)
class Position:
    """Where the face of a certificate stands."""

    face: int
    available: int
    frozen: int
    financed: int
    passed_on: int
    redeemed: int
    written_off: int
    cancelled: int

    @property
    def held(self) -> int:
        return self.available + self.frozen + self.financed


class Knowledge:
    """All that was known of a stream by the end of a day."""

    def __init__(self, versions: Sequence[Version], day: date) -> None:
        self.day = day
        self._known = [version for version in versions if version.known_date <= day]

    def rows(self, feed: str, with_withdrawn: bool = False) -> dict[str, Row]:
        """Newest content of each row of a feed."""
        newest: dict[str, Version] = {}
        # versions are delivered in order; of two of one day the later counts
        for version in sorted(self._known, key=lambda version: version.known_date):
            if version.feed == feed:
                newest[version.key] = version
        return {k: v.content for k, v in newest.items() if with_withdrawn or not v.is_withdrawn}

    @cached_property
    def certificates(self) -> dict[str, Row]:
        """Certificates in the ledger, those that were withdrawn included, by their last content."""
        rows = self.rows("platform.certificate", with_withdrawn=True)
        made = {
            (version.content["certificate_id"], version.content["child_certificate_id"])
            for version in self._known
            if version.feed == "platform.certificate_event"
        }

        def is_open(key: str) -> bool:
            parent = rows[key]["parent_certificate_id"] if key in rows else None
            return key in rows and (parent is None or ((parent, key) in made and is_open(parent)))

        return {key: row for key, row in rows.items() if is_open(key)}

    @cached_property
    def events(self) -> list[Row]:
        """Events in force, in the order in which they happened."""
        seen = self.rows("platform.certificate", with_withdrawn=True)
        return sorted(
            (
                row
                for row in self.rows("platform.certificate_event").values()
                if row["certificate_id"] in self.certificates
                and (row["child_certificate_id"] is None or row["child_certificate_id"] in seen)
            ),
            key=lambda row: (row["occurred_at"], row["certificate_event_id"]),
        )

    @cached_property
    def positions(self) -> dict[str, Position]:
        """Position of every certificate in the ledger."""
        standing = self.rows("platform.certificate")
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for event in self.events:
            sums[event["certificate_id"]][event["event_type"]] += event["amount"]
        positions = {}
        for key in self.certificates:
            moved = sums[key]
            face = standing[key]["face_amount"] if key in standing else 0
            passed_on = sum(
                standing[part]["face_amount"]
                for part, row in self.certificates.items()
                if row["parent_certificate_id"] == key and part in standing
            )
            held = face - passed_on - moved["REDEEMED"] - moved["WRITTEN_OFF"] - moved["CANCELLED"]
            financed = max(min(moved["FINANCED"] - moved["FINANCE_REPAID"], held), 0)
            frozen = max(min(moved["FROZEN"] - moved["UNFROZEN"], held - financed), 0)
            positions[key] = Position(
                face,
                held - financed - frozen,
                frozen,
                financed,
                passed_on,
                moved["REDEEMED"],
                moved["WRITTEN_OFF"],
                moved["CANCELLED"],
            )
        return positions

    def due_date(self, key: str) -> date:
        """Due date that holds: the one agreed last, else the one last stated by a version that stands."""
        extensions = [e for e in self.events if e["certificate_id"] == key and e["event_type"] == "EXTENDED"]
        if extensions:
            return extensions[-1]["new_due_date"]
        stated = [
            v
            for v in sorted(self._known, key=lambda v: v.known_date)
            if v.feed == "platform.certificate" and v.key == key and not v.is_withdrawn
        ]
        return stated[-1].content["due_date"]

    def state(self, key: str) -> str:
        """State by events."""
        position, events = self.positions[key], [e for e in self.events if e["certificate_id"] == key]
        kinds = [event["event_type"] for event in events]
        if position.face == 0:
            return "WITHDRAWN"
        if position.held > 0:
            if self.certificates[key]["parent_certificate_id"] is None and "ACCEPTED" not in kinds:
                return "ISSUED"
            if position.frozen == position.held:
                return "FROZEN"
            return "FINANCED" if position.financed else "HELD"
        if position.passed_on:
            return "SPLIT" if sum(kind in ("SPLIT", "TRANSFERRED") for kind in kinds) > 1 else "TRANSFERRED"
        if position.written_off:
            return "WRITTEN_OFF"
        if position.redeemed:
            last = max(event["occurred_at"].date() for event in events if event["event_type"] == "REDEEMED")
            return "RECOVERED" if last > self.due_date(key) + TECHNICAL_DELAY else "REDEEMED"
        return "CANCELLED"

    # --- rows of the marts, by key

    def certificate_position(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        """Received, available, frozen, financed, passed on, redeemed, written off, cancelled by holder."""
        totals: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * 8)
        for key, row in self.certificates.items():
            position, parent = self.positions[key], self.certificates.get(row["parent_certificate_id"])
            is_kept = parent is not None and parent["holder_id"] == row["holder_id"]
            parts = (
                0 if is_kept else position.face,
                position.available,
                position.frozen,
                position.financed,
                position.passed_on - (position.face if is_kept else 0),
                position.redeemed,
                position.written_off,
                position.cancelled,
            )
            total = totals[(row["root_certificate_id"], row["holder_id"])]
            total[:] = [a + b for a, b in zip(total, parts, strict=True)]
        return _without_zeros(totals)

    def certificate_state(self) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """State and due date of each certificate."""
        return {(key,): (self.state(key), self.due_date(key)) for key in self.certificates}

    def ageing_daily(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        """Open amount and its buckets by core enterprise, holder and currency."""
        totals: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * 7)
        for key, row in self.certificates.items():
            if held := self.positions[key].held:
                days = (self.day - self.due_date(key)).days
                bucket = next((n for n, last in enumerate(BUCKETS, start=1) if days <= last), len(BUCKETS) + 1)
                total = totals[(row["core_enterprise_id"], row["holder_id"], row["currency"])]
                total[0] += held
                total[bucket] += held
        return {key: tuple(total) for key, total in totals.items()}

    def tier_penetration_daily(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        """Held, available, frozen, financed, overdue and defaulted by holder and tier."""
        totals: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * 6)
        for key, row in self.certificates.items():
            position = self.positions[key]
            if position.held:
                is_open, due = position.held > 0 and position.face != 0, self.due_date(key)
                parts = (
                    position.held,
                    position.available,
                    position.frozen,
                    position.financed,
                    position.held if is_open and self.day > due else 0,
                    position.held if is_open and self.day > due + TECHNICAL_DELAY else 0,
                )
                total = totals[(row["core_enterprise_id"], row["holder_id"], row["tier"], row["currency"])]
                total[:] = [a + b for a, b in zip(total, parts, strict=True)]
        return {key: tuple(total) for key, total in totals.items()}

    @cached_property
    def outstanding(self) -> dict[str, int]:
        """Outstanding principal of each financing that stands."""
        repaid: dict[str, int] = defaultdict(int)
        for row in self.rows("platform.repayment").values():
            repaid[row["financing_id"]] += row["amount"]
        return {key: row["principal_amount"] - repaid[key] for key, row in self.rows("platform.financing").items()}

    def exposure_daily(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        """Outstanding, overdue and recourse principal and days past due by supplier and funder."""
        totals: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * 4)
        for key, row in self.rows("platform.financing").items():
            if amount := self.outstanding[key]:
                days = max((self.day - row["due_date"]).days, 0)
                total = totals[(row["core_enterprise_id"], row["supplier_id"], row["funder_id"], row["currency"])]
                total[0] += amount
                total[1] += amount if days else 0
                total[2] += amount if row["has_recourse"] else 0
                total[3] = max(total[3], days)
        return {key: tuple(total) for key, total in totals.items()}

    def limit_daily(self) -> dict[tuple[Any, ...], tuple[int | None, ...]]:
        """Limit, utilised, blocked and free by facility."""
        limits: dict[str, list[Any]] = {}
        for row in sorted(self.rows("platform.facility_event").values(), key=lambda row: row["event_at"]):
            limit = limits.setdefault(row["facility_id"], [None, 0, 0])
            if row["event_type"] == "LIMIT_SET":
                limit[0] = row["amount"]
            else:
                limit[2] += row["amount"] if row["event_type"] == "BLOCK" else -row["amount"]
        for key, row in self.rows("platform.financing").items():
            if self.outstanding[key]:
                limits.setdefault(row["facility_id"], [None, 0, 0])[1] += self.outstanding[key]
        return {
            (facility,): (limit, used, blocked, None if limit is None else limit - used - blocked)
            for facility, (limit, used, blocked) in limits.items()
        }


def _without_zeros(totals: dict[tuple[Any, ...], list[int]]) -> dict[tuple[Any, ...], tuple[int, ...]]:
    return {key: tuple(total) for key, total in totals.items() if any(total)}
