"""Records of delimited text, one by one: for numbering, quoting and repairing what the fast path cannot.

A record is a line, or several where a quoted field holds line breaks; a line that cannot begin a well-formed record is
refused alone, so that one stray quote never swallows the lines after it. Blank lines are no records.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

MAX_LINE_BYTES = 1 << 20
MAX_RECORD_LINES = 100
# less than the longest line, so that no line of a stretch is too long; fewer lines are sooner read than looked at
_STRETCH_BYTES, _STRETCH_LINES = 1 << 14, 50

_OPEN = -1
_BROKEN = -2


@dataclass(frozen=True)
class Dialect:
    """Form of a delimited file; ``quote`` is empty where fields are never quoted. Lines before ``first_line`` (from 1)
    are titles and no records.
    """

    encoding: str
    delimiter: str
    quote: str
    first_line: int = 1


class Record(NamedTuple):
    """One record: its number (the header is 0), first physical line (from 1), text, and the rule it breaks, if any."""

    row_no: int
    line_no: int
    text: str
    rule: str | None
    message: str | None


class Line(NamedTuple):
    """A physical line, its end cut off, with the rule it breaks, if any."""

    line_no: int
    text: str
    end: str
    rule: str | None
    message: str | None


def scan_records(path: Path, dialect: Dialect, width: int | None = None) -> Iterator[Record]:
    """Records of the file in order. ``width`` is the number of fields a record must have; None takes any number.

    A record may end with one delimiter too many, as DuckDB accepts it.
    """
    with path.open("rb") as stream:
        scanner = _Scanner(stream, dialect, width)
        while (record := scanner.next()) is not None:
            yield record


def scan_for(path: Path, dialect: Dialect, width: int, row_nos: Iterable[int]) -> Iterator[Record | int]:
    """Some records of a file that the engine has read whole, by their ascending numbers.

    Between them come others, and the numbers of data records that were passed over: stretches where each line must be
    a record are only counted, at the speed of the disk.
    """
    wanted = iter(row_nos)
    with path.open("rb") as stream:
        scanner = _Scanner(stream, dialect, width)
        next_wanted = next(wanted, None)
        while True:
            if passed := scanner.pass_over(next_wanted):
                yield passed
            if (record := scanner.next()) is None:
                return
            yield record
            while next_wanted is not None and next_wanted <= record.row_no:
                next_wanted = next(wanted, None)


class _Scanner:
    """Reads one record after the other; ``row_no`` is the number of the last one, -1 before the header."""

    def __init__(self, stream: BinaryIO, dialect: Dialect, width: int | None) -> None:
        self._count = _FieldCounter(dialect)
        self._dialect, self._width = dialect, width
        self._lines = _Lines(stream, dialect.encoding)
        self.row_no = -1
        for _ in range(dialect.first_line - 1):
            self._lines.take()

    def next(self) -> Record | None:
        delimiter, quote, width = self._dialect.delimiter, self._dialect.quote, self._width
        while (line := self._lines.take()) is not None:
            line_no, text, _, rule, message = line
            if text or rule is not None:
                break
        else:
            return None
        self.row_no += 1
        if rule is not None:
            return Record(self.row_no, line_no, text, rule, message)
        found = self._count(text)
        if found == _OPEN:
            text, found = _join(text, self._lines, self._count, quote, width)
        if found < 0:
            return Record(self.row_no, line_no, text, "quotes", "A quoted field of the record does not end properly.")
        if width is not None and found != width and not (found == width + 1 and text.endswith(delimiter)):
            message = f"The record has {found} fields, the header has {width}."
            return Record(self.row_no, line_no, text, "field_count", message)
        if "\r" in text and not (quote and quote in text):
            return Record(self.row_no, line_no, text, "line_break", "The record holds a bare carriage return.")
        return Record(self.row_no, line_no, text, None, None)

    def pass_over(self, wanted: int | None) -> int:
        """How many data records were passed over, none of them the one that is wanted next."""
        if self.row_no < 0:
            return 0
        records = 0
        most = sys.maxsize if wanted is None else wanted - self.row_no - 1
        while passed := self._lines.pass_over(self._dialect.quote, most - records):
            records += passed
        self.row_no += records
        return records


class _FieldCounter:
    """Number of fields of a text; _OPEN when its last quoted field has no end, _BROKEN when one ends wrongly."""

    def __init__(self, dialect: Dialect) -> None:
        self._delimiter, self._quote = dialect.delimiter, dialect.quote
        if dialect.quote:
            quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
            quoted = f" *{quote}(?:[^{quote}]++|{quote}{quote})*+"
            self._field = re.compile(f"(?:{quoted}{quote} *|(?! *{quote})[^{delimiter}]*+)(?:{delimiter}|\\Z)")
            self._open_field = re.compile(f"{quoted}\\Z")

    def __call__(self, text: str) -> int:
        if not self._quote or self._quote not in text:
            return text.count(self._delimiter) + 1
        position, fields = 0, 0
        while match := self._field.match(text, position):
            fields += 1
            position = match.end()
            if position == len(text) and not match[0].endswith(self._delimiter):
                return fields
        return _OPEN if self._open_field.match(text, position) else _BROKEN


def _join(
    text: str,
    lines: _Lines,
    count: _FieldCounter,
    quote: str,
    width: int | None,
) -> tuple[str, int]:
    """The record that begins with ``text`` and ends on a later line, and its number of fields.

    Where there is none, returns ``text`` and _OPEN, and the lines looked at are handed out again.
    """
    seen: list[Line] = []
    joined = text
    parts = [text, "\n"]
    while (line := lines.take()) is not None:
        seen.append(line)
        parts += [line.text, line.end]
        if line.rule is not None or len(seen) >= MAX_RECORD_LINES:
            break
        if quote in line.text:
            joined = "".join(parts[:-1])
            found = count(joined)
            if found >= 0 and (width is None or found == width):
                return joined, found
            if found != _OPEN:
                break
    lines.give_back(seen)
    return text, _OPEN


class _Lines:
    """Physical lines, decoded, each with one fault at most; lines looked at ahead can be given back."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream, self._encoding = stream, encoding
        self._line_no = 0
        self._pending: deque[Line] = deque()
        self._looked_at = 0

    def take(self) -> Line | None:
        return self._pending.popleft() if self._pending else self._read()

    def give_back(self, lines: list[Line]) -> None:
        self._pending.extendleft(reversed(lines))

    def pass_over(self, quote: str, most: int) -> int:
        """Pass over the next lines, at most so many, if each must be a record; returns how many.

        A stretch where that cannot be said is looked at once, and then read line by line.
        """
        start = self._stream.tell()
        if self._pending or start < self._looked_at or most < _STRETCH_LINES:
            return 0
        block = self._stream.read(_STRETCH_BYTES)
        block = block[: block.rfind(b"\n") + 1]
        lines = block.count(b"\n")
        if not lines or not _is_plain(block, quote):
            self._looked_at = start + max(len(block), 1)
            self._stream.seek(start)
            return 0
        if lines > most:
            block, lines = b"".join(block.splitlines(keepends=True)[:most]), most
        self._stream.seek(start + len(block))
        self._line_no += lines
        return lines

    def _read(self) -> Line | None:
        raw = self._stream.readline(MAX_LINE_BYTES)
        if not raw:
            return None
        self._line_no += 1
        if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
            while (rest := self._stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            text = raw[:MAX_RECORD_LINES].decode(self._encoding, "replace")
            message = f"The line is longer than {MAX_LINE_BYTES:,} bytes."
            return Line(self._line_no, text, "\n", "record_size", message)
        end = "\r\n" if raw.endswith(b"\r\n") else "\n"
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        if self._line_no == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            text = raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            text = raw.decode(self._encoding, "backslashreplace")
            message = (
                f"Byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line is not {self._encoding}."
            )
            return Line(self._line_no, text, end, "encoding", message)
        if "\0" in text:
            return Line(self._line_no, text, end, "nul_byte", "The record holds a NUL byte.")
        return Line(self._line_no, text, end, None, None)


def _is_plain(block: bytes, quote: str) -> bool:
    """Whether whole lines of a sound file are records by themselves: no quoted field goes on in the next line, no line
    is blank, and none has what is refused in any line.
    """
    return (
        b"\0" not in block
        and block.count(b"\r") == block.count(b"\r\n")
        and not block.startswith((b"\n", b"\r\n"))
        and b"\n\n" not in block
        and b"\n\r\n" not in block
        and not (quote and quote.encode() in block and _has_odd_line(block, quote.encode()))
    )


def _has_odd_line(block: bytes, quote: bytes) -> bool:
    """Whether a line has an odd number of quotes; a record that ends on its line has an even one, doubled or not."""
    characters = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(characters == quote[0])
    ends = np.flatnonzero(characters == ord("\n"))
    return bool((np.searchsorted(quotes, ends) % 2).any())


def read_lines(path: Path, encoding: str) -> Iterator[Line]:
    """Physical lines of a file in order; one that is too long, holds a NUL or does not decode breaks a rule."""
    with path.open("rb") as stream:
        lines = _Lines(stream, encoding)
        while (line := lines.take()) is not None:
            yield line
