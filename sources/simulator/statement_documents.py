"""Core enterprises as the market sees them: quarterly statements and agency ratings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sources.simulator.columns import constant, dates, money, pick
from sources.simulator.feeds import CURRENCY, SCHEME, Feed, History, Snapshot, make_feed
from sources.simulator.treasury import core_budget

_RATINGS = ("AAA", "AA+", "AA", "AA-", "A+", "A", "A-", "BBB+", "BBB", "BB")
Ints = NDArray[np.int64]


def _trailing(history: History, kind: str, day: int, usual_per_day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of a core enterprise flow over the year before ``day``; the usual flow stands for days before the start."""
    table = history.journal.table(kind)
    total = usual_per_day * max(0, 365 - (day + 1))
    window = (table["day"] <= day) & (table["day"] > day - 365)
    total = total + np.bincount(table["core"][window], table["amount"][window], len(usual_per_day))
    return total


def statements(history: History) -> Feed:
    """Quarterly statements of core enterprises, published six weeks later (annual ones after three months)."""
    world = history.world
    cores = world.parties.cores
    purchases, overhead = (part[:, 0] for part in core_budget(world))
    columns: dict[str, list[NDArray[np.generic]]] = {}
    days: list[Ints] = []
    for snapshot in history.snapshots:
        when = world.timeline.date_of(snapshot.day)
        if when.month % 3:
            continue
        delay = 92 if when.month == 12 else 45
        late = np.where(snapshot.core_in_default, 25, np.arange(len(cores)) % 9 - 8)
        published = snapshot.day + delay + late
        figures = _figures(history, snapshot, purchases, overhead)
        ready = np.flatnonzero((published <= history.last_day) & (published >= 0))
        days.append(published[ready])
        columns.setdefault("core", []).append(ready)
        columns.setdefault("period", []).append(np.full(len(ready), snapshot.day))
        columns.setdefault("due", []).append(np.full(len(ready), snapshot.day + delay + 1))
        columns.setdefault("annual", []).append(np.full(len(ready), when.month == 12))
        for name, values in figures.items():
            columns.setdefault(name, []).append(values[ready])
    table = {name: np.concatenate(parts) for name, parts in columns.items()}
    day = np.concatenate(days)
    core = table.pop("core")
    period, due, annual = table.pop("period"), table.pop("due"), table.pop("annual")
    qualified = table["operating_cash_flow_amount"] < -0.05 * table["revenue_amount"]
    opinion = np.where(~annual, 2, np.where(qualified, 1, 0)).astype(np.int64)
    return make_feed(
        "external.financial_statement",
        day,
        {
            "party_no": pick(cores.numbers, core),
            "party_no_scheme": constant(SCHEME, len(day)),
            "period_end_date": dates(world.timeline, period),
            "published_date": dates(world.timeline, day),
            "filing_due_date": dates(world.timeline, due),
            "currency": constant(CURRENCY, len(day)),
            **{name: money(values) for name, values in table.items()},
            "audit_opinion": pick(["UNQUALIFIED", "QUALIFIED", "UNAUDITED"], opinion),
        },
    )


def _figures(
    history: History, snapshot: Snapshot, purchases: NDArray[np.float64], overhead: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Balance sheet that balances and twelve-month flows, from the state of the core enterprises."""
    usual_income = 1.055 * (purchases + overhead) * 12 / 365
    collected = _trailing(history, "core_income", snapshot.day, usual_income)
    spent = _trailing(history, "core_overhead", snapshot.day, overhead * 12 / 365)
    bought = purchases * 12 * np.exp(snapshot.cycle[history.world.parties.cores.sector])
    revenue = 1.06 * (bought + spent)
    costs = bought + 0.75 * spent
    ebitda = revenue - bought - spent + 0.04 * revenue
    debt = 0.35 * revenue + np.maximum(-snapshot.core_cash, 0.0)
    interest = 0.045 * debt
    cash = np.maximum(snapshot.core_cash, 0.0) + 0.02 * revenue
    receivables = np.maximum(0.05 * revenue, 0.22 * revenue + 0.6 * (revenue - collected))
    contract_assets, inventory, fixed = 0.18 * revenue, 0.08 * revenue, 0.30 * revenue
    total = cash + receivables + contract_assets + inventory + fixed
    payables = snapshot.core_owed + 0.12 * revenue
    liabilities = np.minimum(debt + payables, 0.95 * total)
    short_debt = 0.45 * debt
    equity = total - liabilities
    return {
        "revenue_amount": revenue,
        "cost_of_sales_amount": costs,
        "ebitda_amount": ebitda,
        "interest_expense_amount": interest,
        "net_income_amount": 0.75 * (ebitda - interest - 0.02 * revenue),
        "operating_cash_flow_amount": collected - bought - spent,
        "total_assets_amount": total,
        "current_assets_amount": total - fixed,
        "cash_amount": cash,
        "restricted_cash_amount": 0.02 * revenue,
        "receivables_amount": receivables,
        "contract_assets_amount": contract_assets,
        "inventory_amount": inventory,
        "total_liabilities_amount": liabilities,
        "current_liabilities_amount": np.minimum(liabilities, payables + short_debt),
        "short_term_debt_amount": short_debt,
        "total_debt_amount": debt,
        "retained_earnings_amount": 0.4 * equity,
        "equity_amount": equity,
        "guarantees_given_amount": 0.1 * equity,
    }


def ratings(history: History) -> Feed:
    """A rating on the first day; reviewed three weeks after each quarter on liquidity and defaults."""
    world = history.world
    cores = world.parties.cores
    count = len(cores)
    usual = sum(part[:, 0] for part in core_budget(world))
    base = 2 + np.arange(count) * 5 % 4
    notch, outlook = base.copy(), np.full(count, 1)
    rows = [(np.zeros(count, np.int64), np.arange(count), notch.copy(), outlook.copy())]
    for snapshot in history.snapshots:
        when = snapshot.day + 21
        if world.timeline.date_of(snapshot.day).month % 3 or not 0 < when <= history.last_day:
            continue
        stress = (
            np.clip(1.5 - 2.0 * snapshot.core_cash / usual, 0.0, 3.0).astype(np.int64) + 2 * snapshot.core_in_default
        )
        new_notch = np.clip(notch + np.sign(base + stress - notch), 1, len(_RATINGS))
        new_outlook = np.where(snapshot.core_in_default, 2, np.where(base + stress > new_notch, 0, 1))
        moved = np.flatnonzero((new_notch != notch) | (new_outlook != outlook))
        notch, outlook = new_notch, new_outlook
        rows.append((np.full(len(moved), when), moved, notch[moved], outlook[moved]))
    day, core, notches, outlooks = (np.concatenate(column) for column in zip(*rows, strict=True))
    return make_feed(
        "external.agency_rating",
        day,
        {
            "party_no": pick(cores.numbers, core),
            "party_no_scheme": constant(SCHEME, len(day)),
            "agency": pick(["东方评级", "联信评估"], core % 2),
            "rating_date": dates(world.timeline, day),
            "rating": pick(_RATINGS, notches - 1),
            "rating_notch": notches,
            "outlook": pick(["NEGATIVE", "STABLE", "WATCH"], outlooks),
        },
    )
