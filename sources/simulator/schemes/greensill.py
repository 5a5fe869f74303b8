"""Greensill: finance on deliveries that were still to come, rolled over from one certificate to the next.

What it leaves: order, invoice, confirmation and financing on one day and the receipt six weeks later; and at each
maturity a new certificate of the same pair and amount, for far more than the two trade otherwise.
"""

from __future__ import annotations

from decimal import Decimal

from sources.simulator.parties import BANKS
from sources.simulator.schemes.actor import Actor
from sources.simulator.schemes.bills import book_trade
from sources.simulator.schemes.deal import Deal, Trade
from sources.simulator.schemes.papers import Papers, clearing_account
from sources.simulator.schemes.rhythm import TERM_DAYS
from sources.simulator.streams import Stream, Streams

_FIRST_DAY, _RECEIPT_AFTER_DAYS = 40, 42
_ROLLED_OVER_SEEN = 3
_INSURANCE = "the cover of the credit insurer ran out: no feed carries the insurance of a facility"


def finance_future_receivables(papers: Papers, actor: Actor) -> None:
    """One chain of certificates, each issued on the day on which the one before falls due."""
    world = papers.history.world
    core_account = str(world.parties.cores.accounts[actor.core])
    rng = Streams(world.seed).on(Stream.SCHEME, 0, part=1 + actor.supplier)
    yearly = float(world.network.edges.volume[actor.edge, 0])
    amount = Decimal(round(yearly * 100 * float(rng.uniform(0.6, 0.8)))) / 100
    bank, pool = actor.number % len(BANKS), f"8{actor.core + 1:015d}"
    day, number = papers.business_day(_FIRST_DAY + 3 * actor.number), 0
    papers.open_facility(actor, bank, day, amount * 3)
    while day <= papers.history.last_day:
        number += 1
        due = papers.business_day(day + TERM_DAYS)
        deal = Deal(
            key=f"{actor.tag}-{number:03d}",
            seller=papers.seller(actor),
            bank=bank,
            day=day,
            due=due,
            repaid=due,
            face=amount,
            trade=Trade(actor.invoice_no(number), papers.timeline.date_of(day), amount),
            channel="ERP_API",
            payer_type="CORE_ENTERPRISE",
            payer_account_no=core_account,
            ap_document_no=f"59-{actor.tag}-{number:03d}",
        )
        received = papers.business_day(day + _RECEIPT_AFTER_DAYS)
        papers.make(actor, deal)
        book_trade(papers, actor, deal, received, f"59-{deal.key}", amount)
        papers.report_truly(actor, deal)
        papers.book(core_account, due, deal.principal, "集团资金池", pool, f"POOL-{deal.key}")
        papers.book(core_account, due, -deal.principal, BANKS[bank][1], clearing_account(bank), f"RPY-{deal.key}")
        seen = ("erp.goods_receipt", received), ("platform.financing", day)
        papers.note(actor, "FINANCED_BEFORE_DELIVERY", "CERTIFICATE", deal.certificate_id, *seen)
        papers.note_hidden(actor, "CERTIFICATE", deal.certificate_id, day, _INSURANCE)
        if number == _ROLLED_OVER_SEEN:
            pair = f"{world.parties.cores.ids[actor.core]}:{deal.seller.supplier_id}:CNY"
            papers.note(actor, "EVERGREEN", "PAIR", pair, ("platform.certificate", due))
        day = due
