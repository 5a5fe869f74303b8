"""From a table to what a model takes: keys, a design matrix in registry order, labels.

Nothing is imputed: a missing value stays NaN in the matrix, and a value that is no number refuses the table, unless the
feature was declared with categories.
"""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.errors import FrameError
from ml.features import Feature

Frame: TypeAlias = pa.Table | pd.DataFrame
Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

# The digest copies the matrix; in parts, so that a million rows do not stand in memory twice.
DIGEST_ROWS = 65_536


def as_table(frame: Frame) -> pa.Table:
    """The frame as an Arrow table without dictionary columns; a pandas NaN becomes a null.

    Raises:
        FrameError: it is no table, a column has no name or that of another, or a pandas column mixes types or is of one
            that no table has.
    """
    if isinstance(frame, pd.DataFrame):
        _check_names([str(name) for name in frame.columns])
        try:
            table = pa.Table.from_pandas(frame, preserve_index=False)
        except _UNREADABLE:
            raise _unreadable_column(frame) from None
    elif isinstance(frame, pa.Table):
        _check_names(frame.column_names)
        table = frame
    else:
        raise FrameError(f"A table is needed, of pandas or of Arrow, not a {type(frame).__name__}.")
    for place, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            try:
                values = pc.cast(table.column(place), column.type.value_type)
            except pa.ArrowNotImplementedError:
                raise FrameError(
                    f"Column '{column.name}' holds categories of type {column.type.value_type}; make text of them."
                ) from None
            table = table.set_column(place, column.name, values)
    return table


_UNREADABLE = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError, OverflowError)


