"""Faults of delivery, and the list of them. A fault depends on seed, feed and delivery day only.

In daily deliveries a broken row takes the place of a row that follows intact on the next day; in history a broken copy
stands beside the intact row. Certificates, their events and financing are the funder's own ledger: no row is broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import pyarrow as pa

from sources.contract import Column, Contract
from sources.simulator.streams import Stream, Streams


class Fault(Enum):
    """What is wrong, and what the night should make of it."""

    LATE = "LATE_FILE"
    REPEATED = "REPEATED_FILE"
    MALFORMED = "QUARANTINED"
    DUPLICATE = "DUPLICATE"
    RESTATED = "RESTATED"


UNTOUCHED = frozenset({"platform.certificate", "platform.certificate_event"})
WHOLE_FILES_ONLY = frozenset(
    {
        "platform.financing",
        "platform.repayment",
        "platform.facility_event",
        "bank.transaction",
        "platform.core_enterprise",
        "bank.account",
    }
)
# a master record that comes late would replace the newer one
NEVER_LATE = frozenset(
    {
        "tax.taxpayer",
        "erp.vendor",
        "external.public_record",
        "platform.financing",
        "platform.repayment",
        "platform.facility_event",
        "platform.core_enterprise",
        "bank.transaction",
        "bank.account",
        "platform.supplier",
        "platform.party_relation",
    }
)
_SPACING_DAYS = 4
_LONGEST_DELAY_DAYS = 3
_SHARE = {Fault.LATE: 0.07, Fault.REPEATED: 0.08, Fault.MALFORMED: 0.30, Fault.DUPLICATE: 0.22}
_HISTORY_SHARE = {Fault.REPEATED: 0.03, Fault.MALFORMED: 0.25, Fault.DUPLICATE: 0.20}
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True)
class Plan:
    """The fault of one file: its kind, the days until it comes (again), and the draws that choose rows."""

    fault: Fault
    delay: int
    draws: tuple[float, ...]


@dataclass(frozen=True)
class Entry:
    """One line of the truth list; ``row_no`` counts data records from 1, None for a whole file."""

    source: str
    feed: str
    delivery_date: object
    file: str
    row_no: int | None
    fault: str
    expected: str


def plan_daily(streams: Streams, feed: str, feed_number: int, day: int) -> Plan | None:
    """The fault of a feed's file for delivery ``day``; faulty days of a feed lie at least four days apart."""
    if feed in UNTOUCHED or (day + feed_number) % _SPACING_DAYS:
        return None
    return _draw(streams, feed, feed_number, day, _SHARE)


def plan_history(streams: Streams, feed: str, feed_number: int, day: int, is_text: bool) -> Plan | None:
    """The fault of a monthly history file; only text can hold a broken row."""
    if feed in UNTOUCHED:
        return None
    plan = _draw(streams, feed, feed_number, day, _HISTORY_SHARE)
    if plan is None or (plan.fault is Fault.MALFORMED and not is_text):
        return None
    return plan


def _draw(streams: Streams, feed: str, feed_number: int, day: int, shares: dict[Fault, float]) -> Plan | None:
    draws = streams.on(Stream.FAULT, day, part=feed_number).random(12).tolist()
    chance, bound = draws[0], 0.0
    for fault, share in shares.items():
        bound += share
        if chance < bound:
            if fault is Fault.LATE and feed in NEVER_LATE:
                return None
            if fault in (Fault.MALFORMED, Fault.DUPLICATE) and feed in WHOLE_FILES_ONLY:
                return None
            return Plan(fault, 1 + int(draws[1] * _LONGEST_DELAY_DAYS), tuple(draws[2:]))
    return None


def chosen_rows(plan: Plan, count: int) -> list[int]:
    """One row in about 300, at least one and at most six, in ascending order."""
    wanted = min(6, 1 + count // 300, count)
    return sorted({int(draw * count) for draw in plan.draws[:wanted]})


def with_copies(plan: Plan, count: int) -> tuple[list[int], list[int]]:
    """Row order with each chosen row twice in succession, and the places of the second copies."""
    chosen = set(chosen_rows(plan, count))
    order = [row for row in range(count) for _ in range(2 if row in chosen else 1)]
    return order, [place for place in range(1, len(order)) if order[place] == order[place - 1]]


def break_line(line: str, columns: list[Column], plan: Plan, salt: int) -> tuple[str, str]:
    """A broken form of one delimited record without quotes, and the name of what was done to it."""
    fields = line.split(",")
    kinds = ["BAD_NUMBER", "BAD_DATE", "BAD_CODE", "MISSING_FIELD", "BAD_CHECK_DIGIT", "EXTRA_FIELD", "SHORT_RECORD"]
    start = int(plan.draws[6 + salt % 4] * len(kinds))
    for offset in range(len(kinds)):
        kind = kinds[(start + offset) % len(kinds)]
        broken = _break(fields, columns, kind)
        if broken is not None:
            return ",".join(broken), kind
    raise ValueError(f"no way to break the record {line!r}: its contract has neither types nor required columns")


def _break(fields: list[str], columns: list[Column], kind: str) -> list[str] | None:
    if kind == "EXTRA_FIELD":
        return [*fields, "X"]
    if kind == "SHORT_RECORD":
        return fields[:-1]
    for place, column in enumerate(columns):
        value = fields[place]
        if kind == "MISSING_FIELD" and column.required and value:
            return [*fields[:place], "", *fields[place + 1 :]]
        replacement = _replacement(value, column, kind) if value else None
        if replacement is not None:
            return [*fields[:place], replacement, *fields[place + 1 :]]
    return None


def _replacement(value: str, column: Column, kind: str) -> str | None:
    if kind == "BAD_NUMBER" and (pa.types.is_decimal(column.arrow_type) or pa.types.is_integer(column.arrow_type)):
        return value[:-1] + "O"
    if kind == "BAD_DATE" and pa.types.is_date(column.arrow_type):
        return value.split("/")[0] + "/2/30" if "/" in value else value[:4] + "-02-30"
    if kind == "BAD_CODE" and column.allowed_values and not column.name.endswith("_scheme"):
        return "UNKNOWN"
    if kind == "BAD_CHECK_DIGIT" and column.number_scheme is not None:
        return value[:-1] + _ALPHABET[(_ALPHABET.index(value[-1]) + 7) % len(_ALPHABET)]
    return None


def plain_columns(contract: Contract) -> list[Column]:
    """The contract's columns in the order of a file with its own names."""
    return list(contract.columns)


def row_fault(feed: str, when: object, file: str, row_no: int | None, fault: str, expected: Fault) -> Entry:
    """A line of the truth list."""
    source, name = feed.split(".")
    return Entry(source, name, when, file, row_no, fault, expected.value)


def as_table(entries: list[Entry]) -> pa.Table:
    """The truth list as a table, in order of delivery."""
    schema = pa.schema(
        [
            ("source", pa.string()),
            ("feed", pa.string()),
            ("delivery_date", pa.date32()),
            ("file", pa.string()),
            ("row_no", pa.int64()),
            ("fault", pa.string()),
            ("expected", pa.string()),
        ]
    )
    ordered = sorted(entries, key=lambda e: (str(e.delivery_date), e.source, e.feed, e.file, e.row_no or 0))
    return pa.Table.from_pylist([vars(entry) for entry in ordered], schema=schema)


def take_rows(table: pa.Table, rows: list[int]) -> pa.Table:
    """Rows by position."""
    return table.take(pa.array(np.array(rows, dtype=np.int64)))
