"""Camsing: receivables against a large debtor that never heard of them, confirmed with forged seals.

What it leaves: a confirmation that came over no channel of the debtor's, an invoice that neither the debtor's books nor
the tax office know, and money that the debtor did not pay: a stranger's, or the supplier's own, run through the debtor.
"""

from __future__ import annotations

from sources.simulator.parties import BANKS
from sources.simulator.schemes.actor import Actor
from sources.simulator.schemes.deal import Deal, Trade
from sources.simulator.schemes.papers import Papers, clearing_account, outside_account
from sources.simulator.schemes.rhythm import TERM_DAYS, rounds

_FORGED_SEAL = "the seal on the paper was forged: the feed says which channel, not whether the hand was the right one"


def forge_confirmations(papers: Papers, actor: Actor) -> None:
    """Every other repayment is a stranger's; the others pass through the debtor's account on their way."""
    world = papers.history.world
    core_account = str(world.parties.cores.accounts[actor.core])
    supplier_account = str(world.parties.suppliers.accounts[actor.supplier])
    bank = actor.number % len(BANKS)
    for number, day, rng, amount in rounds(papers, actor):
        if number == 1:
            papers.open_facility(actor, bank, day, amount * 20)
        is_stranger = number % 2 == 1
        due = papers.business_day(day + TERM_DAYS)
        deal = Deal(
            key=f"{actor.tag}-{number:03d}",
            seller=papers.seller(actor),
            bank=bank,
            day=day,
            due=due,
            repaid=due,
            face=amount,
            trade=Trade(actor.invoice_no(number), papers.timeline.date_of(day - 4), amount),
            channel=["EMAIL", "PAPER"][int(rng.integers(2))],
            payer_type="CORE_ENTERPRISE",
            payer_account_no=outside_account(actor) if is_stranger else core_account,
        )
        papers.make(actor, deal)
        papers.report_truly(actor, deal)
        papers.note_on_tape(actor, deal, "COLLATERAL_NOT_IN_BOOKS")
        made, paid = ("platform.certificate", day), ("platform.repayment", due)
        papers.note(actor, "CHANNEL_UNTRUSTED", "CERTIFICATE", deal.certificate_id, made)
        papers.note(actor, "INVOICE_NOT_IN_BOOKS", "CERTIFICATE", deal.certificate_id, made)
        papers.note(actor, "INVOICE_NOT_IN_TAX", "CERTIFICATE", deal.certificate_id, made)
        papers.note_hidden(actor, "CERTIFICATE", deal.certificate_id, day, _FORGED_SEAL)
        if is_stranger:
            papers.note(actor, "THIRD_PARTY_SETTLEMENT", "REPAYMENT", deal.repayment_id, paid)
            continue
        names = world.parties.suppliers.names[actor.supplier], world.parties.cores.names[actor.core]
        self_funded = f"OWN-{deal.key}"
        papers.book(supplier_account, due, deal.principal, "股东", outside_account(actor), f"IN-{deal.key}")
        papers.book(supplier_account, due, -deal.principal, str(names[1]), core_account, self_funded)
        papers.book(core_account, due, deal.principal, str(names[0]), supplier_account, self_funded)
        papers.book(core_account, due, -deal.principal, BANKS[bank][1], clearing_account(bank), f"RPY-{deal.key}")
        papers.note(
            actor,
            "SELF_FUNDED_SETTLEMENT",
            "REPAYMENT",
            deal.repayment_id,
            paid,
            ("bank.transaction", due),
        )
