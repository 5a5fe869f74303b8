"""Warehouses small enough to build in seconds, built by dbt in this process."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from tiny_portfolio import Delivery, write_lake

from pipelines.settings import Settings
from sources.identity.match import match_night
from sources.lake import Lake

# built and tested on their own: they need a feature registry and scores
EARLY_WARNING = [
    "path:models/features",
    "path:models/intermediate/features",
    "path:models/intermediate/risk",
    "path:models/marts/risk",
    "path:tests/risk",
    "tag:after_scoring",
]


@dataclass(frozen=True)
class Warehouse:
    """A lake and a DuckDB file of their own, and the dbt project parsed once for all of them.

    dbt writes the lake's path into the manifest, so a run links that one path to the warehouse's own lake.
    """

    folder: Path
    parsed: Settings
    manifest: Manifest

    @property
    def path(self) -> Path:
        """The DuckDB file; its name is the catalog that the parsed project names."""
        return self.folder / self.parsed.working_warehouse.name

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Write deliveries to the lake, beside what it holds."""
        write_lake(self.folder / "lake", deliveries)

    def dbt(self, *arguments: str, as_of: date, since: date | None = None) -> dict[str, str]:
        """Run dbt and return the status of each node by name; before a build, records are matched as in a night."""
        if arguments[0] == "build":
            match_night(Lake(self.folder / "lake"), as_of, since)
        night = f"{{as_of_date: '{as_of}', since_date: '{since or ''}'}}"
        # what dbt writes of a run beside its results costs more than a small model
        quiet = ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
        with self._in_place():
            result = dbtRunner(manifest=self.manifest).invoke(
                [*arguments, "--project-dir", str(self.parsed.dbt_project), "--vars", night, *quiet]
            )
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        if result.exception is not None:
            raise result.exception
        assert isinstance(result.result, RunExecutionResult)
        # a build names the readers of the marts (exposures) too, with nothing to run
        nodes = [node for node in result.result if node.node.resource_type != "exposure"]
        return {node.node.name: str(node.status) for node in nodes}

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """This warehouse and its lake where the parsed project expects them."""
        link, before = self.parsed.lake, self.parsed.lake.readlink()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.parsed.environment(), "ANCHORWATCH_WAREHOUSE": str(self.path)}.items():
                patch.setenv(name, value)
            link.unlink()
            link.symlink_to(self.folder / "lake")
            try:
                yield
            finally:
                link.unlink()
                link.symlink_to(before)

    def build(self, as_of: date, since: date | None = None, with_tests: bool = True) -> None:
        """Build one night, by default with its data tests; AssertionError names the nodes that did not pass."""
        excluded = [*EARLY_WARNING, "test_type:unit", *(() if with_tests else ("resource_type:test",))]
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
        return Warehouse(folder, self.parsed, self.manifest)


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
    """Makes empty warehouses that share one parsed manifest."""

    def __init__(self, root: Path, parsed: Settings, manifest: Manifest) -> None:
        self._root = root
        self._parsed = parsed
        self._manifest = manifest
        self._count = 0

    def empty(self) -> Warehouse:
        """A warehouse with an empty lake."""
        self._count += 1
        folder = self._root / f"warehouse_{self._count}"
        write_lake(folder / "lake", [])
        return Warehouse(folder, self._parsed, self._manifest)
