from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from ml import Model, score
from ml.card import CARD_FILE, ORACLE_FILE, OracleComparison, add_oracle
from ml.errors import FrameError, ModelFolderError
from ml.folder import EVIDENCE_FILE, MANIFEST_FILE, read_model, write_evidence, write_model
from ml.manifest import Manifest
from ml.registry import PROMOTION_EVIDENCE, ModelRegistry

DECISION = {
    "at": datetime(2026, 7, 1, 8, 30, tzinfo=UTC).replace(tzinfo=None),
    "actor": "A. Validator",
    "reason": "first of its kind",
}
SIGNED = [
    "manifest.json",
    "evidence.json",
    "model.txt",
    "calibration.json",
    "reference.parquet",
    "reference_sample.parquet",
    "oot_predictions.parquet",
    "model_card.md",
    "roc.png",
    "calibration.png",
    "importance.png",
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Path:
    root = tmp_path_factory.mktemp("saved")
    ModelRegistry(root).save(model)
    return root


@pytest.fixture
def registry(tmp_path: Path, saved: Path) -> ModelRegistry:
    """A registry of its own that a test may spoil."""
    return ModelRegistry(Path(shutil.copytree(saved, tmp_path / "models")))


def test_a_loaded_model_scores_as_the_fitted_one(registry: ModelRegistry, model: Model, night: pd.DataFrame) -> None:
    loaded = registry.load(model.version)
    assert loaded.manifest == model.manifest
    assert score(loaded, night).supplier_score.equals(score(model, night).supplier_score)
    assert score(loaded, night).score_reason.equals(score(model, night).score_reason)


def test_the_folder_holds_what_is_signed_and_nothing_else(registry: ModelRegistry, model: Model) -> None:
    assert sorted(os.listdir(registry.folder(model.version))) == sorted(SIGNED)
    assert os.listdir(registry.root) == [model.version]


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_one_altered_byte_is_refused(registry: ModelRegistry, model: Model, name: str, place: float) -> None:
    path = registry.folder(model.version) / name
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 0x01
    path.write_bytes(bytes(content))
    with pytest.raises(ModelFolderError, match=f"{name} .*altered|missing"):
        registry.load(model.version)


@pytest.mark.parametrize("name", SIGNED)
def test_a_missing_file_is_refused(registry: ModelRegistry, model: Model, name: str) -> None:
    (registry.folder(model.version) / name).unlink()
    with pytest.raises(ModelFolderError, match=f"{name} .*missing"):
        registry.load(model.version)


@pytest.mark.parametrize("change", ["missing", "reordered", "renamed"])
def test_a_feature_list_that_is_not_the_boosters_is_refused_even_when_signed(
    tmp_path: Path, model: Model, change: str
) -> None:
    features = list(model.features)
    if change == "missing":
        features.pop(1)
    elif change == "reordered":
        features[1], features[2] = features[2], features[1]
    else:
        features[1] = features[1].model_copy(update={"name": "overdue_ratio"})
    forged: Manifest = model.manifest.model_copy(update={"features": tuple(features)}).sealed()
    folder = write_model(tmp_path, replace(model, manifest=forged), {CARD_FILE: b"card"})
    with pytest.raises(ModelFolderError, match="where the model was trained on 'overdue_share'"):
        read_model(folder)


def test_a_folder_under_another_versions_name_is_refused(registry: ModelRegistry, model: Model) -> None:
    other = registry.root / "ew-2026-06-30-00000000"
    registry.folder(model.version).rename(other)
    with pytest.raises(ModelFolderError, match="give the folder the name of its version"):
        registry.load(other.name)


def test_saving_twice_changes_nothing(registry: ModelRegistry, model: Model) -> None:
    folder = registry.folder(model.version)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    registry.save(model)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_role_is_given_by_version_and_digest(registry: ModelRegistry, model: Model) -> None:
    assert registry.role("champion") is None
    with pytest.raises(ModelFolderError, match="No model is champion"):
        registry.load_role("champion")
    registry.assign("champion", model.version, **DECISION)
    assert registry.role("champion") == model.version
    assert registry.load_role("champion").version == model.version
    assert registry.versions() == [model.version]

    roles = registry.root / "roles.json"
    roles.write_text(roles.read_text().replace(model.manifest.digest(), "0" * 64))
    with pytest.raises(ModelFolderError, match="is not the one that was made champion"):
        registry.load_role("champion")


def test_an_unknown_version_is_refused_with_those_there_are(registry: ModelRegistry, model: Model) -> None:
    with pytest.raises(ModelFolderError, match=f"which holds {model.version}"):
        registry.assign("challenger", "ew-2020-01-01-00000000", **DECISION)


def test_no_clock_and_no_path_is_in_the_folder(registry: ModelRegistry, model: Model, tmp_path: Path) -> None:
    other = ModelRegistry(tmp_path / "elsewhere")
    other.save(model)
    for name in (*model.manifest.files, MANIFEST_FILE, CARD_FILE):
        assert (other.folder(model.version) / name).read_bytes() == (registry.folder(model.version) / name).read_bytes()


def oracle_table(frame: pd.DataFrame) -> pa.Table:
    rows = frame[["as_of_date", "supplier_id", "pd_true"]].rename(columns={"pd_true": "pd_oracle"})
    return pa.Table.from_pandas(rows, preserve_index=False)


def test_the_oracle_is_compared_on_the_same_rows_and_the_folder_stays_whole(
    registry: ModelRegistry, model: Model, frame: pd.DataFrame
) -> None:
    folder = registry.folder(model.version)
    window = model.manifest.windows.test
    part = frame[(frame["as_of_date"] == window.last) & (frame["supplier_id"] < "S00300")]
    comparison = add_oracle(folder, oracle_table(part))
    assert comparison.rows == comparison.model.rows == comparison.oracle.rows == 300
    assert comparison.model.events == comparison.oracle.events
    assert OracleComparison.model_validate_json((folder / ORACLE_FILE).read_bytes()) == comparison
    assert "oracle's rows" in (folder / CARD_FILE).read_text()
    assert registry.load(model.version).version == model.version

    whole = add_oracle(folder, oracle_table(frame))
    assert whole.rows == window.rows
    assert whole.oracle.auc.value > whole.model.auc.value
    assert whole.model.auc == model.manifest.evaluation.auc
    assert registry.load(model.version).version == model.version


def test_an_oracle_that_knows_nothing_is_said_so(registry: ModelRegistry, model: Model, frame: pd.DataFrame) -> None:
    folder = registry.folder(model.version)
    comparison = add_oracle(folder, oracle_table(frame.assign(pd_true=0.04)))
    assert comparison.oracle.auc.value == 0.5
    assert comparison.share_of_oracle is None
    assert "no better than chance" in (folder / CARD_FILE).read_text()


def test_an_altered_oracle_is_refused(registry: ModelRegistry, model: Model, frame: pd.DataFrame) -> None:
    folder = registry.folder(model.version)
    add_oracle(folder, oracle_table(frame))
    (folder / ORACLE_FILE).write_text((folder / ORACLE_FILE).read_text().replace("0.", "1.", 1))
    with pytest.raises(ModelFolderError, match=r"oracle\.json of model .* is altered"):
        registry.load(model.version)


def test_a_crash_while_evidence_is_exchanged_leaves_a_folder_that_loads(
    registry: ModelRegistry, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = registry.folder(model.version)
    real = os.replace
    for survived in range(6):
        written: list[str] = []

        def crash(source: str, target: str, survived: int = survived, written: list[str] = written) -> None:
            if len(written) == survived:
                raise KeyboardInterrupt
            written.append(str(target))
            real(source, target)

        monkeypatch.setattr("ml.folder.os.replace", crash)
        try:
            write_evidence(folder, {CARD_FILE: b"%d" % survived, "roc.png": b"%d" % survived, ORACLE_FILE: b"{}"})
        except KeyboardInterrupt:
            assert read_model(folder).version == model.version
        monkeypatch.setattr("ml.folder.os.replace", real)
    assert (folder / CARD_FILE).read_bytes() == b"5"
    assert len(json.loads((folder / EVIDENCE_FILE).read_bytes())) == 5


def test_an_oracle_of_other_dates_is_refused(registry: ModelRegistry, model: Model, frame: pd.DataFrame) -> None:
    early = frame[pd.to_datetime(frame["as_of_date"]) < pd.Timestamp(date(2025, 1, 1))]
    with pytest.raises(FrameError, match="No row of the oracle's table is in the test window"):
        add_oracle(registry.folder(model.version), oracle_table(early))


@pytest.fixture
def two(registry: ModelRegistry, model: Model) -> tuple[str, str]:
    """Two stored versions, the first of them champion."""
    other = Model(model.manifest.model_copy(update={"seed": model.manifest.seed + 1}).sealed(), model.parts)
    registry.save(other)
    registry.assign("champion", model.version, **DECISION)
    return model.version, other.version


def test_a_model_is_promoted_on_evidence_and_the_one_before_is_retired(
    registry: ModelRegistry, two: tuple[str, str]
) -> None:
    candidate = two[1]
    assert [registry.state(version) for version in two] == ["champion", "candidate"]
    with pytest.raises(ModelFolderError, match=f"has no {PROMOTION_EVIDENCE}; run `anchorwatch backtest"):
        registry.promote(candidate, **DECISION)
    write_evidence(registry.folder(candidate), {PROMOTION_EVIDENCE: b"{}"})
    registry.assign("challenger", candidate, **DECISION)
    registry.promote(candidate, **{**DECISION, "reason": "better in every segment"})
    assert [registry.state(version) for version in two] == ["retired", "champion"]
    assert registry.role("champion") == candidate
    assert registry.role("challenger") is None, "a champion is not its own challenger"
    last = registry.history()[-1]
    assert (last.actor, last.reason, last.at) == ("A. Validator", "better in every segment", DECISION["at"])
    assert last.evidence is not None
    with pytest.raises(ModelFolderError, match="is champion already"):
        registry.promote(candidate, **DECISION)


def test_a_promotion_is_taken_back_by_one_step(registry: ModelRegistry, two: tuple[str, str]) -> None:
    champion, candidate = two
    with pytest.raises(ModelFolderError, match="has had no champion before"):
        registry.rollback(**DECISION)
    write_evidence(registry.folder(candidate), {PROMOTION_EVIDENCE: b"{}"})
    registry.promote(candidate, **DECISION)
    assert registry.rollback(**DECISION) == champion
    assert registry.role("champion") == champion
    assert registry.state(candidate) == "retired"


def test_nobody_decides_without_a_name_and_a_reason(registry: ModelRegistry, two: tuple[str, str]) -> None:
    for missing in ("actor", "reason"):
        with pytest.raises(ModelFolderError, match="given by somebody and for a reason"):
            registry.assign("challenger", two[1], **{**DECISION, missing: " "})
    assert registry.role("challenger") is None


def test_roles_of_an_earlier_release_still_hold(registry: ModelRegistry, model: Model) -> None:
    holder = {"version": model.version, "digest": model.manifest.digest()}
    (registry.root / "roles.json").write_text(json.dumps({"champion": holder}))
    assert registry.load_role("champion").version == model.version
    assert registry.history() == ()


def test_a_field_that_a_later_release_adds_does_not_make_a_model_an_altered_one(
    registry: ModelRegistry, model: Model
) -> None:
    content = json.loads((registry.folder(model.version) / MANIFEST_FILE).read_bytes())
    assert "level" not in content["features"][0], "a default that nobody set is not written"
    assert registry.load(model.version).features[0].level == "supplier"
