"""ISO 20022 camt.053 bank statements, all versions, read as a stream with entities off.

Booked entries become rows of ``bank.transaction``: one an entry, or one a transaction where an entry bundles several
and states the amount of each. Balances of the types the contract allows become rows of ``bank.balance``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from lxml import etree

from sources.contract import Contract
from sources.mapping import Mapping
from sources.readers import FileRefused, Located, Records, RecordsDisagree, Workspace, cut, sql_path

_BATCH_ROWS = 20_000
_BALANCE_TYPES = frozenset({"OPBD", "CLBD", "CLAV"})

Row = dict[str, str | None]


@dataclass(frozen=True)
class _Statement:
    """What the entries of one ``Stmt`` share."""

    statement_id: str
    account_no: str | None


@dataclass
class _LeftOut:
    """Counts of elements that are no rows of the feed, for the receipt."""

    not_booked: int = 0
    other_balances: int = 0

    def notes(self) -> tuple[str, ...]:
        notes = []
        if self.not_booked:
            notes.append(f"{self.not_booked} entries that are not booked were left out.")
        if self.other_balances:
            notes.append(f"{self.other_balances} balances of other types were left out.")
        return tuple(notes)


def open_camt053(path: Path, contract: Contract, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a camt.053 file for ``bank.transaction`` or ``bank.balance``."""
    readers: dict[str, Callable[[Path, _LeftOut], Iterator[tuple[Row, etree._Element]]]] = {
        "bank.transaction": _transactions,
        "bank.balance": _balances,
    }
    if contract.name not in readers:
        raise FileRefused(f"A camt.053 statement holds no rows of {contract.name}; deliver it to bank.transaction.")
    rows = readers[contract.name]
    schema = pa.schema([("row_no", pa.int64()), *((name, pa.string()) for name in contract.column_names)])
    left_out = _LeftOut()
    copy = workspace.scratch / "statement.parquet"
    with pq.ParquetWriter(copy, schema, compression="zstd") as writer:
        for batch in _batches(rows(path, left_out), schema):
            writer.write_table(batch)

    def locate(row_nos: Collection[int], records_read: int) -> Iterator[Located]:
        wanted = frozenset(row_nos)
        row_no = 0
        for row_no, (_, element) in enumerate(rows(path, _LeftOut()), start=1):
            if row_no in wanted:
                yield Located(row_no, _line_no(element), cut(etree.tostring(element, encoding="unicode")))
        if row_no != records_read:
            raise RecordsDisagree

    columns = {name: (name, "VARCHAR") for name in contract.column_names}
    return Records(f"read_parquet({sql_path(copy)})", columns, "row_no", locate, notes=left_out.notes())


def _batches(rows: Iterator[tuple[Row, etree._Element]], schema: pa.Schema) -> Iterator[pa.Table]:
    batch: list[dict[str, str | int | None]] = []
    for row_no, (row, _) in enumerate(rows, start=1):
        batch.append({"row_no": row_no, **row})
        if len(batch) == _BATCH_ROWS:
            yield pa.Table.from_pylist(batch, schema=schema)
            batch.clear()
    if batch:
        yield pa.Table.from_pylist(batch, schema=schema)


def _transactions(path: Path, left_out: _LeftOut) -> Iterator[tuple[Row, etree._Element]]:
    position = 0
    for statement, entry in _elements(path, "Ntry"):
        position += 1
        if (_text(entry, "Sts/Cd") or _text(entry, "Sts")) != "BOOK":
            left_out.not_booked += 1
            continue
        yield from ((row, entry) for row in _entry_rows(statement, entry, position))


def _entry_rows(statement: _Statement, entry: etree._Element, position: int) -> Iterator[Row]:
    details = _all(entry, "NtryDtls/TxDtls")
    amounts = [_amount(detail, "Amt") or _amount(detail, "AmtDtls/TxAmt/Amt") for detail in details]
    own_ref = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef") or f"{statement.statement_id}/{position}"
    if len(details) < 2 or any(amount is None for amount in amounts):
        detail = details[0] if len(details) == 1 else None
        yield _row(statement, entry, detail, own_ref, _amount(entry, "Amt") or (None, None))
        return
    for number, (detail, amount) in enumerate(zip(details, amounts, strict=True), start=1):
        ref = _text(detail, "Refs/AcctSvcrRef") or f"{own_ref}/{number}"
        yield _row(statement, entry, detail, ref, amount or (None, None))


