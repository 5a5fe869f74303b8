"""Warehouses small enough to build in seconds: by what dbt executed once, or by dbt itself in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.results import NodeResult
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import EventMsg
from recorded_build import Recording, record
from tiny_portfolio import DELIVERIES, NIGHTS, Delivery, write_lake

from pipelines.settings import Settings
from sources.identity.match import match_night
from sources.lake import Lake

# of which every table can be compared
SCHEMAS = ("staging", "intermediate", "core", "receivable", "exposure", "monitoring")
# made and tested on their own: they need a feature registry and scores
EARLY_WARNING = ("models/features/", "models/intermediate/features/", "models/intermediate/risk/", "models/marts/risk/")


@dataclass(frozen=True)
class Project:
    """The dbt project, parsed once for all warehouses, and what dbt executes to build one."""

    settings: Settings
    manifest: Manifest
    recording: Recording

    @property
    def all_models(self) -> frozenset[str]:
        """Ids of all models."""
        return frozenset(node for node in self.manifest.nodes if node.startswith("model."))

    @property
    def models_before_scoring(self) -> frozenset[str]:
        """Ids of all models but those of the early warning."""
        return frozenset(
            node.unique_id
            for node in self.manifest.nodes.values()
            if node.resource_type == "model"
            and not node.original_file_path.startswith(EARLY_WARNING)
            and "after_scoring" not in node.tags
        )

    def models(self, *names: str) -> frozenset[str]:
        """Ids of models by name, all versions."""
        nodes = [node for node in self.manifest.nodes.values() if node.resource_type == "model" and node.name in names]
        assert {node.name for node in nodes} == set(names)
        return frozenset(node.unique_id for node in nodes)

    @property
    def models_after_scoring(self) -> frozenset[str]:
        """Ids of the models that wait for a night's scores."""
        return frozenset(
            node.unique_id
            for node in self.manifest.nodes.values()
            if node.resource_type == "model" and "after_scoring" in node.tags
        )

    @property
    def seeds(self) -> frozenset[str]:
        """Ids of the tables of rules."""
        return frozenset(node for node in self.manifest.nodes if node.startswith("seed."))

    def with_upstream(self, models: Collection[str]) -> frozenset[str]:
        """Ids of models with all they are made of."""
        found, waiting = set[str](), list(models)
        while waiting:
            node = waiting.pop()
            if node.startswith("model.") and node not in found:
                found.add(node)
                waiting += self.manifest.nodes[node].depends_on_nodes
        return frozenset(found)

    def tests_of(self, models: Collection[str]) -> frozenset[str]:
        """Ids of the data tests that need no other models."""
        return frozenset(
            node.unique_id
            for node in self.manifest.nodes.values()
            if node.resource_type == "test"
            and all(parent in models or not parent.startswith("model.") for parent in node.depends_on_nodes)
        )


@dataclass(frozen=True)
class Warehouse:
    """A lake and a DuckDB file of their own."""

    folder: Path
    project: Project

    @property
    def path(self) -> Path:
        """The DuckDB file; its name is the catalog that the parsed project names."""
        return self.folder / self.project.settings.working_warehouse.name

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Write deliveries to the lake, beside what it holds."""
        write_lake(self.folder / "lake", deliveries)

    def build(
        self,
        as_of: date,
        since: date | None = None,
        models: Collection[str] | None = None,
        with_tests: bool = True,
    ) -> None:
        """Make one night as dbt would, records matched as in a night, and hold its data tests against it.

        Args:
            as_of: The night.
            since: The night that it continues; without it everything is made anew.
            models: Ids of the models to make; all but the early warning's by default.
            with_tests: Whether to run the tests that need no other models.

        Raises:
            AssertionError: names the tests that found rows.
        """
        chosen = self.project.models_before_scoring if models is None else models
        match_night(Lake(self.folder / "lake"), as_of, since)
        if since is None:
            self.path.unlink(missing_ok=True)
        nodes = chosen if since else {*self.project.seeds, *chosen}
        self.project.recording.build(self.path, self.folder / "lake", nodes, as_of, since)
        if with_tests:
            failing = self.failing(chosen, as_of, since)
            assert not failing, failing

    def add(self, models: Collection[str], as_of: date) -> None:
        """Make models that are not there yet, from those that are."""
        self.project.recording.build(self.path, self.folder / "lake", models, as_of)

    def failing(self, models: Collection[str], as_of: date, since: date | None = None) -> dict[str, int]:
        """The data tests that find rows, and how many; of those that need no other models."""
        found = self.project.recording.found_by(self.path, self.project.tests_of(models), as_of, since)
        return {self.project.manifest.nodes[test].name: rows for test, rows in found.items() if rows}

    def test(self, name: str, as_of: date) -> str:
        """What a data test says: ``pass``, ``warn`` or ``fail``."""
        [node] = [n for n in self.project.manifest.nodes.values() if n.resource_type == "test" and n.name == name]
        found = self.project.recording.found_by(self.path, {node.unique_id}, as_of)
        return {True: "pass", False: {"ERROR": "fail", "WARN": "warn"}[node.config.severity.upper()]}[
            found == {node.unique_id: 0}
        ]

    def dbt(self, *arguments: str, as_of: date, since: date | None = None) -> dict[str, str]:
        """Run dbt and return the status of each node by name."""
        results = run_dbt(self.project.settings, self.project.manifest, self.folder, arguments, as_of, since)
        return {result.node.name: str(result.status) for result in results}

    def dbt_build(self, as_of: date, since: date | None = None, with_tests: bool = True) -> None:
        """Build one night by dbt itself; AssertionError names the nodes that did not pass."""
        match_night(Lake(self.folder / "lake"), as_of, since)
        early_warning = [f"path:{folder.rstrip('/')}" for folder in (*EARLY_WARNING, "tests/risk")]
        excluded = [*early_warning, "tag:after_scoring", "test_type:unit"]
        excluded += [] if with_tests else ["resource_type:test"]
        refresh = [] if since else ["--full-refresh"]
        statuses = self.dbt("build", "--exclude", *excluded, *refresh, as_of=as_of, since=since)
        failed = {name: status for name, status in statuses.items() if status not in ("success", "pass")}
        assert not failed, failed

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        """Change the warehouse by hand."""
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(sql)

    def tables(self, schemas: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
        """Rows of every table of the schemas, sorted, without clocks of the run."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            names = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                f"where table_schema in ({', '.join(repr(schema) for schema in schemas)}) order by 1"
            ).fetchall()
            # staging takes a new column of its feed at the end, so its columns are read by name
            return {
                name: connection.execute(
                    f"select {self._columns(connection, name)} from {name} order by all"
                ).fetchall()
                for (name,) in names
            }

    @staticmethod
    def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
        names = [name for name, *_ in connection.execute(f"describe {table}").fetchall()]
        return ", ".join(sorted(names) if table.startswith("staging.") else names)

    def copy(self, folder: Path) -> Warehouse:
        """The same warehouse in another folder, to be broken there."""
        shutil.copytree(self.folder, folder)
        return Warehouse(folder, self.project)


