"""The limit of any model: fork the economy from its true state and count the futures with distress."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sources.simulator.economy import make_world, run, step
from sources.simulator.portfolio import Portfolio, PortfolioError
from sources.simulator.state import NEVER, State, World
from sources.simulator.streams import Streams

HORIZON_DAYS = 90
# a fork of 2,000 suppliers takes about 30 MB
_RUNS_PER_BUNDLE = 10


def distress_probability(out: Path, as_of: date, runs: int = 500) -> pa.Table:
    """Share of ``runs`` futures in which distress becomes known within 90 days after ``as_of``.

    Returns ``supplier_id``, ``pd_oracle`` for suppliers that are admitted, trading and not known to be in distress on
    the evening of ``as_of``. PortfolioError when the date lies outside the portfolio.
    """
    portfolio = Portfolio.load(out)
    if not portfolio.start <= as_of <= portfolio.until:
        raise PortfolioError(f"as_of {as_of} lies outside the portfolio ({portfolio.start} to {portfolio.until})")
    world = make_world(portfolio.seed, portfolio.scale, portfolio.timeline)
    day = portfolio.timeline.day_of(as_of)
    state = run(world, day)
    bundles = [
        (portfolio, state, day, number, min(_RUNS_PER_BUNDLE, runs - first))
        for number, first in enumerate(range(0, runs, _RUNS_PER_BUNDLE), start=1)
    ]
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        hits = sum(pool.map(_count_bundle, bundles))
    known = state.distress_known[:, 0]
    population = (world.parties.onboarded_day <= day) & state.is_trading[:, 0] & ((known == NEVER) | (known > day))
    who = np.flatnonzero(population)
    return pa.table(
        {
            "supplier_id": pa.array(world.parties.suppliers.ids[who]),
            "pd_oracle": pa.array(np.asarray(hits)[who] / runs),
        }
    )


def _count_bundle(bundle: tuple[Portfolio, State, int, int, int]) -> NDArray[np.int64]:
    portfolio, state, day, number, runs = bundle
    world = make_world(portfolio.seed, portfolio.scale, portfolio.timeline)
    return count_hits(world, state, day, Streams(portfolio.seed, fork=number), runs)


def count_hits(world: World, state: State, day: int, streams: Streams, runs: int) -> NDArray[np.int64]:
    """(S,): in how many of ``runs`` forks distress becomes known after ``day`` and by the horizon."""
    forks = state.fork(runs)
    last = day + HORIZON_DAYS
    hit = (forks.distress_known > day) & (forks.distress_known <= last)
    for later in range(day + 1, last + 1):
        step(world, forks, later, streams)
        hit |= (forks.distress_known > day) & (forks.distress_known <= last)
    return np.asarray(hit.sum(axis=1), dtype=np.int64)
