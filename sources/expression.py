"""Expressions of mappings: a small part of SQL over the delivered columns of one record.

Columns stand by name, in double quotes where it is no plain word, those of a joined table as ``table.column``. Besides
``+ - *`` (a quotient would be a float, which money never is), ``||``, comparisons, ``and or not in between is null``,
``case`` and ``if`` there are the functions of `FUNCTIONS` and some of our own:

    as_number(column)                 decimal, with the mapping's decimal mark and thousands sign, or with those given
    as_number(column, ',', '.')       behind the column, and without a unit where one is named last
    as_number(column, ',', '.', '€')
    as_date(column, 'D.M.YYYY', …)    date of the first format that fits; without a format one of the mapping's
                                      ``dates``, or else ISO 8601
    add_days(date, days)              date
    one_sided(credit, debit)          decimal of two columns of which one is filled: the first's number, or the second's
                                      turned; a record with both is faulty (0 counts as not filled)
    plain_no(text)                    a number used as a name: without blanks, a trailing ``.0`` and leading zeros
    compact_no(text)                  a number used as a name: without blanks, dots, hyphens and slashes, in capitals
    scheme_of(text)                   'CN-USCC' where the text is one, check character included; else 'LOCAL'

A field that is there and is no number, or no date, is a fault of its record and never a missing value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, cast, get_args

import sqlglot
from sqlglot import exp

from sources.forms import BLANKS, DecimalMark, ThousandsSign, check_time_form
from sources.number_scheme import scheme_sql
from sources.sql import quoted

FUNCTIONS = (
    *("abs", "coalesce", "concat", "greatest", "least", "left", "length", "lower", "lpad", "ltrim", "nullif"),
    *("regexp_replace", "replace", "right", "round", "rtrim", "substring", "trim", "upper", "year"),
)

_READINGS = ("as_number", "as_date", "one_sided")
_OWN = (*_READINGS, "add_days", "plain_no", "compact_no", "scheme_of")
_NO_MARKS = "[-\\s\u00a0\u3000./]"
_NODES = (
    *(exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Tuple, exp.Neg),
    *(exp.Add, exp.Sub, exp.Mul, exp.DPipe, exp.And, exp.Or, exp.Not, exp.In, exp.Between, exp.Is),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Case, exp.If),
)
_FUNCTION_NODES = tuple(
    exp.FUNCTION_BY_NAME[name.upper()] for name in FUNCTIONS if name.upper() in exp.FUNCTION_BY_NAME
)
_MAX_CHARACTERS = 2_000
_MAX_DAYS = 36_500


FAULTY_PATTERN = "^no (number|date|amount of one side): "
"""How the text begins that an expression gives where it cannot read a field; it has no type's form."""

Marks = tuple[DecimalMark, ThousandsSign]


@dataclass(frozen=True)
class Reading:
    """A number or date that an expression reads in a delivered column.

    ``formats`` are those of a date, ``marks`` and ``unit`` those of a number, where the expression says them.
    """

    what: Literal["number", "date"]
    column: str
    formats: tuple[str, ...] = ()
    marks: Marks | None = None
    unit: str | None = None


class Expression:
    """A checked expression; ValueError says what is not allowed in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = _checked(text)

    @property
    def columns(self) -> tuple[str, ...]:
        """Delivered columns that it reads, each once, as ``column`` or ``table.column``."""
        return tuple(dict.fromkeys(_name(column) for column in self._tree.find_all(exp.Column)))

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The numbers and dates that it reads, each once; reading them can fail."""
        calls = self._tree.find_all(exp.Anonymous)
        return tuple(dict.fromkeys(reading for call in calls for reading in _readings(call)))

    @property
    def sided(self) -> tuple[tuple[Reading, Reading], ...]:
        """The pairs of numbers of which a record may have only one."""
        calls = self._tree.find_all(exp.Anonymous)
        pairs = (_readings(call) for call in calls if call.name.lower() == "one_sided")
        return tuple(dict.fromkeys((credit, debit) for credit, debit in pairs))

    @property
    def sides(self) -> tuple[Expression, Expression]:
        """Both sides of an equation; ValueError when it is none."""
        if not isinstance(self._tree, exp.EQ):
            raise ValueError(f"{self.text!r} is no equation of the form a = b")
        return Expression(self._tree.left.sql("duckdb")), Expression(self._tree.right.sql("duckdb"))

    def sql(self, names: Mapping[str, str], readings: Mapping[Reading, str] = MappingProxyType({})) -> str:
        """SQL of the expression: ``names`` are those of delivered columns in SQL, ``readings`` of what it reads."""
        return _sql(self._tree, names, readings)


