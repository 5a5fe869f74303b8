"""What a publication takes over from the one before: its database, and Parquet files in which nothing has changed.

Beside its tables each publication keeps the sums of their slices and the SHA-256 of its files, in a hidden file of its
folder. What is no longer as it was written is not taken over.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.published_table import Content

DATABASE = "anchorwatch.duckdb"
_KEPT = ".contents.json"
_FORMAT = 1


@dataclass(frozen=True)
class EarlierPublication:
    """A publication as it was written; ``files`` has the SHA-256 of each by its path below the folder.

    ``linked`` are the files that were taken over from it.
    """

    folder: Path
    files: Mapping[str, str]
    tables: Mapping[str, Content]
    linked: set[str] = field(default_factory=set)

    def has_copied_database(self, building: Path) -> bool:
        """Copy the database; whether it is as it was written. Another leaves no copy."""
        copy = building / DATABASE
        try:
            # the kernel's own copying, several times as fast as one block after the other through Python
            shutil.copyfile(self.folder / DATABASE, copy)
        except FileNotFoundError:
            return False
        is_sound = sha256_of(copy) == self.files.get(DATABASE)
        if not is_sound:
            copy.unlink()
        return is_sound

    def has_linked(self, file: str, building: Path) -> bool:
        """Give the publication that is being built the same file; False where it is not as it was written.

        False, too, where it may not be linked: of another owner, or on a disk that knows no second name of a file.
        """
        path = self.folder / file
        if not path.is_file() or sha256_of(path) != self.files.get(file):
            return False
        (building / file).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, building / file)
        except OSError:
            return False
        self.linked.add(file)
        return True


def earlier_publication(folder: Path, storage_version: str) -> EarlierPublication | None:
    """The publication in a folder; None where there is none that can be gone on from."""
    try:
        kept = json.loads((folder / _KEPT).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if (kept.get("format"), kept.get("storage_version")) != (_FORMAT, storage_version):
        return None
    tables = {name: Content.of_json(content) for name, content in kept["tables"].items()}
    return EarlierPublication(folder.resolve(), kept["files"], tables)


def keep(folder: Path, storage_version: str, tables: Mapping[str, Content], earlier: EarlierPublication | None) -> None:
    """Write down what a finished publication holds, for the next to go on from; ``earlier`` is what it went on from."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            file = str(path.relative_to(folder))
            files[file] = earlier.files[file] if earlier and file in earlier.linked else sha256_of(path)
    contents = {name: content.as_json() for name, content in tables.items()}
    kept = {"format": _FORMAT, "storage_version": storage_version, "files": files, "tables": contents}
    (folder / _KEPT).write_text(json.dumps(kept))


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
