"""Cash: what core enterprises take in and pay, and the order in which suppliers pay whom they owe.

A supplier that is short first lets trade creditors wait, then the tax office, last the staff; owners and banks help
within limits. Nothing here draws distress: it is what remains unpaid.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sources.simulator import positions
from sources.simulator.climate import sector_activity
from sources.simulator.journal import Journal
from sources.simulator.state import NEVER, State, World
from sources.simulator.streams import Stream, Streams
from sources.simulator.trade import cents, floor_cents

WAGE_BUSINESS_DAY, RENT_BUSINESS_DAY, INTEREST_BUSINESS_DAY, LAST_FILING_BUSINESS_DAY = 8, 2, 15, 18
LOAN_RATE, OVERDRAFT_RATE = 0.055, 0.085
_PROFIT_TAX_SHARE, _OTHER_COST_SHARE = 0.008, 0.010
_CORE_OVERHEAD, _CORE_MARGIN = 0.45, 1.055
_LUMPS_PER_BUSINESS_DAY = 0.10
_SPELL_INCOME = 0.42
_JANUARY_BONUS = 1.35
_ACCIDENTS_PER_YEAR = 0.33

Floats = NDArray[np.float64]


def core_budget(world: World) -> tuple[Floats, Floats]:
    """(C, 1) each: a core enterprise's usual purchases and overheads a month, gross."""
    purchases = world.network.core_purchases / 12 * 1.11
    return purchases, _CORE_OVERHEAD * purchases


def move_core_cash(world: World, state: State, day: int, streams: Streams, journal: Journal | None) -> None:
    """Project receipts come in lumps; overheads are paid monthly; surpluses are swept, shortages slowly refinanced."""
    timeline = world.timeline
    if not timeline.is_business_day(day):
        return
    purchases, overhead = core_budget(world)
    rng = streams.on(Stream.CORE, day, part=1)
    shape = state.core_cash.shape
    arrives = rng.random(shape) < _LUMPS_PER_BUSINESS_DAY
    size = np.exp(0.5 * rng.standard_normal(shape) - 0.125)
    activity = sector_activity(world, state, day)[world.parties.cores.sector]
    mean = _CORE_MARGIN * (purchases + overhead) * 12 / (261 * _LUMPS_PER_BUSINESS_DAY)
    income = np.where(arrives, cents(mean * size * activity**0.7 * np.where(state.in_spell, _SPELL_INCOME, 1.0)), 0.0)
    spent, swept = np.zeros(shape), np.zeros(shape)
    month_day = timeline.business_day_in_month(day)
    if month_day == WAGE_BUSINESS_DAY:
        spent = np.broadcast_to(cents(overhead * (1.0 if timeline.date_of(day).month != 1 else _JANUARY_BONUS)), shape)
    if month_day == INTEREST_BUSINESS_DAY:
        usual = purchases + overhead
        surplus = np.maximum(0.0, state.core_cash - 1.6 * usual)
        support = np.where(~state.in_spell & (state.core_cash < 0), 0.35 * usual, 0.0)
        swept = cents(support - 0.5 * surplus)
    state.core_cash += income - spent + swept
    if journal is not None:
        journal.add_nonzero("core_income", day, "core", income)
        journal.add_nonzero("core_overhead", day, "core", np.array(spent))
        journal.add_nonzero("core_support", day, "core", swept)


