"""Statements or documents that come together in one archive, as the records of one file.

Banks hand over the statements of a day, and portals invoices, as an archive of one file each. Records are numbered
through, and the receipt says which belong to which file. A file that is refused refuses the archive, and is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from sources.mapping import Mapping, ReaderName
from sources.readers import FileRefused, Located, Records, RecordsDisagree, RefusedRecord, Workspace, scalar
from sources.readers.choose import FORMATS, choose_reader
from sources.readers.unpack import Content, all_unpacked
from sources.sentence import in_one_line

_MOST_FILES = 500
_NOTES = 20
_NAME_CHARACTERS = 100


def open_content(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a delivered file, or all that its archive holds; FileRefused when nothing of it can be read.

    A table comes alone: columns of another file could mean something else.
    """
    reader = choose_reader(path, mapping)
    form = FORMATS[reader]
    contents = all_unpacked(path, workspace, most=1 if form.is_tabular else _MOST_FILES)
    if len(contents) == 1:
        return form.open(contents[0].path, mapping, workspace)
    parts: list[_Part] = []
    for number, content in enumerate(contents):
        scratch = workspace.scratch / f"part{number}"
        scratch.mkdir()
        records = _opened(content, reader, mapping, replace(workspace, scratch=scratch))
        before = parts[-1].last_row_no if parts else 0
        parts.append(_part(content, records, before, workspace.connection))
    return _together(parts)


@dataclass(frozen=True)
class _Part:
    """A file of the archive: its records are those behind ``before`` up to ``last_row_no``, ``readable`` of them."""

    name: str
    records: Records
    before: int
    last_row_no: int
    readable: int

    def refused(self) -> Iterator[RefusedRecord]:
        for record in self.records.refused():
            yield replace(record, row_no=record.row_no + self.before, message=f"{self.name}: {record.message}")

    def locate(self, row_nos: Collection[int]) -> Iterator[Located]:
        own = {row_no - self.before for row_no in row_nos if self.before < row_no <= self.last_row_no}
        if own:
            for located in self.records.locate(own, self.readable):
                yield replace(located, row_no=located.row_no + self.before)


def _opened(content: Content, reader: ReaderName, mapping: Mapping, workspace: Workspace) -> Records:
    try:
        own = choose_reader(content.path, mapping, name=content.name)
        if own != reader:
            before = FORMATS[reader].title
            raise FileRefused(f"It is {FORMATS[own].title}, those before are {before}; deliver an archive of each.")
        return FORMATS[reader].open(content.path, mapping, workspace)
    except FileRefused as refusal:
        raise FileRefused(f"{_shown(content)}: {refusal}") from refusal


def _part(content: Content, records: Records, before: int, connection: duckdb.DuckDBPyConnection) -> _Part:
    readable = scalar(connection, f"select count(*) from {records.relation}")
    last = scalar(connection, f"select coalesce(max({records.row_no}), 0) from {records.relation}")
    last = max((last, *(record.row_no for record in records.refused())))
    return _Part(_shown(content), records, before, before + last, readable)


def _together(parts: Sequence[_Part]) -> Records:
    first = parts[0].records
    names = ", ".join(name for name, _ in first.columns.values())
    pieces = (
        f"select {part.records.row_no} + {part.before} as row_no, {names} from {part.records.relation}"
        for part in parts
    )

    def locate(row_nos: Collection[int], records_read: int) -> Iterator[Located]:
        if records_read != sum(part.readable for part in parts):
            raise RecordsDisagree
        for part in parts:
            yield from part.locate(row_nos)

    return Records(
        f"({' union all '.join(pieces)})",
        first.columns,
        "row_no",
        locate,
        refused=lambda: (record for part in parts for record in part.refused()),
        notes=(_contents_note(parts), *_notes(parts)),
        is_ordered=all(part.records.is_ordered for part in parts),
    )


def _contents_note(parts: Sequence[_Part]) -> str:
    shown = ", ".join(f"{part.name} (to record {part.last_row_no:,})" for part in parts[:_NOTES])
    return f"It holds {len(parts)} files: {shown}{' and others' if len(parts) > _NOTES else ''}."


def _notes(parts: Sequence[_Part]) -> tuple[str, ...]:
    """What is said of the files, each sentence once."""
    said = Counter(note for part in parts for note in part.records.notes)
    of_all = [note if count == 1 else f"Of {count} of its files: {note}" for note, count in said.items()]
    return tuple(of_all[:_NOTES])


def _shown(content: Content) -> str:
    return in_one_line(content.name)[:_NAME_CHARACTERS]
