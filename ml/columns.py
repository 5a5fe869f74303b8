"""Which columns of a table without a registry are features, and of what kind; decided on training rows alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.dataset import is_numeric, is_text, require_columns
from ml.errors import FrameError, TrainingError
from ml.features import Feature, FeatureRegistry, column_feature
from ml.spec import TrainingSpec

# Rarer values share one place. A text with more values than this share of its rows names the rows.
MOST_CATEGORIES = 100
FEWEST_ROWS_OF_CATEGORY = 3
NAMES_ROWS_ABOVE = 0.5
NUMBERS_ABOVE = 0.9

# Columns with a meaning of their own in this project's tables.
ROLES = ("population_status", "not_scored_reason")


def declare(table: pa.Table, training: NDArray[Any], spec: TrainingSpec) -> tuple[FeatureRegistry, Mapping[str, str]]:
    """The features of a fit, and why columns were left out (only where the spec takes all others).

    Args:
        table: the labelled rows.
        training: places of the rows that the model learns from; categories and constants are judged on these.

    Raises:
        FrameError: a named column is absent or of a type that no model takes.
        TrainingError: no column is left to learn from.
    """
    if isinstance(spec.features, FeatureRegistry):
        return spec.features, {}
    named = spec.features is not None
    # of all others by name: the order of columns leaves no trace in a model
    names = list(spec.features) if spec.features is not None else sorted(_others(table, spec))
    require_columns(table, [*names, *spec.signs], "training")
    features: list[Feature] = []
    left_out: dict[str, str] = {}
    for name in names:
        values = table.column(name).take(pa.array(training))
        reason = _useless(values)
        if reason is None or (named and _is_readable(values)):
            features.append(_feature(name, values, spec))
        elif named:
            raise FrameError(f"Feature '{name}' cannot be learned from: it is {reason}; leave it out or convert it.")
        else:
            left_out[name] = reason
    if not features:
        raise TrainingError(
            "No column is left to learn from: " + "; ".join(f"{name} is {why}" for name, why in left_out.items()) + "."
            if left_out
            else "The table has no column beside key, date and label to learn from; bring features."
        )
    unused = sorted(set(spec.signs) - {feature.name for feature in features} - left_out.keys())
    if unused:
        raise TrainingError(f"A direction is given for '{unused[0]}', which is no feature; remove it from the signs.")
    return FeatureRegistry(tuple(features)), left_out


def _others(table: pa.Table, spec: TrainingSpec) -> list[str]:
    taken = {*spec.key, spec.label, *spec.later_labels.values(), *spec.segment_columns, *ROLES, spec.group}
    return [name for name in table.column_names if name not in taken]


def _is_readable(values: pa.ChunkedArray) -> bool:
    return is_numeric(values.type) or is_text(values.type)


def _useless(values: pa.ChunkedArray) -> str | None:
    """Why a column cannot carry anything, None where it can."""
    if not _is_readable(values):
        return f"of type {values.type}"
    known = len(values) - values.null_count
    if known == 0:
        return "missing in every row"
    distinct = pc.count_distinct(values).as_py()
    if distinct == 1 and values.null_count == 0:
        return "the same in every row"
    if is_text(values.type) and distinct > max(NAMES_ROWS_ABOVE * known, 2):
        return f"text with {distinct} different values in {known} rows{_numbers_in(values)}"
    return None


def _numbers_in(values: pa.ChunkedArray) -> str:
    """A hint where most of the texts are numbers: one blank or dash is enough to make text of a whole column."""
    texts = pd.Series(pc.unique(values).drop_null().to_pylist())
    is_number = pd.to_numeric(texts, errors="coerce").notna()
    if is_number.mean() <= NUMBERS_ABOVE:
        return ""
    other = f"; {texts[~is_number].iloc[0]!r} is none" if not is_number.all() else ""
    return f", most of them numbers written as text{other}: convert it"


def _feature(name: str, values: pa.ChunkedArray, spec: TrainingSpec) -> Feature:
    sign = spec.signs.get(name, 0)
    if is_numeric(values.type):
        return column_feature(name, sign=sign, infinite="kept")
    if sign:
        raise TrainingError(f"A direction is given for '{name}', which is text and has no order; remove it.")
    counts = Counter(value for value in pc.cast(values, pa.string()).to_pylist() if value is not None)
    frequent = [value for value, count in counts.items() if count >= FEWEST_ROWS_OF_CATEGORY]
    # by frequency, then by name: the order of rows leaves no trace
    frequent.sort(key=lambda value: (-counts[value], value))
    return column_feature(name, categories=tuple(frequent[:MOST_CATEGORIES]))