def pay_core_suppliers(world: World, state: State, day: int, journal: Journal | None) -> None:
    """Each core enterprise's weekly payment run: all that is due, or the share that it can afford."""
    edges, network = world.network.edges, world.network
    paying = (network.core_pay_weekday == world.timeline.weekday(day))[:, None]
    if not paying.any():
        return
    first = slice(0, edges.core_edges)
    owed = np.maximum(state.owed[first], 0.0)
    total = edges.by_core.sum(owed)
    room = np.maximum(0.0, state.core_cash + 0.75 * network.core_line)
    room = np.where(state.core_cash < 0, 0.55 * room, room)
    share = np.where(paying, np.divide(room, total, out=np.zeros_like(total), where=total > 0), 0.0)
    paid = _pay_share(owed, share[edges.buyer_core[first]])
    state.owed[first] -= paid
    state.core_cash -= edges.by_core.sum(paid)
    everyone = np.zeros_like(state.owed)
    everyone[first] = paid
    state.cash += edges.by_seller.sum(everyone)
    if journal is not None:
        journal.add_nonzero("edge_payment", day, "edge", everyone)


def _pay_share(owed: Floats, share: Floats) -> Floats:
    """Whole cents of ``owed`` times ``share``; all of it from 0.995, nothing below 0.04."""
    part = np.where(share >= 0.995, owed, np.where(share < 0.04, 0.0, floor_cents(owed * np.minimum(share, 1.0))))
    return cents(part)


def move_supplier_cash(world: World, state: State, day: int, streams: Streams, journal: Journal | None) -> None:
    """Obligations of the day fall due; firms finance, draw on owners, and pay in their order of priority."""
    timeline, conduct = world.timeline, world.network.conduct
    if not timeline.is_business_day(day):
        return
    month_day = timeline.business_day_in_month(day)
    if month_day == WAGE_BUSINESS_DAY:
        bonus = _JANUARY_BONUS if timeline.date_of(day).month == 1 else 1.0
        state.wage_due += np.where(state.is_trading, cents(conduct.wage_share * state.wage_rate * 30.4 * bonus), 0.0)
    if month_day == RENT_BUSINESS_DAY:
        base = world.parties.revenue[:, None] / 12
        state.rent_due += np.where(state.is_trading, cents((conduct.rent_share + _OTHER_COST_SHARE) * base), 0.0)
    _service_loans(world, state, day, month_day, journal)
    _seek_cash(world, state, day, streams, journal)
    _pay_claims(world, state, day, journal)
    for kind, name in (("wage", "wage_due"), ("rent", "rent_due")):
        _pay_priority(world, state, day, kind, name, journal)
    _pay_tax(world, state, day, month_day, journal)
    _pay_trade(world, state, day, journal)
    _file_return(world, state, day, month_day, journal)


def liquidity(world: World, state: State) -> Floats:
    """(S, B): cash and what is left of the overdraft."""
    return np.maximum(0.0, state.cash + world.network.conduct.overdraft)


def _pay_priority(world: World, state: State, day: int, kind: str, name: str, journal: Journal | None) -> None:
    due = getattr(state, name)
    paid = np.minimum(due, floor_cents(liquidity(world, state)))
    # a part payment that nobody would notice is left for another day
    paid = cents(np.where(paid < 0.2 * due, 0.0, paid))
    setattr(state, name, due - paid)
    state.cash -= paid
    if journal is not None:
        journal.add_nonzero(kind, day, "supplier", paid)
        if kind == "wage" and world.timeline.business_day_in_month(day) == WAGE_BUSINESS_DAY:
            journal.add_nonzero("wage_bounced", day, "supplier", cents(0.3 * state.wage_due))


def close_tax_month(world: World, state: State, day: int) -> None:
    """On the first of a month, before any trade, turn the month before into the figures of its return."""
    if world.timeline.date_of(day).day != 1:
        return
    net_tax = state.month_output_tax - state.month_input_tax - state.tax_credit
    state.period_payable = cents(np.maximum(0.0, net_tax))
    state.tax_credit = np.maximum(0.0, -net_tax)
    state.period_sales, state.period_output_tax = cents(state.month_sales), cents(state.month_output_tax)
    state.period_input_tax = cents(state.month_input_tax)
    state.month_sales, state.month_output_tax = np.zeros_like(state.cash), np.zeros_like(state.cash)
    state.month_input_tax = np.zeros_like(state.cash)
    state.is_unfiled = state.is_trading & (state.tax_stage < 2)


