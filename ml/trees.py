"""The gradient-boosted estimator: LightGBM, small, monotone and repeatable; one booster or the average of several.

Small trees are a choice for reasons: exact contributions cost per row and tree with leaves times depth squared, and
200 trees of 15 leaves explain every supplier every night. An average of monotone boosters is monotone, and its
contributions are the average of theirs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from ml.dataset import Dataset, Matrix
from ml.errors import ModelFolderError
from ml.features import Feature

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

# What a spec may set: LightGBM takes any name and says nothing of one that it does not know.
PARAMS = frozenset({
    "learning_rate", "num_leaves", "max_depth", "min_data_in_leaf", "min_sum_hessian_in_leaf", "max_delta_step",
    "lambda_l1", "lambda_l2", "min_gain_to_split", "path_smooth", "extra_trees", "max_bin", "min_data_in_bin",
    "feature_fraction", "feature_fraction_bynode", "bagging_fraction", "bagging_freq", "pos_bagging_fraction",
    "neg_bagging_fraction", "is_unbalance", "scale_pos_weight", "cat_smooth", "cat_l2", "max_cat_threshold",
    "max_cat_to_onehot", "min_data_per_group", "num_threads",
})  # fmt: skip

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
EXPLAINED_PER_THREAD = 100
MOST_THREADS = 2

# Each booster's text begins with these two lines.
BEGINNING = re.compile(r"^(?=tree\nversion=)", re.MULTILINE)


@dataclass(frozen=True)
class TreeEstimator:
    """Fitted boosters, known by their text form alone: one after the other."""

    text: str

    kind = KIND

    @cached_property
    def boosters(self) -> tuple[lgb.Booster, ...]:
        try:
            return tuple(lgb.Booster(model_str=text) for text in BEGINNING.split(self.text) if text.strip())
        except lgb.basic.LightGBMError as error:
            raise ModelFolderError(f"model.txt is not a LightGBM model ({error}); restore or retrain it.") from None

    @property
    def input_names(self) -> tuple[str, ...]:
        """Feature names as the boosters keep them, in matrix order."""
        return tuple(self.boosters[0].feature_name()) if self.boosters else ()

    @property
    def summary(self) -> str:
        trees = sum(booster.num_trees() for booster in self.boosters)
        leaves = max(int(count) for count in re.findall(r"^num_leaves=(\d+)$", self.text, re.MULTILINE))
        average = f", the average of {len(self.boosters)} boosters" if len(self.boosters) > 1 else ""
        return f"LightGBM, {trees} trees of at most {leaves} leaves{average}"

    def raw_scores(self, matrix: Matrix) -> Floats:
        """Log-odds before calibration, shape (rows,)."""
        total = np.zeros(len(matrix))
        for booster in self.boosters if len(matrix) else ():
            total += booster.predict(matrix, raw_score=True, num_threads=threads(matrix))
        return total / len(self.boosters)

    def contributions(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """Exact additive parts of the raw score: (rows, features) and the base value (rows,)."""
        if len(matrix) == 0:
            return np.empty((0, matrix.shape[1])), np.empty(0)
        workers = threads_to_explain(matrix)
        first, *others = self.boosters
        parts = np.asarray(first.predict(matrix, pred_contrib=True, num_threads=workers), dtype=np.float64)
        for booster in others:
            parts += booster.predict(matrix, pred_contrib=True, num_threads=workers)
        if others:
            parts /= len(self.boosters)
        return parts[:, :-1], parts[:, -1]

    def importance(self) -> Floats:
        """Total gain of each feature's splits, shape (features,)."""
        gains = [np.asarray(booster.feature_importance("gain"), dtype=np.float64) for booster in self.boosters]
        total: Floats = np.sum(gains, axis=0)
        return total


def threads(matrix: Matrix) -> int:
    """How many threads are worth their waiting for a matrix of this size."""
    return int(min(MOST_THREADS, 1 + matrix.size // CELLS_PER_THREAD))


def threads_to_explain(matrix: Matrix) -> int:
    """How many threads are worth being started for the reasons of a matrix, each row of which takes long and alone."""
    return int(min(MOST_THREADS, 1 + len(matrix) // EXPLAINED_PER_THREAD))


def booster_names(names: Sequence[str]) -> list[str]:
    """The names LightGBM accepts for these columns: it refuses some characters and rewrites blanks on its own."""
    plain = [re.sub(r"\W", "_", name) for name in names]
    repeated = {name for name, count in Counter(plain).items() if count > 1}
    taken = set(plain)
    found = []
    for position, name in enumerate(plain):
        own = name
        while own in repeated or (own != name and own in taken):
            own = f"{own}__{position}"
        taken.add(own)
        found.append(own)
    return found


def settings_of(data: Dataset, features: Sequence[Feature], params: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The whole of LightGBM's parameters for one booster on these rows."""
    return {
        "num_threads": threads(data.matrix),
        **DEFAULTS,
        **params,
        **FIXED,
        "seed": seed,
        "monotone_constraints": [feature.sign for feature in features],
    }


def binned(data: Dataset, features: Sequence[Feature], settings: Mapping[str, Any]) -> lgb.Dataset:
    """The rows as LightGBM takes them, text columns as categories."""
    return lgb.Dataset(
        data.matrix,
        label=data.labels,
        feature_name=booster_names([feature.name for feature in features]),
        categorical_feature=[place for place, feature in enumerate(features) if feature.categories is not None],
        params=dict(settings),
    )


def fit_trees(
    data: Dataset, features: Sequence[Feature], *, params: Mapping[str, Any], seed: int, rounds: int, bag: int
) -> TreeEstimator:
    """`bag` boosters of `rounds` trees on all rows; they differ by the seed of what rows and columns a tree may see."""
    settings = settings_of(data, features, params, seed)
    whole = binned(data, features, settings)
    texts = []
    for number in range(bag):
        booster = lgb.train({**settings, "seed": seed + number}, whole, num_boost_round=rounds)
        texts.append(booster.model_to_string(num_iteration=-1))
    return TreeEstimator("".join(texts))
