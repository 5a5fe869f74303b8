"""Intervals are merged into the same ones in whatever order threads hand them on."""

from __future__ import annotations

import duckdb
from dbt.contracts.graph.manifest import Manifest
from jinja2 import Environment

from pipelines.dbt_manifest import parsed_project
from pipelines.settings import Settings

# so many that several threads sort them in parts
KEYS, TIMES = 20_000, 50


def merged_intervals(manifest: Manifest, relation: str, keys: str) -> str:
    macro = manifest.macros["macro.anchorwatch.merged_intervals"].macro_sql
    return Environment().from_string(f"{macro}{{{{ merged_intervals('{relation}', ['{keys}']) }}}}").render()


def test_equal_intervals_are_one(parsed_home: Settings) -> None:
    with duckdb.connect(config={"threads": 4}) as con:
        con.execute(
            "create table found as select n % ? as party, date '2026-01-01' + (n % 2)::integer as valid_from, "
            "date '2026-01-09' as valid_to from range(?) as rows(n) order by hash(n)",
            [KEYS, KEYS * TIMES],
        )
        merged = merged_intervals(parsed_project(parsed_home), "found", "party")
        assert con.execute(f"select count(*) from {merged} as merged").fetchone() == (KEYS,)


def test_intervals_that_touch_are_one_and_others_are_not(parsed_home: Settings) -> None:
    with duckdb.connect() as con:
        con.execute(
            "create table found as select 'P' as party, valid_from::date as valid_from, valid_to::date as valid_to "
            "from (values ('2026-01-01', '2026-01-05'), ('2026-01-05', '2026-01-07'), ('2026-01-02', '2026-01-03'), "
            "('2026-01-08', '2026-01-09'), ('2026-01-08', null)) as known(valid_from, valid_to)"
        )
        merged = merged_intervals(parsed_project(parsed_home), "found", "party")
        found = con.execute(f"select valid_from::varchar, valid_to::varchar from {merged} as m order by 1").fetchall()
    assert found == [("2026-01-01", "2026-01-07"), ("2026-01-08", None)]
