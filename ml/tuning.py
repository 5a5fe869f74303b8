"""Choosing a booster's settings inside the training window: grouped cross-validation, bounded and seeded.

Optuna's TPE proposes, the mean score over inner folds decides, and the number of trees is where it and the log loss
stop improving. No row outside the window that is passed in has a part in it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from ml.dataset import Dataset
from ml.features import Feature
from ml.spec import TrainingSpec
from ml.split import folds_by_entity, split_by_entity
from ml.trees import DEFAULTS, binned, settings_of

if TYPE_CHECKING:
    import optuna

# Choosing costs several fits; this bounds it on a large portfolio.
TUNING_ROWS = 100_000

# Exact contributions of one row cost, in each tree, its leaves times its depth squared (Lundberg et al., "Consistent
# individualized feature attribution for tree ensembles", 2018). What is tried may cost so much and no more: beyond, a
# thousand rows take more than some seconds for reasons that no trial is chosen by.
MOST_WORK = 2_000_000

HIGHER_IS_BETTER = frozenset({"auc", "average_precision"})

# LightGBM's own size of trees, with rows and columns sampled, for the boosters of a bag differ by nothing else: the
# second point that is tried, after the spec's own settings.
LIGHTGBM_SIZES: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "max_depth": 8,
    "min_data_in_leaf": 20,
    "lambda_l2": 0.01,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
}


@dataclass(frozen=True)
class Choice:
    """Settings and number of trees of one booster."""

    params: dict[str, Any]
    rounds: int


def choose(data: Dataset, features: Sequence[Feature], spec: TrainingSpec) -> Choice:
    """The best of the spec's settings and `spec.tuning_trials` others, with their number of trees.

    With fewer than two folds nothing is chosen and the number of trees is `spec.max_rounds`.
    """
    params = dict(spec.params)
    if spec.tuning_folds < 2:
        return Choice(params, spec.max_rounds)
    sample = _sample_of_groups(data, spec.seed)
    held_out = folds_by_entity(sample.groups, sample.labels, spec.tuning_folds, spec.seed)
    if spec.tuning_trials == 0:
        return Choice(params, _cross_validate(sample, features, spec, params, held_out, spec.max_rounds)[0])
    return _best_trial(sample, features, spec, held_out)


def _best_trial(
    sample: Dataset, features: Sequence[Feature], spec: TrainingSpec, held_out: Sequence[tuple[Any, Any]]
) -> Choice:
    # importing it takes a second that a night without training should not wait
    import optuna

    logging.getLogger("optuna").setLevel(logging.WARNING)

    def trial_score(trial: optuna.Trial) -> float:
        params = {**spec.params, **_proposal(trial)}
        rounds, score = _cross_validate(sample, features, spec, params, held_out, _affordable_rounds(params, spec))
        trial.set_user_attr("rounds", rounds)
        trial.set_user_attr("params", params)
        return score

    study = optuna.create_study(
        direction="maximize" if spec.tuning_metric in HIGHER_IS_BETTER else "minimize",
        sampler=optuna.samplers.TPESampler(seed=spec.seed, n_startup_trials=max(spec.tuning_trials // 2, 4)),
    )
    for start in (_own_settings(spec.params), LIGHTGBM_SIZES):
        study.enqueue_trial(start)
    study.optimize(trial_score, n_trials=1 + spec.tuning_trials)
    best = study.best_trial.user_attrs
    return Choice(cast(dict[str, Any], best["params"]), cast(int, best["rounds"]))


def _proposal(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.1, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 7, 63, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 8),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 100, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.01, 30.0, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
    }


def _affordable_rounds(params: Mapping[str, Any], spec: TrainingSpec) -> int:
    # a depth of 0 or below has no bound but the number of leaves
    depth = params["max_depth"] if params["max_depth"] > 0 else params["num_leaves"] - 1
    work = params["num_leaves"] * depth**2 * (spec.bag or 1)
    return max(1, min(spec.max_rounds, int(MOST_WORK // work)))


def _own_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {**DEFAULTS, **params}[name] for name in LIGHTGBM_SIZES}


def _cross_validate(
    sample: Dataset,
    features: Sequence[Feature],
    spec: TrainingSpec,
    params: Mapping[str, Any],
    held_out: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]],
    most_rounds: int,
) -> tuple[int, float]:
    """Number of trees from which on the mean over the held-out folds gains nothing, and that mean.

    A ranking can be as good as it gets after a few trees whose probabilities say nothing yet, so trees are added until
    the log loss has stopped improving as well.
    """
    metrics = list(dict.fromkeys([spec.tuning_metric, "binary_logloss"]))
    settings = {**settings_of(sample, features, params, spec.seed), "metric": metrics}
    history = lgb.cv(
        settings,
        binned(sample, features, settings),
        num_boost_round=most_rounds,
        folds=list(held_out),
        callbacks=[_stop_where_all_stall(min(max(most_rounds // 5, 10), 50))],
    )
    means = {metric: np.asarray(history[f"valid {metric}-mean"]) for metric in metrics}
    rounds = max(_best_round(metric, values) for metric, values in means.items())
    return rounds, float(means[spec.tuning_metric][rounds - 1])


def _best_round(metric: str, means: NDArray[np.float64]) -> int:
    return int(np.argmax(means if metric in HIGHER_IS_BETTER else -means)) + 1


def _stop_where_all_stall(patience: int) -> Callable[[lgb.callback.CallbackEnv], None]:
    """LightGBM's own early stopping ends where the first of several metrics does."""
    best: dict[str, tuple[float, int]] = {}

    def look(env: lgb.callback.CallbackEnv) -> None:
        for _, metric, mean, higher_is_better, *_ in env.evaluation_result_list or []:
            gain = mean if higher_is_better else -mean
            if metric not in best or gain > best[metric][0]:
                best[metric] = (gain, env.iteration)
        if best and all(env.iteration - found >= patience for _, found in best.values()):
            raise lgb.callback.EarlyStopException(env.iteration, [])

    return look


def _sample_of_groups(data: Dataset, seed: int) -> Dataset:
    if len(data) <= TUNING_ROWS:
        return data
    share = TUNING_ROWS / len(data)
    return data.take(split_by_entity(data.groups, data.labels, [share, 1.0 - share], seed) == 0)
