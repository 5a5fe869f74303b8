"""ISO 20022 bank statements, all versions: camt.052 (intraday), camt.053 (end of day), camt.054 (notices).

Booked entries are records ``entry``, balances of the types that prove a statement are records ``balance``. What a
camt.053 books stands in the camt.052 and camt.054 of the day as well: an account delivers one of them, or its bank
gives every entry a reference (AcctSvcrRef), by which the same booking is recognised.

A statement says neither what an account is used for nor whether it is open, so it yields no rows of bank.account.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path

from sources.mapping import Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.readers.references import STATEMENT_NO, told_apart
from sources.readers.spool import Broken, LeftOut, Row, kind_of, spooled
from sources.readers.xml import Element, as_text, line_no, local_name, stream
from sources.readers.xml_texts import TextReader, Texts

_STATEMENTS = ("Stmt", "Rpt", "Ntfctn")
_NOT_BOOKED = frozenset({"PDNG", "INFO", "FUTR"})
_BALANCE_TYPES = frozenset({"OPBD", "CLBD", "CLAV"})
_CLOSED_BEFORE = "PRCD"
_SHARE_AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
_REMITTANCE = ("RmtInf/Ustrd", "RmtInf/Strd/RfrdDocInf/Nb", "RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/AddtlRmtInf")
_ACCOUNT_IDS = ("Id/IBAN", "Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN", "Id/UPIC")
_NAMES = ("{}/Pty/Nm", "{}/Nm", "{}/Agt/FinInstnId/Nm", "Ultmt{}/Pty/Nm", "Ultmt{}/Nm")
# Version 1 has no NtryDtls around them.
_TRANSACTIONS = ("NtryDtls/TxDtls", "TxDtls")
_BATCH_SIZE = ("NtryDtls/Btch/NbOfTxs", "Btch/NbOfTxs")
_PAGES = ("StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb")
_NO_REFERENCE = frozenset({"NOTPROVIDED", "NONREF"})
"""What stands where there is no reference: by the rulebooks of SEPA, and by MT940, from which banks convert."""
_SHOWN_CHARACTERS = 40
_DAY_CHARACTERS, _DAYS_REMEMBERED = 50, 256
_PLAIN_AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{0,10})?")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9:.]+)?(Z|[+-][0-9]{2}:[0-9]{2})?")

_PARTY_NAMES = {side: tuple(f"RltdPties/{path.format(side)}" for path in _NAMES) for side in ("Dbtr", "Cdtr")}
_PARTY_ACCOUNTS = {side: tuple(f"RltdPties/{side}Acct/{path}" for path in _ACCOUNT_IDS) for side in ("Dbtr", "Cdtr")}

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
    STATEMENT_NO,
)
_BALANCE_COLUMNS = ("account_no", "balance_date", "balance_type", "amount", "currency")

_READ = (
    # of the message and the statement
    *("MsgPgntn/PgNb", "Id", *_PAGES, *(f"Acct/{path}" for path in _ACCOUNT_IDS)),
    # of the entry
    *("Amt@Ccy", "CdtDbtInd", "Sts/Cd", "Sts", "Sts/Prtry", "RvslInd", "AcctSvcrRef", *_BATCH_SIZE, "AddtlNtryInf"),
    *(f"{path}/{day}" for path in ("BookgDt", "ValDt") for day in ("Dt", "DtTm")),
    # of its transactions
    *(*_SHARE_AMOUNTS, *(f"{path}@Ccy" for path in _SHARE_AMOUNTS), "RtrInf", "Refs/AcctSvcrRef", "Refs/EndToEndId"),
    *("Purp/Cd", "Purp/Prtry", *_REMITTANCE, "AddtlTxInf"),
    *(path for paths in (*_PARTY_NAMES.values(), *_PARTY_ACCOUNTS.values()) for path in paths),
    # of the balance
    *("Tp/CdOrPrtry/Cd", "Tp/Cd", "Tp/SubTp/Cd", "Dt/Dt", "Dt/DtTm"),
)
"""All paths of which a text is read, from any of these elements."""

Values = dict[str, str | None]


@dataclass(frozen=True)
class _Statement:
    """What the entries of one statement share; ``number`` counts the statements of the file."""

    number: int
    statement_id: str
    account_no: str | None


@dataclass(frozen=True)
class _Entry:
    """A booked entry: its own texts, those of its transactions, and where it stands in its statement, from 1."""

    texts: Texts
    transactions: list[Texts]
    position: int


def open_camt(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a statement for its records ``entry`` or ``balance``."""
    if kind_of(mapping, ("entry", "balance")) == "balance":
        return spooled(partial(_balances, path), _BALANCE_COLUMNS, workspace)
    return told_apart(spooled(partial(_entries, path), _ENTRY_COLUMNS, workspace), workspace.connection)


