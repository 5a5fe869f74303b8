"""What the learning core costs on a large book, beside LightGBM's own calls on the same matrix.

    python benchmarks/learning.py [--suppliers 200000] [--features 150] [--rounds 200]

One snapshot is learned from and scored; a fifth of the suppliers has no bank data and so a fifth of the columns empty.
Printed, limits in seconds of the clock: cost of `ml.fit` (as a night fits: with the number of trees from
cross-validation) and of its training alone beside LightGBM's bare `train`; cost and peak memory of `ml.score` with
exact reasons for every row beside a bare `predict(pred_contrib=True)`; cost of drift; what small trees cost in
accuracy.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeVar

import lightgbm as lgb
import numpy as np
import pyarrow as pa
from sklearn.metrics import average_precision_score, roc_auc_score

import ml
from ml.columns import declare
from ml.dataset import design_matrix, labelled
from ml.drift import feature_drift
from ml.trees import fit_trees, settings_of

DAY = date(2026, 3, 31)
BIG_TREES = {"num_leaves": 63, "max_depth": -1}

T = TypeVar("T")


def book(suppliers: int, features: int, seed: int) -> pa.Table:
    """A book whose distress follows from a few features and their interactions, most of the others being noise."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(suppliers, features)).astype(np.float32)
    drivers = matrix[:, :12]
    stress = drivers[:, :6] @ np.linspace(0.8, 0.2, 6) + 0.6 * drivers[:, 6] * drivers[:, 7]
    stress += 0.5 * np.maximum(drivers[:, 8], drivers[:, 9]) + 0.3 * drivers[:, 10] * drivers[:, 11]
    is_distress = generator.random(suppliers) < 1 / (1 + np.exp(4.6 - stress))
    matrix[generator.random(suppliers) < 0.2, : features // 5] = np.nan
    columns = {f"feature_{place:03}": pa.array(matrix[:, place], from_pandas=True) for place in range(features)}
    return pa.table(
        {
            "as_of_date": pa.array(np.full(suppliers, np.datetime64(DAY))),
            "supplier_id": pa.array(np.char.add("S", np.arange(suppliers).astype(str))),
            "is_distress_90d": pa.array(is_distress),
            **columns,
        }
    )


def timed(name: str, work: Callable[[], T]) -> tuple[T, float]:
    """The result and the seconds of CPU it took, which a neighbour on the machine does not lengthen."""
    begin, begin_cpu = time.perf_counter(), time.process_time()
    result = work()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name:52} {seconds:8.1f} s, {cpu:8.1f} s of CPU, peak so far {peak:4.1f} GiB", flush=True)
    return result, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suppliers", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()
    frame, fresh = (book(arguments.suppliers, arguments.features, seed) for seed in (1, 2))
    spec = ml.TrainingSpec(
        as_of_date=DAY + timedelta(days=90), features=None, split="entity", max_rounds=arguments.rounds
    )

    model, _ = timed("ml.fit, whole (limit 600)", lambda: ml.fit(frame, spec))
    _, scoring = timed("ml.score, reasons for every row (limit 60, 6 GiB)", lambda: ml.score(model, fresh))
    timed("drift of every feature (limit 60)", lambda: feature_drift(fresh, model, DAY))

    rows = labelled(
        frame, key=spec.key, label=spec.label, group=None, as_of_date=spec.as_of_date, horizon_days=spec.horizon_days
    )
    features = declare(rows.table, np.arange(len(rows)), spec)[0].features
    data = rows.with_features(features)
    settings = settings_of(data, features, {}, spec.seed)
    rounds = model.manifest.params["rounds"]
    _, ours = timed(
        f"training alone, {rounds} trees",
        lambda: fit_trees(data, features, params={}, seed=spec.seed, rounds=rounds, bag=1),
    )
    small, bare = timed(
        "  LightGBM's own train",
        lambda: lgb.train(settings, lgb.Dataset(data.matrix, label=data.labels, params=settings), rounds),
    )
    matrix = design_matrix(fresh, features)
    booster = model.parts.estimator.boosters[0]  # type: ignore[attr-defined]
    _, explained = timed("  LightGBM's own predict, pred_contrib", lambda: booster.predict(matrix, pred_contrib=True))
    print(f"overhead in CPU: training {ours / bare - 1:+.0%}, of scoring with reasons {scoring / explained - 1:+.0%}")

    labels = fresh.column("is_distress_90d").to_numpy()
    big_settings = {**settings, **BIG_TREES}
    big, _ = timed(
        "  LightGBM's own train, 63 leaves",
        lambda: lgb.train(big_settings, lgb.Dataset(data.matrix, label=data.labels, params=big_settings), rounds),
    )
    part = matrix[: len(matrix) // 20]
    _, costly = timed("  its pred_contrib, a twentieth of the rows", lambda: big.predict(part, pred_contrib=True))
    print(f"small trees explain {20 * costly / explained:.1f} times as fast; on other suppliers of the same world:")
    for name, forecast in (("15 leaves", small.predict(matrix)), ("63 leaves", big.predict(matrix))):
        auc, precision = roc_auc_score(labels, forecast), average_precision_score(labels, forecast)
        print(f"  {name}: AUC {auc:.4f}, average precision {precision:.4f}")


if __name__ == "__main__":
    main()