def run_dbt(
    settings: Settings,
    manifest: Manifest,
    folder: Path,
    arguments: Sequence[str],
    as_of: date,
    since: date | None,
    receive: Callable[[EventMsg], None] | None = None,
) -> list[NodeResult]:
    """Run dbt on the warehouse and lake of a folder; returns the results of nodes."""
    night = f"{{as_of_date: '{as_of}', since_date: '{since or ''}'}}"
    # what dbt writes of a run beside its results costs more than a small model
    quiet = ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    with in_place(settings, folder):
        result = dbtRunner(manifest=manifest, callbacks=[receive] if receive else []).invoke(
            [*arguments, "--project-dir", str(settings.dbt_project), "--vars", night, *quiet]
        )
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if result.exception is not None:
        raise result.exception
    assert isinstance(result.result, RunExecutionResult)
    # a build names the readers of the marts (exposures) too, with nothing to run
    return [node for node in result.result if node.node.resource_type != "exposure"]


@contextmanager
def in_place(settings: Settings, folder: Path) -> Iterator[None]:
    """The warehouse and lake of a folder as those of the home whose project was parsed."""
    own = {
        "ANCHORWATCH_LAKE": str(folder / "lake"),
        "ANCHORWATCH_WAREHOUSE": str(folder / settings.working_warehouse.name),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**settings.environment(), **own}.items():
            patch.setenv(name, value)
        yield


def comparable(tables: dict[str, list[tuple[Any, ...]]], dates: Collection[date]) -> dict[str, list[tuple[Any, ...]]]:
    """What tables that came night by night share with a full build.

    A full build has the dates alone, its night and month-ends, in daily tables, and touches everything.
    """
    return {
        name: [row for row in rows if row[0] in dates] if name.endswith("_daily") else rows
        for name, rows in tables.items()
        if not name.startswith("intermediate.int_touched_")
    }


class WarehouseFactory:
    """Makes empty warehouses of one project, and one night by night with dbt itself.

    ``by_dbt`` has the tables of the tiny portfolio after each of three nights; one passed without a run.
    """

    def __init__(self, root: Path, parsed: Settings, manifest: Manifest) -> None:
        self._root = root
        self._count = 0
        self.by_dbt: dict[date, dict[str, list[tuple[Any, ...]]]] = {}
        nights = (NIGHTS[1], NIGHTS[2], NIGHTS[4])
        project = Project(parsed, manifest, Recording((), (), ()))
        warehouse = Warehouse(self._empty_folder(), project)
        # the portfolio has no scores, so what scores promise does not hold
        unscored = {n.unique_id for n in manifest.nodes.values() if n.resource_type == "test"}
        unscored -= project.tests_of(project.models_before_scoring)

        def before(night: date) -> None:
            warehouse.deliver([delivery for delivery in DELIVERIES if delivery.batch_date <= night])
            match_night(Lake(warehouse.folder / "lake"), night, max(self.by_dbt, default=None))

        def run(arguments: Sequence[str], as_of: date, since: date | None, receive: Callable[[EventMsg], None]) -> None:
            results = run_dbt(parsed, manifest, warehouse.folder, arguments, as_of, since, receive)
            bad = {result.node.unique_id for result in results if str(result.status) not in ("success", "pass")}
            assert bad <= unscored, bad - unscored

        def after(night: date) -> None:
            nodes = [manifest.nodes[name] for name in project.models_before_scoring | project.seeds]
            made = {f"{node.schema}.{node.alias}" for node in nodes}
            self.by_dbt[night] = {name: rows for name, rows in warehouse.tables(SCHEMAS).items() if name in made}

        self.project = Project(parsed, manifest, record(run, nights, before, after))

    def empty(self) -> Warehouse:
        """A warehouse with an empty lake."""
        return Warehouse(self._empty_folder(), self.project)

    def _empty_folder(self) -> Path:
        self._count += 1
        folder = self._root / f"warehouse_{self._count}"
        write_lake(folder / "lake", [])
        return folder