def _entries(path: Path, left_out: LeftOut) -> Iterator[Row | Broken]:
    reader = TextReader(_READ, kept=_TRANSACTIONS)
    for statement, element, position in _elements(path, "Ntry", reader):
        entry = _entry(element, position, reader)
        status = _text(entry.texts, "Sts/Cd", "Sts", "Sts/Prtry")
        if status in _NOT_BOOKED:
            left_out["entries that are not booked"] += 1
        elif status == "BOOK":
            raw_text, line = partial(as_text, element), line_no(element)
            for values in _entry_rows(statement, entry, left_out):
                yield Row(values, line, raw_text)
        else:
            states = "It states no status (Sts)"
            if status:
                states = f"Its status {status[:_SHOWN_CHARACTERS]!r} is none of BOOK, PDNG, INFO and FUTR"
            message = f"{states}, so it does not say that it is booked; ask the bank."
            yield Broken("status", message, line_no(element), as_text(element))


def _entry(element: Element, position: int, reader: TextReader) -> _Entry:
    texts, transactions = reader.texts_and_kept(element)
    return _Entry(texts, [reader.texts(part) for part in transactions], position)


def _entry_rows(statement: _Statement, entry: _Entry, left_out: LeftOut) -> Iterator[Values]:
    """The rows of one entry; their signed amounts always add up to the amount that was booked.

    An entry is one row for each of its transactions only where these prove to be all of it. Otherwise (amounts are
    missing or in another currency, charges were taken, only some are listed) it is one row of the amount booked, and
    its transactions are left out: the entry is what moved the account, and to count both would move it twice.
    """
    texts, transactions = entry.texts, entry.transactions
    own_ref = _reference(texts, "AcctSvcrRef")
    reference = own_ref or _place(statement, entry)
    amount, side = _text(texts, "Amt"), _text(texts, "CdtDbtInd")
    if len(transactions) == 1 and _text(texts, *_BATCH_SIZE) in (None, "1"):
        (only,) = transactions
        yield _row(statement, texts, only, own_ref or _reference(only, "Refs/AcctSvcrRef") or reference, amount, side)
        return
    if shares := _shares(texts, transactions):
        for number, (part, share) in enumerate(zip(transactions, shares, strict=True), start=1):
            part_ref = _reference(part, "Refs/AcctSvcrRef") or f"{reference}/{number}"
            yield _row(statement, texts, part, part_ref, share, _text(part, "CdtDbtInd") or side)
        return
    if transactions:
        left_out["transactions that do not add up to the entry that bundles them"] += len(transactions)
    row = _row(statement, texts, {}, reference, amount, side)
    if transactions and all("RtrInf" in part for part in transactions):
        row["is_return"] = "true"
    yield row


def _place(statement: _Statement, entry: _Entry) -> str:
    """What an entry without a reference is known by; with its day, as some banks give all their statements one Id."""
    day = _date(entry.texts, "BookgDt") or _date(entry.texts, "ValDt") or ""
    return f"{statement.statement_id}/{day}/{entry.position}"


def _shares(texts: Texts, transactions: list[Texts]) -> list[str] | None:
    """Amounts of several transactions in the entry's currency; None where they do not add up to the entry's amount."""
    booked, currency, side = _text(texts, "Amt"), _text(texts, "Amt@Ccy"), _text(texts, "CdtDbtInd")
    if len(transactions) < 2 or booked is None or not _PLAIN_AMOUNT.fullmatch(booked):
        return None
    shares: list[str] = []
    total = Decimal(0)
    for part in transactions:
        path = next((path for path in _SHARE_AMOUNTS if _text(part, f"{path}@Ccy") == currency), None)
        share = None if path is None else _text(part, path)
        if share is None or not _PLAIN_AMOUNT.fullmatch(share):
            return None
        shares.append(share)
        total += Decimal(share) if _text(part, "CdtDbtInd") in (side, None) else -Decimal(share)
    return shares if total == Decimal(booked) else None


def _row(
    statement: _Statement,
    texts: Texts,
    part: Texts,
    transaction_ref: str,
    amount: str | None,
    credit_debit: str | None,
) -> Values:
    is_return = "RtrInf" in part or _text(texts, "RvslInd") in ("true", "1")
    counterparty_name, counterparty_account_no = _counterparty(part, credit_debit == "CRDT", is_return)
    remittance = [text for path in _REMITTANCE for text in part.get(path, ())]
    return {
        "account_no": statement.account_no,
        "transaction_ref": transaction_ref,
        "booking_date": _date(texts, "BookgDt"),
        "value_date": _date(texts, "ValDt"),
        "credit_debit": credit_debit,
        "amount": amount,
        "currency": _text(texts, "Amt@Ccy"),
        "is_return": "true" if is_return else "false",
        "purpose_code": _text(part, "Purp/Cd", "Purp/Prtry"),
        "counterparty_name": counterparty_name,
        "counterparty_account_no": counterparty_account_no,
        "end_to_end_id": _reference(part, "Refs/EndToEndId"),
        "remittance_text": " ".join(remittance) or _text(part, "AddtlTxInf") or _text(texts, "AddtlNtryInf"),
        STATEMENT_NO: str(statement.number),
    }


