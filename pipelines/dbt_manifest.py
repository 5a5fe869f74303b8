"""The dbt manifest: made when the project's files have changed, read for assets, publication and lineage."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pipelines.published_table import TableDocs
from pipelines.settings import CHECKOUT, Settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest as DbtManifest

SCHEMAS_FOR_READERS = ("core", "receivable", "exposure", "risk", "monitoring")

_PARSED: dict[str, DbtManifest] = {}


class ManifestError(Exception):
    """dbt cannot read its project."""


def project_digest(settings: Settings) -> str:
    """Digest of all that decides the manifest: the project's place and files. A home decides nothing of it."""
    digest = hashlib.sha256(str(settings.dbt_project).encode())
    files = sorted(p for p in settings.dbt_project.rglob("*") if p.suffix in {".sql", ".yml", ".csv", ".md"})
    for path in files:
        relative = path.relative_to(settings.dbt_project)
        if relative.parts[0] not in {"target", "logs"}:
            digest.update(str(relative).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def ensure_manifest(settings: Settings) -> Path:
    """Parse the dbt project unless the manifest at hand was made from the same files; returns its path.

    Raises:
        ManifestError: dbt cannot read the project.
    """
    digest = project_digest(settings)
    if not _is_made_from(settings, digest):
        _keep(digest, _parse(settings))
        _mark(settings).write_text(digest)
    return settings.manifest


def parsed_project(settings: Settings) -> DbtManifest:
    """The project as dbt's own object, for runs in this process; parsed once for each state of its files.

    Raises:
        ManifestError: dbt cannot read the project.
    """
    ensure_manifest(settings)
    digest = project_digest(settings)
    if digest not in _PARSED:
        # what dbt keeps of a parse is read in a tenth of the time, and its manifest need not be written again
        _keep(digest, _parse(settings, "--no-write-json"))
    return _PARSED[digest]


def share_manifest(settings: Settings, beside: Settings) -> None:
    """Give another home what dbt keeps of the parsed project, which then need not be parsed for it as well.

    Raises:
        ManifestError: dbt cannot read the project.
    """
    ensure_manifest(settings)
    beside.dbt_target.mkdir(parents=True, exist_ok=True)
    for path in settings.dbt_target.iterdir():
        if path.is_file():
            shutil.copyfile(path, beside.dbt_target / path.name)


def _keep(digest: str, project: DbtManifest) -> None:
    """The newest alone: a server that outlives a change of the project has no use for what it was."""
    _PARSED.clear()
    _PARSED[digest] = project


def _is_made_from(settings: Settings, digest: str) -> bool:
    return settings.manifest.exists() and _mark(settings).exists() and _mark(settings).read_text() == digest


def _parse(settings: Settings, *options: str) -> DbtManifest:
    # imported where used: it takes seconds, and most commands need no dbt
    from dbt.cli.main import dbtRunner

    settings.dbt_target.mkdir(parents=True, exist_ok=True)
    target = str(settings.dbt_target)
    _forget_another_checkout(settings)
    parsed = dbtRunner().invoke(
        [
            *("parse", "--project-dir", str(settings.dbt_project), "--target", "parse", "--target-path", target),
            *("--log-path", target, "--log-level", "none", "--log-level-file", "warn", "--no-use-colors-file"),
            *options,
        ]
    )
    if not parsed.success:
        raise ManifestError(f"dbt cannot read {settings.dbt_project}: {parsed.exception or 'see dbt.log'}")
    return cast("DbtManifest", parsed.result)


def _forget_another_checkout(settings: Settings) -> None:
    """What dbt keeps of a parse names the folder of its seeds, and is not made anew for a project that moved."""
    place = settings.dbt_target / "project.path"
    if not place.exists() or place.read_text() != str(settings.dbt_project):
        (settings.dbt_target / "partial_parse.msgpack").unlink(missing_ok=True)
        place.write_text(str(settings.dbt_project))


def _mark(settings: Settings) -> Path:
    """Names the state of the project's files from which the manifest was made."""
    return settings.dbt_target / "project.sha256"


def code_version() -> str:
    """Commit of the checkout, with `+` when files differ from it; `unversioned` where there is no git."""
    try:
        commit = subprocess.run(
            ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty=+", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unversioned"
    return commit.stdout.strip()


class Manifest:
    """Read access to the facts of a dbt manifest that the pipelines need."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._path.read_text())
        return content

    @cached_property
    def models(self) -> dict[str, dict[str, Any]]:
        """Models by `schema.table`."""
        return {
            f"{node['schema']}.{node['alias']}": node
            for node in self._content["nodes"].values()
            if node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral"
        }

    def tables_for_readers(self) -> list[str]:
        """`schema.table` of every mart, sorted."""
        return sorted(name for name, node in self.models.items() if node["schema"] in SCHEMAS_FOR_READERS)

    def docs_for_readers(self) -> dict[str, TableDocs]:
        """What every mart and its columns mean, by `schema.table`."""
        return {name: self._docs(self.models[name]) for name in self.tables_for_readers()}

    def _docs(self, model: dict[str, Any]) -> TableDocs:
        columns = {name: str(column["description"]) for name, column in model["columns"].items()}
        return TableDocs(str(model["description"]), columns)

    def feeds_behind(self, table: str) -> set[str]:
        """The `source.feed` names from which a table is made, through all models between."""
        parents: dict[str, list[str]] = self._content["parent_map"]
        todo, seen = [str(self.models[table]["unique_id"])], set()
        while todo:
            for parent in parents.get(todo.pop(), []):
                if parent not in seen:
                    seen.add(parent)
                    todo.append(parent)
        sources = self._content["sources"]
        return {f"{sources[s]['source_name']}.{sources[s]['name']}" for s in seen if s in sources}
