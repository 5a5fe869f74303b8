"""Accounts, entries and balances at the banks. Every movement of cash in the economy is an entry, so balances prove."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sources.simulator.certificates import funder_of
from sources.simulator.columns import constant, dates, decimals, join, labels, money, pick, running_number, to_cents
from sources.simulator.feeds import CURRENCY, SCHEME, Feed, History, make_feed
from sources.simulator.hardship import ENFORCED
from sources.simulator.parties import BANKS
from sources.simulator.tax_documents import outside_customer, outside_vendor
from sources.simulator.vendor_documents import holder_records

Ints = NDArray[np.int64]

# journal kind -> sign, ISO purpose, text; the other party is not a firm of the portfolio
_OWN = {
    "wage": (-1, "SALA", "工资发放"),
    "rent": (-1, "RENT", "房租及杂费"),
    "tax": (-1, "TAXS", "税款"),
    "interest": (-1, "INTE", "贷款利息"),
    "loan_repaid": (-1, "LOAN", "归还贷款本金"),
    "owner_in": (1, "OTHR", "股东投入"),
    "owner_out": (-1, "OTHR", "股东分红"),
}
_CORE_OWN = {
    "core_income": (1, "SUPP", "工程进度款"),
    "core_overhead": (-1, "SALA", "工资及管理费"),
    "core_support": (1, "LOAN", "资金调拨"),
}
_COUNTERPARTY = {
    "wage": "代发工资户",
    "rent": "园区物业管理中心",
    "tax": "国家金库",
    "interest": "贷款户",
    "loan_repaid": "贷款户",
    "owner_in": "股东",
    "owner_out": "股东",
    "core_income": "项目业主",
    "core_overhead": "代发工资户",
    "core_support": "集团资金池",
}


@dataclass(frozen=True)
class _Entries:
    """Entries on accounts; holders are positions in suppliers followed by core enterprises, cents are signed."""

    day: Ints
    holder: Ints
    cents: Ints
    purpose: pa.Array
    name: pa.Array
    account: pa.Array
    reference: pa.Array
    text: pa.Array
    is_return: bool = False


def bank_feeds(history: History) -> list[Feed]:
    """The three feeds of the banks, for suppliers that allow it and for core enterprises."""
    entries = [*_trade_entries(history), *_certificate_entries(history), *_own_entries(history)]
    parties = history.world.parties
    has_account = np.concatenate([parties.has_bank, np.ones(len(parties.cores), dtype=bool)])
    day, holder, cents = (np.concatenate([getattr(e, name) for e in entries]) for name in ("day", "holder", "cents"))
    kind = np.repeat(np.arange(len(entries)), [len(e.day) for e in entries])
    row = np.flatnonzero(has_account[holder] & (cents != 0))
    row = row[np.lexsort((row, kind[row], holder[row], day[row]))]
    day, holder, cents, kind = day[row], holder[row], cents[row], kind[row]
    is_return = np.array([e.is_return for e in entries])[kind]
    accounts = np.concatenate([parties.suppliers.accounts, parties.cores.accounts])
    count, index = len(row), pa.array(row)

    def text(name: str) -> pa.Array:
        return pa.concat_arrays([getattr(e, name) for e in entries]).take(index)

    day_dates = dates(history.world.timeline, day)
    transactions = make_feed(
        "bank.transaction",
        day,
        {
            "account_no": pick(accounts, holder),
            "transaction_ref": join("T", labels("", running_number(holder), 8)),
            "booking_date": day_dates,
            "value_date": day_dates,
            "credit_debit": pick(["CRDT", "DBIT"], (cents < 0).astype(np.int64)),
            "amount": decimals(np.abs(cents)),
            "currency": constant(CURRENCY, count),
            "is_return": is_return,
            "purpose_code": text("purpose"),
            "counterparty_name": text("name"),
            "counterparty_account_no": text("account"),
            "end_to_end_id": text("reference"),
            "remittance_text": text("text"),
        },
    )
    return [_accounts(history, has_account), transactions, _balances(history, has_account, day, holder, cents)]


def _entry(
    day: Ints,
    holder: Ints,
    cents: Ints,
    purpose: str,
    name: pa.Array,
    account: pa.Array,
    reference: pa.Array,
    text: str,
) -> _Entries:
    count = len(day)
    return _Entries(day, holder, cents, constant(purpose, count), name, account, reference, constant(text, count))


def _trade_entries(history: History) -> list[_Entries]:
    """Payments along the edges, seen from both sides, and with outside firms."""
    world, journal = history.world, history.journal
    edges, parties = world.network.edges, world.parties
    suppliers = len(parties.suppliers)
    names = np.concatenate([parties.suppliers.names, parties.cores.names])
    accounts = np.concatenate([parties.suppliers.accounts, parties.cores.accounts])
    paid = journal.table("edge_payment")
    edge, day, cents = paid["edge"], paid["day"], to_cents(paid["amount"])
    seller = edges.seller[edge]
    buyer = np.where(edges.buyer_core[edge] >= 0, suppliers + edges.buyer_core[edge], edges.buyer_supplier[edge])
    reference = join("PAY", labels("", edge, 5), "-", labels("", day, 4))
    entries = [
        _entry(day, seller, cents, "SUPP", pick(names, buyer), pick(accounts, buyer), reference, "货款"),
        _entry(day, buyer, -cents, "SUPP", pick(names, seller), pick(accounts, seller), reference, "货款"),
    ]
    for kind, sign, pool, choose in (
        ("customer_receipt", 1, parties.customers, outside_customer),
        ("vendor_payment", -1, parties.vendors, outside_vendor),
    ):
        table = journal.table(kind)
        supplier, day = table["supplier"], table["day"]
        other = choose(history, supplier, day)
        reference = join("OUT", labels("", supplier, 5), "-", labels("", day, 4))
        entries.append(
            _entry(
                day,
                supplier,
                sign * to_cents(table["amount"]),
                "SUPP",
                pick(pool.names, other),
                pick(pool.accounts, other),
                reference,
                "货款",
            )
        )
    return entries


def _certificate_entries(history: History) -> list[_Entries]:
    """Redemptions, proceeds of financing, repayments to funders and buy-backs."""
    world, journal = history.world, history.journal
    edges, parties = world.network.edges, world.parties
    suppliers = len(parties.suppliers)
    bank_names = [name for _, name in BANKS]
    clearing = [f"9{index + 1}00000000000001" for index in range(len(BANKS))]
    entries: list[_Entries] = []
    redeemed, funded = journal.table("redeem_cash"), journal.table("redeem_funder")
    bought, financed = journal.table("buy_back"), journal.table("finance")
    edge, day, cents = redeemed["edge"], redeemed["day"], to_cents(redeemed["amount"])
    core = edges.root_core[edge]
    reference = join("RED", labels("", edge, 5), "-", labels("", day, 4))
    entries.append(
        _entry(
            day,
            edges.seller[edge],
            cents,
            "SUPP",
            pick(parties.cores.names, core),
            pick(parties.cores.accounts, core),
            reference,
            "应收账款凭证兑付",
        )
    )
    seller = edges.seller[edge]
    entries.append(
        _entry(
            day,
            suppliers + core,
            -cents,
            "SUPP",
            pick(parties.suppliers.names, seller),
            pick(parties.suppliers.accounts, seller),
            reference,
            "应收账款凭证兑付",
        )
    )
    for table, holder, sign, purpose, tag, text in (
        (funded, "core", -1, "LOAN", "RPY", "应收账款融资到期还款"),
        (bought, "seller", -1, "LOAN", "BUY", "应收账款融资回购"),
        (financed, "seller", 1, "LOAN", "FIN", "应收账款融资放款"),
    ):
        edge, day = table["edge"], table["day"]
        bank = funder_of(history, _root_edges(history, edge))
        amount = table["amount"] - table.get("interest", 0.0) - table.get("fee", 0.0)
        owner = edges.seller[edge] if holder == "seller" else suppliers + edges.root_core[edge]
        entries.append(
            _entry(
                day,
                owner,
                sign * to_cents(amount),
                purpose,
                pick(bank_names, bank),
                pick(clearing, bank),
                join(tag, labels("", edge, 5), "-", labels("", table.get("issued", day), 4)),
                text,
            )
        )
    return entries


def _root_edges(history: History, edge: Ints) -> Ints:
    """The first-tier edge from which certificates on an edge descend."""
    feed = history.world.network.edges.feed
    for _ in range(3):
        edge = np.where(feed[edge] >= 0, feed[edge], edge)
    return edge


def _own_entries(history: History) -> list[_Entries]:
    journal, suppliers = history.journal, len(history.world.parties.suppliers)
    entries: list[_Entries] = []
    for kind, (sign, purpose, text) in (_OWN | _CORE_OWN).items():
        table = journal.table(kind)
        holder = table["supplier"] if kind in _OWN else suppliers + table["core"]
        entries.append(_own(kind, table["day"], holder, sign * to_cents(table["amount"]), purpose, text))
    bounced = journal.table("wage_bounced")
    cents = to_cents(bounced["amount"])
    tried = _own("wage", bounced["day"], bounced["supplier"], -cents, "SALA", "工资发放")
    back = _own("wage", bounced["day"], bounced["supplier"], cents, "SALA", "余额不足退回")
    entries.append(tried)
    entries.append(_Entries(**{**vars(back), "is_return": True}))
    return entries


def _own(kind: str, day: Ints, holder: Ints, cents: Ints, purpose: str, text: str) -> _Entries:
    account = labels("8", np.full(len(day), sum(map(ord, kind))), 15)
    reference = join(kind[:3].upper(), labels("", holder, 5), "-", labels("", day, 4))
    return _entry(day, holder, cents, purpose, constant(_COUNTERPARTY[kind], len(day)), account, reference, text)


def _accounts(history: History, has_account: NDArray[np.bool_]) -> Feed:
    """The accounts on the first day, and a version when a court freezes or releases one."""
    world, parties = history.world, history.world.parties
    suppliers = len(parties.suppliers)
    holder = np.flatnonzero(has_account)
    change = history.journal.table("legal_change")
    day, status = np.zeros(len(holder), np.int64), np.zeros(len(holder), np.int64)
    frozen, was = change["new"] >= ENFORCED, change["old"] >= ENFORCED
    moved = np.flatnonzero((frozen != was) & parties.has_bank[change["supplier"]])
    holder = np.concatenate([holder, change["supplier"][moved]])
    day, status = (
        np.concatenate([day, change["day"][moved]]),
        np.concatenate([status, frozen[moved].astype(np.int64)]),
    )
    groups, records = (parties.suppliers, parties.cores), holder_records(world)
    limit = np.concatenate([world.network.conduct.overdraft[:, 0], world.network.core_line[:, 0]])
    opened = np.concatenate([parties.registered_day, parties.core_registered_day]) + 30
    return make_feed(
        "bank.account",
        day,
        {
            "account_no": pick(np.concatenate([g.accounts for g in groups]), holder),
            "bank_code": pick([code for code, _ in BANKS], np.concatenate([g.bank for g in groups])[holder]),
            "holder_no": pick([record.party_no for record in records], holder),
            "holder_no_scheme": pick([SCHEME if record.party_no else None for record in records], holder),
            "holder_name": pick([record.name for record in records], holder),
            "account_type": pick(["SETTLEMENT", "COLLECTION"], (holder < suppliers) & (holder % 4 == 0)),
            "currency": constant(CURRENCY, len(holder)),
            "overdraft_limit_amount": money(limit[holder]),
            "opened_date": dates(world.timeline, np.minimum(opened[holder], -10)),
            "status": pick(["ACTIVE", "FROZEN"], status),
            "updated_date": dates(world.timeline, day),
        },
    )


def _balances(history: History, has_account: NDArray[np.bool_], day: Ints, holder: Ints, cents: Ints) -> Feed:
    """Closing balances: of every account on the first day, then of each account on days with entries."""
    parties = history.world.parties
    opening = to_cents(np.concatenate([history.opening.cash[:, 0], history.opening.core_cash[:, 0]]))
    everyone = np.flatnonzero(has_account)
    order = np.lexsort((day, holder))
    key = holder[order] * 10_000 + day[order]
    last = np.flatnonzero(np.r_[key[1:] != key[:-1], True]) if len(key) else np.zeros(0, np.int64)
    running = np.cumsum(cents[order])
    first_of_holder = np.searchsorted(holder[order], holder[order])
    balance = running - np.r_[0, running][first_of_holder] + opening[holder[order]]
    moved_on_first = set(holder[day == 0].tolist())
    quiet = np.array([h for h in everyone.tolist() if h not in moved_on_first], dtype=np.int64)
    who = np.concatenate([quiet, holder[order][last]])
    when = np.concatenate([np.zeros(len(quiet), np.int64), day[order][last]])
    amount = np.concatenate([opening[quiet], balance[last]])
    order = np.lexsort((who, when))
    who, when, amount = who[order], when[order], amount[order]
    accounts = np.concatenate([parties.suppliers.accounts, parties.cores.accounts])
    return make_feed(
        "bank.balance",
        when,
        {
            "account_no": pick(accounts, who),
            "balance_date": dates(history.world.timeline, when),
            "balance_type": constant("CLBD", len(who)),
            "amount": decimals(amount),
            "currency": constant(CURRENCY, len(who)),
        },
    )
