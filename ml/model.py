"""A fitted model as one value: estimator, calibration, grade scale, reference and manifest. Scoring it is a pure
function."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ml.calibration import Calibration, GradeScale
from ml.dataset import Matrix
from ml.features import Feature
from ml.manifest import Manifest, canonical_json
from ml.term import LaterHorizon, later_probabilities

Floats = NDArray[np.float64]

MODEL_FILE = "model.txt"
CALIBRATION_FILE = "calibration.json"
REFERENCE_FILE = "reference.parquet"
SAMPLE_FILE = "reference_sample.parquet"
TEST_FILE = "oot_predictions.parquet"

TEST_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("supplier_id", pa.string()),
        ("label", pa.bool_()),
        ("pd_90d", pa.float64()),
    ]
)


class Estimator(Protocol):
    """What a kind of model must offer. `text` is its whole state; a raw score is log-odds, higher is riskier."""

    @property
    def kind(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def summary(self) -> str: ...

    @property
    def input_names(self) -> tuple[str, ...]: ...

    def raw_scores(self, matrix: Matrix) -> Floats: ...

    def contributions(self, matrix: Matrix) -> tuple[Floats, Floats]: ...

    def importance(self) -> Floats: ...


class Scaling(BaseModel):
    """The content of `calibration.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: Calibration
    later: tuple[LaterHorizon, ...]
    grade_scale: GradeScale


@dataclass(frozen=True)
class Parts:
    """Everything of a model that is stored in files of its own.

    `reference` follows `ml.reference.REFERENCE_SCHEMA`; `test` (`TEST_SCHEMA`) holds the out-of-time predictions;
    `reference_sample` some of the same rows with their feature and segment columns, without keys.
    """

    estimator: Estimator
    scaling: Scaling
    reference: pa.Table
    reference_sample: pa.Table
    test: pa.Table

    def files(self) -> dict[str, bytes]:
        """File name to content; the same parts give the same bytes."""
        return {
            MODEL_FILE: self.estimator.text.encode(),
            CALIBRATION_FILE: canonical_json(self.scaling.model_dump(mode="json")),
            REFERENCE_FILE: parquet_bytes(self.reference),
            SAMPLE_FILE: parquet_bytes(self.reference_sample),
            TEST_FILE: parquet_bytes(self.test),
        }


@dataclass(frozen=True)
class Model:
    """A fitted model. Equal versions mean equal scores."""

    manifest: Manifest
    parts: Parts

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def features(self) -> tuple[Feature, ...]:
        return self.manifest.features

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.manifest.features)

    @property
    def scale(self) -> GradeScale:
        return self.parts.scaling.grade_scale

    def raw_scores(self, matrix: Matrix) -> Floats:
        """Log-odds before calibration, shape (rows,)."""
        return self.parts.estimator.raw_scores(matrix)

    def contributions(self, matrix: Matrix) -> tuple[Floats, Floats]:
        """Parts of the raw score, (rows, features), and the base value (rows,)."""
        return self.parts.estimator.contributions(matrix)

    def probability(self, raw_scores: Floats) -> Floats:
        """Calibrated PD over the horizon, 8 decimals."""
        return self.parts.scaling.calibration.probability(raw_scores)

    def later_probability(self, raw_scores: Floats) -> dict[int, Floats]:
        """PD over each longer horizon the model knows, in days; never smaller than over a shorter one."""
        return later_probabilities(self.probability(raw_scores), raw_scores, self.parts.scaling.later)

    def important_features(self, count: int) -> list[str]:
        """Names of the features that decide most, first the most important."""
        order = np.argsort(-self.parts.estimator.importance(), kind="stable")[:count]
        return [self.features[position].name for position in order]


def parquet_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
