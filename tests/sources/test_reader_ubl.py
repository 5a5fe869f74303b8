"""UBL invoices and credit notes: terms of EN 16931, signs, official numbers; large, hostile and broken documents."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.contract import load_contracts
from sources.engine import quick_connection
from sources.mapping import identity_mapping
from sources.mapping_files import MAPPING_FOLDER, load_mapping
from sources.readers import FileRefused, Workspace
from sources.readers.choose import FORMATS, choose_reader
from sources.readers.xml import documents
from tests.sources.landing_zone import Zone, counts

FEED = "tax.vat_invoice"
RAW = "raw/tax/vat_invoice"
SELLER_VAT, BUYER_VAT, LEI = "DE136695976", "ATU13585627", "213800KUD8LAJWSQ9D15"

UBL = "urn:oasis:names:specification:ubl:schema:xsd"
VAT_SCHEME = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
LINE = (
    "<cac:InvoiceLine><cbc:ID>1</cbc:ID><cac:DocumentReference><cbc:ID>9</cbc:ID></cac:DocumentReference>"
    '<cbc:LineExtensionAmount currencyID="EUR">100</cbc:LineExtensionAmount></cac:InvoiceLine>'
)


def party(role: str, name: str, vat_no: str | None, legal: str = "") -> str:
    vat = "" if vat_no is None else f"<cbc:CompanyID>{vat_no}</cbc:CompanyID>{VAT_SCHEME}"
    vat = f"<cac:PartyTaxScheme>{vat}</cac:PartyTaxScheme>" if vat else ""
    return (
        f"<cac:Accounting{role}Party><cac:Party><cac:PartyName><cbc:Name>trading as</cbc:Name></cac:PartyName>{vat}"
        f"<cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName>{legal}</cac:PartyLegalEntity>"
        f"</cac:Party></cac:Accounting{role}Party>"
    )


def invoice(
    *,
    root: str = "Invoice",
    number: str = "R-1",
    code: str = "380",
    day: str = "2026-03-01",
    sign: str = "",
    seller: str = party("Supplier", "Seller GmbH", SELLER_VAT),
    buyer: str = party("Customer", "Buyer AG", BUYER_VAT),
    extra: str = "",
    lines: str = LINE,
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> str:
    """An invoice of 100.00 and 19.00 VAT; elements in the order of the schema as far as it matters."""
    amounts = {"TaxExclusiveAmount": "100.00", "TaxInclusiveAmount": "119.00", "PayableAmount": "119.00"}
    totals = "".join(f'<cbc:{name} currencyID="EUR">{sign}{value}</cbc:{name}>' for name, value in amounts.items())
    return (
        f'{declaration}<{root} xmlns="{UBL}:{root}-2" xmlns:cac="{UBL}:CommonAggregateComponents-2" '
        f'xmlns:cbc="{UBL}:CommonBasicComponents-2"><cbc:ID>{number}</cbc:ID><cbc:IssueDate>{day}</cbc:IssueDate>'
        f"<cbc:{root}TypeCode>{code}</cbc:{root}TypeCode>"
        f"<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>{extra}{seller}{buyer}"
        f'<cac:TaxTotal><cbc:TaxAmount currencyID="CZK">{sign}480.00</cbc:TaxAmount></cac:TaxTotal>'
        f'<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">{sign}19.00</cbc:TaxAmount></cac:TaxTotal>'
        f"<cac:LegalMonetaryTotal>{totals}</cac:LegalMonetaryTotal>{lines}</{root}>"
    )


def emitted(content: str | bytes | Path) -> list[Mapping[str, str | None]]:
    """What the reader that such a file chooses emits, by column, and its notes under the name ``notes``."""
    with TemporaryDirectory() as folder, quick_connection() as connection:
        path = content if isinstance(content, Path) else Path(folder) / "invoice"
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        reader = choose_reader(path, identity_mapping(load_contracts()[FEED]))
        mapping = load_mapping(f"formats/{reader}/tax_vat_invoice")
        records = FORMATS[reader].open(path, mapping, Workspace(connection, Path(folder), 1 << 30))
        names = ", ".join(name for name, _ in records.columns.values())
        rows = connection.execute(f"select {names} from {records.relation}").fetchall()
    return [{**dict(zip(records.columns, row, strict=True)), "notes": " ".join(records.notes)} for row in rows]


def one(content: str | bytes | Path) -> Mapping[str, str | None]:
    (row,) = emitted(content)
    return row


def test_an_invoice_is_one_row_of_the_tax_feed(zone: Zone) -> None:
    zone.deliver(FEED, "i.xml", invoice())
    (receipt,) = zone.ingest(FEED)
    assert (receipt.reader, receipt.message) == ("ubl", None)
    columns = (
        "seller_no, seller_no_scheme, buyer_no, buyer_no_scheme, invoice_no, invoice_year, invoice_date, "
        "net_amount, tax_amount, gross_amount, currency, invoice_status"
    )
    assert zone.rows(RAW, columns) == [
        (SELLER_VAT, "VAT", BUYER_VAT, "VAT", "R-1", 2026, date(2026, 3, 1))
        + (Decimal("100.00"), Decimal("19.00"), Decimal("119.00"), "EUR", "VALID"),
    ]


@pytest.mark.parametrize(
    ("root", "code", "sign", "is_credit", "net", "signed_net"),
    [
        ("Invoice", "380", "", "false", "100.00", "100.00"),
        ("Invoice", "380", "-", "false", "-100.00", "-100.00"),
        ("Invoice", "384", "", "false", "100.00", "100.00"),
        ("Invoice", "381", "", "true", "100.00", "-100.00"),
        ("CreditNote", "381", "", "true", "100.00", "-100.00"),
        ("CreditNote", "381", "-", "true", "-100.00", "100.00"),
        ("CreditNote", "", "", "true", "100.00", "-100.00"),
        ("CreditNote", "381", "+", "true", "+100.00", "-100.00"),
        ("CreditNote", "381", "x", "true", "x100.00", "x100.00"),
    ],
)
def test_a_credit_note_turns_the_signs(
    root: str, code: str, sign: str, is_credit: str, net: str, signed_net: str
) -> None:
    row = one(invoice(root=root, code=code, sign=sign))
    assert (row["is_credit"], row["net_amount"], row["signed_net_amount"]) == (is_credit, net, signed_net)


def test_vat_that_is_not_stated_is_what_the_totals_differ_in() -> None:
    without = re.sub(r'<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">.*?</cac:TaxTotal>', "", invoice())
    assert one(without)["tax_amount"] == one(without)["signed_tax_amount"] == "19.00"
    assert one(without.replace(">119.00<", ">100.00<"))["tax_amount"] == "0.00"
    assert one(without.replace(">100.00<", ">a hundred<"))["tax_amount"] is None


def test_taxes_with_totals_of_their_own_are_added() -> None:
    """But a total without a breakdown is VAT again, in the currency of the tax office, though it be the invoice's."""
    broken_down = "</cbc:TaxAmount><cac:TaxSubtotal/></cac:TaxTotal>"
    for amount, gross, row_tax in (("6.00", "125.00", "25.00"), ("19.00", "138.00", "38.00")):
        total = f'<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">{amount}{broken_down}'
        content = invoice().replace("</cbc:TaxAmount></cac:TaxTotal>", broken_down).replace(">119.00<", f">{gross}<")
        row = one(content.replace("<cac:LegalMonetaryTotal>", f"{total}<cac:LegalMonetaryTotal>"))
        assert (row["tax_amount"], row["gross_amount"], row["notes"]) == (row_tax, gross, "")
    again = '<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount></cac:TaxTotal><cac:LegalMonetaryTotal>'
    row = one(invoice().replace("<cac:LegalMonetaryTotal>", again))
    assert (row["tax_amount"], row["notes"]) == ("19.00", "")


