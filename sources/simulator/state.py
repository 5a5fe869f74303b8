"""The state of the economy at the end of a day.

The last axis of every array counts runs: the run itself has one, a bundle of forks has many. Rings are indexed by the
day modulo their length; what lies in a slot falls due on that day, but for certificates, which lie in the slot of the
day they were issued on. Money is CNY, kept to whole cents.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sources.simulator.network import Network
from sources.simulator.parties import SECTORS, Parties
from sources.simulator.streams import Stream, Streams
from sources.simulator.timeline import Timeline

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ORDER_RING, PAY_RING, ISSUE_RING, CERTIFICATE_RING, CUSTOMER_RING, VENDOR_RING = 36, 400, 16, 192, 120, 43
NEVER = -(10**6)


@dataclass(frozen=True)
class World:
    """What does not change during a run."""

    seed: int
    timeline: Timeline
    parties: Parties
    network: Network


@dataclass
class State:
    """Everything the next day depends on. K sectors, C core enterprises, S suppliers, E edges, B runs."""

    # climate
    cycle: Floats  # (K, B) log of sector activity
    prices: Floats  # (2, B) log prices of steel and cement
    # core enterprises
    core_cash: Floats
    core_activity: Floats
    in_spell: Flags
    unpaid_since: Ints  # day of the oldest certificate unpaid at its due date, NEVER when none
    support_after: Ints  # days of default after which the core enterprise is refinanced
    # suppliers: trade
    demand: Floats
    margin: Floats
    sales_rate: Floats  # net sales a day, smoothed over about six weeks
    wage_rate: Floats  # net sales a day that the payroll is sized for
    fulfilment: Floats
    is_trading: Flags
    # suppliers: money
    cash: Floats
    owner_reserve: Floats
    loan: Floats
    wage_due: Floats
    wage_age: Ints
    tax_due: Floats
    tax_age: Ints
    vendor_owed: Floats
    rent_due: Floats
    strain_age: Floats  # days for which trade creditors have waited for a sizeable amount
    # suppliers: the running month's and the last month's tax figures
    month_sales: Floats
    month_output_tax: Floats
    month_input_tax: Floats
    period_sales: Floats
    period_output_tax: Floats
    period_input_tax: Floats
    period_payable: Floats
    tax_credit: Floats
    is_unfiled: Flags
    # suppliers: hardship
    legal_stage: Ints  # 0 none, 1 sued, 2 enforcement, 3 dishonest debtor, 4 insolvent
    legal_since: Ints
    legal_amount: Floats
    tax_stage: Ints  # 0 normal, 1 grade C, 2 grade D and abnormal
    tax_clean_days: Ints
    is_frozen: Flags
    trouble_since: Ints  # for the platform's freeze
    is_overdue_30: Flags
    distress_known: Ints  # day on which the running distress is known, NEVER when none
    # edges
    orders: Floats  # ring
    payables: Floats  # ring
    owed: Floats  # due and unpaid; negative is prepaid by certificate
    open_payable: Floats
    to_issue: Floats  # ring
    held: Floats  # (E, ring, B) by day of issue: a holder's certificates lie side by side
    financed: Floats  # likewise
    held_total: Floats
    overdue_held: Floats
    overdue_financed: Floats
    recourse_since: Ints
    # outside trade
    customer_receipts: Floats  # ring
    vendor_payables: Floats  # ring

    @property
    def runs(self) -> int:
        """Number of runs B."""
        return int(self.cash.shape[-1])

    def fork(self, runs: int) -> State:
        """``runs`` copies of the first run."""
        return State(**{f.name: np.repeat(getattr(self, f.name)[..., :1], runs, axis=-1) for f in fields(self)})


def opening_state(world: World) -> State:
    """The state before the warm-up: firms with typical cash, nothing owed to anyone yet."""
    rng = Streams(world.seed).on(Stream.OPENING)
    parties, network = world.parties, world.network
    suppliers, cores, edges = len(parties.suppliers), len(parties.cores), len(network.edges)
    conduct = network.conduct
    daily = parties.revenue[:, None] / 365

    def zeros(*shape: int) -> Floats:
        return np.zeros((*shape, 1))

    def whole(count: int, value: int) -> Ints:
        return np.full((count, 1), value, dtype=np.int64)

    def flags(count: int, value: bool = False) -> Flags:
        return np.full((count, 1), value)

    return State(
        cycle=rng.normal(0, 0.05, (len(SECTORS), 1)),
        prices=rng.normal(0, 0.05, (2, 1)),
        core_cash=np.round(network.core_purchases / 12 * rng.uniform(0.8, 2.0, (cores, 1)), 2),
        core_activity=np.ones((cores, 1)),
        in_spell=flags(cores),
        unpaid_since=whole(cores, NEVER),
        support_after=whole(cores, 40),
        demand=rng.normal(0, 0.15, (suppliers, 1)),
        margin=rng.normal(0, 0.02, (suppliers, 1)),
        sales_rate=daily.copy(),
        wage_rate=daily.copy(),
        fulfilment=np.ones((suppliers, 1)),
        is_trading=flags(suppliers, True),
        cash=np.round(daily * (conduct.buffer_days + 45), 2),
        owner_reserve=np.round(conduct.owner_depth, 2),
        loan=conduct.loan.copy(),
        wage_due=zeros(suppliers),
        wage_age=whole(suppliers, 0),
        tax_due=zeros(suppliers),
        tax_age=whole(suppliers, 0),
        vendor_owed=zeros(suppliers),
        rent_due=zeros(suppliers),
        strain_age=zeros(suppliers),
        month_sales=zeros(suppliers),
        month_output_tax=zeros(suppliers),
        month_input_tax=zeros(suppliers),
        period_sales=zeros(suppliers),
        period_output_tax=zeros(suppliers),
        period_input_tax=zeros(suppliers),
        period_payable=zeros(suppliers),
        tax_credit=zeros(suppliers),
        is_unfiled=flags(suppliers),
        legal_stage=whole(suppliers, 0),
        legal_since=whole(suppliers, NEVER),
        legal_amount=zeros(suppliers),
        tax_stage=whole(suppliers, 0),
        tax_clean_days=whole(suppliers, 0),
        is_frozen=flags(suppliers),
        trouble_since=whole(suppliers, NEVER),
        is_overdue_30=flags(suppliers),
        distress_known=whole(suppliers, NEVER),
        orders=zeros(ORDER_RING, edges),
        payables=zeros(PAY_RING, edges),
        owed=zeros(edges),
        open_payable=zeros(edges),
        to_issue=zeros(ISSUE_RING, edges),
        held=zeros(edges, CERTIFICATE_RING),
        financed=zeros(edges, CERTIFICATE_RING),
        held_total=zeros(edges),
        overdue_held=zeros(edges),
        overdue_financed=zeros(edges),
        recourse_since=whole(edges, NEVER),
        customer_receipts=zeros(CUSTOMER_RING, suppliers),
        vendor_payables=zeros(VENDOR_RING, suppliers),
    )
