"""Cross Industry Invoices, alone or embedded in a PDF: the same rows as from UBL; hostile and broken files."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from sources.engine import quick_connection
from sources.mapping_files import load_mapping
from sources.readers import FileRefused, Workspace, pdf_attachment
from sources.readers.choose import FORMATS
from tests.sources import test_reader_ubl as ubl
from tests.sources.landing_zone import Zone, counts
from tests.sources.test_reader_ubl import BUYER_VAT, FEED, LEI, RAW, SELLER_VAT, one

CII = "urn:un:unece:uncefact:data:standard"
LINE = (
    "<ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedTradeProduct><ram:Name>x</ram:Name>"
    "</ram:SpecifiedTradeProduct></ram:IncludedSupplyChainTradeLineItem>"
)


def party(role: str, name: str, vat_no: str | None, legal: str = "", tax_no: str | None = None) -> str:
    numbers = (("FC", tax_no), ("VA", vat_no))
    taxes = "".join(
        f'<ram:SpecifiedTaxRegistration><ram:ID schemeID="{scheme}">{number}</ram:ID></ram:SpecifiedTaxRegistration>'
        for scheme, number in numbers
        if number is not None
    )
    return (
        f"<ram:{role}TradeParty><ram:Name>{name}</ram:Name>"
        f"<ram:SpecifiedLegalOrganization>{legal}</ram:SpecifiedLegalOrganization>{taxes}</ram:{role}TradeParty>"
    )


def invoice(
    *,
    number: str = "R-1",
    code: str = "380",
    day: str = "20260301",
    seller: str = party("Seller", "Seller GmbH", SELLER_VAT),
    buyer: str = party("Buyer", "Buyer AG", BUYER_VAT),
    agreement: str = "",
    delivery: str = "",
    settlement: str = "",
    lines: str = LINE,
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> str:
    """An invoice of 100.00 and 19.00 VAT."""
    return (
        f'{declaration}<rsm:CrossIndustryInvoice xmlns:rsm="{CII}:CrossIndustryInvoice:100" '
        f'xmlns:ram="{CII}:ReusableAggregateBusinessInformationEntity:100" '
        f'xmlns:udt="{CII}:UnqualifiedDataType:100"><rsm:ExchangedDocument><ram:ID><!-- BT-1 -->{number}</ram:ID>'
        f"<ram:TypeCode>{code}</ram:TypeCode><ram:IssueDateTime>"
        f'<udt:DateTimeString format="102">{day}</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>'
        f"<rsm:SupplyChainTradeTransaction>{lines}<ram:ApplicableHeaderTradeAgreement>{agreement}{seller}{buyer}"
        f"</ram:ApplicableHeaderTradeAgreement><ram:ApplicableHeaderTradeDelivery>{delivery}"
        "</ram:ApplicableHeaderTradeDelivery><ram:ApplicableHeaderTradeSettlement>"
        f"<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>{settlement}"
        "<ram:SpecifiedTradeSettlementHeaderMonetarySummation>"
        "<ram:TaxBasisTotalAmount>100.00</ram:TaxBasisTotalAmount>"
        '<ram:TaxTotalAmount currencyID="CZK">480.00</ram:TaxTotalAmount>'
        '<ram:TaxTotalAmount currencyID="EUR">19.00</ram:TaxTotalAmount>'
        "<ram:GrandTotalAmount>119.00</ram:GrandTotalAmount><ram:DuePayableAmount>119.00</ram:DuePayableAmount>"
        "</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>"
        "</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"
    )


def pdf(*attachments: tuple[str, str | bytes], password: str | None = None) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    for name, content in attachments:
        writer.add_attachment(name, content if isinstance(content, bytes) else content.encode())
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    target = BytesIO()
    writer.write(target)
    return target.getvalue()


def reference(name: str, number: str) -> str:
    return f"<ram:{name}><ram:IssuerAssignedID>{number}</ram:IssuerAssignedID></ram:{name}>"


def account(kind: str, number: str) -> str:
    means, holder = "SpecifiedTradeSettlementPaymentMeans", "PayeePartyCreditorFinancialAccount"
    return f"<ram:{means}><ram:{holder}><ram:{kind}>{number}</ram:{kind}></ram:{holder}></ram:{means}>"


def test_an_invoice_gives_the_same_row_as_in_ubl(zone: Zone) -> None:
    assert one(invoice()) == one(ubl.invoice())
    zone.deliver(FEED, "ubl.xml", ubl.invoice())
    zone.ingest(FEED)
    zone.deliver(FEED, "cii.xml", invoice())
    receipt = next(receipt for receipt in zone.ingest(FEED) if receipt.file == "cii.xml")
    assert (receipt.reader, counts(receipt)["duplicate"]) == ("cii", 1)


def test_a_credit_note_turns_the_signs() -> None:
    row = one(invoice(code="381"))
    assert row["is_credit"] == "true"
    assert [row[name] for name in ("gross_amount", "signed_gross_amount")] == ["119.00", "-119.00"]


def test_terms_of_the_header() -> None:
    row = one(
        invoice(
            agreement="<ram:BuyerReference> B-7 </ram:BuyerReference>"
            + reference("BuyerOrderReferencedDocument", "PO-1")
            + reference("ContractReferencedDocument", "C-1")
            + "<ram:SpecifiedProcuringProject><ram:ID>J-1</ram:ID></ram:SpecifiedProcuringProject>",
            delivery=reference("DespatchAdviceReferencedDocument", "D-1")
            + reference("ReceivingAdviceReferencedDocument", "G-1"),
            settlement=account("ProprietaryID", "N1")
            + account("IBANID", "IBAN2")
            + account("IBANID", "IBAN2")
            + reference("InvoiceReferencedDocument", "P-1")
            + "<ram:SpecifiedTradePaymentTerms><ram:Description>30 days</ram:Description><ram:DueDateDateTime>"
            '<udt:DateTimeString format="102">20260401</udt:DateTimeString></ram:DueDateDateTime>'
            "</ram:SpecifiedTradePaymentTerms>",
        )
    )
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
        "payee_account_no": "N1",
        "payment_terms_text": "30 days",
        "tax_amount": "19.00",
        "notes": "1 further values of payee_account_no were left out.",
    }
    assert {name: row[name] for name in expected} == expected


def test_a_party_without_vat_number_is_known_by_its_legal_or_tax_number() -> None:
    legal = f'<ram:ID schemeID="0199">{LEI}</ram:ID>'
    row = one(invoice(seller=party("Seller", "S", None, tax_no="12/3"), buyer=party("Buyer", "B", None, legal)))
    assert (row["seller_no"], row["seller_no_scheme"], row["seller_tax_no"]) == ("12/3", "LOCAL", "12/3")
    assert (row["buyer_no"], row["buyer_no_scheme"], row["buyer_legal_no_scheme"]) == (LEI, "LEI", "0199")


@pytest.mark.parametrize(
    ("day", "expected"), [("20260301", "2026-03-01"), ("2026-03-01", "2026-03-01"), ("202603", "202603")]
)
def test_dates_of_format_102_become_iso(day: str, expected: str) -> None:
    assert one(invoice(day=day))["issue_date"] == expected


@pytest.mark.parametrize(
    ("document", "column"),
    [(invoice(day="202603"), "invoice_date"), (invoice(number=" "), "invoice_no"), (invoice(buyer=""), "buyer_no")],
)
def test_a_row_that_breaks_the_contract_is_refused(zone: Zone, document: str, column: str) -> None:
    zone.deliver(FEED, "i.xml", document)
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 1, "loaded": 0, "quarantined": 1, "duplicate": 0}
    assert zone.refused("column_name") == [(column,)]


@pytest.mark.parametrize("name", ["factur-x.xml", "Factur-X.XML", "zugferd-invoice.xml", "xrechnung.xml"])
def test_the_invoice_embedded_in_a_pdf_is_read(zone: Zone, name: str) -> None:
    zone.deliver(FEED, "invoice.pdf", pdf(("terms.pdf", b"%PDF-"), (name, invoice())))
    (receipt,) = zone.ingest(FEED)
    assert (receipt.reader, receipt.loaded_rows, receipt.message) == ("cii", 1, None)
    assert zone.rows(RAW, "invoice_no") == [("R-1",)]


def test_the_lowest_profile_has_neither_lines_nor_addresses(zone: Zone) -> None:
    """MINIMUM, and BASIC WL but for more terms of the header."""
    zone.deliver(FEED, "minimum.pdf", pdf(("factur-x.xml", invoice(lines=""))))
    (receipt,) = zone.ingest(FEED)
    assert receipt.loaded_rows == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (pdf(), "embeds no invoice"),
        (pdf(("order-x.xml", invoice())), "embeds no invoice"),
        (pdf(("factur-x.xml", invoice()), ("xrechnung.xml", invoice())), "embeds 2 invoices"),
        (pdf(("factur-x.xml", invoice()), password="secret"), "encrypted"),
        (pdf(("factur-x.xml", invoice()), password=""), "encrypted"),
        (pdf(("factur-x.xml", invoice()[:-5])), "not well-formed"),
        (pdf(("factur-x.xml", ubl.invoice())), "no Cross Industry Invoice but Invoice"),
        (pdf(("factur-x.xml", invoice(declaration="<!DOCTYPE x>"))), "DOCTYPE"),
        (pdf(("factur-x.xml", invoice()))[:300], "no readable PDF"),
        (b"%PDF-1.7", "no readable PDF"),
        (b"%PDF-1.7\n" + b"\0" * 5_000, "no readable PDF"),
        (b"PDF", "No reader takes"),
    ],
)
def test_a_pdf_without_a_readable_invoice_is_refused(zone: Zone, content: bytes, sentence: str) -> None:
    zone.deliver(FEED, "invoice.pdf", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert sentence in (receipt.message or "")
    assert str(zone.root) not in (receipt.message or "")


def test_the_size_of_a_pdf_and_of_its_invoice_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, target = tmp_path / "a.pdf", tmp_path / "embedded.xml"
    path.write_bytes(pdf(("factur-x.xml", invoice())))
    monkeypatch.setattr(pdf_attachment, "MAX_XML_BYTES", len(invoice()) - 1)
    assert "embedded XML exceeds" in str(pdf_attachment.answer(path, target))
    monkeypatch.setattr(pdf_attachment, "MAX_PDF_BYTES", path.stat().st_size - 1)
    assert "A PDF invoice of more than" in str(pdf_attachment.answer(path, target))
    assert not target.exists()


def test_a_pdf_that_takes_too_long_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    endless, sound, target = tmp_path / "endless.pdf", tmp_path / "sound.pdf", tmp_path / "embedded.xml"
    endless.write_bytes(b"%PDF-1.7\n" + b"1 0 obj\n<<>>\nendobj\n" * 4_000_000)
    sound.write_bytes(pdf(("factur-x.xml", invoice())))
    finder = pdf_attachment.Finder(patience_seconds=5)
    assert finder.find(endless, target) == "The PDF takes longer than 5 seconds to read; deliver its XML."
    assert finder.find(sound, target) is None
    assert target.read_text() == invoice()
    finder.end()


def test_zugferd_1_says_the_same_under_other_names() -> None:
    today = invoice(
        agreement="<ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>PO-1</ram:IssuerAssignedID>"
        "</ram:BuyerOrderReferencedDocument>",
        settlement="<ram:SpecifiedTradeSettlementPaymentMeans><ram:PayeePartyCreditorFinancialAccount>"
        "<ram:IBANID>DE1</ram:IBANID></ram:PayeePartyCreditorFinancialAccount>"
        "</ram:SpecifiedTradeSettlementPaymentMeans>",
    )
    before = today.replace(f"{CII}:CrossIndustryInvoice:100", "urn:ferd:CrossIndustryDocument:invoice:1p0")
    for name, name_before in (
        ("CrossIndustryInvoice", "CrossIndustryDocument"),
        ("ExchangedDocument", "HeaderExchangedDocument"),
        ("SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction"),
        ("ApplicableHeader", "ApplicableSupplyChain"),
        ("SettlementHeaderMonetary", "SettlementMonetary"),
        ("IssuerAssignedID", "ID"),
    ):
        before = before.replace(f":{name}", f":{name_before}").replace("SettlementHeaderM", "SettlementM")
    assert "CrossIndustryInvoice" not in before
    assert one(before) == one(today)
    assert one(before)["order_no"] == "PO-1"


@pytest.mark.parametrize("address", ["URIUniversalCommunication", "GlobalID"])
def test_a_party_without_another_number_is_known_by_its_registered_address(address: str) -> None:
    number = '<ram:{0} schemeID="0192">987654321</ram:{0}>'
    if address == "GlobalID":
        stated = number.format(address)
    else:
        stated = f"<ram:{address}>{number.format('URIID')}</ram:{address}>"
    buyer = party("Buyer", "B", None).replace("<ram:Name>", f"<ram:ID>Customer 7</ram:ID>{stated}<ram:Name>")
    row = one(invoice(buyer=buyer))
    assert (row["buyer_no"], row["buyer_no_scheme"]) == ("0192:987654321", "LOCAL")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (invoice()[:-3], "not well-formed"),
        (invoice(agreement="\0"), "not well-formed"),
        (invoice(agreement="<ram:Note>" + "x" * (20 << 20) + "</ram:Note>"), "too large"),
        (invoice(declaration='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', number="&e;"), "DOCTYPE"),
        ('<CrossIndustryDocument xmlns="urn:x"/>', "no Cross Industry Invoice"),
        ('<CrossIndustryInvoice xmlns="urn:x"/>', "no Cross Industry Invoice"),
    ],
)
def test_what_is_no_readable_invoice_is_refused(zone: Zone, content: str, sentence: str) -> None:
    zone.deliver(FEED, "i.xml", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert sentence in (receipt.message or "")


@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
def test_broken_bytes_are_refused_or_read_never_a_crash(
    tmp_path: Path, edits: list[tuple[int, int]], is_pdf: bool
) -> None:
    content = bytearray(pdf(("factur-x.xml", invoice())) if is_pdf else invoice().encode())
    for position, byte in edits:
        content[position % len(content)] = byte
    path = tmp_path / "i"
    path.write_bytes(content)
    mapping = load_mapping("formats/cii/tax_vat_invoice")
    with quick_connection() as connection:
        try:
            records = FORMATS["cii"].open(path, mapping, Workspace(connection, tmp_path, 1 << 30))
        except FileRefused:
            return
        assert connection.execute(f"select count(*) from {records.relation}").fetchall() == [(1,)]


# Where the two syntaxes of a sample state different things: the file, the columns, and what the files say.
DIFFERENCES = {
    **{
        # UBL has no sales order without a purchase order: these files write a dummy for the one that is not known
        f"01.{number}a-INVOICE": {"order_no": ("Dummywert", None)}
        for number in ("02", "08", "09", "10", "11", "12", "13")
    },
    "01.20a-INVOICE": {"prepaid_amount": (None, "0.00")},
    "01.21a-INVOICE": {
        "seller_no": ("DE123456789", "DE152338654"),
        "seller_vat_no": ("DE 123456789", "DE152338654"),
    },
    **{
        f"01.0{number}_comprehensive_test": {"buyer_name": ("[Buyer trading name]", "[Buyer name]")}
        for number in range(1, 5)
    },
}


def test_samples_say_the_same_in_both_syntaxes(shared_data: Path) -> None:
    files = sorted((shared_data / "einvoice/xrechnung").rglob("*.xml"))
    rows = {path.stem: one(path) for path in files}
    assert len(rows) == 86
    assert all(row["invoice_no"] and row["issue_date"] and row["gross_amount"] for row in rows.values())
    differences = {}
    pairs = sorted({stem.removesuffix("_ubl") for stem in rows} & {stem.removesuffix("_uncefact") for stem in rows})
    for name in pairs:
        in_ubl, in_cii = rows[f"{name}_ubl"], rows[f"{name}_uncefact"]
        columns = [column for column in in_ubl if column != "notes"]
        differing = {
            column: (in_ubl[column], in_cii[column])
            for column in columns
            if _value(column, in_ubl[column]) != _value(column, in_cii[column])
        }
        if differing:
            differences[name] = differing
    assert len(pairs) == 40
    assert differences == DIFFERENCES


def _value(column: str, text: str | None) -> object:
    return Decimal(text) if text is not None and column.endswith("_amount") else text
