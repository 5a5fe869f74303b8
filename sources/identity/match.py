"""The night's work on identity: new states of records, and what they have in common with all known ones.

Two lake datasets, partitioned by ``batch_date``: ``identity/record`` and ``identity/pair``. A night D writes rows that
follow from deliveries up to D alone; to run it again, or from scratch, gives the same rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sources.identity.candidates import find_candidates
from sources.identity.records import RECORD_SCHEMA, RECORDS, load_states
from sources.identity.similarity import address_similarity, name_similarity
from sources.lake import Lake
from sources.sql import sql_text

PAIRS = "identity/pair"
PAIR_SCHEMA = pa.schema(
    [
        ("left_kind", pa.string()),
        ("left_key", pa.string()),
        ("left_known_date", pa.date32()),
        ("right_kind", pa.string()),
        ("right_key", pa.string()),
        ("right_known_date", pa.date32()),
        ("is_same_number", pa.bool_()),
        ("is_same_record", pa.bool_()),
        ("is_same_account", pa.bool_()),
        ("name_similarity", pa.float64()),
        ("address_similarity", pa.float64()),
        ("known_date", pa.date32()),
        ("batch_date", pa.date32()),
    ]
)
DATASETS = {RECORDS: RECORD_SCHEMA, PAIRS: PAIR_SCHEMA}

FAR_APART = 0.70
"""Two names under one number that are less alike than this are worth keeping; so are, from it on, two under none.

Thresholds of dbt's rules that lie below it find no pairs, unless an account is common.
"""
NEARLY_ONE = 0.90
"""Likeness of names from which on two different numbers of one scheme are worth keeping without a common account."""

ENGINE_MEMORY = "1GB"
_PAIRS_AT_ONCE = 100_000
_NAME_COLUMNS = ("core", "shuffled", "script", "region", "province", "legal_class", "has_legal_form", "address")
_SCRATCH = ".scratch/identity"


@dataclass(frozen=True)
class Matched:
    """What a night found: new states, candidates looked at, pairs kept, and keys too common to be looked at in full."""

    new_states: int
    candidates: int
    pairs: int
    crowded_keys: int


def initialise(lake: Lake) -> None:
    """Give both datasets their ``_schema.parquet``."""
    lake.ensure_schemas(DATASETS)


def match_night(lake: Lake, as_of: date, since: date | None) -> Matched:
    """Write the states and pairs that the deliveries after ``since`` up to ``as_of`` bring.

    ``since`` is the last finished night; None makes everything anew, and so does a lake that holds no state yet. What
    an earlier run wrote for later deliveries is replaced.
    """
    initialise(lake)
    if not any(lake.dataset(RECORDS).glob("batch_date=*")):
        since = None
    with _engine(lake) as connection:
        new_states = load_states(connection, lake, as_of, since)
        crowded = find_candidates(connection)
        pairs = _evidence(connection)
        candidates = int(connection.execute("select count(*) from candidate").fetchall()[0][0])
        columns = ", ".join(RECORD_SCHEMA.names)
        states: pa.Table = connection.sql(f"select {columns} from state where is_new order by all").to_arrow_table()
    _replace(lake, RECORDS, states.cast(RECORD_SCHEMA), since)
    _replace(lake, PAIRS, pairs, since)
    return Matched(new_states, candidates, pairs.num_rows, crowded)


def _evidence(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The candidates that say something, with what they say, in order."""
    sides = ", ".join(f"{side[0]}.{name} as {side}_{name}" for side in ("left", "right") for name in _NAME_COLUMNS)
    reader: pa.RecordBatchReader = connection.sql(
        f"""
        select
            l.record_kind as left_kind, l.record_key as left_key, l.known_date as left_known_date,
            r.record_kind as right_kind, r.record_key as right_key, r.known_date as right_known_date,
            coalesce(l.party_no_scheme = r.party_no_scheme and l.party_no = r.party_no, false) as is_same_number,
            l.record_kind = r.record_kind and l.record_key = r.record_key as is_same_record,
            coalesce(l.account_no = r.account_no, false) as is_same_account,
            greatest(l.known_date, r.known_date) as known_date, greatest(l.batch_date, r.batch_date) as batch_date,
            coalesce(l.party_no_scheme = r.party_no_scheme and l.party_no <> r.party_no, false) as is_two_numbers,
            {sides}
        from candidate as c join numbered as l on c.left_no = l.no join numbered as r on c.right_no = r.no
        """
    ).to_arrow_reader(_PAIRS_AT_ONCE)
    kept = [_worth_keeping(pa.Table.from_batches([batch])) for batch in reader]
    order = [(name, "ascending") for name in ("batch_date", *PAIR_SCHEMA.names[:6])]
    return pa.concat_tables([PAIR_SCHEMA.empty_table(), *kept]).sort_by(order)


def _worth_keeping(batch: pa.Table) -> pa.Table:
    left, right = (pa.table({name: batch[f"{side}_{name}"] for name in _NAME_COLUMNS}) for side in ("left", "right"))
    names = name_similarity(left, right)
    alike = pc.fill_null(names, FAR_APART).to_numpy(zero_copy_only=False)
    flags = {
        name: batch[name].to_numpy(zero_copy_only=False).astype(bool)
        for name in ("is_same_number", "is_same_record", "is_same_account", "is_two_numbers")
    }
    keep = np.select(
        [flags["is_same_number"], flags["is_two_numbers"]],
        [alike < FAR_APART, (alike >= NEARLY_ONE) | (flags["is_same_account"] & (alike >= FAR_APART))],
        flags["is_same_account"] | flags["is_same_record"] | (alike >= FAR_APART),
    )
    table = batch.append_column("name_similarity", names).append_column(
        "address_similarity", address_similarity(left, right)
    )
    return table.filter(pa.array(keep)).select(PAIR_SCHEMA.names).cast(PAIR_SCHEMA)


def _replace(lake: Lake, dataset: str, rows: pa.Table, since: date | None) -> None:
    """Write the rows, a file a batch; partitions after ``since`` that get none are removed."""
    dates = pc.unique(rows["batch_date"]).to_pylist()
    files = {
        lake.file(dataset, f"batch_date={when}", "part"): rows.filter(pc.equal(rows["batch_date"], pa.scalar(when)))
        for when in dates
    }
    for folder in lake.dataset(dataset).glob("batch_date=*"):
        is_later = since is None or date.fromisoformat(folder.name.removeprefix("batch_date=")) > since
        if is_later and folder / "part.parquet" not in files:
            shutil.rmtree(folder)
    lake.write_many(files)


@contextmanager
def _engine(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection with bounded memory; what does not fit is spilled into the lake's scratch folder."""
    scratch = lake.root / _SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = {sql_text(ENGINE_MEMORY)}")
        connection.execute(f"set temp_directory = {sql_text(str(scratch))}")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        yield connection
    shutil.rmtree(scratch)
