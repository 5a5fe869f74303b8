"""SWIFT statement messages (MT940, MT942) as a stream of records: entries and balances, each with its statement.

A field begins with its tag between colons at the start of a line (``:61:``), a message with its field ``:20:``. A
message may stand in the envelope of the SWIFT network (``{1:…}{2:…}{4:`` … ``-}``), in a bank's own header and trailer
lines, or bare.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stdnum import iban

from sources.readers import FileRefused
from sources.readers.spool import Broken

FIELD_CHARACTERS = 1 << 16
"""More than any field of these messages holds; of a longer one only the beginning is kept."""
_END = "-"

_LINE_CHARACTERS = 1 << 12
# Files that were put together keep what ended or began each of them: DOS's end of file, a byte order mark.
_TAG = re.compile(r"[\x01-\x1f\ufeff]*:((?:13|20|21|25|28|34|60|61|62|64|65|86|90|NS)[A-Z]?):")
_END_LINE = re.compile(r"\s*-(\}.*|XXX)?[\s\x01-\x1f]*")
_BALANCE_TAG = re.compile(r"(60|62|64|65)")
_BALANCE = re.compile(r"[CD]([0-9]{6})([A-Z]{3})[0-9]+(,[0-9]*|[.]([0-9]{2})?)\s*")
_BEFORE_THE_CLOSING_BALANCE = ("25", "28", "60", "61", "62")
_FLOOR_LIMIT = re.compile(r"[A-Z]{3}")
_INSTANT = re.compile(r"[0-9]{10}")


@dataclass(slots=True)
class Field:
    """A field: its tag, such as ``60F``, its text without the tag, and the line on which it begins.

    A line that may end a message (``-``) is a field with the tag ``-``.
    """

    tag: str
    text: str
    line_no: int
    is_cut: bool = False

    def extend(self, text: str) -> None:
        """Append text as long as there is room."""
        room = FIELD_CHARACTERS - len(self.text)
        self.is_cut |= len(text) > room
        self.text += text[:room]

    @property
    def decodes(self) -> bool:
        """Whether all its bytes are text in the encoding of the file."""
        return self.text.isascii() or not any("\udc80" <= character <= "\udcff" for character in self.text)

    @property
    def shown(self) -> str:
        """Its text; bytes that do not decode as ``\\xNN``."""
        return self.text.encode(errors="surrogateescape").decode(errors="backslashreplace")

    @property
    def as_delivered(self) -> str:
        """The field with its tag."""
        return f":{self.tag}:{self.shown}"


@dataclass
class Statement:
    """A message from its ``:20:`` on, as far as it has been read; ``number`` counts the statements of the file."""

    number: int
    line_no: int
    reference: str
    account: str | None = None
    statement_number: str | None = None
    date: str | None = None
    currency: str | None = None
    is_interim: bool = False
    is_closed: bool = False
    entries: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether it may end here: an MT940 has a closing balance, an MT942 none."""
        return self.is_closed or self.is_interim

    @property
    def account_no(self) -> str | None:
        """The account without the currency that some banks write behind it; in a few countries it ends an IBAN."""
        if self.account is None or self.currency is None or not self.account.endswith(self.currency):
            return self.account
        number = self.account.removesuffix(self.currency).rstrip(" /")
        return self.account if not number or iban.is_valid(self.account) else number

    @property
    def key(self) -> str:
        """What tells it from the other statements of its account, whenever it is delivered.

        Banks that number statements begin anew every year, hence the date (of the opening balance or of the interim
        report). Where they do not number them, the reference of the message is all there is.
        """
        is_numbered = self.statement_number is not None and self.statement_number.strip("0/") != ""
        parts = (self.date, self.statement_number, None if is_numbered else self.reference)
        return "/".join(part for part in parts if part)

    def take(self, field: Field, before: Statement | None) -> bool:
        """Take what the field says of the statement; False when that is said already, as a mistyped tag would.

        ``before`` is the statement that precedes it in the file, which it continues when it opens with ``:60M:``.
        """
        text = field.text.partition("\n")[0].strip() if field.decodes else ""
        match field.tag[:2]:
            case "25":
                is_new, self.account = self.account is None, self.account or text or None
                return is_new
            case "28":
                is_new, self.statement_number = self.statement_number is None, self.statement_number or text
                return is_new
            case "13" | "34":
                self.is_interim = True
                if field.tag[:2] == "13" and (instant := _INSTANT.match(text)):
                    self.date = instant[0]
                if field.tag[:2] == "34" and (currency := _FLOOR_LIMIT.match(text)):
                    self.currency = currency[0]
            case "60":
                if balance := _BALANCE.fullmatch(text):
                    self.date, self.currency = balance[1], balance[2]
                if field.tag == "60M" and before is not None and before.account == self.account:
                    self._continue(before)
            case "62":
                self.is_closed = True
        return True

    def _continue(self, before: Statement) -> None:
        self.number = before.number
        if before.statement_number == self.statement_number:
            self.date, self.reference, self.entries = before.date, before.reference, before.entries


