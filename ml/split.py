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


def split_by_time(
    dates: Sequence[date],
    *,
    embargo_days: int,
    calibration_snapshots: int,
    test_snapshots: int,
    events: Mapping[date, int] | None = None,
    minimum_events: int = 0,
) -> TimeSplit:
    """train | embargo | calibration | embargo | test, the test window being the newest.

    The embargo is as long as the label's horizon: the last outcome a window learns from is over before the first row
    of the next window is looked at. The two later windows get the snapshots asked for where the history carries them.
    On a short one they shrink until training keeps at least as many snapshots as both together; where a window holds
    fewer than `minimum_events` (`events` per snapshot), it grows.

    Raises:
        TrainingError: there are not three snapshots an embargo apart, or no cut gives every window its events.
    """
    ordered = sorted(set(dates))
    embargo = timedelta(days=max(embargo_days, 1))
    sizes = itertools.product(
        range(1, LONGEST_STRETCH * calibration_snapshots + 1), range(1, LONGEST_STRETCH * test_snapshots + 1)
    )
    cuts = [
        (split, abs(calibration - calibration_snapshots) + abs(test - test_snapshots))
        for calibration, test in sizes
        if (split := _cut(ordered, embargo, calibration, test))
    ]
    if not cuts:
        span = (ordered[-1] - ordered[0]).days if ordered else 0
        raise TrainingError(
            f"{len(ordered)} labelled snapshots over {span} days cannot be split into training, calibration and test "
            "with "
            f"{embargo_days} days between them; bring a history of at least {2 * embargo_days} labelled days."
        )
    known = events or {}

    def fewest_events(split: TimeSplit) -> int:
        return min(sum(known.get(day, 0) for day in window) for window in (split.train, split.calibration, split.test))

    def preference(cut: tuple[TimeSplit, int]) -> tuple[bool, bool, int]:
        split, distance = cut
        is_balanced = len(split.train) >= len(split.calibration) + len(split.test)
        return fewest_events(split) >= minimum_events, is_balanced, -distance

    best = max(cuts, key=preference)[0]
    if fewest_events(best) < minimum_events:
        raise TrainingError(
            f"No cut of {len(ordered)} labelled snapshots with {sum(known.values())} events gives training, "
            "calibration and "
            f"test {minimum_events} events each with {embargo_days} days between them; bring a longer history or more "
            "suppliers."
        )
    return best


def _cut(ordered: list[date], embargo: timedelta, calibration: int, test: int) -> TimeSplit | None:
    if calibration + test >= len(ordered):
        return None
    newest = ordered[-test:]
    middle = ordered[: bisect_right(ordered, newest[0] - embargo)][-calibration:]
    oldest = ordered[: bisect_right(ordered, middle[0] - embargo)] if middle else []
    return TimeSplit(tuple(oldest), tuple(middle), tuple(newest)) if oldest else None


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
    snapshots, at = np.unique(dates, return_inverse=True)
    per_snapshot = np.bincount(at, weights=labels, minlength=len(snapshots)).astype(int).tolist()
    days: list[date] = snapshots.tolist()
    split = split_by_time(
        days, events=dict(zip(days, per_snapshot, strict=True)), minimum_events=minimum_events, **asked
    )

    def within(window: tuple[date, ...]) -> NDArray[np.intp]:
        return np.flatnonzero(np.isin(dates, np.asarray(window, dtype="datetime64[D]")))

    return WindowPlaces(within(split.train), within(split.calibration), within(split.test))


def entity_places(groups: NDArray[np.object_], labels: NDArray[np.float64], seed: int) -> WindowPlaces:
    """Three windows of entities for a large table of one date: 60, 20 and 20 % of the groups."""
    part = split_by_entity(groups, labels, ENTITY_SHARES, seed)
    return WindowPlaces(*(np.flatnonzero(part == number) for number in range(3)))
