"""How alike two states are: names and addresses, in bulk. Likeness is evidence; dbt decides what follows from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

Floats = NDArray[np.float64]

SHORT_FORM = 0.80
"""Likeness of a name without legal form to a name that begins with it: 恒建 for 恒建建筑工程."""
SWAPPED = 0.85
"""Likeness of names of the same characters (words) in another order."""
REGION_MISSING = 0.94
REGION_DIFFERS = 0.55
LEGAL_CLASS_DIFFERS = 0.95
_SHORTEST_FORM = {"HAN": 2, "LATIN": 5, "OTHER": 5}
DECIMALS = 4


def name_similarity(left: pa.Table, right: pa.Table) -> pa.Array:
    """Likeness of names from 0 to 1, row by row; null where scripts differ or a name has nothing to compare.

    The share of characters that need no edit (Levenshtein), raised for short forms and swapped words, lowered where
    the regions or the legal forms do not agree. Tables have the columns of `CompanyName`.
    """
    mine, other = _texts(left, "core"), _texts(right, "core")
    alike = _edit_similarity(mine, other)
    alike = np.where(_texts(left, "shuffled") == _texts(right, "shuffled"), np.maximum(alike, SWAPPED), alike)
    alike = np.where(mine == other, 1.0, alike)
    is_short = _is_short_form(left, right, mine, other) | _is_short_form(right, left, other, mine)
    alike = np.where(is_short, np.maximum(alike, SHORT_FORM), alike)
    alike = alike * _region_factor(left, right) * _legal_factor(left, right)
    is_comparable = (_texts(left, "script") == _texts(right, "script")) & (mine != "") & (other != "")
    return pa.array(np.round(alike, DECIMALS), mask=~is_comparable)


def address_similarity(left: pa.Table, right: pa.Table) -> pa.Array:
    """Likeness of addresses from 0 to 1, row by row; null where one is missing."""
    mine, other = _texts(left, "address"), _texts(right, "address")
    is_missing = (mine == "") | (other == "")
    return pa.array(np.round(_edit_similarity(mine, other), DECIMALS), mask=is_missing)


def _texts(table: pa.Table, column: str) -> NDArray[np.object_]:
    return table[column].fill_null("").to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _edit_similarity(mine: NDArray[np.object_], other: NDArray[np.object_]) -> Floats:
    similarity: Any = cpdist(mine, other, scorer=Levenshtein.normalized_similarity, dtype=np.float64)
    return np.asarray(similarity, dtype=np.float64)


def _is_short_form(
    short: pa.Table, full: pa.Table, short_core: NDArray[np.object_], full_core: NDArray[np.object_]
) -> NDArray[np.bool_]:
    may_be = ~short["has_legal_form"].to_numpy(zero_copy_only=False).astype(bool)
    shortest = [_SHORTEST_FORM[script] for script in short["script"].to_pylist()]
    starts = [
        may and len(brief) >= least and whole.startswith(brief)
        for may, brief, whole, least in zip(may_be, short_core, full_core, shortest, strict=True)
    ]
    return np.array(starts, dtype=bool)


def _region_factor(left: pa.Table, right: pa.Table) -> Floats:
    """1 where both name one place or none; places of one province may be one place, told more or less narrowly."""
    mine, other = _texts(left, "region"), _texts(right, "region")
    my_province, other_province = _texts(left, "province"), _texts(right, "province")
    is_wider = (my_province == other_province) & ((mine == my_province) | (other == other_province))
    factor = np.where(is_wider, REGION_MISSING, REGION_DIFFERS)
    factor = np.where((mine == "") | (other == ""), REGION_MISSING, factor)
    return np.where(mine == other, 1.0, factor)


def _legal_factor(left: pa.Table, right: pa.Table) -> Floats:
    mine, other = _texts(left, "legal_class"), _texts(right, "legal_class")
    return np.where((mine != other) & (mine != "") & (other != ""), LEGAL_CLASS_DIFFERS, 1.0)
