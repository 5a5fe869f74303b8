"""The lake: Parquet datasets under one root, one folder a dataset, partitioned by date.

Files appear whole or not at all: they are written under a temporary name in their own folder, synced, then renamed.
Every dataset root holds ``_schema.parquet`` (no rows), so that a glob over the dataset always finds its columns.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 122_880
_SYNC_THREADS = 16
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]*(=[A-Za-z0-9_.-]+)?$")


@dataclass(frozen=True)
class Lake:
    """A lake in a folder. Datasets are named by their path below the root, such as ``raw/tax/vat_invoice``."""

    root: Path

    def dataset(self, dataset: str) -> Path:
        """Folder of a dataset; ValueError when a part of the name is not a plain name."""
        parts = dataset.split("/")
        for part in parts:
            _check_name(part)
        return self.root.joinpath(*parts)

    def glob(self, dataset: str) -> str:
        """Glob over all Parquet files of a dataset; read with union_by_name=true, hive_partitioning=false."""
        return str(self.dataset(dataset) / "**" / "*.parquet")

    def file(self, dataset: str, partition: str, name: str) -> Path:
        """Path of ``<dataset>/<partition>/<name>.parquet``, partition being ``key=value``; it need not exist."""
        _check_name(partition)
        _check_name(name)
        return self.dataset(dataset) / partition / f"{name}.parquet"

    @contextmanager
    def replacing(self, path: Path, *, is_synced: bool = True) -> Iterator[Path]:
        """Yield a temporary path beside ``path``; what was written there replaces ``path`` when the block ends well.

        With ``is_synced`` false the caller owes a `sync` before anything else is made to depend on the file.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            yield temporary
            if is_synced:
                _sync(temporary)
            os.replace(temporary, path)
            if is_synced:
                _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def read(self, dataset: str, partition: str, name: str) -> pa.Table:
        """The table that `write` wrote under the same names; FileNotFoundError when there is none."""
        return pq.read_table(self.file(dataset, partition, name), partitioning=None)

    def write(self, dataset: str, partition: str, name: str, table: pa.Table) -> Path:
        """Write a table as one file of the dataset, replacing the file of that name, and return its path."""
        path = self.file(dataset, partition, name)
        self.write_many({path: table})
        return path

    def write_many(self, tables: Mapping[Path, pa.Table]) -> None:
        """Write tables as files of the lake; all are synced before the first becomes visible.

        One wait for the disk serves them all, where a wait for each would take milliseconds a file.
        """
        temporaries = {path: path.with_name(f".{path.name}.tmp") for path in tables}
        try:
            for path, table in tables.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                pq.write_table(table, temporaries[path], compression="zstd", row_group_size=ROW_GROUP_ROWS)
            _sync_all(temporaries.values())
            for path, temporary in temporaries.items():
                os.replace(temporary, path)
            _sync_all({path.parent for path in tables})
        finally:
            for temporary in temporaries.values():
                temporary.unlink(missing_ok=True)

    def sync(self, paths: Collection[Path]) -> None:
        """Make files written with ``is_synced`` false, and their names, last through a loss of power."""
        _sync_all([*paths, *{path.parent for path in paths}])

    def ensure_schema(self, dataset: str, schema: pa.Schema) -> None:
        """Write the dataset's ``_schema.parquet`` unless it is there with this schema."""
        self.ensure_schemas({dataset: schema})

    def ensure_schemas(self, schemas: Mapping[str, pa.Schema]) -> None:
        """Write the ``_schema.parquet`` of every dataset that has none with its schema."""
        paths = {self.dataset(dataset) / "_schema.parquet": schema for dataset, schema in schemas.items()}
        changed = {p: s for p, s in paths.items() if not p.exists() or not pq.read_schema(p).equals(s)}
        self.write_many({path: schema.empty_table() for path, schema in changed.items()})


def _check_name(name: str) -> None:
    if not _NAME.match(name) or ".." in name:
        raise ValueError(f"{name!r} cannot name a part of the lake; use letters, digits, '_', '-' and '.'.")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_all(paths: Collection[Path]) -> None:
    """Sync files or folders side by side, so that the disk takes them together."""
    if paths:
        with ThreadPoolExecutor(_SYNC_THREADS) as pool:
            list(pool.map(_sync, paths))
