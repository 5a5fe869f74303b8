"""The papers of schemes: rows for the feeds beside those of the economy, and the truth about them.

The papers keep the books whole. A certificate has a facility with room for it, is financed once and ends redeemed; on
each account that the banks report on, what comes in for a scheme goes out on the same day.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from sources.contract import load_contracts
from sources.simulator.feeds import CURRENCY, SCHEME, Feed, History
from sources.simulator.parties import BANKS
from sources.simulator.schemes.actor import Actor
from sources.simulator.schemes.deal import CENT, Deal, Seller
from sources.simulator.timeline import Timeline
from sources.simulator.vendor_documents import vendor_numbers

_YEARLY_RATE = Decimal("0.045")
OUTSIDE_NAME = "海外汇通贸易有限公司"

TRUTH_SCHEMA = pa.schema(
    [
        ("scheme", pa.string()),
        ("actor_id", pa.string()),
        ("rule_id", pa.string()),
        ("subject_kind", pa.string()),
        ("subject_id", pa.string()),
        ("first_visible_date", pa.date32()),
        ("is_visible", pa.bool_()),
        ("why_not", pa.string()),
    ]
)


@dataclass
class Papers:
    """Rows added to each feed, by the day on which they arise, and the truth; days after the run's last are dropped."""

    history: History
    rows: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=lambda: defaultdict(list))
    truth: list[dict[str, Any]] = field(default_factory=list)

    @property
    def timeline(self) -> Timeline:
        """The run's calendar."""
        return self.history.world.timeline

    def business_day(self, day: int) -> int:
        """The day itself, or the Monday after a weekend."""
        return int(self.timeline.next_business_day(np.array([day]))[0])

    def seller(self, actor: Actor) -> Seller:
        """The actor itself as the seller."""
        firms = self.history.world.parties.suppliers
        numbers = vendor_numbers(self.history)
        return Seller(
            str(firms.ids[actor.supplier]),
            str(firms.numbers[actor.supplier]),
            str(firms.names[actor.supplier]),
            str(firms.accounts[actor.supplier]),
            numbers[actor.edge].as_py(),
        )

    def add(self, feed: str, day: int, **row: Any) -> None:
        """Put a row into a feed unless it arises after the run's last day."""
        if day <= self.history.last_day:
            self.rows[feed].append((day, row))

    def note(self, actor: Actor, rule_id: str, kind: str, subject_id: str, *seen_in: tuple[str, int]) -> None:
        """Write down that a rule ought to find a subject, once all rows of ``seen_in`` (feed, day) are delivered."""
        contracts = load_contracts()
        shown = max(day + contracts[feed].history_lag_days for feed, day in seen_in)
        if shown <= self.history.last_day:
            self._note(actor, rule_id, kind, subject_id, self.timeline.date_of(shown), None)

    def note_hidden(self, actor: Actor, kind: str, subject_id: str, day: int, why_not: str) -> None:
        """Write down what no row of any feed can show."""
        if day <= self.history.last_day:
            self._note(actor, None, kind, subject_id, self.timeline.date_of(day), why_not)

    def _note(
        self, actor: Actor, rule_id: str | None, kind: str, subject_id: str, first: date, why_not: str | None
    ) -> None:
        self.truth.append(
            {
                "scheme": actor.scheme,
                "actor_id": str(self.history.world.parties.suppliers.ids[actor.supplier]),
                "rule_id": rule_id,
                "subject_kind": kind,
                "subject_id": subject_id,
                "first_visible_date": first,
                "is_visible": why_not is None,
                "why_not": why_not,
            }
        )

    def open_facility(self, actor: Actor, bank: int, day: int, limit: Decimal) -> None:
        """A line of the actor's own, so that its certificates take no room from those of others."""
        cores = self.history.world.parties.cores
        self.add(
            "platform.facility_event",
            day,
            facility_event_id=f"FE-{actor.tag}-{BANKS[bank][0]}",
            facility_id=facility_of(actor, bank),
            core_enterprise_id=str(cores.ids[actor.core]),
            funder_id=BANKS[bank][0],
            event_type="LIMIT_SET",
            amount=limit,
            currency=CURRENCY,
            event_at=self._at(day, 1800),
        )

    def use_facility(self, actor: Actor, deal: Deal) -> None:
        """What the deal's financing takes of the actor's line and its repayment gives back."""
        core, bank = str(self.history.world.parties.cores.ids[actor.core]), deal.bank
        for kind, day, hour in (("UTILISE", deal.day, 7), ("RELEASE", deal.repaid, 8)):
            self.add(
                "platform.facility_event",
                day,
                facility_event_id=f"FE-{deal.key}-{kind}",
                facility_id=facility_of(actor, bank),
                core_enterprise_id=core,
                funder_id=BANKS[bank][0],
                event_type=kind,
                amount=deal.principal,
                currency=CURRENCY,
                event_at=self._at(day, hour * 3600),
            )

    def make(self, actor: Actor, deal: Deal) -> None:
        """The certificate, its events, its financing and repayment, and its line on the tapes of the funder."""
        parties = self.history.world.parties
        supplier, core = deal.seller.supplier_id, str(parties.cores.ids[actor.core])
        has_payable = deal.ap_document_no is not None
        when, due = self.timeline.date_of(deal.day), self.timeline.date_of(deal.due)
        self.add(
            "platform.certificate",
            deal.day,
            certificate_id=deal.certificate_id,
            root_certificate_id=deal.certificate_id,
            core_enterprise_id=core,
            facility_id=facility_of(actor, deal.bank),
            holder_id=supplier,
            tier=1,
            instrument_type="VOUCHER",
            face_amount=deal.face,
            currency=CURRENCY,
            issue_date=when,
            due_date=due,
            company_code=str(1000 + actor.core) if has_payable else None,
            ap_document_no=deal.ap_document_no,
            fiscal_year=when.year if has_payable else None,
            confirmation_channel=deal.channel,
            submitted_invoice_no=deal.trade.invoice_no,
            submitted_invoice_date=deal.trade.invoice_date,
            submitted_invoice_amount=deal.trade.amount,
        )
        events = [
            ("ISSUED", deal.day, 1, deal.face, None, supplier),
            ("ACCEPTED", deal.day, 2, deal.face, None, supplier),
            ("FINANCED", deal.day, 6, deal.principal, supplier, supplier),
            ("FINANCE_REPAID", deal.repaid, 7, deal.principal, supplier, supplier),
            ("REDEEMED", deal.repaid, 8, deal.face, supplier, None),
        ]
        if deal.repaid > deal.due:
            events.insert(3, ("OVERDUE", deal.due, 9, deal.face, supplier, supplier))
        for number, (kind, day, hour, amount, giver, taker) in enumerate(events, start=1):
            self.add(
                "platform.certificate_event",
                day,
                certificate_event_id=f"EV-{deal.key}-{number}",
                certificate_id=deal.certificate_id,
                root_certificate_id=deal.certificate_id,
                event_type=kind,
                amount=amount,
                currency=CURRENCY,
                from_holder_id=giver,
                to_holder_id=taker,
                occurred_at=self._at(day, hour * 3600),
                booked_at=self._at(day, hour * 3600 + 120),
            )
        self._finance(actor, deal, supplier, core)

    def _finance(self, actor: Actor, deal: Deal, supplier: str, core: str) -> None:
        interest = (deal.principal * _YEARLY_RATE * (deal.due - deal.day) / 360).quantize(CENT)
        self.add(
            "platform.financing",
            deal.day,
            financing_id=deal.financing_id,
            certificate_id=deal.certificate_id,
            supplier_id=supplier,
            core_enterprise_id=core,
            funder_id=BANKS[deal.bank][0],
            facility_id=facility_of(actor, deal.bank),
            financing_date=self.timeline.date_of(deal.day),
            due_date=self.timeline.date_of(deal.due),
            principal_amount=deal.principal,
            interest_amount=interest,
            fee_amount=Decimal("0.00"),
            currency=CURRENCY,
            annual_rate_pct=_YEARLY_RATE * 100,
            has_recourse=False,
            registry_no=f"ZD-{deal.key}",
        )
        self.add(
            "platform.repayment",
            deal.repaid,
            repayment_id=deal.repayment_id,
            financing_id=deal.financing_id,
            repayment_date=self.timeline.date_of(deal.repaid),
            amount=deal.principal,
            currency=CURRENCY,
            payer_type=deal.payer_type,
            payer_account_no=deal.payer_account_no,
        )
        self.use_facility(actor, deal)
        proceeds = deal.principal - interest
        account = deal.seller.account_no
        self.book(account, deal.day, proceeds, BANKS[deal.bank][1], clearing_account(deal.bank), f"FIN-{deal.key}")
        self.book(account, deal.day, -proceeds, OUTSIDE_NAME, outside_account(actor), f"OUT-{deal.key}")

    def tapes(self, deal: Deal) -> list[int]:
        """Month-ends on which the financing is open."""
        last = min(deal.repaid - 1, self.history.last_day)
        return [day for day in range(deal.day, last + 1) if self.timeline.is_month_end(day)]

    def report(
        self, actor: Actor, deal: Deal, tape: int, *, bank: int, due: int, says_current: bool, has_facility: bool = True
    ) -> None:
        """The line of a deal on one funder's tape; ``due`` and ``says_current`` are what that tape claims."""
        parties = self.history.world.parties
        late = 0 if says_current else max(tape - due, 0)
        self.add(
            "platform.funder_tape",
            tape,
            funder_id=BANKS[bank][0],
            tape_date=self.timeline.date_of(tape),
            collateral_id=deal.certificate_id,
            facility_id=facility_of(actor, bank) if has_facility else None,
            seller_no=deal.seller.party_no,
            seller_no_scheme=SCHEME,
            debtor_no=str(parties.cores.numbers[actor.core]),
            debtor_no_scheme=SCHEME,
            invoice_no=deal.trade.invoice_no,
            invoice_date=deal.trade.invoice_date,
            invoice_amount=deal.trade.amount,
            financed_amount=deal.principal,
            currency=CURRENCY,
            due_date=self.timeline.date_of(due),
            reported_status="PAST_DUE" if late else "CURRENT",
            reported_dpd_days=late,
        )

    def on_tape_of(self, deal: Deal, bank: int) -> str:
        """The deal as collateral of one funder, where several may report it."""
        return f"{BANKS[bank][0]}:{deal.certificate_id}"

    def note_on_tape(self, actor: Actor, deal: Deal, rule_id: str) -> None:
        """Write down what the deal's first line on its funder's tapes breaks, where a month-end saw it."""
        tapes = self.tapes(deal)
        if tapes:
            seen_in = ("platform.funder_tape", tapes[0])
            self.note(actor, rule_id, "COLLATERAL", self.on_tape_of(deal, deal.bank), seen_in)

    def report_truly(self, actor: Actor, deal: Deal) -> None:
        """The line of a deal on every tape of its own funder, as it is."""
        for tape in self.tapes(deal):
            self.report(actor, deal, tape, bank=deal.bank, due=deal.due, says_current=False)

    def book(self, account: str, day: int, amount: Decimal, name: str, other: str, reference: str) -> None:
        """An entry on an account that the banks report on; signed amount, other party, end-to-end reference."""
        self.add(
            "bank.transaction",
            day,
            account_no=account,
            transaction_ref=f"X-{reference}-{'C' if amount > 0 else 'D'}",
            booking_date=self.timeline.date_of(day),
            value_date=self.timeline.date_of(day),
            credit_debit="CRDT" if amount > 0 else "DBIT",
            amount=abs(amount),
            currency=CURRENCY,
            is_return=False,
            purpose_code="LOAN" if reference.startswith(("FIN", "RPY")) else "SUPP",
            counterparty_name=name,
            counterparty_account_no=other,
            end_to_end_id=reference,
            remittance_text="往来款",
        )

    def with_feeds(self, feeds: list[Feed]) -> list[Feed]:
        """The economy's feeds with the papers' rows behind those of the same day."""
        self._add_balances(next(feed for feed in feeds if feed.name == "bank.balance"))
        return [self._extended(feed) for feed in feeds]

    def truth_table(self) -> pa.Table:
        """What was planted, one row per subject and rule that ought to find it."""
        return pa.Table.from_pylist(self.truth, schema=TRUTH_SCHEMA)

    def _add_balances(self, balances: Feed) -> None:
        """A closing balance for days on which an account has only entries that cancel out: the balance of before."""
        touched = sorted({(row["account_no"], day) for day, row in self.rows["bank.transaction"]})
        accounts = {account for account, _ in touched}
        known: dict[str, list[tuple[int, Decimal]]] = defaultdict(list)
        columns = (balances.table["account_no"].to_pylist(), balances.day.tolist(), balances.table["amount"])
        for place, (account, day) in enumerate(zip(*columns[:2], strict=True)):
            if account in accounts:
                known[account].append((day, columns[2][place].as_py()))
        for day, row in self.rows["bank.balance"]:
            known[row["account_no"]].append((day, row["amount"]))
        for account, day in touched:
            before = [(when, amount) for when, amount in known[account] if when <= day]
            when, amount = before[-1]
            if when < day:
                self.add(
                    "bank.balance",
                    day,
                    account_no=account,
                    balance_date=self.timeline.date_of(day),
                    balance_type="CLBD",
                    amount=amount,
                    currency=CURRENCY,
                )

    def _extended(self, feed: Feed) -> Feed:
        rows = self.rows.get(feed.name)
        if not rows:
            return feed
        more = pa.Table.from_pylist([row for _, row in rows], schema=feed.table.schema)
        table = pa.concat_tables([feed.table, more])
        day = np.concatenate([feed.day, np.array([day for day, _ in rows], dtype=np.int64)])
        update = np.concatenate([feed.is_update, np.zeros(len(rows), dtype=bool)])
        order = np.argsort(day, kind="stable")
        return Feed(feed.name, table.take(pa.array(order)), day[order], update[order])

    def _at(self, day: int, seconds: int) -> datetime:
        start = datetime.combine(self.timeline.date_of(day), datetime.min.time(), UTC)
        return (start + timedelta(seconds=seconds)).replace(tzinfo=None)


def facility_of(actor: Actor, bank: int) -> str:
    """The actor's own facility with a bank."""
    return f"FAC-{actor.tag}-{BANKS[bank][0]}"


def clearing_account(bank: int) -> str:
    """The account over which a bank lends and is repaid."""
    return f"9{bank + 1}00000000000001"


def outside_account(actor: Actor) -> str:
    """An account of a firm that is no party of the programme, at a bank that reports nothing."""
    return f"77{sum(map(ord, actor.scheme)):05d}{actor.number:08d}"
