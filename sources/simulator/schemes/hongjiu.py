"""Hongjiu: large sums for firms that were founded for it, and money that goes round.

What it leaves: suppliers that are weeks old, with nobody insured and next to no capital paid in, at one address, which
are financed far beyond it; and payments of the core enterprise that are back on the same day by way of two of them.
"""

from __future__ import annotations

from decimal import Decimal

from sources.simulator.feeds import CURRENCY, SCHEME
from sources.simulator.parties import BANKS, REGIONS, SECTORS, credit_code
from sources.simulator.schemes.actor import Actor
from sources.simulator.schemes.bills import book_trade
from sources.simulator.schemes.deal import Deal, Seller, Trade
from sources.simulator.schemes.papers import Papers, clearing_account
from sources.simulator.schemes.rhythm import TERM_DAYS, rounds
from sources.simulator.streams import Stream, Streams

_AGE_DAYS, _PAID_IN, _REGISTERED = 45, Decimal("50000.00"), Decimal("5000000.00")
_FIRST_ROUND, _LAST_ROUND = 2, 7
_SHELLS = 2
_BUYERS = "the customers of the shells were founded in the same year: no feed carries customers outside the programme"


def finance_new_shells(papers: Papers, actor: Actor) -> None:
    """Two shells join, take certificates in turn for some months, and pass on money that comes back."""
    world = papers.history.world
    core, core_account = actor.core, str(world.parties.cores.accounts[actor.core])
    core_name, core_id = str(world.parties.cores.names[core]), str(world.parties.cores.ids[core])
    bank = actor.number % len(BANKS)
    shells: list[Seller] = []
    for number, day, _rng, amount in rounds(papers, actor):
        if number == 1:
            shells = [_found(papers, actor, place, day) for place in range(1, _SHELLS + 1)]
            for shell in shells:
                papers.note(actor, "SHELL_SUPPLIER", "SUPPLIER", shell.supplier_id, ("platform.supplier", day))
            papers.open_facility(actor, bank, day, Decimal(20) * max(amount, Decimal(1_000_000)))
        if not _FIRST_ROUND <= number <= _LAST_ROUND:
            continue
        shell, other = shells[number % _SHELLS], shells[(number + 1) % _SHELLS]
        due = papers.business_day(day + TERM_DAYS)
        face = max(amount, Decimal(1_000_000))
        deal = Deal(
            key=f"{actor.tag}-{number:03d}",
            seller=shell,
            bank=bank,
            day=day,
            due=due,
            repaid=due,
            face=face,
            trade=Trade(actor.invoice_no(number), papers.timeline.date_of(day - 3), face),
            channel="ERP_API",
            payer_type="CORE_ENTERPRISE",
            payer_account_no=core_account,
            ap_document_no=f"59-{actor.tag}-{number:03d}",
        )
        papers.make(actor, deal)
        book_trade(papers, actor, deal, day, f"59-{deal.key}", face)
        papers.report_truly(actor, deal)
        papers.book(core_account, due, deal.principal, "集团资金池", f"8{core + 1:015d}", f"POOL-{deal.key}")
        papers.book(core_account, due, -deal.principal, BANKS[bank][1], clearing_account(bank), f"RPY-{deal.key}")
        stations = [(core_name, core_account), (shell.name, shell.account_no), (other.name, other.account_no)]
        turn = papers.business_day(day + 7)
        for hop, (giver, taker) in enumerate(zip(stations, [*stations[1:], stations[0]], strict=True), start=1):
            papers.book(giver[1], turn, -face, taker[0], taker[1], f"TURN{hop}-{deal.key}")
            papers.book(taker[1], turn, face, giver[0], giver[1], f"TURN{hop}-{deal.key}")
        papers.note(actor, "NEW_PARTY_LARGE_ADVANCE", "FINANCING", deal.financing_id, ("platform.financing", day))
        papers.note_hidden(actor, "CERTIFICATE", deal.certificate_id, day, _BUYERS)
        if number < _FIRST_ROUND + _SHELLS:
            # each station of a loop sees its money come back
            members = [core_id, shell.supplier_id, other.supplier_id]
            for origin, first in zip(members, [*members[1:], members[0]], strict=True):
                papers.note(actor, "MONEY_RETURNS", "PAIR", f"{origin}:{first}:CNY", ("bank.transaction", turn))


