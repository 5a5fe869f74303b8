"""Certificates as amounts per edge and day of issue: issued, passed on, financed, redeemed.

An edge issues once a day and passes on only what was issued that day, so (edge, day of issue) names exactly one
certificate that the seller of the edge holds, and the root it descends from. A due day would not do: due days on a
weekend move to the Monday, where they meet others. ``certificates`` turns these positions into certificates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sources.simulator.journal import Journal
from sources.simulator.state import CERTIFICATE_RING, ISSUE_RING, NEVER, PAY_RING, State, World
from sources.simulator.trade import cents, floor_cents

FEE_RATE = 0.001
BUY_BACK_AFTER_DAYS = 10
LIABLE_AFTER_DAYS = 30
_MINIMUM_TRANSFER, _MINIMUM_FINANCING, _MINIMUM_SLICE = 5_000.0, 40_000.0, 10_000.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def due_day(world: World, issued: int | Ints, index: Ints) -> Ints:
    """Due day of certificates issued on ``issued`` under the edges' core enterprises; always a business day."""
    tenor = world.network.core_tenor[world.network.edges.root_core[index]]
    return world.timeline.next_business_day(issued + tenor)


def _slots_due(world: World, day: int) -> Ints:
    """(n, E): slots of the days of issue whose certificates are due on ``day``; n is 3 on a Monday, otherwise 1."""
    tenor = world.network.core_tenor[world.network.edges.root_core]
    return np.asarray((world.timeline.days_moved_to(day)[:, None] - tenor) % CERTIFICATE_RING, dtype=np.int64)


def move_certificates(world: World, state: State, day: int, journal: Journal | None) -> None:
    """Issue what was confirmed today and pass parts on, then redeem what falls due."""
    if not world.timeline.is_business_day(day):
        return
    _issue(world, state, day, journal)
    _redeem(world, state, day, journal)


def _may_hold(world: World, state: State, day: int) -> NDArray[np.bool_]:
    """(S, B): suppliers on the platform that may receive certificates today."""
    onboarded = (world.parties.onboarded_day <= day)[:, None]
    return onboarded & ~state.is_frozen & state.is_trading


def _transfer(world: World, state: State, day: int, received: Floats, journal: Journal | None) -> Floats:
    """Pass part of what was ``received`` (E, B) along the fed edges, as payment of what is open there.

    Returns what arrived, (E, B).
    """
    edges, conduct = world.network.edges, world.network.conduct
    chain = slice(edges.core_edges, None)
    feed, buyer, seller = edges.feed[chain], edges.buyer_supplier[chain], edges.seller[chain]
    holder_ok = _may_hold(world, state, day)
    open_amount = np.where(holder_ok[seller], np.maximum(state.open_payable[chain], 0.0), 0.0)
    total = edges.by_feed.sum(open_amount)[feed]
    budget = received[feed] * conduct.transfer_share[buyer]
    share = np.divide(open_amount, total, out=np.zeros_like(total), where=total > 0)
    amount = np.minimum(floor_cents(budget * share), open_amount)
    amount = np.where(amount >= _MINIMUM_TRANSFER, cents(amount), 0.0)
    arrived = np.zeros_like(received)
    if not amount.any():
        return arrived
    index = np.arange(edges.core_edges, len(edges))
    state.open_payable[chain] -= amount
    state.owed[chain] -= amount
    state.held[chain, day % CERTIFICATE_RING] += amount
    state.held_total[chain] += amount
    passed = edges.by_feed.sum(amount)
    source = np.flatnonzero(passed.any(axis=1))
    state.held[source, day % CERTIFICATE_RING] -= passed[source]
    state.held_total[source] -= passed[source]
    arrived[chain] = amount
    if journal is not None:
        made = np.flatnonzero(amount[:, 0])
        journal.add("transfer", day, edge=index[made], due=due_day(world, day, index[made]), amount=amount[made, 0])
    return arrived


def _issue(world: World, state: State, day: int, journal: Journal | None) -> None:
    edges = world.network.edges
    slot = day % ISSUE_RING
    wanted = state.to_issue[slot, : edges.core_edges].copy()
    state.to_issue[slot] = 0.0
    index = np.flatnonzero(wanted.any(axis=1))
    if not len(index):
        return
    wanted = wanted[index]
    allowed = (state.unpaid_since[edges.root_core[index]] == NEVER) & _may_hold(world, state, day)[edges.seller[index]]
    amount = np.where(allowed, wanted, 0.0)
    state.payables[(day + edges.terms_days[index]) % PAY_RING, index] += wanted - amount
    state.held[index, day % CERTIFICATE_RING] += amount
    state.held_total[index] += amount
    received = np.zeros_like(state.held_total)
    received[index] = amount
    if journal is not None:
        made = np.flatnonzero(amount[:, 0])
        journal.add("issue", day, edge=index[made], due=due_day(world, day, index[made]), amount=amount[made, 0])
    for _tier in (2, 3):
        received = _transfer(world, state, day, received, journal)


