"""Contract rules as SQL: delivered text becomes typed columns, and each record the first rule it breaks.

Nothing is coerced: text must have the exact form of its type (a decimal no more places than the contract, a date its
format), and an empty field is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sources.contract import Column, Contract
from sources.expression import FAULTY_PATTERN, Expression
from sources.forms import PLAIN_NUMBER, number_sql, time_sql, trimmed, utc_sql
from sources.mapping import Mapping
from sources.mapping_columns import ColumnMapping, SignRule
from sources.readers import DeliveredColumns, quoted, sql_text
from sources.sentence import in_one_line_sql

VALUE_CHARACTERS = 100

_SIGN = "sign"
_EXACT_DIGITS = {"double": 15, "float": 6}
_CUT_NUMBER = "[0-9]([.,][0-9]+)?E[+][0-9]{1,3}"
_TIMES = {"date": "'9999-12-31'", "timestamp": "'9999-12-31 23:59:59.999999'"}


@dataclass(frozen=True)
class Rule:
    """A rule of one column. A refused record's message is ``before``, its delivered value in quotes, ``after``."""

    number: int
    column: str
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Validation:
    """SQL over delivered records.

    ``select`` gives ``_file_no``, ``_row_no``, the contract columns, ``_fault`` (number of the first broken rule, or
    null) and ``_fault_value`` (the value that broke it).
    """

    select: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class _Origin:
    """A contract column that was delivered: ``value`` is SQL over the relation, ``typed`` over ``v_<column>``.

    ``sign`` is SQL over the relation of the text that gives the amount's sign, None where none does. ``exact_digits``
    is set for a binary floating-point number: every decimal of so many digits survives it.
    """

    column: Column
    mapping: ColumnMapping
    value: str
    typed: str
    sign: str | None = None
    exact_digits: int | None = None


def validation_sql(contract: Contract, mapping: Mapping, columns: DeliveredColumns, relation: str) -> Validation:
    """Compose the SQL that types and checks the records of ``relation``, which has ``_file_no`` and ``_row_no`` too."""
    origins = {
        name: _origin(contract.column(name), own, mapping, columns)
        for name, own in mapping.columns.items()
        if own.source is not None and own.source in columns
    }
    rules: list[Rule] = []
    conditions: list[str] = []
    faulty: list[str] = []
    for column in contract.columns:
        if column.name in origins:
            for name, before, after, condition in _rules(origins[column.name]):
                rules.append(Rule(len(rules) + 1, column.name, name, before, after))
                conditions.append(condition)
                faulty.append(f"{'s' if name == _SIGN else 'v'}_{column.name}")
    values = [f"{origin.value} as v_{name}" for name, origin in origins.items()]
    values += [f"{origin.sign} as s_{name}" for name, origin in origins.items() if origin.sign is not None]
    typed = [f"{origin.typed} as t_{name}" for name, origin in origins.items()]
    final = [f"{_final(column, mapping, origins)} as {quoted(column.name)}" for column in contract.columns]
    # a branch that is never taken, since a mapping of constants alone has no rules
    faults = ["when false then 0"]
    faults += [f"when {condition} then {rule.number}" for rule, condition in zip(rules, conditions, strict=True)]
    faulty_values = ["when 0 then null::varchar"]
    faulty_values += [f"when {rule.number} then {name}::varchar" for rule, name in zip(rules, faulty, strict=True)]
    fault, value = " ".join(faults), " ".join(faulty_values)
    shown = in_one_line_sql(f"left(case _fault {value} end, {VALUE_CHARACTERS})")
    select = f"""
        select _file_no, _row_no, {", ".join(final)}, _fault,
               case when _fault is not null then {shown} end as _fault_value
        from (
            select *, case {fault} end::smallint as _fault
            from (select *, {", ".join(typed)} from (select _file_no, _row_no, {", ".join(values)} from {relation}))
        )"""
    return Validation(select, tuple(rules))


