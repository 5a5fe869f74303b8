"""The publication of one audience: a DuckDB file, the same tables as Parquet and a manifest, swapped in by one rename.

Layout under `published/`: `bank` is a link to `.bank-<as of>-<digest>`, a folder that is complete before the link turns
to it. Readers that have the old file open keep it; the two newest folders are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.mask import TOKEN_SQL, Mask

# BI tools bundle DuckDB 1.x clients, which cannot read what 2.x writes by default.
STORAGE_VERSION = "v1.5.0"
# When a run did something says nothing about what it found: a rerun must have the same digest.
CLOCK_COLUMNS = frozenset({"scored_at", "loaded_at"})
KEPT = 2
TABLES_AT_ONCE = 2
# A third faster than the usual level, and hardly larger.
PARQUET = "format parquet, codec zstd, compression_level 1"


class PublicationError(Exception):
    """The tables at hand cannot be published; the message says which and why."""


@dataclass(frozen=True)
class TableDocs:
    """What a table and its columns mean, for the comments of the published file."""

    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Publication:
    """What was published where; `tables` maps `schema.table` to its rows and digest."""

    folder: Path
    as_of_date: date
    tables: dict[str, dict[str, Any]]

    @property
    def database(self) -> Path:
        return self.folder / "anchorwatch.duckdb"


def publish(
    warehouse: Path,
    published: Path,
    audience: str,
    tables: Mapping[str, TableDocs],
    *,
    as_of: date,
    model_version: str,
    code_version: str,
    mask: Mask,
    personal: frozenset[str],
    memory: str,
) -> Publication:
    """Copy tables, named `schema.table`, from a warehouse file and make them the audience's publication.

    Columns named in `personal` (by contract) hold tokens of `mask` in what is published, and digests are over those.
    Only text can be masked: a personal column of another type stops the publication, nothing is left out in silence.
    The engine spills to disk beside the warehouse beyond `memory`, as in "3GB".

    Raises:
        PublicationError: a table is missing or has a column that may not leave.
    """
    published.mkdir(parents=True, exist_ok=True)
    building = published / f".{audience}-building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    facts = _copy_tables(warehouse, building, tables, mask, personal, memory)
    said = {name: [docs.description, dict(docs.columns)] for name, docs in tables.items()}
    whole = hashlib.sha256(json.dumps([facts, said], sort_keys=True).encode()).hexdigest()[:12]
    manifest = {
        "as_of_date": as_of.isoformat(),
        "audience": audience,
        "model_version": model_version,
        "code_version": code_version,
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tables": facts,
    }
    (building / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    folder = published / f".{audience}-{as_of.isoformat()}-{whole}"
    _swap_in(building, folder, published / audience)
    _remove_old(published, audience, keep=folder)
    return Publication(published / audience, as_of, facts)


def _copy_tables(
    warehouse: Path, building: Path, tables: Mapping[str, TableDocs], mask: Mask, personal: frozenset[str], memory: str
) -> dict[str, dict[str, Any]]:
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": f"{warehouse}.tmp"}) as con:
        con.execute(f"attach '{_quoted(warehouse)}' as warehouse (read_only)")
        con.execute(
            f"attach '{_quoted(building / 'anchorwatch.duckdb')}' as target (storage_version '{STORAGE_VERSION}')"
        )
        for schema in sorted({name.split(".")[0] for name in tables}):
            con.execute(f'create schema "target"."{schema}"')
            (building / "parquet" / schema).mkdir(parents=True)

        def copied(name: str) -> dict[str, Any]:
            with con.cursor() as cursor:
                return _copy_table(cursor, building, name, tables[name], mask, personal)

        # The engine writes a table by one thread alone.
        with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
            names = sorted(tables)
            return dict(zip(names, pool.map(copied, names), strict=True))


def _copy_table(
    con: duckdb.DuckDBPyConnection, building: Path, name: str, docs: TableDocs, mask: Mask, personal: frozenset[str]
) -> dict[str, Any]:
    schema, table = name.split(".")
    con.execute(f'create table target."{schema}"."{table}" as {_published_rows(con, schema, table, mask, personal)}')
    _comment(con, schema, table, docs)
    parquet = building / "parquet" / schema / f"{table}.parquet"
    con.execute(f'copy (select * from target."{schema}"."{table}") to \'{_quoted(parquet)}\' ({PARQUET})')
    return table_facts(con, "target", schema, table)


def _published_rows(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, mask: Mask, personal: frozenset[str]
) -> str:
    """SQL of the rows as they may leave; each personal value is hashed once, however many rows have it."""
    source, values, joins = f'warehouse."{schema}"."{table}"', [], []
    try:
        columns = _columns(con, "warehouse", schema, table)
    except duckdb.CatalogException:
        raise PublicationError(f"The warehouse has no table {schema}.{table}; the dbt build did not make it.") from None
    for column, kind in columns:
        if column not in personal:
            values.append(f'source."{column}"')
            continue
        if kind != "VARCHAR":
            raise PublicationError(
                f"{schema}.{table} has {column}, which the contracts call personal, as {kind}: only text can be masked."
            )
        tokens = f'"token of {column}"'
        con.execute(
            f"create or replace temp table {tokens} as "
            f'select value, {TOKEN_SQL} as token from (select distinct "{column}" as value from {source})',
            mask.pads,
        ).fetchall()
        values.append(f'{tokens}.token as "{column}"')
        joins.append(f'left join {tokens} on {tokens}.value = source."{column}"')
    return f"select {', '.join(values)} from {source} as source {' '.join(joins)}"


def _columns(con: duckdb.DuckDBPyConnection, database: str, schema: str, table: str) -> list[tuple[str, str]]:
    """Names and types; asked of the table itself, since the catalogue's list goes through every column of every one."""
    found = con.execute(f'describe "{database}"."{schema}"."{table}"').fetchall()
    return [(str(name), str(kind)) for name, kind, *_ in found]