def finance(world: World, state: State, day: int, shortage: Floats, journal: Journal | None) -> None:
    """Finance held certificates, the earliest due first: what the firm is short of (S, B), or its habit."""
    edges, conduct = world.network.edges, world.network.conduct
    usable = np.where(state.unpaid_since[edges.root_core] == NEVER, state.held_total, 0.0)
    available = edges.by_seller.sum(usable)
    may = ~state.is_frozen & state.is_trading & (state.distress_known == NEVER)
    pay_day = conduct.pay_weekday[:, None] == world.timeline.weekday(day)
    habit = np.where(pay_day, 0.5 * conduct.habit * available, 0.0)
    want = np.where(may, np.minimum(available, np.maximum(1.05 * shortage, habit)), 0.0)
    want = np.where(want >= _MINIMUM_FINANCING, want, 0.0)
    if not want.any():
        return
    share = np.divide(want, available, out=np.zeros_like(want), where=available > 0)[edges.seller]
    edge, run = np.nonzero((usable * share) >= _MINIMUM_FINANCING)
    target = floor_cents(usable[edge, run] * share[edge, run])
    # under one core enterprise what was issued first is due first
    issue_days = day + 1 + np.arange(-CERTIFICATE_RING, 0)
    slots = issue_days % CERTIFICATE_RING
    held = state.held[edge[:, None], slots, run[:, None]].T
    before = np.cumsum(held, axis=0) - held
    taken = np.clip(target - before, 0.0, held)
    taken = np.where(taken >= _MINIMUM_SLICE, cents(taken), 0.0)
    position, pair = np.nonzero(taken)
    amount = taken[position, pair]
    edge, run, slot = edge[pair], run[pair], slots[position]
    issued = issue_days[position]
    due = due_day(world, issued, edge)
    interest = cents(amount * edges.rate_pct[edge] / 100 * (due - day) / 360)
    fee = cents(amount * FEE_RATE)
    state.held[edge, slot, run] -= amount
    state.financed[edge, slot, run] += amount
    np.subtract.at(state.held_total, (edge, run), amount)
    np.add.at(state.cash, (edges.seller[edge], run), amount - interest - fee)
    if journal is not None:
        journal.add("finance", day, edge=edge, issued=issued, due=due, amount=amount, interest=interest, fee=fee)


def _redeem(world: World, state: State, day: int, journal: Journal | None) -> None:
    """The core enterprise pays all that is due, or nothing of it until it can."""
    edges = world.network.edges
    every, slots = np.arange(len(edges)), _slots_due(world, day)
    held, financed = state.held[every, slots].sum(axis=0), state.financed[every, slots].sum(axis=0)
    falling_due = held.any() or financed.any()
    if not falling_due and not (state.unpaid_since != NEVER).any():
        return
    if falling_due:
        state.overdue_held += held
        state.overdue_financed += financed
        state.held_total -= held
        liable = edges.has_recourse[:, None] & (financed > 0) & (state.recourse_since == NEVER)
        state.recourse_since = np.where(liable, day, state.recourse_since)
        state.held[every, slots] = 0.0
        state.financed[every, slots] = 0.0
    pool = edges.by_root.sum(state.overdue_held + state.overdue_financed)
    supported = (state.unpaid_since != NEVER) & (day - state.unpaid_since >= state.support_after)
    support = np.where(supported, cents(np.maximum(0.0, 1.2 * pool - state.core_cash)), 0.0)
    state.core_cash += support
    pays = (pool > 0) & (state.core_cash + world.network.core_line >= pool)
    state.core_cash -= np.where(pays, pool, 0.0)
    state.unpaid_since = np.where(
        pays | (pool <= 0), NEVER, np.where(state.unpaid_since == NEVER, day, state.unpaid_since)
    )
    paid = pays[edges.root_core]
    to_holder = np.where(paid, state.overdue_held, 0.0)
    state.cash += edges.by_seller.sum(to_holder)
    if journal is not None:
        journal.add_nonzero("core_support", day, "core", support)
        journal.add("redeem", day, core=np.flatnonzero(pays[:, 0]))
        journal.add("core_default", day, core=np.flatnonzero(state.unpaid_since[:, 0] == day))
        journal.add_nonzero("redeem_cash", day, "edge", to_holder)
        journal.add_nonzero("redeem_funder", day, "edge", np.where(paid, state.overdue_financed, 0.0))
    state.overdue_held = np.where(paid, 0.0, state.overdue_held)
    state.overdue_financed = np.where(paid, 0.0, state.overdue_financed)
    state.recourse_since = np.where(paid, NEVER, state.recourse_since)


def claims(world: World, state: State, day: int) -> Floats:
    """(S, B): what funders claim from suppliers liable for certificates that stay unpaid."""
    if not (state.recourse_since != NEVER).any():
        return np.zeros_like(state.cash)
    called = (state.recourse_since != NEVER) & (day - state.recourse_since >= BUY_BACK_AFTER_DAYS)
    return world.network.edges.by_seller.sum(np.where(called, state.overdue_financed, 0.0))


def buy_back(world: World, state: State, day: int, pays: NDArray[np.bool_], journal: Journal | None) -> None:
    """Suppliers for whom ``pays`` (S, B) is set buy back every financing that is claimed from them."""
    edges = world.network.edges
    if not pays.any():
        return
    called = (state.recourse_since != NEVER) & (day - state.recourse_since >= BUY_BACK_AFTER_DAYS)
    amount = np.where(called & pays[edges.seller], state.overdue_financed, 0.0)
    state.cash -= edges.by_seller.sum(amount)
    state.overdue_held += amount
    state.overdue_financed -= amount
    state.recourse_since = np.where(amount > 0, NEVER, state.recourse_since)
    if journal is not None:
        journal.add_nonzero("buy_back", day, "edge", amount)


def note_overdue(world: World, state: State, day: int) -> None:
    """Mark suppliers that have been liable for an unpaid financing for 30 days."""
    late = (state.recourse_since != NEVER) & (day - state.recourse_since >= LIABLE_AFTER_DAYS)
    if late.any() or state.is_overdue_30.any():
        state.is_overdue_30 = world.network.edges.by_seller.sum(late.astype(np.float64)) > 0