def _unreadable_column(frame: pd.DataFrame) -> FrameError:
    """What is wrong with the first column that Arrow cannot take."""
    for name in frame.columns:
        try:
            pa.Table.from_pandas(frame[[name]], preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            return FrameError(f"Column '{name}' mixes types ({error.args[0]}); give one.")
        except _UNREADABLE as error:
            return FrameError(f"Column '{name}' holds what no table takes ({error}); convert it or drop it.")
    raise AssertionError("every column can be read alone")


def _check_names(names: Sequence[str]) -> None:
    if "" in names:
        raise FrameError(f"Column {names.index('') + 1} of the table has no name; give it one.")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise FrameError(
            f"The table has {names.count(repeated[0])} columns named '{repeated[0]}'; give each its own name."
        )


def require_columns(table: pa.Table, names: Sequence[str], purpose: str) -> None:
    """Refuses a table that lacks a column, naming the nearest column it has (a rename is the usual cause)."""
    present = table.column_names
    absent = [name for name in names if name not in set(present)]
    if not absent:
        return
    near = difflib.get_close_matches(absent[0], present, n=1)
    hint = f"; the nearest column is '{near[0]}'" if near else ""
    more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
    raise FrameError(
        f"The table lacks column '{absent[0]}'{more}, which {purpose} needs{hint}; "
        "rebuild the table with it or use a model that was trained on these columns."
    )


def is_numeric(column_type: pa.DataType) -> bool:
    """Whether a column can be read as numbers; a column of nulls alone can."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    return any(test(column_type) for test in tests)


def is_text(column_type: pa.DataType) -> bool:
    """Whether a column holds text."""
    return any(test(column_type) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def numbers(table: pa.Table, name: str, *, infinite: Literal["refused", "kept"] = "refused") -> Floats:
    """A numeric column as float64, NaN where null.

    Raises:
        FrameError: the column is not numeric, or holds an infinite value where these are refused.
    """
    column = table.column(name)
    if not is_numeric(column.type):
        raise FrameError(f"Column '{name}' is of type {column.type}, not a number; cast it where the table is built.")
    values: Floats = pc.cast(column, pa.float64(), safe=False).to_numpy()
    beyond = int(np.isinf(values).sum()) if infinite == "refused" else 0
    if beyond:
        raise FrameError(
            f"Column '{name}' holds {beyond} infinite values; a division by zero must be null where it is computed."
        )
    return values


def category_codes(table: pa.Table, feature: Feature) -> Floats:
    """Place of each value among the feature's categories, their count for any other value, NaN where null."""
    categories = feature.categories or ()
    column = table.column(feature.name)
    if not is_text(column.type) and not pa.types.is_null(column.type):
        raise FrameError(
            f"Column '{feature.name}' is of type {column.type}, and the model has learned from text; make the text of "
            "it that it was then."
        )
    column = pc.cast(column, pa.string())
    codes = pc.index_in(column, value_set=pa.array(categories, pa.string()), skip_nulls=True)
    codes = pc.if_else(pc.is_valid(column), pc.fill_null(codes, len(categories)), pa.scalar(None, pa.int32()))
    found: Floats = pc.cast(codes, pa.float64()).to_numpy()
    return found


def feature_values(table: pa.Table, feature: Feature) -> Floats:
    """What the model sees of a column, as float64: its numbers, or the codes of its categories; NaN where missing."""
    if feature.categories is not None:
        return category_codes(table, feature)
    return numbers(table, feature.name, infinite=feature.infinite)


def days(table: pa.Table, name: str) -> Days:
    """A date column as datetime64[D]; text in ISO form and timestamps are taken too."""
    column = table.column(name)
    if is_numeric(column.type):
        # a year would be read as a number of days since 1970
        raise FrameError(f"Column '{name}' is of type {column.type}, no date; give DATE or YYYY-MM-DD.")
    try:
        dates = pc.cast(column, pa.date32())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise FrameError(f"Column '{name}' holds no dates ({error}); give DATE or YYYY-MM-DD.") from None
    if dates.null_count:
        raise FrameError(f"Column '{name}' is null in {dates.null_count} rows; every row needs its snapshot date.")
    found: Days = dates.to_numpy().astype("datetime64[D]")
    return found


def entities(table: pa.Table, name: str) -> NDArray[np.object_]:
    """The identifier column as text."""
    column = table.column(name)
    if column.null_count:
        raise FrameError(f"Column '{name}' is null in {column.null_count} rows; every row needs its identifier.")
    return np.asarray(pc.cast(column, pa.string()).to_numpy(zero_copy_only=False), dtype=object)


def design_matrix(table: pa.Table, features: Sequence[Feature]) -> Matrix:
    """float32 matrix of shape (rows, features) in the features' order, NaN where the value is missing.

    Columns are taken by name, so the order of the table's own columns does not matter.
    """
    require_columns(table, [feature.name for feature in features], "the model")
    matrix = np.empty((table.num_rows, len(features)), dtype=np.float32)
    # a number beyond float32 becomes infinite, which keeps its order: trees and bins look at nothing else
    with np.errstate(over="ignore"):
        for position, feature in enumerate(features):
            matrix[:, position] = feature_values(table, feature)
    return matrix


def check_keys(dates: Days, ids: NDArray[np.object_], key: tuple[str, str]) -> None:
    """Refuses a table in which a key stands twice: its rows would be scored or learned twice."""
    repeated = pd.DataFrame({"date": dates, "id": ids}).duplicated()
    if repeated.any():
        first = int(repeated.to_numpy().argmax())
        raise FrameError(
            f"{int(repeated.sum())} rows repeat a key of ({', '.join(key)}), the first is ({dates[first]}, "
            f"{ids[first]}); "
            "deliver one row per key."
        )


@dataclass(frozen=True)
class Rows:
    """Labelled rows sorted by date and entity, so that the order of delivery leaves no trace in a model.

    `labels` holds 0.0 or 1.0; `groups` are the entities that must not be separated.
    """

    table: pa.Table
    dates: Days
    ids: NDArray[np.object_]
    groups: NDArray[np.object_]
    labels: Floats

    def __len__(self) -> int:
        return len(self.labels)

    def with_features(self, features: Sequence[Feature]) -> Dataset:
        """The rows with their design matrix."""
        matrix = design_matrix(self.table, features)
        return Dataset(self.table, np.arange(len(self)), self.dates, self.ids, self.groups, matrix, self.labels)


@dataclass(frozen=True)
class Dataset:
    """Labelled rows as a model takes them: `matrix` is (rows, features), the other arrays are (rows,).

    `source` is the table that the rows were taken from, `places` where they stand in it.
    """

    source: pa.Table
    places: NDArray[np.intp]
    dates: Days
    ids: NDArray[np.object_]
    groups: NDArray[np.object_]
    matrix: Matrix
    labels: Floats

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def table(self) -> pa.Table:
        """The rows with all columns of the source; gathered on demand, as training alone never needs them."""
        return self.source.take(pa.array(self.places))

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Dataset:
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Dataset(
            self.source,
            self.places[index],
            self.dates[index],
            self.ids[index],
            self.groups[index],
            self.matrix[index],
            self.labels[index],
        )

    def digest(self) -> str:
        """sha256 over keys, matrix and labels: two fits with the same digest saw the same data."""
        content = hashlib.sha256()
        content.update(self.dates.astype(np.int64).tobytes())
        content.update("\x1f".join(self.ids.tolist()).encode())
        # NaNs differ in their payload bits between producers; one pattern stands for missing
        for begin in range(0, len(self), DIGEST_ROWS):
            part = self.matrix[begin : begin + DIGEST_ROWS]
            content.update(np.where(np.isnan(part), np.float32(np.nan), part).tobytes())
        content.update(self.labels.tobytes())
        return content.hexdigest()


def labelled(
    frame: Frame,
    *,
    key: tuple[str, str],
    label: str,
    group: str | None,
    as_of_date: date | None,
    horizon_days: int,
) -> Rows:
    """The rows a model may learn from: eligible, with a label whose horizon was over by `as_of_date`.

    A label that is present before its horizon is over is dropped too: on that night it could only be known for
    events, and learning from the early half of the answers biases the rate. Without an `as_of_date` every label given
    is final.

    Raises:
        FrameError: a column is absent, a key repeats or is null, or the label is no truth value.
    """
    needed = [*key, label, *([group] if group else [])]
    if isinstance(frame, pd.DataFrame) and (indexed := set(frame.index.names) & set(needed) - set(frame.columns)):
        raise FrameError(f"'{indexed.pop()}' is in the index of the table; reset_index() makes a column of it.")
    table = as_table(frame)
    require_columns(table, needed, "training")
    if "population_status" in table.column_names:
        table = table.filter(pc.equal(table.column("population_status"), "ELIGIBLE"))
    dates, outcome = days(table, key[0]), truth_values(table, label)
    learnable = ~np.isnan(outcome)
    if as_of_date is not None:
        learnable &= dates + np.timedelta64(horizon_days, "D") <= np.datetime64(as_of_date)
    if not learnable.all():
        table, dates, outcome = table.filter(pa.array(learnable)), dates[learnable], outcome[learnable]

    ids = entities(table, key[1])
    check_keys(dates, ids, key)
    order = np.lexsort((ids.astype(str), dates))
    if (order != np.arange(len(order))).any():
        table = table.take(pa.array(order))
    return Rows(table, dates[order], ids[order], entities(table, group) if group else ids[order], outcome[order])


def truth_values(table: pa.Table, label: str) -> Floats:
    """A label column as 1.0, 0.0 and NaN; booleans, numbers and the texts 0, 1, true and false are taken.

    Raises:
        FrameError: the column holds anything else.
    """
    column = table.column(label)
    if is_text(column.type):
        words = pc.index_in(pc.utf8_lower(column), value_set=pa.array(["false", "true"]))
        try:
            column = pc.coalesce(
                pc.cast(words, pa.float64()), pc.cast(pc.if_else(pc.is_valid(words), "0", column), pa.float64())
            )
        except pa.ArrowInvalid:
            raise FrameError(
                f"Label '{label}' is text ({_some(column)}); give true where the event happened and false where not."
            ) from None
        table = pa.table({label: column})
    outcome = numbers(table, label, infinite="kept")
    if not np.isin(outcome[~np.isnan(outcome)], (0.0, 1.0)).all():
        raise FrameError(
            f"Label '{label}' must be true or false (1 or 0); it holds {_some(table.column(label))}: give true where "
            "the event happened and false where not."
        )
    return outcome


def _some(column: pa.ChunkedArray) -> str:
    found = sorted(str(value) for value in pc.unique(column).to_pylist() if value is not None)
    return ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
