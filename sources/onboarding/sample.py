"""The first records of a file of unknown columns, opened by its real reader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from sources.contract import Contract
from sources.engine import engine
from sources.forms import trimmed
from sources.ingest import Limits
from sources.mapping import Mapping, ReaderName, identity_mapping
from sources.onboarding.sniff import TextShape, text_shape
from sources.readers import FileRefused, Records, Workspace, sql_text
from sources.readers.choose import FORMATS, choose_reader, settled
from sources.readers.unpack import unpacked

SAMPLE_RECORDS = 5_000
MOST_VALUES = 300

_HEADER_ROWS = 30
_SMALL_BYTES = 2 << 20
_MISSING = (
    "-",
    "--",
    "—",
    "N/A",
    "n/a",
    "NULL",
    "null",
    "None",
    "#N/A",
    "00/00/0000",
    "00000000",
    "0000-00-00",
    "00.00.0000",
)


@dataclass(frozen=True)
class DeliveredColumn:
    """A delivered column: its distinct values in order of appearance, trimmed, blanks and missing ones left out.

    ``sql_type`` is that of its format, ``VARCHAR`` for a text; ``has_blanks`` whether values stand between blanks.
    """

    name: str
    sql_type: str
    values: tuple[str, ...]
    filled: int
    has_blanks: bool


@dataclass(frozen=True)
class Sample:
    """What the beginning of a file holds. ``missing`` are texts in it that usually stand for a missing value."""

    reader: ReaderName
    shape: TextShape | None
    header_row: int
    columns: tuple[DeliveredColumn, ...]
    missing: tuple[str, ...]
    records: int
    connection: duckdb.DuckDBPyConnection

    def column(self, name: str) -> DeliveredColumn:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


@contextmanager
def sampled(path: Path, contract: Contract, limits: Limits) -> Iterator[Sample]:
    """Open a file; FileRefused when no reader takes it, or when its format has a mapping of its own."""
    # One try with all the memory there may be: one person waits for one draft.
    with (
        TemporaryDirectory(prefix="anchorwatch-draft-") as folder,
        engine(Path(folder), limits.more_memory[-1]) as connection,
    ):
        workspace = Workspace(connection, Path(folder), limits.max_content_bytes)
        probe = identity_mapping(contract)
        reader = choose_reader(path, probe)
        if not FORMATS[reader].is_tabular:
            own = settled(path, probe, contract)
            raise FileRefused(
                f"A {FORMATS[reader].title} needs no mapping: mapping {own.name} reads it when it is delivered to "
                f"{contract.name}."
            )
        content = unpacked(path, workspace)
        shape = text_shape(content) if reader == "delimited" else None
        bare = Mapping(name="draft", feed=contract.name, columns={}, ignored=("*",))
        if shape is not None:
            update = {"encoding": shape.encoding, "delimiter": shape.delimiter, "header_row": shape.header_row}
            bare = bare.model_copy(update=update)
        records, header_row = _opened(content, reader, bare, workspace)
        yield _sample(records, reader, shape, header_row, connection)


def _opened(content: Path, reader: ReaderName, mapping: Mapping, workspace: Workspace) -> tuple[Records, int]:
    """The records, and the row of a workbook that names its columns: of the first rows the one with most names."""
    if reader != "xlsx":
        return FORMATS[reader].open(content, mapping, workspace), mapping.header_row
    found: list[tuple[int, int, Records]] = []
    refused: FileRefused | None = None
    for row in range(1, _HEADER_ROWS + 1):
        scratch = workspace.scratch / f"row{row}"
        scratch.mkdir()
        try:
            tried = mapping.model_copy(update={"header_row": row})
            records = FORMATS[reader].open(content, tried, replace(workspace, scratch=scratch))
        except FileRefused as error:
            refused = refused or error
            continue
        found.append((len(records.columns), -row, records))
        if content.stat().st_size > _SMALL_BYTES and len(records.columns) > 1:
            break
    if not found:
        raise refused or FileRefused(f"No row of the first {_HEADER_ROWS} names its columns; set header_row by hand.")
    _, row, records = max(found, key=lambda one: one[:2])
    return records, -row


def _sample(
    records: Records,
    reader: ReaderName,
    shape: TextShape | None,
    header_row: int,
    connection: duckdb.DuckDBPyConnection,
) -> Sample:
    names = [*records.columns]
    try:
        _take(records, connection)
    except duckdb.Error:
        if records.repair is None:
            raise
        _take(records.repair(), connection)
    missing = ", ".join(sql_text(text) for text in _MISSING)
    columns = []
    seen: dict[str, None] = {}
    for number, name in enumerate(names):
        text = trimmed(f"c{number}::varchar")
        is_value = f"coalesce({text}, '') not in ('', {missing})"
        found = connection.execute(
            f"select {text} from sample where {is_value} group by 1 order by min(rowid) limit {MOST_VALUES}"
        ).fetchall()
        ((filled, blanks),) = connection.execute(
            f"select count(*) filter (where {is_value}), "
            f"count(*) filter (where {is_value} and {text} <> c{number}::varchar) from sample"
        ).fetchall()
        gaps = connection.execute(
            f"select distinct {text} from sample where {text} in ({missing}) order by 1"
        ).fetchall()
        seen |= dict.fromkeys(gap for (gap,) in gaps)
        kind = records.columns[name][1]
        columns.append(DeliveredColumn(name, kind.upper(), tuple(value for (value,) in found), filled, bool(blanks)))
    ((count,),) = connection.execute("select count(*) from sample").fetchall()
    return Sample(reader, shape, header_row, tuple(columns), tuple(seen), count, connection)


def _take(records: Records, connection: duckdb.DuckDBPyConnection) -> None:
    names = ", ".join(f"{sql} as c{number}" for number, (sql, _) in enumerate(records.columns.values()))
    connection.execute(
        f"create or replace temp table sample as select {names} from {records.relation} limit {SAMPLE_RECORDS}"
    )
