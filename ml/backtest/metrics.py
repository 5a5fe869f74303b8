"""Discrimination and calibration of PDs on known outcomes, with bootstrap intervals.

The bootstrap draws suppliers, not rows: one supplier's consecutive snapshots share most of their label window, and
drawing rows would make the intervals too narrow.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import betaincinv

from ml.calibration import GradeScale

Floats = NDArray[np.float64]

WORST_SHARE = 0.05
BIN_COUNT = 10
RESAMPLES = 200
COVERAGE = 0.95


class Interval(BaseModel):
    """A figure with its 95 % bootstrap interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float


class CalibrationBin(BaseModel):
    """Forecast against outcome in one bin; `low` and `high` bound the rate by Jeffreys' interval (rows as
    independent)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    rows: int
    events: int
    mean_pd: float
    rate: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the forecast lies within the interval of the rate."""
        if self.mean_pd < self.low:
            return "too low"
        return "too high" if self.mean_pd > self.high else "within"


class Evaluation(BaseModel):
    """What a set of PDs was worth on one set of rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    events: int
    groups: int
    auc: Interval
    ks: Interval
    average_precision: Interval
    brier: Interval
    ece: Interval
    capture_worst_5pct: Interval
    bins: tuple[CalibrationBin, ...]
    grades: tuple[CalibrationBin, ...]


class _Ranked:
    """Rows sorted from the highest PD down, with the ends of runs of equal PD: every figure is a weighted sum over
    them."""

    def __init__(self, labels: Floats, pd: Floats) -> None:
        self.order = np.argsort(-pd, kind="stable")
        self.labels, self.pd = labels[self.order], pd[self.order]
        self.run_end = np.append(np.diff(self.pd) != 0, True)
        self.bin = equal_mass_bins(self.pd)

    def figures(self, weights: Floats) -> Floats:
        """auc, KS, average precision, Brier, ECE, capture; NaN where the drawn rows hold one class only."""
        hit, miss = weights * self.labels, weights * (1.0 - self.labels)
        hits = np.concatenate(([0.0], np.cumsum(hit)[self.run_end]))
        misses = np.concatenate(([0.0], np.cumsum(miss)[self.run_end]))
        if hits[-1] == 0 or misses[-1] == 0:
            return np.full(6, np.nan)
        seen = hits + misses
        auc = np.trapezoid(hits, misses) / (hits[-1] * misses[-1])
        ks = np.max(hits / hits[-1] - misses / misses[-1])
        steps = np.diff(hits) / hits[-1]
        taken = seen[1:] > 0
        precision = (steps[taken] * hits[1:][taken] / seen[1:][taken]).sum()
        brier = (weights * (self.pd - self.labels) ** 2).sum() / seen[-1]
        gaps = np.bincount(self.bin, weights=weights * (self.pd - self.labels), minlength=BIN_COUNT)
        capture = np.interp(WORST_SHARE * seen[-1], seen, hits) / hits[-1]
        return np.array([auc, ks, precision, brier, np.abs(gaps).sum() / seen[-1], capture])


def equal_mass_bins(pd: Floats, count: int = BIN_COUNT) -> NDArray[np.intp]:
    """Bin 0..count-1 of each PD, bins holding about equally many rows; equal PDs share a bin."""
    first_rank = np.searchsorted(np.sort(pd), pd, side="left")
    return (first_rank * count // max(len(pd), 1)).astype(np.intp)


def calibration_bins(
    labels: Floats, pd: Floats, bins: NDArray[np.integer], name: Callable[[int], str]
) -> tuple[CalibrationBin, ...]:
    """Forecast against outcome per bin number; empty bins are left out."""
    found = []
    for number in np.unique(bins):
        rows = bins == number
        count, events = int(rows.sum()), int(labels[rows].sum())
        low, high = betaincinv(events + 0.5, count - events + 0.5, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        found.append(
            CalibrationBin(
                name=name(int(number)),
                rows=count,
                events=events,
                mean_pd=float(pd[rows].mean()),
                rate=events / count,
                low=float(low) if events else 0.0,
                high=float(high) if events < count else 1.0,
            )
        )
    return tuple(found)


def evaluate(
    labels: Floats,
    pd: Floats,
    groups: NDArray[np.object_],
    *,
    scale: GradeScale,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Figures over all rows together, snapshots pooled.

    Args:
        labels: 0.0 or 1.0, both present.
        pd: forecast probabilities of the same rows.
        groups: the supplier of each row, the unit of the bootstrap.

    `ks` is the largest distance between the shares of events and of others found (Kolmogorov-Smirnov); `ece` the mean
    absolute gap between forecast and rate over ten equal-mass bins; `capture_worst_5pct` the share of events among the
    5 % of rows with the highest PD.
    """
    events = int(labels.sum())
    if events in (0, len(labels)):
        raise ValueError(
            f"Evaluation saw {events} events in {len(labels)} rows; it needs rows with and without an event."
        )
    ranked = _Ranked(labels, pd)
    names, member = np.unique(groups.astype(str), return_inverse=True)
    member = member[ranked.order]
    generator = np.random.default_rng(seed)
    whole = ranked.figures(np.ones(len(labels)))
    drawn = np.empty((resamples, len(whole)))
    for resample in range(resamples):
        counts = np.bincount(generator.integers(0, len(names), len(names)), minlength=len(names))
        drawn[resample] = ranked.figures(counts[member].astype(np.float64))
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    spread = (
        np.quantile(drawn, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2], axis=0) if len(drawn) else np.stack([whole] * 2)
    )
    figures = [
        Interval(value=float(v), low=float(low), high=float(high)) for v, low, high in zip(whole, *spread, strict=True)
    ]
    return Evaluation(
        rows=len(labels),
        events=events,
        groups=len(names),
        auc=figures[0],
        ks=figures[1],
        average_precision=figures[2],
        brier=figures[3],
        ece=figures[4],
        capture_worst_5pct=figures[5],
        bins=calibration_bins(labels, pd, equal_mass_bins(pd), lambda number: f"{number + 1} of {BIN_COUNT}"),
        grades=calibration_bins(labels, pd, scale.grades(pd), str),
    )
