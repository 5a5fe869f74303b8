"""Records of delimited text, one by one: for numbering, quoting and repairing what the fast path cannot.

A record is a line, or several where a quoted field holds line breaks; a line that cannot begin a well-formed record is
refused alone, so that one stray quote never swallows the lines after it. Blank lines are no records.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

MAX_LINE_BYTES = 1 << 20
MAX_RECORD_LINES = 100

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
    count = _FieldCounter(dialect)
    delimiter, quote = dialect.delimiter, dialect.quote
    lines = _Lines(islice(read_lines(path, dialect.encoding), dialect.first_line - 1, None))
    row_no = -1
    while (line := lines.take()) is not None:
        line_no, text, _, rule, message = line
        if not text and rule is None:
            continue
        row_no += 1
        if rule is not None:
            yield Record(row_no, line_no, text, rule, message)
            continue
        found = count(text)
        if found == _OPEN:
            text, found = _join(text, lines, count, quote, width)
        if found < 0:
            yield Record(row_no, line_no, text, "quotes", "A quoted field of the record does not end properly.")
        elif width is not None and found != width and not (found == width + 1 and text.endswith(delimiter)):
            message = f"The record has {found} fields, the header has {width}."
            yield Record(row_no, line_no, text, "field_count", message)
        elif "\r" in text and not (quote and quote in text):
            yield Record(row_no, line_no, text, "line_break", "The record holds a bare carriage return.")
        else:
            yield Record(row_no, line_no, text, None, None)


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

    def __init__(self, lines: Iterator[Line]) -> None:
        self._source = lines
        self._pending: deque[Line] = deque()

    def take(self) -> Line | None:
        return self._pending.popleft() if self._pending else next(self._source, None)

    def give_back(self, lines: list[Line]) -> None:
        self._pending.extendleft(reversed(lines))


def read_lines(path: Path, encoding: str) -> Iterator[Line]:
    """Physical lines of a file in order; one that is too long, holds a NUL or does not decode breaks a rule."""
    with path.open("rb") as stream:
        line_no = 0
        while raw := stream.readline(MAX_LINE_BYTES):
            line_no += 1
            if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
                while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
                text = raw[:MAX_RECORD_LINES].decode(encoding, "replace")
                yield Line(line_no, text, "\n", "record_size", f"The line is longer than {MAX_LINE_BYTES:,} bytes.")
                continue
            end = "\r\n" if raw.endswith(b"\r\n") else "\n"
            raw = raw.removesuffix(b"\n").removesuffix(b"\r")
            if line_no == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            try:
                text = raw.decode(encoding)
            except UnicodeDecodeError as error:
                text = raw.decode(encoding, "backslashreplace")
                message = f"Byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line is not {encoding}."
                yield Line(line_no, text, end, "encoding", message)
                continue
            if "\0" in text:
                yield Line(line_no, text, end, "nul_byte", "The record holds a NUL byte.")
            else:
                yield Line(line_no, text, end, None, None)
