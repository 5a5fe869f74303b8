"""camt statements: entries and balances of all versions; hostile and broken XML is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.readers import FileRefused, camt
from sources.readers.xml import Element
from sources.readers.xml_texts import TextReader, Texts
from tests.sources.landing_zone import Zone, counts
from tests.sources.opened import opened

FEED = "bank.transaction"
RAW = "raw/bank/transaction"
ENTRIES, BALANCES = "formats/camt/bank_transaction", "formats/camt/bank_balance"
SAMPLES = "bank_statements/camt_genkgo/test/data"

ENTRY = """<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>{extra}
<Sts>{status}</Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef>{details}</Ntry>"""


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


def details(*amounts: object, currency: str = "CNY", extra: str = "") -> str:
    """Transactions of an entry, one for each amount; an empty one for None."""
    transactions = (
        f"<TxDtls><Refs><EndToEndId>E{number}</EndToEndId></Refs>"
        + ("" if amount is None else f'<Amt Ccy="{currency}">{amount}</Amt>')
        + f"{extra}<RltdPties><Dbtr><Nm>Payer {number}</Nm></Dbtr><DbtrAcct><Id><IBAN>X{number}</IBAN></Id></DbtrAcct>"
        "</RltdPties></TxDtls>"
        for number, amount in enumerate(amounts, start=1)
    )
    return f"<NtryDtls>{''.join(transactions)}</NtryDtls>"


def rows_of(zone: Zone, *entries: str, columns: str, **options: str) -> list[tuple[object, ...]]:
    zone.deliver(FEED, "s.xml", statement(*entries, **options))
    zone.ingest(FEED)
    return zone.rows(RAW, columns)


def test_a_batch_that_adds_up_becomes_one_row_a_transaction(zone: Zone) -> None:
    columns = "transaction_ref, amount, counterparty_name, counterparty_account_no, end_to_end_id"
    assert rows_of(zone, entry("B", details=details("4.50", "5.50")), columns=columns) == [
        ("B/1", Decimal("4.50"), "Payer 1", "X1", "E1"),
        ("B/2", Decimal("5.50"), "Payer 2", "X2", "E2"),
    ]


@pytest.mark.parametrize(
    "transactions",
    [
        details("4.50", "5.49"),
        details("4.50", "5.50", "10.00"),
        details("4.50", None),
        details("4.50", "five"),
        details("4.50", "5.50", currency="EUR"),
        details("4.50", "5.50", extra="<CdtDbtInd>DBIT</CdtDbtInd>"),
        "<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>" + details("10.00").removeprefix("<NtryDtls>"),
    ],
)
def test_a_batch_that_does_not_add_up_is_one_row_of_the_amount_booked(zone: Zone, transactions: str) -> None:
    zone.deliver(FEED, "s.xml", statement(entry("B", details=transactions)))
    (receipt,) = zone.ingest(FEED)
    assert zone.rows(RAW, "transaction_ref, amount, currency, counterparty_name") == [
        ("B", Decimal("10.00"), "CNY", None)
    ]
    number = transactions.count("<TxDtls>")
    assert receipt.message == f"{number} transactions that do not add up to the entry that bundles them were left out."


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=6), st.integers(-1, 1))
def test_the_rows_of_an_entry_add_up_to_it(cents: list[int], off: int) -> None:
    amounts = [f"{Decimal(amount) / 100:.2f}" for amount in cents]
    booked = Decimal(sum(cents) + off) / 100
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.xml"
        path.write_text(statement(entry("B", amount=f"{booked:.2f}", details=details(*amounts))))
        rows = opened(path, ENTRIES).rows
    assert sum(Decimal(row["amount"] or "") for row in rows) == booked
    assert len(rows) == (1 if off else len(cents))


def test_transactions_of_a_batch_keep_their_sign(zone: Zone) -> None:
    first, second = details("15.00"), details("5.00", extra="<CdtDbtInd>DBIT</CdtDbtInd>")
    rows = rows_of(zone, entry("B", details=first + second), columns="credit_debit, amount")
    assert rows == [("CRDT", Decimal("15.00")), ("DBIT", Decimal("5.00"))]


def test_a_transaction_alone_does_not_turn_the_sign_of_its_entry(zone: Zone) -> None:
    only = details("9.00", extra="<CdtDbtInd>DBIT</CdtDbtInd>")
    rows = rows_of(zone, entry("B", details=only), columns="credit_debit, amount, counterparty_name")
    assert rows == [("CRDT", Decimal("10.00"), "Payer 1")]


def test_returns_name_the_party_of_what_they_take_back(zone: Zone) -> None:
    returned = details("10.00", extra="<RtrInf/>").replace(
        "</RltdPties>", "<Cdtr><Pty><Nm>Payee</Nm></Pty></Cdtr></RltdPties>"
    )
    plain = returned.replace("<RtrInf/>", "")
    both = [entry("R1", details=returned), entry("R2", details=plain), entry("R3", extra="<RvslInd>1</RvslInd>")]
    rows = rows_of(zone, *both, columns="transaction_ref, is_return, credit_debit, counterparty_name")
    assert rows == [
        ("R1", True, "CRDT", "Payee"),
        ("R2", False, "CRDT", "Payer 1"),
        ("R3", True, "CRDT", None),
    ]


def test_a_reference_that_a_statement_repeats_stays_another_booking(zone: Zone) -> None:
    content = statement(entry("R"), entry("R", amount="1.00"), entry("R", amount="1.00"))
    zone.deliver(FEED, "a.xml", content)
    zone.deliver(FEED, "b.xml", content.replace("<Stmt>", "<Stmt >"))
    receipts = zone.ingest(FEED)
    assert zone.rows(RAW, "transaction_ref, amount") == [
        ("R", Decimal("10.00")),
        ("R#2", Decimal("1.00")),
        ("R#3", Decimal("1.00")),
    ]
    assert sorted(receipt.duplicate_rows for receipt in receipts) == [0, 3]


def test_an_entry_without_a_reference_is_named_by_its_place_in_the_statement(zone: Zone) -> None:
    bare = entry("").replace("<AcctSvcrRef></AcctSvcrRef>", "<NtryRef>same</NtryRef>")
    second_page = "<StmtPgntn><PgNb>2</PgNb></StmtPgntn><Acct>"
    zone.deliver(FEED, "a.xml", statement(bare, bare))
    zone.deliver(FEED, "b.xml", statement(bare, bare).replace("<Acct>", second_page, 1))
    zone.ingest(FEED)
    assert {row[0] for row in zone.rows(RAW, "transaction_ref")} == {
        *("S1/2026-03-02/1", "S1/2026-03-02/2", "S1/2/2026-03-02/1", "S1/2/2026-03-02/2")
    }


@pytest.mark.parametrize("status", ["", "XXXX", "<Prtry>own</Prtry>"])
def test_an_entry_of_unknown_status_is_refused(zone: Zone, status: str) -> None:
    zone.deliver(FEED, "s.xml", statement(entry("R1"), entry("R2", status=status)))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 1, "quarantined": 1, "duplicate": 0}
    ((rule, raw_text),) = zone.refused("rule, raw_text")
    assert rule == "status"
    assert "R2" in str(raw_text)


def test_texts_are_whole_and_placeholders_are_none(zone: Zone) -> None:
    rich = (
        "<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        "<RltdPties><Dbtr><Pty><Nm>A<!-- c -->B &amp; C</Nm></Pty></Dbtr></RltdPties>"
        "<RmtInf><Ustrd>one</Ustrd><Ustrd>two</Ustrd><Strd><RfrdDocInf><Nb>INV-7</Nb></RfrdDocInf>"
        "<CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls>"
    )
    rows = rows_of(zone, entry("R1", details=rich), columns="amount, end_to_end_id, counterparty_name, remittance_text")
    assert rows == [(Decimal("10.00"), None, "AB & C", "one two INV-7 RF18")]


@pytest.mark.parametrize("written", ["2026-03-02", "2026-03-02Z", "2026-03-02+08:00", "2026-03-02T00:00:00"])
def test_a_date_is_the_bank_s_own_day(zone: Zone, written: str) -> None:
    content = entry("R1").replace("<Dt>2026-03-02</Dt>", f"<DtTm>{written}</DtTm>")
    assert rows_of(zone, content, columns="booking_date") == [(date(2026, 3, 2),)]


def test_the_paths_that_are_asked_for_are_those_that_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is asked for and not read has no text in any file, and nothing would say so."""
    asked: set[str] = set()

    class Asked(dict[str, list[str]]):
        def get(self, path: str, default: Any = None) -> Any:
            asked.add(path)
            return super().get(path, default)

        def __contains__(self, path: object) -> bool:
            asked.add(str(path))
            return super().__contains__(path)

    class Reader(TextReader):
        def texts_and_kept(self, element: Element) -> tuple[Texts, list[Element]]:
            texts, kept = super().texts_and_kept(element)
            return Asked(texts), kept

    monkeypatch.setattr(camt, "TextReader", Reader)
    # Where a path has no text, the next one is asked for: hence entries and a statement that state little.
    amounts = [f'<AmtDtls><{name}><Amt Ccy="CNY">5</Amt></{name}></AmtDtls>' for name in ("TxAmt", "InstdAmt")]
    stated = [details(5, 5, currency="USD", extra=amount) for amount in amounts]
    content = statement(*(entry("R1", details=transactions) for transactions in (details(5, 5), *stated)))
    empty = entry("NONREF", details="<NtryDtls><TxDtls/></NtryDtls>")
    bare = statement(empty, empty.replace("CRDT", "DBIT"), entry("R1", status=""))
    bare = bare.replace("Acct>", "X>").replace("Dt>", "X>").replace("<CdOrPrtry>", "").replace("</CdOrPrtry>", "")
    for number, text in enumerate((content, bare)):
        path = tmp_path / f"{number}.xml"
        path.write_text(text.replace("<Stmt>", "<GrpHdr/><Stmt>"))
        opened(path, ENTRIES)
        opened(path, BALANCES)
    assert asked == {*camt._READ}


