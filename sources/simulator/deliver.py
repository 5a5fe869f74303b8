"""From feeds to files: history by month, then one folder a day, in the formats the sources really send.

A row is delivered on the day it became known: the day of its event plus the contract's ``historyLagDays``. A month of
history is delivered on its last day with ``history: true``; from the go-live day on a folder holds what became known
that day. Files that exist are left alone, so that a longer run only adds.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from sources.contract import Column, Contract, load_contracts
from sources.simulator import faults
from sources.simulator.camt import statement_message
from sources.simulator.columns import months_between
from sources.simulator.faults import Fault, Plan
from sources.simulator.feeds import Feed
from sources.simulator.parties import BANKS
from sources.simulator.state import World
from sources.simulator.streams import Streams
from sources.simulator.timeline import add_months

TAX_MAPPING = "demo_tax_vat_invoice"
_PARQUET_SOURCES = ("platform", "tax", "bank")
# feeds that joined the economy after the others are numbered behind them in order of joining, so that the earlier ones
# keep their faults
_JOINED = ("platform.identity_decision", "platform.funder_tape")
_UPDATES_IN_HISTORY = frozenset({"external.public_record"})
_TAX_HEADER = {
    "seller_no": "销方识别号",
    "buyer_no": "购方识别号",
    "invoice_no": "发票号码",
    "invoice_date": "开票日期",
    "net_amount": "金额",
    "tax_amount": "税额",
    "gross_amount": "价税合计",
    "invoice_status": "发票状态",
    "goods_code": "商品编码",
    "original_invoice_no": "原发票号码",
}
_TAX_STATUS = {"VALID": "正常", "VOID": "作废", "RED_LETTERED": "红冲"}


@dataclass
class Landing:
    """The landing folder of one run, and the truth about what was put there."""

    root: Path
    world: World
    go_live: date
    until: date
    closing: dict[tuple[str, int], dict[str, object]] = field(default_factory=dict)
    entries: list[faults.Entry] = field(default_factory=list)

    def put(self, feed: str, when: date, file: str, content: bytes, manifest: str) -> None:
        """Write a file unless it is there already; nothing is written past ``until``."""
        if when > self.until:
            return
        source, name = feed.split(".")
        folder = self.root / source / name / when.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        for target, data in ((file, content), ("_delivery.yaml", manifest.encode())):
            path = folder / target
            if data and not path.exists():
                partial = folder / f"{target}.part"
                partial.write_bytes(data)
                partial.replace(path)

    def note(self, feed: str, when: date, file: str, row_no: int | None, fault: str, expected: Fault) -> None:
        """Put a fault on the truth list if it was delivered."""
        if when <= self.until:
            self.entries.append(faults.row_fault(feed, when, file, row_no, fault, expected))


@dataclass(frozen=True)
class _Shape:
    """How a delimited file of a feed looks."""

    header: str
    columns: list[Column]
    encoding: str
    manifest: str
    render: Callable[[pa.Table], pa.Table]


def deliver(landing: Landing, feeds: list[Feed], progress: Callable[[str], None]) -> None:
    """Write every file of every feed up to ``landing.until``."""
    streams, contracts = Streams(landing.world.seed), load_contracts()
    numbers = {name: number for number, name in enumerate([*sorted(set(contracts) - set(_JOINED)), *_JOINED])}
    for feed in sorted(feeds, key=lambda item: item.name):
        contract = contracts[feed.name]
        known = feed.day + contract.history_lag_days
        go_live_day = landing.world.timeline.day_of(landing.go_live)
        _deliver_history(landing, feed, contract, known, go_live_day, streams, numbers[feed.name])
        _deliver_daily(landing, feed, contract, known, go_live_day, streams, numbers[feed.name])
        progress(f"delivered {feed.name}: {feed.table.num_rows:,} rows")


def month_end(first: date) -> date:
    """Last day of the month that begins on ``first``."""
    return add_months(first, 1) - timedelta(days=1)


def _deliver_history(
    landing: Landing, feed: Feed, contract: Contract, known: np.ndarray, go_live_day: int, streams: Streams, number: int
) -> None:
    timeline = landing.world.timeline
    if go_live_day <= 0:
        return
    keep = ~feed.is_update | (feed.name in _UPDATES_IN_HISTORY)
    is_text = contract.source not in _PARQUET_SOURCES
    manifest = "history: true\n"
    for first in months_between(timeline.start, landing.go_live - timedelta(days=1)):
        when = month_end(first)
        begin, end = timeline.day_of(first), timeline.day_of(when)
        low, high = np.searchsorted(known, [begin, end + 1])
        rows = np.arange(low, high)[keep[low:high]]
        if not len(rows):
            continue
        table = feed.table.take(pa.array(rows))
        suffix = "csv" if is_text else "parquet"
        file = f"{contract.feed}_{first:%Y%m}.{suffix}"
        plan = faults.plan_history(streams, feed.name, number, end, is_text)
        if plan is not None and plan.fault is Fault.DUPLICATE:
            order, copies = faults.with_copies(plan, table.num_rows)
            table = faults.take_rows(table, order)
            for place in copies:
                landing.note(feed.name, when, file, place + 1, "DUPLICATE_ROW", Fault.DUPLICATE)
        content = _parquet(table)
        if is_text:
            shape = _shape(contract, daily=False)
            lines = _lines(shape.render(table))
            if plan is not None and plan.fault is Fault.MALFORMED:
                for salt, row in enumerate(faults.chosen_rows(plan, len(lines))):
                    broken, kind = faults.break_line(lines[row], shape.columns, plan, salt)
                    lines.append(broken)
                    landing.note(feed.name, when, file, len(lines), kind, Fault.MALFORMED)
            content = _text(shape, lines)
        landing.put(feed.name, when, file, content, manifest)
        again = month_end(add_months(first, 1))
        if plan is not None and plan.fault is Fault.REPEATED and again < landing.go_live:
            landing.put(feed.name, again, file, content, manifest)
            landing.note(feed.name, again, file, None, "REPEATED_FILE", Fault.REPEATED)


def _deliver_daily(
    landing: Landing, feed: Feed, contract: Contract, known: np.ndarray, go_live_day: int, streams: Streams, number: int
) -> None:
    timeline = landing.world.timeline
    held_back: list[int] = []
    for day in range(max(go_live_day, 0), timeline.day_of(landing.until) + 1):
        low, high = np.searchsorted(known, [day, day + 1])
        rows = [*held_back, *range(low, high)]
        held_back = []
        if not rows:
            continue
        plan = faults.plan_daily(streams, feed.name, number, day)
        if feed.name == "bank.transaction":
            _deliver_statements(landing, feed, contract, rows, day, plan)
        else:
            held_back = _deliver_text(landing, feed, contract, rows, day, plan)


def _deliver_text(
    landing: Landing, feed: Feed, contract: Contract, rows: list[int], day: int, plan: Plan | None
) -> list[int]:
    """Write one delimited file; returns the rows that were broken and follow intact on the next day."""
    shape = _shape(contract, daily=True)
    when = landing.world.timeline.date_of(day)
    file = f"{contract.feed}_{when:%Y%m%d}.csv"
    table = faults.take_rows(feed.table, rows)
    lines = _lines(shape.render(table))
    if plan is not None and plan.fault is Fault.DUPLICATE:
        order, copies = faults.with_copies(plan, len(rows))
        rows, lines = [rows[place] for place in order], [lines[place] for place in order]
    else:
        copies = []
    held_back: list[int] = []
    arrives = when
    if plan is not None and plan.fault is Fault.LATE:
        arrives = when + timedelta(days=plan.delay)
        landing.note(feed.name, arrives, file, None, "LATE_FILE", Fault.LATE)
    if plan is not None and plan.fault is Fault.MALFORMED:
        for salt, place in enumerate(faults.chosen_rows(plan, len(lines))):
            lines[place], kind = faults.break_line(lines[place], shape.columns, plan, salt)
            landing.note(feed.name, arrives, file, place + 1, kind, Fault.MALFORMED)
            held_back.append(rows[place])
    for place in copies:
        landing.note(feed.name, arrives, file, place + 1, "DUPLICATE_ROW", Fault.DUPLICATE)
    for place, row in enumerate(rows):
        if feed.is_update[row] and row not in held_back and place not in copies:
            landing.note(feed.name, arrives, file, place + 1, "RESTATED_ROW", Fault.RESTATED)
    content = _text(shape, lines)
    landing.put(feed.name, arrives, file, content, shape.manifest)
    if plan is not None and plan.fault is Fault.REPEATED:
        again = when + timedelta(days=plan.delay)
        landing.put(feed.name, again, file, content, shape.manifest)
        landing.note(feed.name, again, file, None, "REPEATED_FILE", Fault.REPEATED)
    return held_back


def _deliver_statements(
    landing: Landing, feed: Feed, contract: Contract, rows: list[int], day: int, plan: Plan | None
) -> None:
    when = landing.world.timeline.date_of(day)
    table = faults.take_rows(feed.table, rows)
    booked = when - timedelta(days=contract.history_lag_days)
    closing = landing.closing
    for code, part in _by_bank(landing.world, table):
        file = f"camt053_{code}_{booked:%Y%m%d}.xml"
        name = dict(BANKS)[code]
        balances = closing[("", landing.world.timeline.day_of(booked))]
        content = statement_message(code, name, booked, part, balances)  # type: ignore[arg-type]
        landing.put(feed.name, when, file, content, "")
        if plan is not None and plan.fault is Fault.REPEATED and code == BANKS[day % len(BANKS)][0]:
            again = when + timedelta(days=plan.delay)
            landing.put(feed.name, again, file, content, "")
            landing.note(feed.name, again, file, None, "REPEATED_FILE", Fault.REPEATED)


def _by_bank(world: World, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Entries split by bank; the third digit of an account number is the bank's."""
    digit = pc.utf8_slice_codeunits(table["account_no"], 2, 3)
    for number, (code, _) in enumerate(BANKS, start=1):
        part = table.filter(pc.equal(digit, str(number)))
        if part.num_rows:
            yield code, part.sort_by("account_no")


