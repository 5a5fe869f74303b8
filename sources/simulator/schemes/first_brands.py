"""First Brands: invoices made up, one invoice sold to two funders, and small invoices shown as large ones.

What it leaves: two certificates on one invoice with two funders, the second under a number that was typed a little
differently, and no such invoice in the debtor's books or at the tax office. Every third time a true invoice is shown at
4.87 times its amount, as one of 2.3 million was at 11.2.
"""

from __future__ import annotations

from decimal import Decimal

from sources.simulator.parties import BANKS
from sources.simulator.schemes.actor import Actor
from sources.simulator.schemes.bills import book_trade
from sources.simulator.schemes.deal import CENT, Deal, Trade
from sources.simulator.schemes.papers import Papers
from sources.simulator.schemes.rhythm import TERM_DAYS, rounds

_ENLARGED_EVERY = 3
_ENLARGED_BY = Decimal("4.87")
_AGGREGATED = "funders were shown totals instead of invoices: no feed carries what was left out of a delivery"


def sell_invoices_twice(papers: Papers, actor: Actor) -> None:
    """Each invented invoice is sold to two funders a week apart; every other second sale changes the number's form."""
    account = papers.seller(actor).account_no
    banks = actor.number % len(BANKS), (actor.number + 1) % len(BANKS)
    for number, day, _rng, amount in rounds(papers, actor):
        if number == 1:
            for bank in banks:
                papers.open_facility(actor, bank, day, amount * 20)
        if number % _ENLARGED_EVERY == 0:
            _show_larger(papers, actor, banks[0], number, day, amount)
            continue
        invoice_no = actor.invoice_no(number)
        is_exact = number % 2 == 1
        deals = []
        for sale, bank in enumerate(banks):
            when = papers.business_day(day + 7 * sale)
            due = papers.business_day(when + TERM_DAYS)
            shown = invoice_no if sale == 0 or is_exact else _typed_anew(invoice_no)
            deal = Deal(
                key=f"{actor.tag}-{number:03d}{'AB'[sale]}",
                seller=papers.seller(actor),
                bank=bank,
                day=when,
                due=due,
                repaid=due,
                face=amount,
                trade=Trade(shown, papers.timeline.date_of(day - 3), amount),
                channel="PLATFORM_LOGIN",
                payer_type="OTHER",
                payer_account_no=account,
            )
            papers.make(actor, deal)
            papers.report_truly(actor, deal)
            papers.note_on_tape(actor, deal, "COLLATERAL_NOT_IN_BOOKS")
            made = ("platform.certificate", when)
            papers.note(actor, "INVOICE_NOT_IN_BOOKS", "CERTIFICATE", deal.certificate_id, made)
            papers.note(actor, "INVOICE_NOT_IN_TAX", "CERTIFICATE", deal.certificate_id, made)
            papers.note(actor, "THIRD_PARTY_SETTLEMENT", "REPAYMENT", deal.repayment_id, ("platform.repayment", due))
            deals.append(deal)
        first, second = deals
        papers.note_hidden(actor, "CERTIFICATE", first.certificate_id, first.day, _AGGREGATED)
        sold_again = ("platform.financing", second.day)
        if is_exact:
            papers.note(actor, "DUPLICATE_EXACT", "CERTIFICATE", second.certificate_id, sold_again)
            papers.note(actor, "FINANCED_ABOVE_INVOICE", "CERTIFICATE", second.certificate_id, sold_again)
            shared = sorted(set(papers.tapes(first)) & set(papers.tapes(second)))
            if shared:
                on_tape = ("platform.funder_tape", shared[0])
                for deal in deals:
                    papers.note(actor, "FUNDER_OVERLAP", "COLLATERAL", papers.on_tape_of(deal, deal.bank), on_tape)
        else:
            papers.note(actor, "DUPLICATE_FUZZY", "CERTIFICATE", second.certificate_id, sold_again)


def _show_larger(papers: Papers, actor: Actor, bank: int, number: int, day: int, amount: Decimal) -> None:
    """A true sale, delivered and in the books, that is presented at several times its amount."""
    due = papers.business_day(day + TERM_DAYS)
    invoice_no = actor.invoice_no(number)
    deal = Deal(
        key=f"{actor.tag}-{number:03d}L",
        seller=papers.seller(actor),
        bank=bank,
        day=day,
        due=due,
        repaid=due,
        face=amount,
        trade=Trade(invoice_no, papers.timeline.date_of(day), amount),
        channel="PLATFORM_LOGIN",
        payer_type="OTHER",
        payer_account_no=papers.seller(actor).account_no,
    )
    papers.make(actor, deal)
    book_trade(papers, actor, deal, day, f"59-{deal.key}", (amount / _ENLARGED_BY).quantize(CENT))
    papers.report_truly(actor, deal)
    papers.note_on_tape(actor, deal, "COLLATERAL_ABOVE_BOOKS")
    made = ("platform.certificate", day)
    papers.note(actor, "INVOICE_ABOVE_BOOKS", "CERTIFICATE", deal.certificate_id, made, ("erp.ap_invoice", day))
    papers.note(actor, "TAX_AMOUNT_CONTRADICTS", "CERTIFICATE", deal.certificate_id, made, ("tax.vat_invoice", day))
    papers.note(actor, "THIRD_PARTY_SETTLEMENT", "REPAYMENT", deal.repayment_id, ("platform.repayment", due))


def _typed_anew(invoice_no: str) -> str:
    """The number with a dash in it and another digit behind that, where the actor's own numbers all agree."""
    return f"{invoice_no[:4]}-{(int(invoice_no[4]) + 1) % 10}{invoice_no[5:]}"
