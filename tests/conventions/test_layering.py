"""The house: who may import whom, where things may lie, how big they may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sources", "ml", "pipelines")
FORBIDDEN = {
    "sources": {"dagster", "dagster_dbt", "dbt", "ml", "pipelines"},
    "ml": {"dagster", "dagster_dbt", "dbt", "sources", "pipelines"},
}


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"{package} has no modules"
    return found


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("wing", sorted(FORBIDDEN))
def test_a_wing_knows_neither_the_floor_above_nor_the_other_wing(wing: str) -> None:
    wrong = {str(p.relative_to(ROOT)): bad for p in modules(wing) if (bad := FORBIDDEN[wing] & set(imported(p)))}
    assert wrong == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_for_leftovers(package: str) -> None:
    assert [p.name for p in modules(package) if p.stem in {"utils", "helpers", "common", "misc"}] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_stay_readable(package: str) -> None:
    assert {p.name: n for p in modules(package) if (n := len(p.read_text().splitlines())) > 400} == {}


def test_what_there_is_fits_a_page() -> None:
    assert len((ROOT / "pipelines" / "build.py").read_text().splitlines()) <= 60
    assert len((ROOT / "dbt_project" / "dbt_project.yml").read_text().splitlines()) <= 40


def test_only_evaluation_reads_the_truth() -> None:
    readers = {
        str(p.relative_to(ROOT))
        for package in ("ml", "pipelines")
        for p in modules(package)
        if "truth" in {part for node in ast.walk(ast.parse(p.read_text())) for part in string_parts(node)}
    }
    assert readers <= {"pipelines/evaluate.py", "pipelines/evaluate_schemes.py"}


def string_parts(node: ast.AST) -> set[str]:
    """Path-like parts of the string constants in code."""
    return set(node.value.split("/")) if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_the_lock_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock
