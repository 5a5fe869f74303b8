"""What tests of every area share: the parsed dbt project and a place for it."""

from __future__ import annotations

import fcntl
import gc
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from pipelines.cli import OBJECTS_BEFORE_COLLECTION
from pipelines.dbt_manifest import share_manifest
from pipelines.lake_datasets import prepare_lake
from pipelines.settings import Settings
from sources.lake import Lake

NEED_PARSED_PROJECT = (
    "tests/dbt/",
    "tests/conventions/test_dbt_manifest.py",
    "tests/pipelines/test_dbt_docs.py",
    "tests/pipelines/test_definitions.py",
    "tests/pipelines/test_freshness.py",
    "tests/pipelines/test_parse_cache.py",
)


class Scheduling(LoadScopeScheduling):
    """Tests of one file run on one worker, and so do all that need the parsed dbt project: parsing takes seconds."""

    def _split_scope(self, nodeid: str) -> str:
        return "parsed project" if nodeid.startswith(NEED_PARSED_PROJECT) else nodeid.partition("::")[0]


def pytest_configure() -> None:
    """Collect garbage as rarely as the command line does."""
    gc.set_threshold(*OBJECTS_BEFORE_COLLECTION)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole nights come first and dbt next: begun last, they keep one core busy while the other has nothing to do."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("night") is None,
            not item.nodeid.startswith(NEED_PARSED_PROJECT),
        )
    )


@pytest.fixture(scope="session")
def parse(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[Settings], None]:
    """Gives a home the parsed dbt project. The first worker that needs it parses, and the others wait for it."""
    own = tmp_path_factory.getbasetemp()
    first = Settings(home=(own if worker_id == "master" else own.parent) / "parsed")

    def give(home: Settings) -> None:
        first.root.mkdir(exist_ok=True)
        with (first.root / "parse.lock").open("a") as lock, pytest.MonkeyPatch.context() as patch:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name, value in first.environment().items():
                patch.setenv(name, value)
            share_manifest(first, home)

    return give


@pytest.fixture(scope="session")
def parsed_home(parse: Callable[[Settings], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """An empty home whose dbt project has been parsed.

    A home sets the environment of the process, from which dbt reads its settings; it ends with the session.
    """
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        for name in settings.environment():
            patch.delenv(name, raising=False)
        parse(settings)
        settings.prepare()
        prepare_lake(Lake(settings.lake))
        yield settings


@pytest.fixture(scope="session")
def dbt_manifest(parsed_home: Settings) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(parsed_home.manifest).read_text())
    return content
