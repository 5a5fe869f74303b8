"""The model registry: a folder per version under one root, which version holds which role, and how it came to it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ml.card import render_evidence
from ml.errors import ModelFolderError
from ml.folder import MANIFEST_FILE, evidence_of, read_model, write_atomically, write_model
from ml.manifest import canonical_json
from ml.model import Model

Role = Literal["champion", "challenger"]
State = Literal["candidate", "challenger", "champion", "retired"]

ROLES: tuple[Role, ...] = ("champion", "challenger")
ROLES_FILE = "roles.json"

# Without what it is worth on the past, nobody can answer for a promotion.
PROMOTION_EVIDENCE = "backtest.json"


class Holder(BaseModel):
    """Who holds a role, by the digest with which the role was given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    digest: str


class Transition(BaseModel):
    """A version became `state`: when (UTC), by whom and why, on which evidence (sha256 of its backtest)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    state: State
    at: datetime
    actor: str
    reason: str
    evidence: str | None = None


class _Roles(BaseModel):
    """The content of `roles.json`: one file, so that a role and its history change together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: dict[Role, Holder] = {}
    history: tuple[Transition, ...] = ()


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
        holder = self._read().roles.get(role)
        if holder is None:
            raise ModelFolderError(f"No model is {role} in {self.root}; run `anchorwatch train` or assign a version.")
        model = self.load(holder.version)
        if model.manifest.digest() != holder.digest:
            raise ModelFolderError(
                f"Model {holder.version} is not the one that was made {role}: its digest is another; "
                "restore the folder or assign the role again."
            )
        return model

    def role(self, role: Role) -> str | None:
        """The version that holds the role, or None."""
        holder = self._read().roles.get(role)
        return holder.version if holder else None

    def state(self, version: str) -> State:
        """What a stored version is now: a candidate until it holds a role, retired when it lost one."""
        steps = [step.state for step in self.history() if step.version == version]
        return steps[-1] if steps else "candidate"

    def history(self) -> tuple[Transition, ...]:
        """Every change of a role, oldest first."""
        return self._read().history

    def assign(self, role: Role, version: str, *, at: datetime, actor: str, reason: str) -> None:
        """Gives the role to a version after verifying it; visible at once and whole. Who held it is retired."""
        if role not in ROLES:
            raise ModelFolderError(f"'{role}' is no role; a model is {' or '.join(ROLES)}.")
        if not actor.strip() or not reason.strip():
            raise ModelFolderError("A role is given by somebody and for a reason; name both.")
        model = self.load(version)
        before = self._read()
        steps = [
            Transition(version=version, state=role, at=at, actor=actor, reason=reason, evidence=self._proof(version))
        ]
        roles = {name: holder for name, holder in before.roles.items() if holder.version != version}
        left = roles.get(role)
        if left is not None:
            steps.insert(
                0,
                Transition(
                    version=left.version, state="retired", at=at, actor=actor, reason=f"{version} is {role} now"
                ),
            )
        roles[role] = Holder(version=version, digest=model.manifest.digest())
        after = _Roles(roles=roles, history=(*before.history, *steps))
        write_atomically(self.root / ROLES_FILE, canonical_json(after.model_dump(mode="json")))

    def promote(self, version: str, *, at: datetime, actor: str, reason: str) -> None:
        """Makes a version the champion on the evidence in its folder.

        Raises:
            ModelFolderError: it is champion already, or its folder holds no backtest.
        """
        self.folder(version)
        if self.role("champion") == version:
            raise ModelFolderError(f"Model {version} is champion already.")
        if self._proof(version) is None:
            raise ModelFolderError(
                f"Model {version} has no {PROMOTION_EVIDENCE}; run `anchorwatch backtest --model {version}` first."
            )
        self.assign("champion", version, at=at, actor=actor, reason=reason)

    def rollback(self, *, at: datetime, actor: str, reason: str) -> str:
        """Gives the role of champion back to the version that held it before; gives that version.

        Raises:
            ModelFolderError: there was no other champion.
        """
        now = self.role("champion")
        earlier = [step.version for step in self.history() if step.state == "champion" and step.version != now]
        if now is None or not earlier:
            raise ModelFolderError(
                f"{self.root} has had no champion before {now or 'the first'}; nothing to go back to."
            )
        self.assign("champion", earlier[-1], at=at, actor=actor, reason=reason)
        return earlier[-1]

    def _proof(self, version: str) -> str | None:
        return evidence_of(self.folder(version)).get(PROMOTION_EVIDENCE)

    def _read(self) -> _Roles:
        path = self.root / ROLES_FILE
        if not path.exists():
            return _Roles()
        try:
            content = json.loads(path.read_bytes())
            # an earlier release wrote the roles alone
            return _Roles.model_validate(content if "roles" in content else {"roles": content})
        except (ValueError, TypeError, ValidationError):
            raise ModelFolderError(
                f"{path} is not what a registry holds; restore it or assign the roles again."
            ) from None
