"""Numbers that people tune: every rule that SQL reads is in the seed, once for each day."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

PROJECT = Path(__file__).parents[2] / "dbt_project"
SEED = PROJECT / "seeds/rule_parameter.csv"
READ = re.compile(r"rule_value\(\s*'(\w+)'|rule_id\s*=\s*'(\w+)'")


def rules_read() -> set[str]:
    """Rules that models, macros and tests name."""
    texts = [path.read_text() for folder in ("models", "macros", "tests") for path in (PROJECT / folder).rglob("*.sql")]
    return {first or second for text in texts for first, second in READ.findall(text)}


def test_every_rule_that_is_read_is_in_the_seed() -> None:
    seeded = {rule for (rule,) in duckdb.execute(f"select rule_id from read_csv('{SEED}')").fetchall()}
    assert rules_read()
    assert rules_read() - seeded == set()


def test_a_rule_has_one_value_a_day() -> None:
    overlaps = duckdb.execute(
        f"""
        with rules as (select *, row_number() over () as line from read_csv('{SEED}', types={{'valid_to': 'DATE'}}))
        select a.rule_id, a.valid_from, b.valid_from from rules as a
        join rules as b on a.rule_id = b.rule_id and a.line < b.line
            and a.valid_from < coalesce(b.valid_to, date '9999-12-31')
            and b.valid_from < coalesce(a.valid_to, date '9999-12-31')
        """
    ).fetchall()
    assert overlaps == []
