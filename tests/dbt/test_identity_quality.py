"""Who is found to be who in a demo portfolio, against its truth."""

from __future__ import annotations

from datetime import date

import pytest
from tiny_warehouse import WarehouseFactory

from pipelines.evaluate import IdentityQuality, identity_quality
from sources.identity.records import RECORD_KINDS
from sources.ingest import ingest_feed
from sources.lake import Lake
from sources.simulator import simulate

START, UNTIL = date(2024, 1, 1), date(2025, 6, 20)
FEEDS = [*(kind.feed for kind in RECORD_KINDS), "platform.identity_decision"]


@pytest.fixture(scope="module", params=[7])
def quality(request: pytest.FixtureRequest, warehouses: WarehouseFactory) -> IdentityQuality:
    warehouse = warehouses.empty()
    simulate(warehouse.folder, scale=0.2, seed=request.param, start=START, until=UNTIL)
    for feed in FEEDS:
        ingest_feed(feed, warehouse.folder / "landing", Lake(warehouse.folder / "lake"), UNTIL, None)
    project = warehouse.project
    warehouse.build(UNTIL, models=project.with_upstream(project.models("int_party_link")), with_tests=False)
    return identity_quality(warehouse.path, warehouse.folder)


def test_true_pairs_are_found(quality: IdentityQuality) -> None:
    assert quality.all.true > 1000
    assert quality.all.recall >= 0.99


def test_found_pairs_are_true(quality: IdentityQuality) -> None:
    assert quality.all.precision >= 0.999


def test_names_and_accounts_find_what_no_number_finds(quality: IdentityQuality) -> None:
    assert quality.hard.true > 100
    assert quality.hard.recall >= 0.95
    assert quality.hard.precision >= 0.99


def test_nobody_is_joined_with_a_namesake(quality: IdentityQuality) -> None:
    look_alikes = [count for trouble, count in quality.by_trouble.items() if trouble.startswith(("NAMESAKE", "NEIGH"))]
    assert sum(count.found - count.right for count in look_alikes) == 0
