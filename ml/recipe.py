"""How an estimator is made from rows: its settings chosen once inside a training window, then fitted on any part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.dataset import Dataset, Floats
from ml.features import Feature
from ml.model import Estimator
from ml.monotone import require_monotone
from ml.scorecard import fit_scorecard
from ml.spec import TrainingSpec
from ml.split import Fold, folds_by_entity
from ml.trees import CELLS_PER_THREAD, DEFAULTS, FIXED, MOST_THREADS, fit_trees
from ml.tuning import choose


@dataclass(frozen=True)
class Recipe:
    """Settled settings; `fit` is a function of the rows alone."""

    features: Sequence[Feature]
    spec: TrainingSpec
    params: dict[str, Any]
    rounds: int

    def fit(self, data: Dataset) -> Estimator:
        """An estimator learned from all rows."""
        if self.spec.estimator == "scorecard":
            return fit_scorecard(data, self.features, **self.params)
        trees = fit_trees(
            data, self.features, params=self.params, seed=self.spec.seed, rounds=self.rounds, bag=self.spec.bag or 1
        )
        require_monotone(trees.text, self.features)
        return trees

    def described(self) -> dict[str, Any]:
        """What the manifest keeps of it."""
        if self.spec.estimator == "scorecard":
            return dict(self.params)
        return {**DEFAULTS, **self.params, **FIXED, "rounds": self.rounds, "bag": self.spec.bag}


def settle(data: Dataset, features: Sequence[Feature], spec: TrainingSpec) -> Recipe:
    """Chooses what is to be chosen by looking at these rows and no others."""
    if spec.estimator == "scorecard":
        return Recipe(features, spec, dict(spec.params), 0)
    choice = choose(data, features, spec)
    return Recipe(features, spec, choice.params, choice.rounds)


def out_of_fold_scores(recipe: Recipe, data: Dataset, folds: int) -> Floats:
    """Raw score of every row by an estimator that has not seen its group, shape (rows,)."""
    raw = np.empty(len(data))

    def judge(fold: Fold) -> None:
        learned, held = fold
        raw[held] = recipe.fit(data.take(learned)).raw_scores(data.matrix[held])

    side_by_side(judge, folds_by_entity(data.groups, data.labels, folds, recipe.spec.seed), data)
    return raw


def side_by_side(work: Callable[[Fold], None], folds: Sequence[Fold], data: Dataset) -> None:
    """Runs one piece of work per fold; at once where each needs one thread only, as small tables do."""
    workers = MOST_THREADS if data.matrix.size < CELLS_PER_THREAD else 1
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, folds):
            pass
