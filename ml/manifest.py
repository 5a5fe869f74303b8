"""The record of a fit: everything that makes a model this model, and the digests that hold its folder together."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ml.backtest.metrics import Evaluation
from ml.features import Feature
from ml.segments import SegmentEvaluation

SplitName = Literal["time", "entity", "nested"]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelDefinition(Record):
    column: str
    horizon_days: int
    definition: str
    later: dict[int, str]


class Window(Record):
    """Rows of one window of the split; first and last are snapshot dates."""

    first: date
    last: date
    snapshots: int
    rows: int
    events: int
    groups: int


class Windows(Record):
    train: Window
    calibration: Window
    test: Window


class Manifest(Record):
    """What `manifest.json` holds.

    `version` ends in the first eight characters of `digest()`, which covers every other field, and these cover every
    file by its sha256. `left_out` says of columns that could have been learned from why they were not. No clock and no
    path is in it: the same data and the same settings give the same version. What was never set is not written, so that
    a field that a later release adds makes no altered manifest of one that knows nothing of it.
    """

    version: str = ""
    as_of_date: date
    estimator: str
    features: tuple[Feature, ...]
    registry_digest: str
    key: tuple[str, str]
    segment_columns: tuple[str, ...]
    label: LabelDefinition
    split: SplitName
    embargo_days: int
    windows: Windows
    params: dict[str, Any]
    seed: int
    data_digest: str
    libraries: dict[str, str]
    evaluation: Evaluation
    later_evaluations: dict[int, Evaluation]
    segments: dict[str, SegmentEvaluation]
    left_out: dict[str, str]
    files: dict[str, str]

    def digest(self) -> str:
        return sha256(canonical_json(self.model_dump(mode="json", exclude={"version"}, exclude_unset=True)))

    def expected_version(self) -> str:
        return f"ew-{self.as_of_date.isoformat()}-{self.digest()[:8]}"

    def sealed(self) -> Manifest:
        """The manifest with its version filled in."""
        return self.model_copy(update={"version": self.expected_version()})

    def to_bytes(self) -> bytes:
        return canonical_json(self.model_dump(mode="json", exclude_unset=True))


def canonical_json(content: object) -> bytes:
    """One spelling per content, so that any changed byte is a changed content."""
    return (json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