def _origin(column: Column, own: ColumnMapping, mapping: Mapping, columns: DeliveredColumns) -> _Origin:
    assert own.source is not None
    delivered, sql_type = columns[own.source]
    sql_type = sql_type.lower()
    value = f"v_{column.name}"
    if not _reads_text(own) and sql_type != "varchar":
        zone = own.time_zone or mapping.time_zone
        if sql_type == column.sql_type:
            return _Origin(column, own, delivered, utc_sql(value, zone) if sql_type == "timestamp" else value)
        if column.sql_type == "date" and sql_type.startswith("timestamp"):
            typed = f"case when {value}::timestamp = date_trunc('day', {value}::timestamp) then {value}::date end"
            return _Origin(column, own, delivered, typed)
        if column.sql_type == "timestamp" and sql_type == "timestamp with time zone":
            return _Origin(column, own, delivered, f"{value} at time zone 'UTC'")
        if column.sql_type == "timestamp" and (sql_type == "date" or sql_type.startswith("timestamp")):
            return _Origin(column, own, delivered, utc_sql(f"try_cast({value} as timestamp)", zone))
    text = delivered if sql_type == "varchar" else f"{delivered}::varchar"
    if own.trim:
        text = trimmed(text)
    if own.codes:
        codes = " ".join(f"when {sql_text(code)} then {sql_text(meaning)}" for code, meaning in own.codes.items())
        text = f"case {text} {codes} else {text} end"
    typed = _typed_text(column, own, mapping, is_text=sql_type == "varchar")
    sign = None
    if isinstance(own.sign, SignRule):
        sign = trimmed(f"coalesce({columns[own.sign.delivered][0]}::varchar, '')")
        turned, kept = (_listed(texts) for texts in (own.sign.negative, own.sign.positive))
        typed = (
            f"case when s_{column.name} in ({turned}) then -({typed}) when s_{column.name} in ({kept}) then {typed} end"
        )
    return _Origin(column, own, f"nullif({text}, '')", typed, sign, _EXACT_DIGITS.get(sql_type))


def _reads_text(own: ColumnMapping) -> bool:
    """Whether the mapping says how the column is written, so that it is read as text whatever type it has."""
    return bool(own.trim or own.format or own.codes or own.factor is not None or own.sign or own.unit)


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(sql_text(text) for text in texts)


def _typed_text(column: Column, own: ColumnMapping, mapping: Mapping, *, is_text: bool) -> str:
    """SQL that types the text ``v_<column>``; null where it has not the exact form.

    What was no text when it was delivered has the engine's form, whatever the mapping's marks.
    """
    value, sql_type = f"v_{column.name}", column.sql_type
    if sql_type == "varchar":
        return value
    if sql_type in ("date", "timestamp"):
        return time_sql(value, sql_type, own.format, own.time_zone or mapping.time_zone)
    if sql_type == "boolean":
        truths = "when 'true' then true when '1' then true when 'false' then false when '0' then false"
        return f"case lower({value}) {truths} end"
    form = mapping.number_form(own) if is_text else PLAIN_NUMBER
    if own.factor is None:
        return number_sql(value, form, sql_type)
    product = f"{number_sql(value, form, 'decimal(28,10)')} * {own.factor:f}::decimal(9,4)"
    return f"case when try_cast({product} as {sql_type}) = {product} then try_cast({product} as {sql_type}) end"


