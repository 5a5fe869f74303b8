"""How a delimited text that nobody described is written: encoding, delimiter, the line of its header."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from math import log2
from pathlib import Path

from charset_normalizer import CharsetMatch, from_bytes

from sources.readers import FileRefused

_BLOCK_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 18
_SAMPLE_LINES = 400
_HEADER_WITHIN = 50
_DISTINCT = 0.8
_DELIMITERS = (",", ";", "\t", "|", "^", "~")
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_EUROPEAN = ("cp1252", "cp1250", "iso8859-15")
# Of scripts whose letters are all above ASCII, so that they stand together, as the few of Europe's languages do not.
_OTHER_SCRIPTS = ("cp1251", "koi8_r", "cp866", "iso8859_5", "big5", "cp932", "euc_jp", "cp949", "cp1253", "cp1255")
_TOGETHER = 0.7
# Lead and trail bytes of the characters of GB 2312, which all Chinese text consists of but for rare names.
_CHINESE_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_TOGETHER = re.compile(rb"[\x80-\xff]{2,}")
_LETTER_BETWEEN = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f]|[^\x00-\x7f](?=[A-Za-z])")
_VALUE = re.compile(r"[+-]?[\d.,' ]*\d[\d.,' ]*[-%]?|\d{1,4}[-./年]\d{1,2}[-./月]\d{1,4}日?.*")


@dataclass(frozen=True)
class TextShape:
    """Encoding, delimiter and header line of a delimited text, and on what evidence each was told."""

    encoding: str
    encoding_evidence: str
    delimiter: str
    delimiter_evidence: str
    header_row: int
    header_evidence: str


def text_shape(content: Path) -> TextShape:
    """Shape of an unpacked file; FileRefused when no delimiter and header can be told. Memory is bounded."""
    encoding, encoding_evidence = _encoding(content)
    rows_of = {delimiter: _rows(_lines(content, encoding), delimiter) for delimiter in _DELIMITERS}
    width_of = {delimiter: _width(rows) for delimiter, rows in rows_of.items()}
    # the delimiter by which most records have the same number of fields, and many: a decimal mark makes two of one
    delimiter = max(_DELIMITERS, key=lambda one: (round(width_of[one][1], 2) * log2(width_of[one][0]), width_of[one]))
    width, share = width_of[delimiter]
    if width < 2:
        raise FileRefused(
            f"No delimiter of {' '.join(map(repr, _DELIMITERS))} divides its records into columns; "
            "write the mapping by hand."
        )
    header_row, header_evidence = _header(rows_of[delimiter], width)
    return TextShape(
        encoding,
        encoding_evidence,
        delimiter,
        f"{share:.0%} of the first records have {width} fields",
        header_row,
        header_evidence,
    )


def _encoding(content: Path) -> tuple[str, str]:
    with content.open("rb") as stream:
        beginning = stream.read(_SAMPLE_BYTES)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if beginning.startswith(mark):
            return encoding, "its byte order mark"
    if not beginning:
        raise FileRefused("The file is empty.")
    zeros = (beginning[0::2].count(0), beginning[1::2].count(0))
    if max(zeros) > len(beginning) / 8:
        return ("utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"), "every other byte is zero"
    high = 0
    pairs = 0
    is_utf8 = True
    decoder = codecs.getincrementaldecoder("utf-8")()
    with content.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            high += len(_HIGH.findall(block))
            pairs += len(_CHINESE_PAIR.findall(block))
            if is_utf8:
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    is_utf8 = False
    if not high:
        return "utf-8", "every byte is ASCII"
    if is_utf8:
        return "utf-8", "the whole file decodes"
    if 2 * pairs >= 0.9 * high and _decodes(content, "gb18030"):
        return "gb18030", "not UTF-8; nine in ten bytes above ASCII are pairs of GB 2312"
    if (found := _of_another_script(beginning)) is not None:
        return found.encoding, f"not UTF-8; charset-normalizer takes it for {found.language}. Look at the words"
    text = {encoding: beginning.decode(encoding, errors="replace") for encoding in _EUROPEAN}
    encoding = min(_EUROPEAN, key=lambda one: _strange(text[one]))
    return encoding, f"not UTF-8 and no Chinese; of {', '.join(_EUROPEAN)} it gives words most letters. Look at umlauts"


def _of_another_script(beginning: bytes) -> CharsetMatch | None:
    together = sum(map(len, _HIGH_TOGETHER.findall(beginning)))
    if together <= _TOGETHER * len(_HIGH.findall(beginning)):
        return None
    return from_bytes(beginning, cp_isolation=[*_OTHER_SCRIPTS]).best()


def _decodes(content: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with content.open("rb") as stream:
        try:
            while block := stream.read(_BLOCK_BYTES):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _strange(text: str) -> int:
    """Number of characters within words that are no letters."""
    return sum(not character.isalpha() for character in _LETTER_BETWEEN.findall(text))


def _lines(content: Path, encoding: str) -> list[str]:
    with content.open("rb") as stream:
        text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(stream.read(_SAMPLE_BYTES))
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    is_cut = content.stat().st_size > _SAMPLE_BYTES
    return lines[: -1 if is_cut and len(lines) > 1 else None][:_SAMPLE_LINES]


def _rows(lines: list[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """Records with the number of the line on which each begins; a quoted field may go over several lines."""
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        begins = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error:
            return rows
        if row is None:
            return rows
        if any(field.strip() for field in row):
            rows.append((begins, row))


def _width(rows: list[tuple[int, list[str]]]) -> tuple[int, float]:
    """The usual number of fields, and the share of records that have it."""
    if not rows:
        return 1, 0.0
    # titles above a header are shorter than records, and may be more of them
    records = [row for _, row in rows if len(row) > 1] or [row for _, row in rows]
    width, count = max(Counter(map(len, records)).items(), key=lambda item: (item[1], item[0]))
    return width, count / len(rows)


def _header(rows: list[tuple[int, list[str]]], width: int) -> tuple[int, str]:
    # records that end in a delimiter have a field more than their header
    is_open = all(not row[-1].strip() for _, row in rows if len(row) == width)
    for line_no, row in rows[:_HEADER_WITHIN]:
        names = [field.strip() for field in row]
        filled = [name for name in names if name]
        if (
            len(row) not in (width, width - is_open)
            or len(filled) < width - 1
            or len({*filled}) < _DISTINCT * len(filled)
        ):
            continue
        if any(_VALUE.fullmatch(name) for name in filled):
            break
        above = f"{line_no - 1} lines of titles above it" if line_no > 1 else "no title above it"
        return line_no, f"the first line with {len(row)} names; {above}"
    raise FileRefused(
        f"No line of the first {_HEADER_WITHIN} records names its {width} columns; deliver the file with a header."
    )
