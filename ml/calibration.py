"""From a raw score (log-odds as the booster sees them) to a probability, a grade and a score.

Beta calibration (Kull, Silva Filho, Flach 2017) in log-odds: with p the raw probability,
`logit(pd) = a * ln p - b * ln(1 - p) + c`, a and b positive. Their positivity makes the curve strictly increasing,
so the order of PDs is the order of raw scores and a reason that raises the raw score raises the PD.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import expit, logit

from ml.errors import TrainingError

Floats = NDArray[np.float64]

PD_FLOOR = 1e-5
PD_DECIMALS = 8

# Standard deviation of ln a and ln b around 0 (the raw score as it is). A few hundred events outweigh it; a handful
# cannot bend the curve and only shift it.
PRIOR_SPREAD = 0.5


class Calibration(BaseModel):
    """The fitted curve and what it was fitted on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = "beta"
    a: float = Field(gt=0)
    b: float = Field(gt=0)
    c: float
    floor: float = Field(default=PD_FLOOR, gt=0, lt=0.01)
    rows: int
    events: int

    def probability(self, raw_scores: Floats) -> Floats:
        """PD in (floor, 1 - floor), strictly increasing in the raw score up to the rounding at 8 decimals."""
        curve = self.a * -np.logaddexp(0.0, -raw_scores) + self.b * np.logaddexp(0.0, raw_scores) + self.c
        # squeezed instead of clipped, so that the ends keep their order
        squeezed: Floats = self.floor + (1.0 - 2.0 * self.floor) * expit(curve)
        return np.round(squeezed, PD_DECIMALS)


def fit_calibration(raw_scores: Floats, labels: Floats) -> Calibration:
    """Maximum a posteriori fit of the beta curve on rows later than those the raw scores were learned from.

    Raises:
        TrainingError: the rows hold one class only, or the fit does not converge.
    """
    events = int(labels.sum())
    if events in (0, len(labels)):
        raise TrainingError(
            f"Calibration saw {events} events in {len(labels)} rows; it needs rows with and without one."
        )
    log_p, log_q = -np.logaddexp(0.0, -raw_scores), -np.logaddexp(0.0, raw_scores)

    def objective(parameters: Floats) -> tuple[float, Floats]:
        slopes = np.exp(parameters[:2])
        curve = slopes[0] * log_p - slopes[1] * log_q + parameters[2]
        loss = np.logaddexp(0.0, curve).sum() - (labels * curve).sum()
        error = expit(curve) - labels
        gradient = np.array([slopes[0] * (error @ log_p), -slopes[1] * (error @ log_q), error.sum()])
        gradient[:2] += parameters[:2] / PRIOR_SPREAD**2
        return float(loss + 0.5 * (parameters[:2] ** 2).sum() / PRIOR_SPREAD**2), gradient

    # only training fits; a night should not wait a second for the import
    from scipy.optimize import minimize

    start = np.array([0.0, 0.0, float(logit(events / len(labels)) - logit(expit(raw_scores).mean()))])
    bounds = [(-3.0, 3.0), (-3.0, 3.0), (-20.0, 20.0)]
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
    if not found.success:
        raise TrainingError(f"The calibration curve did not converge ({found.message}); look at the raw scores.")
    log_a, log_b, c = (float(value) for value in found.x)
    return Calibration(a=float(np.exp(log_a)), b=float(np.exp(log_b)), c=c, rows=len(labels), events=events)


class GradeScale(BaseModel):
    """Ten grades between fixed PD edges, 1 the best, and a score of 0-1000, 1000 the best.

    Each grade is twice as likely to end in distress as the one before it. Edges are part of the model, so a grade
    means the same from night to night. `points_at_anchor` are given at `anchor_pd`; halving the odds adds
    `points_to_halve`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    upper_edges: tuple[float, ...] = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256)
    anchor_pd: float = 0.032
    points_at_anchor: int = 600
    points_to_halve: int = 40

    @model_validator(mode="after")
    def _edges_rise(self) -> GradeScale:
        if len(self.upper_edges) != 9 or not np.all(np.diff((0.0, *self.upper_edges, 1.0)) > 0):
            raise ValueError("a grade scale needs nine rising PD edges between 0 and 1")
        return self

    def grades(self, pd: Floats) -> NDArray[np.int32]:
        """1 to 10; a PD on an edge belongs to the worse grade."""
        return (np.searchsorted(np.asarray(self.upper_edges), pd, side="right") + 1).astype(np.int32)

    def scores(self, pd: Floats) -> NDArray[np.int32]:
        """0 to 1000, never higher for a higher PD."""
        doublings = (logit(pd) - logit(self.anchor_pd)) / np.log(2.0)
        points: Floats = np.round(self.points_at_anchor - self.points_to_halve * doublings)
        return np.clip(points, 0, 1000).astype(np.int32)
