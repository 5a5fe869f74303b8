"""BAI2 account reports (Cash Management Balance Reporting Specifications, Version 2).

Transactions (16) are records ``entry``, the balances of an account record (03) that prove it are records ``balance``.
Totals and counts of the trailers (49, 98, 99) must agree with the records, or the file is refused whole.

The bai2 library gives the table of type codes. It does not read the file: it would hold all of it in memory, and refuse
it for one type code that a bank defines itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

from bai2.constants import TypeCodeLevel, TypeCodes, TypeCodeTransaction  # type: ignore[import-untyped]

from sources.mapping import Mapping
from sources.readers import Records, Workspace
from sources.readers.bai2_records import Account, Record, RecordError, account_records, summaries
from sources.readers.references import STATEMENT_NO, told_apart
from sources.readers.spool import Broken, LeftOut, Row, kind_of, spooled

_ENTRY_COLUMNS = (
    "account_no",
    "transaction_ref",
    "booking_date",
    "value_date",
    "credit_debit",
    "amount",
    "currency",
    "is_return",
    "remittance_text",
    "type_code",
    "funds_type",
    "bank_reference",
    "customer_reference",
    STATEMENT_NO,
)
_BALANCE_COLUMNS = ("account_no", "balance_date", "balance_type", "amount", "currency")
_BALANCE_TYPES = {"010": "OPBD", "015": "CLBD", "045": "CLAV"}

_RETURNS = frozenset({
    "123", "252", "255", "257", "258", "261", "266", "395",
    "423", "552", "555", "557", "558", "561", "566", "694",
})  # fmt: skip
"""Type codes of items that are returned, rejected or reversed; not of corrections, adjustments and their fees."""
_NO_MONEY = "890"
_SHOWN_CHARACTERS = 40

_MINOR_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Decimal places of the currencies in ISO 4217 that have not two."""

Values = dict[str, str | None]


def open_bai2(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a BAI2 file, in the mapping's encoding, for its records ``entry`` or ``balance``."""
    if kind_of(mapping, ("entry", "balance")) == "balance":
        return spooled(partial(_balances, path, mapping.encoding), _BALANCE_COLUMNS, workspace)
    records = spooled(partial(_entries, path, mapping.encoding), _ENTRY_COLUMNS, workspace)
    return told_apart(records, workspace.connection)


def _entries(path: Path, encoding: str, left_out: LeftOut) -> Iterator[Row | Broken]:
    position = 0
    for account, record in account_records(path, encoding):
        if record.code == "03":
            position = 0
            continue
        position += 1
        if account.is_test:
            left_out["entries of test groups"] += 1
        elif record.at(0) == _NO_MONEY:
            left_out["entries without money (type code 890)"] += 1
        else:
            yield _row_or_broken(account, record, position)


def _row_or_broken(account: Account, record: Record, position: int) -> Row | Broken:
    try:
        return Row(_entry(account, record, position), record.line_no, lambda: record.raw_text)
    except RecordError as error:
        return Broken("record", f"It has {error}.", record.line_no, record.raw_text)


def _entry(account: Account, record: Record, position: int) -> Values:
    """Columns of a transaction; RecordError when its type code gives it no sign or its funds type is unknown.

    A bank's reference is unique on its day at most, and where there is none, or zeros, its place in the report has to
    do. A group that reports on an account twice makes one statement of it.
    """
    group = account.group
    references = record.after_availability(2)
    bank_reference = record.at(references)
    as_of = group.as_of.isoformat()
    has_reference = bank_reference.strip("0") != ""
    place = f"{group.as_of_time}/{position}" if group.as_of_time else str(position)
    return {
        "account_no": account.account_no,
        "transaction_ref": f"{as_of}/{bank_reference if has_reference else place}",
        "booking_date": as_of,
        "value_date": record.day(3).isoformat() if record.at(2) == "V" and record.at(3) else None,
        "credit_debit": _side(record.at(0)),
        "amount": _in_major_units(record.amount(1), account.currency),
        "currency": account.currency,
        "is_return": "true" if record.at(0) in _RETURNS else "false",
        "remittance_text": record.text_from(references + 2) or None,
        "type_code": record.at(0),
        "funds_type": record.at(2) or None,
        "bank_reference": bank_reference or None,
        "customer_reference": record.at(references + 1) or None,
        STATEMENT_NO: f"{account.group.number}/{account.account_no}",
    }


def _side(type_code: str) -> str:
    """Credit or debit by the code's range; loan codes (700-799) and SEPA codes by the table.

    100-399 and, defined by the bank, 920-959 are credits; 400-699 and 960-999 debits; others are states of an account.
    """
    known = TypeCodes.get(type_code)
    if known is not None and known.level is not TypeCodeLevel.detail:
        raise RecordError(
            f"the type code {type_code[:_SHOWN_CHARACTERS]!r}, which is of a total or a balance and not of an entry"
        )
    if known is not None and known.transaction in (TypeCodeTransaction.credit, TypeCodeTransaction.debit):
        return "CRDT" if known.transaction is TypeCodeTransaction.credit else "DBIT"
    if len(type_code) == 3 and type_code.isdecimal() and type_code.isascii():
        number = int(type_code)
        if 100 <= number < 400 or 920 <= number < 960:
            return "CRDT"
        if 400 <= number < 700 or number >= 960:
            return "DBIT"
    raise RecordError(f"the type code {type_code[:_SHOWN_CHARACTERS]!r}, which says neither credit nor debit")


def _balances(path: Path, encoding: str, left_out: LeftOut) -> Iterator[Row | Broken]:
    for account, record in account_records(path, encoding):
        if record.code != "03":
            continue
        for type_code, amount in summaries(record):
            if account.is_test:
                left_out["balances of test groups"] += 1
            elif type_code not in _BALANCE_TYPES:
                left_out["totals and balances of other types"] += 1
            elif amount is None:
                left_out["balances without an amount"] += 1
            else:
                values: Values = {
                    "account_no": account.account_no,
                    "balance_date": account.group.as_of.isoformat(),
                    "balance_type": _BALANCE_TYPES[type_code],
                    "amount": _in_major_units(amount, account.currency),
                    "currency": account.currency,
                }
                yield Row(values, record.line_no, partial(_raw_text, record))


def _raw_text(record: Record) -> str:
    return record.raw_text


def _in_major_units(amount: int | None, currency: str) -> str | None:
    """An amount of minor units as a plain decimal."""
    return None if amount is None else f"{Decimal(amount).scaleb(-_MINOR_DIGITS.get(currency, 2)):f}"
