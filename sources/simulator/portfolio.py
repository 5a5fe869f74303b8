"""A demo portfolio: run the economy, write its documents as deliveries, keep its settings so that it can go on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

from sources.simulator.bank_documents import bank_feeds
from sources.simulator.certificate_documents import certificate_feeds
from sources.simulator.certificates import build_financings, build_ledger
from sources.simulator.deliver import Landing, deliver
from sources.simulator.economy import make_world, run
from sources.simulator.erp_documents import erp_feeds
from sources.simulator.faults import as_table
from sources.simulator.feeds import Feed, History, Snapshot
from sources.simulator.identity_documents import identity_decisions
from sources.simulator.journal import Journal
from sources.simulator.master_documents import master_feeds
from sources.simulator.payables import payables
from sources.simulator.public_documents import public_feeds
from sources.simulator.schemes import SCHEMES, plant_schemes
from sources.simulator.state import NEVER, State, World
from sources.simulator.tax_documents import build_vat_invoices, tax_feeds
from sources.simulator.timeline import Timeline, add_months
from sources.simulator.truth import write_truth

SETTINGS_FILE = "portfolio.json"
_FIRST_GO_LIVE_MONTHS, _GO_LIVE_EVERY_MONTHS = 4, 12
Progress = Callable[[str], None]


class PortfolioError(ValueError):
    """The portfolio cannot be made or continued; the message says what to change."""


@dataclass(frozen=True)
class Portfolio:
    """Settings that fix every byte of a portfolio."""

    scale: float
    seed: int
    start: date
    until: date
    go_live: date
    schemes: tuple[str, ...] = ()

    @property
    def timeline(self) -> Timeline:
        """The calendar of the run."""
        return Timeline(self.start)

    def save(self, out: Path) -> None:
        """Write the settings file."""
        values = {name: value.isoformat() if isinstance(value, date) else value for name, value in vars(self).items()}
        if not self.schemes:
            del values["schemes"]
        partial = out / f"{SETTINGS_FILE}.part"
        partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        partial.replace(out / SETTINGS_FILE)

    @classmethod
    def load(cls, out: Path) -> Portfolio:
        """Read the settings of a portfolio; PortfolioError when there is none."""
        path = out / SETTINGS_FILE
        if not path.exists():
            raise PortfolioError(f"there is no portfolio in {out}: simulate one first")
        values = json.loads(path.read_text(encoding="utf-8"))
        days = {name: date.fromisoformat(values[name]) for name in ("start", "until", "go_live")}
        return cls(
            scale=float(values["scale"]), seed=int(values["seed"]), schemes=tuple(values.get("schemes", ())), **days
        )


def exists(out: Path) -> bool:
    """True where a portfolio has been written to ``out`` before."""
    return (out / SETTINGS_FILE).exists()


def named_schemes(names: str) -> tuple[str, ...]:
    """Schemes by ``all``, ``none`` or names with commas between; PortfolioError where there is no such scheme."""
    if names in ("all", "none"):
        return SCHEMES if names == "all" else ()
    return tuple(name.strip().upper() for name in names.split(","))


def default_go_live(start: date, until: date) -> date:
    """The latest first of a month, 4, 16, 28, ... months after the start, that is not after ``until``."""
    month = _FIRST_GO_LIVE_MONTHS
    if add_months(start, month) > until:
        raise PortfolioError(
            f"until {until} is too early: daily deliveries begin {month} months after the start {start}; "
            f"choose {add_months(start, month)} or later, or set go_live"
        )
    while add_months(start, month + _GO_LIVE_EVERY_MONTHS) <= until:
        month += _GO_LIVE_EVERY_MONTHS
    return add_months(start, month)


def simulate(
    out: Path,
    *,
    scale: float,
    seed: int,
    start: date,
    until: date,
    go_live: date | None = None,
    schemes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Portfolio:
    """Write ``out/landing``, ``out/truth`` and the settings; ``until`` is the last delivery day.

    ``schemes`` names the schemes of the failure library (`SCHEMES`) that are played. PortfolioError when the dates do
    not fit, a scheme is unknown, or ``out`` already holds a portfolio with other settings.
    """
    if start.day != 1:
        raise PortfolioError(f"start {start} is not the first of a month: history is delivered by month")
    if scale <= 0:
        raise PortfolioError(f"scale {scale} is not positive: 1 is 2,000 suppliers")
    go_live = default_go_live(start, until) if go_live is None else go_live
    if go_live.day != 1 or not start <= go_live <= until:
        raise PortfolioError(f"go_live {go_live} must be the first of a month between {start} and {until}")
    unknown = sorted(set(schemes) - set(SCHEMES))
    if unknown:
        raise PortfolioError(f"no scheme is named {', '.join(unknown)}: choose among {', '.join(SCHEMES)}")
    played = tuple(name for name in SCHEMES if name in schemes)
    portfolio = Portfolio(scale, seed, start, until, go_live, played)
    if (out / SETTINGS_FILE).exists():
        other = Portfolio.load(out)
        if replace(other, until=until) != portfolio:
            raise PortfolioError(f"{out} holds another portfolio: extend it, or choose an empty folder")
    _write(out, portfolio, progress or _silent)
    return portfolio


def extend(out: Path, until: date, progress: Progress | None = None) -> Portfolio:
    """Continue the portfolio in ``out`` to ``until``; only files that are not there are written."""
    known = Portfolio.load(out)
    if until < known.until:
        raise PortfolioError(f"the portfolio in {out} already reaches {known.until}, which is after {until}")
    portfolio = replace(known, until=until)
    _write(out, portfolio, progress or _silent)
    return portfolio


def play(portfolio: Portfolio) -> History:
    """Run the economy from its warm-up to the last delivery day, keeping what the documents need."""
    world = make_world(portfolio.seed, portfolio.scale, portfolio.timeline)
    journal, snapshots, opening = Journal(), list[Snapshot](), list[State]()

    def each_evening(day: int, state: State) -> None:
        if day == -1:
            opening.append(state.fork(1))
        if world.timeline.is_month_end(day):
            snapshots.append(_snapshot(world, state, day))

    last_day = portfolio.timeline.day_of(portfolio.until)
    run(world, last_day, journal, each_evening)
    return History(world, journal, opening[0], tuple(snapshots), last_day)


def documents(history: History) -> list[Feed]:
    """Every feed of a finished run."""
    invoices = build_vat_invoices(history)
    numbers = invoices.numbers_by_invoice(len(history.journal.table("invoice")["day"]))
    items = payables(history)
    ledger = build_ledger(history)
    financings = build_financings(history, ledger)
    return [
        *master_feeds(history),
        identity_decisions(history),
        *certificate_feeds(history, ledger, financings, items, numbers),
        *erp_feeds(history, items, numbers),
        *tax_feeds(history, invoices),
        *bank_feeds(history),
        *public_feeds(history),
    ]


def _write(out: Path, portfolio: Portfolio, progress: Progress) -> None:
    history = play(portfolio)
    progress(f"simulated {history.last_day + 1} days of {len(history.world.parties.suppliers):,} suppliers")
    feeds, scheme_table = plant_schemes(history, documents(history), portfolio.schemes)
    progress(f"made {sum(feed.table.num_rows for feed in feeds):,} rows of {len(feeds)} feeds")
    landing = Landing(out / "landing", history.world, portfolio.go_live, portfolio.until)
    landing.closing.update(_closing_balances(history, feeds, portfolio))
    deliver(landing, feeds, progress)
    write_truth(out / "truth", history, as_table(landing.entries), scheme_table)
    portfolio.save(out)


def _closing_balances(
    history: History, feeds: list[Feed], portfolio: Portfolio
) -> dict[tuple[str, int], dict[str, object]]:
    """Closing balance of each account that moved, by day, for the days that statements are written for."""
    balance = next(feed for feed in feeds if feed.name == "bank.balance")
    first = portfolio.timeline.day_of(portfolio.go_live) - 1
    rows = np.flatnonzero(balance.day >= first)
    table = balance.table.take(pa.array(rows))
    closing: dict[tuple[str, int], dict[str, object]] = {}
    for day, account, amount in zip(
        balance.day[rows].tolist(), table["account_no"].to_pylist(), table["amount"].to_pylist(), strict=True
    ):
        closing.setdefault(("", day), {})[account] = Decimal(amount)
    return closing


def _snapshot(world: World, state: State, day: int) -> Snapshot:
    edges = world.network.edges
    trade = edges.by_buyer.sum(np.maximum(state.owed[edges.core_edges :], 0.0)) + state.vendor_owed
    owed = edges.by_core.sum(np.maximum(state.owed[: edges.core_edges], 0.0))
    owed += edges.by_core.sum(state.payables[:, : edges.core_edges].sum(axis=0))
    one = (..., 0)
    return Snapshot(
        day=day,
        cash=state.cash[one].copy(),
        tax_due=state.tax_due[one].copy(),
        tax_age=state.tax_age[one].copy(),
        wage_due=state.wage_due[one].copy(),
        overdue_trade=trade[one].copy(),
        wage_rate=state.wage_rate[one].copy(),
        demand=state.demand[one].copy(),
        margin=state.margin[one].copy(),
        owner_reserve=state.owner_reserve[one].copy(),
        distress_known=state.distress_known[one].copy(),
        is_trading=state.is_trading[one].copy(),
        core_cash=state.core_cash[one].copy(),
        core_owed=owed[one].copy(),
        core_in_spell=state.in_spell[one].copy(),
        core_in_default=(state.unpaid_since[one] != NEVER).copy(),
        cycle=state.cycle[one].copy(),
        prices=state.prices[one].copy(),
    )


def _silent(_message: str) -> None:
    return None
