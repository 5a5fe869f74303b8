"""Warehouses small enough to build in seconds, built by dbt in this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from tiny_portfolio import Delivery, write_lake

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

    dbt writes the lake's path into the manifest, so each warehouse links that one path to its own lake.
    """

    folder: Path
    manifest: Manifest
    linked_lake: Path

    @property
    def path(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Write deliveries to the lake, beside what it holds."""
        write_lake(self.folder / "lake", deliveries)

    def dbt(self, *arguments: str, as_of: date, since: date | None = None) -> dict[str, str]:
        """Run dbt and return the status of each node by name; before a build, records are matched as in a night."""
        if arguments[0] == "build":
            match_night(Lake(self.folder / "lake"), as_of, since)
        self.linked_lake.unlink(missing_ok=True)
        self.linked_lake.symlink_to(self.folder / "lake")
        os.environ["ANCHORWATCH_WAREHOUSE"] = str(self.path)
        night = f"{{as_of_date: '{as_of}', since_date: '{since or ''}'}}"
        result = dbtRunner(manifest=self.manifest).invoke([*arguments, "--vars", night, "--quiet"])
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        if result.exception is not None:
            raise result.exception
        assert isinstance(result.result, RunExecutionResult)
        return {node.node.name: str(node.status) for node in result.result}

    def build(self, as_of: date, since: date | None = None, with_tests: bool = True) -> None:
        """Build one night, by default with its data tests; AssertionError names the nodes that did not pass."""
        excluded = [*EARLY_WARNING, "test_type:unit" if with_tests else "resource_type:test"]
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
            return {name: connection.execute(f"from {name} order by all").fetchall() for (name,) in names}

    def copy(self, folder: Path) -> Warehouse:
        """The same warehouse in another folder, to be broken there."""
        shutil.copytree(self.folder, folder)
        return Warehouse(folder, self.manifest, self.linked_lake)


class WarehouseFactory:
    """Makes empty warehouses that share one parsed manifest."""

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self._root = root
        self._manifest = manifest
        self._count = 0

    def empty(self) -> Warehouse:
        """A warehouse with an empty lake."""
        self._count += 1
        folder = self._root / f"warehouse_{self._count}"
        write_lake(folder / "lake", [])
        return Warehouse(folder, self._manifest, self._root / "lake")
