"""A model's folder: written whole or not at all, and read only when every byte is what was signed.

Two lists of digests hold it together. `manifest.json` signs what scores (model, calibration, reference, out-of-time
predictions) and is itself signed by the version in its name. `evidence.json` signs what people read (card, plots,
the oracle's figures), which may be rendered again without making another model.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import ValidationError

from ml import scorecard, trees
from ml.errors import ModelFolderError
from ml.manifest import Manifest, canonical_json, sha256
from ml.model import (
    CALIBRATION_FILE,
    MODEL_FILE,
    REFERENCE_FILE,
    SAMPLE_FILE,
    TEST_FILE,
    Estimator,
    Model,
    Parts,
    Scaling,
)
from ml.scorecard import ScorecardEstimator
from ml.trees import TreeEstimator, booster_names

MANIFEST_FILE = "manifest.json"
EVIDENCE_FILE = "evidence.json"

ESTIMATORS: dict[str, Callable[[str], Estimator]] = {
    trees.KIND: TreeEstimator,
    scorecard.KIND: ScorecardEstimator,
}

REMEDY = "restore the folder from a copy or train again"


def write_atomically(path: Path, content: bytes) -> None:
    """Writes beside the target, syncs and renames: a reader sees the old bytes or the new ones."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)


def write_model(root: Path, model: Model, evidence: Mapping[str, bytes]) -> Path:
    """Writes `root/<version>`; a folder of that version that is already there is verified and left as it is."""
    target = root / model.version
    if target.exists():
        read_model(target)
        return target
    part = root / f".{model.version}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, content in model.parts.files().items():
        write_atomically(part / name, content)
    write_atomically(part / MANIFEST_FILE, model.manifest.to_bytes())
    write_evidence(part, evidence)
    os.replace(part, target)
    return target


def write_evidence(folder: Path, files: Mapping[str, bytes]) -> None:
    """Adds or replaces evidence files and signs them.

    While files are exchanged both digests are accepted, so that a crash half-way leaves a folder that still verifies.
    """
    signed = _signed_evidence(folder) if (folder / EVIDENCE_FILE).exists() else {}
    fresh = {name: sha256(content) for name, content in files.items()}
    for name in fresh.keys() - signed.keys():
        write_atomically(folder / name, files[name])
    either = {
        name: sorted({*signed.get(name, []), *([fresh[name]] if name in fresh else [])}) for name in signed | fresh
    }
    write_atomically(folder / EVIDENCE_FILE, canonical_json(either))
    for name in fresh.keys() & signed.keys():
        write_atomically(folder / name, files[name])
    final = {name: [fresh[name]] if name in fresh else digests for name, digests in either.items()}
    write_atomically(folder / EVIDENCE_FILE, canonical_json(final))


def evidence_of(folder: Path) -> dict[str, str]:
    """The evidence files of a folder with their sha256."""
    return {name: digests[-1] for name, digests in _signed_evidence(folder).items()}


def read_model(folder: Path) -> Model:
    """The model of a folder, after every signed file was checked.

    Raises:
        ModelFolderError: a file is missing or altered, or the parts do not belong together.
    """
    content = _read(folder, MANIFEST_FILE)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelFolderError(
            f"{MANIFEST_FILE} of model {folder.name} is altered at {field} ({first['msg']}); {REMEDY}."
        ) from None
    if manifest.to_bytes() != content or manifest.expected_version() != manifest.version:
        raise ModelFolderError(f"{MANIFEST_FILE} of model {folder.name} is altered: its digest is another; {REMEDY}.")
    unsigned = sorted({MODEL_FILE, CALIBRATION_FILE, REFERENCE_FILE, SAMPLE_FILE, TEST_FILE} - manifest.files.keys())
    if unsigned:
        raise ModelFolderError(f"The manifest of model {folder.name} does not sign {unsigned[0]}; {REMEDY}.")
    if manifest.version != folder.name:
        raise ModelFolderError(
            f"Folder {folder.name} holds model {manifest.version}; give the folder the name of its version."
        )
    files = {name: _verified(folder, name, [digest]) for name, digest in manifest.files.items()}
    for name, digests in _signed_evidence(folder).items():
        _verified(folder, name, digests)
    parts = Parts(
        estimator=_estimator(manifest, files[MODEL_FILE]),
        scaling=Scaling.model_validate_json(files[CALIBRATION_FILE]),
        reference=pq.read_table(io.BytesIO(files[REFERENCE_FILE])),
        reference_sample=pq.read_table(io.BytesIO(files[SAMPLE_FILE])),
        test=pq.read_table(io.BytesIO(files[TEST_FILE])),
    )
    return Model(manifest, parts)


def _estimator(manifest: Manifest, text: bytes) -> Estimator:
    kind = ESTIMATORS.get(manifest.estimator)
    if kind is None:
        raise ModelFolderError(
            f"Model {manifest.version} is a '{manifest.estimator}', which this version cannot read; "
            f"it reads {', '.join(ESTIMATORS)}: install the code version that trained it."
        )
    estimator = kind(text.decode())
    expected = booster_names([feature.name for feature in manifest.features])
    found = list(estimator.input_names)
    if found != expected:
        at = next(
            (i for i, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), min(len(found), len(expected))
        )
        listed, trained = (names[at] if at < len(names) else "none" for names in (expected, found))
        raise ModelFolderError(
            f"The manifest of model {manifest.version} lists feature '{listed}' at place {at + 1} where the model "
            "was trained "
            f"on '{trained}': one is missing, renamed or out of order; {REMEDY}."
        )
    return estimator


def _signed_evidence(folder: Path) -> dict[str, list[str]]:
    content = _read(folder, EVIDENCE_FILE)
    try:
        signed: dict[str, list[str]] = json.loads(content)
    except ValueError:
        signed = {}
    if not signed or canonical_json(signed) != content:
        raise ModelFolderError(f"{EVIDENCE_FILE} of model {folder.name} is altered; {REMEDY}.")
    return signed


def _verified(folder: Path, name: str, digests: list[str]) -> bytes:
    content = _read(folder, name)
    if sha256(content) not in digests:
        raise ModelFolderError(f"{name} of model {folder.name} is altered: its sha256 is not the signed one; {REMEDY}.")
    return content


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise ModelFolderError(f"{name} of model {folder.name} is missing; {REMEDY}.") from None
