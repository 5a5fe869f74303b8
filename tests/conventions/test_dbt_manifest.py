"""Conventions of the dbt project, read from its manifest: documented, contracted, owned, keyed, layered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dagster_dbt.asset_utils import get_asset_check_key_for_test

from pipelines.mask import personal_columns

PROJECT = Path(__file__).parents[2] / "dbt_project"
LONGEST_LINE = 120
READ_BY_OUTSIDERS = {"core", "receivable", "exposure", "risk", "monitoring", "features"}
MARTS = {"core", "receivable", "exposure", "risk", "monitoring"}


@pytest.fixture(scope="session")
def models(dbt_manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: node for name, node in dbt_manifest["nodes"].items() if node["resource_type"] == "model"}


@pytest.fixture(scope="session")
def marts(models: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {name: node for name, node in models.items() if node["schema"] in READ_BY_OUTSIDERS}
    assert len(found) > 15
    return found


def test_every_model_says_its_grain_first(models: dict[str, dict[str, Any]]) -> None:
    assert [
        n for n, m in models.items() if not m["description"].startswith(("Grain: one row per", "Grain: one row for"))
    ] == []


def test_outsiders_get_contracts_and_owners(marts: dict[str, dict[str, Any]]) -> None:
    assert [n for n, m in marts.items() if not m["config"]["contract"]["enforced"]] == []
    assert [n for n, m in marts.items() if not m["config"].get("group")] == []


def test_outsiders_find_every_column_described(marts: dict[str, dict[str, Any]]) -> None:
    bare = [f"{n}.{c['name']}" for n, m in marts.items() for c in m["columns"].values() if not c["description"].strip()]
    assert bare == []


def test_every_mart_has_a_tested_key(marts: dict[str, dict[str, Any]], dbt_manifest: dict[str, Any]) -> None:
    keyed = {
        test["attached_node"]
        for test in dbt_manifest["nodes"].values()
        if test["resource_type"] == "test"
        and (test.get("test_metadata") or {}).get("name") in {"unique", "unique_combination"}
    }
    assert sorted(set(marts) - keyed) == []


def test_every_mart_has_a_reader_and_readers_read_marts_alone(
    models: dict[str, dict[str, Any]], dbt_manifest: dict[str, Any]
) -> None:
    read = {parent for reader in dbt_manifest["exposures"].values() for parent in reader["depends_on"]["nodes"]}
    # an earlier version of a model is kept for those who have not followed yet
    latest = {
        name
        for name, node in models.items()
        if node["schema"] in MARTS and node.get("version") == node.get("latest_version")
    }
    assert sorted(read ^ latest) == []


def test_marts_never_read_staging(marts: dict[str, dict[str, Any]], dbt_manifest: dict[str, Any]) -> None:
    wrong = [
        f"{name} reads {parent}"
        for name in marts
        for parent in dbt_manifest["parent_map"][name]
        if ".stg_" in parent and "stg_lake__" not in parent
    ]
    assert wrong == []


def test_only_staging_reads_sources(models: dict[str, dict[str, Any]], dbt_manifest: dict[str, Any]) -> None:
    wrong = [
        name
        for name, model in models.items()
        if model["schema"] != "staging"
        and any(p.startswith("source.") and ".lake." not in p for p in dbt_manifest["parent_map"][name])
    ]
    assert wrong == []


def test_personal_columns_of_marts_can_be_masked_and_say_so(marts: dict[str, dict[str, Any]]) -> None:
    personal = personal_columns()
    found = [c for m in marts.values() for name, c in m["columns"].items() if name in personal]
    assert found
    assert [c for c in found if c["data_type"] != "varchar" or "token" not in c["description"]] == []


def test_amounts_stand_beside_a_currency(marts: dict[str, dict[str, Any]]) -> None:
    alone = [
        name
        for name, model in marts.items()
        if any(c.endswith("_amount") for c in model["columns"])
        and not any(c == "currency" or c.endswith("_currency") for c in model["columns"])
    ]
    assert alone == []


def test_amounts_are_exact(marts: dict[str, dict[str, Any]]) -> None:
    inexact = [
        f"{name}.{column['name']} {column['data_type']}"
        for name, model in marts.items()
        for column in model["columns"].values()
        if column["name"].endswith("_amount") and not str(column["data_type"]).lower().startswith("decimal")
    ]
    assert inexact == []


def test_every_test_is_a_check_on_an_asset_of_its_pass(dbt_manifest: dict[str, Any]) -> None:
    """A test that reads several models names the one whose promise it is: `meta.dagster.ref` (see dagster-dbt)."""
    from pipelines.assets.warehouse import Translator

    nodes = dbt_manifest["nodes"]
    after_scoring = {name for name, node in nodes.items() if "after_scoring" in node["tags"]}
    tests = {name: node for name, node in nodes.items() if node["resource_type"] == "test"}
    assert tests
    model_of = {n["alias"]: name for name, n in nodes.items() if n["resource_type"] in {"model", "seed"}}
    stray = []
    for name, test in tests.items():
        key = get_asset_check_key_for_test(dbt_manifest, Translator(), name, None)
        runs_after_scoring = not after_scoring.isdisjoint([name, *dbt_manifest["parent_map"][name]])
        if key is None:
            stray.append(f"{test['name']} is on no asset")
        elif (model_of[key.asset_key.path[-1]] in after_scoring) is not runs_after_scoring:
            stray.append(f"{test['name']} does not run in the pass of {key.asset_key.to_user_string()}")
    assert stray == []


def test_no_line_of_sql_is_too_long() -> None:
    """As written: sqlfluff measures lines too, but only after it has rendered and parsed them."""
    too_long = [
        f"{path.relative_to(PROJECT)}:{number}"
        for folder in ("models", "macros", "tests")
        for path in sorted((PROJECT / folder).rglob("*.sql"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(line) > LONGEST_LINE
    ]
    assert too_long == []
