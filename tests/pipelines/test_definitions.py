"""What Dagster is told: all loads, the assets have owners and words, and nothing starts by itself."""

from __future__ import annotations

import pytest
from dagster import AssetKey, DefaultScheduleStatus, DefaultSensorStatus, Definitions

from pipelines.build import build_definitions
from pipelines.dbt_manifest import Manifest
from pipelines.settings import Settings
from sources.contract import load_contracts


@pytest.fixture(scope="module")
def definitions(parsed_home: Settings) -> Definitions:
    return build_definitions(parsed_home)


def test_everything_loads_together(definitions: Definitions) -> None:
    Definitions.validate_loadable(definitions)


def test_feeds_models_and_publication_are_one_graph(definitions: Definitions, parsed_home: Settings) -> None:
    graph = definitions.resolve_asset_graph()
    feeds = {AssetKey([c.source, c.feed]) for c in load_contracts().values()}
    assert len(feeds) == 26
    assert feeds <= graph.materializable_asset_keys
    publication = graph.get(AssetKey(["published", "bank"]))
    tables = {AssetKey(name.split(".")) for name in Manifest(parsed_home.manifest).tables_for_readers()}
    assert publication.parent_keys == tables
    staging = graph.get(AssetKey(["staging", "stg_erp__ap_invoice"]))
    assert AssetKey(["erp", "ap_invoice"]) in staging.parent_keys


def test_every_asset_has_a_group_and_a_description(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    bare = [
        key.to_user_string()
        for key in graph.materializable_asset_keys
        if not graph.get(key).description or graph.get(key).group_name in {None, "default"}
    ]
    assert bare == []


def test_dbt_invariants_are_asset_checks(definitions: Definitions) -> None:
    checks = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    assert "assert_certificate_trees_conserve_face" in checks
    assert "assert_contributions_add_up" in checks


@pytest.mark.parametrize("job", ["nightly", "first_night", "ingest", "train", "score", "replay"])
def test_jobs_run_on_daily_partitions(definitions: Definitions, job: str) -> None:
    partitions = definitions.resolve_job_def(job).partitions_def
    assert partitions is not None
    assert "2026-06-30" in partitions.get_partition_keys()


def test_nothing_starts_by_itself(definitions: Definitions) -> None:
    repository = definitions.get_repository_def()
    assert repository.schedule_defs
    assert repository.sensor_defs
    assert {s.default_status for s in repository.schedule_defs} == {DefaultScheduleStatus.STOPPED}
    assert all(
        s.default_status == DefaultSensorStatus.STOPPED
        for s in repository.sensor_defs
        if s.name == "deliveries_arrived"
    )
    schedule = next(iter(repository.schedule_defs))
    assert schedule.cron_schedule == "0 2 * * *"
