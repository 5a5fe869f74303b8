"""SWIFT account statements: MT940 (end of day) and MT942 (interim, without balances).

Statement lines (``:61:`` with their ``:86:``) are records ``entry``, final balances records ``balance``. The tags of
the mt-940 library read each field. They are asked one by one: its parser would read a text whole, stop at the first
wrong field and merge lines without a transaction type.

What an MT940 books stands in the MT942 of the day as well: an account delivers one of them, or its bank gives every
entry a reference (subfield 8), by which the same booking is recognised.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mt940 import models, processors, tags
from mt940.options import Options

from sources.mapping import Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.readers.references import STATEMENT_NO, told_apart
from sources.readers.slash_codes import NO_END_TO_END_ID, coded
from sources.readers.spool import Broken, LeftOut, Row, kind_of, spooled
from sources.readers.structured_information import structured
from sources.readers.swift import FIELD_CHARACTERS, Field, Statement, is_readable_balance, statement_records

# What does not parse goes to quarantine; the library would print it too, account numbers and all.
logging.getLogger("mt940").setLevel(logging.CRITICAL)

_ENTRY_COLUMNS = (
    "account_no",
    "transaction_ref",
    "booking_date",
    "value_date",
    "credit_debit",
    "amount",
    "currency",
    "is_return",
    "purpose_code",
    "counterparty_name",
    "counterparty_account_no",
    "end_to_end_id",
    "remittance_text",
    "transaction_type",
    "customer_reference",
    "bank_reference",
    "supplementary_details",
    "statement_number",
    STATEMENT_NO,
)
_BALANCE_COLUMNS = ("account_no", "balance_date", "balance_type", "amount", "currency")
_BALANCE_TYPES = {"60F": "OPBD", "62F": "CLBD", "64": "CLAV"}
_NO_REFERENCE = frozenset({"", "NONREF"})
"""What subfields 7 and 8 hold where there is no reference (SWIFT Standards MT, category 9, field 61)."""

_RETURNS = frozenset({"NRTI", "FRTI"})
"""Transaction types (subfield 6) of a returned item."""
_GERMAN_RETURNS = frozenset({"009", "059", "108", "109", "110", "111", "159", "160", "181", "182", "183", "184"})
"""Codes of a booking (Geschaeftsvorfallcode, DFÜ-Abkommen, annex 3) of transfers, debits, cheques that came back."""

_LINE_START = r"[0-9]{6}(?:[0-9]{4}| {4})?"
_STATEMENT_LINE = re.compile(
    rf"({_LINE_START}R?[CD][A-Z]?[\n ]?[0-9]+(?:,[0-9]*|[.](?:[0-9]{{2}})?)?) *(?=[A-Z]|//)", re.IGNORECASE
)
"""Up to the transaction type, before which Deutsche Bank puts a blank and which others leave out before ``//``."""
_EXPECTED_LINE = re.compile(rf"{_LINE_START}E[CD]", re.IGNORECASE)

# The second takes a reference for the account owner of any length, which some banks write (SWIFT: 16 characters).
_LINE_FORMS = (tags.Statement(), tags.StatementGLS())
_NON_SWIFT = tags.NonSwift()
_INFORMATION = re.compile(r"^:\n?(86|NS)[A-Z]?:", re.MULTILINE)
_LIBRARY_ERRORS = (RuntimeError, ValueError, ArithmeticError)

Values = dict[str, str | None]


