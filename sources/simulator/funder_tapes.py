"""Funders' monthly tapes: what each of them holds as collateral at a month-end, as the ledger truly has it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sources.simulator.certificates import Financings, Ledger, facility_ids, funder_of
from sources.simulator.columns import constant, dates, decimals, pick
from sources.simulator.feeds import CURRENCY, SCHEME, Feed, History, make_feed
from sources.simulator.parties import BANKS
from sources.simulator.payables import Payables
from sources.simulator.state import NEVER

Ints = NDArray[np.int64]


def funder_tapes(
    history: History, ledger: Ledger, financings: Financings, items: Payables, document: Ints, numbers: pa.Array
) -> Feed:
    """Certificates with an open financing at each month-end, one row each.

    ``document`` gives for each certificate that is a root the row in ``items`` of the payable behind it, ``numbers``
    the seller's invoice number of each payable. What descends from a root stands on the invoice behind the root.
    """
    world = history.world
    edges, parties = world.network.edges, world.parties
    days, certificates, cents = [], [], []
    for tape in (day for day in range(history.last_day + 1) if world.timeline.is_month_end(day)):
        # a repayment on the day itself is booked before the tape is written
        is_open = (financings.day <= tape) & ((financings.repaid == NEVER) | (financings.repaid > tape))
        certificate, place = np.unique(financings.certificate[is_open], return_inverse=True)
        days.append(np.full(len(certificate), tape))
        certificates.append(certificate)
        cents.append(np.bincount(place, financings.principal[is_open], len(certificate)).astype(np.int64))
    nothing = np.zeros(0, dtype=np.int64)
    day, certificate, financed = (np.concatenate([nothing, *parts]) for parts in (days, certificates, cents))
    root = ledger.root[certificate]
    root_edge, item = ledger.edge[root], document[root]
    funder, core = funder_of(history, root_edge), edges.root_core[root_edge]
    due = ledger.due[certificate]
    late = np.maximum(day - due, 0)
    return make_feed(
        "platform.funder_tape",
        day,
        {
            "funder_id": pick([code for code, _ in BANKS], funder),
            "tape_date": dates(world.timeline, day),
            "collateral_id": ledger.ids(certificate),
            "facility_id": facility_ids(core, funder),
            "seller_no": pick(parties.suppliers.numbers, edges.seller[root_edge]),
            "seller_no_scheme": constant(SCHEME, len(day)),
            "debtor_no": pick(parties.cores.numbers, core),
            "debtor_no_scheme": constant(SCHEME, len(day)),
            "invoice_no": numbers.take(pa.array(item)),
            "invoice_date": dates(world.timeline, items.invoice_day[item]),
            "invoice_amount": decimals((items.net + items.tax)[item]),
            "financed_amount": decimals(financed),
            "currency": constant(CURRENCY, len(day)),
            "due_date": dates(world.timeline, due),
            "reported_status": pick(["CURRENT", "PAST_DUE"], (late > 0).astype(np.int64)),
            "reported_dpd_days": late,
        },
    )