def test_totals_that_contradict_one_another_are_said() -> None:
    assert one(invoice())["notes"] == ""
    row = one(invoice().replace(">119.00<", ">120.00<"))
    assert (row["tax_amount"], row["gross_amount"]) == ("19.00", "120.00")
    assert "Totals contradict one another in 1 of its invoices" in str(row["notes"])


def test_by_a_proforma_invoice_nothing_is_owed(zone: Zone) -> None:
    zone.deliver(FEED, "i.xml", invoice(code="325"))
    (receipt,) = zone.ingest(FEED)
    assert (receipt.loaded_rows, receipt.quarantined_rows) == (0, 1)
    ((rule, message),) = zone.refused("rule, message")
    assert (rule, str(message).startswith("It is a proforma invoice")) == ("type_code", True)


@pytest.mark.parametrize(
    ("vat_no", "legal", "expected"),
    [
        (SELLER_VAT, f'<cbc:CompanyID schemeID="0199">{LEI}</cbc:CompanyID>', (SELLER_VAT, "VAT")),
        ("de 1", "", ("DE1", "VAT")),
        ("ATU 512.87-307", "", ("ATU51287307", "VAT")),
        (None, f'<cbc:CompanyID schemeID="0199">{LEI}</cbc:CompanyID>', (LEI, "LEI")),
        ("GB123456789", f'<cbc:CompanyID schemeID="0199">{LEI}</cbc:CompanyID>', (LEI, "LEI")),
        (None, '<cbc:CompanyID schemeID="0060">123456789</cbc:CompanyID>', ("123456789", "DUNS")),
        ("GB123456789", '<cbc:CompanyID schemeID="0192">987654321</cbc:CompanyID>', ("GB123456789", "LOCAL")),
        (None, '<cbc:CompanyID schemeID="0192">987654321</cbc:CompanyID>', ("0192:987654321", "LOCAL")),
        (None, "<cbc:CompanyID>HRB 1</cbc:CompanyID>", ("HRB 1", "LOCAL")),
        (None, "", (None, None)),
    ],
)
def test_a_party_is_known_by_its_official_number(
    vat_no: str | None, legal: str, expected: tuple[str | None, str | None]
) -> None:
    row = one(invoice(seller=party("Supplier", "S", vat_no, legal), buyer=party("Customer", "B", vat_no, legal)))
    assert (row["seller_no"], row["seller_no_scheme"]) == expected
    assert (row["buyer_no"], row["buyer_no_scheme"]) == expected


