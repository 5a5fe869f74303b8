"""Pages on the feeds for people, derived from the contracts and mappings: one a source, and a list of all feeds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sources.contract import Column, Contract, load_contracts
from sources.mapping import Mapping
from sources.mapping_files import load_mapping, mapping_names
from sources.readers.choose import DEFAULT_MAPPINGS, FORMATS

_NOTE = "<!-- Written by `python -m sources.contract --write-docs` from the contracts and mappings; change those. -->"
_KINDS = {
    "event": "event: a row happened once; another delivery of its key corrects it",
    "state": "state: a row is a record as it stood; another delivery of its key says how it stands now",
}


def docs_pages() -> dict[str, str]:
    """Markdown pages by file name: ``<source>.md`` for every source, and ``README.md`` that lists the feeds."""
    contracts = load_contracts().values()
    mappings = _mappings()
    sources = sorted({contract.source for contract in contracts})
    pages = {
        f"{source}.md": _source_page(source, [c for c in contracts if c.source == source], mappings)
        for source in sources
    }
    return {**pages, "README.md": _list_of_feeds(contracts)}


def write_docs(folder: Path) -> list[Path]:
    """Write the pages to the folder and return their paths; pages of sources that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = docs_pages()
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in sorted(pages)]


def _mappings() -> list[Mapping]:
    """Every mapping of the project, by name."""
    return [load_mapping(name) for name in mapping_names()]


def _list_of_feeds(contracts: Iterable[Contract]) -> str:
    lines = [
        _NOTE,
        "# Feeds",
        "",
        "A feed is one contract, one folder in landing, one raw dataset and one staging model.",
        "",
        "| feed | what it holds | key | promised |",
        "|---|---|---|---|",
    ]
    for contract in contracts:
        link = f"[{contract.name}]({contract.source}.md#{contract.feed})"
        promised = _promised(contract)
        lines.append(f"| {link} | {_cell(contract.description)} | {_names(contract.key)} | {_cell(promised)} |")
    return "\n".join(lines) + "\n"


def _source_page(source: str, contracts: Iterable[Contract], mappings: Iterable[Mapping]) -> str:
    lines = [_NOTE, f"# Feeds of {source}"]
    for contract in contracts:
        lines += ["", *_feed_section(contract, [m for m in mappings if m.feed == contract.name])]
    return "\n".join(lines) + "\n"


def _feed_section(contract: Contract, mappings: Iterable[Mapping]) -> list[str]:
    promised = _promised(contract)
    lag = _count(contract.history_lag_days, "day")
    return [
        f"## {contract.feed}",
        "",
        contract.description,
        "",
        f"- **Key**: {_names(contract.key)}",
        f"- **Kind**: {_KINDS[contract.kind]}",
        f"- **Happened on**: `{contract.event_date}`; a delivery of history counts as known {lag} later",
        f"- **Promised**: {promised}",
        f"- **Columns that are**: unknown, {contract.on_unknown_column}; gone, {contract.on_gone_column}; "
        f"of another type, {contract.on_retyped_column}",
        *_deliverable(contract, mappings),
        "",
        "| column | type | required | class | rule | meaning |",
        "|---|---|---|---|---|---|",
        *(_column_row(column) for column in contract.columns),
    ]


def _deliverable(contract: Contract, mappings: Iterable[Mapping]) -> list[str]:
    tabular = [form.title for form in FORMATS.values() if form.is_tabular]
    own, others = [], []
    for mapping in mappings:
        file = f"[{mapping.name}](../../sources/mappings/{mapping.name}.yaml)"
        if mapping.name.startswith(f"{DEFAULT_MAPPINGS}/") and mapping.reader is not None:
            own.append(f"{FORMATS[mapping.reader].title} ({file})")
        else:
            others.append(file)
    lines = [f"- **Formats that bring it**: {', '.join([*tabular, *own])}"]
    return [*lines, f"- **Mappings of deliverers**: {', '.join(others)}"] if others else lines


def _column_row(column: Column) -> str:
    required = "yes" if column.required else ""
    cells = (f"`{column.name}`", column.sql_type, required, column.classification, _rule(column), column.description)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _rule(column: Column) -> str:
    """What a delivered value must be beside of its type."""
    rules = []
    if column.is_key:
        rules.append("key")
    if column.allowed_values:
        rules.append("one of " + ", ".join(f"`{value}`" for value in column.allowed_values))
    if column.pattern:
        rules.append(f"matches `{column.pattern}`")
    if column.minimum is not None and column.maximum is not None:
        rules.append(f"{column.minimum:f} to {column.maximum:f}")
    elif column.minimum is not None:
        rules.append(f"at least {column.minimum:f}")
    elif column.maximum is not None:
        rules.append(f"at most {column.maximum:f}")
    if column.number_scheme:
        rules.append(f"has the check digit of its `{column.number_scheme}`")
    if column.year_of:
        rules.append(f"year of `{column.year_of}`, which fills it where it is not delivered")
    return "; ".join(rules)


def _promised(contract: Contract) -> str:
    """What the deliverer promised, in words."""
    delivery = "deliveries as there is news" if contract.delivery is None else f"a delivery {contract.delivery}"
    others = (level for level in contract.promises if level.name not in ("frequency", "latency"))
    return "; ".join([delivery, *(f"{level.name} {level.value} {level.unit}".strip() for level in others)])


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    """Text inside a table cell: a bar would end it."""
    return text.replace("|", "\\|")
