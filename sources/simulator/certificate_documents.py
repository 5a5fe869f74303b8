"""The platform's feeds about certificates: the certificates, their events, their financing and its repayment."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sources.simulator.certificates import Financings, Ledger, facility_ids, funder_of
from sources.simulator.columns import (
    constant,
    dates,
    decimals,
    join,
    labels,
    pick,
    running_number,
    timestamps,
)
from sources.simulator.erp_documents import fiscal_years, supplier_invoice_numbers
from sources.simulator.facility_documents import facility_events
from sources.simulator.feeds import CURRENCY, Feed, History, make_feed
from sources.simulator.funder_tapes import funder_tapes
from sources.simulator.incidents import Incidents, draft_cents, drafts, extended_due, incidents
from sources.simulator.parties import BANKS
from sources.simulator.payables import Payables
from sources.simulator.state import NEVER
from sources.simulator.vendor_documents import company_codes

_DAY_SPAN = 4096
_HOUR = 3600
Ints = NDArray[np.int64]


def certificate_feeds(
    history: History, ledger: Ledger, financings: Financings, items: Payables, invoice_numbers: pa.Array
) -> list[Feed]:
    """The platform's feeds about certificates and their financing, facilities and funders' tapes included.

    ``invoice_numbers``: the sellers' numbers by row of the invoice journal.
    """
    document = _payable_of(ledger, items)
    numbers = supplier_invoice_numbers(items, invoice_numbers)
    return [
        _certificates(history, ledger, items, document, numbers),
        _events(history, ledger, financings),
        _financing(history, ledger, financings),
        _repayments(history, financings),
        facility_events(history, ledger, financings),
        funder_tapes(history, ledger, financings, items, document, numbers),
    ]


def _payable_of(ledger: Ledger, items: Payables) -> Ints:
    """Row in ``items`` of the payable behind each certificate that is a root; of any payable for a child."""
    cleared = np.flatnonzero(items.certificate_cents > 0)
    keys = items.edge[cleared] * _DAY_SPAN + items.posted[cleared]
    order = np.argsort(keys)
    wanted = ledger.edge * _DAY_SPAN + ledger.made
    return cleared[order][np.minimum(np.searchsorted(keys[order], wanted), max(len(cleared) - 1, 0))]


def confirmation_channels(core: Ints) -> pa.Array:
    """How each core enterprise confirms its payables: two in three over the interface of its ERP, others signed."""
    return pick(["ERP_API", "CA_CERTIFICATE"], (core % 3 == 2).astype(np.int64))


def _ids(ledger: Ledger, index: Ints, is_draft: NDArray[np.bool_]) -> pa.Array:
    """Certificate identifiers; a draft has the number of its certificate under letters of its own."""
    return pc.if_else(pa.array(is_draft), labels("CD", np.maximum(index, 0) + 1, 8), ledger.ids(index))


def _certificates(history: History, ledger: Ledger, items: Payables, document: Ints, numbers: pa.Array) -> Feed:
    world, edges = history.world, history.world.network.edges
    regular, draft = np.arange(len(ledger.edge)), drafts(history, ledger)
    # a draft has all that its certificate has but the number and the face
    index, is_draft = np.concatenate([regular, draft]), np.arange(len(regular) + len(draft)) >= len(regular)
    count, edge, document = len(index), ledger.edge[index], document[index]
    is_root = ledger.parent[index] < 0
    child = pa.array(~is_root)
    core = edges.root_core[edge]
    root_edge = ledger.edge[ledger.root[index]]
    return make_feed(
        "platform.certificate",
        ledger.made[index],
        {
            "certificate_id": _ids(ledger, index, is_draft),
            "root_certificate_id": _ids(ledger, ledger.root[index], is_draft),
            "parent_certificate_id": ledger.ids(ledger.parent[index]),
            "core_enterprise_id": pick(world.parties.cores.ids, core),
            "facility_id": facility_ids(core, funder_of(history, root_edge)),
            "holder_id": pick(world.parties.suppliers.ids, edges.seller[edge]),
            "tier": world.parties.tier[edges.seller[edge]],
            "instrument_type": constant("VOUCHER", count),
            "face_amount": decimals(np.concatenate([ledger.cents, draft_cents(ledger, draft)])),
            "currency": constant(CURRENCY, count),
            "issue_date": dates(world.timeline, ledger.made[index]),
            "due_date": dates(world.timeline, ledger.due[index]),
            "company_code": pick(company_codes(history), np.where(is_root, core, -1)),
            "ap_document_no": pc.if_else(
                pa.array(is_root), labels("51", items.document[document], 8), pa.scalar(None, pa.string())
            ),
            "fiscal_year": pa.array(fiscal_years(history, items.posted[document]), mask=~is_root),
            "confirmation_channel": pc.if_else(child, pa.scalar(None, pa.string()), confirmation_channels(core)),
            "submitted_invoice_no": pc.if_else(child, pa.scalar(None, pa.string()), numbers.take(pa.array(document))),
            "submitted_invoice_date": dates(world.timeline, np.where(is_root, items.invoice_day[document], NEVER)),
            "submitted_invoice_amount": pc.if_else(
                child, pa.scalar(None, pa.decimal128(18, 2)), decimals((items.net + items.tax)[document])
            ),
        },
    )


def _events(history: History, ledger: Ledger, financings: Financings) -> Feed:
    world, last = history.world, history.last_day
    edges = world.network.edges
    index = np.arange(len(ledger.edge))
    roots = index[ledger.parent < 0]
    children = index[ledger.parent >= 0]
    leaves = index[~ledger.ended]
    redeemed = leaves[ledger.redeemed[leaves] != NEVER]
    # what was put off on its due day is overdue on the day that was agreed on, unless it is paid by then
    agreed = extended_due(history, ledger, financings)
    due = np.where(agreed == NEVER, ledger.due, agreed)
    paid = ledger.redeemed[leaves]
    late = leaves[(due[leaves] <= last) & ((paid == NEVER) | (paid > due[leaves]))]
    repaid = np.flatnonzero(financings.repaid != NEVER)
    remainder = ledger.is_remainder[children]
    level = world.parties.tier[edges.seller[ledger.edge[ledger.parent[children]]]]
    none = np.full
    # kind, certificate, day, cents, child, from edge, to edge, hour
    parts = [
        (
            "ISSUED",
            roots,
            ledger.made[roots],
            ledger.cents[roots],
            none(len(roots), -1),
            none(len(roots), -1),
            ledger.edge[roots],
            none(len(roots), 1),
        ),
        (
            "ACCEPTED",
            roots,
            ledger.made[roots],
            ledger.cents[roots],
            none(len(roots), -1),
            none(len(roots), -1),
            ledger.edge[roots],
            none(len(roots), 2),
        ),
        (
            "SPLIT",
            ledger.parent[children],
            ledger.made[children],
            ledger.cents[children],
            children,
            ledger.edge[ledger.parent[children]],
            ledger.edge[children],
            2 + level,
        ),
        (
            "FINANCED",
            financings.certificate,
            financings.day,
            financings.principal,
            none(len(financings.day), -1),
            financings.edge,
            financings.edge,
            none(len(financings.day), 6),
        ),
        (
            "FINANCE_REPAID",
            financings.certificate[repaid],
            financings.repaid[repaid],
            financings.principal[repaid],
            none(len(repaid), -1),
            financings.edge[repaid],
            financings.edge[repaid],
            none(len(repaid), 7),
        ),
        (
            "REDEEMED",
            redeemed,
            ledger.redeemed[redeemed],
            ledger.cents[redeemed],
            none(len(redeemed), -1),
            ledger.edge[redeemed],
            none(len(redeemed), -1),
            none(len(redeemed), 8),
        ),
        (
            "OVERDUE",
            late,
            due[late],
            ledger.cents[late],
            none(len(late), -1),
            ledger.edge[late],
            ledger.edge[late],
            none(len(late), 9),
        ),
    ]
    regular = sum(len(part[1]) for part in parts)
    extra = incidents(history, ledger, financings)
    parts += [_part(ledger, incident) for incident in extra]
    new_due = np.concatenate([np.full(regular, NEVER), *(part.new_due for part in extra)])
    is_draft = np.concatenate([np.zeros(regular, bool), *(np.full(len(part.day), part.is_draft) for part in extra)])
    kinds = [part[0] for part in parts] + ["TRANSFERRED"]
    kind = np.repeat(np.arange(len(parts)), [len(part[1]) for part in parts])
    certificate, day, cents, child, giver, taker, hour = (
        np.concatenate(column) for column in list(zip(*parts, strict=True))[1:]
    )
    kind[np.flatnonzero(kind == 2)[~remainder]] = kinds.index("TRANSFERRED")
    order = np.lexsort((np.maximum(child, 0), certificate, kind, hour, day))
    kind, certificate, day, cents = kind[order], certificate[order], day[order], cents[order]
    child, giver, taker, hour = child[order], giver[order], taker[order], hour[order]
    new_due, is_draft = new_due[order], is_draft[order]
    second = hour * _HOUR + (certificate * 37 % 3300)
    # the children of one certificate are made at one instant; a buy-back on the due day comes after all else
    count = len(order)
    number = running_number(day)
    event_id = join("EV", labels("", day, 4), "-", labels("", number, 6))
    suppliers = world.parties.suppliers.ids

    def holder(edge: Ints) -> pa.Array:
        return pick(suppliers, np.where(edge >= 0, edges.seller[edge], -1))

    return make_feed(
        "platform.certificate_event",
        day,
        {
            "certificate_event_id": event_id,
            "certificate_id": _ids(ledger, certificate, is_draft),
            "root_certificate_id": _ids(ledger, ledger.root[certificate], is_draft),
            "event_type": pick(kinds, kind),
            "amount": decimals(cents),
            "currency": constant(CURRENCY, count),
            "child_certificate_id": ledger.ids(child),
            "from_holder_id": holder(giver),
            "to_holder_id": holder(taker),
            "new_due_date": dates(world.timeline, new_due),
            "occurred_at": timestamps(world.timeline, day, second),
            "booked_at": timestamps(world.timeline, day, second + 120),
        },
    )


def _part(ledger: Ledger, incident: Incidents) -> tuple[str, Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    """An incident as a part of the events: its holder keeps the certificate, and nothing is made of it."""
    edge, nothing = ledger.edge[incident.certificate], np.full(len(incident.day), -1)
    giver = nothing if incident.kind == "ISSUED" else edge
    hour = np.full(len(incident.day), incident.hour)
    return incident.kind, incident.certificate, incident.day, incident.cents, nothing, giver, edge, hour


def _financing(history: History, ledger: Ledger, financings: Financings) -> Feed:
    world, count = history.world, len(financings.day)
    edges = world.network.edges
    core = edges.root_core[financings.edge]
    bank = funder_of(history, ledger.edge[ledger.root[financings.certificate]])
    # about one financing in thirty is not registered
    registry = pc.if_else(
        pa.array(np.arange(count) % 31 == 7), pa.scalar(None, pa.string()), labels("ZD", np.arange(count) + 1, 12)
    )
    return make_feed(
        "platform.financing",
        financings.day,
        {
            "financing_id": labels("FN", np.arange(count) + 1, 8),
            "certificate_id": ledger.ids(financings.certificate),
            "supplier_id": pick(world.parties.suppliers.ids, edges.seller[financings.edge]),
            "core_enterprise_id": pick(world.parties.cores.ids, core),
            "funder_id": pick([code for code, _ in BANKS], bank),
            "facility_id": facility_ids(core, bank),
            "financing_date": dates(world.timeline, financings.day),
            "due_date": dates(world.timeline, financings.due),
            "principal_amount": decimals(financings.principal),
            "interest_amount": decimals(financings.interest),
            "fee_amount": decimals(financings.fee),
            "currency": constant(CURRENCY, count),
            "annual_rate_pct": decimals(np.rint(edges.rate_pct[financings.edge] * 1e6).astype(np.int64), 6),
            "has_recourse": edges.has_recourse[financings.edge],
            "registry_no": registry,
        },
    )


def _repayments(history: History, financings: Financings) -> Feed:
    row = np.flatnonzero(financings.repaid != NEVER)
    row = row[np.argsort(financings.repaid[row], kind="stable")]
    day, parties = financings.repaid[row], history.world.parties
    edges, edge = history.world.network.edges, financings.edge[row]
    accounts = np.concatenate([parties.suppliers.accounts, parties.cores.accounts])
    payer = np.where(financings.by_supplier[row], edges.seller[edge], len(parties.suppliers) + edges.root_core[edge])
    return make_feed(
        "platform.repayment",
        day,
        {
            "repayment_id": labels("RP", row + 1, 8),
            "financing_id": labels("FN", row + 1, 8),
            "repayment_date": dates(history.world.timeline, day),
            "amount": decimals(financings.principal[row]),
            "currency": constant(CURRENCY, len(row)),
            "payer_type": pick(["CORE_ENTERPRISE", "SUPPLIER"], financings.by_supplier[row].astype(np.int64)),
            "payer_account_no": pick(accounts, payer),
        },
    )
