"""A feed's rows before delivery: the contract's columns and the day on which each row, or version of a row, arose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sources.contract import load_contracts
from sources.simulator.columns import contract_table
from sources.simulator.journal import Journal
from sources.simulator.state import State, World

CURRENCY = "CNY"
SCHEME = "CN-USCC"


@dataclass(frozen=True)
class Feed:
    """Rows of one feed in order of ``day``. ``is_update`` marks versions after the first of an event row."""

    name: str
    table: pa.Table
    day: NDArray[np.int64]
    is_update: NDArray[np.bool_]


@dataclass(frozen=True)
class Snapshot:
    """What the month-end reports need of the state on an evening."""

    day: int
    cash: NDArray[np.float64]
    tax_due: NDArray[np.float64]
    tax_age: NDArray[np.int64]
    wage_due: NDArray[np.float64]
    overdue_trade: NDArray[np.float64]
    wage_rate: NDArray[np.float64]
    demand: NDArray[np.float64]
    margin: NDArray[np.float64]
    owner_reserve: NDArray[np.float64]
    distress_known: NDArray[np.int64]
    is_trading: NDArray[np.bool_]
    core_cash: NDArray[np.float64]
    core_owed: NDArray[np.float64]
    core_in_spell: NDArray[np.bool_]
    core_in_default: NDArray[np.bool_]
    cycle: NDArray[np.float64]
    prices: NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """A finished run: its world, journal, state on the eve of the start and month-end snapshots."""

    world: World
    journal: Journal
    opening: State
    snapshots: tuple[Snapshot, ...]
    last_day: int


def make_feed(
    name: str, day: NDArray[np.int64], columns: dict[str, Any], is_update: NDArray[np.bool_] | None = None
) -> Feed:
    """Type the columns by the contract and sort the rows by day, keeping their order within a day."""
    count = len(day)
    table = contract_table(load_contracts()[name], columns, count)
    update = np.zeros(count, dtype=bool) if is_update is None else is_update
    if count and (np.diff(day) < 0).any():
        order = np.argsort(day, kind="stable")
        table, day, update = table.take(pa.array(order)), day[order], update[order]
    return Feed(name, table, day, update)
