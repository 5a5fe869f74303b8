"""What a publication takes over from the one before: its database, and Parquet files in which nothing has changed.

Beside its tables each publication keeps the sums of their slices and the SHA-256 of its files, in a hidden file of its
folder. What is no longer as it was written is not taken over.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.published_table import Content

DATABASE = "anchorwatch.duckdb"
_KEPT = ".contents.json"
_BLOCK_BYTES = 8 << 20


@dataclass(frozen=True)
class EarlierPublication:
    """A publication as it was written; ``files`` has the SHA-256 of each by its path below the folder."""

    folder: Path
    files: Mapping[str, str]
    tables: Mapping[str, Content]

    def has_copied_database(self, building: Path) -> bool:
        """Copy the database; whether it is as it was written. Another leaves no copy."""
        copy = building / DATABASE
        digest = hashlib.sha256()
        try:
            with (self.folder / DATABASE).open("rb") as source, copy.open("xb") as sink:
                while block := source.read(_BLOCK_BYTES):
                    digest.update(block)
                    sink.write(block)
        except FileNotFoundError:
            return False
        is_sound = digest.hexdigest() == self.files.get(DATABASE)
        if not is_sound:
            copy.unlink()
        return is_sound

    def has_linked(self, file: str, building: Path) -> bool:
        """Give the publication that is being built the same file; whether it is as it was written."""
        path = self.folder / file
        if not path.is_file() or sha256_of(path) != self.files.get(file):
            return False
        (building / file).parent.mkdir(parents=True, exist_ok=True)
        os.link(path, building / file)
        return True


def earlier_publication(folder: Path, storage_version: str) -> EarlierPublication | None:
    """The publication in a folder; None where there is none that can be gone on from."""
    try:
        kept = json.loads((folder / _KEPT).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if kept["storage_version"] != storage_version:
        return None
    tables = {name: Content.of_json(content) for name, content in kept["tables"].items()}
    return EarlierPublication(folder.resolve(), kept["files"], tables)


def keep(folder: Path, storage_version: str, tables: Mapping[str, Content]) -> None:
    """Write down what a finished publication holds, for the next to go on from."""
    files = {str(path.relative_to(folder)): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    contents = {name: content.as_json() for name, content in tables.items()}
    kept = {"storage_version": storage_version, "files": files, "tables": contents}
    (folder / _KEPT).write_text(json.dumps(kept))


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
