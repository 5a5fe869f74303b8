"""Replay: a past night built again in a home of its own, from what was known then, and held against the book."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
from rich.console import Console

from ml.registry import ModelRegistry, Role
from pipelines.dbt_manifest import share_manifest
from pipelines.earlier_publication import DATABASE
from pipelines.lake_datasets import FEATURE_DRIFT
from pipelines.mask import mask_of
from pipelines.night import NightError
from pipelines.publish import read_manifest
from pipelines.published_table import table_facts
from pipelines.run import run_job
from pipelines.settings import Settings

SHARED_DATASETS = ("raw", "quarantine", "schema_events", "receipts", "landing_entries", "feed_promises")
EARLIER_NIGHTS = (
    "features/supplier_daily",
    "scores/supplier_score",
    "scores/score_reason",
    "scores/score_family",
    "scores/score_change",
    FEATURE_DRIFT,
    "drift/drift_diagnosis",
)

# What a run did differs between a night that continues another and one built from scratch. Tables of the newest night
# alone hold no row of an earlier one and are left out as well.
ABOUT_THE_RUN = {"monitoring.run_log"}


def replay_night(settings: Settings, as_of: date, console: Console) -> None:
    """Build the night of `as_of` under `<home>/replay/<as_of>` and compare its rows with the published ones.

    The models are the ones that scored that night. Compared are the rows of that date in every published table with a
    column `as_of_date`, and all rows of the other tables when the book still stands at that night.

    Raises:
        NightError: the night was never scored, cannot be built, or differs.
    """
    roles = _models_of(settings, as_of)
    beside = Settings(home=settings.root / "replay" / as_of.isoformat(), audience=settings.audience)
    shutil.rmtree(beside.root, ignore_errors=True)
    beside.prepare()
    # tokens of another key would differ from those of the book
    mask_of(settings)
    if settings.own_mask_key.exists():
        beside.own_mask_key.symlink_to(settings.own_mask_key)
    share_lake(settings, beside, as_of)
    share_manifest(settings, beside)
    book, copies = ModelRegistry(settings.models), ModelRegistry(beside.models)
    now = datetime.now(UTC).replace(tzinfo=None)
    for role, version in roles.items():
        copies.save(book.load(version))
        copies.assign(role, version, at=now, actor="replay", reason=f"it scored {as_of}")
    try:
        outcome = run_job(beside, "replay", as_of)
    finally:
        settings.prepare()
    if outcome.problems:
        raise NightError(f"The replay of {as_of} failed. {' '.join(outcome.problems)}")
    compared, different = _compare(settings, beside, as_of)
    if different:
        raise NightError(
            f"The replay of {as_of} differs from the book in {', '.join(different)}; see {beside.published}."
        )
    console.print(f"The replay of {as_of} equals the book in {compared} tables: {beside.published}", soft_wrap=True)


def _models_of(settings: Settings, as_of: date) -> dict[Role, str]:
    """Model versions by role, as the score files of that night name them."""
    folder = settings.lake / "scores" / "supplier_score" / f"as_of_date={as_of}"
    if not folder.exists():
        raise NightError(
            f"The night of {as_of} has no scores in {folder.parent}; only nights that were scored can be replayed."
        )
    with duckdb.connect() as con:
        rows = con.execute(
            "select distinct model_role, model_version from read_parquet(?) order by 1", [f"{folder}/*.parquet"]
        ).fetchall()
    return dict(rows)


def share_lake(settings: Settings, beside: Settings, as_of: date) -> None:
    """Link what was delivered, and the scores of the nights before; the replay writes only what is its own.

    Scores are linked file by file: a glob over a dataset does not look into folders that are links.
    """
    for dataset in SHARED_DATASETS:
        # a home of an earlier release may lack the newest ones
        (settings.lake / dataset).mkdir(parents=True, exist_ok=True)
        (beside.lake / dataset).symlink_to(settings.lake / dataset, target_is_directory=True)
    for dataset in EARLIER_NIGHTS:
        (beside.lake / dataset).mkdir(parents=True)
        for night in sorted((settings.lake / dataset).glob("as_of_date=*")):
            if date.fromisoformat(night.name.removeprefix("as_of_date=")) < as_of:
                (beside.lake / dataset / night.name).mkdir()
                for file in night.glob("*.parquet"):
                    (beside.lake / dataset / night.name / file.name).symlink_to(file)


def _compare(settings: Settings, beside: Settings, as_of: date) -> tuple[int, list[str]]:
    book = read_manifest(settings.published, settings.audience)
    if book is None:
        raise NightError(f"Nothing has been published in {settings.published}; there is nothing to compare with.")
    same_night = book["as_of_date"] == as_of.isoformat()
    databases = {"book": _database(settings), "replay": _database(beside)}
    compared, different = 0, []
    with duckdb.connect() as con:
        for name, path in databases.items():
            con.execute(f"attach '{path}' as {name} (read_only)")
        for table in sorted(book["tables"]):
            schema, name = table.split(".")
            dated = con.execute(
                "select count(*) from duckdb_columns() where database_name = 'book' and schema_name = ? "
                "and table_name = ? and column_name = 'as_of_date'",
                [schema, name],
            ).fetchall()[0][0]
            if not dated and not same_night:
                continue
            where = f"where as_of_date = date '{as_of}'" if dated else ""
            facts = [table_facts(con, f'"{database}"."{schema}"."{name}"', where) for database in databases]
            if table in ABOUT_THE_RUN or (facts[0]["rows"] == 0 and not same_night):
                continue
            compared += 1
            if facts[0] != facts[1]:
                different.append(table)
    return compared, different


def _database(settings: Settings) -> Path:
    return settings.published / settings.audience / DATABASE
