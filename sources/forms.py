"""Forms in which deliverers write numbers and times, as SQL that types exactly what has the form.

Everything here composes SQL over a text ``value``; the typed value is null where the text has another form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from sources.engine import quick_connection
from sources.sql import sql_text

DecimalMark = Literal[".", ","]
ThousandsSign = Literal["", ",", ".", " ", "'"]
NumberSign = Literal["leading", "trailing", "parentheses"]

EXCEL_DAYS = "EXCEL"
"""The date format of a spreadsheet's day numbers: days since 1899-12-30, hours as a fraction."""

BLANKS = " \t\u00a0\u3000"
"""What deliverers fill a field up with: blanks, tabs, no-break and ideographic spaces."""

_FORMAT_TOKENS = {
    "YYYY": "%Y", "YY": "%y", "MMMM": "%B", "MMM": "%b", "AM": "%p", "MM": "%m", "M": "%-m", "DD": "%d", "D": "%-d",
    "hh": "%H", "h": "%-H", "mm": "%M", "ss": "%S", "ffffff": "%f", "fff": "%g",
}  # fmt: skip
_FORMAT = re.compile("|".join(_FORMAT_TOKENS))
_FORMAT_PATTERNS = {
    "%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%B": "[A-Za-z]{3,9}", "%b": "[A-Za-z]{3}", "%p": "[AaPp][Mm]",
    "%m": "[0-9]{2}", "%-m": "[0-9]{1,2}", "%d": "[0-9]{2}", "%-d": "[0-9]{1,2}",
    "%H": "[0-9]{2}", "%-H": "[0-9]{1,2}", "%I": "[0-9]{2}", "%-I": "[0-9]{1,2}", "%M": "[0-9]{2}", "%S": "[0-9]{2}",
    "%f": "[0-9]{1,6}", "%g": "[0-9]{3}",
}  # fmt: skip
_FORMAT_PART = re.compile("(%-?[A-Za-z])")
_DATE_PARTS = (("%Y", "%y"), ("%m", "%-m", "%b", "%B"), ("%d", "%-d"))
_ISO_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_TIME = _ISO_DATE + "[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?"
_OFFSET = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
# Before 1 March 1900 the numbers count a day that never was.
_EXCEL_FIRST, _EXCEL_LAST = 61, 2_958_465
_MILLISECONDS_A_DAY = 86_400_000
# What stands where a blank or an apostrophe is meant: no-break spaces, the typographic apostrophe.
_SIGN_CLASSES = {" ": "[ \u00a0\u202f]", "'": "['\u2019]"}

# The minus of Nordic locales, all of which write a decimal comma.
_MINUS = "\u2212"


@dataclass(frozen=True)
class NumberForm:
    """How numbers are written: marks, where the sign stands, a unit that may stand before or behind (``%``, ``€``)."""

    decimal_mark: DecimalMark = "."
    thousands_sign: ThousandsSign = ""
    sign: NumberSign = "leading"
    unit: str | None = None


PLAIN_NUMBER = NumberForm()


def strptime_format(form: str) -> str:
    """A format such as ``YYYY/M/D`` as strptime directives: ``%Y/%-m/%-d``; ValueError where it makes no date."""
    directives = _FORMAT.sub(lambda token: _FORMAT_TOKENS[token[0]], form.replace("%", "%%"))
    if "%p" in directives:
        directives = directives.replace("%H", "%I").replace("%-H", "%-I")
    found = _FORMAT_PART.findall(directives)
    for part, *others in _DATE_PARTS:
        if sum(found.count(directive) for directive in (part, *others)) != 1:
            raise ValueError(
                f"{form!r} must name year, month and day once each: YYYY or YY, MM, M, MMM or MMMM, DD or D "
                f"(and hh, mm, ss; or {EXCEL_DAYS})"
            )
    return directives


def check_time_form(form: str) -> None:
    """ValueError says what is wrong with a format."""
    if form != EXCEL_DAYS:
        strptime_format(form)


@cache
def time_zones() -> frozenset[str]:
    """Names of the time zones that there are, such as ``Asia/Shanghai``."""
    with quick_connection() as connection:
        return frozenset(name for (name,) in connection.execute("select name from pg_timezone_names()").fetchall())


def trimmed(text: str) -> str:
    """SQL of the text without the blanks around it."""
    return f"trim({text}, {sql_text(BLANKS)})"


def number_sql(value: str, form: NumberForm, sql_type: str) -> str:
    """SQL of a number with no more decimals than its type has: ``decimal(p,s)``, ``integer`` or ``bigint``."""
    if form.decimal_mark == ",":
        value = f"replace({value}, '{_MINUS}', '-')"
    value = _plain_sign(_without_unit(value, form), form)
    number, pattern = _plain_marks(value, form)
    mark = f"[{form.decimal_mark}]"
    if sql_type in ("integer", "bigint"):
        return f"case when regexp_full_match({value}, '{pattern}({mark}0+)?') then try_cast({number} as {sql_type}) end"
    scale = scale_of(sql_type)
    pattern = f"{pattern}({mark}[0-9]{{0,{scale}}}0*)?|[+-]?{mark}[0-9]{{1,{scale}}}0*"
    return f"case when regexp_full_match({value}, '{pattern}') then try_cast({number} as {sql_type}) end"


