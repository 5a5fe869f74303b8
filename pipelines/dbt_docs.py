"""The documentation of the warehouse as one page: every model with its columns, tests, SQL and lineage, by dbt."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipelines.dbt_manifest import ManifestError, parsed_project
from pipelines.night import Night, NightError, last_finished_night
from pipelines.settings import Settings


def write_dbt_docs(settings: Settings) -> Path:
    """Write `reports/warehouse.html` from the project and the standing warehouse; the page needs no network.

    Raises:
        NightError: no night has finished yet, or one is at work.
        ManifestError: dbt cannot read its project or the warehouse.
    """
    # imported where used: it takes seconds, and most commands need no dbt
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    settings.prepare()
    last = last_finished_night(settings.warehouse)
    if last is None:
        raise NightError(f"No night has finished in {settings.root} yet; run `anchorwatch nightly`.")
    project = parsed_project(settings)
    target = settings.dbt_target / "docs"
    target.mkdir(parents=True, exist_ok=True)
    # a run that is given a parsed project writes no manifest, and the page is made of one
    shutil.copyfile(settings.manifest, target / "manifest.json")
    # dbt opens what it reads for writing, and nobody writes the standing warehouse
    with Night(settings, last) as night:
        night.open_warehouse()
        outcome = dbtRunner(manifest=project).invoke(
            [
                *("docs", "generate", "--static", "--no-compile", "--project-dir", str(settings.dbt_project)),
                *("--target-path", str(target), "--log-path", str(target)),
                *("--log-level", "none", "--log-level-file", "warn", "--no-use-colors-file"),
            ]
        )
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not outcome.success:
        raise ManifestError(f"dbt wrote no documentation: {outcome.exception or target / 'dbt.log'}")
    page = settings.reports / "warehouse.html"
    part = page.with_name(f".{page.name}.part")
    part.write_bytes((target / "static_index.html").read_bytes())
    os.replace(part, page)
    return page
