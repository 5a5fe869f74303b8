"""Formats that are read record by record: the reader yields rows, the engine sees them as a Parquet file.

A reader of such a format is a function that yields the rows of a file from its beginning, as often as it is called. It
is called once to spool them, and again only when records were refused and must be shown as they stand in the file. It
counts what is in the file and no row of the feed, such as entries that are not booked, in the counter it is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Mapping as Values
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq

from sources.mapping import Mapping
from sources.readers import (
    FileRefused,
    Located,
    Records,
    RecordsDisagree,
    RefusedRecord,
    Workspace,
    cut,
    quoted,
    sql_path,
)

_BATCH_ROWS = 20_000
_BATCH_VALUES = 4 << 20
_BATCH_CHARACTERS = 16 << 20
_PIECE_ROWS = 2_500
"""Rows of a batch that are held as Python's texts: many more, and new memory is asked for all the time."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record: delivered column -> text (absent or None where there is none), its line, its text as delivered."""

    values: Values[str, str | None]
    line_no: int | None
    raw_text: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be split into columns, with the rule it breaks and a sentence."""

    rule: str
    message: str
    line_no: int | None
    raw_text: str


LeftOut = Counter[str]
Rows = Callable[[LeftOut], Iterator[Row | Broken]]


def kind_of(mapping: Mapping, kinds: Collection[str]) -> str:
    """The kind of record that the mapping takes from a format with several; FileRefused when it names none of them."""
    if mapping.records is not None and mapping.records in kinds:
        return mapping.records
    named = f"names {mapping.records!r}" if mapping.records else "does not say which records it takes"
    raise FileRefused(f"Mapping {mapping.name} {named}; set its key records to one of {', '.join(kinds)}.")


def spooled(rows: Rows, columns: Sequence[str], workspace: Workspace) -> Records:
    """Write the rows of a file, numbered, to the scratch folder.

    ``columns`` are all that the format can have, so that files of one format load alike. What ``rows`` raises,
    FileRefused among it, is raised here.
    """
    schema = pa.schema([("row_no", pa.int64()), *((f"d{i}", pa.string()) for i in range(len(columns)))])
    target = workspace.scratch / "spool.parquet"
    # Without the rows themselves: what tells a row's text holds on to all of it.
    piece: list[Values[str, str | None]] = []
    numbers: list[int] = []
    batch_rows = max(min(_BATCH_ROWS, _BATCH_VALUES // len(schema)), 1)
    pieces: list[pa.Table] = []
    rows_in_pieces = broken = characters = 0
    left_out: LeftOut = Counter()

    def end_piece() -> None:
        nonlocal rows_in_pieces
        values = ([values.get(name) for values in piece] for name in columns)
        arrays = [pa.array(numbers, pa.int64()), *(pa.array(column, pa.string()) for column in values)]
        pieces.append(pa.Table.from_arrays(arrays, schema=schema))
        rows_in_pieces += len(piece)
        piece.clear()
        numbers.clear()

    def batch_table() -> pa.Table:
        nonlocal rows_in_pieces, characters
        end_piece()
        batch = pa.concat_tables(pieces)
        pieces.clear()
        rows_in_pieces = characters = 0
        return batch

    # Read once and whole: neither statistics nor the search for texts that repeat would pay.
    options = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(target, schema, **options) as writer:
        for row_no, row in enumerate(rows(left_out), start=1):
            if isinstance(row, Broken):
                broken += 1
                continue
            piece.append(row.values)
            numbers.append(row_no)
            characters += sum(map(len, filter(None, row.values.values())))
            if rows_in_pieces + len(piece) == batch_rows or characters > _BATCH_CHARACTERS:
                writer.write_table(batch_table())
            elif len(piece) == _PIECE_ROWS:
                end_piece()
        writer.write_table(batch_table())

    def refused() -> Iterator[RefusedRecord]:
        for row_no, row in enumerate(rows(Counter()), start=1):
            if isinstance(row, Broken):
                yield RefusedRecord(row_no, row.line_no, row.rule, row.message, cut(row.raw_text))

    def locate(row_nos: Collection[int], records_read: int) -> Iterator[Located]:
        readable = 0
        for row_no, row in enumerate(rows(Counter()), start=1):
            if isinstance(row, Broken):
                continue
            readable += 1
            if row_no in row_nos:
                yield Located(row_no, row.line_no, cut(row.raw_text()))
        if readable != records_read:
            raise RecordsDisagree

    delivered = {name: (quoted(f"d{i}"), "VARCHAR") for i, name in enumerate(columns)}
    relation = f"read_parquet({sql_path(target)})"
    notes = tuple(f"{count:,} {what} were left out." for what, count in left_out.items())
    records = Records(relation, delivered, "row_no", locate, notes=notes, is_columnar=True)
    return replace(records, refused=refused) if broken else records
