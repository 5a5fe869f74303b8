"""What tests of every area share: the parsed dbt project and a place for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.dbt_manifest import ensure_manifest
from pipelines.lake_datasets import prepare_lake
from pipelines.settings import Settings
from sources.lake import Lake


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole nights come first: begun last, they keep one core busy while the other has nothing left to do."""
    items.sort(key=lambda item: item.get_closest_marker("night") is None)


@pytest.fixture(scope="session")
def parsed_home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An empty home whose dbt project has been parsed."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    settings.prepare()
    prepare_lake(Lake(settings.lake))
    ensure_manifest(settings)
    return settings


@pytest.fixture(scope="session")
def dbt_manifest(parsed_home: Settings) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(parsed_home.manifest).read_text())
    return content