def _shape(contract: Contract, *, daily: bool) -> _Shape:
    if daily and contract.name == "tax.vat_invoice":
        columns = [contract.column(name) for name in _TAX_HEADER]
        return _Shape(",".join(_TAX_HEADER.values()), columns, "gb18030", f"mapping: {TAX_MAPPING}\n", _tax_form)
    return _Shape(
        ",".join(contract.column_names),
        faults.plain_columns(contract),
        "utf-8",
        "" if daily else "history: true\n",
        _plain_form,
    )


def _plain_form(table: pa.Table) -> pa.Table:
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(place, column.name, table[column.name].cast(pa.timestamp("s")))
    return table


def _tax_form(table: pa.Table) -> pa.Table:
    """The tax office's own columns, dates as 2026/5/1 and its own words for the state of an invoice."""
    when = table["invoice_date"]
    parts = [pc.cast(part(when), pa.string()) for part in (pc.year, pc.month, pc.day)]
    status = pc.index_in(table["invoice_status"], pa.array(list(_TAX_STATUS)))
    words = pa.array(list(_TAX_STATUS.values())).take(status.combine_chunks())
    columns = {name: table[name] for name in _TAX_HEADER}
    columns |= {"invoice_date": pc.binary_join_element_wise(*parts, "/"), "invoice_status": words}
    return pa.table(columns)


def _lines(table: pa.Table) -> list[str]:
    sink = io.BytesIO()
    pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue().decode().splitlines()


def _text(shape: _Shape, lines: list[str]) -> bytes:
    return ("\n".join([shape.header, *lines]) + "\n").encode(shape.encoding)


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()
