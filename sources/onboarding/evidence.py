"""In which form a column's values are written, told by trying the forms that mappings know, with the SQL of a night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import duckdb
import pyarrow as pa

from sources.contract import Column
from sources.forms import EXCEL_DAYS, DecimalMark, NumberForm, NumberSign, ThousandsSign, number_sql, time_sql
from sources.identifier import is_valid_number

# In the order of preference: of forms that read all values alike, the first is taken.
_DAYS = (
    *("YYYY-M-D", "YYYYMMDD", "YYYY/M/D", "YYYY.M.D", "YYYY年M月D日", "D.M.YYYY", "D.M.YY", "D/M/YYYY", "M/D/YYYY"),
    *("D-M-YYYY", "D/M/YY", "M/D/YY", "D-MMM-YYYY", "D-MMM-YY", "D MMM YYYY", "D MMMM YYYY", "MMM D, YYYY", EXCEL_DAYS),
)
_HOURS = ("", " hh:mm:ss", " hh:mm", "Thh:mm:ss", " hhmmss", "hhmmss", " h:mm:ss AM", " h:mm AM", " hh:mm:ss.fff")
TIME_FORMS = tuple(day + hour for day, hour in product(_DAYS, _HOURS) if day != EXCEL_DAYS or not hour)
_MARKS: tuple[tuple[DecimalMark, ThousandsSign], ...] = (
    (".", ""),
    (".", ","),
    (",", ""),
    (",", "."),
    (",", " "),
    (".", " "),
    (".", "'"),
)
_SIGNS: tuple[NumberSign, ...] = ("leading", "trailing", "parentheses")
_UNITS = (None, "%", "€", "¥", "￥", "$", "元", "EUR", "USD", "CNY", "RMB")
_MOST_FORMS = 3


@dataclass(frozen=True)
class TimeEvidence:
    """Formats that together read the values; ``unread`` those that none reads; ``others`` read them as other days.

    ``forms`` is empty where ISO 8601 reads them.
    """

    forms: tuple[str, ...]
    unread: tuple[str, ...]
    others: tuple[str, ...]
    read: int


@dataclass(frozen=True)
class NumberEvidence:
    """The forms that read all values of a column, the likeliest first, and whether they read them alike."""

    forms: tuple[NumberForm, ...]
    is_ambiguous: bool
    unread: tuple[str, ...]
    read: int


def time_evidence(connection: duckdb.DuckDBPyConnection, values: Sequence[str], column: Column) -> TimeEvidence:
    """How dates (or timestamps) are written."""
    forms: tuple[tuple[str, ...], ...] = ((), *((form,) for form in TIME_FORMS))
    read = _read(connection, values, [time_sql("value", column.sql_type, form) for form in forms])
    best = max(range(len(forms)), key=lambda number: (_count(read[number]), -number))
    chosen, left = [best], [number for number, one in enumerate(read[best]) if one is None]
    while left and len(chosen) < _MOST_FORMS and forms[best]:
        more = max(range(1, len(forms)), key=lambda number: (sum(read[number][i] is not None for i in left), -number))
        found = [i for i in left if read[more][i] is not None]
        if not found:
            break
        chosen.append(more)
        left = [i for i in left if i not in {*found}]
    others = [
        form[0]
        for form, one in zip(forms, read, strict=True)
        if form and _count(one) == len(values) - len(left) and values and one != read[best] and len(chosen) == 1
    ]
    return TimeEvidence(
        tuple(forms[number][0] for number in chosen if forms[number]),
        tuple(values[i] for i in left),
        tuple(others),
        len(values) - len(left),
    )


def number_evidence(connection: duckdb.DuckDBPyConnection, values: Sequence[str], column: Column) -> NumberEvidence:
    """How numbers are written; the forms that read most of the values."""
    forms = [
        NumberForm(mark, thousands, sign, unit)
        for unit, sign, (mark, thousands) in product(_units(values), _SIGNS, _MARKS)
    ]
    read = _read(connection, values, [number_sql("value", form, column.sql_type) for form in forms])
    most = max(map(_count, read), default=0)
    best = [number for number in range(len(forms)) if most and _count(read[number]) == most]
    left = [value for value, one in zip(values, read[best[0]], strict=True) if one is None] if best else [*values]
    return NumberEvidence(
        tuple(forms[number] for number in best),
        any(read[number] != read[best[0]] for number in best),
        tuple(left),
        most,
    )


@dataclass(frozen=True)
class SchemeEvidence:
    """The scheme of all numbers, None where only some are of one; whether credit codes are among them; why."""

    scheme: str | None
    has_credit_codes: bool
    why: str


def scheme_evidence(values: Sequence[str]) -> SchemeEvidence:
    """Of which scheme official numbers are, by their check digits."""
    counts = {scheme: sum(is_valid_number(scheme, value) for value in values) for scheme in ("CN-USCC", "LEI", "VAT")}
    for scheme, count in counts.items():
        if values and count == len(values):
            return SchemeEvidence(scheme, scheme == "CN-USCC", f"all {count:,} numbers seen pass its check digit")
    found = {scheme: count for scheme, count in counts.items() if count}
    if not found:
        return SchemeEvidence("LOCAL", False, "no number seen passes the check digit of CN-USCC, LEI or VAT")
    parts = ", ".join(f"{count:,} {scheme}" for scheme, count in found.items())
    return SchemeEvidence(None, "CN-USCC" in found, f"of {len(values):,} numbers seen {parts}")


def _units(values: Iterable[str]) -> list[str | None]:
    texts = [*values]
    return [unit for unit in _UNITS if unit is None or any(unit in text for text in texts)]


def _count(read: Sequence[object]) -> int:
    return sum(one is not None for one in read)


def _read(
    connection: duckdb.DuckDBPyConnection, values: Sequence[str], forms: Sequence[str]
) -> list[tuple[object, ...]]:
    """For each form what it reads in each value."""
    if not values:
        return [() for _ in forms]
    connection.register("tried", pa.table({"no": [*range(len(values))], "value": pa.array(values, pa.string())}))
    read = ", ".join(f"{sql} as r{number}" for number, sql in enumerate(forms))
    rows = connection.execute(f"select {read} from tried order by no").fetchall()
    connection.unregister("tried")
    return [*zip(*rows, strict=True)]
