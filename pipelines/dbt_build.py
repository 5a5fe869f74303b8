"""dbt in this process: `dbt build` on the working warehouse, and its results as Dagster's events.

dagster-dbt's own command line starts five processes and imports of dbt a night (its version, an adapter and the run
itself, for each pass), which took a quarter of the night. The translation of results is still its own.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext
from dagster_dbt.asset_utils import (
    DAGSTER_DBT_EXCLUDE_METADATA_KEY,
    DAGSTER_DBT_SELECT_METADATA_KEY,
    get_manifest_and_translator_from_dbt_assets,
    get_subset_selection_for_context,
)
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from pipelines.dbt_manifest import parsed_project
from pipelines.settings import Settings

RESULTS = {"LogSeedResult", "LogModelResult", "LogSnapshotResult", "LogTestResult"}


@dataclass(frozen=True)
class DbtBuild:
    """How a `dbt build` ended; `events` are Dagster's, in the order in which nodes ended.

    `failed` has the name of each node that failed, and what it said.
    """

    events: list[Any]
    succeeded: bool
    failed: list[tuple[str, str]]
    log: Path


def dbt_build(settings: Settings, context: AssetExecutionContext) -> DbtBuild:
    """Build the context's assets and run their tests; unit tests belong to the project's tests, not to a night.

    Raises:
        ManifestError: dbt cannot read its project.
    """
    # imported where used: it takes seconds, and most commands need no dbt
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner
    from dbt_common.events.base_types import EventMsg
    from dbt_common.events.functions import msg_to_dict, reset_metadata_vars

    from pipelines.dbt_events import drop_debug_events

    manifest, translator, _ = get_manifest_and_translator_from_dbt_assets([context.assets_def])
    selection, indirect = get_subset_selection_for_context(
        context=context,
        manifest=manifest,
        select=context.op.tags.get(DAGSTER_DBT_SELECT_METADATA_KEY),
        exclude=context.op.tags.get(DAGSTER_DBT_EXCLUDE_METADATA_KEY),
        selector=None,
        dagster_dbt_translator=translator,
        current_dbt_indirect_selection_env=None,
    )
    target = settings.dbt_target / "run"
    target.mkdir(parents=True, exist_ok=True)
    log = target / "dbt.log"
    results: list[dict[str, Any]] = []

    def collect(event: EventMsg) -> None:
        said = event.info.msg  # type: ignore[attr-defined]
        lines.write(f"{datetime.now(UTC):%H:%M:%S}  {said}\n")
        if event.info.name in RESULTS:
            results.append(msg_to_dict(event))

    project = parsed_project(settings)
    # what was parsed stays for good; every full collection of garbage would walk through it again
    gc.freeze()
    drop_debug_events()
    # dbt reads the night's settings from the environment once in a process
    reset_metadata_vars()
    with log.open("w", buffering=1, encoding="utf-8") as lines:
        outcome = dbtRunner(manifest=project, callbacks=[collect]).invoke(
            [
                *("build", "--exclude-resource-type", "unit_test", *selection),
                *(("--indirect-selection", indirect) if indirect else ()),
                *("--project-dir", str(settings.dbt_project), "--target-path", str(target), "--log-path", str(target)),
                *("--log-level", "none", "--log-level-file", "none"),
                # dbt would write the whole manifest again, which takes seconds; results are read from memory
                "--no-write-json",
            ]
        )
    # a reader with settings of its own can open the file only when dbt has let go of it
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    events = [
        event
        for result in results
        for event in DbtCoreCliEventMessage(raw_event=result, event_history_metadata={}).to_default_asset_events(
            manifest, translator, context, target
        )
    ]
    ended = outcome.result.results if isinstance(outcome.result, RunExecutionResult) else []
    failed = [(result.node.name, str(result.message)) for result in ended if result.status in {"error", "fail"}]
    return DbtBuild(events, outcome.success, failed, log)