def _counterparty(part: Texts, is_credit: bool, is_return: bool) -> tuple[str | None, str | None]:
    """Name and account of the other party: the debtor of money that came in.

    The parties of a return are those of the transaction that it takes back, where the bank follows ISO 20022 ("parties
    related to the underlying transaction").
    """
    usual, other = ("Dbtr", "Cdtr") if is_credit else ("Cdtr", "Dbtr")
    for side in (other, usual) if is_return else (usual,):
        name, account_no = _text(part, *_PARTY_NAMES[side]), _text(part, *_PARTY_ACCOUNTS[side])
        if name or account_no:
            return name, account_no
    return None, None


def _balances(path: Path, left_out: LeftOut) -> Iterator[Row | Broken]:
    """Balances of the types that prove a statement.

    Where a statement has no opening balance, the closing balance before it (PRCD) is the one that it opened with.
    """
    reader = TextReader(_READ)
    number, before = 0, None
    for statement, element, _ in _elements(path, "Bal", reader):
        if statement.number != number:
            if before is not None:
                yield before
            number, before, has_opening = statement.number, None, False
        texts = reader.texts(element)
        balance_type = _text(texts, "Tp/CdOrPrtry/Cd", "Tp/Cd")
        is_before = balance_type == _CLOSED_BEFORE and before is None and not has_opening
        if balance_type not in _BALANCE_TYPES and not is_before:
            left_out["balances of other types"] += 1
        elif _text(texts, "Tp/SubTp/Cd") == "INTM":
            left_out["intermediate balances"] += 1
        elif is_before:
            before = _balance(statement, element, texts, "OPBD")
        else:
            if balance_type == "OPBD":
                left_out["balances of other types"] += before is not None
                before, has_opening = None, True
            yield _balance(statement, element, texts, str(balance_type))
    if before is not None:
        yield before


def _balance(statement: _Statement, element: Element, texts: Texts, balance_type: str) -> Row | Broken:
    amount, side = _text(texts, "Amt"), _text(texts, "CdtDbtInd")
    if side not in ("CRDT", "DBIT"):
        message = f"Its sign {(side or '')[:_SHOWN_CHARACTERS]!r} is neither CRDT nor DBIT."
        return Broken("credit_debit", message, line_no(element), as_text(element))
    row: Values = {
        "account_no": statement.account_no,
        "balance_date": _date(texts, "Dt"),
        "balance_type": balance_type,
        "amount": f"-{amount}" if amount is not None and side == "DBIT" else amount,
        "currency": _text(texts, "Amt@Ccy"),
    }
    return Row(row, line_no(element), partial(as_text, element))


def _elements(path: Path, wanted: str, reader: TextReader) -> Iterator[tuple[_Statement, Element, int]]:
    """Elements ``Ntry`` or ``Bal`` with their statement and their position in it, from 1."""
    statement = _Statement(0, "", None)
    owner: Element | None = None
    message_page: str | None = None
    finished = position = 0
    # What is not wanted comes up as well: it is dropped on the way, not kept until its statement ends.
    for element in stream(path, "GrpHdr", *_STATEMENTS, "Ntry", "Bal"):
        name = local_name(element)
        if name == "GrpHdr":
            message_page = _text(reader.texts(element), "MsgPgntn/PgNb")
        elif name in _STATEMENTS:
            finished += 1
            if name == "Ntfctn" and wanted == "Bal":
                raise FileRefused("A camt.054 notice states no balances; deliver it to bank.transaction alone.")
            continue
        parent = element.getparent()
        if parent is None or local_name(parent) not in _STATEMENTS:
            continue
        if parent is not owner:
            owner, position = parent, 0
            # Now or never: what stands before an element is dropped with it.
            statement = _statement(reader.texts(parent), finished + 1, message_page)
        if name == wanted:
            position += 1
            yield statement, element, position
    if not finished:
        raise FileRefused(
            "It holds no statement (Stmt, Rpt or Ntfctn); deliver a camt.052, camt.053 or camt.054 message."
        )


def _statement(texts: Texts, number: int, message_page: str | None) -> _Statement:
    # The pages of one statement share its Id and count their entries anew.
    pages = (page for page in (message_page, _text(texts, *_PAGES)) if page and page != "1")
    statement_id = "/".join([_text(texts, "Id") or str(number), *pages])
    return _Statement(number, statement_id, _text(texts, *(f"Acct/{path}" for path in _ACCOUNT_IDS)))


def _text(texts: Texts, *paths: str) -> str | None:
    """The first text at the first of the paths that has any."""
    for path in paths:
        if found := texts.get(path):
            return found[0]
    return None


def _reference(texts: Texts, path: str) -> str | None:
    """The reference at the path; None where what stands there says that there is none."""
    reference = _text(texts, path)
    return None if reference in _NO_REFERENCE or not (reference or "").strip("0") else reference


def _date(texts: Texts, path: str) -> str | None:
    """A date, or the date part of a date and time as the bank wrote it (its own calendar day, not UTC's)."""
    text = _text(texts, f"{path}/Dt", f"{path}/DtTm")
    if text is None:
        return None
    # A long one is not remembered, as it can be of any length.
    return _day(text) if len(text) <= _DAY_CHARACTERS else _day.__wrapped__(text)


@lru_cache(maxsize=_DAYS_REMEMBERED)
def _day(text: str) -> str:
    day = _DAY.fullmatch(text)
    return text if day is None else day[1]
