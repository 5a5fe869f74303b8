"""What an electronic invoice says, whatever its syntax: the semantic model of EN 16931, one row a document.

Columns by business term; amounts and codes are text as the invoice states them, dates ISO 8601:

====================== ========== ===========================================================================
invoice_no             BT-1       the seller's invoice number
issue_date             BT-2
type_code              BT-3       UNTDID 1001: 380 invoice, 381 credit note, 384 correction, 389 self-billed
currency               BT-5       of all amounts here
due_date               BT-9
buyer_reference        BT-10
project_no             BT-11
contract_no            BT-12
order_no               BT-13      the buyer's purchase order
receiving_advice_no    BT-15
despatch_advice_no     BT-16
payment_terms_text     BT-20
preceding_invoice_no   BT-25      what a credit note or correction refers to
seller_name            BT-27
seller_legal_no        BT-30      with seller_legal_no_scheme, an ICD code of ISO 6523 such as 0199, where it is stated
seller_vat_no          BT-31
seller_tax_no          BT-32      for the seller's own tax office, such as a German Steuernummer
buyer_name             BT-44
buyer_legal_no         BT-47      with buyer_legal_no_scheme
buyer_vat_no           BT-48
payee_account_no       BT-84      IBAN or national account number
net_amount             BT-109     total without VAT
tax_amount             BT-110     total VAT in the invoice currency; else BT-112 less BT-109 (rule BR-CO-15)
gross_amount           BT-112     total with VAT
prepaid_amount         BT-113
payable_amount         BT-115
====================== ========== ===========================================================================

Derived from these, for mappings:

- ``is_credit``: ``true`` for a credit note, by its type code or, in UBL, its root element.
- ``signed_net_amount``, ``signed_tax_amount``, ``signed_gross_amount``: what the buyer owes by the document. A credit
  note states what it gives back as a positive amount, so its signs are turned; a negative invoice stays negative.
- ``seller_no`` and ``seller_no_scheme``, likewise for the buyer: see `_official_number`.

A term that is stated more than once, as due dates and accounts can be, is represented by its first value; the receipt
counts the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path

from stdnum.eu.vat import MEMBER_STATES

from sources.mapping import Mapping as ColumnMappings
from sources.readers import FileRefused, Records, Workspace, scalar
from sources.readers.spool import Broken, LeftOut, Row, Rows, kind_of, spooled
from sources.readers.xml import Element, as_text, documents, every, local_name

KINDS = ("invoice",)

_AMOUNTS = ("net_amount", "tax_amount", "gross_amount")

INVOICE_COLUMNS = (
    "invoice_no",
    "issue_date",
    "due_date",
    "type_code",
    "is_credit",
    "currency",
    "buyer_reference",
    "project_no",
    "contract_no",
    "order_no",
    "receiving_advice_no",
    "despatch_advice_no",
    "preceding_invoice_no",
    "seller_no",
    "seller_no_scheme",
    "seller_name",
    "seller_vat_no",
    "seller_legal_no",
    "seller_legal_no_scheme",
    "seller_tax_no",
    "buyer_no",
    "buyer_no_scheme",
    "buyer_name",
    "buyer_vat_no",
    "buyer_legal_no",
    "buyer_legal_no_scheme",
    "payee_account_no",
    "payment_terms_text",
    *_AMOUNTS,
    "prepaid_amount",
    "payable_amount",
    *(f"signed_{name}" for name in _AMOUNTS),
)

_CREDIT_NOTE_CODES = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"}
)
"""Codes of a credit note among those of BT-3: rule BR-CL-01 of the EN 16931 validation artefacts, 1.3.16."""

_PROFORMA = "325"

_ICD_SCHEMES = {"0060": "DUNS", "0199": "LEI"}
_VAT_PREFIXES = frozenset({*(state.upper() for state in MEMBER_STATES), "EL", "EU", "IM"})
_REGISTER = re.compile(r"[0-9]{4}")
"""The form of a code of a register in the lists of ISO 6523 and of electronic addresses; an e-mail has ``EM``."""
_READING_AIDS = re.compile(r"[\s.-]")
_NAME_CHARACTERS = 100
_NUMBER = re.compile(r"[+-]?([0-9.]+)")
AMOUNT = re.compile(r"[+-]?[0-9]{1,18}([.][0-9]{0,10})?")

Values = dict[str, str | None]


@dataclass(frozen=True)
class Party:
    """A seller or buyer as the invoice names it."""

    name: str | None = None
    legal_no: str | None = None
    legal_no_scheme: str | None = None
    vat_no: str | None = None
    tax_no: str | None = None
    registered_nos: tuple[tuple[str, str], ...] = ()


def opened(rows: Rows, mapping: ColumnMappings, workspace: Workspace) -> Records:
    """The records ``invoice``; notes count those whose totals do not add up, and those without a number of the buyer.

    The latter is said if the mapping reads such a number.
    """
    kind_of(mapping, KINDS)
    records = spooled(rows, INVOICE_COLUMNS, workspace)
    notes = [_totals_note(records, workspace)]
    if any(own.delivered == "buyer_no" for own in mapping.columns.values()):
        notes.append(_buyer_note(records, workspace))
    return replace(records, notes=(*records.notes, *filter(None, notes)))


def _totals_note(records: Records, workspace: Workspace) -> str | None:
    """Of totals that contradict one another none can be called the wrong one, so that the row is as stated."""
    net, tax, gross = (f"try_cast({records.columns[name][0]} as decimal(38, 10))" for name in _AMOUNTS)
    wrong = scalar(workspace.connection, f"select count(*) from {records.relation} where {net} + {tax} <> {gross}")
    if not wrong:
        return None
    return (
        f"Totals contradict one another in {wrong:,} of its invoices: the amount without VAT and that of VAT are not "
        "the amount with VAT (rule BR-CO-15)."
    )


def _buyer_note(records: Records, workspace: Workspace) -> str | None:
    buyer_no, _ = records.columns["buyer_no"]
    unknown = scalar(workspace.connection, f"select count(*) from {records.relation} where {buyer_no} is null")
    if not unknown:
        return None
    stating = (
        "It states"
        if scalar(workspace.connection, f"select count(*) from {records.relation}") == 1
        else (f"{unknown:,} of its invoices state")
    )
    return (
        f"{stating} no official number of the buyer (BT-46 to BT-49); who it is, a mapping can "
        "say: buyer_no: {constant: DE123456789}, buyer_no_scheme: {constant: VAT}."
    )


def invoices(path: Path, tag: re.Pattern[str], title: str, dropped: Sequence[str], left_out: LeftOut) -> list[Element]:
    """The documents in the file whose root has such a ``tag``, without the ``dropped`` parts of them.

    FileRefused when there is none; others, in the envelope of the Peppol network, are counted as left out.
    """
    found = documents(path, *dropped)
    own = [document for document in found if tag.fullmatch(str(document.tag))]
    if not own:
        names = ", ".join(dict.fromkeys(local_name(document) for document in found)) or "nothing"
        raise FileRefused(f"It holds no {title} but {names[:_NAME_CHARACTERS]}; deliver the invoice itself.")
    if len(own) < len(found):
        left_out["documents of other kinds"] += len(found) - len(own)
    return own


def stated_once(document: Element, paths: Mapping[str, str], left_out: LeftOut) -> Values:
    """The text at each column's path below ``document``; further values of a column are counted as left out."""
    return {name: one_of(every(document, path), name, left_out) for name, path in paths.items()}