def test_balances_take_their_sign_and_other_types_are_left_out(zone: Zone) -> None:
    zone.deliver("bank.balance", "s.xml", statement())
    (receipt,) = zone.ingest("bank.balance")
    assert zone.rows("raw/bank/balance", "balance_type, amount") == [("CLBD", Decimal("-5.00"))]
    assert receipt.message == "1 balances of other types were left out."


def test_intermediate_balances_and_those_without_a_sign_are_no_balances(zone: Zone) -> None:
    content = statement().replace("<CdtDbtInd>DBIT</CdtDbtInd>", "")
    zone.deliver("bank.balance", "a.xml", content)
    zone.deliver(
        "bank.balance", "b.xml", statement().replace("</CdOrPrtry>", "</CdOrPrtry><SubTp><Cd>INTM</Cd></SubTp>")
    )
    unsigned, intermediate = sorted(zone.ingest("bank.balance"), key=lambda receipt: receipt.file)
    assert (unsigned.quarantined_rows, unsigned.loaded_rows) == (1, 0)
    assert intermediate.message == "1 intermediate balances were left out. 1 balances of other types were left out."


CLOSED_BEFORE = (
    "<Bal><Tp><CdOrPrtry><Cd>PRCD</Cd></CdOrPrtry></Tp><Amt Ccy='CNY'>15.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>"
    "<Dt><Dt>2026-03-01</Dt></Dt></Bal>"
)
OPENED = CLOSED_BEFORE.replace("PRCD", "OPBD").replace("15.00", "16.00")


