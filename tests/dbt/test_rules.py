"""Numbers that people tune: every rule that SQL reads is in the seed, once for each scope and day."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

PROJECT = Path(__file__).parents[2] / "dbt_project"
SEED = PROJECT / "seeds/rule_parameter.csv"
READ = re.compile(r"rule_value\(\s*'(\w+)'|rule_in_force\('\w+', '(\w+)'|rule_id\s*=\s*'(\w+)'")


def rules_read() -> set[str]:
    """Rules that models, macros and tests name."""
    texts = [path.read_text() for folder in ("models", "macros", "tests") for path in (PROJECT / folder).rglob("*.sql")]
    return {rule for text in texts for names in READ.findall(text) for rule in names if rule}


def test_every_rule_that_is_read_is_in_the_seed() -> None:
    seeded = {rule for (rule,) in duckdb.execute(f"select rule_id from read_csv('{SEED}')").fetchall()}
    assert rules_read()
    assert rules_read() - seeded == set()


def test_a_rule_has_one_value_a_scope_and_day() -> None:
    overlaps = duckdb.execute(
        f"""
        with rules as (select *, row_number() over () as line from read_csv('{SEED}', types={{'valid_to': 'DATE'}}))
        select a.rule_id, a.scope, a.valid_from, b.valid_from from rules as a
        join rules as b on a.rule_id = b.rule_id and a.scope = b.scope and a.line < b.line
            and a.valid_from < coalesce(b.valid_to, date '9999-12-31')
            and b.valid_from < coalesce(a.valid_to, date '9999-12-31')
        """
    ).fetchall()
    assert overlaps == []


def test_every_rule_of_the_seed_is_read() -> None:
    """A number that nothing reads would be tuned in vain. Names put together by Jinja are looked for as text."""
    texts = [path.read_text() for folder in ("models", "macros", "tests") for path in (PROJECT / folder).rglob("*.sql")]
    seeded = {rule for (rule,) in duckdb.execute(f"select rule_id from read_csv('{SEED}')").fetchall()}
    assert {rule for rule in seeded if not any(rule.removeprefix("identity_") in text for text in texts)} == set()
