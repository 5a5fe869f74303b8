"""Splits that a model can be judged by: by time with an embargo, or by entity where a table has no time."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ml.errors import TrainingError


@dataclass(frozen=True)
class TimeSplit:
    """Snapshot dates of the three windows, oldest first. Between two windows lies at least the embargo."""

    train: tuple[date, ...]
    calibration: tuple[date, ...]
    test: tuple[date, ...]


# On a portfolio with few events a later window may grow up to this multiple of the snapshots asked for.
LONGEST_STRETCH = 3

# A table of more dates has no snapshots: loans begin on any day. Its dates are taken together in so many stretches of
# about as many rows each, and a stretch stands for a snapshot.
MOST_SNAPSHOTS = 60
STRETCHES = 40


def split_by_time(
    dates: Mapping[date, int],
    *,
    embargo_days: int,
    calibration_snapshots: int,
    test_snapshots: int,
    events: Mapping[date, int] | None = None,
    minimum_events: int = 0,
) -> TimeSplit:
    """train | embargo | calibration | embargo | test, the test window being the newest; `dates` with their rows.

    The embargo is as long as the label's horizon: the last outcome a window learns from is over before the first row
    of the next window is looked at. The two later windows get the snapshots asked for where the history carries them.
    On a short one they shrink until training keeps at least as many snapshots as both together; where a window holds
    fewer than `minimum_events` (`events` per snapshot), it grows.

    Raises:
        TrainingError: there are not three snapshots an embargo apart, or no cut gives every window its events.
    """
    ordered = sorted(dates)
    snapshots = _snapshots(ordered, dates)
    embargo = timedelta(days=max(embargo_days, 1))
    sizes = itertools.product(
        range(1, LONGEST_STRETCH * calibration_snapshots + 1), range(1, LONGEST_STRETCH * test_snapshots + 1)
    )
    cuts = [
        (split, abs(calibration - calibration_snapshots) + abs(test - test_snapshots))
        for calibration, test in sizes
        if (split := _cut(snapshots, embargo, calibration, test))
    ]
    if not cuts:
        span = (ordered[-1] - ordered[0]).days if ordered else 0
        raise TrainingError(
            f"{len(ordered)} labelled snapshots over {span} days cannot be split into training, calibration and test "
            f"with {embargo_days} days between them; bring a history of at least {2 * embargo_days} labelled days, or "
            'judge by entities (split="entity").'
        )
    known = events or {}
    snapshot_of = {day: number for number, days in enumerate(snapshots) for day in days}

    def weight(window: tuple[date, ...]) -> int:
        return len({snapshot_of[day] for day in window})

    def fewest_events(split: TimeSplit) -> int:
        return min(sum(known.get(day, 0) for day in window) for window in (split.train, split.calibration, split.test))

    def preference(cut: tuple[TimeSplit, int]) -> tuple[bool, bool, int]:
        split, distance = cut
        is_balanced = weight(split.train) >= weight(split.calibration) + weight(split.test)
        return fewest_events(split) >= minimum_events, is_balanced, -distance

    best = max(cuts, key=preference)[0]
    if fewest_events(best) < minimum_events:
        raise TrainingError(
            f"No cut of {len(ordered)} labelled snapshots with {sum(known.values())} events gives training, "
            f"calibration and test {minimum_events} events each with {embargo_days} days between them; bring a longer "
            'history or more rows, or judge by entities (split="entity").'
        )
    return best


def _snapshots(ordered: Sequence[date], rows: Mapping[date, int]) -> list[tuple[date, ...]]:
    """The dates of each snapshot, or of each stretch where they are too many."""
    if len(ordered) <= MOST_SNAPSHOTS:
        return [(day,) for day in ordered]
    total, before = sum(rows.values()), 0
    stretches: dict[int, list[date]] = {}
    for day in ordered:
        stretches.setdefault(before * STRETCHES // total, []).append(day)
        before += rows[day]
    return [tuple(days) for days in stretches.values()]


def _cut(snapshots: list[tuple[date, ...]], embargo: timedelta, calibration: int, test: int) -> TimeSplit | None:
    if calibration + test >= len(snapshots):
        return None
    newest = snapshots[-test:]
    middle = _over_by(snapshots, newest[0][0] - embargo)[-calibration:]
    oldest = _over_by(snapshots, middle[0][0] - embargo) if middle else []
    if not oldest:
        return None
    train, between, last = (tuple(day for days in window for day in days) for window in (oldest, middle, newest))
    return TimeSplit(train, between, last)


def _over_by(snapshots: list[tuple[date, ...]], day: date) -> list[tuple[date, ...]]:
    return snapshots[: bisect_right(snapshots, day, key=lambda days: days[-1])]


def split_by_entity(
    groups: NDArray[np.object_], labels: NDArray[np.float64], shares: Sequence[float], seed: int
) -> NDArray[np.intp]:
    """Part number of each row: all rows of a group fall into one part, groups with an event are dealt out evenly.

    `shares` sum to 1 and give the expected size of each part in groups.
    """
    names, member = np.unique(groups.astype(str), return_inverse=True)
    has_event = np.bincount(member, weights=labels, minlength=len(names)) > 0
    generator = np.random.default_rng(seed)
    part = np.empty(len(names), dtype=np.intp)
    bounds = np.cumsum(shares)[:-1]
    for stratum in (has_event, ~has_event):
        chosen = generator.permutation(np.flatnonzero(stratum))
        position = (np.arange(len(chosen)) + 0.5) / max(len(chosen), 1)
        part[chosen] = np.searchsorted(bounds, position, side="right")
    return part[member]


Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


def folds_by_entity(groups: NDArray[np.object_], labels: NDArray[np.float64], folds: int, seed: int) -> list[Fold]:
    """Row places to learn from and to judge by, one pair a fold; each row is judged once, by no kin of its group.

    Raises:
        TrainingError: fewer groups with an event, or without one, than folds.
    """
    part = split_by_entity(groups, labels, [1.0 / folds] * folds, seed)
    found = [(np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(folds)]
    for learned, held in found:
        if any(
            labels[rows].min(initial=1.0) == labels[rows].max(initial=0.0) or len(rows) == 0 for rows in (learned, held)
        ):
            raise TrainingError(
                f"{len(np.unique(groups.astype(str)))} groups with {int(labels.sum())} events in {len(labels)} rows "
                f"cannot be dealt out to {folds} folds with both outcomes in each; use fewer folds or bring more rows."
            )
    return found


ENTITY_SHARES = (0.6, 0.2, 0.2)


@dataclass(frozen=True)
class WindowPlaces:
    """Row places of each window."""

    train: NDArray[np.intp]
    calibration: NDArray[np.intp]
    test: NDArray[np.intp]


def window_places(
    dates: NDArray[np.datetime64], labels: NDArray[np.float64], *, minimum_events: int, **asked: int
) -> WindowPlaces:
    """The rows of the windows of `split_by_time`, which takes the other arguments."""
    snapshots, at, rows = np.unique(dates, return_inverse=True, return_counts=True)
    per_snapshot = np.bincount(at, weights=labels, minlength=len(snapshots)).astype(int).tolist()
    days: list[date] = snapshots.tolist()
    split = split_by_time(
        dict(zip(days, rows.tolist(), strict=True)),
        events=dict(zip(days, per_snapshot, strict=True)),
        minimum_events=minimum_events,
        **asked,
    )

    def within(window: tuple[date, ...]) -> NDArray[np.intp]:
        return np.flatnonzero(np.isin(dates, np.asarray(window, dtype="datetime64[D]")))

    return WindowPlaces(within(split.train), within(split.calibration), within(split.test))


def entity_places(groups: NDArray[np.object_], labels: NDArray[np.float64], seed: int) -> WindowPlaces:
    """Three windows of entities for a large table of one date: 60, 20 and 20 % of the groups."""
    part = split_by_entity(groups, labels, ENTITY_SHARES, seed)
    return WindowPlaces(*(np.flatnonzero(part == number) for number in range(3)))
