"""Suppliers by what is known of them: all sources, no bank link, no tax data, new.

A model that is good on the whole can be blind where data are thin, so each is judged on its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ml.backtest.metrics import Evaluation, evaluate
from ml.calibration import GradeScale
from ml.dataset import Dataset
from ml.features import Feature

# Sources that a supplier may not have granted, as `sources` of the registry names them.
OPTIONAL_SOURCES = ("bank", "tax")

# A legal entity younger than this has no two annual returns to compare.
NEW_BELOW_MONTHS = 24.0
AGE_FEATURE = "company_age_months"


class SegmentEvaluation(BaseModel):
    """What the PDs are worth on one segment; no figures where it holds too few events or one outcome only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    events: int
    evaluation: Evaluation | None


def segments(data: Dataset, features: Sequence[Feature]) -> dict[str, NDArray[np.bool_]]:
    """Segment to the rows in it: "full" or some of "no bank", "no tax", "new"; {} where no feature names a source.

    A source is absent where every feature that draws on it alone is missing.
    """
    found: dict[str, NDArray[np.bool_]] = {}
    for source in OPTIONAL_SOURCES:
        own = [place for place, feature in enumerate(features) if feature.sources == (source,)]
        if own:
            found[f"no {source}"] = np.logical_and.reduce(np.isnan(data.matrix[:, own]), axis=1)
    ages = [place for place, feature in enumerate(features) if feature.name == AGE_FEATURE]
    if ages:
        found["new"] = data.matrix[:, ages[0]] < NEW_BELOW_MONTHS
    if not found:
        return {}
    full: NDArray[np.bool_] = np.equal(np.column_stack(list(found.values())).sum(axis=1), 0)
    return {"full": full, **found}


def evaluate_segments(
    data: Dataset,
    forecast: NDArray[np.float64],
    features: Sequence[Feature],
    *,
    scale: GradeScale,
    minimum_events: int,
    seed: int,
) -> dict[str, SegmentEvaluation]:
    """Each segment's figures on the rows of the judged window."""
    report: dict[str, SegmentEvaluation] = {}
    for name, inside in segments(data, features).items():
        labels = data.labels[inside]
        events = int(labels.sum())
        enough = min(events, len(labels) - events) >= minimum_events
        figures = evaluate(labels, forecast[inside], data.groups[inside], scale=scale, seed=seed) if enough else None
        report[name] = SegmentEvaluation(rows=len(labels), events=events, evaluation=figures)
    return report
