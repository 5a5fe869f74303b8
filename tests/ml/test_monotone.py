from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_portfolio import REGISTRY

from ml import Model
from ml.errors import TrainingError
from ml.monotone import require_monotone
from ml.registry import ModelRegistry

DECIDED_AT = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)

SIGNED = [place for place, sign in enumerate(REGISTRY.signs) if sign]


@pytest.fixture(scope="module")
def released(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The model as a night loads it."""
    registry = ModelRegistry(tmp_path_factory.mktemp("released"))
    registry.save(model)
    registry.assign("champion", model.version, at=DECIDED_AT, actor="a test", reason="to read it back")
    return registry.load_role("champion")


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), place=st.sampled_from(SIGNED), spread=st.sampled_from([0.1, 1.0, 10.0, 1e30]))
def test_a_released_model_never_calls_worse_better(released: Model, seed: int, place: int, spread: float) -> None:
    """Any supplier, known in part or whole, at two values of one feature: the riskier never gets the lower PD."""
    generator = np.random.default_rng(seed)
    rows = (spread * generator.normal(size=(200, len(REGISTRY)))).astype(np.float32)
    rows[generator.random(rows.shape) < 0.2] = np.nan
    ends = np.sort((spread * generator.normal(size=(200, 2))).astype(np.float32), axis=1)
    lower, higher = rows.copy(), rows.copy()
    lower[:, place], higher[:, place] = ends[:, 0], ends[:, 1]
    steps = released.raw_scores(higher) - released.raw_scores(lower)
    assert (REGISTRY.signs[place] * steps >= 0).all()


def test_every_split_of_a_model_is_checked(model: Model) -> None:
    text = model.parts.estimator.text
    splits = re.findall(r"^split_feature=(.*)$", text, re.MULTILINE)
    signed = sum(int(place) in SIGNED for line in splits for place in line.split())
    assert require_monotone(text, REGISTRY.features) == signed > 50


def test_one_leaf_out_of_order_is_found(model: Model, tmp_path: Path) -> None:
    """The first tree splits on a feature with a direction; its leaves turned upside down break the promise."""
    text = model.parts.estimator.text
    values = re.search(r"^leaf_value=(.*)$", text, re.MULTILINE)
    assert values is not None
    turned = " ".join(str(-float(value)) for value in values.group(1).split())
    with pytest.raises(TrainingError, match="runs against its direction of risk"):
        require_monotone(text.replace(values.group(1), turned, 1), REGISTRY.features)
