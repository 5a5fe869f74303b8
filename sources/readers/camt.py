"""ISO 20022 bank statements, all versions: camt.052 (intraday), camt.053 (end of day), camt.054 (notices).

Booked entries are records ``entry``: one an entry, or one a transaction where an entry bundles several and states the
amount of each. Balances of the types that prove a statement are records ``balance``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sources.mapping import Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.readers.spool import LeftOut, Row, kind_of, spooled
from sources.readers.xml import Element, as_text, every, first, line_no, local_name, stream, text

_STATEMENTS = ("Stmt", "Rpt", "Ntfctn")
_BALANCE_TYPES = frozenset({"OPBD", "CLBD", "CLAV"})

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
)
_BALANCE_COLUMNS = ("account_no", "balance_date", "balance_type", "amount", "currency")

Values = dict[str, str | None]


@dataclass(frozen=True)
class _Statement:
    """What the entries of one statement share."""

    statement_id: str
    account_no: str | None


def open_camt(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a statement for its records ``entry`` or ``balance``."""
    kinds: dict[str, tuple[Callable[[Path, LeftOut], Iterator[Row]], tuple[str, ...]]] = {
        "entry": (_transactions, _ENTRY_COLUMNS),
        "balance": (_balances, _BALANCE_COLUMNS),
    }
    read, columns = kinds[kind_of(mapping, kinds)]
    return spooled(partial(read, path), columns, workspace)


def _transactions(path: Path, left_out: LeftOut) -> Iterator[Row]:
    position = 0
    for statement, entry in _elements(path, "Ntry"):
        position += 1
        if (text(entry, "Sts/Cd") or text(entry, "Sts")) != "BOOK":
            left_out["entries that are not booked"] += 1
            continue
        yield from (_row_of(values, entry) for values in _entry_rows(statement, entry, position))


def _entry_rows(statement: _Statement, entry: Element, position: int) -> Iterator[Values]:
    details = every(entry, "NtryDtls/TxDtls")
    amounts = [_amount(detail, "Amt") or _amount(detail, "AmtDtls/TxAmt/Amt") for detail in details]
    own_ref = text(entry, "AcctSvcrRef") or text(entry, "NtryRef") or f"{statement.statement_id}/{position}"
    if len(details) < 2 or any(amount is None for amount in amounts):
        detail = details[0] if len(details) == 1 else None
        yield _row(statement, entry, detail, own_ref, _amount(entry, "Amt") or (None, None))
        return
    for number, (detail, amount) in enumerate(zip(details, amounts, strict=True), start=1):
        ref = text(detail, "Refs/AcctSvcrRef") or f"{own_ref}/{number}"
        yield _row(statement, entry, detail, ref, amount or (None, None))


def _row(
    statement: _Statement,
    entry: Element,
    detail: Element | None,
    transaction_ref: str,
    amount: tuple[str | None, str | None],
) -> Values:
    credit_debit = (None if detail is None else text(detail, "CdtDbtInd")) or text(entry, "CdtDbtInd")
    row: Values = {
        "account_no": statement.account_no,
        "transaction_ref": transaction_ref,
        "booking_date": _date(entry, "BookgDt"),
        "value_date": _date(entry, "ValDt"),
        "credit_debit": credit_debit,
        "amount": amount[0],
        "currency": amount[1],
        "is_return": "false",
    }
    if text(entry, "RvslInd") in ("true", "1"):
        row["is_return"] = "true"
    if detail is None:
        row["remittance_text"] = text(entry, "AddtlNtryInf")
        return row
    if first(detail, "RtrInf") is not None:
        row["is_return"] = "true"
    party = "Dbtr" if credit_debit == "CRDT" else "Cdtr"
    parties = f"RltdPties/{party}"
    remittance = [element.text or "" for element in every(detail, "RmtInf/Ustrd")]
    references = [element.text or "" for element in every(detail, "RmtInf/Strd/CdtrRefInf/Ref")]
    row["purpose_code"] = text(detail, "Purp/Cd") or text(detail, "Purp/Prtry")
    row["counterparty_name"] = (
        text(detail, f"{parties}/Nm") or text(detail, f"{parties}/Pty/Nm") or text(detail, f"RltdPties/Ultmt{party}/Nm")
    )
    row["counterparty_account_no"] = _account_no(detail, f"{parties}Acct")
    row["end_to_end_id"] = text(detail, "Refs/EndToEndId")
    row["remittance_text"] = " ".join([*remittance, *references]) or text(entry, "AddtlNtryInf")
    return row


def _balances(path: Path, left_out: LeftOut) -> Iterator[Row]:
    for statement, balance in _elements(path, "Bal"):
        balance_type = text(balance, "Tp/CdOrPrtry/Cd")
        if balance_type not in _BALANCE_TYPES:
            left_out["balances of other types"] += 1
            continue
        amount, currency = _amount(balance, "Amt") or (None, None)
        is_overdrawn = text(balance, "CdtDbtInd") == "DBIT"
        row: Values = {
            "account_no": statement.account_no,
            "balance_date": _date(balance, "Dt"),
            "balance_type": balance_type,
            "amount": f"-{amount}" if amount is not None and is_overdrawn else amount,
            "currency": currency,
        }
        yield _row_of(row, balance)


def _row_of(values: Values, element: Element) -> Row:
    return Row(values, line_no(element), partial(as_text, element))


def _elements(path: Path, name: str) -> Iterator[tuple[_Statement, Element]]:
    """Elements ``name`` of the file's statements, in order, with what the statement says of itself before them."""
    statement = _Statement("", None)
    owner: Element | None = None
    finished = 0
    for element in stream(path, *_STATEMENTS, name):
        if local_name(element) in _STATEMENTS:
            finished += 1
            continue
        parent = element.getparent()
        if parent is None or local_name(parent) not in _STATEMENTS:
            continue
        if parent is not owner:
            owner = parent
            number = text(parent, "Id") or str(finished + 1)
            statement = _Statement(number, _account_no(parent, "Acct"))
        yield statement, element
    if not finished:
        raise FileRefused("It holds no statement (Stmt, Rpt or Ntfctn): it is no camt bank statement.")


def _amount(element: Element, path: str) -> tuple[str, str | None] | None:
    found = first(element, path)
    return None if found is None or not found.text else (found.text.strip(), found.get("Ccy"))


def _date(element: Element, path: str) -> str | None:
    """A date, or the date part of a date and time as the bank wrote it (its own calendar day, not UTC's)."""
    instant = text(element, f"{path}/DtTm")
    return text(element, f"{path}/Dt") or (None if instant is None else instant[:10])


def _account_no(element: Element, path: str) -> str | None:
    return text(element, f"{path}/Id/IBAN") or text(element, f"{path}/Id/Othr/Id")
