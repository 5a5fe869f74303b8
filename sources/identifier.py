"""Official numbers and the schemes that issue them; check digits by python-stdnum, but for one."""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import mul

from stdnum import iban as _iban
from stdnum import lei as _lei
from stdnum.eu import vat as _vat
from stdnum.exceptions import ValidationError


def _strict(validate: Callable[[str], str]) -> Callable[[str], bool]:
    """Accept a number only as the scheme writes it: python-stdnum's cleaning must change nothing."""

    def is_valid(number: str) -> bool:
        try:
            return str(validate(number)) == number
        except ValidationError:
            return False

    return is_valid


_CREDIT_CODE = re.compile("[0-9]{8}[0-9A-HJ-NP-RTUW-Y]{10}")
_CREDIT_CODE_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHJKLMNPQRTUWXY")}
_CREDIT_CODE_WEIGHTS = (*(pow(3, place, 31) for place in range(17)), 1)


def _is_credit_code(number: str) -> bool:
    """GB 32100-2015: the weighted sum of 17 characters and the check character make a multiple of 31.

    Every row of a Chinese tax feed has two; python-stdnum, which cleans a number twice before it looks at it, takes ten
    times as long.
    """
    values = map(_CREDIT_CODE_VALUES.__getitem__, number)
    return _CREDIT_CODE.fullmatch(number) is not None and sum(map(mul, values, _CREDIT_CODE_WEIGHTS)) % 31 == 0


def _is_lei(number: str) -> bool:
    # python-stdnum looks at the check digits alone, which one in 97 short texts passes
    return len(number) == 20 and _strict(_lei.validate)(number)


def _is_duns(number: str) -> bool:
    return len(number) == 9 and number.isascii() and number.isdigit()


_CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "CN-USCC": (_is_credit_code, "a unified social credit code (18 characters, check character last)"),
    "VAT": (_strict(_vat.validate), "a VAT number of an EU member state"),
    "LEI": (_is_lei, "a legal entity identifier (20 characters, check digits last)"),
    "IBAN": (_strict(_iban.validate), "an international bank account number"),
    "DUNS": (_is_duns, "a D-U-N-S number (9 digits)"),
}

CHECKED_SCHEMES: tuple[str, ...] = tuple(_CHECKS)
"""Schemes whose numbers have a form to check; any other scheme (``LOCAL``) takes any number."""


def is_valid_number(scheme: str, number: str) -> bool:
    """Whether ``number`` is well formed under ``scheme``, check digits included; true for an unchecked scheme."""
    check = _CHECKS.get(scheme)
    return check is None or check[0](number)


def describe_scheme(scheme: str) -> str:
    """What a number of the scheme is, for a sentence."""
    check = _CHECKS.get(scheme)
    return f"a number of scheme {scheme}" if check is None else check[1]
