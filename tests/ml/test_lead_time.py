from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from ml.backtest.lead_time import lead_time
from ml.backtest.stability import stability

MONTH_ENDS = [date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]


def forecasts(**grades: list[int | None]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"as_of_date": day, "supplier_id": supplier, "grade": grade, "pd": (grade or 0) / 20}
            for supplier, row in grades.items()
            for day, grade in zip(MONTH_ENDS, row, strict=True)
            if grade is not None
        ]
    )


def events(**days: date) -> pd.DataFrame:
    return pd.DataFrame({"supplier_id": list(days), "distress_date": list(days.values())})


@pytest.mark.parametrize(
    ("grades", "days"),
    [
        ([1, 9, 9, 10], 59),
        ([9, 9, 9, 9], 90),
        ([9, 9, 1, 9], 0),
        ([9, 9, 9, 1], 90),
        ([9, None, None, 9], 0),
    ],
    ids=["from the third", "from the first", "lapsed", "the day itself says nothing", "not scored between"],
)
def test_a_warning_counts_from_where_it_lasted(grades: list[int | None], days: int) -> None:
    struck = date(2026, 3, 31)
    found = lead_time(forecasts(A=grades, B=[1, 1, 1, 1]), events(A=struck), warning_grade=9)
    assert found.events == 1
    # the snapshot of the day of the event itself is no warning
    assert found.warned == (days > 0)
    if days:
        assert found.median_days is not None
        assert found.median_days.value == days


def test_events_without_warning_pull_the_median_of_all_down() -> None:
    rows = forecasts(A=[9, 9, 9, 9], B=[1, 1, 1, 1], C=[1, 1, 1, 9], D=[1, 1, 1, 1])
    struck = date(2026, 4, 10)
    found = lead_time(rows, events(A=struck, B=struck, C=struck), warning_grade=9)
    assert (found.events, found.warned) == (3, 2)
    assert found.median_days is not None
    assert found.median_days_of_all is not None
    assert found.warned_share is not None
    assert found.median_days.value == (100 + 10) / 2
    assert found.median_days_of_all.value == 10
    assert found.warned_share.low <= 2 / 3 <= found.warned_share.high
    assert found.flagged_share == 5 / 16


def test_a_second_event_is_judged_by_what_was_said_before_it() -> None:
    rows = forecasts(A=[9, None, 9, 9])
    both = pd.DataFrame({"supplier_id": ["A", "A"], "distress_date": [date(2026, 1, 5), date(2026, 4, 1)]})
    found = lead_time(rows, both, warning_grade=9)
    assert (found.events, found.warned) == (2, 2)
    assert found.median_days is not None
    assert found.median_days.value == (5 + 32) / 2


def test_without_events_nothing_is_claimed() -> None:
    found = lead_time(forecasts(A=[1, 1, 1, 1]), events(A=date(2028, 1, 1)), warning_grade=9)
    assert (found.events, found.median_days, found.warned_share) == (0, None, None)
    none = lead_time(forecasts(A=[1, 1, 1, 1]).iloc[:0], events(A=date(2026, 4, 1)), warning_grade=9)
    assert none.flagged_share is None


def test_stability_compares_who_is_in_both() -> None:
    months = stability(forecasts(A=[1, 1, 1, 1], B=[2, 4, 4, 4], C=[None, None, 5, 6]))
    assert months[0].psi is None
    assert (months[1].same_share, months[1].far_share) == (0.5, 0.5)
    assert (months[2].same_share, months[2].far_share) == (1.0, 0.0)
    assert months[1].psi is not None
    assert months[1].psi > 0
    assert months[3].rows == 3
