"""Contract rules as SQL: delivered text becomes typed columns, and each record the first rule it breaks.

Nothing is coerced: text must have the exact form of its type (a decimal no more places than the contract, a date its
format), and an empty field is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sources.contract import Column, Contract
from sources.expression import Expression
from sources.mapping import ColumnMapping, Mapping, strptime_format
from sources.readers import DeliveredColumns, FileRefused, Records, quoted, sql_text

VALUE_CHARACTERS = 100
_SHOWN_COLUMNS = 20

_PLAIN_MARKS = {"decimal_mark": ".", "thousands_sign": "", "sign": "leading"}
_BLANKS = "' \t\u00a0\u3000'"
_FORMAT_PATTERNS = {
    "%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%m": "[0-9]{2}", "%-m": "[0-9]{1,2}", "%d": "[0-9]{2}", "%-d": "[0-9]{1,2}",
    "%H": "[0-9]{2}", "%M": "[0-9]{2}", "%S": "[0-9]{2}",
}  # fmt: skip
_FORMAT_PART = re.compile("(%-?[A-Za-z])")
_ISO_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_TIMESTAMP = _ISO_DATE + "[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"


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
    """A contract column that was delivered: ``value`` is SQL over the relation, ``typed`` over ``v_<column>``."""

    column: Column
    mapping: ColumnMapping
    value: str
    typed: str
    is_text: bool


def validation_sql(contract: Contract, mapping: Mapping, columns: DeliveredColumns, relation: str) -> Validation:
    """Compose the SQL that types and checks the records of ``relation``, which has ``_file_no`` and ``_row_no`` too."""
    origins = {
        name: _origin(contract.column(name), own, mapping, *columns[own.source])
        for name, own in mapping.columns.items()
        if own.source is not None and own.source in columns
    }
    rules: list[Rule] = []
    conditions: list[str] = []
    for column in contract.columns:
        if column.name in origins:
            for name, before, after, condition in _rules(origins[column.name]):
                rules.append(Rule(len(rules) + 1, column.name, name, before, after))
                conditions.append(condition)
    values = [f"{origin.value} as v_{name}" for name, origin in origins.items()]
    typed = [f"{origin.typed} as t_{name}" for name, origin in origins.items()]
    final = [f"{_final(column, mapping, origins)} as {quoted(column.name)}" for column in contract.columns]
    fault = " ".join(f"when {condition} then {rule.number}" for rule, condition in zip(rules, conditions, strict=True))
    value = " ".join(f"when {rule.number} then v_{rule.column}::varchar" for rule in rules)
    select = f"""
        select _file_no, _row_no, {", ".join(final)}, _fault,
               case when _fault is not null then left(case _fault {value} end, {VALUE_CHARACTERS}) end as _fault_value
        from (
            select *, case {fault} end::smallint as _fault
            from (select *, {", ".join(typed)} from (select _file_no, _row_no, {", ".join(values)} from {relation}))
        )"""
    return Validation(select, tuple(rules))


def header_notes(contract: Contract, mapping: Mapping, records: Records) -> tuple[str, ...]:
    """Sentences on columns that are unknown or absent; FileRefused when a required column is absent."""
    missing, absent = [], []
    for name, own in mapping.columns.items():
        if own.source is None or own.source in records.columns:
            continue
        column = contract.column(name)
        lacking = [own.source] if own.expression is None else _not_delivered(own.expression, records)
        if column.required:
            missing += lacking
        elif column.year_of is None:
            absent += lacking
    if missing:
        raise FileRefused(
            f"The file lacks the required {_columns(missing)}; it has {_columns([*records.columns])}. "
            f"Deliver what is missing, or correct mapping {mapping.name} (names, encoding, delimiter)."
        )
    known = {*mapping.delivered_columns, *mapping.read_by_expressions, *mapping.ignored}
    unknown = [] if "*" in mapping.ignored else [name for name in records.columns if name not in known]
    notes = [*records.notes]
    if unknown:
        notes.append(f"Ignored the unknown {_columns(unknown)}.")
    if absent:
        notes.append(f"Did not find the optional {_columns(absent)}.")
    return tuple(notes)


def _not_delivered(expression: str, records: Records) -> list[str]:
    return [name for name in Expression(expression).columns if name not in records.columns]


def _columns(names: list[str]) -> str:
    shown = ", ".join(name[:VALUE_CHARACTERS] or "''" for name in names[:_SHOWN_COLUMNS])
    more = f" and {len(names) - _SHOWN_COLUMNS} more" if len(names) > _SHOWN_COLUMNS else ""
    return f"column{'s' if len(names) > 1 else ''} {shown}{more}"


def _origin(column: Column, own: ColumnMapping, mapping: Mapping, delivered: str, sql_type: str) -> _Origin:
    sql_type = sql_type.lower()
    is_plain = not (own.trim or own.format or own.codes or own.factor is not None)
    if is_plain and sql_type != "varchar":
        value = f"v_{column.name}"
        if sql_type == column.sql_type:
            return _Origin(column, own, delivered, value, False)
        if column.sql_type == "date" and sql_type.startswith("timestamp"):
            typed = f"case when {value}::timestamp = date_trunc('day', {value}::timestamp) then {value}::date end"
            return _Origin(column, own, delivered, typed, False)
        if column.sql_type == "timestamp" and sql_type == "timestamp with time zone":
            return _Origin(column, own, delivered, f"{value} at time zone 'UTC'", False)
        if column.sql_type == "timestamp" and (sql_type == "date" or sql_type.startswith("timestamp")):
            return _Origin(column, own, delivered, f"try_cast({value} as timestamp)", False)
    text = delivered if sql_type == "varchar" else f"{delivered}::varchar"
    if own.trim:
        text = f"trim({text}, {_BLANKS})"
    if own.codes:
        codes = " ".join(f"when {sql_text(code)} then {sql_text(meaning)}" for code, meaning in own.codes.items())
        text = f"case {text} {codes} else {text} end"
    # an expression gives numbers and dates in one form, whatever the mapping's marks
    typed = _typed_text(column, own, mapping if own.expression is None else mapping.model_copy(update=_PLAIN_MARKS))
    return _Origin(column, own, f"nullif({text}, '')", typed, True)


def _typed_text(column: Column, own: ColumnMapping, mapping: Mapping) -> str:
    """SQL that types the text ``v_<column>``; null where it has not the exact form."""
    value, sql_type = f"v_{column.name}", column.sql_type
    if sql_type == "varchar":
        return value
    if sql_type in ("date", "timestamp"):
        return _typed_time(value, sql_type, own.strptime_format)
    if sql_type == "boolean":
        truths = "when 'true' then true when '1' then true when 'false' then false when '0' then false"
        return f"case lower({value}) {truths} end"
    value = _sign_first(value, mapping)
    number, form = _number(value, mapping)
    mark = f"[{mapping.decimal_mark}]"
    if sql_type in ("integer", "bigint"):
        return f"case when regexp_full_match({value}, '{form}({mark}0+)?') then try_cast({number} as {sql_type}) end"
    scale = int(sql_type.rstrip(")").split(",")[1])
    if own.factor is None:
        pattern = f"{form}({mark}[0-9]{{0,{scale}}}0*)?|[+-]?{mark}[0-9]{{1,{scale}}}0*"
        return f"case when regexp_full_match({value}, '{pattern}') then try_cast({number} as {sql_type}) end"
    pattern = f"{form}({mark}[0-9]{{0,10}}0*)?"
    product = f"try_cast({number} as decimal(28,10)) * {own.factor:f}::decimal(9,4)"
    exact = f"case when try_cast({product} as {sql_type}) = {product} then try_cast({product} as {sql_type}) end"
    return f"case when regexp_full_match({value}, '{pattern}') then {exact} end"


def number_sql(value: str, mapping: Mapping) -> str:
    """SQL of a number with at most six decimals, written as the mapping says; null where the text has another form."""
    value = _sign_first(value, mapping)
    number, form = _number(value, mapping)
    mark = f"[{mapping.decimal_mark}]"
    pattern = f"{form}({mark}[0-9]{{0,6}}0*)?|[+-]?{mark}[0-9]{{1,6}}0*"
    return f"case when regexp_full_match({value}, '{pattern}') then try_cast({number} as decimal(24,6)) end"


def date_sql(value: str, form: str | None) -> str:
    """SQL of a date of the form, such as ``D.M.YYYY`` (None: ISO 8601); null where the text has another form."""
    return _typed_time(value, "date", None if form is None else strptime_format(form))


def _sign_first(value: str, mapping: Mapping) -> str:
    """SQL of the number's text with a sign that stands behind it before it; a text with two signs stays as it is."""
    return value if mapping.sign == "leading" else f"regexp_replace({value}, '^([^+-]*)([+-])$', '\\2\\1')"


