"""What dbt executes to build the warehouse, recorded once and executed again for every portfolio.

dbt spends four times as long on a tiny model as DuckDB does, and the tests build more than thirty warehouses. So dbt
builds the nights of one: the first from scratch, the others on top of it. Every statement it sends (hooks, temporary
tables, contracts, renames) is kept with the node that sent it, and its test statements too. A warehouse is then made by
the same statements with the dates of its night. That they make what dbt made is tested in `test_nights.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
from dbt_common.events.base_types import EventMsg

# what stands for the night and the last finished one in the recorded statements
AS_OF, SINCE = "'the night'", "'the night before'"
# a test of what is new looks at everything after a full build
BEFORE_ALL = date(1970, 1, 1)
CHANGES = re.compile(r"\s*(/\*.*?\*/)?\s*(create|alter|drop|delete|insert|copy)\b", re.IGNORECASE | re.DOTALL)

RunDbt = Callable[[Sequence[str], date, date | None, Callable[[EventMsg], None]], None]


@dataclass(frozen=True)
class Node:
    """What dbt executes for one seed, model or test; creating a schema is of no node and has no id."""

    unique_id: str
    statements: tuple[str, ...]


@dataclass(frozen=True)
class Recording:
    """The project's nodes in an order in which they can be built, and its data tests."""

    full: Sequence[Node]
    night: Sequence[Node]
    tests: Sequence[Node]

    def build(
        self, warehouse: Path, lake: Path, nodes: Collection[str], as_of: date, since: date | None = None
    ) -> None:
        """Make seeds and models of these ids, which are not there yet, or on top of the night ``since``."""
        engine = {"threads": 1, "file_search_path": str(lake)}
        with duckdb.connect(str(warehouse), config=engine) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for node in self.night if since else self.full:
                if node.unique_id in nodes or not node.unique_id:
                    for statement in node.statements:
                        connection.execute(_dated(statement, as_of, since))

    def found_by(
        self, warehouse: Path, tests: Collection[str], as_of: date, since: date | None = None
    ) -> dict[str, int]:
        """How many rows each of the tests with these ids finds."""
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return {
                node.unique_id: connection.execute(_dated(statement, as_of, since or BEFORE_ALL)).fetchall()[0][0]
                for node in self.tests
                if node.unique_id in tests
                for statement in node.statements
            }


def record(
    run_dbt: RunDbt, nights: Sequence[date], before: Callable[[date], None], after: Callable[[date], None]
) -> Recording:
    """Have dbt build three nights one after the other, and test the last of them; keeps what it executes.

    Args:
        run_dbt: takes dbt's arguments, the night, the one before it, and a receiver of dbt's events.
        nights: The dates.
        before: Called with each night before dbt builds it.
        after: Called when dbt has built it.
    """

    def recorded(
        command: Sequence[str], as_of: date, since: date | None, is_kept: Callable[[str], object]
    ) -> list[Node]:
        statements: dict[str, list[str]] = {}

        def receive(event: EventMsg) -> None:
            if event.info.name == "SQLQuery" and is_kept(event.data.sql):
                # dbt marks the copying of a seed's file as if it were cut
                sql = event.data.sql.removesuffix("...").replace(f"'{as_of}'", AS_OF)
                sql = sql.replace(f"'{since}'", SINCE) if since else sql
                statements.setdefault(event.data.node_info.unique_id, []).append(sql)

        # one thread: the order of the statements is an order in which they can be executed
        run_dbt([*command, "--threads", "1"], as_of, since, receive)
        return [Node(unique_id, tuple(found)) for unique_id, found in statements.items()]

    first, second, last = nights
    before(first)
    full = recorded(["seed"], first, None, CHANGES.match)
    full += recorded(["run", "--full-refresh"], first, None, CHANGES.match)
    after(first)
    before(second)
    night = recorded(["run"], second, first, CHANGES.match)
    after(second)
    before(last)
    recorded(["run"], last, second, CHANGES.match)
    tests = recorded(["test", "--exclude", "test_type:unit"], last, second, lambda sql: " as failures" in sql)
    after(last)
    return Recording(full, night, tests)


def _dated(sql: str, as_of: date, since: date | None) -> str:
    """The statement of the night that is meant."""
    sql = sql.replace(AS_OF, f"'{as_of}'")
    return sql.replace(SINCE, f"'{since}'") if since else sql
