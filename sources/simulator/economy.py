"""The economy's day: the same code moves the run itself and its forks."""

from __future__ import annotations

from collections.abc import Callable

from sources.simulator.climate import move_climate
from sources.simulator.hardship import move_hardship
from sources.simulator.journal import Journal
from sources.simulator.network import make_network
from sources.simulator.parties import make_parties
from sources.simulator.positions import move_certificates
from sources.simulator.state import State, World, opening_state
from sources.simulator.streams import Streams
from sources.simulator.timeline import WARM_UP_DAYS, Timeline
from sources.simulator.trade import move_trade
from sources.simulator.treasury import close_tax_month, move_core_cash, move_supplier_cash, pay_core_suppliers


def make_world(seed: int, scale: float, timeline: Timeline) -> World:
    """The parties and relations of a portfolio."""
    streams = Streams(seed)
    parties = make_parties(streams, scale)
    return World(seed, timeline, parties, make_network(streams, parties))


def step(world: World, state: State, day: int, streams: Streams, journal: Journal | None = None) -> None:
    """Move ``state`` from the evening of ``day`` - 1 to the evening of ``day``, in place."""
    move_climate(world, state, day, streams)
    close_tax_month(world, state, day)
    move_trade(world, state, day, streams, journal)
    move_core_cash(world, state, day, streams, journal)
    move_certificates(world, state, day, journal)
    pay_core_suppliers(world, state, day, journal)
    move_supplier_cash(world, state, day, streams, journal)
    move_hardship(world, state, day, streams, journal)


def run(
    world: World,
    last_day: int,
    journal: Journal | None = None,
    each_evening: Callable[[int, State], None] | None = None,
) -> State:
    """State on the evening of ``last_day``, from the warm-up on; the journal starts with day 0."""
    state, streams = opening_state(world), Streams(world.seed)
    for day in range(-WARM_UP_DAYS, last_day + 1):
        step(world, state, day, streams, journal if day >= 0 else None)
        if each_evening is not None and day >= -1:
            each_evening(day, state)
    return state
