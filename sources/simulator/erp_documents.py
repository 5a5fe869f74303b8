"""The core enterprises' books: vendors, orders, receipts, invoices and payments."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sources.simulator.columns import constant, dates, decimals, join, labels, money, pick, to_cents
from sources.simulator.feeds import CURRENCY, Feed, History, make_feed
from sources.simulator.parties import SECTORS
from sources.simulator.payables import Payables, match_payments
from sources.simulator.state import NEVER
from sources.simulator.trade import DISPUTE_DAYS, RETENTION_DAYS
from sources.simulator.vendor_documents import company_codes, vendor_numbers, vendors

CREDIT_NOTE_DAYS = 14
DISPUTE_RESOLVED_DAYS = 21
Ints = NDArray[np.int64]


def erp_feeds(history: History, open_items: Payables, invoice_numbers: pa.Array) -> list[Feed]:
    """The five feeds of the ERP systems. ``invoice_numbers``: the sellers' numbers by row of the invoice journal."""
    return [
        vendors(history),
        _purchase_orders(history),
        _goods_receipts(history),
        _ap_invoices(history, open_items, invoice_numbers),
        _ap_payments(history, open_items),
    ]


def _quantities(history: History, edge: Ints, net: NDArray[np.float64]) -> pa.Array:
    """Quantities at list prices of the material group; a job counts as one."""
    sector = history.world.parties.suppliers.sector[history.world.network.edges.seller[edge]]
    price = np.array([3000.0 if item.unit == "T" else 420.0 if item.unit == "M3" else 850.0 for item in SECTORS])
    is_job = np.array([item.unit == "JOB" for item in SECTORS])[sector]
    return decimals(np.where(is_job, 1000, np.rint(net / price[sector] * 1000)).astype(np.int64), 3)


