"""SAF-T: suppliers, purchase invoices and payments of several countries' shapes; sums that must prove; large files."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from sources.receipt import Receipt
from tests.sources.landing_zone import Zone, counts
from tests.sources.opened import opened

VENDOR, INVOICE, PAYMENT = "erp.vendor", "erp.ap_invoice", "erp.ap_payment"
SAMPLES = "saft/norway"

HEADER = (
    "<Header><AuditFileVersion>1.0</AuditFileVersion><AuditFileCountry>{country}</AuditFileCountry>"
    "<AuditFileDateCreated>2026-02-01</AuditFileDateCreated><Company><RegistrationNumber>974760673</RegistrationNumber>"
    "<Name>Buyer AS</Name><BankAccount><GeneralLedgerAccountID>B1</GeneralLedgerAccountID></BankAccount></Company>"
    "<DefaultCurrencyCode>NOK</DefaultCurrencyCode></Header>"
)
SUPPLIER = (
    "<Supplier><RegistrationNumber>{no}</RegistrationNumber><Name>Supplier {no}</Name>"
    "<Address><StreetName>Street</StreetName><Number>1</Number><City>Oslo</City><Country>NO</Country></Address>{extra}<SupplierID>{no}</SupplierID>"
    "<AccountID>2400</AccountID><OpeningCreditBalance>10</OpeningCreditBalance><ClosingDebitBalance>5</ClosingDebitBalance>"
    "{info}</Supplier>"
)
TERMS = "<PartyInfo><PaymentTerms><Days>{days}</Days><Months>{months}</Months></PaymentTerms></PartyInfo>"
NORWAY = "urn:StandardAuditFile-Taxation-Financial:NO"


def supplier(no: str = "S1", days: int = 14, months: int = 0, extra: str = "") -> str:
    return SUPPLIER.format(no=no, extra=extra, info=TERMS.format(days=days, months=months) if days or months else "")


def line(record: int, account: str, side: str, amount: str, *, extra: str = "", of: str | None = None) -> str:
    party = f"<SupplierID>{of}</SupplierID>" if of else ""
    return (
        f"<Line><RecordID>{record}</RecordID><AccountID>{account}</AccountID>{party}<Description>d</Description>"
        f"<{side}Amount><Amount>{amount}</Amount></{side}Amount>{extra}</Line>"
    )


def tax(amount: str) -> str:
    return f"<TaxInformation><TaxType>MVA</TaxType><TaxAmount><Amount>{amount}</Amount></TaxAmount></TaxInformation>"


def transaction(no: str, *lines: str, day: str = "2026-01-05") -> str:
    return (
        f"<Transaction><TransactionID>{no}</TransactionID><Period>1</Period><PeriodYear>2026</PeriodYear>"
        f"<TransactionDate>{day}</TransactionDate><GLPostingDate>2026-01-06</GLPostingDate>{''.join(lines)}</Transaction>"
    )


def ledger(*transactions: str, debit: str, credit: str | None = None, entries: int | None = None) -> str:
    return (
        f"<GeneralLedgerEntries><NumberOfEntries>{len(transactions) if entries is None else entries}</NumberOfEntries>"
        f"<TotalDebit>{debit}</TotalDebit><TotalCredit>{credit or debit}</TotalCredit><Journal><JournalID>J</JournalID>"
        f"{''.join(transactions)}</Journal></GeneralLedgerEntries>"
    )


def audit_file(*parts: str, suppliers: str | None = None, country: str = "NO", namespace: str = NORWAY) -> str:
    masters = suppliers if suppliers is not None else supplier()
    accounts = (
        "<GeneralLedgerAccounts><Account><AccountID>1920</AccountID><StandardAccountID>19</StandardAccountID></Account>"
        "</GeneralLedgerAccounts>"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><n1:AuditFile xmlns:n1="{namespace}" xmlns="{namespace}">'
        f"{HEADER.format(country=country)}<MasterFiles>{accounts}<Suppliers>{masters}</Suppliers></MasterFiles>"
        f"{''.join(parts)}</n1:AuditFile>"
    )


BOUGHT = transaction(
    "T1",
    line(1, "4000", "Debit", "100", extra=tax("25")),
    line(2, "2710", "Debit", "25"),
    line(3, "2400", "Credit", "125", of="S1", extra="<ReferenceNumber>R-7</ReferenceNumber>"),
)
PAID = transaction(
    "T2",
    line(1, "1920", "Credit", "125"),
    line(2, "2400", "Debit", "125", of="S1", extra="<CrossReference>R-7</CrossReference>"),
    day="2026-01-20",
)


def delivered(zone: Zone, feed: str, content: str | bytes) -> Receipt:
    zone.deliver(feed, "saft.xml", content)
    (receipt,) = zone.ingest(feed)
    return receipt


# ── the ledger ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_that_credits_a_supplier_is_an_invoice(zone: Zone) -> None:
    receipt = delivered(zone, INVOICE, audit_file(ledger(BOUGHT, PAID, debit="250")))
    assert counts(receipt) == {"delivered": 1, "loaded": 1, "quarantined": 0, "duplicate": 0}
    assert "3 ledger lines of no supplier were left out." in (receipt.message or "")
    columns = (
        "company_code, ap_document_no, fiscal_year, document_type, erp_vendor_no, supplier_invoice_no, invoice_date, "
        "posting_date, due_date, net_amount, tax_amount, gross_amount, currency"
    )
    assert zone.rows("raw/erp/ap_invoice", columns) == [
        ("974760673", "T1", 2026, "INVOICE", "S1", "R-7", date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 19),
         Decimal(100), Decimal(25), Decimal(125), "NOK")
    ]  # fmt: skip


def test_a_line_that_debits_it_against_a_bank_account_pays_the_invoice_that_it_names(zone: Zone) -> None:
    receipt = delivered(zone, PAYMENT, audit_file(ledger(BOUGHT, PAID, debit="250")))
    assert counts(receipt) == {"delivered": 1, "loaded": 1, "quarantined": 0, "duplicate": 0}
    columns = "company_code, payment_no, ap_document_no, fiscal_year, payment_date, amount, payment_method"
    assert zone.rows("raw/erp/ap_payment", columns) == [
        ("974760673", "T2", "T1", 2026, date(2026, 1, 20), Decimal(125), "BANK")
    ]


@pytest.mark.parametrize("account", ["B1", "1920", "1999"], ids=["of the header", "by standard account", "by number"])
def test_a_bank_account_is_known_by_header_standard_account_or_number(zone: Zone, account: str) -> None:
    paid = transaction(
        "T2",
        line(1, account, "Credit", "125"),
        line(2, "2400", "Debit", "125", of="S1", extra="<ReferenceNumber>R-7</ReferenceNumber>"),
    )
    assert delivered(zone, PAYMENT, audit_file(ledger(BOUGHT, paid, debit="250"))).loaded_rows == 1


def test_a_debit_without_a_bank_account_is_a_credit_note(zone: Zone) -> None:
    credited = transaction(
        "T3", line(1, "4000", "Credit", "80", extra=tax("20")), line(2, "2710", "Credit", "20"),
        line(3, "2400", "Debit", "100", of="S1"),
    )  # fmt: skip
    delivered(zone, INVOICE, audit_file(ledger(credited, debit="100")))
    columns = "ap_document_no, document_type, supplier_invoice_no, net_amount, tax_amount, gross_amount"
    assert zone.rows("raw/erp/ap_invoice", columns) == [
        ("T3", "CREDIT_NOTE", "T3", Decimal(80), Decimal(20), Decimal(100))
    ]


def test_a_negative_amount_stands_on_the_other_side(zone: Zone) -> None:
    credited = transaction("T3", line(1, "4000", "Debit", "-100"), line(2, "2400", "Credit", "-100", of="S1"))
    delivered(zone, INVOICE, audit_file(ledger(credited, debit="-100")))
    assert zone.rows("raw/erp/ap_invoice", "document_type, gross_amount") == [("CREDIT_NOTE", Decimal(100))]


def test_a_payment_that_names_no_invoice_or_one_of_several_is_quarantined(zone: Zone) -> None:
    again = BOUGHT.replace("<TransactionID>T1<", "<TransactionID>T9<")
    unnamed = PAID.replace("<CrossReference>R-7</CrossReference>", "").replace(">T2<", ">T8<")
    receipt = delivered(zone, PAYMENT, audit_file(ledger(BOUGHT, again, PAID, unnamed, debit="500")))
    assert counts(receipt)["quarantined"] == 2
    assert {rule for _, rule in zone.refused()} == {"required"}
    assert {raw for (raw,) in zone.rows("quarantine", "substring(raw_text, 1, 5)")} == {"<Line"}


def test_several_suppliers_of_one_transaction_are_several_documents_whose_tax_is_unknown(zone: Zone) -> None:
    both = transaction(
        "T1",
        line(1, "4000", "Debit", "200", extra=tax("50")),
        line(2, "2710", "Debit", "50"),
        line(3, "2400", "Credit", "125", of="S1"),
        line(4, "2400", "Credit", "125", of="S2"),
    )
    untaxed = both.replace(tax("50"), "").replace(">T1<", ">T2<")
    receipt = delivered(zone, INVOICE, audit_file(ledger(both, untaxed, debit="500")))
    assert counts(receipt) == {"delivered": 4, "loaded": 2, "quarantined": 2, "duplicate": 0}
    assert zone.rows("raw/erp/ap_invoice", "ap_document_no, net_amount", "ap_document_no") == [
        ("T2-3", Decimal(125)),
        ("T2-4", Decimal(125)),
    ]


def test_transactions_of_one_number_are_told_apart_by_their_journal(zone: Zone) -> None:
    two = ledger(BOUGHT, debit="250").replace(
        "</Journal>", f"</Journal><Journal><JournalID>K</JournalID>{BOUGHT}</Journal>"
    )
    delivered(zone, INVOICE, audit_file(two))
    assert zone.rows("raw/erp/ap_invoice", "ap_document_no", "ap_document_no") == [("J/T1",), ("K/T1",)]


@pytest.mark.parametrize(
    ("terms", "due"),
    [((0, 1), date(2026, 2, 5)), ((10, 1), date(2026, 2, 15)), ((0, 0), date(2026, 2, 4))],
    ids=["a month", "a month and days", "none: 30 days"],
)
def test_an_invoice_without_a_due_date_is_due_by_the_terms(zone: Zone, terms: tuple[int, int], due: date) -> None:
    delivered(zone, INVOICE, audit_file(ledger(BOUGHT, debit="125"), suppliers=supplier("S1", *terms)))
    assert zone.rows("raw/erp/ap_invoice", "due_date") == [(due,)]


# ── sums ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("debit", "credit", "named"), [("251", "250", "TotalDebit"), ("250", "249.99", "TotalCredit")])
def test_a_ledger_that_does_not_add_up_is_refused(zone: Zone, debit: str, credit: str, named: str) -> None:
    receipt = delivered(zone, INVOICE, audit_file(ledger(BOUGHT, PAID, debit=debit, credit=credit)))
    assert receipt.status == "REFUSED"
    assert f"states a {named}" in (receipt.message or "")
    assert "250.00" in (receipt.message or "")


def test_another_number_of_entries_is_a_note(zone: Zone) -> None:
    receipt = delivered(zone, INVOICE, audit_file(ledger(BOUGHT, PAID, debit="250", entries=7)))
    assert receipt.status == "LOADED"
    assert "GeneralLedgerEntries states 7 entries and has 2." in (receipt.message or "")


def test_an_amount_that_is_no_number_is_quarantined_with_its_line(zone: Zone) -> None:
    broken = BOUGHT.replace("<Amount>125</Amount>", "<Amount>125,00</Amount>")
    receipt = delivered(zone, INVOICE, audit_file(ledger(broken, debit="125")))
    assert (receipt.status, receipt.quarantined_rows) == ("LOADED", 1)
    assert zone.refused("rule, line_no")[0][1] is not None


# ── suppliers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_suppliers_with_their_numbers_account_and_balances(zone: Zone, tmp_path: Path) -> None:
    bank = "<BankAccount><IBANNumber>NO9386011117947</IBANNumber></BankAccount>"
    number = "<TaxRegistration><TaxRegistrationNumber>DE 136695976</TaxRegistrationNumber></TaxRegistration>"
    content = audit_file(suppliers=supplier("S1", extra=bank) + supplier("S2", 0, extra=number))
    delivered(zone, VENDOR, content)
    columns = (
        "company_code, erp_vendor_no, vendor_name, party_no, party_no_scheme, bank_account_no, payment_terms_days, "
        "updated_date"
    )
    assert zone.rows("raw/erp/vendor", columns) == [
        ("974760673", "S1", "Supplier S1", "NO-S1", "LOCAL", "NO9386011117947", 14, date(2026, 2, 1)),
        ("974760673", "S2", "Supplier S2", "DE136695976", "VAT", None, None, date(2026, 2, 1)),
    ]
    path = tmp_path / "saft.xml"
    path.write_text(content)
    first = opened(path, "formats/saft/erp_vendor").rows[0]
    assert (first["address"], first["opening_balance"], first["closing_balance"]) == ("Street, 1, Oslo", "10", "-5")


def test_suppliers_as_romania_and_as_portugal_write_them(zone: Zone) -> None:
    romanian = (
        "<Supplier><CompanyStructure><RegistrationNumber>RO1590082</RegistrationNumber><Name>Furnizor SRL</Name>"
        "<Address><City>Cluj</City><Country>RO</Country></Address><BankAccount><IBANNumber>RO49AAAA1B31007593840000"
        "</IBANNumber></BankAccount></CompanyStructure><SupplierID>001590082</SupplierID></Supplier>"
    )
    portuguese = (
        "<Supplier><SupplierID>F1</SupplierID><AccountID>22111</AccountID><SupplierTaxID>501964843</SupplierTaxID>"
        "<CompanyName>Fornecedor Lda</CompanyName><BillingAddress><Country>PT</Country></BillingAddress></Supplier>"
    )
    delivered(zone, VENDOR, audit_file(suppliers=romanian + portuguese, country="RO"))
    assert zone.rows("raw/erp/vendor", "erp_vendor_no, vendor_name, party_no, bank_account_no") == [
        ("001590082", "Furnizor SRL", "RO-RO1590082", "RO49AAAA1B31007593840000"),
        ("F1", "Fornecedor Lda", "PT-501964843", None),
    ]


# ── source documents and other shapes ─────────────────────────────────────────────────────────────────────────────────


def purchase(no: str, net: str, gross: str, kind: str = "380", of: str = "S1") -> str:
    side = "C" if kind == "381" else "D"
    return (
        f"<Invoice><InvoiceNo>{no}</InvoiceNo><SupplierInfo><SupplierID>{of}</SupplierID></SupplierInfo>"
        f"<PeriodYear>2025</PeriodYear><InvoiceDate>2025-12-30</InvoiceDate><InvoiceType>{kind}</InvoiceType>"
        f"<GLPostingDate>2025-12-31</GLPostingDate><InvoiceLine><LineNumber>1</LineNumber><OrderReferences><OriginatingON>PO-1"
        f"</OriginatingON></OrderReferences><InvoiceLineAmount><Amount>{net}</Amount></InvoiceLineAmount>"
        f"<DebitCreditIndicator>{side}</DebitCreditIndicator></InvoiceLine><InvoiceDocumentTotals><NetTotal>{net}</NetTotal>"
        f"<GrossTotal>{gross}</GrossTotal></InvoiceDocumentTotals></Invoice>"
    )


SOURCE_DOCUMENTS = (
    "<SourceDocuments><SalesInvoices><NumberOfEntries>1</NumberOfEntries>"
    "<Invoice><InvoiceNo>OUT-1</InvoiceNo><InvoiceLine><InvoiceLineAmount><Amount>1</Amount></InvoiceLineAmount></InvoiceLine>"
    "</Invoice></SalesInvoices><PurchaseInvoices><NumberOfEntries>2</NumberOfEntries><TotalDebit>100.00</TotalDebit>"
    f"<TotalCredit>20.00</TotalCredit>{purchase('A-1', '100.00', '119.00')}{purchase('A-2', '20.00', '23.80', '381')}"
    "</PurchaseInvoices><Payments><NumberOfEntries>1</NumberOfEntries><TotalDebit>119.00</TotalDebit>"
    "<TotalCredit>0</TotalCredit><Payment><PaymentRefNo>P-1</PaymentRefNo><TransactionDate>2026-01-15</TransactionDate>"
    "<PaymentMethod>Bank</PaymentMethod><PaymentLine><SourceDocumentID>A-1</SourceDocumentID><SupplierID>S1</SupplierID>"
    "<DebitCreditIndicator>D</DebitCreditIndicator><PaymentLineAmount><Amount>119.00</Amount></PaymentLineAmount>"
    "</PaymentLine><PaymentLine><CustomerID>C1</CustomerID><DebitCreditIndicator>C</DebitCreditIndicator>"
    "<PaymentLineAmount><Amount>0</Amount></PaymentLineAmount></PaymentLine></Payment></Payments></SourceDocuments>"
)


def test_source_documents_go_before_the_ledger(zone: Zone) -> None:
    content = audit_file(ledger(BOUGHT, PAID, debit="250"), SOURCE_DOCUMENTS, country="RO")
    assert delivered(zone, INVOICE, content).message is None
    columns = (
        "ap_document_no, fiscal_year, document_type, supplier_invoice_no, po_no, due_date, net_amount, tax_amount, "
        "gross_amount"
    )
    assert zone.rows("raw/erp/ap_invoice", columns) == [
        ("S1/A-1", 2025, "INVOICE", "A-1", "PO-1", date(2026, 1, 29), Decimal(100), Decimal(19), Decimal(119)),
        ("S1/A-2", 2025, "CREDIT_NOTE", "A-2", "PO-1", date(2026, 1, 29), Decimal(20), Decimal("3.8"), Decimal("23.8")),
    ]
    receipt = delivered(zone, PAYMENT, content)
    assert receipt.message == "1 payment lines of no supplier were left out."
    columns = "payment_no, ap_document_no, fiscal_year, payment_date, amount"
    assert zone.rows("raw/erp/ap_payment", columns) == [("P-1", "S1/A-1", 2025, date(2026, 1, 15), Decimal(119))]


def test_a_credit_note_of_angola_is_known_by_its_purchase_type(zone: Zone) -> None:
    content = SOURCE_DOCUMENTS.replace("InvoiceType>", "PurchaseType>").replace("381<", "NC<")
    delivered(zone, INVOICE, audit_file(content, country="AO"))
    assert zone.rows("raw/erp/ap_invoice", "supplier_invoice_no, document_type") == [
        ("A-1", "INVOICE"),
        ("A-2", "CREDIT_NOTE"),
    ]


def test_payments_of_documents_and_of_a_ledger_load_together(zone: Zone) -> None:
    zone.deliver(PAYMENT, "documents.xml", audit_file(SOURCE_DOCUMENTS, country="RO"))
    zone.deliver(PAYMENT, "ledger.xml", audit_file(ledger(BOUGHT, PAID, debit="250")))
    assert [counts(receipt)["loaded"] for receipt in zone.ingest(PAYMENT)] == [1, 1]


def test_totals_of_source_documents_that_are_counted_otherwise_are_notes(zone: Zone) -> None:
    content = audit_file(SOURCE_DOCUMENTS.replace("<TotalDebit>100.00<", "<TotalDebit>119.00<"))
    receipt = delivered(zone, INVOICE, content)
    assert receipt.loaded_rows == 2
    assert receipt.message == "PurchaseInvoices states a TotalDebit of 119.00; its lines add up to 100.00."


def test_the_ledger_as_portugal_writes_it(zone: Zone) -> None:
    content = (
        '<AuditFile xmlns="urn:OECD:StandardAuditFile-Tax:PT_1.04_01"><Header><CompanyID>501964843</CompanyID>'
        "<FiscalYear>2026</FiscalYear><CurrencyCode>EUR</CurrencyCode><CompanyAddress><Country>PT</Country></CompanyAddress>"
        "</Header><MasterFiles><Supplier><SupplierID>F1</SupplierID><AccountID>22111</AccountID></Supplier></MasterFiles>"
        "<GeneralLedgerEntries><NumberOfEntries>1</NumberOfEntries><TotalDebit>123</TotalDebit><TotalCredit>123</TotalCredit>"
        "<Journal><JournalID>1</JournalID><Transaction><TransactionID>2026-01-05 1 1</TransactionID>"
        "<TransactionDate>2026-01-05</TransactionDate><GLPostingDate>2026-01-05</GLPostingDate><SupplierID>F1</SupplierID>"
        "<Lines><DebitLine><RecordID>1</RecordID><AccountID>31</AccountID><DebitAmount>123</DebitAmount></DebitLine>"
        "<CreditLine><RecordID>2</RecordID><AccountID>22111</AccountID><CreditAmount>123</CreditAmount></CreditLine></Lines>"
        "</Transaction></Journal></GeneralLedgerEntries></AuditFile>"
    )
    delivered(zone, INVOICE, content)
    columns = "company_code, ap_document_no, fiscal_year, erp_vendor_no, gross_amount, currency"
    assert zone.rows("raw/erp/ap_invoice", columns) == [
        ("501964843", "2026-01-05 1 1", 2026, "F1", Decimal(123), "EUR")
    ]
    assert delivered(zone, VENDOR, content).delivered_rows == 1


def test_the_ledger_as_romania_names_its_lines(zone: Zone) -> None:
    content = audit_file(ledger(BOUGHT, debit="125")).replace("<Line>", "<TransactionLine>")
    content = content.replace("</Line>", "</TransactionLine>").replace("<Journal>", "<Journals><Journal>")
    delivered(zone, INVOICE, content.replace("</Journal>", "</Journal></Journals>"))
    assert zone.rows("raw/erp/ap_invoice", "erp_vendor_no, gross_amount, tax_amount") == [
        ("S1", Decimal(125), Decimal(25))
    ]


@pytest.mark.parametrize("places", ["", "Accounts"])
def test_of_a_transaction_that_names_the_supplier_on_every_line_its_own_account_counts(zone: Zone, places: str) -> None:
    """As Odoo writes it, and in Lithuania with transactions, accounts and taxes each in an element of their own."""
    lines = (line(1, "4000", "Debit", "100", extra=tax("25"), of="S1"), line(2, "2710", "Debit", "25", of="S1"))
    bought = transaction("T1", *lines, line(3, "2400", "Credit", "125", of="S1"))
    content = audit_file(ledger(bought, debit="125"))
    if places:
        for inner, outer in (("Transaction", "Transactions"), ("TaxInformation", "TaxInformations")):
            content = content.replace(f"<{inner}>", f"<{outer}><{inner}>")
            content = content.replace(f"</{inner}>", f"</{inner}></{outer}>")
        content = content.replace(
            "<AccountID>2400</AccountID><Opening", "<Accounts><AccountID>2400</AccountID><Opening"
        )
        content = content.replace("</ClosingDebitBalance>", "</ClosingDebitBalance></Accounts>")
    receipt = delivered(zone, INVOICE, content)
    assert zone.rows("raw/erp/ap_invoice", "ap_document_no, document_type, gross_amount, tax_amount") == [
        ("T1", "INVOICE", Decimal(125), Decimal(25))
    ]
    assert receipt.message == "2 ledger lines of no supplier were left out."


# ── what is no SAF-T file, and large ones ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "feed", "named"),
    [
        (audit_file(), INVOICE, "neither purchase invoices (PurchaseInvoices) nor a general ledger"),
        (audit_file(ledger(BOUGHT, debit="125")).replace("Suppliers", "Owners"), VENDOR, "no suppliers"),
        (audit_file(ledger(BOUGHT, debit="125"))[:-40], INVOICE, "not well-formed"),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]>" + audit_file()[38:], VENDOR, "DOCTYPE"),
        (audit_file(), "tax.vat_invoice", "holds no rows of tax.vat_invoice"),
    ],
)
def test_what_is_refused(zone: Zone, content: str, feed: str, named: str) -> None:
    receipt = delivered(zone, feed, content)
    assert receipt.status == "REFUSED"
    assert named in (receipt.message or "")


def test_memory_is_bounded_whatever_the_size(tmp_path: Path) -> None:
    def peak(times: int) -> int:
        path = tmp_path / "large.xml"
        path.write_text(audit_file(ledger(*[BOUGHT] * times, debit=str(125 * times))))
        tracemalloc.start()
        try:
            assert len(opened(path, "formats/saft/erp_vendor").rows) == 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(500), peak(5_000)
    assert large < small + (2 << 20)


def test_a_transaction_of_many_lines_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "wide.xml"
    lines = [line(n, "2400", "Credit", "1", of="S1") for n in range(30_000)]
    path.write_text(audit_file(ledger(transaction("T1", *lines), debit="0", credit="30000")))
    assert len(opened(path, "formats/saft/erp_ap_invoice").rows) == 30_000


# ── real files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _samples(shared_data: Path) -> Iterator[Path]:
    folder = shared_data / SAMPLES
    if not folder.is_dir():
        pytest.skip(f"../shared/data/{SAMPLES} (example files of the Norwegian tax office) is not beside this checkout")
    yield from sorted(folder.rglob("*.xml"))


def test_the_ledger_of_a_sample_adds_up_supplier_by_supplier(zone: Zone, shared_data: Path) -> None:
    (path,) = (path for path in _samples(shared_data) if "888888888" in path.name)
    credits: dict[str, Decimal] = {}
    debits: dict[str, Decimal] = {}
    for own in etree.parse(str(path)).iter("{*}Line"):
        party = own.findtext("{*}SupplierID")
        if party is not None:
            for sums, name in ((credits, "CreditAmount"), (debits, "DebitAmount")):
                amount = own.findtext(f"{{*}}{name}/{{*}}Amount")
                sums[party] = sums.get(party, Decimal(0)) + Decimal(amount or 0)
    zone.deliver(INVOICE, "saft.xml", path.read_bytes())
    zone.ingest(INVOICE)
    found = zone.rows("raw/erp/ap_invoice", "erp_vendor_no, gross_amount", "erp_vendor_no")
    loaded: dict[str, Decimal] = {}
    for party, amount in found:
        loaded[str(party)] = loaded.get(str(party), Decimal(0)) + Decimal(str(amount))
    assert loaded == credits
    zone.deliver(PAYMENT, "saft.xml", path.read_bytes())
    (receipt,) = zone.ingest(PAYMENT)
    # none of the sample's payments names the invoice that it pays
    assert counts(receipt) == {"delivered": 18, "loaded": 0, "quarantined": 18, "duplicate": 0}
    assert sum(debits.values()) == Decimal("572913.75")
