"""The tax office's view: VAT invoices, returns and taxpayer records of suppliers that authorised it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sources.simulator.columns import constant, dates, decimals, labels, money, pick, running_number, to_cents
from sources.simulator.erp_documents import CREDIT_NOTE_DAYS
from sources.simulator.feeds import CURRENCY, SCHEME, Feed, History, make_feed
from sources.simulator.hardship import ABNORMAL
from sources.simulator.parties import SECTORS

_VOID_ONE_IN = 331
_GRADES = ("A", "B", "M", "C", "D")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class VatInvoices:
    """Every VAT invoice of the run in order of day, with running numbers per seller and year; amounts in cents.

    Parties are positions in the concatenation of suppliers, core enterprises, outside customers, outside vendors.
    ``journal_row`` is the row of the invoice journal, -1 for other trade; ``takes_back`` that of the invoice which a
    red-letter invoice takes back, -1 for others.
    """

    day: Ints
    seller: Ints
    buyer: Ints
    net: Ints
    tax: Ints
    number: Ints
    is_void: NDArray[np.bool_]
    journal_row: Ints
    takes_back: Ints

    def numbers_by_invoice(self, count: int) -> pa.Array:
        """Invoice numbers by row of the invoice journal."""
        number = np.zeros(count, dtype=np.int64)
        own = self.journal_row >= 0
        number[self.journal_row[own]] = self.number[own]
        return labels("", number, 8)


def outside_customer(history: History, supplier: Ints, day: Ints) -> Ints:
    """Which outside customer a supplier deals with on a day: a few regulars each, the first ones more often."""
    return _regular(supplier, day, len(history.world.parties.customers), 37, 6)


def outside_vendor(history: History, supplier: Ints, day: Ints) -> Ints:
    """Which outside vendor a supplier deals with on a day."""
    return _regular(supplier, day, len(history.world.parties.vendors), 53, 4)


def _regular(supplier: Ints, day: Ints, pool: int, stride: int, most: int) -> Ints:
    mixed = (supplier * 2654435761 + (day + 5000) // 7 * 40503) % 65_521
    choice = np.minimum(mixed % (2 + supplier % most + 1), mixed // 97 % (2 + supplier % most + 1))
    return np.asarray((supplier * stride + choice * 101) % pool, dtype=np.int64)


def build_vat_invoices(history: History) -> VatInvoices:
    """Collect invoices along edges, with outside firms and credit notes; one in some hundred is voided and reissued."""
    world, journal = history.world, history.journal
    edges, parties = world.network.edges, world.parties
    suppliers, cores, customers = len(parties.suppliers), len(parties.cores), len(parties.customers)
    invoice, sale, purchase = (journal.table(kind) for kind in ("invoice", "outside_sale", "outside_purchase"))
    core_buyer = edges.buyer_core[invoice["edge"]]
    buyer = np.where(core_buyer >= 0, suppliers + core_buyer, edges.buyer_supplier[invoice["edge"]])
    credit_day = world.timeline.next_business_day(invoice["posted"] + CREDIT_NOTE_DAYS)
    red = np.flatnonzero((invoice["credit"] > 0) & (credit_day <= history.last_day))
    rate = edges.vat_rate[invoice["edge"][red], 0]
    red_gross = to_cents(invoice["credit"][red])
    red_net = np.rint(red_gross / (1 + rate)).astype(np.int64)
    void = np.flatnonzero((np.arange(len(sale["day"])) + sale["supplier"]) % _VOID_ONE_IN == 5)
    sale_buyer = suppliers + cores + outside_customer(history, sale["supplier"], sale["day"])
    vendor = suppliers + cores + customers + outside_vendor(history, purchase["supplier"], purchase["day"])
    day = np.concatenate([invoice["day"], sale["day"], sale["day"][void], purchase["day"], credit_day[red]])
    seller_of = edges.seller[invoice["edge"]]
    seller = np.concatenate([seller_of, sale["supplier"], sale["supplier"][void], vendor, seller_of[red]])
    net = np.concatenate(
        [
            to_cents(invoice["net"]),
            to_cents(sale["net"]),
            to_cents(sale["net"])[void],
            to_cents(purchase["net"]),
            -red_net,
        ]
    )
    tax = np.concatenate(
        [
            to_cents(invoice["tax"]),
            to_cents(sale["tax"]),
            to_cents(sale["tax"])[void],
            to_cents(purchase["tax"]),
            red_net - red_gross,
        ]
    )
    buyer = np.concatenate([buyer, sale_buyer, sale_buyer[void], purchase["supplier"], buyer[red]])
    kind = np.repeat(np.arange(5), [len(invoice["day"]), len(sale["day"]), len(void), len(purchase["day"]), len(red)])
    row = np.concatenate([np.arange(len(part)) for part in (invoice["day"], sale["day"], void, purchase["day"], red)])
    order = np.lexsort((row, kind, seller, day))
    day, seller = day[order], seller[order]
    year = world.timeline.epoch(day).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    taken_back = np.full(len(row), -1)
    taken_back[kind == 4] = red
    return VatInvoices(
        day,
        seller,
        buyer[order],
        net[order],
        tax[order],
        running_number(seller * 1000 + year),
        kind[order] == 2,
        np.where(kind[order] == 0, row[order], -1),
        taken_back[order],
    )


def tax_feeds(history: History, invoices: VatInvoices) -> list[Feed]:
    """The three feeds of the tax source."""
    return [_taxpayers(history), _vat_invoices(history, invoices), _vat_returns(history)]


def _vat_invoices(history: History, all_invoices: VatInvoices) -> Feed:
    parties = history.world.parties
    groups = (parties.suppliers, parties.cores, parties.customers, parties.vendors)
    numbers = np.concatenate([group.numbers for group in groups])
    codes = [item.goods_code for item in SECTORS]
    sector = np.concatenate([group.sector for group in groups])
    authorised = np.concatenate([parties.has_tax, np.zeros(len(numbers) - len(parties.has_tax), dtype=bool)])
    row = np.flatnonzero(authorised[all_invoices.seller] | authorised[all_invoices.buyer])
    day, net, tax = all_invoices.day[row], all_invoices.net[row], all_invoices.tax[row]
    count = len(row)
    return make_feed(
        "tax.vat_invoice",
        day,
        {
            "seller_no": pick(numbers, all_invoices.seller[row]),
            "seller_no_scheme": constant(SCHEME, count),
            "buyer_no": pick(numbers, all_invoices.buyer[row]),
            "buyer_no_scheme": constant(SCHEME, count),
            "invoice_no": labels("", all_invoices.number[row], 8),
            "invoice_year": history.world.timeline.epoch(day)
            .astype("datetime64[D]")
            .astype("datetime64[Y]")
            .astype(int)
            + 1970,
            "invoice_date": dates(history.world.timeline, day),
            "net_amount": decimals(net),
            "tax_amount": decimals(tax),
            "gross_amount": decimals(net + tax),
            "currency": constant(CURRENCY, count),
            "invoice_status": pick(["VALID", "VOID"], all_invoices.is_void[row].astype(np.int64)),
            "goods_code": pick(codes, sector[all_invoices.seller[row]]),
            "original_invoice_no": _originals(history, all_invoices).take(pa.array(row)),
        },
    )


def _originals(history: History, all_invoices: VatInvoices) -> pa.Array:
    """Number of the invoice that each invoice takes back, null where it takes back none."""
    numbers = all_invoices.numbers_by_invoice(len(history.journal.table("invoice")["day"]))
    back = all_invoices.takes_back
    return numbers.take(pa.array(np.maximum(back, 0), mask=back < 0))


def _vat_returns(history: History) -> Feed:
    world, filed = history.world, history.journal.table("vat_return")
    row = np.flatnonzero(world.parties.has_tax[filed["supplier"]])
    day, supplier = filed["day"][row], filed["supplier"][row]
    month = world.timeline.epoch(day).astype("datetime64[D]").astype("datetime64[M]")
    epoch = world.timeline.epoch(0).astype(np.int64)
    period = (month - 1).astype("datetime64[D]").astype(np.int64) - epoch
    due = world.timeline.next_business_day((month.astype("datetime64[D]").astype(np.int64) - epoch) + 14)
    return make_feed(
        "tax.vat_return",
        day,
        {
            "taxpayer_no": pick(world.parties.suppliers.numbers, supplier),
            "taxpayer_no_scheme": constant(SCHEME, len(row)),
            "period_start_date": dates(world.timeline, period),
            "filing_due_date": dates(world.timeline, due),
            "filed_date": dates(world.timeline, day),
            "declared_sales_amount": money(filed["sales"][row]),
            "output_tax_amount": money(filed["output"][row]),
            "input_tax_amount": money(filed["input"][row]),
            "tax_payable_amount": money(filed["payable"][row]),
            "tax_paid_amount": money(filed["paid"][row]),
            "currency": constant(CURRENCY, len(row)),
        },
    )


def _taxpayers(history: History) -> Feed:
    """A record on the first day, and a version whenever grade, status or published arrears change."""
    world, parties = history.world, history.world.parties
    count = len(parties.suppliers)
    base = np.select([parties.quality > 0.9, parties.quality > -0.2], [0, 1], 2)
    change = history.journal.table("tax_change")
    rows = [(np.zeros(count, np.int64), np.arange(count), np.zeros(count, np.int64), np.zeros(count))]
    rows.append((change["day"], change["supplier"], change["new"], change["arrears"]))
    stage = np.zeros(count, dtype=np.int64)
    published = np.zeros(count)
    changes_before = 0
    for snapshot in history.snapshots:
        if snapshot.day < 0:
            continue
        while changes_before < len(change["day"]) and change["day"][changes_before] <= snapshot.day:
            stage[change["supplier"][changes_before]] = change["new"][changes_before]
            changes_before += 1
        arrears = np.where(snapshot.tax_age > 10, snapshot.tax_due, 0.0)
        moved = np.flatnonzero(arrears != published)
        published = arrears
        rows.append((np.full(len(moved), snapshot.day), moved, stage[moved], arrears[moved]))
    day, supplier, new_stage, arrears = (np.concatenate(column) for column in zip(*rows, strict=True))
    keep = parties.has_tax[supplier]
    day, supplier, new_stage, arrears = day[keep], supplier[keep], new_stage[keep], arrears[keep]
    grade = np.where(new_stage == ABNORMAL, 4, np.where(new_stage > 0, 3, base[supplier]))
    return make_feed(
        "tax.taxpayer",
        day,
        {
            "taxpayer_no": pick(parties.suppliers.numbers, supplier),
            "taxpayer_no_scheme": constant(SCHEME, len(day)),
            "taxpayer_name": pick(parties.suppliers.names, supplier),
            "tax_credit_grade": pick(_GRADES, grade),
            "status": pick(["NORMAL", "ABNORMAL"], (new_stage == ABNORMAL).astype(np.int64)),
            "status_date": dates(world.timeline, day),
            "arrears_amount": money(arrears),
            "currency": constant(CURRENCY, len(day)),
            "updated_date": dates(world.timeline, day),
        },
    )