def _found(papers: Papers, actor: Actor, place: int, day: int) -> Seller:
    """A shell with its records on the platform, in the books of the core enterprise and at a bank."""
    world, timeline = papers.history.world, papers.timeline
    parties = world.parties
    rng = Streams(world.seed).on(Stream.SCHEME, place, part=1 + actor.supplier)
    region, sector = int(parties.suppliers.region[actor.supplier]), SECTORS[parties.suppliers.sector[actor.supplier]]
    bank, serial = int(rng.integers(len(BANKS))), 9 * 10**12 + actor.supplier * 100 + place
    groups = (parties.suppliers, parties.cores, parties.customers, parties.vendors)
    taken = {str(number) for group in groups for number in group.numbers}
    seller = Seller(
        supplier_id=f"S9{actor.supplier:05d}{place}",
        party_no=credit_code(rng, REGIONS[region][2], taken),
        name=f"{REGIONS[region][1]}鑫{'甲乙'[place - 1]}{chr(0x4E00 + actor.supplier)}商贸有限公司",
        account_no=f"62{bank + 1}{serial:013d}",
        erp_vendor_no=f"9{actor.supplier:05d}{place}",
    )
    founded = day - _AGE_DAYS
    papers.add(
        "platform.supplier",
        day,
        supplier_id=seller.supplier_id,
        party_no=seller.party_no,
        party_no_scheme=SCHEME,
        supplier_name=seller.name,
        sector_code=sector.code,
        region_code=REGIONS[region][0],
        size_class="MICRO",
        registered_date=timeline.date_of(founded),
        registered_capital_amount=_REGISTERED,
        paid_in_capital_amount=_PAID_IN,
        currency=CURRENCY,
        insured_headcount=0,
        legal_representative=str(parties.legal_representative[actor.supplier]),
        contact_phone=str(parties.phone[actor.supplier]),
        address=f"{REGIONS[region][1]}市商务秘书楼{actor.supplier}室",
        settlement_account_no=seller.account_no,
        kyc_date=timeline.date_of(day),
        onboarded_date=timeline.date_of(day),
        has_bank_authorisation=True,
        has_tax_authorisation=True,
        status="ACTIVE",
        status_date=timeline.date_of(day),
        updated_date=timeline.date_of(day),
    )
    papers.add(
        "erp.vendor",
        day,
        company_code=str(1000 + actor.core),
        erp_vendor_no=seller.erp_vendor_no,
        vendor_name=seller.name,
        party_no=seller.party_no,
        party_no_scheme=SCHEME,
        bank_account_no=seller.account_no,
        payment_terms_days=TERM_DAYS,
        is_blocked=False,
        created_date=timeline.date_of(day),
        updated_date=timeline.date_of(day),
    )
    papers.add(
        "bank.account",
        day,
        account_no=seller.account_no,
        bank_code=BANKS[bank][0],
        holder_no=seller.party_no,
        holder_no_scheme=SCHEME,
        holder_name=seller.name,
        account_type="SETTLEMENT",
        currency=CURRENCY,
        overdraft_limit_amount=Decimal("0.00"),
        opened_date=timeline.date_of(founded + 10),
        status="ACTIVE",
        updated_date=timeline.date_of(day),
    )
    papers.add(
        "bank.balance",
        day,
        account_no=seller.account_no,
        balance_date=timeline.date_of(day),
        balance_type="CLBD",
        amount=_PAID_IN,
        currency=CURRENCY,
    )
    return seller
