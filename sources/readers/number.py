"""Numbers of formats that know numbers, as text that a mapping can type: plain notation, with the mapping's mark."""

from __future__ import annotations

import re
from decimal import Decimal

from sources.mapping import Mapping

_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)$")
_MAX_EXPONENT = 400  # beyond what a double can hold; plain notation of more would be a text of any length


def plain(number: str) -> str | None:
    """A number such as ``1.25E+3`` in plain notation, digit for digit; None when its exponent is absurd."""
    match = _EXPONENT.search(number)
    if match is None:
        return number
    if len(match[1]) > 4 or abs(int(match[1])) > _MAX_EXPONENT:
        return None
    return f"{Decimal(number):f}"


def with_mark(number: str, mapping: Mapping) -> str:
    """A plain number as the mapping reads numbers: with a thousands point, ``1.234`` would be read as 1234."""
    return number if mapping.decimal_mark == "." else number.replace(".", mapping.decimal_mark)