def _sql(tree: exp.Expr, names: Mapping[str, str], readings: Mapping[Reading, str]) -> str:
    # What is composed here takes its place in the text only: the parser must not read it again.
    parts: list[str] = []

    def replaced(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            parts.append(names[_name(node)])
        elif isinstance(node, exp.Anonymous):
            parts.append(f"({_own_function(node, names, readings)})")
        elif isinstance(node, exp.Trim) and node.args.get("expression") is None:
            node.set("expression", exp.Literal.string(BLANKS))
            return node
        else:
            return node
        return exp.column(f"part {len(parts) - 1}", quoted=True)

    sql = tree.transform(replaced).sql("duckdb")
    for number, part in reversed([*enumerate(parts)]):
        sql = sql.replace(quoted(f"part {number}"), part)
    return sql


# a mapping says the same of many feeds, and is read anew by every command and every file that is tried
@lru_cache(maxsize=4_096)
def _checked(text: str) -> exp.Expr:
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"the expression has more than {_MAX_CHARACTERS:,} characters")
    try:
        tree = sqlglot.parse_one(text, dialect="duckdb")
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise ValueError(f"{text!r} cannot be read as an expression") from error
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            _check_own(node)
        elif isinstance(node, exp.Column):
            if node.args.get("db") is not None or isinstance(node.this, exp.Star):
                raise ValueError(f"{node.sql()} is no column; write column or table.column")
        elif not isinstance(node, (*_NODES, *_FUNCTION_NODES)):
            known = ", ".join((*FUNCTIONS, *_OWN))
            raise ValueError(f"{node.sql('duckdb')[:80]!r} is not allowed in an expression; functions are {known}")
    return tree


def _check_own(node: exp.Anonymous) -> None:
    name, arguments = node.name.lower(), node.expressions
    counts = {"add_days": 2, "one_sided": 2, "plain_no": 1, "compact_no": 1, "scheme_of": 1}
    if name not in _OWN:
        raise ValueError(f"there is no function {name}; functions are {', '.join((*FUNCTIONS, *_OWN))}")
    if name in counts and len(arguments) != counts[name]:
        raise ValueError(f"{name} takes {counts[name]} argument{'s' if counts[name] > 1 else ''}")
    if name in _READINGS:
        columns = 2 if name == "one_sided" else 1
        if not arguments or not all(isinstance(part, exp.Column) for part in arguments[:columns]):
            raise ValueError(f"{name} reads columns; write {name}({', '.join(('column',) * columns)})")
        texts = [part.name for part in arguments[columns:] if isinstance(part, exp.Literal) and part.is_string]
        if len(texts) != len(arguments) - columns:
            raise ValueError(f"{name} takes text in quotes behind the column")
        if name == "as_date":
            for form in texts:
                check_time_form(form)
        elif texts:
            _check_marks(*texts)


def _check_marks(decimal_mark: str, thousands_sign: str = "", unit: str = "", *others: str) -> None:
    fits = decimal_mark in get_args(DecimalMark) and thousands_sign in get_args(ThousandsSign)
    if not fits or others or decimal_mark == thousands_sign or any(character.isdecimal() for character in unit):
        raise ValueError(
            "as_number takes a decimal mark (. or ,), a thousands sign that differs (, . blank or ') and a unit"
        )


def _readings(call: exp.Anonymous) -> tuple[Reading, ...]:
    """What a function reads; nothing where it reads no column."""
    name = call.name.lower()
    if name not in _READINGS:
        return ()
    columns = [_name(part) for part in call.expressions if isinstance(part, exp.Column)]
    texts = tuple(part.name for part in call.expressions if isinstance(part, exp.Literal))
    if name == "as_date":
        return (Reading("date", columns[0], texts),)
    marks = cast(Marks, (*texts, "")[:2]) if texts else None
    unit = texts[2] if len(texts) > 2 else None
    return tuple(Reading("number", column, marks=marks, unit=unit) for column in columns)


def _own_function(call: exp.Anonymous, names: Mapping[str, str], readings: Mapping[Reading, str]) -> str:
    name = call.name.lower()
    read = [readings[reading] for reading in _readings(call)]
    if name == "one_sided":
        credit, debit = read
        return f"case when {debit} <> 0 then -{debit} else coalesce({credit}, {debit}) end"
    if read:
        return read[0]
    inner = [_sql(argument, names, readings) for argument in call.expressions]
    if name == "add_days":
        days = f"try_cast({inner[1]} as integer)"
        return f"case when abs({days}) <= {_MAX_DAYS} then (({inner[0]})::date + {days})::date end"
    if name == "compact_no":
        return f"nullif(upper(regexp_replace({inner[0]}, '{_NO_MARKS}', '', 'g')), '')"
    if name == "scheme_of":
        return scheme_sql(f"({inner[0]})")
    return f"nullif(ltrim(regexp_replace(trim({inner[0]}), '[.]0+$', ''), '0'), '')"


def _name(column: exp.Column) -> str:
    return f"{column.table}.{column.name}" if column.table else column.name
