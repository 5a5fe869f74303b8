"""The promise of a feed: how old its newest delivery may be on a night, by the calendar of its deliverer.

It is the contract's ODCS service levels: ``frequency`` (a delivery at least every so many days), ``latency`` (days by
which one may be late) and, on the frequency, a cron ``schedule`` whose weekdays are those on which the deliverer works.
A feed without a frequency promises nothing: it is delivered when there is news.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

FEED_PROMISES = "feed_promises"
FEED_PROMISE_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("source", pa.string()),
        ("feed", pa.string()),
        ("promise", pa.string()),
        ("promised_date", pa.date32()),
    ]
)

_DAYS = {"d": 1, "day": 1, "days": 1, "w": 7, "week": 7, "weeks": 7, "y": 366, "yr": 366, "year": 366, "years": 366}
_NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_WEEK = frozenset(range(7))


@dataclass(frozen=True)
class ServiceLevel:
    """What the deliverer promised, in the words of ODCS: property, value, unit and schedule ('' without one)."""

    name: str
    value: str
    unit: str
    schedule: str = ""


@dataclass(frozen=True)
class DeliveryPromise:
    """A delivery at least every ``frequency_days`` on ``weekdays`` (Monday is 0), up to ``latency_days`` late."""

    frequency_days: int
    latency_days: int = 0
    weekdays: frozenset[int] = _WEEK

    def newest_due(self, as_of: date) -> date:
        """The date that the newest delivery has at least when the promise is kept on the night ``as_of``."""
        last = as_of - timedelta(days=self.latency_days)
        while last.weekday() not in self.weekdays:
            last -= timedelta(days=1)
        return last - timedelta(days=self.frequency_days - 1)

    @property
    def longest_silence_days(self) -> int:
        """Days that can pass between two deliveries while the promise is kept."""
        monday = date(2024, 1, 1)
        return max(
            (night - self.newest_due(night)).days + 1 for night in (monday + timedelta(days=n) for n in range(7))
        )

    def __str__(self) -> str:
        often = "every day" if self.frequency_days == 1 else f"every {self.frequency_days} days"
        if self.weekdays != _WEEK:
            named = ", ".join(_NAMES[day].title() for day in sorted(self.weekdays))
            often = f"every {named}" if self.frequency_days == 1 else f"{often} on {named}"
        if self.latency_days == 0:
            return often
        return f"{often}, up to {self.latency_days} day{'' if self.latency_days == 1 else 's'} late"


def delivery_promise(levels: Iterable[ServiceLevel]) -> DeliveryPromise | None:
    """The promise that service levels make; None without a frequency. ValueError says what is wrong with one."""
    by_name = {level.name: level for level in levels}
    frequency, latency = by_name.get("frequency"), by_name.get("latency")
    if frequency is None:
        if latency is not None:
            raise ValueError("latency needs a frequency beside it: a feed is late only by its calendar")
        return None
    days = _days(frequency)
    if days == 0:
        raise ValueError("frequency must be at least one day")
    weekdays = _weekdays(frequency.schedule) if frequency.schedule else _WEEK
    return DeliveryPromise(days, 0 if latency is None else _days(latency), weekdays)


def promise_table(as_of: date, promises: Mapping[tuple[str, str], DeliveryPromise | None]) -> pa.Table:
    """What each feed, by source and name, promised for a night, as an Arrow table of FEED_PROMISE_SCHEMA."""
    rows = [
        {
            "as_of_date": as_of,
            "source": source,
            "feed": feed,
            "promise": None if promise is None else str(promise),
            "promised_date": None if promise is None else promise.newest_due(as_of),
        }
        for (source, feed), promise in promises.items()
    ]
    return pa.Table.from_pylist(rows, schema=FEED_PROMISE_SCHEMA)


def _days(level: ServiceLevel) -> int:
    if not re.fullmatch("[0-9]{1,4}", level.value) or level.unit not in _DAYS:
        raise ValueError(f"{level.name} {level.value!r} {level.unit!r} is no whole number of days (unit d, w or y)")
    return int(level.value) * _DAYS[level.unit]


def _weekdays(schedule: str) -> frozenset[int]:
    """Weekdays of a cron schedule; its time of day says nothing here, and it may choose no days of a month."""
    fields = schedule.upper().split()
    if len(fields) != 5 or fields[2:4] != ["*", "*"]:
        raise ValueError(f"schedule {schedule!r} must be cron's five fields and choose weekdays alone, as 0 0 * * 1-5")
    days: set[int] = set()
    for part in fields[4].split(","):
        first, _, last = part.partition("-")
        bounds = [_weekday(name) for name in ((first, last) if last else (first, first))] if part != "*" else [0, 6]
        if None in bounds:
            raise ValueError(
                f"schedule {schedule!r}: {part!r} is no weekday; write 0-7 (0 and 7 are Sunday) or SUN-SAT"
            )
        begin, end = (day for day in bounds if day is not None)
        days |= {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    return frozenset(days)


def _weekday(name: str) -> int | None:
    """Monday is 0; cron's Sunday is 0 and 7."""
    if name in _NAMES:
        return _NAMES.index(name)
    return (int(name) - 1) % 7 if re.fullmatch("[0-7]", name) else None
