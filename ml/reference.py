"""What a model was proved on, kept beside it: bins and counts per feature for drift, and a small sample for the report.

The reference is the out-of-time test window: the newest rows on which the model's quality is known. A night that
looks like them is a night on which that evidence still speaks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.dataset import Dataset, feature_values
from ml.features import Feature

BIN_COUNT = 10
MISSING_BIN = -1
SAMPLE_ROWS = 2_000
YEAR = np.timedelta64(365, "D")

# Added to each bin's count, so that an empty bin has a finite PSI.
SMOOTHING = 0.5

REFERENCE_SCHEMA = pa.schema(
    [
        ("feature_name", pa.string()),
        ("bin", pa.int32()),
        ("upper", pa.float64()),
        ("reference_count", pa.int64()),
        ("reference_share", pa.float64()),
        ("reference_missing_ratio", pa.float64()),
        ("reference_rows", pa.int64()),
        ("reference_suppliers", pa.int64()),
        ("reference_snapshot_psi", pa.float64()),
    ]
)


def reference_bins(window: Dataset, history: Dataset, features: Sequence[Feature]) -> pa.Table:
    """One row per feature and bin (`REFERENCE_SCHEMA`): bin i holds upper(i-1) < value <= upper(i), bin -1 the missing.

    Args:
        window: the rows of the reference.
        history: all rows that were learned from or judged by. Those before the window, of the year that ends with it,
            tell with the window's own how far features move; rows of the window's dates outside it are other firms.

    `reference_snapshot_psi` is the largest PSI of one snapshot of that year against the window, or against the rest of
    the window for its own snapshots: how far the feature moves on its own. What a whole night has in common (an index,
    a season, one core enterprise behind many suppliers) shows there and in no sampling theory, and a window of some
    months has not seen every season. The last bin has no upper bound (null). Edges are observed deciles, so a flag or a
    column full of zeros keeps whole values in one bin.
    """
    suppliers = len(np.unique(window.ids.astype(str)))
    rows = len(window)
    earlier = history.take((history.dates > window.dates.max() - YEAR) & (history.dates < window.dates.min()))
    columns: dict[str, list[object]] = {name: [] for name in REFERENCE_SCHEMA.names}
    for feature in features:
        values = feature_values(window.table, feature)
        known = values[~np.isnan(values)]
        edges = bin_edges(known)
        own = _per_snapshot(window, feature, edges)
        counts = own.sum(axis=0)
        before = _per_snapshot(earlier, feature, edges)
        moves = max([psi(counts - one, one) for one in own] + [psi(counts, one) for one in before])
        missing = rows - len(known)
        for number, upper, count in zip(
            (MISSING_BIN, *range(len(edges) + 1)),
            (None, *edges.tolist(), None),
            (missing, *counts[:-1].tolist()),
            strict=True,
        ):
            entry = (feature.name, number, upper, count, count / rows, missing / rows, rows, suppliers, moves)
            for column, value in zip(columns.values(), entry, strict=True):
                column.append(value)
    return pa.table(columns, schema=REFERENCE_SCHEMA)


def _per_snapshot(data: Dataset, feature: Feature, edges: NDArray[np.float64]) -> NDArray[np.int_]:
    """Rows of each snapshot by bin, shape (snapshots, bins + 1); the last column counts the missing."""
    values = feature_values(data.table, feature)
    bins = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
    snapshots, snapshot = np.unique(data.dates, return_inverse=True)
    counted = np.zeros((len(snapshots), len(edges) + 2), dtype=int)
    np.add.at(counted, (snapshot, bins), 1)
    return counted


def psi(expected: NDArray[np.float64], observed: NDArray[np.float64]) -> float:
    """Population stability index of two histograms over the same bins; bins that are empty in both do not count.

    0.0 where one histogram holds nothing at all.
    """
    filled = expected + observed > 0
    if not expected.any() or not observed.any():
        return 0.0
    p, q = expected[filled] + SMOOTHING, observed[filled] + SMOOTHING
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def bin_edges(known: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(known) == 0:
        return np.empty(0)
    edges: NDArray[np.float64] = np.unique(np.quantile(known, np.arange(1, BIN_COUNT) / BIN_COUNT, method="lower"))
    if known.min() == known.max():
        # a constant gets a bin of its own, so that a night on which it moves either way is seen
        return np.array([np.nextafter(known[0], -np.inf), known[0]])
    below_maximum: NDArray[np.float64] = edges[edges < known.max()]
    return below_maximum


def sample_rows(table: pa.Table, strata: Sequence[str], rows: int, seed: int) -> pa.Table:
    """At most `rows` rows, each stratum (combination of the named columns) in its proportion, in the table's order."""
    if table.num_rows <= rows:
        return table
    present = [name for name in strata if name in table.column_names]
    shuffled = np.random.default_rng(seed).permutation(table.num_rows)
    if present:
        codes = table.select(present).to_pandas().astype(str).agg("|".join, axis=1).to_numpy()[shuffled]
        shuffled = shuffled[np.argsort(codes, kind="stable")]
    # every n-th row of the rows sorted by stratum: proportional without counting out quotas
    chosen = shuffled[(np.arange(rows) * table.num_rows) // rows]
    return table.take(pa.array(np.sort(chosen)))
