"""Numbers that people tune: every rule that SQL reads is in the seed, once for each scope and day."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from sources.contract import Column, load_contracts

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


def column_of(feed: str, name: str) -> Column:
    """A column of a feed's contract."""
    (column,) = (column for column in load_contracts()[feed].columns if column.name == name)
    return column


@pytest.mark.parametrize(
    ("rule", "others"),
    [("advance_ratio", {"PAYABLE"}), ("core_enterprise_lgd_ratio", set()), ("performance_lgd_ratio", set())],
)
def test_a_rule_by_instrument_knows_every_instrument(rule: str, others: set[str]) -> None:
    scopes = {
        scope
        for (scope,) in duckdb.execute(
            f"select scope from read_csv('{SEED}', types={{'valid_to': 'DATE'}}) "
            "where rule_id = ? and valid_to is null",
            [rule],
        ).fetchall()
    }
    assert scopes == {*column_of("platform.certificate", "instrument_type").allowed_values} | others


def test_every_rating_has_a_probability_and_a_worse_one_no_lower() -> None:
    """A notch without one would count as unrated, and be better off than the notches before it."""
    notch = column_of("external.agency_rating", "rating_notch")
    curve = duckdb.execute(
        f"select rating_notch, pd_12m from read_csv('{PROJECT}/seeds/rating_pd.csv', types={{'valid_to': 'DATE'}}) "
        "where valid_to is null order by 1"
    ).fetchall()
    assert notch.minimum is not None
    assert notch.maximum is not None
    assert [number for number, _ in curve] == list(range(int(notch.minimum), int(notch.maximum) + 1))
    assert [pd for _, pd in curve] == sorted(pd for _, pd in curve)


def test_every_rule_of_the_seed_is_read() -> None:
    """A number that nothing reads would be tuned in vain. Names put together by Jinja are looked for as text."""
    texts = [path.read_text() for folder in ("models", "macros", "tests") for path in (PROJECT / folder).rglob("*.sql")]
    texts.append((PROJECT.parent / "pipelines" / "rules.py").read_text())
    seeded = {rule for (rule,) in duckdb.execute(f"select rule_id from read_csv('{SEED}')").fetchall()}
    assert {rule for rule in seeded if not any(rule.removeprefix("identity_") in text for text in texts)} == set()
