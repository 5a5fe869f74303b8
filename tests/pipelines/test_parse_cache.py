from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines import settings as settings_module
from pipelines.dbt_manifest import _forget_another_checkout, parsed_project, project_digest, share_manifest
from pipelines.settings import Settings


def test_a_checkout_that_moved_is_parsed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt keeps the folder of the seeds with what it parsed, and would look for them where the project was."""
    home = Settings(home=tmp_path / "home")
    home.dbt_target.mkdir(parents=True)
    kept, digests = home.dbt_target / "partial_parse.msgpack", set()
    for place, stands_after in (("one", False), ("one", True), ("two", False)):
        monkeypatch.setattr(settings_module, "CHECKOUT", tmp_path / place)
        home.dbt_project.mkdir(parents=True, exist_ok=True)
        (home.dbt_project / "model.sql").write_text("select 1")
        digests.add(project_digest(home))
        kept.write_bytes(b"parsed")
        _forget_another_checkout(home)
        assert kept.exists() is stands_after
    assert len(digests) == 2


def test_a_home_that_moved_is_not_parsed_anew(
    parsed_home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that dbt keeps of a parse names the home: neither the warehouse nor the lake its sources lie in."""
    moved = Settings(home=tmp_path / "moved")
    share_manifest(parsed_home, moved)
    before = moved.manifest.read_bytes()
    # as in a new process
    monkeypatch.setattr("pipelines.dbt_manifest._PARSED", {})
    for name, value in moved.environment().items():
        monkeypatch.setenv(name, value)
    project = parsed_project(moved)
    assert project.nodes
    assert json.loads((moved.dbt_target / "perf_info.json").read_text())["parsed_path_count"] == 0
    assert moved.manifest.read_bytes() == before
    assert str(parsed_home.root).encode() not in before
