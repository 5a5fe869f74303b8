"""Model SQL means the same on DuckDB and on Spark: it stays within the subset that both read alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "dbt_project"
# Macros of this name are written for one engine by intent; dbt dispatches to the one that runs.
ENGINE_MACRO = re.compile(r"\{%-?\s*macro (duckdb|spark|default)__.*?endmacro\s*-?%\}", re.DOTALL)
COMMENT = re.compile(r"\{#.*?#\}|--[^\n]*", re.DOTALL)
TEXT = re.compile(r"'[^']*'")

BANNED = {
    "arg_max and arg_min: use max_by, min_by": r"\barg_m(ax|in)\b",
    "list: use array_agg": r"\blist\s*\(",
    "array_agg with an order: Spark has none": r"\barray_agg\s*\([^)]*\border\s+by",
    "asof join": r"\basof\b",
    "generate_series and range tables: cross join digits": r"\b(generate_series|range)\s*\(",
    "unnest": r"\bunnest\s*\(",
    "exclude and replace in a select list: name the columns": r"\*\s*(exclude|replace)\b",
    "integer division by //": r"//",
    "quantile_cont: use percentile_cont … within group": r"\bquantile(_cont|_disc)?\s*\(",
    "sha256: use md5": r"\bsha256\s*\(",
    "union by name": r"\bunion\s+(all\s+)?by\s+name\b",
    "varchar: use string": r"\bvarchar\b",
    "hugeint": r"\bhugeint\b",
    "concat: use || or concat_ws": r"\bconcat\s*\(",
    "dayofweek": r"\b(dayofweek|isodow)\b",
    "date_diff: use days_between": r"\b(date_diff|datediff)\s*\(",
    "double-quoted text": r'"[^"]*"',
    ":: casts: use cast": r"::",
}


def portable_files() -> list[Path]:
    """Models, singular tests and macros; dbt renders their Jinja, so only the SQL between counts."""
    return sorted(path for folder in ("models", "macros", "tests") for path in (PROJECT / folder).rglob("*.sql"))


def sql_only(text: str) -> str:
    """The SQL of a file, without comments, Jinja and the content of text literals."""
    text = COMMENT.sub("", ENGINE_MACRO.sub("", text))
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " jinja ", text, flags=re.DOTALL)
    return TEXT.sub("''", text)


@pytest.mark.parametrize("rule", BANNED)
def test_sql_stays_in_the_portable_subset(rule: str) -> None:
    pattern = re.compile(BANNED[rule], re.IGNORECASE | re.MULTILINE)
    breaches = [
        f"{path.relative_to(PROJECT)}: {match.group(0).strip()}"
        for path in portable_files()
        for match in pattern.finditer(sql_only(path.read_text()))
    ]
    assert breaches == []


def test_lint_sees_through_comments_and_jinja() -> None:
    text = "-- list(x)\nselect {{ list('x') }}, 'unnest(', arg_max(a, b) {# hugeint #} from t"
    assert "arg_max" in sql_only(text)
    for absent in ("list", "unnest", "hugeint"):
        assert absent not in sql_only(text)