def statement_records(path: Path, encoding: str) -> Iterator[tuple[Statement, Field] | Broken]:
    """Entries (``:61:``, their ``:86:`` in the same text) and balances of all messages, each with its statement.

    Broken is a field that stands where there should be none. FileRefused when there is no message, or one without a
    closing balance.
    """
    statement: Statement | None = None
    before: Statement | None = None
    last: Statement | None = None
    entry: Field | None = None
    for field in _fields(path, encoding):
        is_end = field.tag == _END and (statement is None or statement.is_complete)
        if entry is not None and (field.tag.startswith(("86", "NS")) or (field.tag == _END and not is_end)):
            entry.extend(f"\n{field.text}" if field.tag == _END else f"\n:{field.tag}:{field.text}")
            continue
        if statement is not None and entry is not None:
            statement.entries += 1
            yield statement, entry
            entry = None
        if is_end:
            statement = None
        elif field.tag.startswith("20"):
            _check_complete(last)
            before, last = last, Statement(1 if last is None else last.number + 1, field.line_no, field.shown.strip())
            statement = last
        elif statement is None:
            yield _stray(field, "stands in no message: no field :20: is before it")
        elif statement.is_closed and field.tag.startswith(_BEFORE_THE_CLOSING_BALANCE):
            yield _stray(field, "stands behind the closing balance of its message, with no field :20: before it")
        elif field.tag.startswith("61"):
            entry = field
        elif not statement.take(field, before):
            yield _stray(field, "stands in its message for the second time")
        elif _BALANCE_TAG.match(field.tag):
            yield statement, field
    if statement is not None and entry is not None:
        statement.entries += 1
        yield statement, entry
    _check_complete(last)
    if last is None:
        raise FileRefused(
            "It holds no MT940 or MT942 message, as no line begins with :20:; deliver the whole file of the bank."
        )


def is_readable_balance(field: Field) -> bool:
    """Whether the balance has all its parts: mark, date, currency, amount with its decimal mark."""
    return _BALANCE.fullmatch(field.text.partition("\n")[0]) is not None


def _stray(field: Field, where: str) -> Broken:
    return Broken("field", f"Field :{field.tag}: {where}.", field.line_no, field.as_delivered)


def _check_complete(statement: Statement | None) -> None:
    if statement is not None and not statement.is_complete:
        raise FileRefused(
            f"The message of line {statement.line_no} has no closing balance (:62F: or :62M:): it is cut off. "
            "Deliver the file again."
        )


def _fields(path: Path, encoding: str) -> Iterator[Field]:
    """Fields of all messages of the file, in order; what stands before the first is no field.

    Bytes that do not decode are in the text as surrogates (PEP 383), where the encoding extends ASCII. In another one
    they refuse the file.
    """
    current: Field | None = None
    try:
        for line_no, text, starts_line in _lines(path, encoding):
            tag = _TAG.match(text) if starts_line else None
            is_end = starts_line and _END_LINE.fullmatch(text) is not None
            if tag is None and not is_end:
                if current is not None:
                    current.extend(f"\n{text}" if starts_line else text)
                continue
            if current is not None:
                yield current
            current = Field(_END, text, line_no) if tag is None else Field(tag[1], text[tag.end() :], line_no)
    except UnicodeError as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else error
        raise FileRefused(f"It is not {encoding} ({reason}); deliver it again or correct the mapping.") from error
    if current is not None:
        yield current


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str, bool]]:
    """Number and text of each line, and whether the text starts the line: a long line comes in several pieces."""
    with path.open(encoding=encoding, errors="surrogateescape") as stream:
        line_no, starts_line, colon = 1, True, ""
        while text := stream.readline(_LINE_CHARACTERS):
            if line_no == 1 and starts_line:
                text = text.removeprefix("\ufeff")
            if colon and _TAG.match(colon + text):
                yield line_no - 1, colon + text.rstrip("\n"), True
            else:
                if colon:
                    yield line_no - 1, colon, True
                if text != ":\n" or not starts_line:
                    yield line_no, text.rstrip("\n"), starts_line
            # Savings banks break the line after the first colon of a tag.
            colon = ":" if starts_line and text == ":\n" else ""
            starts_line = text.endswith("\n")
            line_no += starts_line
        if colon:
            yield line_no - 1, colon, True
