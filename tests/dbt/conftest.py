"""Fixtures of the dbt tests: empty warehouses, and one that is built once a session."""

from __future__ import annotations

import pytest
from tiny_portfolio import DELIVERIES
from tiny_warehouse import Warehouse, WarehouseFactory

from pipelines.dbt_manifest import parsed_project
from pipelines.settings import Settings


@pytest.fixture(scope="session")
def warehouses(parsed_home: Settings, tmp_path_factory: pytest.TempPathFactory) -> WarehouseFactory:
    """Factory of warehouses, all of which use the one parsed project."""
    return WarehouseFactory(tmp_path_factory.mktemp("dbt"), parsed_home, parsed_project(parsed_home))


@pytest.fixture(scope="session")
def built(warehouses: WarehouseFactory) -> Warehouse:
    """The tiny portfolio at its last night, built in one go. Tests read it and copy it; none changes it."""
    warehouse = warehouses.empty()
    warehouse.deliver(DELIVERIES)
    warehouse.build(max(delivery.batch_date for delivery in DELIVERIES))
    return warehouse