def scale_of(sql_type: str) -> int:
    """Decimal places of ``decimal(p,s)``."""
    return int(sql_type.rstrip(")").split(",")[1])


def time_sql(value: str, sql_type: str, forms: tuple[str, ...], time_zone: str | None = None) -> str:
    """SQL of a ``date`` or a ``timestamp`` (UTC) of the first of the forms that fits; ISO 8601 where there is none.

    A timestamp without an offset of its own is local time of ``time_zone`` (None: UTC). An hour that the zone leaves
    out in spring is null, and one that it has twice in autumn is the second.
    """
    if not forms:
        return _iso_sql(value, sql_type, time_zone)
    parsed = [_excel_sql(value) if form == EXCEL_DAYS else _strptime_sql(value, form) for form in forms]
    local = parsed[0] if len(parsed) == 1 else f"coalesce({', '.join(parsed)})"
    return f"({local})::date" if sql_type == "date" else utc_sql(local, time_zone)


def utc_sql(local: str, time_zone: str | None) -> str:
    """SQL of the UTC timestamp of a local one."""
    if time_zone is None:
        return local
    zone = sql_text(time_zone)
    instant = f"(({local})::timestamp at time zone {zone})"
    return f"case when {instant} at time zone {zone} = ({local})::timestamp then {instant} at time zone 'UTC' end"


def _iso_sql(value: str, sql_type: str, time_zone: str | None) -> str:
    if sql_type == "date":
        return f"case when regexp_full_match({value}, '{_ISO_DATE}') then try_cast({value} as date) end"
    if time_zone is None:
        instant = f"try_cast({value} as timestamptz) at time zone 'UTC'"
        return f"case when regexp_full_match({value}, '{_ISO_TIME}{_OFFSET}?') then {instant} end"
    local = utc_sql(f"try_cast({value} as timestamp)", time_zone)
    return (
        f"case when regexp_full_match({value}, '{_ISO_TIME}') then {local} "
        f"when regexp_full_match({value}, '{_ISO_TIME}{_OFFSET}') "
        f"then try_cast({value} as timestamptz) at time zone 'UTC' end"
    )


def _strptime_sql(value: str, form: str) -> str:
    directives = strptime_format(form)
    parts = _FORMAT_PART.split(directives)
    pattern = "".join(_FORMAT_PATTERNS.get(part, re.escape(part.replace("%%", "%"))) for part in parts)
    parsed = f"try_strptime({value}, {sql_text(directives)})"
    return f"case when regexp_full_match({value}, {sql_text(pattern)}) then {parsed} end"


def _excel_sql(value: str) -> str:
    day = f"try_cast({value} as decimal(18,10))"
    milliseconds = f"round(({day} - floor({day})) * {_MILLISECONDS_A_DAY})::bigint"
    moment = f"timestamp '1899-12-30' + to_days(floor({day})::integer) + to_milliseconds({milliseconds})"
    return (
        f"case when regexp_full_match({value}, '[0-9]{{2,7}}([.][0-9]+)?') "
        f"and {day} between {_EXCEL_FIRST} and {_EXCEL_LAST} then {moment} end"
    )


def _without_unit(value: str, form: NumberForm) -> str:
    """SQL of the text without its unit, which stands once if at all."""
    if form.unit is None:
        return value
    unit = re.escape(form.unit)
    before, behind = sql_text(f"^([(+-]*)[ \u00a0]*{unit}[ \u00a0]*"), sql_text(f"[ \u00a0]*{unit}[ \u00a0]*([)+-]*)$")
    return (
        f"case when regexp_matches({value}, {before}) then regexp_replace({value}, {before}, '\\1') "
        f"else regexp_replace({value}, {behind}, '\\1') end"
    )


def _plain_sign(value: str, form: NumberForm) -> str:
    """SQL of the text with its sign in front; a text with two signs stays as it is."""
    if form.sign == "trailing":
        return f"regexp_replace({value}, '^([^+-]*)([+-])$', '\\2\\1')"
    if form.sign == "parentheses":
        return f"regexp_replace({value}, '^[(]([^()+-]*)[)]$', '-\\1')"
    return value


def _plain_marks(value: str, form: NumberForm) -> tuple[str, str]:
    """SQL of the text in plain notation, and the pattern of its integer part as delivered."""
    pattern = "[+-]?[0-9]+"
    if form.thousands_sign:
        sign = _SIGN_CLASSES.get(form.thousands_sign, f"[{form.thousands_sign}]")
        pattern = f"[+-]?([0-9]+|[0-9]{{1,3}}({sign}[0-9]{{3}})+)".replace("'", "''")
        value = f"regexp_replace({value}, {sql_text(sign)}, '', 'g')"
    if form.decimal_mark != ".":
        value = f"replace({value}, {sql_text(form.decimal_mark)}, '.')"
    return value, pattern
