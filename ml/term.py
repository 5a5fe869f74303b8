"""PD over longer horizons: each adds the chance of distress after the shorter one, so it can never be smaller.

With `q` the calibrated probability of an event between two horizons of a supplier that had none before,
`pd(longer) = pd(shorter) + (1 - pd(shorter)) * q`. Both factors rise with the raw score, so every horizon orders
suppliers alike and the reasons hold for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ml.calibration import PD_DECIMALS, PD_FLOOR, Calibration, fit_calibration

Floats = NDArray[np.float64]

# Days of the longer horizons that a score table has a column for.
LATER_HORIZONS = (180, 365)


class LaterHorizon(BaseModel):
    """`curve` gives the probability of an event after the next shorter horizon and within `days`, given none before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: int
    curve: Calibration


@dataclass(frozen=True)
class TermRows:
    """Rows with out-of-sample raw scores: `labels` of the first horizon and of each later one, NaN where not known."""

    raw_scores: Floats
    labels: Floats
    later: Mapping[int, Floats]


def fit_term(rows: TermRows, minimum_events: int) -> tuple[tuple[LaterHorizon, ...], dict[int, str]]:
    """The curves that the rows can carry, shortest first, and for each other horizon why there is none."""
    curves: list[LaterHorizon] = []
    refused: dict[int, str] = {}
    free_of_event = rows.labels == 0
    for days in sorted(rows.later):
        outcome = rows.later[days]
        usable = free_of_event & ~np.isnan(outcome)
        events = int(outcome[usable].sum())
        if min(events, int(usable.sum()) - events) < minimum_events:
            refused[days] = f"{events} events in {int(usable.sum())} rows whose {days} days were over"
            continue
        curves.append(LaterHorizon(days=days, curve=fit_calibration(rows.raw_scores[usable], outcome[usable])))
        free_of_event &= outcome == 0
    return tuple(curves), refused


def later_probabilities(first: Floats, raw_scores: Floats, curves: Sequence[LaterHorizon]) -> dict[int, Floats]:
    """PD of each later horizon, shape (rows,), 8 decimals, none smaller than the one before."""
    found: dict[int, Floats] = {}
    shorter = first
    for horizon in curves:
        longer = shorter + (1.0 - shorter) * horizon.curve.probability(raw_scores)
        # a PD is below 1, whatever the horizon
        shorter = np.minimum(np.round(longer, PD_DECIMALS), 1.0 - PD_FLOOR)
        found[horizon.days] = shorter
    return found