@pytest.mark.parametrize(
    ("balances", "opening"),
    [
        (CLOSED_BEFORE, ["15.00"]),
        (CLOSED_BEFORE + OPENED, ["16.00"]),
        (OPENED + CLOSED_BEFORE, ["16.00"]),
        ("", []),
    ],
)
@pytest.mark.parametrize("statements", [1, 2])
def test_what_the_day_before_closed_with_opens_a_statement_that_has_no_opening_balance(
    zone: Zone, balances: str, opening: list[str], statements: int
) -> None:
    content = statement().replace("</Acct>", f"</Acct>{balances}")
    if statements == 2:
        second = content[content.index("<Stmt>") : content.index("</BkToCstmrStmt>")].replace("ACC1", "ACC2")
        content = content.replace("</BkToCstmrStmt>", f"{second}</BkToCstmrStmt>")
    zone.deliver("bank.balance", "a.xml", content)
    (receipt,) = zone.ingest("bank.balance")
    assert receipt.quarantined_rows == 0
    columns = "account_no, balance_date::varchar, balance_type, amount::varchar"
    rows = zone.rows("raw/bank/balance", columns, "account_no, balance_type desc")
    assert rows == [
        row
        for account in ("ACC1", "ACC2")[:statements]
        for row in (
            *((account, "2026-03-01", "OPBD", amount) for amount in opening),
            (account, "2026-03-02", "CLBD", "-5.00"),
        )
    ]


