"""Orders, deliveries and invoices along the edges, and trade with outside firms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sources.simulator.climate import sector_activity
from sources.simulator.journal import Journal
from sources.simulator.state import (
    CUSTOMER_RING,
    ISSUE_RING,
    ORDER_RING,
    PAY_RING,
    VENDOR_RING,
    State,
    World,
)
from sources.simulator.streams import Stream, Streams

RETENTION_DAYS = 365
DISPUTE_DAYS = 28
STRAINED_CONFIRM_DAYS = 3
_SALES_MEMORY_DAYS, _PAYROLL_MEMORY_DAYS = 42.0, 170.0
_MINIMUM_INVOICE = 500.0
_REPLACEMENT_PREMIUM = 1.15


def cents(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Money rounded to whole cents."""
    return np.rint(values * 100) / 100


def floor_cents(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Money rounded down to whole cents."""
    return np.floor(values * 100 + 1e-6) / 100


def edges_on(world: World, day: int) -> NDArray[np.int64]:
    """Edges whose rhythm has an order on this day."""
    edges, weekday = world.network.edges, world.timeline.weekday(day)
    week = (day - weekday) // 7
    return np.flatnonzero((edges.weekday == weekday) & ((week + edges.phase) % edges.weeks == 0))


def move_trade(world: World, state: State, day: int, streams: Streams, journal: Journal | None) -> None:
    """One day of orders, invoices and outside trade; smooths the firms' sales."""
    sold = np.zeros_like(state.cash)
    state.orders[day % ORDER_RING] = 0.0
    if world.timeline.is_business_day(day):
        activity = sector_activity(world, state, day)
        _order(world, state, day, activity, streams, journal)
        _invoice(world, state, day, sold, streams, journal)
        _sell_outside(world, state, day, activity, sold, streams, journal)
        _buy_outside(world, state, day, streams, journal)
    state.month_sales += sold
    state.sales_rate += (sold - state.sales_rate) / _SALES_MEMORY_DAYS
    state.wage_rate += (sold - state.wage_rate) / _PAYROLL_MEMORY_DAYS
    _fall_due(state, day, journal)


def _order(
    world: World, state: State, day: int, activity: NDArray[np.float64], streams: Streams, journal: Journal | None
) -> None:
    edges, parties = world.network.edges, world.parties
    index = edges_on(world, day)
    seller = edges.seller[index]
    first = index[index < edges.core_edges]
    buyer = edges.buyer_supplier[index[len(first) :]]
    base = parties.revenue[:, None] / 365
    pull = np.concatenate(
        [
            state.core_activity[edges.buyer_core[first]] * activity[parties.cores.sector[edges.buyer_core[first]]],
            np.clip(state.sales_rate[buyer] / base[buyer], 0.0, 2.0),
        ]
    )
    rng = streams.on(Stream.ORDER, day)
    noise = np.exp(0.35 * rng.standard_normal((len(index), state.runs)) - 0.06)
    placed = rng.random((len(index), state.runs)) < 0.93
    amount = edges.volume[index] * edges.weeks[index, None] / 52.0 / 0.93 * pull * noise
    amount *= np.exp(np.clip(state.demand[seller], -3.0, 0.5)) * state.fulfilment[seller]
    amount = np.where(placed & state.is_trading[seller] & (amount > _MINIMUM_INVOICE), cents(amount), 0.0)
    state.orders[day % ORDER_RING, index] = amount
    if journal is not None:
        made = np.flatnonzero(amount[:, 0])
        journal.add("order", day, edge=index[made], net=amount[made, 0])


def _invoice(
    world: World, state: State, day: int, sold: NDArray[np.float64], streams: Streams, journal: Journal | None
) -> None:
    """Invoice what was ordered a lead time ago; decide at once how it will be paid and when it falls due."""
    edges, timeline = world.network.edges, world.timeline
    candidates = np.flatnonzero(edges.weekday == timeline.weekday(day))
    net = state.orders[(day - edges.lead_days[candidates]) % ORDER_RING, candidates]
    state.orders[(day - edges.lead_days[candidates]) % ORDER_RING, candidates] = 0.0
    index = candidates[(net > 0).any(axis=1)]
    net = net[(net > 0).any(axis=1)]
    seller = edges.seller[index]
    net = np.where(state.is_trading[seller], net, 0.0)
    tax = cents(net * edges.vat_rate[index])
    gross = net + tax
    sold += edges.by_seller.sum(_spread(net, index, len(edges)))
    state.month_output_tax += edges.by_seller.sum(_spread(tax, index, len(edges)))
    spread_tax = _spread(tax, index, len(edges))
    state.month_input_tax += edges.by_buyer.sum(spread_tax[edges.core_edges :])
    state.open_payable[index] += gross

    rng = streams.on(Stream.INVOICE, day)
    draw = rng.random((4, len(index), state.runs))
    to_core = (index < edges.core_edges)[:, None]
    core = edges.root_core[index]
    strained = state.core_cash[core] < 0
    extra = np.where(strained, STRAINED_CONFIRM_DAYS, 0)
    posted = np.where(to_core, timeline.next_business_day(day + edges.confirm_days[index, None] + extra), day)
    disputed = to_core & (draw[0] < 0.02) & (net > 0)
    unhappy = 0.02 + 0.10 * (1 - state.fulfilment[seller])
    credited = to_core & ~disputed & (draw[1] < unhappy)
    credit = np.where(credited, cents(gross * (0.01 + 0.09 * draw[2])), 0.0)
    share = edges.certificate_share[index] * np.where(strained, 1.3, 1.0)
    by_certificate = to_core & ~disputed & ~credited & (draw[3] < share) & (day >= 0) & (gross > 20_000)
    retention = cents(gross * edges.retention_rate[index])
    payable = gross - retention - credit
    due = posted + edges.terms_days[index, None] + np.where(disputed, DISPUTE_DAYS, 0)
    state.open_payable[index] -= credit
    columns = np.arange(state.runs)[None, :]
    rows = np.broadcast_to(index[:, None], net.shape)
    state.to_issue[posted % ISSUE_RING, rows, columns] += np.where(by_certificate, payable, 0.0)
    state.payables[due % PAY_RING, rows, columns] += np.where(by_certificate, 0.0, payable)
    if (edges.retention_rate[index] > 0).any():
        state.payables[(posted + RETENTION_DAYS) % PAY_RING, rows, columns] += retention
    if journal is not None:
        made = np.flatnonzero(net[:, 0])
        journal.add(
            "invoice",
            day,
            edge=index[made],
            net=net[made, 0],
            tax=tax[made, 0],
            posted=posted[made, 0],
            due=posted[made, 0] + edges.terms_days[index[made]],
            pay_day=due[made, 0],
            disputed=disputed[made, 0],
            credit=credit[made, 0],
            retention=retention[made, 0],
            by_certificate=by_certificate[made, 0],
        )


def _spread(values: NDArray[np.float64], index: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    full = np.zeros((size, values.shape[1]))
    full[index] = values
    return full


def _sell_outside(
    world: World,
    state: State,
    day: int,
    activity: NDArray[np.float64],
    sold: NDArray[np.float64],
    streams: Streams,
    journal: Journal | None,
) -> None:
    conduct, parties = world.network.conduct, world.parties
    index = np.flatnonzero(conduct.sales_weekday == world.timeline.weekday(day))
    rng = streams.on(Stream.OUTSIDE, day)
    noise = rng.standard_normal((len(index), state.runs))
    draw = rng.random((len(index), state.runs))
    net = conduct.outside_sales[index] / 52.0 * activity[parties.suppliers.sector[index]]
    net *= np.exp(np.clip(state.demand[index], -3.0, 0.5) + 0.4 * noise - 0.08) * state.fulfilment[index]
    net = np.where(state.is_trading[index] & (net > _MINIMUM_INVOICE), cents(net), 0.0)
    tax = cents(net * conduct.vat_rate[index])
    sold[index] += net
    state.month_output_tax[index] += tax
    late = np.select([draw < 0.012, draw < 0.10, draw < 0.35], [-1, 35, 14], 0)
    arrival = day + conduct.customer_days[index] + np.maximum(late, 0)
    rows = np.broadcast_to(index[:, None], net.shape)
    columns = np.arange(state.runs)[None, :]
    state.customer_receipts[arrival % CUSTOMER_RING, rows, columns] += np.where(late < 0, 0.0, net + tax)
    if journal is not None:
        made = np.flatnonzero(net[:, 0])
        journal.add("outside_sale", day, supplier=index[made], net=net[made, 0], tax=tax[made, 0])


def _buy_outside(world: World, state: State, day: int, streams: Streams, journal: Journal | None) -> None:
    conduct, edges = world.network.conduct, world.network.edges
    base = world.parties.revenue[:, None] / 365
    index = np.flatnonzero((conduct.sales_weekday + 2) % 5 == world.timeline.weekday(day))
    rng = streams.on(Stream.OUTSIDE, day, part=1)
    noise = rng.standard_normal((len(index), state.runs))
    price = conduct.steel_share[index] * state.prices[0] + conduct.cement_share[index] * state.prices[1]
    cost = np.exp(0.35 * price - state.margin[index])
    net = state.sales_rate[index] * 7.0 * conduct.material_share[index] * conduct.outside_purchase_share[index]
    # what failing suppliers of the chain do not deliver is bought outside, at a premium
    chain = edges.volume[edges.core_edges :]
    missing = edges.by_buyer.sum(chain * (1.0 - state.fulfilment[edges.seller[edges.core_edges :]]))
    net += missing[index] / 52.0 * _REPLACEMENT_PREMIUM * (state.sales_rate / base)[index]
    net *= cost * np.exp(0.25 * noise - 0.03)
    net = np.where(state.is_trading[index] & (net > _MINIMUM_INVOICE), cents(net), 0.0)
    tax = cents(net * conduct.input_vat_rate[index])
    state.month_input_tax[index] += tax
    due = (day + conduct.vendor_days[index, 0]) % VENDOR_RING
    state.vendor_payables[due, index] += net + tax
    if journal is not None:
        made = np.flatnonzero(net[:, 0])
        journal.add("outside_purchase", day, supplier=index[made], net=net[made, 0], tax=tax[made, 0])


def _fall_due(state: State, day: int, journal: Journal | None) -> None:
    """Move what falls due today from the rings to what is owed, and take in the outside customers' money."""
    slot = day % PAY_RING
    state.owed += state.payables[slot]
    state.payables[slot] = 0.0
    slot = day % VENDOR_RING
    state.vendor_owed += state.vendor_payables[slot]
    state.vendor_payables[slot] = 0.0
    slot = day % CUSTOMER_RING
    receipts = state.customer_receipts[slot].copy()
    state.customer_receipts[slot] = 0.0
    state.cash += receipts
    if journal is not None:
        journal.add_nonzero("customer_receipt", day, "supplier", receipts)
