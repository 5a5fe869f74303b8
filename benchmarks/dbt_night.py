"""What dbt adds to its SQL: both passes of a night, beside the same statements run straight through DuckDB.

    .venv/bin/python benchmarks/dbt_night.py [--scale 1] [--home DIR] [--slowest 15]

In a home (a temporary one unless named) the night after the last finished one is run once, so that the lake has all
that its warehouse reads. Then dbt builds that night again on a copy of the warehouse as it was before, and what it sent
to the engine for its models, hooks, seeds and data tests runs on another copy: in an order that the lineage allows, by
as many threads as dbt had, with the engine's settings of the profile. What dbt asks the engine for its own sake
(transactions, columns of contracts, catalogue) is counted, and is not part of the limit.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt_common.events.base_types import EventMsg
from dbt_common.events.functions import reset_metadata_vars
from night import timed

from pipelines.dbt_manifest import parsed_project
from pipelines.night import last_finished_night
from pipelines.settings import Settings

PASSES = (("--exclude", "tag:after_scoring"), ("--select", "tag:after_scoring"))
WORK = re.compile(
    r"create\s+(or\s+replace\s+)?(temporary\s+)?table\b|insert\s+into|delete\s+from|truncate|copy\s|.*dbt_internal_test",
    re.DOTALL,
)
COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.S)


@dataclass(frozen=True)
class Statement:
    """What dbt sent to the engine for a node, and the seconds that the engine took."""

    node: str
    sql: str
    seconds: float

    @property
    def bare(self) -> str:
        """The SQL without comments at its beginning."""
        sql = self.sql.strip()
        while found := COMMENT.match(sql):
            sql = sql[found.end() :].strip()
        return sql

    @property
    def kind(self) -> str:
        """`work`, or what dbt wanted to know or to set right."""
        head = " ".join(self.bare.lower().split())[:2000]
        if "table ours except" in head:
            return "columns of contracts"
        if WORK.match(head):
            return "work"
        if "information_schema" in head or "describe" in head or "duckdb_" in head:
            return "catalogue"
        return " ".join(head.split()[:2])


@dataclass(frozen=True)
class DbtPass:
    """Wall and CPU seconds of a pass, the seconds of its nodes as dbt has them, and its statements."""

    seconds: float
    cpu: float
    nodes: Mapping[str, float]
    statements: Sequence[Statement]


def dbt_pass(settings: Settings, warehouse: Path, selection: Iterable[str]) -> DbtPass:
    """One `dbt build` as a night runs it, listened to."""
    asked: dict[str, str] = {}
    statements: list[Statement] = []

    def listen(event: EventMsg) -> None:
        if event.info.name == "SQLQuery":
            asked[event.info.thread] = event.data.sql
        elif event.info.name == "SQLQueryStatus":
            node = event.data.node_info.unique_id
            statements.append(Statement(node, asked.pop(event.info.thread), event.data.elapsed))

    project = parsed_project(settings)
    os.environ["ANCHORWATCH_WAREHOUSE"] = str(warehouse)
    reset_metadata_vars()
    target = warehouse.parent / "target"
    started, started_cpu = time.perf_counter(), time.process_time()
    outcome = dbtRunner(manifest=project, callbacks=[listen]).invoke(
        [
            *("build", "--exclude-resource-type", "unit_test", *selection),
            *("--project-dir", str(settings.dbt_project), "--target-path", str(target), "--log-path", str(target)),
            *("--log-level", "none", "--log-level-file", "info", "--no-use-colors-file"),
        ]
    )
    seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not outcome.success:
        raise SystemExit(f"dbt did not build the night; see {target / 'dbt.log'}: {outcome.exception}")
    return DbtPass(seconds, cpu, {r.node.unique_id: r.execution_time for r in outcome.result}, statements)


def in_order(
    nodes: Iterable[str], parents: Mapping[str, Iterable[str]], threads: int, run: Callable[[str], None]
) -> None:
    """Run every node after its parents, by so many threads."""
    wanted = set(nodes)
    order = TopologicalSorter({node: wanted.intersection(parents.get(node, ())) for node in wanted})
    order.prepare()
    with ThreadPoolExecutor(threads) as pool:
        running: dict[Future[None], str] = {}
        while order.is_active():
            running |= {pool.submit(run, node): node for node in order.get_ready()}
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                ended.result()
                order.done(running.pop(ended))


def straight(settings: Settings, warehouse: Path, statements: Iterable[Statement]) -> DbtPass:
    """The statements that do work, without dbt."""
    manifest = parsed_project(settings)
    profile = yaml.safe_load((settings.dbt_project / "profiles.yml").read_text())["anchorwatch"]["outputs"]["duckdb"]
    work: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        # dbt abridges what it says of a seed; the copy has the rows of the last night
        if statement.kind == "work" and not statement.node.startswith("seed."):
            work[statement.node].append(statement)
    spent: dict[str, float] = {}
    with duckdb.connect(str(warehouse)) as connection:
        options = {**profile["config_options"], **profile["settings"], "file_search_path": settings.lake}
        for name, value in options.items():
            connection.execute(f"set global {name} = '{value}'")

        def run(node: str) -> None:
            started = time.perf_counter()
            with connection.cursor() as cursor:
                for statement in work[node]:
                    cursor.execute(statement.bare).fetchall()
            spent[node] = time.perf_counter() - started

        started, started_cpu = time.perf_counter(), time.process_time()
        in_order(work, manifest.parent_map, profile["threads"], run)
        seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    return DbtPass(seconds, cpu, spent, [])


def next_night(home: Path, scale: str, folder: Path) -> dict[str, Any]:
    """Run the home's next night, and keep its warehouse of before; returns the night's settings."""
    settings = Settings(home=home)
    if not settings.warehouse.exists():
        timed(home, "simulate", "--scale", scale)
        timed(home, "nightly", "--train")
    last = last_finished_night(settings.warehouse)
    if last is None:
        raise SystemExit("The first night left no warehouse.")
    shutil.copyfile(settings.warehouse, folder / "before.duckdb")
    tomorrow = (last + timedelta(days=1)).isoformat()
    timed(home, "simulate", "--until", tomorrow)
    timed(home, "nightly", "--as-of", tomorrow)
    return {"as_of_date": tomorrow, "since_date": last.isoformat(), "code_version": "benchmark"}


def report(passes: Sequence[DbtPass], limit: DbtPass, slowest: int) -> None:
    statements = [statement for done in passes for statement in done.statements]
    nodes = {node: seconds for done in passes for node, seconds in done.nodes.items()}
    spent = limit.nodes
    wall, cpu = sum(done.seconds for done in passes), sum(done.cpu for done in passes)
    of_nodes, of_limit = sum(seconds for node, seconds in nodes.items() if node in spent), sum(spent.values())
    print(f"\n{'':32} {'dbt':>8} {'DuckDB':>8} {'ratio':>6}")
    for name, ours, bare in (
        ("wall, s", wall, limit.seconds),
        ("CPU, s", cpu, limit.cpu),
        ("sum of nodes, s", of_nodes, of_limit),
        ("sum of statements, s", sum(statement.seconds for statement in statements), of_limit),
    ):
        print(f"{name:32} {ours:8.1f} {bare:8.1f} {ours / bare:6.2f}")
    kinds, seconds = Counter(s.kind for s in statements), Counter[str]()
    for statement in statements:
        seconds[statement.kind] += statement.seconds
    print("\nstatements that dbt sent:")
    for kind, total in seconds.most_common(12):
        print(f"    {kind:32} {kinds[kind]:5}  {total:6.2f} s")
    by_type: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for node, total in nodes.items():
        found = by_type[node.split(".")[0]]
        found[0], found[1], found[2] = found[0] + 1, found[1] + total, found[2] + spent.get(node, 0.0)
    print("\nby kind of node: number, seconds of dbt, seconds straight")
    for kind, (number, total, bare) in by_type.items():
        print(f"    {kind:32} {number:5}  {total:6.2f} s  {bare:6.2f} s")
    print("\nslowest nodes: seconds of dbt, seconds straight")
    for node, total in sorted(nodes.items(), key=lambda item: -item[1])[:slowest]:
        print(f"    {'.'.join(node.split('.')[2:3]):60} {total:6.2f} s  {spent.get(node, 0.0):6.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="1")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--slowest", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = arguments.home or folder / "home"
        night = next_night(home, arguments.scale, folder)
        settings = Settings(home=home)
        settings.prepare()
        os.environ.update({f"DBT_ENV_CUSTOM_ENV_{key}": value for key, value in night.items()})
        # the night's own name: what dbt sends names the file by it
        for copy in ("dbt", "straight"):
            (folder / copy).mkdir()
            shutil.copyfile(folder / "before.duckdb", folder / copy / settings.warehouse.name)
        warehouse = settings.warehouse.name
        passes = [dbt_pass(settings, folder / "dbt" / warehouse, selection) for selection in PASSES]
        statements = [statement for done in passes for statement in done.statements]
        limit = straight(settings, folder / "straight" / warehouse, statements)
        report(passes, limit, arguments.slowest)


if __name__ == "__main__":
    main()
