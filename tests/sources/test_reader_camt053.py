"""camt.053 statements: entries and balances of all versions; hostile and broken XML is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.sources.landing_zone import DAY, Zone, counts

FEED = "bank.transaction"
RAW = "raw/bank/transaction"

ENTRY = """<Ntry><NtryRef>{ref}</NtryRef><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>{extra}
<Sts>{status}</Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt>{details}</Ntry>"""


def statement(
    *entries: str, prolog: str = "", namespace: str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
) -> str:
    return (
        f'<?xml version="1.0"?>{prolog}<Document xmlns="{namespace}"><BkToCstmrStmt><Stmt><Id>S1</Id>'
        "<Acct><Id><Othr><Id>ACC1</Id></Othr></Id></Acct>"
        '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>'
        "<Dt><Dt>2026-03-02</Dt></Dt></Bal>"
        '<Bal><Tp><CdOrPrtry><Cd>FWAV</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        f"<Dt><Dt>2026-03-02</Dt></Dt></Bal>{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    )


def entry(ref: str, amount: str = "10.00", status: str = "BOOK", extra: str = "", details: str = "") -> str:
    return ENTRY.format(ref=ref, amount=amount, status=status, extra=extra, details=details)


def test_only_booked_entries_become_rows(zone: Zone) -> None:
    zone.deliver(
        FEED, "s.xml", statement(entry("R1"), entry("R2", status="PDNG"), entry("R3", extra="<RvslInd>true</RvslInd>"))
    )
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt)["delivered"] == counts(receipt)["loaded"] == 2
    assert "1 entries that are not booked" in (receipt.message or "")
    rows = zone.rows(RAW, "account_no, transaction_ref, booking_date, amount, is_return")
    assert rows == [
        ("ACC1", "R1", date(2026, 3, 2), Decimal("10.00"), False),
        ("ACC1", "R3", date(2026, 3, 2), Decimal("10.00"), True),
    ]


def test_a_batch_entry_with_amounts_becomes_one_row_a_transaction(zone: Zone) -> None:
    detail = (
        '<TxDtls><Refs><EndToEndId>E{n}</EndToEndId></Refs><Amt Ccy="CNY">{n}.50</Amt>'
        "<RltdPties><Dbtr><Nm>Payer {n}</Nm>"
        "</Dbtr><DbtrAcct><Id><IBAN>X{n}</IBAN></Id></DbtrAcct></RltdPties></TxDtls>"
    )
    details = f"<NtryDtls>{detail.format(n=4)}{detail.format(n=5)}</NtryDtls>"
    zone.deliver(FEED, "s.xml", statement(entry("B", details=details)))
    zone.ingest(FEED)
    columns = "transaction_ref, amount, counterparty_name, counterparty_account_no, end_to_end_id"
    assert zone.rows(RAW, columns) == [
        ("B/1", Decimal("4.50"), "Payer 4", "X4", "E4"),
        ("B/2", Decimal("5.50"), "Payer 5", "X5", "E5"),
    ]


def test_balances_take_their_sign_and_other_types_are_left_out(zone: Zone) -> None:
    zone.deliver("bank.balance", "s.xml", statement())
    (receipt,) = zone.ingest("bank.balance")
    assert zone.rows("raw/bank/balance", "balance_type, amount") == [("CLBD", Decimal("-5.00"))]
    assert receipt.message == "1 balances of other types were left out."


def test_a_broken_entry_is_refused_with_its_xml(zone: Zone) -> None:
    zone.deliver(FEED, "s.xml", statement(entry("R1"), entry("R2", amount="ten"), entry("R3")))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 3, "loaded": 2, "quarantined": 1, "duplicate": 0}
    ((row_no, rule, raw_text),) = zone.refused("row_no, rule, raw_text")
    assert (row_no, rule) == (2, "type")
    assert "<NtryRef>R2</NtryRef>" in str(raw_text)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd">',
        "<!DOCTYPE Document>",
    ],
)
def test_a_doctype_is_refused(zone: Zone, prolog: str) -> None:
    zone.deliver(FEED, "s.xml", statement(entry("&e;" if "ENTITY" in prolog else "R1"), prolog=prolog))
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert "DOCTYPE" in (receipt.message or "")
    assert zone.rows(RAW) == []


@pytest.mark.parametrize("content", ["", "no xml", statement(entry("R1"))[:-40], "<Document/>"])
def test_what_is_no_statement_is_refused(zone: Zone, content: str) -> None:
    zone.deliver(FEED, "s.xml", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"


def test_sample_statements_of_all_versions(zone: Zone, shared_data: Path) -> None:
    folder = shared_data / "bank_statements/camt_genkgo/test/data"
    for path in sorted(folder.glob("camt053.v*.xml")):
        zone.deliver(FEED, path.name, path.read_bytes())
    receipts = {receipt.file: receipt for receipt in zone.ingest(FEED)}
    assert receipts.pop("camt053.v2.wrong.xml").status == "REFUSED"
    assert {receipt.status for receipt in receipts.values()} == {"LOADED"}
    booked = {name: receipt.delivered_rows for name, receipt in receipts.items()}
    assert booked.pop("camt053.v2.multi.statement.xml") == 2
    assert set(booked.values()) == {1}
    assert zone.refused("file, rule") == [("camt053.v2.wrong.xml", "file")]
    assert receipts["camt053.v8.xml"].business_date == DAY
