"""SAF-T, the OECD's standard audit file for tax: the books of a company, root element ``AuditFile``.

The tree is that of the OECD's version 2.0, as Norway, Romania, Bulgaria and Luxembourg use it, and of version 1.0, as
Portugal and Angola do (debit and credit lines, amounts without an element of their own). Records:

- ``supplier``: the suppliers of the master files
- ``purchase_invoice``: the purchase invoices of the source documents; where a file has no such section, as in Norway,
  the lines of suppliers in the general ledger
- ``payment``: the lines of suppliers in the payments of the source documents, else those in the general ledger

What becomes of the ledger's lines is in `sources.readers.saft_documents`. The ledger must add up to the totals that it
states (TotalDebit, TotalCredit), or the file is refused: lines are missing. The totals of source documents and the
numbers of entries are counted differently from country to country, so that a difference there is a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path

from sources.mapping import Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.readers.saft_documents import DOCUMENTS, SPOOLED, SUPPLIERS, documents, suppliers
from sources.readers.saft_elements import (
    LINES,
    TAX_PLACES,
    Sums,
    Texts,
    absolute,
    day_of,
    decimal_of,
    first_path,
    negated,
    notes_on,
    one,
    plus,
    prove,
    side_of,
    tax_of,
    text_of,
    texts_of,
)
from sources.readers.spool import LeftOut, Row, kind_of, spooled
from sources.readers.xml import Element, as_text, every, line_no, local_name, stream, text

_SECTIONS = ("GeneralLedgerEntries", "PurchaseInvoices", "Payments")
_SOURCES = {"purchase_invoice": ("PurchaseInvoices", "purchase invoices"), "payment": ("Payments", "payments")}
_TOTALS = ("NumberOfEntries", "TotalDebit", "TotalCredit")
_PASSED_OVER = (
    *("Customer", "Product", "TaxTableEntry", "UOMTableEntry", "AnalysisTypeTableEntry", "MovementTypeTableEntry"),
    *("Owner", "Asset", "PhysicalStockEntry", "StockMovement", "WorkDocument", "AssetTransaction"),
)
"""Elements of other records: they come up to be dropped on the way, not kept until the file ends."""
_ADDRESS = ("StreetName", "Number", "Building", "AdditionalAddressDetail", "AddressDetail", "PostalCode", "City")
_CREDIT_NOTES = frozenset({"381", "NC", "CN"})
"""Invoice types of credit notes: UNTDID 1001, and the codes of Portugal and Angola."""

_OWNERS = (
    ("Transaction", "Journal"),
    ("Transaction", "Transactions"),
    ("Invoice", "PurchaseInvoices"),
    ("Payment", "Payments"),
)
_TAX_PATHS = tuple(f"{place}/" for place in TAX_PLACES)

Values = dict[str, str | None]


@dataclass
class _Owner:
    """The transaction, invoice or payment whose lines are read; ``number`` counts those of the file."""

    element: Element | None = None
    number: int = 0
    texts: Texts = field(default_factory=dict)
    section: str = ""
    net: Decimal | None = Decimal(0)
    tax: Decimal | None = Decimal(0)
    order_no: str | None = None


@dataclass
class _Pass:
    """One pass over a file: the header's values, the sums of its sections, the current owner of lines."""

    header: Values = field(default_factory=dict)
    sums: dict[str, Sums] = field(default_factory=dict)
    owner: _Owner = field(default_factory=_Owner)
    journal: Element | None = None
    journal_id: str | None = None
    has_suppliers: bool = False


