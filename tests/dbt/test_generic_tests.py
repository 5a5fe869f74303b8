"""Our own generic tests find what they are for and nothing else; their SQL runs on DuckDB without a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from sources.engine import quick_connection

GENERIC_TESTS = Path(__file__).parents[2] / "dbt_project/tests/generic"


def failures(test: str, rows: str, **arguments: Any) -> list[tuple[Any, ...]]:
    """Rows that a generic test returns on ``rows`` (a list of SQL values with columns a, b, c)."""
    source = (GENERIC_TESTS / f"{test}.sql").read_text()
    source = source.replace("{% test ", "{% macro ").replace("{% endtest %}", "{% endmacro %}")
    macro = getattr(Environment(autoescape=False).from_string(source).module, test)
    sql = macro(model=f"(values {rows}) as given (a, b, c)", **arguments)
    return quick_connection().execute(sql).fetchall()


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("(1, 'x', 0), (1, 'y', 0), (2, 'x', 0)", []),
        ("(1, 'x', 0), (1, 'x', 1)", [(1, "x", 2)]),
        ("(1, 'x', 0), (null, 'x', 0)", [(None, "x", 1)]),
    ],
)
def test_unique_combination(rows: str, found: list[tuple[Any, ...]]) -> None:
    assert failures("unique_combination", rows, columns=["a", "b"]) == found


def test_unique_combination_counts_a_missing_nullable_as_a_value() -> None:
    rows = "(1, null, 0), (2, null, 0), (2, null, 0)"
    assert failures("unique_combination", rows, columns=["a", "b"], nullable=["b"]) == [(2, None, 2)]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("(3.00, 1.50, 1.50), (null, 1.0, 1.0)", 0),
        ("(3.00, 1.50, 1.51)", 1),
    ],
)
def test_adds_up_to(rows: str, found: int) -> None:
    assert len(failures("adds_up_to", rows, total="a", parts=["b", "c"])) == found


@pytest.mark.parametrize(
    ("minimum", "maximum", "found"),
    [(None, None, []), (0, None, [(-1,)]), (None, 5, [(6,)]), (0, 5, [(-1,), (6,)]), (-1, 6, [])],
)
def test_accepted_range(minimum: int | None, maximum: int | None, found: list[tuple[int]]) -> None:
    rows = "(-1, 0, 0), (0, 0, 0), (5, 0, 0), (6, 0, 0), (null, 0, 0)"
    assert sorted(failures("accepted_range", rows, column_name="a", minimum=minimum, maximum=maximum)) == found
