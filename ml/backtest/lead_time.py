"""How long before the event the watch list had the supplier.

A warning that lapsed is none: the days count from the first snapshot of the unbroken run of warnings that lasted until
the event. An event without such a run was not warned of. Snapshots are months apart, so the days are too few by half a
month on average, never too many.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ml.backtest.metrics import COVERAGE, RESAMPLES, Interval

Floats = NDArray[np.float64]

# A warning of more than a year ago was of something else.
LOOK_BACK_DAYS = 365

# Snapshots further apart than this are not one run: the supplier was not scored between them.
LONGEST_GAP_DAYS = 45


class LeadTime(BaseModel):
    """Events that had a forecast within `LOOK_BACK_DAYS` before, and how many the warnings reached in time.

    `median_days` is over the warned events, `median_days_of_all` over all with 0 for the others; `flagged_share` is
    the part of all forecasts at or above the grade of the warning, what the warnings cost.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    warning_grade: int
    events: int
    warned: int
    warned_share: Interval | None
    median_days: Interval | None
    median_days_of_all: Interval | None
    flagged_share: float | None


def lead_time(
    forecasts: pd.DataFrame, events: pd.DataFrame, *, warning_grade: int, seed: int = 0, resamples: int = RESAMPLES
) -> LeadTime:
    """Days from first warning to event.

    Args:
        forecasts: as_of_date, supplier_id, grade; one row per snapshot and supplier that was scored.
        events: supplier_id, distress_date.
        warning_grade: from this grade a supplier is on the watch list.
    """
    flagged = float((forecasts["grade"] >= warning_grade).mean()) if len(forecasts) else None
    days = _days_warned(forecasts, events, warning_grade)
    if days.empty:
        none: dict[str, None] = {"warned_share": None, "median_days": None, "median_days_of_all": None}
        return LeadTime(warning_grade=warning_grade, events=0, warned=0, flagged_share=flagged, **none)
    names, member = np.unique(days["supplier_id"].to_numpy(str), return_inverse=True)
    values = days["days"].to_numpy(np.float64)
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, 3))
    for resample in range(resamples):
        counts = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        drawn[resample] = _figures(np.repeat(values, counts[member]))
    share, median, median_of_all = (
        _interval(value, drawn[:, column]) for column, value in enumerate(_figures(values).tolist())
    )
    return LeadTime(
        warning_grade=warning_grade,
        events=len(values),
        warned=int((values > 0).sum()),
        warned_share=share,
        median_days=median,
        median_days_of_all=median_of_all,
        flagged_share=flagged,
    )


def _days_warned(forecasts: pd.DataFrame, events: pd.DataFrame, warning_grade: int) -> pd.DataFrame:
    """supplier_id and days per event with a forecast before it; 0 where no warning lasted until it."""
    rows = events.merge(forecasts, on="supplier_id")
    rows["before"] = _days_between(rows["as_of_date"], rows["distress_date"])
    rows = rows[rows["before"].between(1, LOOK_BACK_DAYS)].sort_values(["supplier_id", "distress_date", "before"])
    event = rows.groupby(["supplier_id", "distress_date"], sort=False)
    # from the event backwards: the run ends where a snapshot carries no warning or is missing
    gap = rows["before"] - event["before"].shift(fill_value=0)
    broken = (rows["grade"] < warning_grade) | (gap > LONGEST_GAP_DAYS)
    lasting = ~broken.groupby([rows["supplier_id"], rows["distress_date"]], sort=False).cummax()
    rows["days"] = rows["before"].where(lasting, 0)
    found = rows.groupby(["supplier_id", "distress_date"], sort=False)["days"].max().reset_index()
    return found[["supplier_id", "days"]]


def _days_between(earlier: pd.Series[date], later: pd.Series[date]) -> pd.Series[int]:
    return (pd.to_datetime(later) - pd.to_datetime(earlier)).dt.days


def _figures(days: Floats) -> Floats:
    """Share warned, median of the warned (NaN without any), median of all."""
    warned = days[days > 0]
    return np.array([len(warned) / len(days), np.median(warned) if len(warned) else np.nan, np.median(days)])


def _interval(value: float, drawn: Floats) -> Interval | None:
    if np.isnan(value):
        return None
    low, high = np.nanquantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(value=value, low=float(low), high=float(high))


def graded(forecasts: pa.Table, grades: NDArray[np.int32]) -> pd.DataFrame:
    """The forecasts of a walk-forward as `lead_time` takes them."""
    return pd.DataFrame(
        {
            "as_of_date": forecasts.column("as_of_date").to_pandas(),
            "supplier_id": forecasts.column("supplier_id").to_pandas(),
            "grade": grades,
        }
    )
