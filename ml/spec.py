"""What to learn from which columns, and how: the one argument of `ml.fit` beside the table."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, get_args

from ml import scorecard, trees
from ml.calibration import GradeScale
from ml.dataset import Frame, Rows, labelled
from ml.errors import TrainingError
from ml.features import FeatureRegistry, load_registry
from ml.term import LATER_HORIZONS

SMALL_TABLE_ROWS = 50_000
SMALL_TABLE_BAG = 5

Split = Literal["auto", "time", "entity"]
Sign = Literal[-1, 0, 1]
Metric = Literal["binary_logloss", "auc", "average_precision"]
EstimatorName = Literal["lightgbm", "scorecard"]

# What a spec may set of each estimator.
PARAMS: Mapping[str, frozenset[str]] = {"lightgbm": trees.PARAMS, "scorecard": scorecard.PARAMS}


@dataclass(frozen=True)
class TrainingSpec:
    """Settings of one fit. The defaults are those of the project's own supplier table; see `for_table` for any other.

    Columns:
        key: date and identifier; no pair may repeat.
        label: true, false or null; rows with null take no part.
        later_labels: longer horizon in days to the label column of that horizon; absent columns are left out.
        features: a registry, the names of feature columns, or None for all columns that are nothing else.
        signs: direction of risk of single columns where `features` is no registry: +1 higher is riskier, -1 safer.
        group: entities that must stay together (a connected party); default the identifier.
        segment_columns: who is compared with whom in the reasons.

    Judging:
        as_of_date: labels whose horizon was not over by this day are unknown; None takes every label as final.
        split: "time" judges on the newest snapshots, each window an embargo apart; "entity" judges every row by a
            model that has not seen its group; "auto" is "entity" where the table has one date only.
        folds: outer folds of an entity split.

    Learning:
        estimator: "lightgbm", or "scorecard" (logistic on binned features, with a table of points).
        tuning_trials: settings that Optuna may try inside the training window; 0 keeps the defaults and `params`.
        tuning_metric: what the trials and the number of trees are chosen by.
        bag: boosters that are averaged, each with a seed of its own; None takes five up to 50,000 rows, where their
            average is steadier than one, and one above, where it costs minutes and gains nothing.
        max_rounds: most trees of one booster.
    """

    as_of_date: date | None
    features: FeatureRegistry | Sequence[str] | None = field(default_factory=load_registry)
    signs: Mapping[str, Sign] = field(default_factory=dict)
    key: tuple[str, str] = ("as_of_date", "supplier_id")
    label: str = "is_distress_90d"
    label_definition: str = "distress of the supplier after as_of_date and within the horizon"
    later_labels: Mapping[int, str] = field(default_factory=lambda: {180: "is_distress_180d", 365: "is_distress_365d"})
    group: str | None = None
    segment_columns: tuple[str, ...] = ("sector_code", "size_class")
    horizon_days: int = 90
    embargo_days: int = 90
    split: Split = "time"
    folds: int = 5
    calibration_snapshots: int = 3
    test_snapshots: int = 4
    minimum_events: int = 5
    estimator: EstimatorName = "lightgbm"
    params: Mapping[str, Any] = field(default_factory=dict)
    max_rounds: int = 200
    tuning_folds: int = 3
    tuning_trials: int = 0
    tuning_metric: Metric = "binary_logloss"
    bag: int | None = 1
    grade_scale: GradeScale = field(default_factory=GradeScale)
    seed: int = 7

    def __post_init__(self) -> None:
        self._check_choices()
        self._check_columns()
        if self.split != "entity" and self.embargo_days < self.horizon_days:
            raise TrainingError(
                f"An embargo of {self.embargo_days} days is shorter than the horizon of {self.horizon_days}: "
                "outcomes of one window would reach into the next; make the embargo at least as long."
            )
        least = {"bag": 1, "max_rounds": 1, "folds": 2, "tuning_trials": 0, "minimum_events": 1, "horizon_days": 0}
        for name, bound in least.items():
            if getattr(self, name) is not None and getattr(self, name) < bound:
                raise TrainingError(f"{name} is {getattr(self, name)}; it must be at least {bound}.")
        if self.tuning_trials and self.tuning_folds < 2:
            raise TrainingError(f"Tuning needs at least two folds, tuning_folds is {self.tuning_folds}.")
        if self.signs and isinstance(self.features, FeatureRegistry):
            raise TrainingError("The registry holds the signs of its features; give signs with names of columns only.")
        wrong = [days for days in self.later_labels if days <= self.horizon_days or days not in LATER_HORIZONS]
        if wrong:
            raise TrainingError(
                f"A later horizon of {wrong[0]} days beside one of {self.horizon_days} days has no column in a score "
                f"table; a later horizon is longer than the first and one of {LATER_HORIZONS} days."
            )

    def _check_choices(self) -> None:
        for name, kinds in (("split", Split), ("estimator", EstimatorName), ("tuning_metric", Metric)):
            if getattr(self, name) not in get_args(kinds):
                known = ", ".join(map(repr, get_args(kinds)))
                raise TrainingError(f"{name} is {getattr(self, name)!r}; it must be one of {known}.")
        known_params = PARAMS[self.estimator]
        for name, value in self.params.items():
            if name in trees.FIXED or name in ("seed", "monotone_constraints"):
                raise TrainingError(f"Parameter '{name}' is not for a spec to set; remove it from params.")
            if name not in known_params:
                near = difflib.get_close_matches(name, known_params, n=1)
                hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(sorted(known_params))}"
                raise TrainingError(f"There is no parameter '{name}' of {self.estimator} to set ({hint}).")
            if not isinstance(value, int | float):
                raise TrainingError(f"Parameter '{name}' is {value!r}; give a number.")

    def _check_columns(self) -> None:
        if not all(isinstance(name, str) and name for name in (*self.key, self.label)):
            raise TrainingError(
                f"Identifier, date and label are names of columns, not {(*self.key, self.label)}; a table without a "
                "date is given one date for all rows."
            )
        outcomes = {self.label, *self.later_labels.values()}
        for name in () if self.features is None or isinstance(self.features, FeatureRegistry) else self.features:
            if name in outcomes or name in self.key:
                role = "an outcome" if name in outcomes else "part of the key"
                raise TrainingError(f"Feature '{name}' is {role} and nothing to learn from; leave it out.")
        for name, sign in self.signs.items():
            if sign not in get_args(Sign):
                raise TrainingError(f"The direction of '{name}' is {sign!r}; give 1, -1 or 0.")

    def rows_of(self, frame: Frame) -> Rows:
        """The rows that the spec may learn from; see `labelled`."""
        return labelled(
            frame,
            key=self.key,
            label=self.label,
            group=self.group,
            as_of_date=self.as_of_date,
            horizon_days=self.horizon_days,
        )

    def with_bag_for(self, rows: int) -> TrainingSpec:
        """The spec with `bag` settled for a table of this many rows."""
        if self.bag is not None:
            return self
        return replace(self, bag=SMALL_TABLE_BAG if rows <= SMALL_TABLE_ROWS else 1)

    @classmethod
    def for_table(
        cls,
        *,
        key: str,
        date: str,
        label: str,
        features: Sequence[str] | None = None,
        monotone: Mapping[str, Sign] | None = None,
        group: str | None = None,
        horizon_days: int = 365,
        **settings: Any,
    ) -> TrainingSpec:
        """A spec for a table of any origin: numbers and text as they come, no registry.

        Args:
            key: column of the identifier, unique within a date.
            date: column of the snapshot date; one date only is a cross-section, judged by nested cross-validation.
            label: column of the outcome, true or false; null where it is not known.
            features: columns to learn from; None takes all others that can carry something, and the manifest's
                `left_out` says of each other column why not.
            monotone: +1 or -1 for columns whose direction is known.
            group: column of entities that must not be torn apart, e.g. of firms under one owner.
            horizon_days: how long after the date the outcome was watched.
            settings: any other field of `TrainingSpec`.

        Text becomes categories. An infinite number counts as larger than any other.
        """
        defaults: dict[str, Any] = {
            "as_of_date": None,
            "label_definition": f"column {label} as delivered",
            "later_labels": {},
            "segment_columns": (),
            "embargo_days": horizon_days,
            "split": "auto",
            "max_rounds": 600,
            "tuning_trials": 8,
            "tuning_metric": "auc",
            "bag": None,
        }
        columns: dict[str, Any] = {
            "key": (date, key),
            "label": label,
            "features": None if features is None else tuple(features),
            "signs": dict(monotone or {}),
            "group": group,
            "horizon_days": horizon_days,
        }
        return cls(**(defaults | settings | columns))
