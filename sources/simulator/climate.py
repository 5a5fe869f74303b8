"""What nobody in the economy chooses: the cycle, prices, the core enterprises' bad spells, shocks to single firms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sources.simulator.parties import SECTORS
from sources.simulator.state import NEVER, State, World
from sources.simulator.streams import Stream, Streams

_CYCLE_MEMORY_DAYS, _CYCLE_SPREAD, _CYCLE_COMMON = 240.0, 0.09, 0.05
_PRICE_MEMORY_DAYS, _PRICE_SPREAD = 300.0, 0.12
_SPELLS_PER_DAY, _SPELL_DAYS = 1 / 850, 130.0
_DEMAND_MEMORY_DAYS, _DEMAND_SPREAD = 220.0, 0.20
_MARGIN_MEMORY_DAYS, _MARGIN_SPREAD = 260.0, 0.030
_CUSTOMER_LOSSES_PER_YEAR, _COST_SHOCKS_PER_YEAR, _BAD_DEBTS_PER_YEAR = 0.45, 0.32, 0.30
SHOCK_INTERVAL_DAYS = 7


def move_climate(world: World, state: State, day: int, streams: Streams) -> None:
    """Draw one day of the cycle, prices and spells; on Mondays also the firms' own shocks."""
    runs = state.runs
    rng = streams.on(Stream.CYCLE, day)
    keep = np.exp(-1 / _CYCLE_MEMORY_DAYS)
    step = np.sqrt(1 - keep**2)
    common = rng.standard_normal((1, runs)) * _CYCLE_COMMON
    state.cycle = keep * state.cycle + step * (rng.standard_normal(state.cycle.shape) * _CYCLE_SPREAD + common)
    keep = np.exp(-1 / _PRICE_MEMORY_DAYS)
    state.prices = keep * state.prices + np.sqrt(1 - keep**2) * _PRICE_SPREAD * rng.standard_normal(state.prices.shape)

    rng = streams.on(Stream.CORE, day)
    draw = rng.random(state.in_spell.shape)
    state.in_spell = np.where(state.in_spell, draw > 1 / _SPELL_DAYS, draw < _SPELLS_PER_DAY)
    patience = 20 + np.floor(70 * rng.random(state.in_spell.shape)).astype(np.int64)
    state.support_after = np.where(state.unpaid_since == NEVER, patience, state.support_after)
    state.core_activity += (np.where(state.in_spell, 0.68, 1.0) - state.core_activity) / 40.0
    if world.timeline.weekday(day) == 0:
        _shock_firms(state, streams.on(Stream.SHOCK, day))


def _shock_firms(state: State, rng: np.random.Generator) -> None:
    shape = state.demand.shape
    keep = np.exp(-SHOCK_INTERVAL_DAYS / _DEMAND_MEMORY_DAYS)
    state.demand = keep * state.demand + np.sqrt(1 - keep**2) * _DEMAND_SPREAD * rng.standard_normal(shape)
    keep = np.exp(-SHOCK_INTERVAL_DAYS / _MARGIN_MEMORY_DAYS)
    state.margin = keep * state.margin + np.sqrt(1 - keep**2) * _MARGIN_SPREAD * rng.standard_normal(shape)
    draw = rng.random((3, *shape))
    lost = draw[0] < _CUSTOMER_LOSSES_PER_YEAR * SHOCK_INTERVAL_DAYS / 365
    squeezed = draw[1] < _COST_SHOCKS_PER_YEAR * SHOCK_INTERVAL_DAYS / 365
    size = rng.random((3, *shape))
    state.demand -= np.where(lost, 0.2 + 0.6 * size[0], 0.0)
    state.margin -= np.where(squeezed, 0.03 + 0.09 * size[1], 0.0)
    # an outside customer fails: what it still owes is gone
    supplier, run = np.nonzero(draw[2] < _BAD_DEBTS_PER_YEAR * SHOCK_INTERVAL_DAYS / 365)
    left = 1.0 - (0.3 + 0.7 * size[2][supplier, run])
    receipts = state.customer_receipts
    receipts[:, supplier, run] = np.floor(receipts[:, supplier, run] * left * 100) / 100


def sector_activity(world: World, state: State, day: int) -> NDArray[np.float64]:
    """(K, B) activity of each sector relative to its mean, season included."""
    building, other = world.timeline.season(day)
    season = np.array([building if sector.is_building else other for sector in SECTORS])
    return np.asarray(np.exp(state.cycle) * season[:, None], dtype=np.float64)
