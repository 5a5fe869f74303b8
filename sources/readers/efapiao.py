"""China's fully digital e-invoice (数电票) as XML: the root ``EInvoice``.

One record ``invoice`` a document. Amounts are in yuan, with the sign of the invoice: a red-letter invoice, the only way
to take one back, is an invoice of its own with negative amounts. Columns, with the element of each:

- ``invoice_no``: 20 digits, ``InvoiceNumber`` or, where that is missing, ``EIid``
- ``issue_date``, ``issue_time``: the day of ``IssueTime`` (or, where that is missing, of ``RequestTime``), and its text
- ``kind_code``: ``LabelCode`` of ``GeneralOrSpecialVAT``, 01 special (the buyer may deduct the VAT) or 02 ordinary
- ``seller_no``, ``seller_name``, ``seller_account_no``; ``buyer_no``, ``buyer_name``: the parties
- ``seller_no_scheme``, ``buyer_no_scheme``: ``CN-USCC`` for a number of 18 characters, else ``LOCAL``. A natural person
  has no number, or that of an identity card, which fails as a credit code: the feed, whose parties are firms, refuses
  both.
- ``net_amount``, ``tax_amount``, ``gross_amount``: the totals
- ``goods_code``: tax classification of the goods or services, when all lines have the same
- ``remark_text``: ``Remark``

Names are compared without case and hyphens: what is ``TotalTax-includedAmount`` in the totals is spelt
``TotaltaxIncludedAmount`` in the lines, and programs that write such files mix the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

from sources.mapping import Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.readers.spool import LeftOut, Row, kind_of, spooled
from sources.readers.xml import Element, as_text, documents, local_name

_ROOT = "EInvoice"
_DROPPED = (
    "ItemName",
    "SpecMod",
    "MeaUnits",
    "Quantity",
    "UnPrice",
    "Amount",
    "TaxRate",
    "ComTaxAm",
    "SpecificInformation",
)
_PATHS = {
    "issue_time": "TaxSupervisionInfo/IssueTime",
    "seller_no": "EInvoiceData/SellerInformation/SellerIdNum",
    "seller_name": "EInvoiceData/SellerInformation/SellerName",
    "seller_account_no": "EInvoiceData/SellerInformation/SellerBankAccNum",
    "buyer_no": "EInvoiceData/BuyerInformation/BuyerIdNum",
    "buyer_name": "EInvoiceData/BuyerInformation/BuyerName",
    "net_amount": "EInvoiceData/BasicInformation/TotalAmWithoutTax",
    "tax_amount": "EInvoiceData/BasicInformation/TotalTaxAm",
    "gross_amount": "EInvoiceData/BasicInformation/TotalTax-includedAmount",
    "remark_text": "EInvoiceData/AdditionalInformation/Remark",
}
_COLUMNS = ("invoice_no", "issue_date", *_PATHS, "kind_code", "seller_no_scheme", "buyer_no_scheme", "goods_code")
_REQUEST_TIME = "EInvoiceData/BasicInformation/RequestTime"
_LABEL_CODE = "Header/InherentLabel/GeneralOrSpecialVAT/LabelCode"

_CREDIT_CODE_CHARACTERS = 18
_ISSUE_TIMES = (
    re.compile(
        r"([0-9]{4})-([0-9]{2})-([0-9]{2})([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
    ),
    re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{6}([0-9]{3})?)?"),
    re.compile(r"([0-9]{4})年([0-9]{2})月([0-9]{2})日"),
)


def open_efapiao(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open an e-invoice for its record ``invoice``."""
    kind_of(mapping, ("invoice",))
    return spooled(partial(_rows, path), _COLUMNS, workspace)


def _rows(path: Path, left_out: LeftOut) -> Iterator[Row]:
    found = documents(path, *_DROPPED)
    if [local_name(document) for document in found] != [_ROOT]:
        raise FileRefused(f"It has not the root element {_ROOT}: it is no fully digital e-invoice (数电票).")
    invoice = found[0]
    values = {name: _text(invoice, path) for name, path in _PATHS.items()}
    values["issue_time"] = values["issue_time"] or _text(invoice, _REQUEST_TIME)
    values["invoice_no"] = _text(invoice, "TaxSupervisionInfo/InvoiceNumber") or _text(invoice, "Header/EIid")
    values["kind_code"] = _text(invoice, _LABEL_CODE)
    values["issue_date"] = _day(values["issue_time"])
    for party in ("seller", "buyer"):
        number = values[f"{party}_no"]
        values[f"{party}_no_scheme"] = _scheme(number) if number else None
    values["goods_code"] = _goods_code(invoice, left_out)
    yield Row(values, None, partial(as_text, invoice))


def _scheme(number: str) -> str:
    return "CN-USCC" if len(number) == _CREDIT_CODE_CHARACTERS else "LOCAL"


def _day(issue_time: str | None) -> str | None:
    """The day of ``2024-01-15 10:20:30``, ``2024-01-15``, ``20240115102030`` or ``2024年01月15日``; else the text."""
    for form in _ISSUE_TIMES:
        if found := form.fullmatch(issue_time or ""):
            return "-".join(found.group(1, 2, 3))
    return issue_time


def _goods_code(invoice: Element, left_out: LeftOut) -> str | None:
    lines = _every(invoice, "EInvoiceData/IssuItemInformation")
    codes = {code for line in lines if (code := _text(line, "TaxClassificationCode"))}
    if len(codes) > 1:
        left_out["goods codes of an invoice that has several"] += len(codes)
    return codes.pop() if len(codes) == 1 else None


def _text(element: Element, path: str) -> str | None:
    """Text of the first element at the path that has any."""
    return next((value for found in _every(element, path) if (value := (found.text or "").strip())), None)


def _every(element: Element, path: str) -> list[Element]:
    elements = [element]
    for step in path.split("/"):
        elements = [child for above in elements for child in above if _plain(local_name(child)) == _plain(step)]
    return elements


@lru_cache(maxsize=1_000)
def _plain(name: str) -> str:
    return name.replace("-", "").lower()
