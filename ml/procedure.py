"""The two ways to learn and to judge: by windows of time or of entities, or by nested cross-validation.

Whatever is chosen, fitted or calibrated for a row's judgement was so on rows of other windows or other groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.calibration import Calibration, fit_calibration
from ml.dataset import Dataset, Floats
from ml.errors import TrainingError
from ml.features import Feature
from ml.model import Estimator
from ml.recipe import Recipe, out_of_fold_scores, settle, side_by_side
from ml.spec import TrainingSpec
from ml.split import Fold, WindowPlaces, folds_by_entity
from ml.term import LaterHorizon, TermRows, fit_term, later_probabilities

# Inner folds that give every row of a training set an out-of-sample raw score, by estimators that learned from fewer
# rows than the one whose scores are calibrated: with three folds a third fewer, which moved the mean forecast.
CALIBRATION_FOLDS = 5
# Of the training window of a history; the first horizon is calibrated on a window of its own.
LATER_FOLDS = 3

Later = Mapping[int, Floats]


@dataclass(frozen=True)
class Learned:
    """What a procedure hands over: the model to keep, and forecasts of the rows it is judged by.

    `train`, `calibration` and `test` describe the windows; in nested cross-validation each is the whole table.
    `forecast` and `later_forecasts` belong to the rows of `test`, as does `later_labels`.
    """

    recipe: Recipe
    estimator: Estimator
    curve: Calibration
    later_curves: tuple[LaterHorizon, ...]
    refused_horizons: Mapping[int, str]
    train: Dataset
    calibration: Dataset
    test: Dataset
    forecast: Floats
    later_forecasts: Later
    later_labels: Later


def learn_by_window(
    data: Dataset, later: Later, windows: WindowPlaces, features: Sequence[Feature], spec: TrainingSpec
) -> Learned:
    """Settings and trees from the training window, calibration from the next, judgement on the newest.

    Curves of longer horizons come from training rows (scored by estimators that have not seen their group) and
    calibration rows whose longer horizon was over before the test window began.
    """
    train, calibration, test = (data.take(places) for places in (windows.train, windows.calibration, windows.test))
    _require_events({"training": train, "calibration": calibration, "test": test}, spec)
    recipe = settle(train, features, spec)
    estimator = recipe.fit(train)
    calibration_scores = estimator.raw_scores(calibration.matrix)
    curve = fit_calibration(calibration_scores, calibration.labels)
    later_curves: tuple[LaterHorizon, ...] = ()
    refused: dict[int, str] = {}
    if later:
        earlier = np.concatenate([windows.train, windows.calibration])
        scores = np.concatenate([out_of_fold_scores(recipe, train, _folds(train, LATER_FOLDS)), calibration_scores])
        over = {days: _known_before(data, earlier, days, labels, test) for days, labels in later.items()}
        later_curves, refused = fit_term(TermRows(scores, data.labels[earlier], over), spec.minimum_events)
    test_scores = estimator.raw_scores(test.matrix)
    forecast = curve.probability(test_scores)
    return Learned(
        recipe=recipe,
        estimator=estimator,
        curve=curve,
        later_curves=later_curves,
        refused_horizons=refused,
        train=train,
        calibration=calibration,
        test=test,
        forecast=forecast,
        later_forecasts=later_probabilities(forecast, test_scores, later_curves),
        later_labels={days: labels[windows.test] for days, labels in later.items()},
    )


def _known_before(data: Dataset, places: NDArray[np.intp], days: int, labels: Floats, test: Dataset) -> Floats:
    over = data.dates[places] + np.timedelta64(days, "D") <= test.dates.min()
    return np.where(over, labels[places], np.nan)


@dataclass(frozen=True)
class _Calibrated:
    """An estimator with curves from out-of-fold scores of its own training rows."""

    recipe: Recipe
    estimator: Estimator
    curve: Calibration
    later_curves: tuple[LaterHorizon, ...]
    refused: Mapping[int, str]


def learn_by_entity(data: Dataset, later: Later, features: Sequence[Feature], spec: TrainingSpec) -> Learned:
    """The model learns from all rows; each row is judged by a model of its own making that never saw its group.

    Nested: the whole procedure, tuning and calibration included, runs once per outer fold on the other folds.
    """
    _require_events({"whole": data}, spec)
    forecast = np.empty(len(data))
    later_forecasts = {days: np.full(len(data), np.nan) for days in later}

    def judge(fold: Fold) -> None:
        learned, held = fold
        within = {days: labels[learned] for days, labels in later.items()}
        part = _calibrated(data.take(learned), within, features, spec)
        scores = part.estimator.raw_scores(data.matrix[held])
        forecast[held] = part.curve.probability(scores)
        for days, longer in later_probabilities(forecast[held], scores, part.later_curves).items():
            later_forecasts[days][held] = longer

    side_by_side(judge, folds_by_entity(data.groups, data.labels, _folds(data, spec.folds), spec.seed), data)
    kept = _calibrated(data, later, features, spec)
    judged = {days: values for days, values in later_forecasts.items() if not np.isnan(values).any()}
    return Learned(
        recipe=kept.recipe,
        estimator=kept.estimator,
        curve=kept.curve,
        later_curves=kept.later_curves,
        refused_horizons=kept.refused,
        train=data,
        calibration=data,
        test=data,
        forecast=forecast,
        later_forecasts=judged,
        later_labels=later,
    )


def _calibrated(data: Dataset, later: Later, features: Sequence[Feature], spec: TrainingSpec) -> _Calibrated:
    fitting = replace(spec, tuning_folds=min(spec.tuning_folds, _folds(data, CALIBRATION_FOLDS)))
    recipe = settle(data, features, fitting)
    scores = out_of_fold_scores(recipe, data, _folds(data, CALIBRATION_FOLDS))
    later_curves, refused = fit_term(TermRows(scores, data.labels, later), spec.minimum_events)
    return _Calibrated(recipe, recipe.fit(data), fit_calibration(scores, data.labels), later_curves, refused)


def _folds(data: Dataset, wanted: int) -> int:
    """As many folds as wanted where the groups with the rarer outcome carry them, at least two."""
    _, member = np.unique(data.groups.astype(str), return_inverse=True)
    groups_with_event = int((np.bincount(member, weights=data.labels) > 0).sum())
    rarer = min(groups_with_event, int(member.max(initial=-1)) + 1 - groups_with_event)
    return max(2, min(wanted, rarer))


def _require_events(windows: Mapping[str, Dataset], spec: TrainingSpec) -> None:
    for name, window in windows.items():
        events = int(window.labels.sum())
        if min(events, len(window) - events) < spec.minimum_events:
            raise TrainingError(
                f"The {name} {'table' if name == 'whole' else 'window'} holds {events} events in {len(window)} rows; "
                f"at least {spec.minimum_events} rows with and without an event are needed: bring a longer history "
                "or more suppliers."
            )
