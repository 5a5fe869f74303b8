"""Tricolor: one collateral on two funders' tapes, and overdue collateral that the tapes call current.

The debtor pays two and a half months late. Until then the tapes of both funders move the due day on, month by month,
and say that nothing is past due; no extension was agreed and no cash came.
"""

from __future__ import annotations

from sources.simulator.parties import BANKS
from sources.simulator.schemes.actor import Actor
from sources.simulator.schemes.deal import Deal, Trade
from sources.simulator.schemes.papers import Papers
from sources.simulator.schemes.rhythm import TERM_DAYS, rounds

_LATE_DAYS, _MOVED_DAYS = 75, 35
_HAND = "who changed the figure on the tape: a tape says what was reported, not by whom"


def pledge_twice_and_re_age(papers: Papers, actor: Actor) -> None:
    """Each receivable stands on the tape of the funder that financed it and, without a facility, on another's."""
    accounts = papers.history.world.parties.cores.accounts
    bank, other = actor.number % len(BANKS), (actor.number + 1) % len(BANKS)
    for number, day, _rng, amount in rounds(papers, actor):
        if number == 1:
            papers.open_facility(actor, bank, day, amount * 20)
        due = papers.business_day(day + TERM_DAYS)
        deal = Deal(
            key=f"{actor.tag}-{number:03d}",
            seller=papers.seller(actor),
            bank=bank,
            day=day,
            due=due,
            repaid=papers.business_day(due + _LATE_DAYS),
            face=amount,
            trade=Trade(actor.invoice_no(number), papers.timeline.date_of(day - 3), amount),
            channel="PLATFORM_LOGIN",
            payer_type="CORE_ENTERPRISE",
            payer_account_no=str(accounts[actor.core]),
        )
        papers.make(actor, deal)
        tapes = papers.tapes(deal)
        for tape in tapes:
            claimed = due if tape <= due else papers.business_day(tape + _MOVED_DAYS)
            for funder in (bank, other):
                papers.report(
                    actor, deal, tape, bank=funder, due=claimed, says_current=True, has_facility=funder == bank
                )
        made = ("platform.certificate", day)
        papers.note(actor, "INVOICE_NOT_IN_BOOKS", "CERTIFICATE", deal.certificate_id, made)
        papers.note(actor, "INVOICE_NOT_IN_TAX", "CERTIFICATE", deal.certificate_id, made)
        if tapes:
            on_tape = ("platform.funder_tape", tapes[0])
            for funder in (bank, other):
                papers.note(actor, "FUNDER_OVERLAP", "COLLATERAL", papers.on_tape_of(deal, funder), on_tape)
                papers.note(actor, "COLLATERAL_NOT_IN_BOOKS", "COLLATERAL", papers.on_tape_of(deal, funder), on_tape)
        late = [tape for tape in tapes if tape > due]
        if late:
            edited = ("platform.funder_tape", late[0])
            papers.note(actor, "STATUS_CONTRADICTS_CASH", "COLLATERAL", deal.certificate_id, edited)
            if tapes[0] < late[0]:
                papers.note(actor, "REAGED", "COLLATERAL", deal.certificate_id, edited)
            papers.note_hidden(actor, "COLLATERAL", deal.certificate_id, late[0], _HAND)