@pytest.mark.parametrize(
    ("register", "number", "expected"),
    [
        ("EM", "invoices@buyer.example", (None, None)),
        ("9930", SELLER_VAT, (SELLER_VAT, "VAT")),
        ("9918", "BANKDEFF", ("9918:BANKDEFF", "LOCAL")),
        ("0204", "991-12345-06", ("0204:991-12345-06", "LOCAL")),
        ("0060", "123456789", ("123456789", "DUNS")),
    ],
)
def test_a_party_without_another_number_is_known_by_its_registered_address(
    register: str, number: str, expected: tuple[str | None, str | None]
) -> None:
    address = f'<cbc:EndpointID schemeID="{register}">{number}</cbc:EndpointID>'
    own_no = "<cac:PartyIdentification><cbc:ID>Customer 7</cbc:ID></cac:PartyIdentification>"
    buyer = party("Customer", "B", None).replace("<cac:Party>", f"<cac:Party>{address}{own_no}")
    row = one(invoice(buyer=buyer))
    assert (row["buyer_no"], row["buyer_no_scheme"]) == expected
    assert ("It states no official number of the buyer" in str(row["notes"])) is (expected == (None, None))
    known = buyer.replace(
        "<cac:PartyLegalEntity>",
        f"<cac:PartyTaxScheme><cbc:CompanyID>{BUYER_VAT}</cbc:CompanyID>"
        f"{VAT_SCHEME}</cac:PartyTaxScheme><cac:PartyLegalEntity>",
    )
    assert one(invoice(buyer=known))["buyer_no"] == BUYER_VAT