def _comment(con: duckdb.DuckDBPyConnection, schema: str, table: str, docs: TableDocs) -> None:
    """Carry what the project says of a table into the published file: BI tools show it beside the columns."""
    target = f'target."{schema}"."{table}"'
    comments = [f"comment on table {target} is '{_quoted(docs.description)}'"] if docs.description else []
    for column, _ in _columns(con, "target", schema, table):
        if text := docs.columns.get(column):
            comments.append(f"comment on column {target}.\"{column}\" is '{_quoted(text)}'")
    con.execute("; ".join(["begin", *comments, "commit"]))


def table_facts(
    con: duckdb.DuckDBPyConnection, database: str, schema: str, table: str, where: str = ""
) -> dict[str, Any]:
    """Row count and digest of a table's content: two sums over row hashes, so the order of rows does not matter.

    The hash is the engine's own, ten times as fast as a cryptographic one of the row's text, and may be another in
    another release of the engine: a digest is for comparing reruns. The second sum, over hashes of the hashes, sees
    changes that would cancel out in the first.
    """
    columns = [column for column, _ in _columns(con, database, schema, table) if column not in CLOCK_COLUMNS]
    fields = ", ".join(f'"{column}"' for column in columns)
    rows, left, right = con.execute(
        f'with hashed as (select hash({fields}) as h from "{database}"."{schema}"."{table}" {where}) '
        "select count(*), coalesce(sum(h), 0), coalesce(sum(hash(h)), 0) from hashed"
    ).fetchall()[0]
    digest = hashlib.sha256(f"{','.join(columns)}:{rows}:{left}:{right}".encode()).hexdigest()
    return {"rows": rows, "digest": digest}


def _swap_in(building: Path, folder: Path, link: Path) -> None:
    """Give the finished folder its name and turn the link to it in one rename."""
    if folder.exists():
        # The same content is there already, perhaps under readers, who keep what they have open. Each file takes its
        # place all the same, for that one may have been damaged since.
        for file in sorted(path.relative_to(building) for path in building.rglob("*") if path.is_file()):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (building / file).replace(folder / file)
        shutil.rmtree(building)
    else:
        building.rename(folder)
    if link.is_dir() and not link.is_symlink():
        # A home copied with its links followed has a plain folder here; it becomes an old version.
        link.rename(link.with_name(f".{link.name}-copied-{folder.name}"))
    turning = link.with_name(f".{link.name}-link")
    turning.unlink(missing_ok=True)
    turning.symlink_to(folder.name, target_is_directory=True)
    os.replace(turning, link)


def _remove_old(published: Path, audience: str, keep: Path) -> None:
    versions = [p for p in published.glob(f".{audience}-*") if p.is_dir() and not p.is_symlink() and p != keep]
    versions.sort(key=lambda p: p.stat().st_mtime, reverse=True)
    for old in versions[KEPT - 1 :]:
        shutil.rmtree(old)


def read_manifest(published: Path, audience: str) -> dict[str, Any] | None:
    """The manifest of an audience's publication; None where nothing has been published."""
    path = published / audience / "manifest.json"
    if not path.exists():
        return None
    manifest: dict[str, Any] = json.loads(path.read_text())
    return manifest


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
