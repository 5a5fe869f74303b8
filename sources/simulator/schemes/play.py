"""Which schemes there are, and playing those that are switched on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from sources.simulator.feeds import Feed, History
from sources.simulator.schemes.actor import Actor, choose_actors
from sources.simulator.schemes.camsing import forge_confirmations
from sources.simulator.schemes.first_brands import sell_invoices_twice
from sources.simulator.schemes.greensill import finance_future_receivables
from sources.simulator.schemes.hongjiu import finance_new_shells
from sources.simulator.schemes.papers import Papers
from sources.simulator.schemes.tricolor import pledge_twice_and_re_age

Play = Callable[[Papers, Actor], None]

_PLAYS: dict[str, Play] = {
    "FIRST_BRANDS": sell_invoices_twice,
    "TRICOLOR": pledge_twice_and_re_age,
    "CAMSING": forge_confirmations,
    "GREENSILL": finance_future_receivables,
    "HONGJIU": finance_new_shells,
}
SCHEMES = tuple(_PLAYS)
"""Names of the schemes, in the order in which their actors are cast; a new scheme goes to the end."""


def plant_schemes(history: History, feeds: list[Feed], schemes: Sequence[str]) -> tuple[list[Feed], pa.Table]:
    """The feeds with what the actors of ``schemes`` planted, and the truth about it; no scheme leaves feeds alone."""
    papers = Papers(history)
    for scheme, actors in choose_actors(history.world, SCHEMES).items():
        if scheme in schemes:
            for actor in actors:
                _PLAYS[scheme](papers, actor)
    return papers.with_feeds(feeds) if papers.rows else feeds, papers.truth_table()
