"""Groups of tied parties: what no join of their rounds may become, whatever the engine expects of the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
from dbt.contracts.graph.manifest import Manifest
from jinja2 import Environment

from pipelines.dbt_manifest import parsed_project
from pipelines.settings import Settings


def groups_of_ties(manifest: Manifest, rounds: int) -> str:
    macros = "".join(manifest.macros[f"macro.anchorwatch.{name}"].macro_sql for name in ("groups_of_ties", "same_keys"))
    called = f"{{{{ groups_of_ties('', 'ties', ['as_of_date'], {rounds}) }}}}"
    return f"with {Environment().from_string(macros + called).render()} select * from group_{rounds}"


def joins(tree: Any) -> Iterator[dict[str, Any]]:
    """All joins of a statement as the engine parses it."""
    if isinstance(tree, dict):
        if tree.get("type") == "JOIN":
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from joins(part)


def columns(tree: Any) -> Iterator[str]:
    """Names of the columns in a condition."""
    if isinstance(tree, dict):
        if "column_names" in tree:
            yield tree["column_names"][-1]
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from columns(part)


def test_parties_of_a_group_have_its_smallest_name(parsed_home: Settings) -> None:
    with duckdb.connect() as con:
        con.execute(
            "create table ties as select date '2026-01-01' as as_of_date, party_id, neighbour_party_id from "
            "(values ('A', 'C'), ('C', 'A'), ('C', 'B'), ('B', 'C'), ('E', 'D'), ('D', 'E')) "
            "as tied(party_id, neighbour_party_id)"
        )
        query = groups_of_ties(parsed_project(parsed_home), 3)
        found = con.execute(f"select party_id, group_party_id from ({query}) order by party_id").fetchall()
    assert found == [("A", "A"), ("B", "A"), ("C", "A"), ("D", "D"), ("E", "D")]


def test_every_join_is_of_two_tables(parsed_home: Settings) -> None:
    """Of three, the engine may join the two that share nothing but the date: all parties with each other."""
    query = groups_of_ties(parsed_project(parsed_home), 2)
    with duckdb.connect() as con:
        [(tree,)] = con.execute("select json_serialize_sql(?)", [query]).fetchall()
    found = list(joins(json.loads(tree)))
    assert len(found) == 10
    for join in found:
        assert {join[side]["type"] for side in ("left", "right")} == {"BASE_TABLE"}
        assert any(name.endswith("party_id") for name in columns(join["condition"]))