def test_a_mapping_can_say_who_the_buyer_is(zone: Zone) -> None:
    content = invoice(buyer=party("Customer", "B", None))
    zone.deliver(FEED, "i.xml", content)
    (receipt,) = zone.ingest(FEED)
    assert zone.refused("column_name, rule") == [("buyer_no", "required")]
    assert "buyer_no: {constant: DE123456789}" in (receipt.message or "")
    mapping = yaml.safe_load((MAPPING_FOLDER / "formats/ubl/tax_vat_invoice.yaml").read_text())
    mapping["columns"] |= {"buyer_no": {"constant": BUYER_VAT}, "buyer_no_scheme": {"constant": "VAT"}}
    mapping["ignored"] += ["buyer_no", "buyer_no_scheme"]
    zone.map("own", mapping)
    zone.deliver(FEED, "_delivery.yaml", "deliveries:\n  - {files: 'own.xml', mapping: own}\n")
    zone.deliver(FEED, "own.xml", content)
    (receipt,) = zone.ingest(FEED)
    assert zone.rows(RAW, "buyer_no, buyer_no_scheme") == [(BUYER_VAT, "VAT")]
    assert receipt.message is None


def test_terms_of_the_header() -> None:
    extra = (
        "<cbc:DueDate>2026-04-01+01:00</cbc:DueDate><cbc:BuyerReference> B-7 </cbc:BuyerReference>"
        "<cac:OrderReference><cbc:ID>PO-1</cbc:ID></cac:OrderReference>"
        "<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>P-1</cbc:ID></cac:InvoiceDocumentReference>"
        "</cac:BillingReference><cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>P-2</cbc:ID>"
        "</cac:InvoiceDocumentReference></cac:BillingReference>"
        "<cac:DespatchDocumentReference><cbc:ID>D-1</cbc:ID></cac:DespatchDocumentReference>"
        "<cac:ReceiptDocumentReference><cbc:ID>G-1</cbc:ID></cac:ReceiptDocumentReference>"
        "<cac:ContractDocumentReference><cbc:ID>C-1</cbc:ID></cac:ContractDocumentReference>"
        "<cac:ProjectReference><cbc:ID>J-1</cbc:ID></cac:ProjectReference>"
        "<cac:PaymentMeans><cac:PayeeFinancialAccount><cbc:ID>IBAN1</cbc:ID></cac:PayeeFinancialAccount>"
        "</cac:PaymentMeans><cac:PaymentTerms><cbc:Note>30 days <!-- net -->net</cbc:Note></cac:PaymentTerms>"
    )
    row = one(invoice(extra=extra))
    expected = {
        "due_date": "2026-04-01",
        "type_code": "380",
        "buyer_reference": "B-7",
        "order_no": "PO-1",
        "preceding_invoice_no": "P-1",
        "despatch_advice_no": "D-1",
        "receiving_advice_no": "G-1",
        "contract_no": "C-1",
        "project_no": "J-1",
        "payee_account_no": "IBAN1",
        "payment_terms_text": "30 days net",
        "seller_name": "Seller GmbH",
        "buyer_name": "Buyer AG",
        "tax_amount": "19.00",
        "payable_amount": "119.00",
        "prepaid_amount": None,
        "notes": "1 further values of preceding_invoice_no were left out.",
    }
    assert {name: row[name] for name in expected} == expected


