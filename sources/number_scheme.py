"""The scheme of an official number told by its form alone, as SQL.

A unified social credit code (GB 32100-2015) has 18 characters: two of category, six digits of region, nine of
organisation, and a check character by weights of powers of 3 modulo 31.
"""

from __future__ import annotations

from sources.sql import sql_text

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = [3**place % len(_ALPHABET) for place in range(17)]
_FORM = f"[0-9]{{8}}[{_ALPHABET}]{{10}}"


def scheme_sql(number: str) -> str:
    """SQL of ``CN-USCC`` for a number that is one, of ``LOCAL`` for any other, of null for none."""
    values = f"(strpos({sql_text(_ALPHABET)}, substr({number}, place, 1)) - 1)"
    total = f"list_sum(list_transform(range(1, 18), lambda place: {values} * {_WEIGHTS}[place]))"
    check = f"substr({sql_text(_ALPHABET)}, ((31 - {total} % 31) % 31 + 1)::bigint, 1)"
    is_code = f"regexp_full_match({number}, '{_FORM}') and right({number}, 1) = {check}"
    return f"case when {is_code} then 'CN-USCC' when {number} <> '' then 'LOCAL' end"
