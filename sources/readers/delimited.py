"""Delimited text. DuckDB reads a sound file at its own speed; a file it refuses is repaired record by record first.

A differently encoded file is first turned into UTF-8, as a stream. The repaired copy holds only
well-formed records, each with its number in front, so that both paths number records alike.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from sources.mapping import Mapping
from sources.readers import (
    MAX_COLUMNS,
    FileRefused,
    Located,
    Records,
    RecordsDisagree,
    RefusedRecord,
    Workspace,
    cut,
    sql_path,
    sql_text,
)
from sources.readers.headings import distinct_headings
from sources.readers.scanner import MAX_LINE_BYTES, Dialect, Record, scan_for, scan_records

_BLOCK_BYTES = 1 << 20
# Each thread of the engine holds some: by default 16 times the longest line, tens of megabytes each.
_BUFFER_BYTES = 8 * MAX_LINE_BYTES
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Encodings that a file declares itself, the longer marks first, as one begins like another."""
_LINE_SAFE = frozenset(
    {
        *("utf-8", "gb18030", "gbk", "gb2312", "big5", "iso8859-1", "iso8859-15", "cp1252", "cp1250", "ascii"),
        *("cp1251", "koi8-r", "cp866", "iso8859-5", "cp1253", "cp1255"),
    }
)
"""Encodings in which the byte 0x0A is always a line feed, so that a broken line can be told from its neighbours."""


