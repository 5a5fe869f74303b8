"""What a reader makes of a file before any contract sees it, for the tests of readers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sources.engine import quick_connection
from sources.mapping_files import load_mapping
from sources.readers import RefusedRecord, Workspace
from sources.readers.choose import FORMATS


@dataclass(frozen=True)
class Opened:
    """Records as delivered columns, those that cannot be split into columns, and the notes on the file."""

    rows: list[dict[str, str | None]]
    refused: list[RefusedRecord]
    notes: tuple[str, ...]


def opened(path: Path, mapping_name: str, encoding: str | None = None) -> Opened:
    """Open a file by one of the default mappings, such as ``formats/camt/bank_balance``; FileRefused as the reader."""
    mapping = load_mapping(mapping_name)
    if encoding is not None:
        mapping = mapping.model_copy(update={"encoding": encoding})
    assert mapping.reader is not None
    with TemporaryDirectory() as folder, quick_connection() as connection:
        records = FORMATS[mapping.reader].open(path, mapping, Workspace(connection, Path(folder), 1 << 30))
        fields = ", ".join(f"{column} as {name}" for name, (column, _) in records.columns.items())
        found = connection.sql(f"select {fields} from {records.relation} order by {records.row_no}")
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
        return Opened(rows, [*records.refused()], records.notes)
