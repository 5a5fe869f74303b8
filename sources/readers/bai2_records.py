"""Records of a BAI2 file as a stream, their totals and counts checked.

A file (01 … 99) holds groups (02 … 98) of one day, a group accounts (03 … 49), an account transactions (16). A record
ends with a slash, or with its line where its last field is free text; 88 continues it. Amounts are whole minor units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sources.readers import FileRefused

_RECORD_CHARACTERS = 1 << 18
_SHOWN_CHARACTERS = 40
_CODE = re.compile(r"(01|02|03|16|49|88|98|99)(?:,|(?=/)|$)")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,18}")
_TYPE_CODE = re.compile(r"[0-9]{3}")
_DAY = re.compile(r"[0-9]{6}")
_COUNT = re.compile(r"[0-9]{1,9}")
_AVAILABILITY_FIELDS = {"S": 3, "V": 2, "": 0, "0": 0, "1": 0, "2": 0, "Z": 0}
_HEADERS = frozenset({"01", "02", "03"})
_TRAILERS = frozenset({"49", "98", "99"})
_PARENTS = {"01": None, "02": "01", "03": "02", "16": "03", "49": "03", "98": "02", "99": "01"}
"""Code of a record -> that of the header of what it stands in."""
_DEFAULT_CURRENCY = "USD"


class RecordError(ValueError):
    """A field of a record is not what it should be; the message is the middle of a sentence."""


@dataclass(slots=True)
class Record:
    """A record with its continuations: fields after the code, and for each whether it begins a line."""

    code: str
    line_no: int
    fields: list[str]
    begins_line: list[bool]
    lines: list[str]
    length: int = 0

    @property
    def raw_text(self) -> str:
        """The record as delivered."""
        return "\n".join(self.lines)

    def shown(self, position: int) -> str:
        """The field in quotes, cut, for a message."""
        return repr(self.at(position)[:_SHOWN_CHARACTERS])

    def at(self, position: int) -> str:
        """The trimmed field at a position from 0; '' when the record ends before it."""
        return self.fields[position].strip() if position < len(self.fields) else ""

    def text_from(self, position: int) -> str:
        """The free text that begins at a field: it may hold commas, and goes on in the next line."""
        text = ""
        for number in range(position, len(self.fields)):
            separator = "" if number == position else " " if self.begins_line[number] else ","
            text += separator + self.fields[number]
        return text.strip()

    def after_availability(self, position: int) -> int:
        """Position after a funds type and the fields in which it distributes the amount over days."""
        funds_type = self.at(position)
        if funds_type == "D":
            end = position + 2 + 2 * self.count(position + 1)
            if end > len(self.fields):
                raise RecordError("a distribution over more days than it has fields for")
            return end
        if funds_type not in _AVAILABILITY_FIELDS:
            raise RecordError(f"the funds type {self.shown(position)}, which is none of 0, 1, 2, S, V, D and Z")
        return position + 1 + _AVAILABILITY_FIELDS[funds_type]

    def amount(self, position: int) -> int | None:
        """Whole minor units; None when the field is empty."""
        text = self.at(position)
        if text and not _AMOUNT.fullmatch(text):
            raise RecordError(f"the amount {self.shown(position)}, which is no whole number")
        return int(text) if text else None

    def count(self, position: int) -> int:
        text = self.at(position)
        if not _COUNT.fullmatch(text):
            raise RecordError(f"the count {self.shown(position)}, which is no whole number")
        return int(text)

    def day(self, position: int) -> date:
        """A date YYMMDD of this century."""
        text = self.at(position)
        try:
            if _DAY.fullmatch(text):
                return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
        except ValueError:
            pass
        raise RecordError(f"the date {self.shown(position)}, which is no day as YYMMDD")


@dataclass(frozen=True)
class Group:
    """What the accounts of a group share: day and time of the report, status, currency; groups are numbered."""

    number: int
    as_of: date
    as_of_time: str
    status: str
    currency: str


@dataclass(frozen=True)
class Account:
    """An account record of one group."""

    group: Group
    account_no: str | None
    currency: str

    @property
    def is_test(self) -> bool:
        return self.group.status == "4"


@dataclass
class _Level:
    """A file, group or account that is open: what its trailer must state."""

    code: str
    total: int = 0
    members: int = 0
    records: int = 0


def account_records(path: Path, encoding: str) -> Iterator[tuple[Account, Record]]:
    """Records 03 and 16 in order, each with its account.

    FileRefused when a record stands where it should not, when a trailer states other totals or counts than the records
    have, or when the file ends without one.
    """
    levels: list[_Level] = []
    group: Group | None = None
    account: Account | None = None
    for record in _records(path, encoding):
        try:
            _take_place(record, levels)
            if record.code == "01" and record.at(7) != "2":
                raise RecordError(f"the version {record.shown(7)}; version 2 is read")
            if record.code == "02":
                group = _group(record, 1 if group is None else group.number + 1)
            elif record.code == "03" and group is not None:
                currency = record.at(1) or group.currency
                account = Account(group, record.at(0) or None, currency)
                levels[-1].total += sum(amount or 0 for _, amount in summaries(record))
                yield account, record
            elif record.code == "16" and account is not None:
                levels[-1].total += record.amount(1) or 0
                yield account, record
            elif record.code in _TRAILERS:
                _check_trailer(record, levels)
        except RecordError as error:
            where = f"Record {record.code} on line {record.line_no}"
            raise FileRefused(f"{where} has {error}; correct the file and deliver it again.") from error
    if levels:
        raise FileRefused("It ends without its file trailer (record 99): it is cut off. Deliver it again.")
    if group is None:
        raise FileRefused("It holds no BAI2 report: there is no group header (record 02).")


def summaries(record: Record) -> list[tuple[str, int | None]]:
    """Type codes and amounts of an account record; RecordError when it cannot be split."""
    found = []
    position = 2
    while position < len(record.fields):
        type_code = record.at(position)
        if not type_code:
            # An account without summaries has empty fields; some banks end a line with one comma more.
            position += 1
            continue
        if not _TYPE_CODE.fullmatch(type_code):
            raise RecordError(f"the type code {record.shown(position)}, which is not of three digits")
        found.append((type_code, record.amount(position + 1)))
        position = record.after_availability(position + 3)
    return found


def _group(record: Record, number: int) -> Group:
    status = record.at(2)
    if status == "2":
        raise RecordError("the group status 2: what was reported cannot be deleted here")
    if status not in ("1", "3", "4"):
        raise RecordError(f"the group status {record.shown(2)}, which is none of 1, 2, 3 and 4")
    return Group(number, record.day(3), record.at(4), status, record.at(5) or _DEFAULT_CURRENCY)


def _take_place(record: Record, levels: list[_Level]) -> None:
    """Open the level that a header begins, and count the record's lines in every level it belongs to."""
    parent = _PARENTS[record.code]
    if parent != (levels[-1].code if levels else None):
        raise RecordError(f"a place that is not within record {parent}" if parent else "a place within another file")
    if record.code in _HEADERS:
        levels.append(_Level(record.code))
    for level in levels:
        level.records += len(record.lines)