def open_saft(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open an audit file for its records ``supplier``, ``purchase_invoice`` or ``payment``."""
    kind = kind_of(mapping, (SUPPLIERS, *DOCUMENTS))
    latest = _Pass()

    def rows(left_out: LeftOut) -> Iterator[Row]:
        nonlocal latest
        latest = _Pass()
        yield from _rows(path, kind == SUPPLIERS, latest)

    records = spooled(rows, SPOOLED, workspace)
    if kind == SUPPLIERS:
        if not latest.has_suppliers:
            raise FileRefused(
                "It holds no suppliers (MasterFiles/Supplier); deliver a file of the accounts, or to other feeds."
            )
        return suppliers(records, workspace)
    section, what = _SOURCES[kind]
    if not {section, "GeneralLedgerEntries"} & latest.sums.keys():
        raise FileRefused(f"It holds neither {what} ({section}) nor a general ledger; deliver a file of the accounts.")
    return documents(records, kind, frozenset(latest.sums), [*notes_on(latest.sums)], workspace)


def _rows(path: Path, is_masters_only: bool, now: _Pass) -> Iterator[Row]:
    names = ("Header", "Account", "Supplier", *_TOTALS, *_SECTIONS, "Transaction", "Invoice", "Payment", *LINES)
    is_saft = False
    for element in stream(path, *names, *_PASSED_OVER, "AuditFile"):
        name = local_name(element)
        parent = element.getparent()
        above = "" if parent is None else local_name(parent)
        if name == "AuditFile":
            is_saft = parent is None
        elif name == "Header" and above == "AuditFile":
            yield from _header(element, now)
        elif name == "Account" and above == "GeneralLedgerAccounts":
            texts = texts_of(element)
            standard = one(texts, "StandardAccountID", "GroupingCode", "TaxonomyCode")
            yield _row(element, now, kind="account", account_id=texts.get("AccountID"), standard_account_id=standard)
        elif name == "Supplier" and above in ("Suppliers", "MasterFiles"):
            now.has_suppliers = True
            yield _row(element, now, kind="supplier", **_supplier(element))
        elif is_masters_only:
            continue
        elif name in _TOTALS and above in _SECTIONS:
            now.sums.setdefault(above, Sums()).stated[name] = (element.text or "").strip()
        elif name in LINES and parent is not None:
            yield from _line(element, parent.getparent() if above == "Lines" else parent, now)
        elif (name, above) in _OWNERS:
            yield from _owner_ended(element, now)
        elif name in _SECTIONS:
            now.sums.setdefault(name, Sums())
            if name == "GeneralLedgerEntries":
                prove(now.sums[name])
    if not is_saft:
        raise FileRefused("It has not the root element AuditFile: it is no SAF-T file.")


def _header(element: Element, now: _Pass) -> Iterator[Row]:
    texts = texts_of(element)
    now.header = {
        "company_no": one(texts, "Company/RegistrationNumber", "CompanyID", "TaxRegistrationNumber"),
        "company_name": one(texts, "Company/Name", "CompanyName"),
        "file_country": one(texts, "AuditFileCountry", "Company/Address/Country", "CompanyAddress/Country"),
        "ledger_currency": one(texts, "DefaultCurrencyCode", "CurrencyCode"),
        "file_date": day_of(one(texts, "AuditFileDateCreated", "DateCreated")),
        "file_year": one(texts, "FiscalYear"),
    }
    for account in every(element, "Company/BankAccount/GeneralLedgerAccountID"):
        yield _row(element, now, kind="bank", account_id=(account.text or "").strip() or None)


def _supplier(element: Element) -> Values:
    # Romania and Bulgaria put what describes the party into an element of its own.
    texts = {path.removeprefix("CompanyStructure/"): value for path, value in texts_of(element).items()}
    places = ("Address/", "BillingAddress/", "SupplierAddress/")
    address = [texts[path] for part in _ADDRESS if (path := first_path(texts, *(p + part for p in places)))]
    return {
        "supplier_id": one(texts, "SupplierID"),
        "supplier_name": one(texts, "Name", "CompanyName"),
        "registration_no": one(texts, "RegistrationNumber"),
        "tax_registration_no": one(texts, "TaxRegistration/TaxRegistrationNumber", "SupplierTaxID"),
        "country": one(texts, *(f"{place}Country" for place in places)),
        "address": ", ".join(address) or None,
        "account_no": one(texts, "BankAccount/IBANNumber", "BankAccount/BankAccountNumber"),
        "account_id": one(texts, "AccountID", "BalanceAccount/AccountID", "Accounts/AccountID"),
        "opening_balance": _balance(texts, "Opening"),
        "closing_balance": _balance(texts, "Closing"),
        "terms_days": one(texts, "PartyInfo/PaymentTerms/Days"),
        "terms_months": one(texts, "PartyInfo/PaymentTerms/Months"),
        "status": one(texts, "PartyInfo/Status"),
    }


def _balance(texts: Texts, when: str) -> str | None:
    """What is owed to the supplier: its credit balance, or its debit balance as a negative amount."""
    places = ("", "BalanceAccount/", "Accounts/")
    credit = one(texts, *(f"{place}{when}CreditBalance" for place in places))
    debit = one(texts, *(f"{place}{when}DebitBalance" for place in places))
    return credit if credit is not None or debit is None else negated(debit)


def _line(element: Element, owner: Element | None, now: _Pass) -> Iterator[Row]:
    if owner is None:
        return
    _enter(owner, now)
    texts = texts_of(element)
    if now.owner.section == "GeneralLedgerEntries":
        yield _ledger_line(element, texts, now)
    elif now.owner.section == "PurchaseInvoices":
        _invoice_line(element, texts, now)
    elif now.owner.section == "Payments":
        yield _payment_line(element, texts, now)


def _enter(owner: Element, now: _Pass) -> None:
    """Take what stands in an owner before its lines: now or never, since it is dropped with the first of them."""
    if owner is now.owner.element:
        return
    above = owner.getparent()
    section = "" if above is None else local_name(above)
    if local_name(owner) == "Transaction" and above is not None:
        section = "GeneralLedgerEntries"
        journal = above.getparent() if local_name(above) == "Transactions" else above
        if journal is not None and journal is not now.journal:
            now.journal, now.journal_id = journal, text(journal, "JournalID")
    now.owner = _Owner(owner, now.owner.number + 1, texts_of(owner), section)


def _ledger_line(element: Element, texts: Texts, now: _Pass) -> Row:
    debit, credit = (one(texts, f"{side}Amount/Amount", f"{side}Amount") for side in ("Debit", "Credit"))
    now.sums.setdefault("GeneralLedgerEntries", Sums()).add(debit, credit)
    is_debit = debit is not None and (credit is None or decimal_of(debit) != 0)
    amount = debit if is_debit else credit
    side = side_of(is_debit, amount)
    owner = now.owner.texts
    values: Values = {
        "kind": "line",
        "owner_no": str(now.owner.number),
        "journal_id": now.journal_id,
        "document_id": one(owner, "TransactionID"),
        "record_id": one(texts, "RecordID"),
        "account_id": one(texts, "AccountID", "Accounts/AccountID"),
        "supplier_id": one(texts, "SupplierID"),
        "owner_supplier_id": one(owner, "SupplierID"),
        "debit_credit": side,
        "amount": absolute(amount),
        "tax_amount": text_of(_tax(element, texts, is_debit)),
        "fiscal_year": one(owner, "PeriodYear") or now.header.get("file_year"),
        "document_date": day_of(one(owner, "TransactionDate")),
        "posting_date": day_of(one(owner, "GLPostingDate", "SystemEntryDate")),
        "due_date": day_of(one(texts, "DueDate")),
        "reference_no": one(texts, "ReferenceNumber"),
        "cross_reference": one(texts, "CrossReference"),
        "description": one(texts, "Description"),
    }
    return _row(element, now, **values)


def _tax(line: Element, texts: Texts, is_debit: bool) -> Decimal | None:
    """Tax that a line states; most lines state none, which its texts tell sooner than another search."""
    states_tax = any(path.startswith(_TAX_PATHS) for path in texts)
    return tax_of(line, is_debit) if states_tax else Decimal(0)


def _invoice_line(element: Element, texts: Texts, now: _Pass) -> None:
    owner = now.owner
    amount = one(texts, "InvoiceLineAmount/Amount", "InvoiceLineAmount", "DebitAmount", "CreditAmount")
    is_debit = one(texts, "DebitCreditIndicator") == "D" or "DebitAmount" in texts
    now.sums.setdefault("PurchaseInvoices", Sums()).add(*(amount, None) if is_debit else (None, amount))
    owner.net = plus(owner.net, amount if is_debit else negated(amount))
    tax = _tax(element, texts, is_debit)
    owner.tax = None if owner.tax is None or tax is None else owner.tax + tax
    owner.order_no = owner.order_no or one(texts, "OrderReferences/OriginatingON")


def _payment_line(element: Element, texts: Texts, now: _Pass) -> Row:
    amount = one(texts, "PaymentLineAmount/Amount", "PaymentLineAmount", "DebitAmount", "CreditAmount")
    is_debit = one(texts, "DebitCreditIndicator") == "D" or "DebitAmount" in texts
    now.sums.setdefault("Payments", Sums()).add(*(amount, None) if is_debit else (None, amount))
    owner = now.owner.texts
    values: Values = {
        "kind": "payment",
        "document_id": one(owner, "PaymentRefNo"),
        "supplier_id": one(texts, "SupplierID") or one(owner, "SupplierID"),
        "debit_credit": side_of(is_debit, amount),
        "amount": absolute(amount),
        "fiscal_year": one(owner, "PeriodYear") or now.header.get("file_year"),
        "document_date": day_of(one(owner, "TransactionDate")),
        "cross_reference": one(texts, "SourceDocumentID", "SourceDocumentID/OriginatingON"),
        "payment_method": one(owner, "PaymentMethod", "PaymentMethod/PaymentMechanism"),
        "account_id": one(texts, "AccountID"),
        "description": one(texts, "Description") or one(owner, "Description"),
    }
    return _row(element, now, **values)


def _owner_ended(element: Element, now: _Pass) -> Iterator[Row]:
    _enter(element, now)
    now.sums.setdefault(now.owner.section, Sums()).entries += 1
    if now.owner.section == "PurchaseInvoices":
        yield _invoice(element, now)


def _invoice(element: Element, now: _Pass) -> Row:
    owner = now.owner
    texts = owner.texts | {path: value for path, value in texts_of(element).items() if "DocumentTotals/" in path}
    totals = ("InvoiceDocumentTotals/", "DocumentTotals/")
    gross, net = (
        decimal_of(one(texts, *(f"{total}{name}" for total in totals))) for name in ("GrossTotal", "NetTotal")
    )
    net = owner.net if net is None else net
    tax = owner.tax if gross is None or net is None else gross - net
    if gross is None and net is not None and tax is not None:
        gross = net + tax
    is_credit = one(texts, "InvoiceType", "PurchaseType") in _CREDIT_NOTES or (gross is not None and gross < 0)
    values: Values = {
        "kind": "invoice",
        "document_id": one(texts, "InvoiceNo"),
        "supplier_id": one(texts, "SupplierInfo/SupplierID", "SupplierID"),
        "debit_credit": "D" if is_credit else "C",
        "amount": text_of(None if gross is None else abs(gross)),
        "tax_amount": text_of(None if tax is None else abs(tax)),
        "fiscal_year": one(texts, "PeriodYear") or now.header.get("file_year"),
        "document_date": day_of(one(texts, "InvoiceDate")),
        "posting_date": day_of(one(texts, "GLPostingDate")),
        "due_date": day_of(one(texts, "DueDate")),
        "order_no": owner.order_no,
        "account_id": one(texts, "AccountID"),
    }
    return _row(element, now, **values)


def _row(element: Element, now: _Pass, **values: str | None) -> Row:
    return Row(now.header | values, line_no(element), partial(as_text, element))