def _service_loans(world: World, state: State, day: int, month_day: int, journal: Journal | None) -> None:
    conduct = world.network.conduct
    if month_day == INTEREST_BUSINESS_DAY:
        charge = state.loan * LOAN_RATE / 12 + np.maximum(0.0, -state.cash) * OVERDRAFT_RATE / 12
        interest = cents(np.minimum(charge, liquidity(world, state)))
        state.cash -= interest
        if journal is not None:
            journal.add_nonzero("interest", day, "supplier", interest)
    weekday = world.timeline.weekday(day)
    span = 3 if weekday == 0 else 1
    renews = ((day - conduct.renewal_day) % 365 < span) & (state.loan > 0)
    if renews.any():
        # the bank looks at the overdraft and at arrears before it lends again
        strained = (state.tax_due > 0) & (state.tax_age > 10) | (state.cash < -0.85 * conduct.overdraft - 1.0)
        repaid = np.where(renews & strained, cents(0.5 * state.loan), 0.0)
        repaid = np.minimum(repaid, floor_cents(liquidity(world, state)))
        state.loan -= repaid
        state.cash -= repaid
        if journal is not None:
            journal.add_nonzero("loan_repaid", day, "supplier", repaid)


def _seek_cash(world: World, state: State, day: int, streams: Streams, journal: Journal | None) -> None:
    """Certificates are financed as soon as cash is low, owners asked on Mondays; surpluses go to the owners."""
    conduct = world.network.conduct
    daily = world.parties.revenue[:, None] / 365
    pressing = state.wage_due + state.rent_due + state.tax_due + 0.7 * state.vendor_owed
    wanted = 0.55 * conduct.buffer_days * daily
    low = state.cash - pressing < 0.22 * conduct.buffer_days * daily
    shortage = np.where(low, wanted + pressing - state.cash, 0.0)
    positions.finance(world, state, day, shortage, journal)
    if world.timeline.weekday(day) == 0:
        draw = streams.on(Stream.HARDSHIP, day).random((4, *state.cash.shape))
        gap = np.maximum(0.0, 6.0 * daily + pressing - liquidity(world, state))
        willing = (draw[0] < 0.35) & (gap > 0) & state.is_trading
        injected = np.where(willing, np.minimum(1.3 * gap, 0.5 * state.owner_reserve), 0.0)
        state.owner_reserve -= injected
        # a new investor turns up now and then, for a firm in open trouble as for one that hides it
        troubled = (state.strain_age > 8) | (state.tax_age > 15) | (state.distress_known != NEVER)
        overdue = state.wage_due + state.tax_due + state.vendor_owed + state.rent_due
        rescued = troubled & state.is_trading & (draw[1] < 0.035)
        injected = injected + np.where(rescued, 1.15 * overdue + 40 * daily, 0.0)
        injected = np.where(injected >= 1_000, cents(injected), 0.0)
        state.cash += injected
        state.demand = np.where(rescued, 0.5 * state.demand, state.demand)
        state.margin = np.where(rescued, 0.3 * state.margin, state.margin)
        struck = state.is_trading & (draw[2] < _ACCIDENTS_PER_YEAR * 7 / 365)
        claim = np.where(struck, cents(daily * (8 + 45 * draw[3])), 0.0)
        state.vendor_owed += claim
        if journal is not None:
            journal.add_nonzero("owner_in", day, "supplier", injected)
    if world.timeline.business_day_in_month(day) == INTEREST_BUSINESS_DAY:
        spare = np.maximum(0.0, state.cash - 1.35 * conduct.buffer_days * daily - pressing)
        paid_out = cents(np.where(spare > 5_000, 0.6 * spare, 0.0))
        state.cash -= paid_out
        state.owner_reserve = np.minimum(state.owner_reserve + 0.25 * paid_out, 2.0 * conduct.owner_depth)
        if journal is not None:
            journal.add_nonzero("owner_out", day, "supplier", paid_out)


