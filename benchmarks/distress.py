"""Real bankruptcies: `ml.fit` beside default LightGBM, nested cross-validation on the same folds in the same run.

    python benchmarks/distress.py ../shared/data/distress [--table polish_5year] [--trials 8] [--bag 5]
        [--metric auc] [--weighted] [--seed 7]

Everything that is chosen (settings, number of trees, calibration) is chosen inside the outer training folds. Each row
is forecast once, by a model that has not seen it; AUC and average precision are over these forecasts of all rows, with
95 % bootstrap intervals, and of the difference on the same resamples.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ml
from ml.split import folds_by_entity

Floats = NDArray[np.float64]

RESAMPLES = 1000


def polish(path: Path) -> pd.DataFrame:
    """An ARFF file of ratios, '?' where missing, the class last."""
    header, _, body = path.read_text().partition("@data")
    names = [line.split()[1] for line in header.splitlines() if line.lower().startswith("@attribute")]
    rows = [line.split(",") for line in body.splitlines() if line.strip()]
    table = pd.DataFrame(rows, columns=names).replace("?", np.nan).astype(float)
    return table.rename(columns={names[-1]: "failed"})


def taiwanese(path: Path) -> pd.DataFrame:
    return pd.read_csv(path).rename(columns={"Bankrupt?": "failed"})


TABLES: dict[str, tuple[Callable[[Path], pd.DataFrame], str]] = {
    "polish_1year": (polish, "polish_1year.arff"),
    "polish_5year": (polish, "polish_5year.arff"),
    "taiwanese": (taiwanese, "taiwanese_bankruptcy.csv"),
}


def read(folder: Path, name: str) -> pd.DataFrame:
    """The table with a key and a date, which these sets lack."""
    reader, file = TABLES[name]
    table = reader(folder / file)
    return table.assign(failed=table["failed"] == 1, firm=np.arange(len(table)), year_end="2000-12-31")


def default_lightgbm(table: pd.DataFrame, spec: ml.TrainingSpec) -> Floats:
    """Forecasts of LightGBM as it comes (100 trees of 31 leaves), on the folds of `ml.fit`, in its order of rows."""
    rows = spec.rows_of(table)
    matrix = rows.table.drop_columns(["failed", "firm", "year_end"]).to_pandas().to_numpy(np.float64)
    forecast = np.empty(len(rows))
    for learned, held in folds_by_entity(rows.groups, rows.labels, spec.folds, spec.seed):
        train = lgb.Dataset(matrix[learned], label=rows.labels[learned])
        booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 2}, train, num_boost_round=100)
        forecast[held] = booster.predict(matrix[held])
    return forecast


def intervals(labels: Floats, ours: Floats, default: Floats) -> dict[str, list[list[float]]]:
    """AUC and average precision of ours, of the default and of their difference, each [value, low, high]."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    generator = np.random.default_rng(0)
    draws = [np.arange(len(labels)), *generator.integers(0, len(labels), (RESAMPLES, len(labels)))]
    found = {}
    for name, measure in (("auc", roc_auc_score), ("average_precision", average_precision_score)):
        both = np.array([[measure(labels[d], ours[d]), measure(labels[d], default[d])] for d in draws])
        figures = np.column_stack([both, both[:, 0] - both[:, 1]])
        low, high = np.quantile(figures[1:], [0.025, 0.975], axis=0)
        found[name] = [list(map(float, figure)) for figure in zip(figures[0], low, high, strict=True)]
    return found


def run(folder: Path, name: str, settings: dict[str, Any]) -> dict[str, object]:
    """One table's figures."""
    table = read(folder, name)
    spec = ml.TrainingSpec.for_table(key="firm", date="year_end", label="failed", split="entity", **settings)
    begin = time.perf_counter()
    model = ml.fit(table, spec)
    seconds = time.perf_counter() - begin
    labels = model.parts.test.column("label").to_numpy().astype(np.float64)
    ours = model.parts.test.column("pd_90d").to_numpy()
    figures = intervals(labels, ours, default_lightgbm(table, spec))
    return {
        "table": name,
        "rows": len(labels),
        "events": int(labels.sum()),
        "fit_seconds": round(seconds, 1),
        "ece": model.manifest.evaluation.ece.value,
        "params": model.manifest.params,
        **figures,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--table", choices=TABLES, action="append")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--bag", type=int, default=5)
    parser.add_argument("--metric", choices=["binary_logloss", "auc", "average_precision"], default="auc")
    parser.add_argument("--weighted", action="store_true", help="events weigh as much as all others together")
    parser.add_argument("--seed", type=int, default=7, help="deals out the folds")
    arguments = parser.parse_args()
    settings = {
        "tuning_trials": arguments.trials,
        "bag": arguments.bag,
        "tuning_metric": arguments.metric,
        "seed": arguments.seed,
        "params": {"is_unbalance": True} if arguments.weighted else {},
    }
    for name in arguments.table or TABLES:
        print(json.dumps(run(arguments.folder, name, settings)), flush=True)


if __name__ == "__main__":
    main()