def _number(value: str, mapping: Mapping) -> tuple[str, str]:
    """SQL of the number's text in plain notation, and the pattern of its integer part as delivered."""
    form = "[+-]?[0-9]+"
    if mapping.thousands_sign:
        sign = mapping.thousands_sign
        form = f"[+-]?([0-9]+|[0-9]{{1,3}}([{sign}][0-9]{{3}})+)".replace("'", "''")
        value = f"replace({value}, {sql_text(sign)}, '')"
    if mapping.decimal_mark != ".":
        value = f"replace({value}, {sql_text(mapping.decimal_mark)}, '.')"
    return value, form


def _typed_time(value: str, sql_type: str, strptime_format: str | None) -> str:
    if strptime_format is None:
        if sql_type == "date":
            return f"case when regexp_full_match({value}, '{_ISO_DATE}') then try_cast({value} as date) end"
        instant = f"try_cast({value} as timestamptz) at time zone 'UTC'"
        return f"case when regexp_full_match({value}, '{_ISO_TIMESTAMP}') then {instant} end"
    parts = _FORMAT_PART.split(strptime_format)
    pattern = "".join(_FORMAT_PATTERNS.get(part, re.escape(part)) for part in parts)
    parsed = f"try_strptime({value}, {sql_text(strptime_format)})::{sql_type}"
    return f"case when regexp_full_match({value}, {sql_text(pattern)}) then {parsed} end"


