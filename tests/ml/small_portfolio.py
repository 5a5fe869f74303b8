"""A small portfolio with time: suppliers whose cash runs down month by month, the outcome following the true state."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from ml import TrainingSpec
from ml.features import Feature, FeatureRegistry

AS_OF = date(2026, 6, 30)


def feature(name: str, sign: Literal[-1, 0, 1], **changes: Any) -> Feature:
    entry = {
        "name": name,
        "indicator_id": "S01",
        "family": "capital_flow",
        "formula": f"{name} as made by the test",
        "unit": "ratio",
        "sign": sign,
        "missing": "no bank link",
        "reason": name + " is {value:.2f} (peers {peer:.2f})",
    }
    return Feature.model_validate(entry | changes)


REGISTRY = FeatureRegistry(
    (
        feature("cash_cover", -1, reason="Cash covers {value:.1f} months (peers {peer:.1f})"),
        feature("overdue_share", 1, family="accounts_receivable", reason="{value:.0%} is overdue (peers {peer:.0%})"),
        feature(
            "sales_trend", -1, family="supplier_credit", reason_missing="Sales are not reported (peers {peer:+.0%})"
        ),
        feature("is_blocked", 1, family="identity", unit="flag", reason="An account is blocked"),
        feature("noise", 0, family="information_flow"),
    )
)


def portfolio(suppliers: int = 400, months: int = 26, seed: int = 1) -> pd.DataFrame:
    """Month-ends up to 2026-06-30 with features, segments, status and the 90-day label (null where not over)."""
    generator = np.random.default_rng(seed)
    dates = pd.date_range(end=str(AS_OF), periods=months, freq="ME")
    shape = (months, suppliers)
    strength = generator.normal(size=suppliers)
    state = np.zeros(shape)
    state[0] = generator.normal(size=suppliers)
    for month in range(1, months):
        state[month] = 0.85 * state[month - 1] + 0.5 * generator.normal(size=suppliers)
    stress = state - 0.6 * strength
    hazard = 1 / (1 + np.exp(4.6 - 1.5 * stress))
    event = generator.random(shape) < hazard
    label = event.astype(float)
    label[dates + pd.Timedelta(days=90) > pd.Timestamp(AS_OF)] = np.nan
    has_bank = generator.random(suppliers) > 0.3
    columns = {
        "cash_cover": np.where(has_bank, 3 - stress + 0.5 * generator.normal(size=shape), np.nan),
        "overdue_share": 1 / (1 + np.exp(2 - stress + 0.7 * generator.normal(size=shape))),
        "sales_trend": np.where(
            generator.random(shape) > 0.1, -0.1 * stress + 0.1 * generator.normal(size=shape), np.nan
        ),
        "is_blocked": (stress + generator.normal(size=shape) > 3).astype(float),
        "noise": generator.normal(size=shape),
    }
    names = np.array([f"S{number:05d}" for number in range(suppliers)])
    frame = pd.DataFrame(
        {
            "as_of_date": np.repeat(dates.date, suppliers),
            "supplier_id": np.tile(names, months),
            "sector_code": np.tile(np.where(np.arange(suppliers) % 2, "E47", "E48"), months),
            "size_class": np.tile(np.where(np.arange(suppliers) % 3, "small", "micro"), months),
            "population_status": "ELIGIBLE",
            "not_scored_reason": None,
            "is_distress_90d": pd.array(label.ravel(), dtype="Float64").astype("boolean"),
        }
        | {name: values.ravel() for name, values in columns.items()}
    )
    frame["pd_true"] = hazard.ravel()
    return frame


def spec(**changes: Any) -> TrainingSpec:
    """Settings that fit the small portfolio in a fraction of a second."""
    settings: dict[str, Any] = {"as_of_date": AS_OF, "features": REGISTRY, "max_rounds": 60, "tuning_folds": 3}
    return TrainingSpec(**(settings | changes))
