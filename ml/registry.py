"""The model registry: a folder per version under one root, and which version holds which role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from ml.card import render_evidence
from ml.errors import ModelFolderError
from ml.folder import MANIFEST_FILE, read_model, write_atomically, write_model
from ml.manifest import canonical_json
from ml.model import Model

Role = Literal["champion", "challenger"]

ROLES: tuple[Role, ...] = ("champion", "challenger")
ROLES_FILE = "roles.json"


class ModelRegistry:
    """Models under `root`, by version or by role."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, model: Model) -> Path:
        """Writes the model's folder with its card; saving the same model again changes nothing. Gives the folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        return write_model(self.root, model, render_evidence(model))

    def versions(self) -> list[str]:
        """All stored versions, oldest first."""
        return sorted(path.parent.name for path in self.root.glob(f"ew-*/{MANIFEST_FILE}"))

    def folder(self, version: str) -> Path:
        """Where a version lives.

        Raises:
            ModelFolderError: there is no such version.
        """
        folder = self.root / version
        if not folder.is_dir():
            raise ModelFolderError(
                f"Model {version} is not in {self.root}, which holds {', '.join(self.versions()) or 'none'}; "
                "name one of these or train."
            )
        return folder

    def load(self, version: str) -> Model:
        """The model of a version, every file verified."""
        return read_model(self.folder(version))

    def load_role(self, role: Role) -> Model:
        """The model that holds the role, verified down to the digest with which the role was given."""
        entry = self._roles().get(role)
        if entry is None:
            raise ModelFolderError(f"No model is {role} in {self.root}; run `anchorwatch train` or assign a version.")
        model = self.load(entry["version"])
        if model.manifest.digest() != entry["digest"]:
            raise ModelFolderError(
                f"Model {entry['version']} is not the one that was made {role}: its digest is another; "
                "restore the folder or assign the role again."
            )
        return model

    def role(self, role: Role) -> str | None:
        """The version that holds the role, or None."""
        entry = self._roles().get(role)
        return entry["version"] if entry else None

    def assign(self, role: Role, version: str) -> None:
        """Gives the role to a version after verifying it; visible at once and whole."""
        if role not in ROLES:
            raise ModelFolderError(f"'{role}' is no role; a model is {' or '.join(ROLES)}.")
        model = self.load(version)
        roles = self._roles() | {role: {"version": model.version, "digest": model.manifest.digest()}}
        write_atomically(self.root / ROLES_FILE, canonical_json(roles))

    def _roles(self) -> dict[str, dict[str, str]]:
        path = self.root / ROLES_FILE
        if not path.exists():
            return {}
        try:
            roles: dict[str, dict[str, str]] = json.loads(path.read_bytes())
        except ValueError:
            raise ModelFolderError(f"{path} is not valid JSON; restore it or assign the roles again.") from None
        return roles
