"""What people see of a source: a dry run of a file, a drafted mapping, the feeds and mappings there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sources.check import BrokenRule, ColumnProfile, FileCheck
from sources.contract import load_contracts
from sources.mapping_files import is_own, load_mapping, mapping_names
from sources.onboarding.draft import Draft
from sources.readers.choose import DEFAULT_MAPPINGS, FORMATS
from sources.yaml_model import MappingError

_NARROW = 120


def show_check(done: FileCheck, console: Console) -> None:
    """What the file is, what its columns hold, what would be refused."""
    text = f", {done.encoding}, delimiter {done.delimiter!r}" if done.encoding else ""
    _line(console, f"[bold]{escape(done.file)}[/]: {done.reader}{text}, {_size(done.size_bytes)}")
    _line(console, f"mapping {escape(done.mapping)}, feed {done.feed}")
    outcome = [f"[green]{done.loaded:,} would be loaded[/]"] if not done.refusal else ["the file would be refused"]
    if done.refused:
        outcome.append(f"[red]{done.refused:,} refused[/]")
    if done.repeated:
        outcome.append(f"{done.repeated:,} repeat another record")
    _line(console, f"{done.delivered:,} records: {', '.join(outcome)}")
    if done.refusal:
        _line(console, f"[red]{escape(done.refusal)}[/]")
    for note in done.notes:
        _line(console, f"[yellow]![/] {escape(note)}")
    _columns(done, console)
    for rule in done.rules:
        _rule(rule, console)


def show_draft(draft: Draft, file: Path, out: Path | None, console: Console) -> None:
    """Where the draft is, what is to be filled in, and what comes next."""
    place = escape(str(out)) if out is not None else "the draft"
    if out is not None:
        _line(console, f"Wrote {place}.")
    for gap in draft.gaps:
        _line(console, f"[yellow]![/] line {gap.line}: {gap.column} is required; fill it in.")
    if draft.error is not None:
        _line(console, f"[yellow]![/] It does not load yet: {escape(draft.error)}")
    elif not draft.gaps:
        mapping = escape(str(out)) if out is not None else "FILE"
        _line(console, f"Check its lines, then: anchorwatch source check {escape(str(file))} --mapping {mapping}")


def show_feeds(folders: Sequence[Path], console: Console) -> None:
    """The feeds with the formats that bring them by themselves and the mappings of deliverers."""
    brought: dict[str, list[str]] = {}
    mapped: dict[str, list[str]] = {}
    problems = []
    for name in mapping_names(folders):
        try:
            mapping = load_mapping(name, folders)
        except MappingError as error:
            problems.append(str(error))
            continue
        own = is_own(name, folders)
        if name.startswith(f"{DEFAULT_MAPPINGS}/"):
            brought.setdefault(mapping.feed, []).append(str(mapping.reader))
        else:
            mapped.setdefault(mapping.feed, []).append(f"{name} (home)" if own else name)
    table = _table(console)
    table.add_column("feed", no_wrap=True)
    table.add_column("formats of its own", overflow="fold", ratio=1)
    table.add_column("mappings", overflow="fold", ratio=2)
    for feed in load_contracts():
        table.add_row(feed, ", ".join(brought.get(feed, [])), "\n".join(mapped.get(feed, [])))
    console.print(table)
    tables = ", ".join(form.title for form in FORMATS.values() if form.is_tabular)
    _line(console, f"Every feed also takes {tables}, by the contract's column names or a mapping.")
    for problem in problems:
        _line(console, f"[yellow]![/] {escape(problem)}")


def _columns(done: FileCheck, console: Console) -> None:
    is_wide = console.width >= _NARROW
    table = _table(console)
    table.add_column("column", no_wrap=True)
    if is_wide:
        table.add_column("from", no_wrap=True, overflow="ellipsis", max_width=24)
    table.add_column("filled", justify="right", no_wrap=True)
    table.add_column("distinct", justify="right", no_wrap=True)
    for name in ("least", "greatest"):
        table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1, min_width=10)
    table.add_column("example", no_wrap=True, overflow="ellipsis", ratio=1, min_width=10)
    for column in done.columns:
        cells = [_name(column), *([Text(column.origin or "not mapped")] if is_wide else [])]
        cells += [Text(_share(column.filled, done.delivered)), Text(_about(column.distinct))]
        bounds = ("masked", "masked") if column.is_personal else (column.minimum, column.maximum)
        cells += [Text(bound or "") if column.filled else Text("") for bound in bounds]
        cells.append(Text(column.example or ""))
        table.add_row(*cells, style="dim" if column.origin is None else None)
    console.print(table)


def _name(column: ColumnProfile) -> Text:
    return Text(f"{column.column}{'*' if column.is_required else ''}")


def _rule(rule: BrokenRule, console: Console) -> None:
    about = f" of {rule.column}" if rule.column else ""
    more = f", the first {len(rule.examples):,}" if len(rule.examples) < rule.records else ""
    _line(console, f"[red]{rule.records:,} refused[/] by rule [bold]{rule.rule}[/]{about}{more}")
    if not rule.examples:
        return
    has_lines = any(example.line_no is not None for example in rule.examples)
    table = _table(console)
    table.add_column("line" if has_lines else "record", justify="right", no_wrap=True)
    table.add_column("value", overflow="fold", max_width=24)
    table.add_column("why", overflow="fold", ratio=1)
    for example in rule.examples:
        place = example.line_no if has_lines else example.row_no
        table.add_row("" if place is None else f"{place:,}", Text(example.value or ""), Text(example.message))
    console.print(table)


def _table(console: Console) -> Table:
    return Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1, 0, 0))


def _line(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False)


def _share(part: int, whole: int) -> str:
    """A percentage that says 100 % only of all and 0 % only of none."""
    if not part:
        return "0%"
    if part == whole:
        return "100%"
    return f"{min(max(round(100 * part / whole), 1), 99)}%"


def _about(count: int) -> str:
    return f"{count:,}" if count < 100 else f"~{count:,}"


def _size(size_bytes: int) -> str:
    if size_bytes < 10_000:
        return f"{size_bytes:,} bytes"
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:,.0f} kB"