def _pay_claims(world: World, state: State, day: int, journal: Journal | None) -> None:
    claimed = positions.claims(world, state, day)
    if claimed.any():
        positions.buy_back(world, state, day, (claimed > 0) & (liquidity(world, state) >= claimed), journal)


def _pay_tax(world: World, state: State, day: int, month_day: int, journal: Journal | None) -> None:
    conduct = world.network.conduct
    assessed = (conduct.filing_day == month_day)[:, None]
    if assessed.any():
        extra = cents(_PROFIT_TAX_SHARE * state.period_sales)
        state.tax_due += np.where(assessed & state.is_trading, state.period_payable + extra, 0.0)
    # wages that are due soon are kept back, and some of what the most needed vendors wait for
    reserve = 0.6 * conduct.wage_share * state.wage_rate * 30.4 + 0.3 * state.vendor_owed
    spare = liquidity(world, state) - reserve
    paid = np.minimum(state.tax_due, floor_cents(np.maximum(0.0, spare)))
    paid = cents(np.where(paid < 0.25 * state.tax_due, 0.0, paid))
    state.tax_due -= paid
    state.cash -= paid
    if journal is not None:
        journal.add_nonzero("tax", day, "supplier", paid)


def _pay_trade(world: World, state: State, day: int, journal: Journal | None) -> None:
    """Weekly run to trade creditors with what wages and taxes of the coming weeks leave over."""
    edges, conduct = world.network.edges, world.network.conduct
    paying = (conduct.pay_weekday == world.timeline.weekday(day))[:, None]
    chain = slice(edges.core_edges, None)
    owed = np.maximum(state.owed[chain], 0.0)
    total = edges.by_buyer.sum(owed) + state.vendor_owed
    daily = world.parties.revenue[:, None] / 365
    reserve = 0.6 * conduct.wage_share * state.wage_rate * 30.4 + state.tax_due + state.wage_due + 0.5 * state.rent_due
    room = np.maximum(0.0, liquidity(world, state) - reserve)
    room = np.where(room < 7 * daily, 0.75 * room, room)
    share = np.where(paying, np.divide(room, total, out=np.zeros_like(total), where=total > 0), 0.0)
    to_vendors = _pay_share(state.vendor_owed, share)
    paid = _pay_share(owed, share[edges.buyer_supplier[chain]])
    state.owed[chain] -= paid
    state.open_payable[chain] -= paid
    state.vendor_owed -= to_vendors
    state.cash -= edges.by_buyer.sum(paid) + to_vendors
    everyone = np.zeros_like(state.owed)
    everyone[chain] = paid
    state.cash += edges.by_seller.sum(everyone)
    if journal is not None:
        journal.add_nonzero("edge_payment", day, "edge", everyone)
        journal.add_nonzero("vendor_payment", day, "supplier", to_vendors)


def _file_return(world: World, state: State, day: int, month_day: int, journal: Journal | None) -> None:
    """A return is filed when its tax is paid; without payment it is filed late, near the end of the month."""
    own_day = world.network.conduct.filing_day[:, None]
    paid_up = state.tax_due <= 0.0
    files = state.is_unfiled & (month_day >= own_day) & (paid_up | (month_day >= LAST_FILING_BUSINESS_DAY))
    if not files.any():
        return
    state.is_unfiled &= ~files
    if journal is not None:
        who = np.flatnonzero(files[:, 0])
        payable = state.period_payable[who, 0]
        journal.add(
            "vat_return",
            day,
            supplier=who,
            sales=state.period_sales[who, 0],
            output=state.period_output_tax[who, 0],
            input=state.period_input_tax[who, 0],
            payable=payable,
            paid=np.clip(payable - state.tax_due[who, 0], 0.0, payable),
        )
