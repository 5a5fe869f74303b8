"""Texts, amounts and control totals of SAF-T elements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sources.readers import FileRefused
from sources.readers.xml import Element, every, local_name

LINES = ("Line", "TransactionLine", "InvoiceLine", "PaymentLine", "DebitLine", "CreditLine")
TAX_PLACES = ("TaxInformation", "TaxInformations/TaxInformation", "Tax")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(T[0-9:.]+)?(Z|[+-][0-9]{2}:[0-9]{2})?")
_AMOUNT = re.compile(r"[+-]?([0-9]{1,18}([.][0-9]{0,10})?|[.][0-9]{1,10})")
_CENT = Decimal("0.01")

Texts = dict[str, str]
"""Path below an element, such as ``DebitAmount/Amount`` -> the first text there."""


@dataclass
class Sums:
    """What a section states of itself, and what was read of it; None where an amount is no number."""

    stated: Texts = field(default_factory=dict)
    entries: int = 0
    debit: Decimal | None = Decimal(0)
    credit: Decimal | None = Decimal(0)

    def add(self, debit: str | None, credit: str | None) -> None:
        self.debit, self.credit = plus(self.debit, debit), plus(self.credit, credit)


def prove(sums: Sums) -> None:
    """FileRefused where the ledger states another total than its lines have."""
    for name, found in (("TotalDebit", sums.debit), ("TotalCredit", sums.credit)):
        stated = decimal_of(sums.stated.get(name))
        if stated is None or found is None or abs(stated - found) < _CENT:
            continue
        raise FileRefused(
            f"Its general ledger states a {name} of {stated:,.2f}, but its lines add up to {found:,.2f}: it is not "
            "whole. Deliver it again."
        )


def notes_on(sums_of_sections: Mapping[str, Sums]) -> Iterator[str]:
    """Sentences on sections that state other totals or numbers of entries than they have."""
    for section, sums in sums_of_sections.items():
        stated = sums.stated.get("NumberOfEntries", "")
        if stated.isdecimal() and int(stated) != sums.entries:
            yield f"{section} states {int(stated):,} entries and has {sums.entries:,}."
        for name, found in (("TotalDebit", sums.debit), ("TotalCredit", sums.credit)):
            total = decimal_of(sums.stated.get(name))
            if total is not None and found is not None and abs(total - found) >= _CENT:
                yield f"{section} states a {name} of {total:,.2f}; its lines add up to {found:,.2f}."


def texts_of(element: Element) -> Texts:
    """The first text at each path below the element, lines left out. The parser bounds the depth."""
    texts: Texts = {}
    _collect(element, "", texts)
    return texts


def _collect(element: Element, prefix: str, texts: Texts) -> None:
    for child in element:
        name = local_name(child)
        if not name or name in LINES or name == "Lines":
            continue
        if len(child):
            _collect(child, f"{prefix}{name}/", texts)
        elif value := (child.text or "").strip():
            texts.setdefault(f"{prefix}{name}", value)


def first_path(texts: Texts, *paths: str) -> str | None:
    return next((path for path in paths if path in texts), None)


def one(texts: Texts, *paths: str) -> str | None:
    path = first_path(texts, *paths)
    return None if path is None else texts[path]


def tax_of(line: Element, is_debit: bool) -> Decimal | None:
    """Tax that a line states, positive where it is on the debit side; None where it is no number."""
    tax: Decimal | None = Decimal(0)
    for information in (part for path in TAX_PLACES for part in every(line, path)):
        texts = texts_of(information)
        amount = one(texts, "TaxAmount/Amount", "TaxAmount")
        tax = plus(tax, amount if is_debit else negated(amount))
        tax = plus(tax, one(texts, "DebitTaxAmount/Amount"))
        tax = plus(tax, negated(one(texts, "CreditTaxAmount/Amount")))
    return tax


def plus(total: Decimal | None, written: str | None) -> Decimal | None:
    if total is None or written is None:
        return total
    amount = decimal_of(written)
    return None if amount is None else total + amount


def decimal_of(written: str | None) -> Decimal | None:
    return Decimal(written) if written is not None and _AMOUNT.fullmatch(written) else None


def text_of(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def negated(written: str | None) -> str | None:
    if written is None:
        return None
    return written.removeprefix("-") if written.startswith("-") else f"-{written.removeprefix('+')}"


def absolute(written: str | None) -> str | None:
    return None if written is None else re.sub(r"^[+-]", "", written)


def side_of(is_debit: bool, amount: str | None) -> str:
    """D or C; a negative amount stands on the other side."""
    return "D" if is_debit is not (amount or "").startswith("-") else "C"


def day_of(written: str | None) -> str | None:
    """The calendar day of a date or a date and time as written; any other text as it is."""
    day = _DAY.fullmatch(written or "")
    return written if day is None else day[1]