def test_statements_of_one_id_do_not_replace_one_another(zone: Zone) -> None:
    """Banks are known whose statements all have the same Id, and whose entries have no reference."""
    first = statement(entry("NONREF"))
    zone.deliver(FEED, "1.xml", first)
    zone.deliver(FEED, "2.xml", first.replace("2026-03-02", "2026-03-03").replace("10.00", "11.00"))
    zone.ingest(FEED)
    assert zone.rows(RAW, "transaction_ref, amount", "transaction_ref") == [
        ("S1/2026-03-02/1", Decimal("10.00")),
        ("S1/2026-03-03/1", Decimal("11.00")),
    ]


def test_a_notice_is_no_statement_of_balances(zone: Zone) -> None:
    notice = statement(entry("R1"), namespace="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08").replace(
        "Stmt>", "Ntfctn>"
    )
    zone.deliver("bank.balance", "n.xml", notice)
    zone.deliver(FEED, "n.xml", notice)
    (receipt,) = zone.ingest("bank.balance")
    assert (receipt.status, receipt.loaded_rows) == ("REFUSED", 0)
    assert receipt.message == "A camt.054 notice states no balances; deliver it to bank.transaction alone."
    assert zone.ingest(FEED)[0].loaded_rows == 1


def test_a_broken_entry_is_refused_with_its_xml(zone: Zone) -> None:
    zone.deliver(FEED, "s.xml", statement(entry("R1"), entry("R2", amount="ten"), entry("R3")))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 3, "loaded": 2, "quarantined": 1, "duplicate": 0}
    ((row_no, rule, raw_text),) = zone.refused("row_no, rule, raw_text")
    assert (row_no, rule) == (2, "type")
    assert "<AcctSvcrRef>R2</AcctSvcrRef>" in str(raw_text)


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


@pytest.mark.parametrize("wrapping", ["{}", "<bank:Envelope xmlns:bank='urn:bank'><bank:Header/>{}</bank:Envelope>"])
@pytest.mark.parametrize("namespace", ["urn:iso:std:iso:20022:tech:xsd:camt.053.001.02", "", "urn:bank:statement"])
def test_a_message_is_known_without_its_namespace_and_in_an_envelope(zone: Zone, wrapping: str, namespace: str) -> None:
    declaration, document = statement(entry("R1"), namespace=namespace).split("?>")
    zone.deliver(FEED, "s.xml", f"{declaration}?>{wrapping.format(document)}")
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt)["loaded"] == 1