def _project_codes(edge: Ints, core: Ints, day: Ints, building: NDArray[np.bool_]) -> pa.Array:
    """Projects of the building core enterprises run for about half a year; others book to a cost centre."""
    number = 1 + (edge * 7 + (day + 400) // 180) % 8
    project = join("P", labels("", core + 1, 2), "-", labels("", number, 2))
    centre = join("K", labels("", core + 1, 2), "-", labels("", 1 + edge % 5, 2))
    return pc.if_else(pa.array(building), project, centre)


def _purchase_orders(history: History) -> Feed:
    world, order = history.world, history.journal.table("order")
    edges, parties = world.network.edges, world.parties
    row = np.flatnonzero(order["edge"] < edges.core_edges)
    edge, day, net = order["edge"][row], order["day"][row], order["net"][row]
    core, sector = edges.buyer_core[edge], parties.suppliers.sector[edges.seller[edge]]
    building = np.array([item.is_building for item in SECTORS])[parties.cores.sector[core]]
    return make_feed(
        "erp.purchase_order",
        day,
        {
            "company_code": pick(company_codes(history), core),
            "po_no": labels("45", row, 8),
            "po_line_no": np.full(len(row), 10),
            "erp_vendor_no": vendor_numbers(history).take(pa.array(edge)),
            "po_date": dates(world.timeline, day),
            "project_code": _project_codes(edge, core, day, building),
            "material_group": pick([item.material_group for item in SECTORS], sector),
            "quantity": _quantities(history, edge, net),
            "unit": pick([item.unit for item in SECTORS], sector),
            "net_amount": money(net),
            "currency": constant(CURRENCY, len(row)),
            "payment_terms_days": edges.terms_days[edge],
        },
    )


def _goods_receipts(history: History) -> Feed:
    world, order = history.world, history.journal.table("order")
    edges, parties = world.network.edges, world.parties
    row = np.flatnonzero(order["edge"] < edges.core_edges)
    received = order["day"][row] + edges.lead_days[order["edge"][row]] - edges.receipt_lag_days[order["edge"][row]]
    row, received = row[received <= history.last_day], received[received <= history.last_day]
    edge = order["edge"][row]
    sector = parties.suppliers.sector[edges.seller[edge]]
    is_job = np.array([item.unit == "JOB" for item in SECTORS])[sector]
    return make_feed(
        "erp.goods_receipt",
        received,
        {
            "company_code": pick(company_codes(history), edges.buyer_core[edge]),
            "receipt_no": labels("50", row, 8),
            "po_no": labels("45", row, 8),
            "po_line_no": np.full(len(row), 10),
            "receipt_type": pick(["GOODS", "WORK_CERTIFICATE"], is_job.astype(np.int64)),
            "receipt_date": dates(world.timeline, received),
            "quantity": _quantities(history, edge, order["net"][row]),
            "net_amount": money(order["net"][row]),
            "currency": constant(CURRENCY, len(row)),
        },
    )


def fiscal_years(history: History, days: Ints) -> NDArray[np.int32]:
    """Calendar year of day numbers."""
    epoch = history.world.timeline.epoch(days).astype("datetime64[D]")
    return epoch.astype("datetime64[Y]").astype(np.int32) + 1970


def supplier_invoice_numbers(items: Payables, invoice_numbers: pa.Array) -> pa.Array:
    """The seller's number of the invoice behind each payable; opening items are older than the sellers' numbers."""
    own = invoice_numbers.take(pa.array(np.maximum(items.invoice_row, 0)))
    return pc.if_else(pa.array(items.is_opening), join("A", labels("", items.document, 7)), own)


def _ap_invoices(history: History, items: Payables, invoice_numbers: pa.Array) -> Feed:
    """Invoices as posted, the resolution of disputes as a later version, and credit notes."""
    count = len(items.document)
    resolved = np.flatnonzero(items.disputed & (items.posted + DISPUTE_RESOLVED_DAYS <= history.last_day))
    credit_day = history.world.timeline.next_business_day(items.posted + CREDIT_NOTE_DAYS)
    credited = np.flatnonzero((items.credit > 0) & (credit_day <= history.last_day))
    row = np.concatenate([np.arange(count), resolved, credited])
    is_update = np.repeat([False, True, False], [count, len(resolved), len(credited)])
    is_credit = np.repeat([False, False, True], [count, len(resolved), len(credited)])
    day = np.concatenate([items.posted, items.posted[resolved] + DISPUTE_RESOLVED_DAYS, credit_day[credited]])
    posted = np.where(is_credit, day, items.posted[row])
    disputed = items.disputed[row] & ~is_update
    due = np.where(is_credit, posted, items.due[row] + np.where(is_update, DISPUTE_DAYS, 0))
    timeline, edges = history.world.timeline, history.world.network.edges
    edge, opening = items.edge[row], items.is_opening[row]
    rate = edges.vat_rate[edge, 0]
    credit_net = np.rint(items.credit[row] / (1 + rate)).astype(np.int64)
    net = np.where(is_credit, credit_net, items.net[row])
    tax = np.where(is_credit, items.credit[row] - credit_net, items.tax[row])
    retention = np.where(is_credit, 0, items.retention[row])
    document = labels("51", items.document[row], 8)
    credit_document = labels("57", items.document[row], 8)
    number = supplier_invoice_numbers(items, invoice_numbers).take(pa.array(row))
    number = pc.if_else(pa.array(is_credit), join("R", labels("", items.document[row], 7)), number)
    null = pa.scalar(None, pa.string())
    no_order = pa.array(items.order[row] < 0)
    return make_feed(
        "erp.ap_invoice",
        day,
        {
            "company_code": pick(company_codes(history), edges.buyer_core[edge]),
            "ap_document_no": pc.if_else(pa.array(is_credit), credit_document, document),
            "fiscal_year": fiscal_years(history, posted),
            "document_type": pick(["INVOICE", "CREDIT_NOTE"], is_credit.astype(np.int64)),
            "erp_vendor_no": vendor_numbers(history).take(pa.array(edge)),
            "supplier_invoice_no": number,
            "po_no": pc.if_else(no_order, null, labels("45", items.order[row], 8)),
            "po_line_no": pa.array(np.full(len(row), 10), mask=items.order[row] < 0),
            "reference_ap_document_no": pc.if_else(pa.array(is_credit), document, null),
            "invoice_date": dates(timeline, np.where(is_credit, day, items.invoice_day[row])),
            "posting_date": dates(timeline, posted),
            "baseline_date": dates(timeline, np.where(opening, NEVER, posted)),
            "term_start_basis": pc.if_else(pa.array(opening | is_credit), null, pa.scalar("BOOKING")),
            "payment_terms_days": pa.array(np.where(is_credit, 0, edges.terms_days[edge]), mask=opening),
            "due_date": dates(timeline, due),
            "net_amount": decimals(net),
            "tax_amount": decimals(tax),
            "gross_amount": decimals(net + tax),
            "retention_amount": decimals(retention),
            "retention_due_date": dates(timeline, np.where(retention > 0, items.posted[row] + RETENTION_DAYS, NEVER)),
            "currency": constant(CURRENCY, len(row)),
            "confirmed_date": dates(timeline, np.where(disputed, NEVER, np.where(is_update, day, posted))),
            "is_disputed": disputed,
            "is_payment_blocked": disputed,
        },
        is_update,
    )


def _ap_payments(history: History, items: Payables) -> Feed:
    """Cash matched to invoices, and certificates against the invoice they were issued for."""
    world, paid = history.world, history.journal.table("edge_payment")
    edges = world.network.edges
    to_core = np.flatnonzero(paid["edge"] < edges.core_edges)
    edge, day, cents = paid["edge"][to_core], paid["day"][to_core], to_cents(paid["amount"][to_core])
    by_cash = np.flatnonzero(items.certificate_cents == 0)
    retained = np.flatnonzero(items.retention > 0)
    payable = items.net + items.tax - items.retention - items.credit
    item = np.concatenate([by_cash, retained])
    item_due = np.concatenate([items.pay_day[by_cash], items.posted[retained] + RETENTION_DAYS])
    item_cents = np.concatenate([payable[by_cash], items.retention[retained]])
    cleared = match_payments(items.edge[item], item_due, item_cents, edge, day, cents)
    merged = np.stack([cleared.payment, item[cleared.document]])
    pairs, place = np.unique(merged, axis=1, return_inverse=True)
    amount = np.bincount(place.ravel(), cleared.cents, pairs.shape[1]).astype(np.int64)
    certified = np.flatnonzero(items.certificate_cents > 0)
    document = np.concatenate([pairs[1], certified])
    when = np.concatenate([day[pairs[0]], items.posted[certified]])
    is_certificate = np.repeat([0, 1], [pairs.shape[1], len(certified)])
    # the number counts clearings in order of day, edge and method, so that a later day never renumbers an earlier one
    source = np.concatenate([pairs[0], certified])
    order = np.lexsort((items.due[document], source, is_certificate, items.edge[document], when))
    document, when, is_certificate, source = document[order], when[order], is_certificate[order], source[order]
    starts = np.r_[True, (source[1:] != source[:-1]) | (is_certificate[1:] != is_certificate[:-1])]
    core = edges.buyer_core[items.edge[document]]
    return make_feed(
        "erp.ap_payment",
        when,
        {
            "company_code": pick(company_codes(history), core),
            "payment_no": labels("15", np.cumsum(starts), 8),
            "ap_document_no": labels("51", items.document[document], 8),
            "fiscal_year": fiscal_years(history, items.posted[document]),
            "payment_date": dates(world.timeline, when),
            "amount": decimals(np.concatenate([amount, items.certificate_cents[certified]])[order]),
            "currency": constant(CURRENCY, len(when)),
            "payment_method": pick(["BANK", "CERTIFICATE"], is_certificate),
            "payer_account_no": pick(world.parties.cores.accounts, np.where(is_certificate == 0, core, -1)),
        },
    )
