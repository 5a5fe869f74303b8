"""Fixtures of the dbt tests: one parsed project and one built warehouse a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from tiny_portfolio import DELIVERIES
from tiny_warehouse import Warehouse, WarehouseFactory

PROJECT = Path(__file__).parents[2] / "dbt_project"


@pytest.fixture(scope="session")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseFactory]:
    """Factory of warehouses; dbt parses the project once a session."""
    root = tmp_path_factory.mktemp("dbt")
    settings = {
        "ANCHORWATCH_LAKE": str(root / "lake"),
        "ANCHORWATCH_WAREHOUSE": str(root / "warehouse.duckdb"),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(root / "target"),
        "DBT_LOG_PATH": str(root / "logs"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        parsed = dbtRunner().invoke(["parse", "--quiet", "--no-partial-parse"])
        assert isinstance(parsed.result, Manifest), parsed.exception
        yield WarehouseFactory(root, parsed.result)


@pytest.fixture(scope="session")
def built(warehouses: WarehouseFactory) -> Warehouse:
    """The tiny portfolio at its last night, built in one go. Tests read it and copy it; none changes it."""
    warehouse = warehouses.empty()
    warehouse.deliver(DELIVERIES)
    warehouse.build(max(delivery.batch_date for delivery in DELIVERIES))
    return warehouse