def test_a_credit_note_states_project_and_due_date_elsewhere() -> None:
    extra = (
        "<cac:AdditionalDocumentReference><cbc:ID>X</cbc:ID></cac:AdditionalDocumentReference>"
        "<cac:AdditionalDocumentReference><cbc:ID>J-1</cbc:ID><cbc:DocumentTypeCode>50</cbc:DocumentTypeCode>"
        "</cac:AdditionalDocumentReference>"
        "<cac:PaymentMeans><cbc:PaymentDueDate>2026-04-01</cbc:PaymentDueDate></cac:PaymentMeans>"
    )
    row = one(invoice(root="CreditNote", code="381", extra=extra))
    assert (row["project_no"], row["due_date"]) == ("J-1", "2026-04-01")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("<cbc:ID>NA</cbc:ID><cbc:SalesOrderID>S</cbc:SalesOrderID>", None),
        ("<cbc:ID>NA</cbc:ID>", "NA"),
        ("<cbc:ID>PO</cbc:ID><cbc:SalesOrderID>S</cbc:SalesOrderID>", "PO"),
    ],
)
def test_na_beside_a_sales_order_is_no_order(reference: str, expected: str | None) -> None:
    row = one(invoice(extra=f"<cac:OrderReference>{reference}</cac:OrderReference>"))
    assert row["order_no"] == expected


def test_invoices_in_an_envelope_are_a_row_each(zone: Zone) -> None:
    inside = (
        "".join(invoice(number=number, declaration="", lines="") for number in ("R-1", "R-2"))
        + "<Other xmlns='urn:x'/>"
    )
    envelope = (
        '<s:StandardBusinessDocument xmlns:s="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader">'
        "<s:StandardBusinessDocumentHeader><s:HeaderVersion>1.0</s:HeaderVersion></s:StandardBusinessDocumentHeader>"
        f"{inside}</s:StandardBusinessDocument>"
    )
    zone.deliver(FEED, "envelope.xml", envelope)
    (receipt,) = zone.ingest(FEED)
    assert receipt.message == "1 documents of other kinds were left out."
    assert zone.rows(RAW, "invoice_no") == [("R-1",), ("R-2",)]


@pytest.mark.parametrize(
    ("document", "rule", "column"),
    [
        (invoice(number=""), "required", "invoice_no"),
        (invoice(buyer=party("Customer", "Buyer", None)), "required", "buyer_no"),
        (invoice(seller=""), "required", "seller_no"),
        (invoice(seller=party("Supplier", "S", "DE123456789")), "check_digit", "seller_no"),
        (invoice(seller=party("Supplier", "S", "DE 136 695 977")), "check_digit", "seller_no"),
        (invoice(sign="x"), "type", "net_amount"),
        (invoice(day="01.03.2026"), "type", "invoice_date"),
    ],
)
def test_a_row_that_breaks_the_contract_is_refused(zone: Zone, document: str, rule: str, column: str) -> None:
    zone.deliver(FEED, "i.xml", document)
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 1, "loaded": 0, "quarantined": 1, "duplicate": 0}
    ((found_rule, found_column, raw_text),) = zone.refused("rule, column_name, raw_text")
    assert (found_rule, found_column) == (rule, column)
    assert "LegalMonetaryTotal" in str(raw_text)
    assert "InvoiceLine" not in str(raw_text)


def attachment(megabytes: int) -> str:
    content = "QUJD" * (megabytes << 18)
    return (
        "<cac:AdditionalDocumentReference><cbc:ID>A</cbc:ID><cac:Attachment><cbc:EmbeddedDocumentBinaryObject>"
        f"{content}</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>"
    )


def test_lines_and_attachments_of_any_size_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    path.write_text(invoice(extra=attachment(40), lines=LINE * 20_000))
    names = ("InvoiceLine", "EmbeddedDocumentBinaryObject")
    tracemalloc.start()
    (document,) = documents(path, *names)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 << 20
    assert one(path)["gross_amount"] == "119.00"
    assert not [element for element in document.iter() if str(element.tag).endswith(names)]


