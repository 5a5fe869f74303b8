"""When an actor acts, and for how much."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from sources.simulator.schemes.actor import Actor
from sources.simulator.schemes.papers import Papers
from sources.simulator.streams import Stream, Streams

_FIRST_DAY, _EVERY_DAYS = 40, 35
TERM_DAYS = 90


def rounds(papers: Papers, actor: Actor) -> Iterator[tuple[int, int, np.random.Generator, Decimal]]:
    """Number, business day, stream and an amount of a usual month's trade for each time that an actor acts.

    Each time has a stream of its own, so that what an actor did does not depend on how long the run lasts.
    """
    world = papers.history.world
    monthly = float(world.network.edges.volume[actor.edge, 0]) / 12
    streams = Streams(world.seed)
    for number, begin in enumerate(range(_FIRST_DAY + 3 * actor.number, papers.history.last_day + 1, _EVERY_DAYS)):
        rng = streams.on(Stream.SCHEME, begin, part=1 + actor.supplier)
        cents = round(monthly * 100 * float(rng.uniform(0.4, 0.9)))
        yield number + 1, papers.business_day(begin), rng, Decimal(max(cents, 1_000_000)) / 100
