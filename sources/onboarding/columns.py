"""Contract columns and what of a file they may come from: the origin, the form, and the evidence in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sources.contract import Column, Contract
from sources.forms import NumberForm
from sources.onboarding.evidence import (
    NumberEvidence,
    TimeEvidence,
    number_evidence,
    scheme_evidence,
    time_evidence,
)
from sources.onboarding.marks import Marks, common_marks
from sources.onboarding.match import SURE, Candidate, candidates, codes_for, side, terms, unit_of
from sources.onboarding.sample import DeliveredColumn, Sample
from sources.sql import quoted, sql_text

_ISO_CODE = "^[A-Z]{3}$"
_NUMBERS = ("decimal", "integer", "bigint")
_CURRENCIES = ("CNY", "USD", "EUR", "HKD", "JPY", "GBP")
_SYMBOLS = {"€": "EUR", "￥": "CNY", "¥": "CNY", "元": "CNY", "万元": "CNY", "千元": "CNY", "RMB": "CNY", "$": "USD"}
_READABLE_RATIO = 0.5
_SHOWN = 3
_MOST_CODES = 20
_SIDED = ("credit_debit", "amount")
_MINUS = re.compile("^[^0-9]*[-\u2212(]|[0-9][-\u2212][^0-9]*$")


@dataclass(frozen=True)
class ColumnDraft:
    """A line of the draft: ``value`` as in YAML, None where it stands as a comment.

    ``unknown_codes`` are values of a code table without a meaning; None where there is no code table.
    """

    name: str
    value: Any
    evidence: str
    is_gap: bool = False
    unknown_codes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DraftedColumns:
    """All contract columns, the marks of numbers, and the delivered columns that are read."""

    columns: tuple[ColumnDraft, ...]
    marks: Marks
    used: frozenset[str]


@dataclass
class _Work:
    """What is known so far of one file and one contract."""

    contract: Contract
    sample: Sample
    chosen: dict[str, Candidate] = field(default_factory=dict)
    possible: dict[str, list[Candidate]] = field(default_factory=dict)
    unreadable: dict[str, list[Candidate]] = field(default_factory=dict)
    times: dict[str, TimeEvidence] = field(default_factory=dict)
    numbers: dict[str, NumberEvidence] = field(default_factory=dict)
    sides: tuple[str, str] | None = None
    marks: Marks = field(default_factory=lambda: common_marks({}))

    def delivered(self, name: str) -> DeliveredColumn:
        return self.sample.column(self.chosen[name].delivered)


def draft_columns(contract: Contract, sample: Sample) -> DraftedColumns:
    """Choose an origin for each contract column; a delivered column is chosen for one of them at most."""
    work = _Work(contract, sample)
    _find_sides(work)
    _choose(work)
    numbers = {work.chosen[name].delivered: evidence for name, evidence in work.numbers.items() if name in work.chosen}
    if work.sides:
        amount = contract.column("amount")
        for name in work.sides:
            numbers[name] = number_evidence(sample.connection, sample.column(name).values, amount)
    work.marks = common_marks(numbers)
    drafts = tuple(draft for column in contract.columns if (draft := _draft(column, work)) is not None)
    used = {candidate.delivered for name, candidate in work.chosen.items() if _is_read(name, drafts)}
    return DraftedColumns(drafts, work.marks, frozenset(used | {*(work.sides or ())}))


def _is_read(name: str, drafts: Sequence[ColumnDraft]) -> bool:
    return any(draft.name == name and draft.value is not None for draft in drafts)


def _find_sides(work: _Work) -> None:
    names = [column.name for column in work.sample.columns]
    if "amount" not in work.contract.column_names:
        return
    credit, debit = side("credit", names), side("debit", names)
    if credit is not None and debit is not None:
        work.sides = (credit, debit)


def _choose(work: _Work) -> None:
    """The surest pairs first; a column of dates or numbers only where the values are such."""
    names = [column.name for column in work.sample.columns if column.name not in (work.sides or ())]
    pairs = []
    for number, column in enumerate(work.contract.columns):
        if work.sides and column.name in _SIDED:
            continue
        named = candidates(column, names, work.contract.name)
        fitting = [one for one in named if _fits(column, work.sample.column(one.delivered), work)]
        work.possible[column.name] = fitting
        work.unreadable[column.name] = [one for one in named if one not in fitting and one.score >= SURE]
        pairs += [(-one.score, number, column, one) for one in fitting if one.score >= SURE]
    taken: set[str] = set()
    for _, _, column, candidate in sorted(pairs, key=lambda pair: pair[:2]):
        if column.name not in work.chosen and candidate.delivered not in taken:
            work.chosen[column.name] = candidate
            taken.add(candidate.delivered)
            if column.sql_type.startswith(_NUMBERS):
                values = work.sample.column(candidate.delivered).values
                work.numbers[column.name] = number_evidence(work.sample.connection, values, column)
            elif column.sql_type in ("date", "timestamp"):
                values = work.sample.column(candidate.delivered).values
                work.times[column.name] = time_evidence(work.sample.connection, values, column)


def _fits(column: Column, delivered: DeliveredColumn, work: _Work) -> bool:
    values = delivered.values
    if not values or delivered.sql_type != "VARCHAR":
        return True
    if column.sql_type in ("date", "timestamp"):
        return time_evidence(work.sample.connection, values, column).read >= _READABLE_RATIO * len(values)
    if column.sql_type.startswith(_NUMBERS):
        return number_evidence(work.sample.connection, values, column).read >= _READABLE_RATIO * len(values)
    return True


def _draft(column: Column, work: _Work) -> ColumnDraft | None:
    """The line of a column; None for an optional one of which nothing is delivered."""
    if work.sides and column.name in _SIDED:
        return _sided(column, work)
    is_signed = "amount" in work.chosen and "credit_debit" in work.possible and "credit_debit" not in work.chosen
    if is_signed and (column.name == "credit_debit" or (column.name == "amount" and _negative(work))):
        return _of_sign(column, work)
    owner = next((one for one in work.contract.columns if one.number_scheme == column.name), None)
    if owner is not None and column.name not in work.chosen:
        return _scheme(column, owner, work)
    if column.name in work.chosen:
        return _mapped(column, work)
    if column.name == "currency" and (told := _told_currency(work)) is not None:
        return ColumnDraft(column.name, {"constant": told[0]}, told[1])
    possible = [one for one in work.possible[column.name] if one.delivered not in _taken(work)]
    also = [one for one in work.possible[column.name] if one.delivered in _taken(work)]
    unreadable = work.unreadable.get(column.name, [])
    hints = [f"{one.delivered} ({one.score:.0f}: {one.why})" for one in possible[:_SHOWN]]
    hints += [f"{one.delivered} (read by another column; {one.why})" for one in also[:1]]
    hints += [f"{one.delivered} ({one.why}, but its values are no {column.sql_type})" for one in unreadable[:1]]
    is_gap = column.required and column.year_of is None
    if not hints and not is_gap:
        return None
    allowed = f", one of {' '.join(column.allowed_values)}" if column.allowed_values else ""
    maybe = f" Perhaps {', '.join(hints)}." if hints else " Nothing delivered is like it: a constant?"
    return ColumnDraft(column.name, None, f"{column.sql_type}{allowed}: {column.description}.{maybe}", is_gap)


def _taken(work: _Work) -> set[str]:
    return {candidate.delivered for candidate in work.chosen.values()}


def _mapped(column: Column, work: _Work) -> ColumnDraft:
    candidate, delivered = work.chosen[column.name], work.delivered(column.name)
    value: dict[str, Any] = {"from": delivered.name}
    evidence = [candidate.why]
    unknown: tuple[str, ...] | None = None
    if delivered.has_blanks:
        value["trim"] = True
        evidence.append("some values stand between blanks")
    if not delivered.values:
        evidence.append("EMPTY in all records looked at")
    elif delivered.sql_type != "VARCHAR":
        evidence.append(f"delivered as {delivered.sql_type.lower()}")
    elif column.name in work.times:
        form, said = _time_form(work.times[column.name], len(delivered.values))
        value |= form
        evidence.append(said)
        if column.sql_type == "timestamp":
            evidence.append("in UTC, or give time_zone")
    elif column.name in work.numbers:
        form, said = _number_form(column, work.numbers[column.name], work.marks.form, delivered)
        value |= form
        evidence.append(said)
    else:
        form, said, unknown = _codes(column, delivered)
        value |= form
        if said:
            evidence.append(said)
        if column.number_scheme is not None and _is_compacted(delivered.values):
            expression = f"compact_no({quoted(delivered.name)})"
            evidence.append("without blanks, dots and hyphens the numbers pass their check digit")
            return ColumnDraft(column.name, {"expression": expression}, "; ".join(evidence))
    origin: Any = delivered.name if value == {"from": delivered.name} else value
    return ColumnDraft(column.name, origin, "; ".join(evidence), unknown_codes=unknown)


def _said(read: int, count: int) -> str:
    return f"reads all {count:,} values seen" if read == count else f"reads {read:,} of {count:,} values seen"


def _time_form(found: TimeEvidence, count: int) -> tuple[dict[str, Any], str]:
    said = _said(found.read, count)
    if found.unread:
        said += f", not {', '.join(found.unread[:_SHOWN])}"
    if found.others:
        said += f". DOUBTFUL: {' or '.join(found.others[:_SHOWN])} reads them too, as other days"
    if not found.forms:
        return {}, said
    return {"format": found.forms[0] if len(found.forms) == 1 else [*found.forms]}, said


def _number_form(
    column: Column, found: NumberEvidence, marks: NumberForm, delivered: DeliveredColumn
) -> tuple[dict[str, Any], str]:
    own = next((form for form in found.forms if replace(form, unit=None) == marks), found.forms[0])
    value: dict[str, Any] = {}
    if (own.decimal_mark, own.thousands_sign) != (marks.decimal_mark, marks.thousands_sign):
        value |= {"decimal_mark": own.decimal_mark, "thousands_sign": own.thousands_sign}
    is_decimal = column.sql_type.startswith("decimal")
    if own.sign != marks.sign and is_decimal:
        value["sign"] = own.sign
    if own.unit is not None:
        value["unit"] = own.unit
        if own.unit == "%" and column.name.endswith("_ratio"):
            value["factor"] = 0.01
    said = _said(found.read, len(delivered.values))
    if found.unread:
        said += f", not {', '.join(found.unread[:_SHOWN])}"
    unit = unit_of(delivered.name)
    if unit in terms().units and is_decimal:
        value["factor"] = terms().units[unit]
        said += f"; the heading counts in {unit}"
    return value, said


def _codes(column: Column, delivered: DeliveredColumn) -> tuple[dict[str, Any], str, tuple[str, ...] | None]:
    """The code table of a column with allowed values; what is not known is returned apart."""
    allowed = column.allowed_values
    if column.sql_type == "boolean":
        allowed = ("true", "false")
    elif column.pattern == _ISO_CODE and not all(re.fullmatch("[A-Z]{3}", value) for value in delivered.values):
        allowed = _CURRENCIES
    if not allowed:
        return {}, "", None
    values = [value for value in delivered.values if value not in allowed]
    if not values or len(values) > _MOST_CODES:
        return {}, "all values are allowed ones" if not values else f"{len(values)} values, too many for codes", None
    meanings = codes_for(values, allowed)
    known = {value: meaning for value, meaning in meanings.items() if meaning is not None}
    unknown = tuple(value for value, meaning in meanings.items() if meaning is None)
    said = f"{len(known)} of {len(values)} codes by terms of the field"
    if unknown and not known:
        return {}, f"{said}; not one of {' '.join(allowed)}: {', '.join(unknown[:_SHOWN])}. Write codes", None
    return {"trim": True, "codes": known}, said, unknown


def _scheme(column: Column, owner: Column, work: _Work) -> ColumnDraft | None:
    if owner.name not in work.chosen:
        if not column.required:
            return None
        return ColumnDraft(column.name, None, f"the scheme of {owner.name}: {' '.join(column.allowed_values)}", True)
    delivered = work.delivered(owner.name)
    is_compacted = _is_compacted(delivered.values)
    values = [_compact(value) for value in delivered.values] if is_compacted else delivered.values
    found = scheme_evidence(values)
    if found.scheme is not None:
        return ColumnDraft(column.name, {"constant": found.scheme}, found.why)
    if not found.has_credit_codes:
        why = f"the scheme of {owner.name}, {' '.join(column.allowed_values)}: {found.why}"
        return ColumnDraft(column.name, None, why, column.required)
    number = quoted(delivered.name)
    number = f"compact_no({number})" if is_compacted else f"trim({number})" if delivered.has_blanks else number
    return ColumnDraft(column.name, {"expression": f"scheme_of({number})"}, f"{found.why}; told number by number")


def _is_compacted(values: Sequence[str]) -> bool:
    """Whether the numbers pass a check digit only without what stands between their digits."""
    if not values or not any(value != _compact(value) for value in values):
        return False
    as_written, compacted = scheme_evidence(values), scheme_evidence([_compact(value) for value in values])
    return as_written.scheme in (None, "LOCAL") and compacted.scheme not in (None, "LOCAL")


def _compact(number: str) -> str:
    return "".join(character for character in number if character.isalnum()).upper()


def _sided(column: Column, work: _Work) -> ColumnDraft:
    assert work.sides is not None
    credit, debit = work.sides
    amount = f"one_sided({quoted(credit)}, {quoted(debit)})"
    evidence = f"{credit} and {debit} are the two sides of one amount"
    if column.name == "credit_debit":
        expression = f"case when {amount} < 0 then 'DBIT' else 'CRDT' end"
    else:
        expression = f"abs({amount})" if "credit_debit" in work.contract.column_names else amount
    return ColumnDraft(column.name, {"expression": expression}, evidence)


def _of_sign(column: Column, work: _Work) -> ColumnDraft:
    """Credit or debit by the sign of the amount, or the amount without its sign."""
    amount = work.chosen["amount"].delivered
    negative = _negative(work)
    if not negative:
        why = f"{column.description}: one of {' '.join(column.allowed_values)}. {amount} has no negative value"
        return ColumnDraft(column.name, None, why, True)
    number = _number_read(amount, work)
    evidence = f"{negative:,} of the values of {amount} are negative"
    if column.name == "amount":
        return ColumnDraft(column.name, {"expression": f"abs({number})"}, f"{work.chosen['amount'].why}; {evidence}")
    return ColumnDraft(column.name, {"expression": f"case when {number} < 0 then 'DBIT' else 'CRDT' end"}, evidence)


def _number_read(amount: str, work: _Work) -> str:
    """The number in the amount's column; what its values are written with beside the marks of the file is said."""
    unit = work.numbers["amount"].forms[0].unit if "amount" in work.numbers else None
    if unit is None:
        return f"as_number({quoted(amount)})"
    marks = work.marks.form
    said = ", ".join(map(sql_text, (marks.decimal_mark, marks.thousands_sign, unit)))
    return f"as_number({quoted(amount)}, {said})"


def _negative(work: _Work) -> int:
    """Number of values of the amount that have a minus or stand in parentheses, before or behind a currency."""
    return sum(_MINUS.search(value) is not None for value in work.delivered("amount").values)


def _told_currency(work: _Work) -> tuple[str, str] | None:
    """A currency that a heading or the numbers name; None where none or several do."""
    told: dict[str, str] = {}
    for name, candidate in work.chosen.items():
        unit = unit_of(candidate.delivered)
        if name in work.numbers and unit is not None and (currency := _SYMBOLS.get(unit) or _iso(unit)):
            told[currency] = f"the heading {candidate.delivered} says so"
        for form in work.numbers[name].forms[:1] if name in work.numbers else ():
            if form.unit is not None and (currency := _SYMBOLS.get(form.unit) or _iso(form.unit)):
                told[currency] = f"the values of {candidate.delivered} say so"
    return next(iter(told.items())) if len(told) == 1 else None


def _iso(unit: str) -> str | None:
    return unit if unit in _CURRENCIES else None
