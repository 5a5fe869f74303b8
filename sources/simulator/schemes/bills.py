"""The trade behind a deal where books and tax office know it: order, receipt, invoice, certificate that pays."""

from __future__ import annotations

from decimal import Decimal

from sources.simulator.feeds import CURRENCY, SCHEME
from sources.simulator.parties import SECTORS
from sources.simulator.schemes.actor import Actor
from sources.simulator.schemes.deal import CENT, Deal
from sources.simulator.schemes.papers import Papers


def book_trade(papers: Papers, actor: Actor, deal: Deal, received: int, document_no: str, amount: Decimal) -> None:
    """Order, invoice and tax invoice of a deal, all on its day, and the receipt on another; the certificate pays.

    ``amount`` is that of the invoice in truth, ``document_no`` its payable, which the certificate clears.
    """
    parties = papers.history.world.parties
    company, when = str(1000 + actor.core), papers.timeline.date_of(deal.day)
    rate = Decimal(str(papers.history.world.network.edges.vat_rate[actor.edge, 0]))
    net = (amount / (1 + rate)).quantize(CENT)
    po_no = f"49-{deal.key}"
    payable = {"company_code": company, "ap_document_no": document_no, "fiscal_year": when.year}
    line = {"company_code": company, "po_no": po_no, "po_line_no": 10, "quantity": Decimal("1.000")}
    line |= {"net_amount": net, "currency": CURRENCY}
    vendor = deal.seller.erp_vendor_no
    papers.add("erp.purchase_order", deal.day, **line, erp_vendor_no=vendor, po_date=when, unit="JOB")
    papers.add(
        "erp.goods_receipt",
        received,
        **line,
        receipt_no=f"50-{deal.key}",
        receipt_type="WORK_CERTIFICATE",
        receipt_date=papers.timeline.date_of(received),
    )
    papers.add(
        "erp.ap_invoice",
        deal.day,
        **payable,
        document_type="INVOICE",
        erp_vendor_no=vendor,
        supplier_invoice_no=deal.trade.invoice_no,
        po_no=po_no,
        po_line_no=10,
        invoice_date=deal.trade.invoice_date,
        posting_date=when,
        baseline_date=when,
        term_start_basis="BOOKING",
        payment_terms_days=deal.due - deal.day,
        due_date=papers.timeline.date_of(deal.due),
        net_amount=net,
        tax_amount=amount - net,
        gross_amount=amount,
        retention_amount=Decimal("0.00"),
        currency=CURRENCY,
        confirmed_date=when,
        is_disputed=False,
        is_payment_blocked=False,
    )
    papers.add(
        "erp.ap_payment",
        deal.day,
        **payable,
        payment_no=f"19-{deal.key}",
        payment_date=when,
        amount=amount,
        currency=CURRENCY,
        payment_method="CERTIFICATE",
    )
    papers.add(
        "tax.vat_invoice",
        deal.day,
        seller_no=deal.seller.party_no,
        seller_no_scheme=SCHEME,
        buyer_no=str(parties.cores.numbers[actor.core]),
        buyer_no_scheme=SCHEME,
        invoice_no=deal.trade.invoice_no,
        invoice_year=deal.trade.invoice_date.year,
        invoice_date=deal.trade.invoice_date,
        net_amount=net,
        tax_amount=amount - net,
        gross_amount=amount,
        currency=CURRENCY,
        invoice_status="VALID",
        goods_code=SECTORS[parties.suppliers.sector[actor.supplier]].goods_code,
    )
