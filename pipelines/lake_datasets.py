"""The lake datasets that the pipelines write or read beside the raw feeds, with the schemas they promise to dbt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ml.change import CHANGE_SCHEMA
from ml.diagnosis import DIAGNOSIS_SCHEMA
from ml.drift import DRIFT_SCHEMA
from ml.scoring import FAMILY_SCHEMA, REASON_SCHEMA, SCORE_SCHEMA
from sources.contract import load_contracts
from sources.identity.match import initialise as initialise_identity
from sources.ingest import Limits, initialise
from sources.lake import Lake
from sources.landing_entry import LANDING_ENTRIES, LandingEntry, entry_table, landing_entries
from sources.promise import FEED_PROMISES, promise_table
from sources.receipt import RECEIPTS, receipts_by_feed
from sources.schema_event import SCHEMA_EVENTS
from sources.sql import sql_path

FEATURES = "features/supplier_daily"
FEATURE_DRIFT = "drift/feature_drift"
SCORED_DATASETS = {
    "scores/supplier_score": SCORE_SCHEMA,
    "scores/score_reason": REASON_SCHEMA,
    "scores/score_family": FAMILY_SCHEMA,
    "scores/score_change": CHANGE_SCHEMA,
    FEATURE_DRIFT: DRIFT_SCHEMA,
    "drift/drift_diagnosis": DIAGNOSIS_SCHEMA,
}


def prepare_lake(lake: Lake) -> None:
    """Give every dataset its empty schema file, so that a reader finds columns before the first row arrives."""
    initialise(lake)
    initialise_identity(lake)
    for dataset, schema in SCORED_DATASETS.items():
        lake.ensure_schema(dataset, schema)


def write_night(lake: Lake, dataset: str, as_of: date, name: str, table: pa.Table) -> None:
    """Write one file of a night's partition, replacing what an earlier run of the night wrote."""
    lake.write(dataset, f"as_of_date={as_of}", name, table)


def features_of_night(lake: Lake, as_of: date) -> pa.Table:
    """The feature rows that the night exported."""
    return pq.read_table(lake.file(FEATURES, f"as_of_date={as_of}", "part"))


def features_before(lake: Lake, as_of: date, names: Sequence[str]) -> pa.Table | None:
    """The feature rows of the last night before; None where it is more than a week ago, or built by a release that did
    not know all of the named features."""
    nights = (
        date.fromisoformat(folder.name.removeprefix("as_of_date="))
        for folder in lake.dataset(FEATURES).glob("as_of_date=*")
    )
    near = [night for night in nights if as_of - timedelta(days=7) <= night < as_of]
    if not near:
        return None
    rows = features_of_night(lake, max(near))
    return rows if set(names) <= set(rows.column_names) else None


def scores_of_night(lake: Lake, as_of: date, role: str) -> pa.Table | None:
    """The scores that a role gave on a night, None where it gave none."""
    path = lake.file("scores/supplier_score", f"as_of_date={as_of}", role)
    return pq.read_table(path) if path.exists() else None


def drift_of_night(lake: Lake, as_of: date) -> pa.Table:
    """How far each feature moved by a night, for every model that scored it."""
    return pq.read_table(lake.file(FEATURE_DRIFT, f"as_of_date={as_of}", "part"))


def receipts_of_night(lake: Lake, as_of: date, last_night: date | None) -> pd.DataFrame:
    """Receipts of the files that the night works on: after the last finished night, or of it when it is run again."""
    return _of_night(lake, RECEIPTS, as_of, last_night)


def schema_events_of_night(lake: Lake, as_of: date, last_night: date | None) -> pd.DataFrame:
    """What happened to the columns of those files."""
    return _of_night(lake, SCHEMA_EVENTS, as_of, last_night)


def write_landing_entries(
    lake: Lake, landing: Path, as_of: date, today: date, mapping_folders: Sequence[Path]
) -> list[LandingEntry]:
    """Write, and return, what lies in landing after the ingest of the night and was not taken in."""
    entries = landing_entries(landing, as_of, today, receipts_by_feed(lake), Limits().max_file_bytes, mapping_folders)
    write_night(lake, LANDING_ENTRIES, as_of, "part", entry_table(as_of, entries))
    return entries


def write_feed_promises(lake: Lake, as_of: date) -> None:
    """Write what the contracts promise for the night, so that a night of the past is judged by the promise of then."""
    promises = {(contract.source, contract.feed): contract.delivery for contract in load_contracts().values()}
    write_night(lake, FEED_PROMISES, as_of, "part", promise_table(as_of, promises))


def _of_night(lake: Lake, dataset: str, as_of: date, last_night: date | None) -> pd.DataFrame:
    with duckdb.connect() as con:
        return con.execute(
            f"from {_batches_of_night(lake, dataset, as_of, last_night)} order by source, feed, business_date, file"
        ).df()


def _batches_of_night(lake: Lake, dataset: str, as_of: date, last_night: date | None) -> str:
    """The files of a dataset that the night works on, by the dates of their folders: to open all that there are takes
    a millisecond each, and there is one for every file that was ever delivered.
    """
    folder = lake.dataset(dataset)
    batches = {date.fromisoformat(path.name.partition("=")[2]): path for path in folder.glob("batch_date=*")}
    # run again, a night works on its own day once more
    since = as_of - timedelta(days=1) if last_night == as_of else last_night or date.min
    of_night = [batches[batch] for batch in sorted(batches) if since < batch <= as_of]
    # never without files: the one of the schema has the columns
    files = [folder / "_schema.parquet", *(file for path in of_night for file in sorted(path.glob("*.parquet")))]
    listed = ", ".join(sql_path(file) for file in files)
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"


def old_history_arrived(lake: Lake, as_of: date, last_night: date | None) -> bool:
    """True if a file new to this night holds rows that count as known before the last finished night."""
    if last_night is None or last_night == as_of:
        return False
    with duckdb.connect() as con:
        files = con.execute(
            f"select count(*) from {_batches_of_night(lake, RECEIPTS, as_of, last_night)} "
            "where is_history and (loaded_rows > 0 or withdrawn_rows > 0) and min_known_date <= $last",
            {"last": last_night},
        ).fetchall()[0][0]
    return bool(files)
