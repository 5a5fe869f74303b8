"""Bank statements as ISO 20022 camt.053.001.08: one message per bank and day, one statement per account that moved."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

import pyarrow as pa

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def statement_message(bank: str, bank_name: str, booked: date, entries: pa.Table, closing: dict[str, Decimal]) -> bytes:
    """Render the entries of one bank and day (columns of ``bank.transaction``, in order of account).

    ``closing`` holds the closing balance of each account; the opening balance is what the entries leave of it.
    """
    rows = entries.to_pylist()
    groups: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        groups.setdefault(str(row["account_no"]), []).append(row)
    day = booked.isoformat()
    statements = [
        _statement(bank, account, day, number, group, closing[account])
        for number, (account, group) in enumerate(groups.items(), start=1)
    ]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_NAMESPACE}"><BkToCstmrStmt>\n'
        f"<GrpHdr><MsgId>{bank}-{booked:%Y%m%d}</MsgId><CreDtTm>{day}T22:00:00Z</CreDtTm>"
        f"<MsgRcpt><Nm>{escape(bank_name)}</Nm></MsgRcpt></GrpHdr>\n"
        + "\n".join(statements)
        + "\n</BkToCstmrStmt></Document>\n"
    ).encode()


def _statement(bank: str, account: str, day: str, number: int, rows: list[dict[str, object]], closing: Decimal) -> str:
    moved = sum((_signed(row) for row in rows), Decimal(0))
    return (
        f"<Stmt><Id>{bank}-{day}-{number:05d}</Id><CreDtTm>{day}T22:00:00Z</CreDtTm>"
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy><Svcr><FinInstnId><Othr><Id>{bank}</Id></Othr>"
        f"</FinInstnId></Svcr></Acct>\n{_balance('OPBD', closing - moved, day)}{_balance('CLBD', closing, day)}"
        + "".join(_entry(row, day) for row in rows)
        + "</Stmt>"
    )


def _signed(row: dict[str, object]) -> Decimal:
    amount = row["amount"]
    assert isinstance(amount, Decimal)
    return amount if row["credit_debit"] == "CRDT" else -amount


def _balance(kind: str, amount: Decimal, day: str) -> str:
    side = "DBIT" if amount < 0 else "CRDT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>\n"
    )


def _entry(row: dict[str, object], day: str) -> str:
    side = row["credit_debit"]
    party, party_account = ("Dbtr", "DbtrAcct") if side == "CRDT" else ("Cdtr", "CdtrAcct")
    reversal = "<RvslInd>true</RvslInd>" if row["is_return"] else ""
    return (
        f'<Ntry><Amt Ccy="CNY">{row["amount"]}</Amt><CdtDbtInd>{side}</CdtDbtInd>{reversal}<Sts><Cd>BOOK</Cd></Sts>'
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>{row['transaction_ref']}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><Refs><EndToEndId>{row['end_to_end_id']}</EndToEndId></Refs>"
        f"<RltdPties><{party}><Pty><Nm>{escape(str(row['counterparty_name']))}</Nm></Pty></{party}>"
        f"<{party_account}><Id><Othr><Id>{row['counterparty_account_no']}</Id></Othr></Id></{party_account}></RltdPties>"
        f"<Purp><Cd>{row['purpose_code']}</Cd></Purp><RmtInf><Ustrd>{escape(str(row['remittance_text']))}</Ustrd></RmtInf>"
        "</TxDtls></NtryDtls></Ntry>\n"
    )