def _rules(origin: _Origin) -> Iterator[tuple[str, str, str, str]]:
    """Rules of one delivered column in order: name, message before and after the value, SQL of the violation."""
    column, name = origin.column, origin.column.name
    value, typed = f"v_{name}", f"t_{name}"
    if column.required:
        yield "required", f"{name} is missing; the contract requires it", ".", f"{value} is null"
    if isinstance(origin.mapping.sign, SignRule):
        rule = origin.mapping.sign
        known = f"{' '.join(map(repr, rule.negative))} (negative) or {' '.join(map(repr, rule.positive))} (positive)"
        condition = f"{value} is not null and s_{name} not in ({_listed((*rule.negative, *rule.positive))})"
        yield _SIGN, f"{name} has the sign ", f" in {rule.delivered}, which is neither {known}.", condition
    if typed != origin.typed and origin.typed != value:
        form = f" of the form {' or '.join(origin.mapping.format)}" if origin.mapping.format else ""
        after = f" is no {column.sql_type}{form}."
        yield "type", f"{name} ", after, f"{value} is not null and {typed} is null"
    if column.sql_type in _TIMES:
        # A Parquet file can hold dates that nothing after the engine knows.
        condition = (
            f"{typed} not between {column.sql_type} '0001-01-01' and {column.sql_type} {_TIMES[column.sql_type]}"
        )
        yield "calendar", f"{name} ", " is not within the years 1 to 9999.", condition
    if origin.exact_digits and column.sql_type == "varchar":
        after = " comes as a binary number, which has no text of its own; deliver text, or map it by an expression."
        yield "type", f"{name} ", after, f"{value} is not null"
    elif origin.exact_digits:
        digits = f"ltrim(replace(regexp_replace({value}, '[.]0$', ''), '.', ''), '-0')"
        after = f" comes as a binary number of more than {origin.exact_digits} digits; deliver an exact decimal."
        yield "inexact", f"{name} ", after, f"length({digits}) > {origin.exact_digits}"
    if column.sql_type == "varchar" and origin.mapping.expression and Expression(origin.mapping.expression).readings:
        yield "type", f"{name} cannot be told: ", ".", f"regexp_matches({value}, {sql_text(FAULTY_PATTERN)})"
    if column.sql_type == "varchar":
        yield "nul_byte", f"{name} ", " holds a NUL byte.", f"contains({typed}, chr(0))"
    if column.sql_type == "varchar" and (column.is_key or name.endswith(("_no", "_id"))):
        after = " is a number of which a spreadsheet kept the first digits alone; deliver it as text."
        condition = f"contains({typed}, 'E+') and regexp_full_match({typed}, '{_CUT_NUMBER}')"
        yield "cut_number", f"{name} ", after, condition
    if origin.mapping.codes and not column.allowed_values:
        known = _listed(origin.mapping.codes.values())
        yield "code", f"{name} ", " is not in the mapping's code table.", f"{typed} not in ({known})"
    if column.pattern:
        condition = f"not regexp_matches({typed}, {sql_text(column.pattern)})"
        yield "pattern", f"{name} ", f" does not match {column.pattern}.", condition
    if column.minimum is not None:
        yield "minimum", f"{name} ", f" is below {column.minimum:f}.", f"{typed} < {column.minimum:f}"
    if column.maximum is not None:
        yield "maximum", f"{name} ", f" is above {column.maximum:f}.", f"{typed} > {column.maximum:f}"
    if column.allowed_values:
        allowed = _listed(column.allowed_values)
        after = f" is not one of {', '.join(column.allowed_values)}."
        yield "allowed_values", f"{name} ", after, f"{typed} not in ({allowed})"
    if column.year_of:
        yield "year", f"{name} ", f" is not the year of {column.year_of}.", f"{typed} <> year(t_{column.year_of})"


def _final(column: Column, mapping: Mapping, origins: dict[str, _Origin]) -> str:
    """SQL of the column's final value: typed as delivered, else derived, constant or missing."""
    own = mapping.columns.get(column.name)
    if own is not None and own.constant is not None:
        return f"{sql_text(own.constant)}::{column.sql_type}"
    typed = f"t_{column.name}" if column.name in origins else f"null::{column.sql_type}"
    if column.year_of and column.year_of in origins:
        return f"coalesce({typed}, year(t_{column.year_of}))::{column.sql_type}"
    return typed