def _rules(origin: _Origin) -> Iterator[tuple[str, str, str, str]]:
    """Rules of one delivered column in order: name, message before and after the value, SQL of the violation."""
    column, name = origin.column, origin.column.name
    value, typed = f"v_{name}", f"t_{name}"
    if column.required:
        yield "required", f"{name} is missing; the contract requires it", ".", f"{value} is null"
    if typed != origin.typed and origin.typed != value:
        form = f" of the form {origin.mapping.format}" if origin.mapping.format else ""
        after = f" is no {column.sql_type}{form}."
        yield "type", f"{name} ", after, f"{value} is not null and {typed} is null"
    if column.sql_type == "varchar":
        yield "nul_byte", f"{name} ", " holds a NUL byte.", f"contains({typed}, chr(0))"
    if origin.mapping.codes and not column.allowed_values:
        known = ", ".join(sql_text(meaning) for meaning in origin.mapping.codes.values())
        yield "code", f"{name} ", " is not in the mapping's code table.", f"{typed} not in ({known})"
    if column.pattern:
        condition = f"not regexp_matches({typed}, {sql_text(column.pattern)})"
        yield "pattern", f"{name} ", f" does not match {column.pattern}.", condition
    if column.minimum is not None:
        yield "minimum", f"{name} ", f" is below {column.minimum:f}.", f"{typed} < {column.minimum:f}"
    if column.maximum is not None:
        yield "maximum", f"{name} ", f" is above {column.maximum:f}.", f"{typed} > {column.maximum:f}"
    if column.allowed_values:
        allowed = ", ".join(sql_text(allowed) for allowed in column.allowed_values)
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