def _row(
    statement: _Statement,
    entry: etree._Element,
    detail: etree._Element | None,
    transaction_ref: str,
    amount: tuple[str | None, str | None],
) -> Row:
    credit_debit = (None if detail is None else _text(detail, "CdtDbtInd")) or _text(entry, "CdtDbtInd")
    row: Row = {
        "account_no": statement.account_no,
        "transaction_ref": transaction_ref,
        "booking_date": _date(entry, "BookgDt"),
        "value_date": _date(entry, "ValDt"),
        "credit_debit": credit_debit,
        "amount": amount[0],
        "currency": amount[1],
        "is_return": "false",
    }
    if _text(entry, "RvslInd") in ("true", "1"):
        row["is_return"] = "true"
    if detail is None:
        row["remittance_text"] = _text(entry, "AddtlNtryInf")
        return row
    if _first(detail, "RtrInf") is not None:
        row["is_return"] = "true"
    party = "Dbtr" if credit_debit == "CRDT" else "Cdtr"
    parties = f"RltdPties/{party}"
    remittance = [element.text or "" for element in _all(detail, "RmtInf/Ustrd")]
    references = [element.text or "" for element in _all(detail, "RmtInf/Strd/CdtrRefInf/Ref")]
    row["purpose_code"] = _text(detail, "Purp/Cd") or _text(detail, "Purp/Prtry")
    row["counterparty_name"] = (
        _text(detail, f"{parties}/Nm")
        or _text(detail, f"{parties}/Pty/Nm")
        or _text(detail, f"RltdPties/Ultmt{party}/Nm")
    )
    row["counterparty_account_no"] = _account_no(detail, f"{parties}Acct")
    row["end_to_end_id"] = _text(detail, "Refs/EndToEndId")
    row["remittance_text"] = " ".join([*remittance, *references]) or _text(entry, "AddtlNtryInf")
    return row


def _balances(path: Path, left_out: _LeftOut) -> Iterator[tuple[Row, etree._Element]]:
    for statement, balance in _elements(path, "Bal"):
        balance_type = _text(balance, "Tp/CdOrPrtry/Cd")
        if balance_type not in _BALANCE_TYPES:
            left_out.other_balances += 1
            continue
        amount, currency = _amount(balance, "Amt") or (None, None)
        is_overdrawn = _text(balance, "CdtDbtInd") == "DBIT"
        row: Row = {
            "account_no": statement.account_no,
            "balance_date": _date(balance, "Dt"),
            "balance_type": balance_type,
            "amount": f"-{amount}" if amount is not None and is_overdrawn else amount,
            "currency": currency,
        }
        yield row, balance


def _elements(path: Path, tag: str) -> Iterator[tuple[_Statement, etree._Element]]:
    """Elements ``tag`` of the file's statements in order; each is emptied after use, so memory stays flat."""
    statement = _Statement("", None)
    owner: etree._Element | None = None
    finished = 0
    try:
        # Only these two kinds of elements come up from the parser; a call for every tag doubles the time.
        context = etree.iterparse(
            str(path),
            events=("end",),
            tag=("{*}Stmt", f"{{*}}{tag}"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        for _, element in context:
            if finished == 0 and owner is None:
                _refuse_doctype(element.getroottree())
            parent = element.getparent()
            if _local_name(element) == "Stmt":
                finished += 1
            elif parent is None or _local_name(parent) != "Stmt":
                continue
            else:
                if parent is not owner:
                    owner = parent
                    number = _text(parent, "Id") or str(finished + 1)
                    statement = _Statement(number, _account_no(parent, "Acct"))
                yield statement, element
            element.clear()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise FileRefused(f"It is not well-formed XML ({error.msg}); deliver it again.") from error
    if not finished:
        _refuse_doctype(context.root.getroottree())
        raise FileRefused("It holds no statement (Stmt): it is no camt.053 message.")


def _refuse_doctype(tree: etree._ElementTree) -> None:
    if tree.docinfo.doctype:  # type: ignore[attr-defined]
        raise FileRefused("It declares a DOCTYPE, which a bank statement never needs; it was not read.")


def _line_no(element: etree._Element) -> int | None:
    line_no: Any = element.sourceline
    return None if line_no is None else int(line_no)


def _local_name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


@cache
def _any_namespace(path: str) -> str:
    """The path with local names only: message versions differ in their namespace."""
    return "/".join(step if step == "." else f"{{*}}{step}" for step in path.split("/"))


def _all(element: etree._Element, path: str) -> list[etree._Element]:
    return element.findall(_any_namespace(path))


def _first(element: etree._Element, path: str) -> etree._Element | None:
    return element.find(_any_namespace(path))


def _text(element: etree._Element, path: str) -> str | None:
    found = _first(element, path)
    return ((found.text or "").strip() or None) if found is not None else None


def _amount(element: etree._Element, path: str) -> tuple[str, str | None] | None:
    found = _first(element, path)
    return None if found is None or not found.text else (found.text.strip(), found.get("Ccy"))


def _date(element: etree._Element, path: str) -> str | None:
    """A date, or the date part of a date and time as the bank wrote it (its own calendar day, not UTC's)."""
    instant = _text(element, f"{path}/DtTm")
    return _text(element, f"{path}/Dt") or (None if instant is None else instant[:10])


def _account_no(element: etree._Element, path: str) -> str | None:
    return _text(element, f"{path}/Id/IBAN") or _text(element, f"{path}/Id/Othr/Id")
