"""From unpaid bills to public events: strain, arrears, courts, the tax office, the platform. The only source is cash.

Every step needs a debt that is still open. Whoever waits loses patience in some week or other, never without a debt.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sources.simulator import positions
from sources.simulator.journal import Journal
from sources.simulator.state import NEVER, State, World
from sources.simulator.streams import Stream, Streams
from sources.simulator.trade import cents

SUED, ENFORCED, DISHONEST, INSOLVENT = 1, 2, 3, 4
GRADE_C, ABNORMAL = 1, 2
ENFORCEMENT_FLOOR = 100_000.0
KNOWN_AFTER_DAYS, TAX_KNOWN_AFTER_DAYS = 1, 3
CAUSES = ("OVERDUE_FINANCING", "TAX_ABNORMAL", "DISHONEST_DEBTOR", "ENFORCEMENT", "INSOLVENCY", "PLATFORM_FREEZE")
_INSOLVENT_SHARE_OF_REVENUE = 0.16
# chances that a creditor acts in a week in which it may
_SUES_IN_A_WEEK, _ENFORCES_IN_A_WEEK, _LISTS_IN_A_WEEK = 0.20, 0.22, 0.15
_TAX_OFFICE_ACTS_IN_A_WEEK, _FREEZES_IN_A_WEEK = 0.16, 0.40


def move_hardship(world: World, state: State, day: int, streams: Streams, journal: Journal | None) -> None:
    """One day of waiting: ages of arrears, what creditors do about them, and what heals."""
    before_legal, before_tax = state.legal_stage.copy(), state.tax_stage.copy()
    before_frozen = state.is_frozen.copy()
    if day == 0:
        # the registers open on the first day: what the warm-up left is entered then
        before_legal, before_tax = np.zeros_like(before_legal), np.zeros_like(before_tax)
        before_frozen = np.zeros_like(before_frozen)
        state.distress_known = np.full_like(state.distress_known, NEVER)
    overdue = _age_arrears(world, state)
    positions.note_overdue(world, state, day)
    draws: NDArray[np.float64] = np.ones((3, *state.cash.shape))
    if world.timeline.weekday(day) == 0:
        draws = streams.on(Stream.HARDSHIP, day, part=1).random(size=(3, *state.cash.shape))
    _go_to_court(world, state, day, overdue, draws[0])
    _tax_office(state, draws[1])
    _platform(state, day, draws[2])
    _weaken(world, state, overdue)
    _note_distress(world, state, day, before_legal, before_tax, before_frozen, overdue, journal)


def _age_arrears(world: World, state: State) -> np.ndarray:
    """Ages in days; returns what trade creditors and staff wait for, (S, B)."""
    edges = world.network.edges
    trade = edges.by_buyer.sum(np.maximum(state.owed[edges.core_edges :], 0.0)) + state.vendor_owed
    monthly = world.parties.revenue[:, None] / 12
    state.wage_age = np.where(state.wage_due > 1.0, state.wage_age + 1, 0)
    state.tax_age = np.where(state.tax_due > 1.0, state.tax_age + 1, 0)
    sizeable = trade + 2.0 * state.wage_due > 0.40 * monthly
    state.strain_age = np.where(sizeable, state.strain_age + 1.0, np.maximum(state.strain_age - 3.0, 0.0))
    return trade + state.wage_due


def _go_to_court(world: World, state: State, day: int, overdue: np.ndarray, draw: np.ndarray) -> None:
    monthly = world.parties.revenue[:, None] / 12
    waited = day - state.legal_since
    settled = overdue < 0.12 * monthly
    stage = state.legal_stage
    sues = (stage == 0) & ((state.strain_age > 10) | (state.wage_age > 14)) & (draw < _SUES_IN_A_WEEK)
    enforces = (stage == SUED) & (waited > 6) & ~settled & (draw < _ENFORCES_IN_A_WEEK)
    lists = (stage == ENFORCED) & (waited > 45) & ~settled & (draw < _LISTS_IN_A_WEEK)
    fails = (
        (stage == DISHONEST) & (waited > 60) & (overdue + state.tax_due > _INSOLVENT_SHARE_OF_REVENUE * 12 * monthly)
    )
    heals = (stage > 0) & (stage < INSOLVENT) & settled & (waited > 7)
    state.legal_amount = np.where(sues | enforces, np.maximum(cents(0.7 * overdue), 5_000.0), state.legal_amount)
    moves = sues | enforces | lists | fails
    state.legal_stage = np.where(moves, stage + 1, np.where(heals, 0, stage))
    state.legal_since = np.where(moves | heals, day, state.legal_since)
    state.is_trading &= ~fails


def _tax_office(state: State, draw: np.ndarray) -> None:
    clean = state.tax_due <= 1.0
    state.tax_clean_days = np.where(clean, state.tax_clean_days + 1, 0)
    stage = state.tax_stage
    acts = (state.tax_age > 20) & (draw < _TAX_OFFICE_ACTS_IN_A_WEEK)
    rises = np.where(acts, ABNORMAL, np.where(state.tax_age > 12, GRADE_C, 0))
    heals = (state.tax_clean_days > np.where(stage == ABNORMAL, 10, 150)) & (stage > 0)
    state.tax_stage = np.where(heals, np.where(stage == ABNORMAL, GRADE_C, 0), np.maximum(stage, rises))


def _platform(state: State, day: int, draw: np.ndarray) -> None:
    """The platform freezes a supplier some days after it learns of trouble and thaws it when the trouble is gone."""
    trouble = (state.legal_stage >= ENFORCED) | (state.tax_stage == ABNORMAL) | state.is_overdue_30
    state.trouble_since = np.where(trouble, np.where(state.trouble_since == NEVER, day, state.trouble_since), NEVER)
    late = trouble & (day - state.trouble_since > 4) & (draw < _FREEZES_IN_A_WEEK)
    state.is_frozen = (state.is_frozen & trouble) | late


def _weaken(world: World, state: State, overdue: np.ndarray) -> None:
    """Whoever waits for money delivers less and works less."""
    monthly = world.parties.revenue[:, None] / 12
    target = 1.0 - np.clip(0.45 * (overdue / monthly - 0.35), 0.0, 0.65)
    target = np.where(state.legal_stage >= ENFORCED, target - 0.15, target)
    state.fulfilment += (np.where(state.is_trading, target, 0.0) - state.fulfilment) / 25.0


def _note_distress(
    world: World,
    state: State,
    day: int,
    before_legal: np.ndarray,
    before_tax: np.ndarray,
    before_frozen: np.ndarray,
    overdue: np.ndarray,
    journal: Journal | None,
) -> None:
    enforced = (state.legal_stage == ENFORCED) & (state.legal_amount > ENFORCEMENT_FLOOR)
    flags = np.stack(
        [
            state.is_overdue_30,
            state.tax_stage == ABNORMAL,
            state.legal_stage == DISHONEST,
            enforced,
            state.legal_stage == INSOLVENT,
            state.is_frozen,
        ]
    )
    active = flags.any(axis=0)
    lag = np.where(flags[1] & ~flags[[0, 2, 3, 4, 5]].any(axis=0), TAX_KNOWN_AFTER_DAYS, KNOWN_AFTER_DAYS)
    begins = active & (state.distress_known == NEVER)
    ends = ~active & (state.distress_known != NEVER)
    if journal is not None:
        who = np.flatnonzero(begins[:, 0])
        journal.add(
            "distress",
            day,
            supplier=who,
            cause=flags[:, who, 0].argmax(axis=0),
            known=day + lag[who, 0],
            cash=state.cash[who, 0],
            overdue=(overdue + state.tax_due)[who, 0],
        )
        journal.add("cure", day, supplier=np.flatnonzero(ends[:, 0]))
        _note_changes(state, day, before_legal, before_tax, before_frozen, journal)
    state.distress_known = np.where(begins, day + lag, np.where(ends, NEVER, state.distress_known))


def _note_changes(
    state: State, day: int, legal: np.ndarray, tax: np.ndarray, frozen: np.ndarray, journal: Journal
) -> None:
    for kind, old, new in (
        ("legal_change", legal, state.legal_stage),
        ("tax_change", tax, state.tax_stage),
        ("freeze_change", frozen, state.is_frozen),
    ):
        who = np.flatnonzero((old != new)[:, 0])
        journal.add(
            kind,
            day,
            supplier=who,
            old=old[who, 0].astype(np.int64),
            new=new[who, 0].astype(np.int64),
            amount=state.legal_amount[who, 0],
            arrears=state.tax_due[who, 0],
        )