def _check_trailer(record: Record, levels: list[_Level]) -> None:
    level = levels.pop()
    # A bank may leave out the total of an account without amounts.
    if record.amount(0) is None and level.total:
        raise RecordError(f"no total, where its records have {level.total}")
    stated = [("total", record.amount(0) or 0, level.total)]
    if record.code != "49":
        name = "number of groups" if record.code == "99" else "number of accounts"
        stated.append((name, record.count(1), level.members))
    stated.append(("number of records", record.count(len(stated)), level.records))
    for name, expected, found in stated:
        if expected != found:
            raise RecordError(f"the {name} {expected}, where its records have {found}")
    if levels:
        levels[-1].total += level.total
        levels[-1].members += 1


def _records(path: Path, encoding: str) -> Iterator[Record]:
    current: Record | None = None
    for line_no, line in _lines(path, encoding):
        code = _CODE.match(line)
        if code is None:
            raise FileRefused(f"Line {line_no} begins with no record code of BAI2; deliver the file again.")
        if code[1] != "88":
            if current is not None:
                yield current
            current = Record(code[1], line_no, [], [], [])
        elif current is None:
            raise FileRefused("It begins with a continuation (record 88): its beginning is missing. Deliver it again.")
        _extend(current, line, line[code.end() :])
    if current is not None:
        yield current


def _extend(record: Record, line: str, content: str) -> None:
    """Append the fields of a line. The slash that ends it is no part of them; free text may hold others."""
    record.length += len(line)
    if record.length > _RECORD_CHARACTERS:
        raise FileRefused(f"The record on line {record.line_no} is longer than {_RECORD_CHARACTERS:,} characters.")
    fields = content.removesuffix("/").split(",")
    record.fields += fields
    record.begins_line += [True] + [False] * (len(fields) - 1)
    record.lines.append(line)


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank."""
    try:
        with path.open(encoding=encoding) as stream:
            line_no = 0
            while line := stream.readline(_RECORD_CHARACTERS + 2):
                line_no += 1
                # DOS ends a file with the sign 1A.
                text = (line.removeprefix("\ufeff") if line_no == 1 else line).rstrip("\x1a\r\n").strip()
                if text:
                    yield line_no, text
    except UnicodeError as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else error
        raise FileRefused(f"It is not {encoding} ({reason}); deliver it again or correct the mapping.") from error
