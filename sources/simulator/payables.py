"""What core enterprises owe: numbered invoices, and payments matched to them first due, first paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sources.simulator.columns import to_cents
from sources.simulator.feeds import History
from sources.simulator.state import PAY_RING

_DAY_SPAN = 4096
Ints = NDArray[np.int64]
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True)
class Payables:
    """AP invoices in order of document number, one entry each. Amounts in cents, days as day numbers.

    ``supplier_invoice_no`` is filled in for documents whose VAT invoice the run knows; ``certificate_cents`` is what a
    certificate cleared.
    """

    document: Ints
    edge: Ints
    invoice_day: Ints
    posted: Ints
    due: Ints
    pay_day: Ints
    net: Ints
    tax: Ints
    retention: Ints
    credit: Ints
    disputed: NDArray[np.bool_]
    certificate_cents: Ints
    is_opening: NDArray[np.bool_]
    order: Ints
    invoice_row: Ints


def payables(history: History) -> Payables:
    """Number the invoices posted so far, opening items first, and tell which ones a certificate cleared."""
    edges, journal = history.world.network.edges, history.journal
    invoice, issue, order = journal.table("invoice"), journal.table("issue"), journal.table("order")
    own = np.flatnonzero((invoice["edge"] < edges.core_edges) & (invoice["posted"] <= history.last_day))
    own = own[np.lexsort((invoice["edge"][own], invoice["posted"][own]))]
    edge, posted = invoice["edge"][own], invoice["posted"][own]
    issued = _lookup(issue["edge"], issue["day"], edge, posted)
    by_certificate = invoice["by_certificate"][own] & (issued >= 0)
    ordered = _lookup(order["edge"], order["day"], edge, invoice["day"][own] - edges.lead_days[edge])
    opening_edge, opening_due, opening_gross = _opening_items(history)
    opened = len(opening_edge)
    rate = edges.vat_rate[opening_edge, 0]
    opening_net = np.rint(opening_gross / (1 + rate)).astype(np.int64)
    nothing = np.zeros(opened, dtype=np.int64)

    def both(first: NDArray[_Scalar], second: NDArray[_Scalar]) -> NDArray[_Scalar]:
        return np.concatenate([first, second])

    return Payables(
        document=np.arange(1, opened + len(own) + 1),
        edge=both(opening_edge, edge),
        invoice_day=both(np.minimum(opening_due - edges.terms_days[opening_edge], -1), invoice["day"][own]),
        posted=both(nothing, posted),
        due=both(opening_due, invoice["due"][own]),
        pay_day=both(
            opening_due, np.where(invoice["by_certificate"][own], invoice["due"][own], invoice["pay_day"][own])
        ),
        net=both(opening_net, to_cents(invoice["net"][own])),
        tax=both(opening_gross - opening_net, to_cents(invoice["tax"][own])),
        retention=both(nothing, to_cents(invoice["retention"][own])),
        credit=both(nothing, to_cents(invoice["credit"][own])),
        disputed=both(nothing.astype(bool), invoice["disputed"][own]),
        certificate_cents=both(nothing, np.where(by_certificate, to_cents(issue["amount"][np.maximum(issued, 0)]), 0)),
        is_opening=both(np.ones(opened, bool), np.zeros(len(own), bool)),
        order=both(nothing - 1, ordered),
        invoice_row=both(nothing - 1, own),
    )


def _opening_items(history: History) -> tuple[Ints, Ints, Ints]:
    """What core enterprises owed on the eve of the start: edge, due day, gross in cents."""
    edges, state = history.world.network.edges, history.opening
    slots = np.arange(PAY_RING)
    ring = to_cents(state.payables[slots % PAY_RING, : edges.core_edges, 0])
    overdue = to_cents(np.maximum(state.owed[: edges.core_edges, 0], 0.0))
    late_edge = np.flatnonzero(overdue)
    due, edge = np.nonzero(ring)
    return (
        np.concatenate([late_edge, edge]),
        np.concatenate([np.full(len(late_edge), -3), due]),
        np.concatenate([overdue[late_edge], ring[due, edge]]),
    )


def _lookup(edge: Ints, day: Ints, wanted_edge: Ints, wanted_day: Ints) -> Ints:
    """Row with that edge and day, -1 when there is none; each pair occurs once."""
    keys = edge * _DAY_SPAN + day + 1000
    order = np.argsort(keys, kind="stable")
    wanted = wanted_edge * _DAY_SPAN + wanted_day + 1000
    position = np.minimum(np.searchsorted(keys[order], wanted), max(len(keys) - 1, 0))
    found = order[position] if len(keys) else np.zeros(len(wanted), np.int64)
    return np.where(keys[found] == wanted, found, -1) if len(keys) else np.full(len(wanted), -1)


@dataclass(frozen=True)
class Clearings:
    """Payments per document: payment row, document row, cents."""

    payment: Ints
    document: Ints
    cents: Ints


def match_payments(
    items_edge: Ints, items_due: Ints, items_cents: Ints, edge: Ints, day: Ints, cents: Ints
) -> Clearings:
    """First due, first paid, on each edge: cut the running sums of items and payments at every end of either.

    Returns rows of ``items_*`` and of the payments with the cents that meet. Payments never exceed what is due.
    """
    by_item = np.lexsort((items_due, items_edge))
    by_payment = np.lexsort((day, edge))
    item_end = np.cumsum(items_cents[by_item])
    first_of_edge = np.searchsorted(items_edge[by_item], np.arange(items_edge.max() + 2 if len(items_edge) else 1))
    edge_start = np.r_[0, item_end][first_of_edge]
    running = np.cumsum(cents[by_payment])
    paying_edge = edge[by_payment]
    first_payment = np.searchsorted(paying_edge, paying_edge)
    payment_end = running - np.r_[0, running][first_payment] + edge_start[paying_edge]
    cuts = np.unique(np.concatenate([item_end, payment_end, edge_start]))
    length = np.diff(cuts)
    end = cuts[1:]
    item = np.minimum(np.searchsorted(item_end, end), len(item_end) - 1)
    payment = np.minimum(np.searchsorted(payment_end, end), len(payment_end) - 1)
    meets = (items_edge[by_item][item] == paying_edge[payment]) & (payment_end[payment] >= end)
    return Clearings(by_payment[payment[meets]], by_item[item[meets]], length[meets])
