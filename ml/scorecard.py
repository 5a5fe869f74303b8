"""The transparent challenger: a logistic model on binned features that fits on a page of points.

Each feature is cut into at most seven bins, missing values in a bin of their own. A bin's weight of evidence is the log
of its odds of an event over the odds of all rows, shrunk where the bin is small; where the registry gives a direction,
neighbouring bins are pooled until the weights run that way. A logistic regression on the weights with coefficients of
at least 0 keeps those directions, so the card is monotone by construction. Siddiqi, "Credit Risk Scorecards" (2006).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from inspect import getfullargspec

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.special import chdtri, expit, logit

from ml.dataset import Dataset, Floats, Matrix
from ml.errors import ModelFolderError, TrainingError
from ml.features import Feature
from ml.trees import booster_names

KIND = "scorecard"

# Quantile cuts before pooling; a bin keeps at least this share of the known values.
MOST_BINS = 7

# A bin's event rate is drawn towards the rate of all rows with the strength of this many rows.
SHRINKAGE_ROWS = 50.0

# Weight of the quadratic penalty on the coefficients, per row: correlated features share the evidence.
PENALTY = 1e-4

# Information value below which a feature is left off the card (Siddiqi: "unpredictive"). Noise earns some too: as
# with the PSI, it is (1/events + 1/others) times a chi-square, and a feature must exceed what one in a hundred would.
LEAST_INFORMATION = 0.02
CHANCE_OF_NOISE = 0.01
MOST_FEATURES = 30

POINTS_TO_DOUBLE = 40.0


class CardFeature(BaseModel):
    """One line of the card: bin i holds cuts[i-1] < value <= cuts[i], the last entry of `weights` the missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cuts: tuple[float, ...]
    weights: tuple[float, ...]
    shares: tuple[float, ...]
    information: float
    information_of_noise: float
    coefficient: float


class Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    intercept: float
    features: dict[int, CardFeature]


@dataclass(frozen=True)
class ScorecardEstimator:
    """A fitted card, known by its JSON text."""

    text: str

    kind = KIND

    @cached_property
    def card(self) -> Card:
        try:
            return Card.model_validate_json(self.text)
        except ValidationError as error:
            raise ModelFolderError(f"model.txt is not a scorecard ({error.errors()[0]['msg']}); retrain it.") from None

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of all inputs in matrix order, those off the card too."""
        return self.card.names

    @property
    def summary(self) -> str:
        return f"scorecard of {len(self.card.features)} features in {sum(len(f.weights) for f in self._lines)} bins"

    @property
    def _lines(self) -> list[CardFeature]:
        return list(self.card.features.values())

    def raw_scores(self, matrix: Matrix) -> Floats:
        """Log-odds before calibration, shape (rows,)."""
        parts, base = self.contributions(matrix)
        total: Floats = base + parts.sum(axis=1)
        return total

    def contributions(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """Each feature's part against the average training row, (rows, features), and the base value (rows,)."""
        parts = np.zeros(matrix.shape)
        base = self.card.intercept
        for place, line in self.card.features.items():
            effect = line.coefficient * np.asarray(line.weights)
            average = float(np.asarray(line.shares) @ effect)
            parts[:, place] = effect[_bins(matrix[:, place], line.cuts)] - average
            base += average
        return parts, np.full(len(matrix), base)

    def importance(self) -> Floats:
        """Spread of each feature's part over the training window (standard deviation), shape (features,)."""
        spread = np.zeros(len(self.card.names))
        for place, line in self.card.features.items():
            effect, shares = line.coefficient * np.asarray(line.weights), np.asarray(line.shares)
            spread[place] = np.sqrt(shares @ (effect - shares @ effect) ** 2)
        return spread

    def points(self) -> pa.Table:
        """The card as people read it: feature, bin from (exclusive) and to (inclusive), share of rows, points.

        Points fall with risk: 40 fewer double the odds of distress. A null bound is open, both null are the missing.
        The points of one row and `base_points` add up to its score before calibration.
        """
        rows: list[dict[str, object]] = []
        for place, line in self.card.features.items():
            bounds = [None, *line.cuts, None]
            ranges = [*itertools.pairwise(bounds), (None, None)]
            for number, ((low, high), weight, share) in enumerate(zip(ranges, line.weights, line.shares, strict=True)):
                rows.append(
                    {
                        "feature": self.card.names[place],
                        "is_missing": number == len(line.weights) - 1,
                        "above": low,
                        "up_to": high,
                        "share": share,
                        "points": _points(line.coefficient * weight),
                    }
                )
        return pa.Table.from_pylist(rows, schema=POINTS_SCHEMA)

    @property
    def base_points(self) -> float:
        return _points(self.card.intercept)


POINTS_SCHEMA = pa.schema(
    [
        ("feature", pa.string()),
        ("is_missing", pa.bool_()),
        ("above", pa.float64()),
        ("up_to", pa.float64()),
        ("share", pa.float64()),
        ("points", pa.float64()),
    ]
)


def _points(log_odds: float) -> float:
    return round(-POINTS_TO_DOUBLE / float(np.log(2)) * log_odds, 1)


