"""A first draft of a mapping, from the header and the first records of a file; each line says on what evidence.

What is not known is not guessed: a required column without a likely origin stands as a comment, with its candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from sources.contract import Contract, load_contracts
from sources.ingest import Limits
from sources.mapping_files import MAPPING_FOLDERS, load_mapping, mapping_names, read_mapping
from sources.onboarding.columns import ColumnDraft, draft_columns
from sources.onboarding.marks import Marks
from sources.onboarding.sample import Sample, sampled
from sources.yaml_model import MappingError

DEFAULT_LIMITS = Limits()
_WIDTH = 10**9


@dataclass(frozen=True)
class Gap:
    """A required column that the draft could not fill, and the line of the draft on which it stands."""

    line: int
    column: str


@dataclass(frozen=True)
class Draft:
    """Text of a mapping's YAML. ``gaps`` must be filled in by hand; ``error`` says why it does not load else."""

    text: str
    gaps: tuple[Gap, ...]
    error: str | None


def draft_mapping(
    path: Path, feed: str, folders: Sequence[Path] = MAPPING_FOLDERS, *, limits: Limits = DEFAULT_LIMITS
) -> Draft:
    """Draft a mapping of the file ``path`` to ``feed``; FileRefused when nothing of it can be read as a table."""
    contract = load_contracts()[feed]
    with sampled(path, contract, limits) as sample:
        drafted = draft_columns(contract, sample)
    lines = [
        *_top(path, contract, sample, folders),
        *_reader(sample, drafted.marks),
        "columns:",
    ]
    gaps = []
    for column in drafted.columns:
        if column.is_gap:
            gaps.append(Gap(len(lines) + 1, column.name))
        lines += _column(column)
    lines += _ignored(sample, drafted.used)
    lines += [
        f"# A one-off delivery of the past is known at {contract.event_date} plus some days:",
        f"# history: {{known_from: {contract.event_date}, lag_days: {contract.history_lag_days}}}",
    ]
    text = "\n".join(lines) + "\n"
    return Draft(text, tuple(gaps), None if gaps else _error(text))


def flow(value: object) -> str:
    """A value as YAML on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def comment(text: str) -> str:
    """A text that stands in a comment, whatever characters it has."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _top(path: Path, contract: Contract, sample: Sample, folders: Sequence[Path]) -> list[str]:
    lines = [comment(f"# Draft from {path.name}, {sample.records:,} records looked at. Check each line, then:")]
    lines.append(comment(f"#   anchorwatch source check {path.name} --mapping THIS_FILE.yaml"))
    delivered = {column.name for column in sample.columns}
    for name in mapping_names(folders):
        try:
            mapping = load_mapping(name, folders)
        except MappingError as error:
            lines.append(comment(f"# Not compared with a mapping that cannot be used: {error}"))
            continue
        own = {column for column in mapping.read_columns if "." not in column and column in delivered}
        reads = {column for column in mapping.delivered_columns if not column.startswith("=") and "." not in column}
        reads |= {column for column in mapping.read_by_expressions if "." not in column} - {*mapping.optional}
        if mapping.feed == contract.name and mapping.reader in (None, sample.reader) and own and reads <= delivered:
            beside = (
                f" (with {', '.join(t.files for t in mapping.tables.values())} beside it)" if mapping.tables else ""
            )
            lines.append(f"# The mapping {name} reads columns that are all here{beside}; it may do as it is.")
    lines.append(f"feed: {contract.name}")
    return lines


def _reader(sample: Sample, marks: Marks) -> list[str]:
    lines = []
    shape = sample.shape
    if shape is not None:
        lines.append(f"encoding: {shape.encoding}  # {shape.encoding_evidence}")
        lines.append(f"delimiter: {flow(shape.delimiter)}  # {shape.delimiter_evidence}")
    if sample.header_row > 1:
        evidence = shape.header_evidence if shape is not None else "of the first rows the one with most names"
        lines.append(f"header_row: {sample.header_row}  # {evidence}")
    form = marks.form
    for key, value, usual in (
        ("decimal_mark", form.decimal_mark, "."),
        ("thousands_sign", form.thousands_sign, ""),
        ("sign", form.sign, "leading"),
    ):
        if value != usual:
            lines.append(f"{key}: {flow(value)}  # {marks.evidence}")
    if form.decimal_mark == "." and not form.thousands_sign and marks.is_ambiguous:
        lines.append(f"decimal_mark: {flow('.')}  # {marks.evidence}")
    if sample.missing:
        lines.append(f"missing: {flow([*sample.missing])}  # in the file, and usually no value")
    return lines


def _column(column: ColumnDraft) -> list[str]:
    if column.value is None:
        need = "REQUIRED, " if column.is_gap else ""
        return [comment(f"  # {column.name}:   # {need}{column.evidence}")]
    if column.unknown_codes is None:
        return [f"  {column.name}: {flow(column.value)}{comment(f'  # {column.evidence}')}"]
    # codes stand one a line, so that those without a meaning can be filled in
    assert isinstance(column.value, dict)
    lines = [f"  {column.name}:{comment(f'  # {column.evidence}')}"]
    for key, value in column.value.items():
        if key != "codes":
            lines.append(f"    {key}: {flow(value)}")
    lines.append("    codes:")
    lines += [f"      {flow(str(code))}: {flow(meaning)}" for code, meaning in column.value["codes"].items()]
    lines += [
        comment(f"      # {flow(code)}:   # in the file; what does it stand for?") for code in column.unknown_codes
    ]
    return lines


def _ignored(sample: Sample, used: frozenset[str]) -> list[str]:
    left = [column.name for column in sample.columns if column.name not in used]
    if not left:
        return []
    if len(left) > 30:
        return [f"ignored: {flow(['*'])}  # {len(left)} more columns, which nothing above reads"]
    return ["ignored:  # delivered, and read by nothing above", *(f"  - {flow(name)}" for name in left)]


def _error(text: str) -> str | None:
    with TemporaryDirectory(prefix="anchorwatch-draft-") as folder:
        path = Path(folder) / "draft.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            read_mapping(path)
        except MappingError as error:
            return str(error)
    return None
