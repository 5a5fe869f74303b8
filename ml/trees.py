"""The gradient-boosted estimator: LightGBM, small, monotone and repeatable.

Small trees are a choice for reasons: exact contributions cost per row and tree with leaves times depth squared, and
200 trees of 15 leaves explain every supplier every night.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from ml.dataset import Dataset, Matrix
from ml.errors import ModelFolderError
from ml.features import FeatureRegistry
from ml.split import split_by_entity

Floats = NDArray[np.float64]

KIND = "lightgbm"

DEFAULTS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "max_depth": 5,
    "min_data_in_leaf": 40,
    "lambda_l2": 10.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
}

# Not for a spec to change: `basic` is the one method without open reports of broken monotonicity, and the rest makes
# the same rows give the same model on any number of runs.
FIXED: dict[str, Any] = {
    "monotone_constraints_method": "basic",
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}

# Threads wait for each other after every tree: below this many matrix cells one thread is as fast, and on a machine
# that is busy otherwise several times faster. The result does not depend on it.
CELLS_PER_THREAD = 10_000_000
MOST_THREADS = 2

# Choosing the number of trees costs several fits; this bounds it on a large portfolio.
TUNING_ROWS = 100_000


@dataclass(frozen=True)
class TreeEstimator:
    """A fitted booster, known by its text form alone."""

    text: str

    kind = KIND

    @cached_property
    def booster(self) -> lgb.Booster:
        try:
            return lgb.Booster(model_str=self.text)
        except lgb.basic.LightGBMError as error:
            raise ModelFolderError(f"model.txt is not a LightGBM model ({error}); restore or retrain it.") from None

    @property
    def input_names(self) -> tuple[str, ...]:
        """Feature names as the booster keeps them, in matrix order."""
        return tuple(self.booster.feature_name())

    @property
    def summary(self) -> str:
        leaves = self.booster.trees_to_dataframe().query("left_child.isnull()").groupby("tree_index").size()
        return f"LightGBM, {self.booster.num_trees()} trees of at most {leaves.max()} leaves"

    def raw_scores(self, matrix: Matrix) -> Floats:
        """Log-odds before calibration, shape (rows,)."""
        if len(matrix) == 0:
            return np.empty(0)
        return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=threads(matrix)), dtype=np.float64)

    def contributions(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """Exact additive parts of the raw score: (rows, features) and the base value (rows,)."""
        if len(matrix) == 0:
            return np.empty((0, matrix.shape[1])), np.empty(0)
        parts = np.asarray(
            self.booster.predict(matrix, pred_contrib=True, num_threads=threads(matrix)), dtype=np.float64
        )
        return parts[:, :-1], parts[:, -1]

    def importance(self) -> Floats:
        """Total gain of each feature's splits, shape (features,)."""
        return np.asarray(self.booster.feature_importance("gain"), dtype=np.float64)


def threads(matrix: Matrix) -> int:
    """How many threads are worth their waiting for a matrix of this size."""
    return int(min(MOST_THREADS, 1 + matrix.size // CELLS_PER_THREAD))


def booster_names(names: Sequence[str]) -> list[str]:
    """The names LightGBM accepts for these columns: it refuses some characters and rewrites blanks on its own."""
    plain = [re.sub(r"\W", "_", name) for name in names]
    return [name if plain.count(name) == 1 else f"{name}__{position}" for position, name in enumerate(plain)]


def fit_trees(
    data: Dataset, features: FeatureRegistry, *, params: Mapping[str, Any], seed: int, max_rounds: int, folds: int
) -> TreeEstimator:
    """Fits on all rows of the training window.

    The number of trees is where grouped cross-validation inside the window stops improving; with `folds` below 2 it is
    `max_rounds`.
    """
    settings = {
        "num_threads": threads(data.matrix),
        **DEFAULTS,
        **params,
        **FIXED,
        "seed": seed,
        "monotone_constraints": list(features.signs),
    }
    rounds = _best_rounds(data, settings, max_rounds, folds) if folds >= 2 else max_rounds
    whole = lgb.Dataset(
        data.matrix, label=data.labels, feature_name=booster_names(features.names), free_raw_data=True, params=settings
    )
    booster = lgb.train(settings, whole, num_boost_round=rounds)
    return TreeEstimator(booster.model_to_string(num_iteration=-1))


def _best_rounds(data: Dataset, settings: Mapping[str, Any], max_rounds: int, folds: int) -> int:
    sample = _sample_of_groups(data, settings["seed"])
    part = split_by_entity(sample.groups, sample.labels, [1.0 / folds] * folds, settings["seed"])
    held_out = [(np.flatnonzero(part != fold), np.flatnonzero(part == fold)) for fold in range(folds)]
    history = lgb.cv(
        dict(settings),
        lgb.Dataset(sample.matrix, label=sample.labels, params=dict(settings)),
        num_boost_round=max_rounds,
        folds=held_out,
        callbacks=[lgb.early_stopping(stopping_rounds=max(max_rounds // 5, 10), verbose=False)],
    )
    return len(cast(list[float], history["valid binary_logloss-mean"]))


def _sample_of_groups(data: Dataset, seed: int) -> Dataset:
    if len(data) <= TUNING_ROWS:
        return data
    share = TUNING_ROWS / len(data)
    return data.take(split_by_entity(data.groups, data.labels, [share, 1.0 - share], seed) == 0)
