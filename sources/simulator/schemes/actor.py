"""Who plays a scheme: first-tier suppliers of whom everything is on file, and the core enterprise they sell most to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sources.simulator.state import World
from sources.simulator.streams import Stream, Streams

_SHARE_OF_SUPPLIERS = 0.004


@dataclass(frozen=True)
class Actor:
    """A supplier that plays a scheme; ``number`` counts the actors of a scheme from 1."""

    scheme: str
    number: int
    supplier: int
    edge: int
    core: int

    @property
    def tag(self) -> str:
        """What the identifiers of its documents begin with."""
        return f"{self.scheme[:2]}{self.number:02d}"

    def invoice_no(self, number: int) -> str:
        """The number of its ``number``-th invoice, below 1,000; of its own, as the economy counts from 1."""
        return f"{90_000_000 + self.supplier * 1000 + number:08d}"


def choose_actors(world: World, schemes: Sequence[str]) -> dict[str, list[Actor]]:
    """Actors of each scheme: 0.4 % of the suppliers, at least one, nobody in two schemes.

    All ``schemes`` are cast at once, so that switching one off leaves the actors of the others alone.
    """
    parties, edges = world.parties, world.network.edges
    main: dict[int, int] = {}
    for edge in range(edges.core_edges):
        seller = int(edges.seller[edge])
        if seller not in main or edges.volume[edge, 0] > edges.volume[main[seller], 0]:
            main[seller] = edge
    on_file = parties.has_bank & parties.has_tax & (parties.onboarded_day <= 0)
    able = np.array([seller for seller in sorted(main) if on_file[seller]], dtype=np.int64)
    able = Streams(world.seed).on(Stream.SCHEME).permutation(able)
    each = max(1, round(_SHARE_OF_SUPPLIERS * len(parties.suppliers)))
    actors: dict[str, list[Actor]] = {}
    for place, scheme in enumerate(schemes):
        chosen = able[place * each : (place + 1) * each].tolist()
        actors[scheme] = [
            Actor(scheme, number, seller, main[seller], int(edges.buyer_core[main[seller]]))
            for number, seller in enumerate(chosen, start=1)
        ]
    return actors
