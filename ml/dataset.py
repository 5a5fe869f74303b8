"""From a table to what a model takes: keys, a design matrix in registry order, labels.

Nothing is imputed: a missing value stays NaN in the matrix, and a value that is no number refuses the table.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.errors import FrameError
from ml.features import Feature, FeatureRegistry

Frame: TypeAlias = pa.Table | pd.DataFrame
Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]


def as_table(frame: Frame) -> pa.Table:
    """The frame as an Arrow table; a pandas NaN becomes a null."""
    return pa.Table.from_pandas(frame, preserve_index=False) if isinstance(frame, pd.DataFrame) else frame


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


def numeric_features(frame: Frame, besides: Collection[str]) -> FeatureRegistry:
    """Every numeric column but the named ones as an unconstrained feature: for a table that has no registry of its
    own."""
    schema = as_table(frame).schema
    return FeatureRegistry.of_columns(
        [column.name for column in schema if column.name not in besides and is_numeric(column.type)]
    )


def numbers(table: pa.Table, name: str) -> Floats:
    """A numeric column as float64, NaN where null.

    Raises:
        FrameError: the column is not numeric, or holds an infinite value.
    """
    column = table.column(name)
    if not is_numeric(column.type):
        raise FrameError(f"Column '{name}' is of type {column.type}, not a number; cast it where the table is built.")
    values: Floats = pc.cast(column, pa.float64(), safe=False).to_numpy()
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise FrameError(
            f"Column '{name}' holds {infinite} infinite values; a division by zero must be null where it is computed."
        )
    return values


def days(table: pa.Table, name: str) -> Days:
    """A date column as datetime64[D]; text in ISO form and timestamps are taken too."""
    column = table.column(name)
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
    for position, feature in enumerate(features):
        matrix[:, position] = numbers(table, feature.name)
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
class Dataset:
    """Labelled rows sorted by date and entity, so that the order of delivery leaves no trace in a model.

    `matrix` is (rows, features); `labels` holds 0.0 or 1.0; `groups` are the entities that must not be separated.
    """

    table: pa.Table
    dates: Days
    ids: NDArray[np.object_]
    groups: NDArray[np.object_]
    matrix: Matrix
    labels: Floats

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Dataset:
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return Dataset(
            self.table.take(pa.array(index)),
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
        content.update(np.where(np.isnan(self.matrix), np.float32(np.nan), self.matrix).tobytes())
        content.update(self.labels.tobytes())
        return content.hexdigest()


def labelled(
    frame: Frame,
    features: FeatureRegistry,
    *,
    key: tuple[str, str],
    label: str,
    group: str | None,
    as_of_date: date,
    horizon_days: int,
) -> Dataset:
    """The rows a model may learn from: eligible, with a label whose horizon was over by `as_of_date`.

    A label that is present before its horizon is over is dropped too: on that night it could only be known for
    events, and learning from the early half of the answers biases the rate.
    """
    table = as_table(frame)
    require_columns(table, [*key, label, *([group] if group else [])], "training")
    if "population_status" in table.column_names:
        table = table.filter(pc.equal(table.column("population_status"), "ELIGIBLE"))
    dates, outcome = days(table, key[0]), numbers(table, label)
    matured = dates + np.timedelta64(horizon_days, "D") <= np.datetime64(as_of_date)
    table = table.filter(pa.array(matured & ~np.isnan(outcome)))

    dates, ids, outcome = days(table, key[0]), entities(table, key[1]), numbers(table, label)
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise FrameError(f"Label '{label}' must be true or false (1 or 0); it holds other values.")
    check_keys(dates, ids, key)
    order = np.lexsort((ids.astype(str), dates))
    table = table.take(pa.array(order))
    return Dataset(
        table,
        dates[order],
        ids[order],
        entities(table, group) if group else ids[order],
        design_matrix(table, features.features),
        outcome[order],
    )