def one_of(elements: Iterable[Element], name: str, left_out: LeftOut) -> str | None:
    """The text of the first element that has any, trimmed; further values of the column are counted as left out."""
    trimmed = ((element.text or "").strip() for element in elements)
    distinct = list(dict.fromkeys(text for text in trimmed if text))
    if len(distinct) > 1:
        left_out[f"further values of {name}"] += len(distinct) - 1
    return distinct[0] if distinct else None


def invoice_row(document: Element, terms: Values, seller: Party, buyer: Party, is_credit_root: bool) -> Row | Broken:
    """The row of a document: its terms, its parties and what is derived from them; Broken when it claims nothing."""
    if terms["type_code"] == _PROFORMA:
        message = f"It is a proforma invoice (type code {_PROFORMA}), by which nothing is owed; deliver the invoice."
        return Broken("type_code", message, None, as_text(document))
    values: Values = {**terms, **_party("seller", seller), **_party("buyer", buyer)}
    if values["tax_amount"] is None:
        values["tax_amount"] = _difference(values["gross_amount"], values["net_amount"])
    is_credit = is_credit_root or values["type_code"] in _CREDIT_NOTE_CODES
    values["is_credit"] = "true" if is_credit else "false"
    for name in _AMOUNTS:
        values[f"signed_{name}"] = _turned(values[name]) if is_credit else values[name]
    return Row(values, None, partial(as_text, document))


