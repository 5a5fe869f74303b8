"""Calendar of a run: day numbers, business days, seasons. Day 0 is the start date; earlier days are negative."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

WARM_UP_DAYS = 364
_EPOCH = date(1970, 1, 1).toordinal()

# Output relative to the year's mean by calendar month; the dip is the Spring Festival.
_SEASON_BUILDING = (0.80, 0.55, 0.95, 1.05, 1.10, 1.10, 1.05, 1.05, 1.08, 1.10, 1.12, 1.05)
_SEASON_OTHER = (0.95, 0.75, 1.00, 1.00, 1.02, 1.02, 1.00, 1.02, 1.04, 1.05, 1.08, 1.07)


@dataclass(frozen=True)
class Timeline:
    """Turns day numbers into dates and back."""

    start: date

    def date_of(self, day: int) -> date:
        """Date of a day number."""
        return self.start + timedelta(days=day)

    def day_of(self, when: date) -> int:
        """Day number of a date."""
        return (when - self.start).days

    def epoch(self, days: NDArray[np.int64] | int) -> NDArray[np.int32]:
        """Day numbers as days since 1970-01-01, the representation of an Arrow date32."""
        return (np.asarray(days) + self.start.toordinal() - _EPOCH).astype(np.int32)

    def weekday(self, day: int) -> int:
        """0 is Monday."""
        return (self.start.weekday() + day) % 7

    def is_business_day(self, day: int) -> bool:
        """Monday to Friday."""
        return self.weekday(day) < 5

    def business_day_in_month(self, day: int) -> int:
        """1 for the first business day of the month; 0 on a weekend."""
        if not self.is_business_day(day):
            return 0
        first = day - self.date_of(day).day + 1
        return sum(self.is_business_day(other) for other in range(first, day + 1))

    def is_month_end(self, day: int) -> bool:
        """True on the last calendar day of a month."""
        return self.date_of(day + 1).day == 1

    def next_business_day(self, days: NDArray[np.int64]) -> NDArray[np.int64]:
        """The day itself, or the Monday after a weekend."""
        weekday = (self.start.weekday() + days) % 7
        return days + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))

    def days_moved_to(self, day: int) -> NDArray[np.int64]:
        """The days whose next business day is the business day ``day``: a Monday takes in its weekend."""
        return np.arange(day - 2 if self.weekday(day) == 0 else day, day + 1)

    def season(self, day: int) -> tuple[float, float]:
        """Seasonal factor of the building sectors and of the others."""
        month = self.date_of(day).month - 1
        return _SEASON_BUILDING[month], _SEASON_OTHER[month]


def add_months(when: date, months: int) -> date:
    """First of the month that lies ``months`` after the month of ``when``."""
    index = when.year * 12 + when.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