def fit_scorecard(
    data: Dataset, features: Sequence[Feature], *, penalty: float = PENALTY, most_features: int = MOST_FEATURES
) -> ScorecardEstimator:
    """Bins, weighs and fits on all rows.

    Raises:
        TrainingError: no feature tells events from others.
    """
    lines = {place: _binned(data, place, feature) for place, feature in enumerate(features)}
    ranked = sorted(lines, key=lambda place: (-lines[place].information, place))
    chosen = sorted([place for place in ranked if _tells(lines[place])][:most_features])
    if not chosen:
        raise TrainingError(
            f"None of {len(features)} features has an information value of {LEAST_INFORMATION} and above that of "
            "noise; a scorecard has nothing to say here."
        )
    weights = np.column_stack(
        [np.asarray(lines[place].weights)[_bins(data.matrix[:, place], lines[place].cuts)] for place in chosen]
    )
    coefficients, intercept = _logistic(weights, data.labels, penalty * len(data))
    kept = {
        place: lines[place].model_copy(update={"coefficient": float(coefficient)})
        for place, coefficient in zip(chosen, coefficients, strict=True)
        if coefficient > 0
    }
    names = tuple(booster_names([feature.name for feature in features]))
    card = Card(names=names, intercept=intercept, features=kept)
    return ScorecardEstimator(json.dumps(card.model_dump(mode="json"), indent=1, sort_keys=True) + "\n")


# What a spec may set.
PARAMS = frozenset(getfullargspec(fit_scorecard).kwonlyargs)


def _bins(values: NDArray[np.float32], cuts: Sequence[float]) -> NDArray[np.intp]:
    """Bin of each value; the missing come after all others."""
    found = np.searchsorted(np.asarray(cuts, dtype=np.float64), values.astype(np.float64), side="left")
    return np.where(np.isnan(values), len(cuts) + 1, found)


def _binned(data: Dataset, place: int, feature: Feature) -> CardFeature:
    values = data.matrix[:, place]
    known = values[~np.isnan(values)]
    cuts = _cuts(known, feature)
    rows, events = _counts(values, data.labels, cuts)
    if feature.sign:
        cuts = _pooled(cuts, rows[:-1], events[:-1], feature.sign, float(data.labels.mean()))
        rows, events = _counts(values, data.labels, cuts)
    overall = data.labels.mean()
    weights = logit((events + SHRINKAGE_ROWS * overall) / (rows + SHRINKAGE_ROWS)) - logit(overall)
    of_events, of_others = events / events.sum(), (rows - events) / (rows - events).sum()
    return CardFeature(
        cuts=tuple(cuts.tolist()),
        weights=tuple(weights.tolist()),
        shares=tuple((rows / rows.sum()).tolist()),
        information=float(((of_events - of_others) * weights).sum()),
        information_of_noise=_information_of_noise(data.labels, rows[rows > 0]),
        coefficient=0.0,
    )


def _tells(line: CardFeature) -> bool:
    return line.information >= max(LEAST_INFORMATION, line.information_of_noise)


def _information_of_noise(labels: Floats, rows: Floats) -> float:
    """Of bins with so many rows; noise is shrunk as the weights are, and in small bins most of all."""
    if len(rows) < 2:
        return 0.0
    shrunk = (rows / (rows + SHRINKAGE_ROWS)).mean()
    return float(shrunk * (1.0 / labels.sum() + 1.0 / (1.0 - labels).sum()) * chdtri(len(rows) - 1, CHANCE_OF_NOISE))


def _cuts(known: NDArray[np.float32], feature: Feature) -> Floats:
    if len(known) == 0:
        return np.empty(0)
    if feature.categories is not None:
        return np.arange(len(feature.categories), dtype=np.float64)
    cuts = np.unique(np.quantile(known, np.arange(1, MOST_BINS) / MOST_BINS, method="lower").astype(np.float64))
    below_the_largest: Floats = cuts[np.isfinite(cuts) & (cuts < known.max())]
    return below_the_largest


def _counts(values: NDArray[np.float32], labels: Floats, cuts: Floats) -> tuple[Floats, Floats]:
    bins = _bins(values, cuts.tolist())
    events = np.bincount(bins, weights=labels, minlength=len(cuts) + 2).astype(np.float64)
    return np.bincount(bins, minlength=len(cuts) + 2).astype(np.float64), events


def _pooled(cuts: Floats, rows: Floats, events: Floats, sign: int, overall: float) -> Floats:
    """Cuts that remain after pooling neighbours whose shrunk rates run against the sign (pool adjacent violators)."""

    def rate(block: tuple[float, float, int]) -> float:
        return sign * (block[1] + SHRINKAGE_ROWS * overall) / (block[0] + SHRINKAGE_ROWS)

    blocks: list[tuple[float, float, int]] = []
    for number, (count, hits) in enumerate(zip(rows, events, strict=True)):
        blocks.append((float(count), float(hits), number))
        while len(blocks) > 1 and rate(blocks[-2]) >= rate(blocks[-1]):
            last, before = blocks.pop(), blocks.pop()
            blocks.append((before[0] + last[0], before[1] + last[1], last[2]))
    return cuts[[block[2] for block in blocks[:-1]]]


def _logistic(weights: Floats, labels: Floats, penalty: float) -> tuple[Floats, float]:
    """Coefficients of at least 0 and the intercept. scikit-learn's logistic regression knows no bounds on signs."""
    from scipy.optimize import minimize

    def objective(parameters: Floats) -> tuple[float, Floats]:
        curve = weights @ parameters[:-1] + parameters[-1]
        error = expit(curve) - labels
        loss = np.logaddexp(0.0, curve).sum() - labels @ curve + 0.5 * penalty * (parameters[:-1] ** 2).sum()
        gradient = np.append(weights.T @ error + penalty * parameters[:-1], error.sum())
        return float(loss), gradient

    start = np.append(np.full(weights.shape[1], 0.1), logit(labels.mean()))
    bounds = [(0.0, None)] * weights.shape[1] + [(None, None)]
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000})
    if not found.success:
        raise TrainingError(f"The scorecard's regression did not converge ({found.message}); raise its penalty.")
    return np.round(found.x[:-1], 6), float(np.round(found.x[-1], 6))