def of_currency(amounts: Iterable[Element], currency: str | None) -> list[Element]:
    """Amounts in a currency, or of no stated one; VAT is also stated in the currency of the tax office (BT-111)."""
    return [amount for amount in amounts if amount.get("currencyID") in (currency, None)]


def _party(role: str, party: Party) -> Values:
    number, scheme = _official_number(party) or (None, None)
    return {
        f"{role}_no": number,
        f"{role}_no_scheme": scheme,
        f"{role}_name": party.name,
        f"{role}_legal_no": party.legal_no,
        f"{role}_legal_no_scheme": party.legal_no_scheme,
        f"{role}_vat_no": party.vat_no,
        f"{role}_tax_no": party.tax_no,
    }


def _official_number(party: Party) -> tuple[str, str] | None:
    """The number by which the party is known elsewhere, and its scheme; None when the invoice states none.

    A VAT number of the EU (``VAT``), without blanks, dots and hyphens; else a legal number that its ICD code calls an
    LEI or a D-U-N-S number; else, as ``LOCAL``, a VAT number of another country, a legal number in the notation of ISO
    6523 (``0192:987654321``, as two registers can issue the same number), a legal number of no stated register, or the
    tax office's number; else, as ``LOCAL`` again, the first number of a stated register among those by which the party
    is found on a network (BT-34, BT-49) or known (BT-29, BT-46). Among these a customer or supplier number of no
    register is no official number, as each trading partner issues its own, and neither is an e-mail address.
    """
    if party.vat_no and party.vat_no[:2].upper() in _VAT_PREFIXES:
        return _compact(party.vat_no), "VAT"
    if party.legal_no and party.legal_no_scheme in _ICD_SCHEMES:
        return party.legal_no, _ICD_SCHEMES[party.legal_no_scheme]
    legal_no = party.legal_no
    if legal_no and party.legal_no_scheme:
        legal_no = f"{party.legal_no_scheme}:{legal_no}"
    number = party.vat_no or legal_no or party.tax_no
    if number is not None:
        return number, "LOCAL"
    return next((_of_register(*registered) for registered in party.registered_nos), None)


def registered_nos(elements: Iterable[Element]) -> tuple[tuple[str, str], ...]:
    """Register and number of the elements that say by a ``schemeID`` which register issued them."""
    numbers = ((element.get("schemeID") or "", (element.text or "").strip()) for element in elements)
    return tuple((register, number) for register, number in numbers if number and _REGISTER.fullmatch(register))


def _compact(vat_no: str) -> str:
    """A VAT number without the blanks, dots and hyphens that people read it by."""
    return _READING_AIDS.sub("", vat_no).upper()


def _of_register(register: str, number: str) -> tuple[str, str]:
    """Registers of 99 are mostly those of national VAT numbers, which begin with the country."""
    if register.startswith("99") and number[:2].upper() in _VAT_PREFIXES:
        return _compact(number), "VAT"
    return (number, _ICD_SCHEMES[register]) if register in _ICD_SCHEMES else (f"{register}:{number}", "LOCAL")


def _difference(gross_amount: str | None, net_amount: str | None) -> str | None:
    """The VAT of an invoice that states none, as those without any VAT do: what the totals differ in (BR-CO-15)."""
    if not all(AMOUNT.fullmatch(amount or "") for amount in (gross_amount, net_amount)):
        return None
    return f"{Decimal(gross_amount or '') - Decimal(net_amount or ''):f}"


def _turned(amount: str | None) -> str | None:
    """The amount with the other sign; what is no number stays, for the contract to refuse."""
    found = _NUMBER.fullmatch(amount or "")
    if amount is None or found is None:
        return amount
    return found[1] if amount.startswith("-") else f"-{found[1]}"
