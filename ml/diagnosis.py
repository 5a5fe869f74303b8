"""What kind of change a night brings: a fault of the data, or another population.

Features look back a month at least, so one honest day hardly moves their distribution. Where it jumps overnight, two
things tell the cause apart. A fault sits in a source: many features of that source jump, in every sector. A shock sits
in the population: features of several sources jump, in one sector, while the others stay where they were. What moved
slowly against the reference is no jump; it is drift (`ml.drift`), and whether the model still holds is told by outcomes
(`monitoring.model_performance`).

Compared are the same suppliers on both nights, by the PSI of each feature over bins of the night before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import chdtri

from ml.dataset import Frame, as_table, entities, feature_values, require_columns
from ml.drift import USUAL, DriftThresholds
from ml.features import Feature
from ml.model import Model
from ml.reference import bin_edges, psi

# Fewer features that jump are single events, whatever their share.
LEAST_FEATURES = 3
SMALLEST_SECTOR = 30

DIAGNOSIS_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("model_role", pa.string()),
        ("model_version", pa.string()),
        ("kind", pa.string()),
        ("subject", pa.string()),
        ("feature_count", pa.int64()),
        ("features", pa.string()),
        ("evidence", pa.string()),
    ]
)


@dataclass(frozen=True)
class Finding:
    """One cause: `kind` DATA_FAULT with a source or feed as `subject`, or POPULATION_CHANGE with a sector, or ALL."""

    kind: str
    subject: str
    features: tuple[str, ...]
    evidence: str


@dataclass(frozen=True)
class _Jumps:
    """Which features jumped, over all suppliers and over each sector and its rest; arrays in feature order."""

    whole: NDArray[np.bool_]
    gone: NDArray[np.bool_]
    inside: Mapping[str, NDArray[np.bool_]]
    outside: Mapping[str, NDArray[np.bool_]]


def diagnose(
    night: Frame,
    before: Frame | None,
    model: Model,
    *,
    late_feeds: Mapping[str, str] | None = None,
    thresholds: DriftThresholds = USUAL,
    sector_column: str = "sector_code",
) -> tuple[Finding, ...]:
    """The causes of what jumped between two nights; nothing where nothing did.

    Args:
        night: the night's rows with key, `sector_column` and all features of the model.
        before: the rows of the last night before, or None on a first night.
        late_feeds: feed to the sentence why it is late; each is a fault of its own.
        thresholds: from where on a move counts.

    Raises:
        FrameError: a feature column is absent or not numeric.
    """
    found = [Finding("DATA_FAULT", feed, (), sentence) for feed, sentence in sorted((late_feeds or {}).items())]
    if before is not None:
        found += _of_jumps(_eligible(night), _eligible(before), model, thresholds, sector_column)
    return tuple(found)


def diagnosis_table(findings: Sequence[Finding], as_of_date: date, model: Model, role: str) -> pa.Table:
    """Findings as rows of `DIAGNOSIS_SCHEMA`."""
    count = len(findings)
    return pa.table(
        [
            pa.repeat(pa.scalar(as_of_date, pa.date32()), count),
            pa.repeat(role, count),
            pa.repeat(model.version, count),
            pa.array([finding.kind for finding in findings], pa.string()),
            pa.array([finding.subject for finding in findings], pa.string()),
            pa.array([len(finding.features) for finding in findings], pa.int64()),
            pa.array([", ".join(finding.features) for finding in findings], pa.string()),
            pa.array([finding.evidence for finding in findings], pa.string()),
        ],
        schema=DIAGNOSIS_SCHEMA,
    )


def _eligible(frame: Frame) -> pa.Table:
    table = as_table(frame)
    if "population_status" in table.column_names:
        table = table.filter(pc.equal(table.column("population_status"), "ELIGIBLE"))
    return table


def _of_jumps(
    night: pa.Table, before: pa.Table, model: Model, limits: DriftThresholds, sector_column: str
) -> list[Finding]:
    own = [feature for feature in model.features if feature.level == "supplier"]
    _, id_column = model.manifest.key
    for table in (night, before):
        require_columns(table, [id_column, *(feature.name for feature in own)], f"the diagnosis of {model.version}")
    now, then = _same_suppliers(night, before, id_column)
    if now.num_rows == 0 or not own:
        return []
    sectors = entities(now, sector_column) if sector_column in now.column_names else np.full(now.num_rows, "")
    jumps = _jumps(now, then, own, sectors.astype(str), limits)
    if not jumps.whole.any() and not any(inside.any() for inside in jumps.inside.values()):
        return []
    shock = _sector_that_stands_out(jumps, own, limits)
    if shock is not None:
        return [shock]
    faults = _sources_at_fault(jumps, own, limits)
    if faults:
        return faults
    if jumps.whole.sum() < max(LEAST_FEATURES, limits.faulty_source_ratio * len(own)):
        return []
    names = tuple(feature.name for feature, jumped in zip(own, jumps.whole, strict=True) if jumped)
    evidence = f"{len(names)} of {len(own)} features of suppliers jumped overnight, in no one source and no one sector."
    return [Finding("POPULATION_CHANGE", "ALL", names, evidence)]


def _same_suppliers(night: pa.Table, before: pa.Table, id_column: str) -> tuple[pa.Table, pa.Table]:
    """Rows of the suppliers that are in both, in the same order."""
    _, now, then = np.intersect1d(
        entities(night, id_column).astype(str), entities(before, id_column).astype(str), return_indices=True
    )
    return night.take(pa.array(now)), before.take(pa.array(then))


def _jumps(
    now: pa.Table, then: pa.Table, own: Sequence[Feature], sectors: NDArray[np.str_], limits: DriftThresholds
) -> _Jumps:
    names, sizes = np.unique(sectors, return_counts=True)
    large = [name for name, size in zip(names, sizes, strict=True) if name and size >= SMALLEST_SECTOR]
    parts = {name: sectors == name for name in large if (sectors != name).sum() >= SMALLEST_SECTOR}
    whole, gone = np.zeros(len(own), dtype=bool), np.zeros(len(own), dtype=bool)
    inside = {name: np.zeros(len(own), dtype=bool) for name in parts}
    outside = {name: np.zeros(len(own), dtype=bool) for name in parts}
    for place, feature in enumerate(own):
        old, new = feature_values(then, feature), feature_values(now, feature)
        edges = bin_edges(old[~np.isnan(old)])
        was, is_now = _binned(old, edges), _binned(new, edges)
        whole[place] = _jumped(was, is_now, len(edges) + 2, len(own), limits)
        gone[place] = np.isnan(new).mean() - np.isnan(old).mean() > limits.material_psi
        for name, rows in parts.items():
            inside[name][place] = _jumped(was[rows], is_now[rows], len(edges) + 2, len(own), limits)
            outside[name][place] = _jumped(was[~rows], is_now[~rows], len(edges) + 2, len(own), limits)
    return _Jumps(whole, gone, inside, outside)


def _binned(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))


def _jumped(was: NDArray[np.intp], now: NDArray[np.intp], bins: int, features: int, limits: DriftThresholds) -> bool:
    """Whether the PSI exceeds what two samples of the size differ by in one night of twenty for any feature at all.

    The same suppliers on two nights differ by less than two samples would, so this rings too late rather than too soon.
    """
    counts = [np.bincount(values, minlength=bins).astype(np.float64) for values in (was, now)]
    filled = int(((counts[0] + counts[1]) > 0).sum())
    critical = 2 / len(was) * chdtri(max(filled - 1, 1), limits.false_alarm_ratio / features)
    return bool(psi(counts[0], counts[1]) > max(critical, limits.material_psi))


def _sector_that_stands_out(jumps: _Jumps, own: Sequence[Feature], limits: DriftThresholds) -> Finding | None:
    best: Finding | None = None
    for name, inside in jumps.inside.items():
        confined = inside & ~jumps.outside[name] & ~jumps.gone
        sources = {source for feature, here in zip(own, confined, strict=True) if here for source in feature.sources}
        # one source that jumps in one sector alone is a fault at its sender, not a shock
        if (
            confined.sum() < LEAST_FEATURES
            or confined.sum() < limits.confined_sector_ratio * inside.sum()
            or len(sources) < 2
        ):
            continue
        features = tuple(feature.name for feature, here in zip(own, confined, strict=True) if here)
        if best is None or len(features) > len(best.features):
            evidence = (
                f"{len(features)} features from {', '.join(sorted(sources))} jumped overnight in sector {name} and "
                "stayed where they were in the others."
            )
            best = Finding("POPULATION_CHANGE", f"sector {name}", features, evidence)
    return best


def _sources_at_fault(jumps: _Jumps, own: Sequence[Feature], limits: DriftThresholds) -> list[Finding]:
    found = []
    for source in sorted({source for feature in own for source in feature.sources}):
        alone = np.array([feature.sources == (source,) for feature in own])
        jumped = alone & jumps.whole
        if jumped.sum() < LEAST_FEATURES or jumped.sum() < limits.faulty_source_ratio * alone.sum():
            continue
        features = tuple(feature.name for feature, here in zip(own, jumped, strict=True) if here)
        missing = int((jumped & jumps.gone).sum())
        how = f"; {missing} of them are missing where they were known" if missing else ""
        evidence = (
            f"{len(features)} of the {int(alone.sum())} features that {source} alone tells jumped overnight in every "
            f"sector{how}."
        )
        found.append(Finding("DATA_FAULT", source, features, evidence))
    return found