def open_delimited(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open delimited text whose first record, or the one on the mapping's ``header_row``, names its columns."""
    encoding = _encoding(path, mapping)
    content = path
    if encoding not in _LINE_SAFE:
        content, encoding = _whole(content, encoding, workspace), "utf-8"
    with content.open("rb") as stream:
        delimiter = delimiter_of(stream, mapping)
    dialect = Dialect(encoding, delimiter, mapping.quote, mapping.header_row)
    header = _header(content, dialect, mapping)
    file = _DelimitedFile(content, dialect, header, workspace)
    if header.line_no != mapping.header_row or _is_for_the_scanner(content):
        return file.repaired()
    if encoding == "utf-8":
        return file.fast(content)
    try:
        return file.fast(_transcoded(content, encoding, workspace))
    except UnicodeDecodeError:
        return file.repaired()


@dataclass(frozen=True)
class _Header:
    """Names of all columns, empty where a column has none: nothing can read it."""

    names: tuple[str, ...]
    line_no: int


@dataclass(frozen=True)
class _DelimitedFile:
    content: Path
    dialect: Dialect
    header: _Header
    workspace: Workspace
    columns: dict[str, tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        columns = {name: (f"d{i}", "VARCHAR") for i, name in enumerate(self.header.names) if name}
        object.__setattr__(self, "columns", columns)

    @property
    def _places(self) -> list[str]:
        return [f"d{place}" for place in range(len(self.header.names))]

    def fast(self, text: Path) -> Records:
        return Records(
            relation=self._read_csv(text, self._places, header=True),
            columns=self.columns,
            row_no=None,
            locate=self._locate_in_sound_file,
            repair=self.repaired,
        )

    def repaired(self) -> Records:
        """Write the well-formed records, numbered, to a copy; the others are yielded by ``refused``."""
        copy = self.workspace.scratch / "repaired.csv"
        with copy.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(
                f"{record.row_no}{self.dialect.delimiter}{record.text}\n"
                for record in self._records()
                if record.rule is None and record.row_no > 0
            )
        return Records(
            relation=self._read_csv(copy, ["row_no", *self._places], header=False),
            columns=self.columns,
            row_no="row_no",
            locate=self._locate,
            refused=self.refused,
        )

    def refused(self) -> Iterator[RefusedRecord]:
        for record in self._records():
            if record.rule is not None and record.message is not None:
                yield RefusedRecord(record.row_no, record.line_no, record.rule, record.message, cut(record.text))

    def _locate(self, row_nos: Collection[int], records_read: int) -> Iterator[Located]:
        return _located(self._records(), row_nos, records_read)

    def _locate_in_sound_file(self, row_nos: Collection[int], records_read: int) -> Iterator[Located]:
        found = scan_for(self.content, self.dialect, len(self.header.names), row_nos)
        return _located(found, row_nos, records_read)

    def _records(self) -> Iterator[Record]:
        return scan_records(self.content, self.dialect, len(self.header.names))

    def _read_csv(self, path: Path, columns: list[str], *, header: bool) -> str:
        skipped = self.dialect.first_line - 1 if header else 0
        types = ", ".join(f"{name}: {'BIGINT' if name == 'row_no' else 'VARCHAR'}" for name in columns)
        quote = sql_text(self.dialect.quote)
        return (
            f"read_csv({sql_path(path)}, auto_detect=false, header={str(header).lower()}, skip={skipped}, "
            f"columns={{{types}}}, delim={sql_text(self.dialect.delimiter)}, quote={quote}, escape={quote}, "
            f"strict_mode=true, null_padding=false, max_line_size={2 * MAX_LINE_BYTES}, "
            f"buffer_size={_BUFFER_BYTES})"
        )


def _located(found: Iterator[Record | int], row_nos: Collection[int], records_read: int) -> Iterator[Located]:
    """The wanted ones of records that are there one by one or, where none is wanted, only counted."""
    records = 0
    for record in found:
        if isinstance(record, int):
            records += record
            continue
        if record.row_no > 0 and record.rule is None:
            records += 1
        if record.row_no in row_nos:
            yield Located(record.row_no, record.line_no, cut(record.text))
    if records != records_read:
        raise RecordsDisagree


def delimiter_of(content: BinaryIO, mapping: Mapping) -> str:
    """The mapping's; a tab where it names none and the line of the header has tabs but no comma."""
    for _ in range(mapping.header_row):
        line = content.readline(_BLOCK_BYTES)
    return "\t" if mapping.delimiter == "," and b"\t" in line and b"," not in line else mapping.delimiter


def _header(content: Path, dialect: Dialect, mapping: Mapping) -> _Header:
    record = next(scan_records(content, dialect), None)
    if record is None:
        place = f"no line {dialect.first_line} or after" if dialect.first_line > 1 else "no header line"
        raise FileRefused(f"The file is empty: it has {place}; deliver it with one.")
    if record.rule is not None:
        raise FileRefused(
            f"The header line cannot be read: {record.message} Correct the file or its mapping's encoding."
        )
    if dialect.quote:
        try:
            (names,) = csv.reader(
                [record.text], delimiter=dialect.delimiter, quotechar=dialect.quote, skipinitialspace=True
            )
        except csv.Error as error:
            raise FileRefused(
                f"The header line cannot be read: {error}. Correct the file or its mapping's delimiter."
            ) from error
    else:
        names = record.text.split(dialect.delimiter)
    names = [name.strip() for name in names]
    if len(names) > MAX_COLUMNS:
        raise FileRefused(
            f"The header has {len(names):,} columns, the limit is {MAX_COLUMNS:,}; deliver fewer, or correct the "
            "delimiter in the mapping."
        )
    return _Header(distinct_headings(names, mapping.read_columns), record.line_no)


def _transcoded(content: Path, encoding: str, workspace: Workspace) -> Path:
    """A UTF-8 copy of the content; UnicodeDecodeError when a byte does not decode."""
    target = workspace.scratch / "utf8"
    decoder = codecs.getincrementaldecoder(encoding)()
    with content.open("rb") as source, target.open("wb") as sink:
        while block := source.read(_BLOCK_BYTES):
            sink.write(decoder.decode(block).encode())
        sink.write(decoder.decode(b"", final=True).encode())
    return target


def _whole(content: Path, encoding: str, workspace: Workspace) -> Path:
    """A UTF-8 copy where lines cannot be told apart before decoding: one wrong byte refuses the file."""
    try:
        return _transcoded(content, encoding, workspace)
    except UnicodeDecodeError as error:
        raise FileRefused(f"It is not {encoding} ({error.reason}); deliver it again or correct the mapping.") from error


def _encoding(path: Path, mapping: Mapping) -> str:
    """The mapping's; where it leaves the default, that of the byte order mark with which the file begins."""
    if mapping.encoding == "utf-8-sig":
        return "utf-8"
    with path.open("rb") as stream:
        beginning = stream.read(4)
    marked = (encoding for mark, encoding in _BYTE_ORDER_MARKS.items() if beginning.startswith(mark))
    return next(marked, "utf-8") if mapping.encoding == "utf-8" else mapping.encoding


def _is_for_the_scanner(content: Path) -> bool:
    """Whether the file holds a NUL, or a line so long that the engine would take gigabytes to refuse it."""
    with content.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            if b"\0" in block or (len(block) == _BLOCK_BYTES and b"\n" not in block):
                return True
    return False
