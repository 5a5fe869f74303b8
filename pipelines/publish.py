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
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipelines.earlier_publication import DATABASE, EarlierPublication, earlier_publication, keep
from pipelines.mask import Mask
from pipelines.published_table import Content, TableDocs, comment, file_query, source_of, write_rows

# BI tools bundle DuckDB 1.x clients, which cannot read what 2.x writes by default.
STORAGE_VERSION = "v1.5.0"
KEPT = 2
TABLES_AT_ONCE = 2
# A third faster than the usual level, and hardly larger.
PARQUET = "format parquet, codec zstd, compression_level 1"


@dataclass(frozen=True)
class Publication:
    """What was published where: `tables` has rows and digest by `schema.table`, `note` is a sentence for people."""

    folder: Path
    as_of_date: date
    tables: dict[str, dict[str, Any]]
    note: str | None = None

    @property
    def database(self) -> Path:
        return self.folder / DATABASE


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
    is_anew: bool = False,
) -> Publication:
    """Copy tables, named `schema.table`, from a warehouse file and make them the audience's publication.

    It goes on from the publication before where that is as it was written, and writes all anew if `is_anew`.

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
    earlier, note = None if is_anew else earlier_publication(published / audience, STORAGE_VERSION), None
    if earlier is not None and not earlier.has_copied_database(building):
        earlier, note = None, "The database of the publication before is not as it was written; all is written anew."
    contents = _copy_tables(warehouse, building, tables, earlier, mask, personal, memory)
    keep(building, STORAGE_VERSION, contents, earlier)
    facts = {name: content.facts for name, content in contents.items()}
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
    return Publication(published / audience, as_of, facts, note)


def _copy_tables(
    warehouse: Path,
    building: Path,
    tables: Mapping[str, TableDocs],
    earlier: EarlierPublication | None,
    mask: Mask,
    personal: frozenset[str],
    memory: str,
) -> dict[str, Content]:
    with duckdb.connect(config={"memory_limit": memory, "temp_directory": f"{warehouse}.tmp"}) as con:
        con.execute(f"attach '{_quoted(warehouse)}' as warehouse (read_only)")
        con.execute(f"attach '{_quoted(building / DATABASE)}' as target (storage_version '{STORAGE_VERSION}')")
        for name in sorted(earlier.tables.keys() - tables.keys()) if earlier else ():
            schema, table = name.split(".")
            con.execute(f'drop table target."{schema}"."{table}"')
        for schema in sorted({name.split(".")[0] for name in tables}):
            con.execute(f'create schema if not exists target."{schema}"')
            (building / "parquet" / schema).mkdir(parents=True)

        def copied(name: str) -> Content:
            with con.cursor() as cursor:
                source = source_of(cursor, name, mask, personal)
                content = write_rows(cursor, name, source, earlier.tables.get(name) if earlier else None)
                comment(cursor, name, content.columns, tables[name])
                _write_parquet(cursor, building, name, content, earlier)
                return content

        # The engine writes a table by one thread alone.
        with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
            names = sorted(tables)
            return dict(zip(names, pool.map(copied, names), strict=True))


def _write_parquet(
    con: duckdb.DuckDBPyConnection, building: Path, name: str, content: Content, earlier: EarlierPublication | None
) -> None:
    """Write the table's Parquet files; those in which no slice has changed are taken over."""
    before = earlier.tables.get(name) if earlier else None
    same = before.files(name) if before and before.is_sliced_like(content) else {}
    changed = content.changed_since(before) if before else set()
    for file, days in content.files(name).items():
        is_same = days == same.get(file) and not changed.intersection(days)
        if earlier and is_same and earlier.has_linked(file, building):
            continue
        (building / file).parent.mkdir(exist_ok=True)
        con.execute(f"copy ({file_query(name, content, days)}) to '{_quoted(building / file)}' ({PARQUET})")


def _swap_in(building: Path, folder: Path, link: Path) -> None:
    """Give the finished folder its name and turn the link to it in one rename."""
    if folder.exists():
        # The same content is there already, perhaps under readers, who keep what they have open. Each file takes its
        # place all the same, for that one may have been damaged since, or laid out otherwise by an earlier release.
        new = {path.relative_to(building): path.is_dir() for path in sorted(building.rglob("*"))}
        for old in sorted(folder.rglob("*"), reverse=True):
            if new.get(old.relative_to(folder)) != old.is_dir():
                old.rmdir() if old.is_dir() else old.unlink()
        for path, is_folder in new.items():
            if is_folder:
                (folder / path).mkdir(exist_ok=True)
            else:
                (building / path).replace(folder / path)
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