def test_the_same_invoice_again_is_a_duplicate(zone: Zone) -> None:
    zone.deliver(FEED, "a.xml", invoice())
    zone.deliver(FEED, "b.xml", invoice(declaration=""))
    receipts = zone.ingest(FEED)
    assert sorted((receipt.loaded_rows, receipt.duplicate_rows) for receipt in receipts) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "No reader takes"),
        ("<Invoice/>", "No reader takes XML with the root element Invoice"),
        (invoice()[:-3], "not well-formed"),
        (invoice(extra="\0"), "not well-formed"),
        (invoice(extra="&undefined;"), "not well-formed"),
        (invoice(extra="<a>" * 300 + "</a>" * 300), "not well-formed"),
        (invoice(declaration='<?xml version="1.0" encoding="x-none"?>'), "not well-formed"),
        (invoice(extra="\xe4").encode("latin-1"), "not well-formed"),
        (invoice(extra="<cbc:Note>" + "x" * (20 << 20) + "</cbc:Note>"), "too large"),
        (invoice(extra="<cac:AllowanceCharge/>" * 200_000), "too large"),
        (invoice(declaration="<!DOCTYPE Invoice>"), "DOCTYPE"),
        (invoice(declaration='<!DOCTYPE Invoice SYSTEM "http://127.0.0.1:9/x.dtd">'), "DOCTYPE"),
        (invoice(declaration='<!DOCTYPE Invoice [<!ENTITY e SYSTEM "file:///etc/passwd">]>', number="&e;"), "DOCTYPE"),
    ],
)
def test_what_is_no_readable_invoice_is_refused(zone: Zone, content: str | bytes, sentence: str) -> None:
    zone.deliver(FEED, "i.xml", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert sentence in (receipt.message or "")


def test_a_mapping_must_take_the_documents_of_the_format(tmp_path: Path) -> None:
    mapping = load_mapping("formats/ubl/tax_vat_invoice")
    path = tmp_path / "i.xml"
    path.write_text("<Order/>")
    with quick_connection() as connection:
        workspace = Workspace(connection, tmp_path, 1 << 30)
        with pytest.raises(FileRefused, match="no UBL invoice or credit note but Order"):
            FORMATS["ubl"].open(path, mapping, workspace)
        with pytest.raises(FileRefused, match="set its key records to one of invoice"):
            FORMATS["ubl"].open(path, mapping.model_copy(update={"records": "line"}), workspace)


def test_payables_are_no_rows_of_an_invoice(zone: Zone) -> None:
    zone.deliver("erp.ap_invoice", "i.xml", invoice())
    (receipt,) = zone.ingest("erp.ap_invoice")
    assert receipt.message == "A UBL invoice holds no rows of erp.ap_invoice; deliver it to tax.vat_invoice."


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 10_000))
def test_broken_bytes_are_refused_or_read_never_a_crash(
    tmp_path: Path, edits: list[tuple[int, int]], keep: int
) -> None:
    content = bytearray(invoice().encode())
    for position, byte in edits:
        content[position % len(content)] = byte
    path = tmp_path / "i.xml"
    path.write_bytes(content[: keep if keep < len(content) // 4 else None])
    mapping = load_mapping("formats/ubl/tax_vat_invoice")
    with quick_connection() as connection:
        try:
            records = FORMATS["ubl"].open(path, mapping, Workspace(connection, tmp_path, 1 << 30))
        except FileRefused:
            return
        assert connection.execute(f"select count(*) from {records.relation}").fetchall() == [(1,)]


def test_sample_invoices_of_peppol(shared_data: Path) -> None:
    files = sorted((shared_data / "einvoice/peppol_bis3").rglob("*.xml"))
    rows = {path.stem: one(path) for path in files}
    assert len(rows) == 9
    assert rows["base-creditnote-correction"]["signed_gross_amount"] == "-1656.25"
    assert rows["base-negative-inv-correction"]["signed_gross_amount"] == "-1656.25"
    assert rows["sales-order-example"]["order_no"] is None
    required = ("invoice_no", "issue_date", "currency", "net_amount", "tax_amount", "gross_amount", "seller_name")
    assert [(name, column) for name, row in rows.items() for column in required if row[column] is None] == []
