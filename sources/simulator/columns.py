"""Arrow columns from numpy arrays, set-based: money, dates, identifiers."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sources.contract import Contract
from sources.simulator.state import NEVER
from sources.simulator.timeline import Timeline


def to_cents(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """CNY as whole cents."""
    return np.rint(np.asarray(values) * 100).astype(np.int64)


def decimals(unscaled: NDArray[np.int64], scale: int = 2) -> pa.Array:
    """Integers in units of the last decimal place as DECIMAL(18, scale), without rounding."""
    pairs = np.empty((len(unscaled), 2), dtype=np.int64)
    pairs[:, 0], pairs[:, 1] = unscaled, unscaled >> 63
    return pa.Array.from_buffers(pa.decimal128(18, scale), len(unscaled), [None, pa.py_buffer(pairs)])


def money(values: NDArray[np.float64]) -> pa.Array:
    """CNY as DECIMAL(18, 2)."""
    return decimals(to_cents(values))


def dates(timeline: Timeline, days: NDArray[np.int64]) -> pa.Array:
    """Day numbers as dates; NEVER is null."""
    days = np.asarray(days)
    return pa.array(timeline.epoch(days), type=pa.date32(), mask=days == NEVER)


def timestamps(timeline: Timeline, days: NDArray[np.int64], seconds: NDArray[np.int64]) -> pa.Array:
    """Day numbers and seconds after midnight UTC as timestamps."""
    whole = timeline.epoch(days).astype(np.int64) * 86_400 + seconds
    return pa.array(whole * 1_000_000, type=pa.timestamp("us"))


def labels(prefix: str, numbers: NDArray[np.int64], width: int) -> pa.Array:
    """``prefix`` and the number padded with zeros to ``width`` digits."""
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def join(*parts: pa.Array | str) -> pa.Array:
    """Element-wise concatenation of text columns and constants."""
    return pc.binary_join_element_wise(*(pa.scalar(p) if isinstance(p, str) else p for p in parts), "")


def pick(values: Any, index: NDArray[np.int64]) -> pa.Array:
    """Text looked up by position; -1 gives null."""
    index = np.asarray(index)
    return pa.array(values, type=pa.string()).take(pa.array(np.maximum(index, 0), mask=index < 0))


def constant(value: str, count: int) -> pa.Array:
    """The same text in every row."""
    return pa.repeat(pa.scalar(value), count)


def running_number(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """1, 2, 3, ... within each key, in row order."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(keys) else np.zeros(0, np.int64)
    lengths = np.diff(np.r_[starts, len(keys)])
    result = np.empty(len(keys), dtype=np.int64)
    result[order] = np.arange(len(keys)) - np.repeat(starts, lengths) + 1
    return result


def contract_table(contract: Contract, columns: dict[str, Any], count: int) -> pa.Table:
    """The columns in the contract's order and types; a column that is not given is null in every row."""
    unknown = sorted(set(columns) - set(contract.column_names))
    if unknown:
        raise KeyError(f"{contract.name} has no column {', '.join(unknown)}: remove it from the simulator's documents")
    arrays = [
        _typed(columns[column.name], column.arrow_type)
        if column.name in columns
        else pa.nulls(count, column.arrow_type)
        for column in contract.columns
    ]
    return pa.table(arrays, schema=contract.arrow_schema)


def _typed(values: Any, arrow_type: pa.DataType) -> pa.Array:
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    return array if array.type == arrow_type else array.cast(arrow_type)


def months_between(first: date, last: date) -> list[date]:
    """First day of each month from the month of ``first`` to the month of ``last``."""
    return [
        date(index // 12, index % 12 + 1, 1)
        for index in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    ]
