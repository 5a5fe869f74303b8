"""No personal value leaves: planted in every personal column of every contract, it is in nothing that is published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tiny_portfolio import DELIVERIES, NIGHTS, Delivery
from tiny_warehouse import WarehouseFactory

from pipelines.dbt_manifest import SCHEMAS_FOR_READERS
from pipelines.mask import Mask, personal_columns
from pipelines.publish import Publication, publish
from pipelines.published_table import TableDocs
from sources.contract import Contract, load_contracts
from tests.tokens import token

MARKER = "MARKER 6222 0212 3456"
MASK = Mask(b"a secret of thirty-two characters")
PERSONAL = {name: contract for name, contract in load_contracts().items() if contract.personal_columns}
PLAIN: Mapping[str, Any] = {
    "varchar": "X", "date": NIGHTS[0], "timestamp": datetime(2026, 3, 30), "boolean": True, "integer": 1, "bigint": 1,  # noqa: DTZ001
}  # fmt: skip


def some_row(contract: Contract) -> dict[str, Any]:
    """A row that has a value in every column."""
    return {
        column.name: column.allowed_values[0] if column.allowed_values else PLAIN.get(column.sql_type, Decimal(1))
        for column in contract.columns
    }


def planted(delivery: Delivery) -> Delivery:
    marked = dict.fromkeys(load_contracts()[delivery.feed].personal_columns, MARKER)
    return Delivery(delivery.batch_date, delivery.feed, [{**row, **marked} for row in delivery.rows])


@pytest.fixture(scope="module")
def published(warehouses: WarehouseFactory, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    delivered = {delivery.feed for delivery in DELIVERIES}
    others = [
        Delivery(NIGHTS[0], name, [some_row(contract)]) for name, contract in PERSONAL.items() if name not in delivered
    ]
    warehouse = warehouses.empty()
    warehouse.deliver([planted(delivery) for delivery in [*DELIVERIES, *others]])
    warehouse.build(NIGHTS[-1], with_tests=False)
    return publish(
        warehouse.path,
        tmp_path_factory.mktemp("published"),
        "bank",
        dict.fromkeys(warehouse.tables(SCHEMAS_FOR_READERS), TableDocs()),
        as_of=date(2026, 4, 3),
        model_version="m1",
        code_version="c1",
        mask=MASK,
        personal=personal_columns(),
        memory="1GB",
    )


def test_the_marker_was_in_every_personal_column(warehouses: WarehouseFactory) -> None:
    rows = [planted(Delivery(NIGHTS[0], name, [some_row(contract)])).rows[0] for name, contract in PERSONAL.items()]
    assert sum(list(row.values()).count(MARKER) for row in rows) == sum(
        len(contract.personal_columns) for contract in PERSONAL.values()
    )


def test_no_published_table_holds_it(published: Publication) -> None:
    files = sorted(path for path in published.folder.rglob("*.parquet") if path.is_file())
    assert len(files) == len(published.tables) > 15
    with duckdb.connect(str(published.database), read_only=True) as con:
        for table in published.tables:
            assert found(con, table) == [], table
        for file in files:
            assert found(con, f"read_parquet('{file}')") == [], file.name


def found(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    """Columns of a relation in which the marker stands, alone or inside a text."""
    names = [row[0] for row in con.execute(f"describe from {relation}").fetchall()]
    tests = ", ".join(f"bool_or(contains(cast(\"{name}\" as varchar), '{MARKER}'))" for name in names)
    (results,) = con.execute(f"select {tests} from {relation}").fetchall()
    return [name for name, is_in in zip(names, results, strict=True) if is_in]


def test_no_other_published_file_holds_it(published: Publication) -> None:
    others = [path for path in published.folder.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    assert {path.name for path in others} == {"manifest.json", "anchorwatch.duckdb", ".contents.json"}
    assert [path.name for path in others if MARKER.encode() in path.read_bytes()] == []


def test_tables_still_join_by_the_token(published: Publication) -> None:
    with duckdb.connect(str(published.database), read_only=True) as con:
        accounts = con.execute("select distinct account_no from monitoring.statement_proof").fetchall()
    assert accounts == [(token(MASK, MARKER),)]


def test_the_search_finds_a_marker(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"create table t as select 1 as a, 'x {MARKER} y' as b, '{MARKER[:-1]}' as c")
        assert found(con, "t") == ["b"]
