"""UBL 2.1 invoices and credit notes as EN 16931 uses them: Peppol BIS Billing 3, XRechnung and other national rules.

One record ``invoice`` a document, of the columns in `sources.readers.en16931`; paths are those of its syntax binding
CEN/TS 16931-3-2. The document may come in the StandardBusinessDocument of the Peppol network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

from sources.mapping import Mapping
from sources.readers import Records, Workspace
from sources.readers.en16931 import (
    AMOUNT,
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
from sources.readers.spool import Broken, LeftOut, Row
from sources.readers.xml import Element, every, first, local_name, text

_TAG = re.compile(r"\{urn:oasis:names:specification:ubl:schema:xsd:(Invoice|CreditNote)-2\}\1")
_DROPPED = ("InvoiceLine", "CreditNoteLine", "EmbeddedDocumentBinaryObject", "UBLExtensions")
_PATHS = {
    "invoice_no": "ID",
    "issue_date": "IssueDate",
    "currency": "DocumentCurrencyCode",
    "buyer_reference": "BuyerReference",
    "contract_no": "ContractDocumentReference/ID",
    "receiving_advice_no": "ReceiptDocumentReference/ID",
    "despatch_advice_no": "DespatchDocumentReference/ID",
    "preceding_invoice_no": "BillingReference/InvoiceDocumentReference/ID",
    "payee_account_no": "PaymentMeans/PayeeFinancialAccount/ID",
    "payment_terms_text": "PaymentTerms/Note",
    "net_amount": "LegalMonetaryTotal/TaxExclusiveAmount",
    "gross_amount": "LegalMonetaryTotal/TaxInclusiveAmount",
    "prepaid_amount": "LegalMonetaryTotal/PrepaidAmount",
    "payable_amount": "LegalMonetaryTotal/PayableAmount",
}
_INVOICE_PATHS = {"type_code": "InvoiceTypeCode", "due_date": "DueDate", "project_no": "ProjectReference/ID"}
_CREDIT_NOTE_PATHS = {"type_code": "CreditNoteTypeCode", "due_date": "PaymentMeans/PaymentDueDate"}

_PROJECT_DOCUMENT = "50"
_NO_ORDER = "NA"
_ZONED_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})")


def open_ubl(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open an invoice or credit note for its record ``invoice``."""
    return opened(partial(_rows, path), mapping, workspace)


def _rows(path: Path, left_out: LeftOut) -> Iterator[Row | Broken]:
    for document in invoices(path, _TAG, "UBL invoice or credit note", _DROPPED, left_out):
        is_credit_note = local_name(document) == "CreditNote"
        seller, buyer = (_party(document, f"Accounting{role}Party/Party") for role in ("Supplier", "Customer"))
        yield invoice_row(document, _terms(document, is_credit_note, left_out), seller, buyer, is_credit_note)


def _terms(document: Element, is_credit_note: bool, left_out: LeftOut) -> Values:
    paths = _PATHS | (_CREDIT_NOTE_PATHS if is_credit_note else _INVOICE_PATHS)
    terms = stated_once(document, paths, left_out)
    if is_credit_note:
        terms["project_no"] = _project_no(document)
    return terms | {
        "order_no": _order_no(document),
        "tax_amount": _tax_amount(document, terms["currency"], left_out),
        "issue_date": _calendar_day(terms["issue_date"]),
        "due_date": _calendar_day(terms["due_date"]),
    }


def _tax_amount(document: Element, currency: str | None, left_out: LeftOut) -> str | None:
    """What all taxes add to the net amount: VAT alone by EN 16931, and elsewhere each tax has a total of its own.

    A total without a breakdown states VAT once more, for the tax office (BT-111).
    """
    own = [total for total in every(document, "TaxTotal") if first(total, "TaxSubtotal") is not None]
    broken_down = of_currency((amount for total in own for amount in every(total, "TaxAmount")), currency)
    stated = [(amount.text or "").strip() for amount in broken_down]
    if len(stated) > 1 and all(AMOUNT.fullmatch(amount) for amount in stated):
        return f"{sum(map(Decimal, stated)):f}"
    return one_of(of_currency(every(document, "TaxTotal/TaxAmount"), currency), "tax_amount", left_out)


def _party(document: Element, path: str) -> Party:
    party = first(document, path)
    if party is None:
        return Party()
    legal_no = first(party, "PartyLegalEntity/CompanyID")
    registrations = every(party, "PartyTaxScheme")
    vat = [own for own in registrations if text(own, "TaxScheme/ID") == "VAT"]
    others = [own for own in registrations if own not in vat]
    return Party(
        name=text(party, "PartyLegalEntity/RegistrationName"),
        legal_no=text(party, "PartyLegalEntity/CompanyID"),
        legal_no_scheme=None if legal_no is None else legal_no.get("schemeID"),
        vat_no=text(vat[0], "CompanyID") if vat else None,
        tax_no=text(others[0], "CompanyID") if others else None,
        registered_nos=registered_nos([*every(party, "EndpointID"), *every(party, "PartyIdentification/ID")]),
    )


def _order_no(document: Element) -> str | None:
    """The buyer's order; UBL has no sales order without one, so Peppol writes ``NA`` for a buyer's order not known."""
    order_no = text(document, "OrderReference/ID")
    return None if order_no == _NO_ORDER and first(document, "OrderReference/SalesOrderID") is not None else order_no


def _project_no(credit_note: Element) -> str | None:
    """A UBL credit note has no project reference of its own: it is an additional document of type 50."""
    for document in every(credit_note, "AdditionalDocumentReference"):
        if text(document, "DocumentTypeCode") == _PROJECT_DOCUMENT:
            return text(document, "ID")
    return None


def _calendar_day(date: str | None) -> str | None:
    """A date without the time zone that XML allows it, which is no part of it in EN 16931."""
    zoned = _ZONED_DATE.fullmatch(date or "")
    return zoned[1] if zoned else date
