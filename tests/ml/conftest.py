"""One small portfolio and one model fitted on it, shared by all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from small_portfolio import AS_OF, portfolio, spec

from ml import Model, fit, score

# a machine that is busy with other tests is no counterexample
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return portfolio()


@pytest.fixture(scope="session")
def model(frame: pd.DataFrame) -> Model:
    return fit(frame, spec())


@pytest.fixture(scope="session")
def night(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the newest snapshot, as a night scores them."""
    return frame[frame["as_of_date"] == AS_OF].drop(columns=["is_distress_90d", "pd_true"]).reset_index(drop=True)


@pytest.fixture
def scored_change(model: Model, night: pd.DataFrame) -> Callable[[str, Any], np.ndarray]:
    """PD of the night after one column is changed."""

    def change(name: str, values: Any) -> np.ndarray:
        table = score(model, night.assign(**{name: values})).supplier_score
        return np.asarray(table.column("pd_90d").to_pylist(), dtype=float)

    return change
