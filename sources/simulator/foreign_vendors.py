"""Vendors from abroad: one firm in the books of several core enterprises, under numbers of several schemes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from stdnum import lei
from stdnum.eu import vat

from sources.simulator.vendor_record import VendorRecord

_COUNTRIES = (
    ("DE", 9, "Maschinenbau GmbH", "MASCHINENBAU G.m.b.H."),
    ("DE", 9, "Stahlhandel GmbH & Co. KG", "Stahlhandel GmbH Co KG"),
    ("FR", 11, "Électricité S.A.R.L.", "ELECTRICITE SARL"),
    ("IT", 11, "Meccanica S.r.l.", "MECCANICA SRL"),
    ("PL", 10, "Transport Sp. z o.o.", "TRANSPORT SP Z O O"),
    ("AT", 9, "Kunststofftechnik AG", "KUNSTSTOFFTECHNIK A.G."),
    ("SE", 12, "Elektronik AB", "ELEKTRONIK AB (publ)"),
)
_FAMILY_NAMES = """
    Müller Schröder Köhler Lefèvre Dubois Moreau Rossi Bianchi Ferrari Kowalski Nowak Wiśniewski Gruber Huber Lindström
    Åkesson Björk Krämer Weiß Girard Conti Zieliński Öberg Haßler
"""
_FAMILIES = _FAMILY_NAMES.split()
_GIVEN = ("", "Karl ", "Anna ", "Otto ", "Jean ", "Luca ", "Jan ", "Erik ", "Paul ", "Nina ")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class _Foreigner:
    name: str
    typed_name: str
    vat_no: str
    lei_no: str
    iban: str


def foreign_vendors(rng: np.random.Generator, count: int, core_count: int) -> list[VendorRecord]:
    """Records of ``count`` firms, each in the books of two or three core enterprises, none with any trade."""
    records = []
    for number in range(count):
        firm = _firm(rng, number)
        books = rng.permutation(core_count)[: min(3, core_count)]
        forms = (
            (firm.name, firm.vat_no, "VAT", "FOREIGN_VAT"),
            (firm.typed_name, None, None, "FOREIGN_NO_NUMBER"),
            (firm.name, firm.lei_no, "LEI", "FOREIGN_LEI"),
        )
        for core, (name, party_no, scheme, trouble) in zip(books.tolist(), forms, strict=False):
            records.append(VendorRecord(core, name, party_no, scheme, firm.iban, 0, trouble, true_party_no=firm.vat_no))
    return records


def _firm(rng: np.random.Generator, number: int) -> _Foreigner:
    country, digits, business, typed_business = _COUNTRIES[number % len(_COUNTRIES)]
    turn = number // len(_COUNTRIES)
    family = _FAMILIES[(number * 5 + turn) % len(_FAMILIES)]
    given = _GIVEN[turn // len(_FAMILIES) % len(_GIVEN)]
    typed_family = family.upper().replace("Ü", "UE").replace("Ö", "OE").replace("Ä", "AE")
    body = "".join(_ALPHABET[index] for index in rng.integers(0, 36, 18))
    return _Foreigner(
        name=f"{given}{family} {business}",
        typed_name=f"{given}{typed_family} {typed_business}",
        vat_no=_vat_number(rng, country, digits),
        lei_no=body + _check_of_lei(body),
        iban=f"{country}00{int(rng.integers(10**15, 10**16))}",
    )


def _vat_number(rng: np.random.Generator, country: str, digits: int) -> str:
    """A VAT number with the right check digits: of the numbers drawn, the first that its state could have issued."""
    while True:
        drawn = f"{int(rng.integers(10 ** (digits - 1), 10**digits))}"
        number = {"AT": f"U{drawn[:8]}", "SE": f"{drawn[:10]}01"}.get(country, drawn)
        if vat.is_valid(country + number) and vat.validate(country + number) == country + number:
            return country + number


def _check_of_lei(body: str) -> str:
    """The two check digits of a legal entity identifier."""
    return next(f"{check:02d}" for check in range(100) if lei.is_valid(f"{body}{check:02d}"))