def open_mt940(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a file of MT940 or MT942 messages, in the mapping's encoding, for its records ``entry`` or ``balance``."""
    if kind_of(mapping, ("entry", "balance")) == "balance":
        return spooled(partial(_balances, path, mapping.encoding), _BALANCE_COLUMNS, workspace)
    records = spooled(partial(_entries, path, mapping.encoding), _ENTRY_COLUMNS, workspace)
    return told_apart(records, workspace.connection)


def _entries(path: Path, encoding: str, left_out: LeftOut) -> Iterator[Row | Broken]:
    library = models.Transactions(options=Options.all())
    for record in statement_records(path, encoding):
        if isinstance(record, Broken):
            yield record
            continue
        statement, field = record
        if not field.tag.startswith("61"):
            continue
        if _EXPECTED_LINE.match(field.text):
            left_out["entries that are expected and not booked"] += 1
        else:
            yield _row(field, encoding, partial(_entry, library, statement))


def _balances(path: Path, encoding: str, left_out: LeftOut) -> Iterator[Row | Broken]:
    library = models.Transactions(options=Options.all())
    is_empty = True
    for record in statement_records(path, encoding):
        if isinstance(record, Broken):
            yield record
            continue
        statement, field = record
        if field.tag.startswith("61"):
            continue
        is_empty = False
        if field.tag in _BALANCE_TYPES:
            yield _row(field, encoding, partial(_balance, library, statement))
        else:
            left_out["intermediate balances" if field.tag.endswith("M") else "balances of other types"] += 1
    if is_empty:
        raise FileRefused("It states no balances, as no MT942 does; deliver it to bank.transaction alone.")


def _row(field: Field, encoding: str, read: Callable[[Field], Values]) -> Row | Broken:
    """What ``read`` makes of the field; Broken when it does not decode, is too long or has another form."""
    if not field.decodes:
        rule = "encoding"
        message = (
            f"It holds bytes that are no {encoding}; name the bank's encoding, such as text: {{encoding: cp1252}}."
        )
    elif field.is_cut:
        rule, message = "length", f"It is longer than {FIELD_CHARACTERS:,} characters."
    else:
        try:
            return Row(read(field), field.line_no, lambda: field.as_delivered)
        except _LIBRARY_ERRORS as error:
            reason = f" ({error})" if isinstance(error, ValueError) else ""
            rule, message = "field", f"Field :{field.tag}: has not the form that SWIFT gives it{reason}."
    return Broken(rule, message, field.line_no, field.as_delivered)


def _entry(library: models.Transactions, statement: Statement, field: Field) -> Values:
    """Columns of a statement line.

    The entry date is that of the booking, and normally given only where it differs from the value date. RC takes back a
    credit, so that it is a debit, and RD the other way around (SWIFT Standards MT, category 9, field 61). The library
    makes a value date of 30 February, by which banks count interest, the last day of the month. A reference is unique
    on its day at most: banks number from one each day, and some let text run on into subfield 8.
    """
    data = _parsed(library, field)
    mark, transaction_type = str(data["status"]).upper(), _text(data, "id")
    booking_date = (data.get("entry_date") or data["date"]).isoformat()
    bank_reference = _text(data, "bank_reference")
    if bank_reference in _NO_REFERENCE:
        bank_reference = None
    transaction_ref = f"{booking_date}/{bank_reference}" if bank_reference else f"{statement.key}/{statement.entries}"
    customer_reference = (_text(data, "customer_reference") or "").partition("\n")[0]
    information = coded(_text(data, "transaction_details") or "")
    end_to_end_id = _text(data, "end_to_end_reference")
    is_return = (
        mark.startswith("R") or transaction_type in _RETURNS or _text(data, "transaction_code") in _GERMAN_RETURNS
    )
    purpose = " ".join(text for text in (_text(data, "purpose"), _text(data, "additional_purpose")) if text)
    return {
        "account_no": statement.account_no,
        "transaction_ref": transaction_ref,
        "booking_date": booking_date,
        "value_date": data["date"].isoformat(),
        "credit_debit": "CRDT" if mark in ("C", "RD") else "DBIT",
        "amount": f"{abs(data['amount'].amount):f}",
        "currency": statement.currency,
        "is_return": "true" if is_return else "false",
        "purpose_code": _text(data, "purpose_code"),
        "counterparty_name": _text(data, "applicant_name") or information.counterparty_name,
        "counterparty_account_no": (
            _text(data, "applicant_iban", "gvc_applicant_iban") or information.counterparty_account_no
        ),
        "end_to_end_id": information.end_to_end_id if end_to_end_id in (None, NO_END_TO_END_ID) else end_to_end_id,
        "remittance_text": purpose or _text(data, "transaction_details", "non_swift_text", "posting_text"),
        "transaction_type": transaction_type,
        "customer_reference": None if customer_reference in _NO_REFERENCE else customer_reference,
        "bank_reference": bank_reference,
        "supplementary_details": _text(data, "extra_details"),
        "statement_number": statement.statement_number,
        STATEMENT_NO: str(statement.number),
    }


def _balance(library: models.Transactions, statement: Statement, field: Field) -> Values:
    if not is_readable_balance(field):
        raise ValueError("mark, date, currency and an amount such as 1234,56 are expected")
    first_line = field.text.partition("\n")[0]
    library.parse(f":{field.tag}:{first_line.replace('.', ',')}")
    balance: Any = next(value for value in library.data.values() if isinstance(value, models.Balance))
    library.data.clear()
    return {
        "account_no": statement.account_no,
        "balance_date": balance.date.isoformat(),
        "balance_type": _BALANCE_TYPES[field.tag],
        "amount": f"{balance.amount.amount:f}",
        "currency": balance.amount.currency,
    }


def _parsed(library: models.Transactions, field: Field) -> dict[str, Any]:
    """What a statement line and its ``:86:`` say, by the library's names; one of _LIBRARY_ERRORS when it is none."""
    beginning = _STATEMENT_LINE.match(field.text)
    if beginning is None:
        raise ValueError("date, mark, amount and type are expected")
    # A decimal point, as Rabobank once wrote, can be no other mark: SWIFT has none for thousands.
    delivered = f"{beginning[1].replace('.', ',')}{field.text[beginning.end() :]}"
    line, *others = _INFORMATION.split("\n".join(library.strip(delivered.split("\n"))))
    data = _statement_line(library, line.strip())
    for tag, text in zip(others[::2], others[1::2], strict=True):
        _add(data, _information(library, tag, text.strip()))
    return data


def _statement_line(library: models.Transactions, line: str) -> dict[str, Any]:
    for form in _LINE_FORMS:
        if match := form.re.match(line):
            return form(library, processors.date_fixup_pre_processor(library, form, match.groupdict()))
    raise RuntimeError("no form of a statement line")


def _information(library: models.Transactions, tag: str, text: str) -> dict[str, Any]:
    if tag == "NS":
        return _NON_SWIFT(library, {"non_swift": text})
    parts = structured(text)
    return {"transaction_details": text} if parts is None else parts


def _add(data: dict[str, Any], more: dict[str, Any]) -> None:
    """Add values to those of the same entry: texts of one name are lines of one text."""
    for name, value in more.items():
        held = data.get(name)
        if held is None:
            data[name] = value
        elif value is not None:
            data[name] = f"{held}\n{value.strip()}"


def _text(data: dict[str, Any], *names: str) -> str | None:
    """The first of these values that is not blank, trimmed."""
    for name in names:
        value = data.get(name)
        if value and (text := str(value).strip()):
            return text
    return None