@pytest.mark.parametrize("none", ["NONREF", "NOTPROVIDED", "0000"])
def test_what_stands_for_no_reference_is_none(zone: Zone, none: str) -> None:
    for number, amount in enumerate(("10.00", "20.00"), start=1):
        content = statement(entry(none, amount=amount)).replace("<Id>S1<", f"<Id>S{number}<")
        zone.deliver(FEED, f"{number}.xml", content)
    assert [counts(receipt)["loaded"] for receipt in zone.ingest(FEED)] == [1, 1]
    assert zone.rows(RAW, "transaction_ref, amount", "transaction_ref") == [
        ("S1/2026-03-02/1", Decimal("10.00")),
        ("S2/2026-03-02/1", Decimal("20.00")),
    ]


def test_an_entry_that_does_not_say_that_it_is_booked_is_refused(zone: Zone) -> None:
    without = entry("R1").replace("<Sts>BOOK</Sts>", "")
    zone.deliver(FEED, "s.xml", statement(without, entry("R2", status="MAYBE"), entry("R3")))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 3, "loaded": 1, "quarantined": 2, "duplicate": 0}
    assert [message for (message,) in zone.refused("message")] == [
        "It states no status (Sts), so it does not say that it is booked; ask the bank.",
        "Its status 'MAYBE' is none of BOOK, PDNG, INFO and FUTR, so it does not say that it is booked; ask the bank.",
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "No reader takes such a file"),
        ("no xml", "No reader takes such a file"),
        (statement(entry("R1"))[:-40], "not well-formed"),
        (statement(entry("R1")).replace("<Amt", "<Amt\0"), "not well-formed"),
        ("<Document/>", "No reader takes XML with the root element Document"),
        (statement().replace("Stmt>", "Other>"), "It holds no statement"),
    ],
)
def test_what_is_no_statement_is_refused(zone: Zone, content: str, sentence: str) -> None:
    zone.deliver(FEED, "s.xml", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert sentence in (receipt.message or "")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_mutated_file_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(statement(entry("R1", details=details(5, 5)), entry("R2", status="PDNG"), entry("R3")).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.xml"
        path.write_bytes(content)
        with suppress(FileRefused):
            opened(path, ENTRIES)
            opened(path, BALANCES)


def test_samples_agree_with_the_results_beside_them(shared_data: Path) -> None:
    """The JSON is of another parser: amounts in cents with their sign, instants in UTC."""
    compared = 0
    for path in sorted(shared_data.joinpath(SAMPLES).glob("*.json")):
        expected = json.loads(path.read_text())
        rows = opened(path.with_suffix(".xml"), ENTRIES).rows
        for booked in expected["getEntries"]:
            if booked["getStatus"] != "BOOK":
                assert rows == []
                continue
            amount = Decimal(booked["getAmount"]["getAmount"]) / 100
            described = (
                abs(amount),
                "CRDT" if amount > 0 else "DBIT",
                booked["getAmount"]["getCurrency"]["getCode"],
                *(booked[key] and booked[key]["0"][:10] for key in ("getBookingDate", "getValueDate")),
                str(booked["getReversalIndicator"]).lower(),
            )
            columns = ("credit_debit", "currency", "booking_date", "value_date", "is_return")
            found = [(Decimal(row["amount"] or ""), *(row[name] for name in columns)) for row in rows]
            assert described in found, path.name
            compared += 1
        if not path.name.startswith("camt054"):
            _compare_balances(path, expected)
    assert compared == 21


def _compare_balances(path: Path, expected: dict[str, Any]) -> None:
    kinds = {"opening": "OPBD", "closing": "CLBD", "closing_available": "CLAV"}
    described = {
        (kinds[balance["getType"]], Decimal(balance["getAmount"]["getAmount"]), balance["getDate"]["0"][:10])
        for record in expected["getRecords"]
        if isinstance(record, dict)
        for balance in record["getBalances"]
        if balance["getType"] in kinds and balance["getAmount"]["getCurrency"]["getCode"] != "JPY"
    }
    found = {
        (row["balance_type"], Decimal(row["amount"] or "") * 100, row["balance_date"])
        for row in opened(path.with_suffix(".xml"), BALANCES).rows
    }
    assert described <= found, path.name
