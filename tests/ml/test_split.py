from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import TrainingError
from ml.split import LONGEST_STRETCH, STRETCHES, split_by_entity, split_by_time

ORIGIN = date(2020, 1, 1)


@given(
    offsets=st.lists(st.integers(0, 1500), min_size=1, max_size=60),
    embargo=st.integers(0, 200),
    calibration=st.integers(1, 6),
    test=st.integers(1, 6),
)
def test_windows_keep_their_order_and_their_distance(
    offsets: list[int], embargo: int, calibration: int, test: int
) -> None:
    dates = [ORIGIN + timedelta(days=offset) for offset in offsets]
    distance = timedelta(days=max(embargo, 1))
    middle = [day for day in dates if day <= max(dates) - distance]
    oldest = [day for day in dates if middle and day <= max(middle) - distance]
    if not oldest:
        with pytest.raises(TrainingError, match="cannot be split"):
            split_by_time(Counter(dates), embargo_days=embargo, calibration_snapshots=calibration, test_snapshots=test)
        return
    split = split_by_time(Counter(dates), embargo_days=embargo, calibration_snapshots=calibration, test_snapshots=test)
    assert split.train
    assert split.calibration
    assert split.test
    assert split.calibration[0] - split.train[-1] >= distance
    assert split.test[0] - split.calibration[-1] >= distance
    assert split.test[-1] == max(dates)
    assert len(split.test) <= LONGEST_STRETCH * test
    assert len(split.calibration) <= LONGEST_STRETCH * calibration
    assert set(split.train + split.calibration + split.test) <= set(dates)


def test_a_long_history_gets_the_windows_asked_for() -> None:
    month_ends = [date(2024 + month // 12, month % 12 + 1, 28) for month in range(24)]
    split = split_by_time(Counter(month_ends), embargo_days=90, calibration_snapshots=3, test_snapshots=4)
    assert (len(split.calibration), len(split.test)) == (3, 4)
    assert len(split.train) >= 11


def test_a_short_history_shrinks_the_later_windows_first() -> None:
    month_ends = [date(2025, month, 28) for month in range(1, 13)]
    split = split_by_time(Counter(month_ends), embargo_days=90, calibration_snapshots=3, test_snapshots=4)
    assert len(split.train) >= len(split.calibration) + len(split.test)


def test_a_window_without_events_grows_until_it_has_them() -> None:
    month_ends = [date(2024 + month // 12, month % 12 + 1, 28) for month in range(24)]
    events = {day: 0 if day >= date(2025, 8, 1) else 2 for day in month_ends}
    split = split_by_time(
        Counter(month_ends), embargo_days=90, calibration_snapshots=3, test_snapshots=4, events=events, minimum_events=5
    )
    assert split.test[0] == date(2025, 5, 28)
    assert len(split.calibration) == 3
    with pytest.raises(TrainingError, match="with 38 events gives training, calibration and test 20 events each"):
        split_by_time(
            Counter(month_ends),
            embargo_days=90,
            calibration_snapshots=3,
            test_snapshots=4,
            events=events,
            minimum_events=20,
        )


def test_dates_of_every_day_are_cut_by_their_rows() -> None:
    """Loans begin on any day, and more of them in the later years: a window is a share of the rows, not some days."""
    days = [ORIGIN + timedelta(days=number) for number in range(3000)]
    rows = {day: 1 + number // 500 for number, day in enumerate(days)}
    split = split_by_time(rows, embargo_days=365, calibration_snapshots=3, test_snapshots=4)
    train, calibration, test = (
        sum(rows[day] for day in window) / sum(rows.values()) for window in (split.train, split.calibration, split.test)
    )
    assert test == pytest.approx(4 / STRETCHES, abs=0.01)
    assert calibration == pytest.approx(3 / STRETCHES, abs=0.03)
    assert train > 0.4
    assert split.test[0] - split.calibration[-1] >= timedelta(days=365)
    assert split.calibration[0] - split.train[-1] >= timedelta(days=365)


@given(st.data())
def test_a_group_is_never_torn_apart(data: st.DataObject) -> None:
    groups = np.array(data.draw(st.lists(st.sampled_from("ABCDEFGHIJ"), min_size=5, max_size=60)), dtype=object)
    labels = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(groups), max_size=len(groups))))
    part = split_by_entity(groups, labels, (0.5, 0.3, 0.2), seed=3)
    for group in np.unique(groups.astype(str)):
        assert len(np.unique(part[groups == group])) == 1


def test_groups_with_an_event_are_dealt_out_in_the_shares() -> None:
    groups = np.array([f"G{number}" for number in range(1000)], dtype=object)
    labels = (np.arange(1000) < 50).astype(float)
    part = split_by_entity(groups, labels, (0.6, 0.2, 0.2), seed=3)
    assert np.bincount(part[labels == 1]).tolist() == [30, 10, 10]
    assert np.bincount(part).tolist() == [600, 200, 200]
