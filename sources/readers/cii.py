"""UN/CEFACT Cross Industry Invoice as EN 16931 uses it: XRechnung, Factur-X and ZUGFeRD 2, all profiles.

ZUGFeRD 1.0, which came before EN 16931, says the same under other names.

One record ``invoice`` a document, of the columns in `sources.readers.en16931`; paths are those of its syntax binding
CEN/TS 16931-3-3. A Factur-X or ZUGFeRD invoice is a PDF/A-3 with the XML embedded, which is what is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sources.mapping import Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.readers.en16931 import (
    Party,
    Values,
    invoice_row,
    invoices,
    of_currency,
    one_of,
    opened,
    registered_nos,
    stated_once,
)
from sources.readers.pdf_attachment import finder
from sources.readers.spool import Broken, LeftOut, Row
from sources.readers.xml import Element, every, first, local_name, text

_TAG = re.compile(
    r"\{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:[0-9]+\}CrossIndustryInvoice"
    r"|\{urn:ferd:CrossIndustryDocument:invoice:1p0\}CrossIndustryDocument"
)
_DROPPED = ("IncludedSupplyChainTradeLineItem", "AttachmentBinaryObject")

PDF_START = b"%PDF-"

_AGREEMENT = "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement"
_DELIVERY = "SupplyChainTradeTransaction/ApplicableHeaderTradeDelivery"
_SETTLEMENT = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement"
_TERMS = f"{_SETTLEMENT}/SpecifiedTradePaymentTerms"
_ACCOUNT = f"{_SETTLEMENT}/SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount"
_ACCOUNT_NOS = ("IBANID", "ProprietaryID")
_TOTALS = f"{_SETTLEMENT}/SpecifiedTradeSettlementHeaderMonetarySummation"
_PATHS = {
    "invoice_no": "ExchangedDocument/ID",
    "type_code": "ExchangedDocument/TypeCode",
    "currency": f"{_SETTLEMENT}/InvoiceCurrencyCode",
    "buyer_reference": f"{_AGREEMENT}/BuyerReference",
    "project_no": f"{_AGREEMENT}/SpecifiedProcuringProject/ID",
    "contract_no": f"{_AGREEMENT}/ContractReferencedDocument/IssuerAssignedID",
    "order_no": f"{_AGREEMENT}/BuyerOrderReferencedDocument/IssuerAssignedID",
    "receiving_advice_no": f"{_DELIVERY}/ReceivingAdviceReferencedDocument/IssuerAssignedID",
    "despatch_advice_no": f"{_DELIVERY}/DespatchAdviceReferencedDocument/IssuerAssignedID",
    "preceding_invoice_no": f"{_SETTLEMENT}/InvoiceReferencedDocument/IssuerAssignedID",
    "payment_terms_text": f"{_TERMS}/Description",
    "net_amount": f"{_TOTALS}/TaxBasisTotalAmount",
    "gross_amount": f"{_TOTALS}/GrandTotalAmount",
    "prepaid_amount": f"{_TOTALS}/TotalPrepaidAmount",
    "payable_amount": f"{_TOTALS}/DuePayableAmount",
    "issue_date": "ExchangedDocument/IssueDateTime/DateTimeString",
    "due_date": f"{_TERMS}/DueDateDateTime/DateTimeString",
}

_ZUGFERD_1 = "CrossIndustryDocument"
_ZUGFERD_1_NAMES = {
    "ExchangedDocument": "HeaderExchangedDocument",
    "SupplyChainTradeTransaction": "SpecifiedSupplyChainTradeTransaction",
    "ApplicableHeaderTradeAgreement": "ApplicableSupplyChainTradeAgreement",
    "ApplicableHeaderTradeDelivery": "ApplicableSupplyChainTradeDelivery",
    "ApplicableHeaderTradeSettlement": "ApplicableSupplyChainTradeSettlement",
    "SpecifiedTradeSettlementHeaderMonetarySummation": "SpecifiedTradeSettlementMonetarySummation",
    "IssuerAssignedID": "ID",
}
"""Names in the invoice of today -> in ZUGFeRD 1.0, where they differ."""

_HEADER_BYTES = 1 << 10
_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")


def open_cii(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open an invoice, or the one embedded in a PDF, for its record ``invoice``."""
    invoice = _embedded_xml(path, workspace) if _is_pdf(path) else path
    return opened(partial(_rows, invoice), mapping, workspace)


def _rows(path: Path, left_out: LeftOut) -> Iterator[Row | Broken]:
    for document in invoices(path, _TAG, "Cross Industry Invoice", _DROPPED, left_out):
        agreement = _path(document, _AGREEMENT)
        seller, buyer = (_party(document, f"{agreement}/{role}TradeParty") for role in ("Seller", "Buyer"))
        yield invoice_row(document, _terms(document, left_out), seller, buyer, is_credit_root=False)


def _path(document: Element, path: str) -> str:
    """The path as the version of the document names its steps."""
    if local_name(document) != _ZUGFERD_1:
        return path
    return "/".join(_ZUGFERD_1_NAMES.get(step, step) for step in path.split("/"))


def _terms(document: Element, left_out: LeftOut) -> Values:
    paths = {name: _path(document, path) for name, path in _PATHS.items()}
    terms = stated_once(document, paths, left_out)
    accounts = every(document, _path(document, _ACCOUNT))
    account_nos = (no for account in accounts for no in account if local_name(no) in _ACCOUNT_NOS)
    tax_amounts = of_currency(every(document, _path(document, f"{_TOTALS}/TaxTotalAmount")), terms["currency"])
    return terms | {
        "payee_account_no": one_of(account_nos, "payee_account_no", left_out),
        "tax_amount": one_of(tax_amounts, "tax_amount", left_out),
        "issue_date": _calendar_day(terms["issue_date"]),
        "due_date": _calendar_day(terms["due_date"]),
    }


def _party(document: Element, path: str) -> Party:
    party = first(document, path)
    if party is None:
        return Party()
    legal_no = first(party, "SpecifiedLegalOrganization/ID")
    tax_nos = {number.get("schemeID"): text(number, ".") for number in every(party, "SpecifiedTaxRegistration/ID")}
    return Party(
        name=text(party, "Name"),
        legal_no=text(party, "SpecifiedLegalOrganization/ID"),
        legal_no_scheme=None if legal_no is None else legal_no.get("schemeID"),
        vat_no=tax_nos.get("VA"),
        tax_no=tax_nos.get("FC"),
        registered_nos=registered_nos([*every(party, "URIUniversalCommunication/URIID"), *every(party, "GlobalID")]),
    )


def _calendar_day(date: str | None) -> str | None:
    """A date of format 102 (YYYYMMDD), the only one that EN 16931 allows, in ISO 8601; any other text as it is."""
    day = _DAY.fullmatch(date or "")
    return "-".join(day.groups()) if day else date


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_HEADER_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(PDF_START)


def _embedded_xml(path: Path, workspace: Workspace) -> Path:
    """The invoice XML of the PDF, in the scratch folder; FileRefused when it has none, several, or cannot be read."""
    target = workspace.scratch / "embedded.xml"
    problem = finder.find(path, target)
    if problem is not None:
        raise FileRefused(problem)
    return target
