"""Real bankruptcies: `ml.fit` beside default LightGBM, a forest and a vote, on the same folds in the same run.

    python benchmarks/distress.py ../shared/data/distress [--table polish_5year] [--trials 8] [--bag 5]
        [--metric auc] [--weighted] [--seed 7]

Everything that is chosen (settings, number of trees, calibration) is chosen inside the outer training folds. Each row
is forecast once, by a model that has not seen it; AUC and average precision are over these forecasts of all rows, with
95 % bootstrap intervals, and of the differences on the same resamples. The forest and the vote are there because a
forest and ensembles hold the published records, of one hold-out each; figures by fold show how far such can lie apart.
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


Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def default_lightgbm(matrix: Floats, labels: Floats) -> Callable[[Floats], Floats]:
    """LightGBM as it comes: 100 trees of 31 leaves."""
    train = lgb.Dataset(matrix, label=labels)
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 2}, train, num_boost_round=100)
    return lambda rows: np.asarray(booster.predict(rows), np.float64)


def random_forest(matrix: Floats, labels: Floats) -> Callable[[Floats], Floats]:
    """A random forest of 500 trees, otherwise as it comes."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(500, n_jobs=2, random_state=0).fit(matrix, labels)
    return lambda rows: np.asarray(forest.predict_proba(rows)[:, 1], np.float64)


def vote(matrix: Floats, labels: Floats) -> Callable[[Floats], Floats]:
    """The mean of both and of 500 extremely randomised trees: the best published figures are those of ensembles."""
    from sklearn.ensemble import ExtraTreesClassifier

    extra = ExtraTreesClassifier(500, n_jobs=2, random_state=0).fit(matrix, labels)
    voters = [
        default_lightgbm(matrix, labels),
        random_forest(matrix, labels),
        lambda rows: extra.predict_proba(rows)[:, 1],
    ]
    return lambda rows: np.mean([voter(rows) for voter in voters], axis=0)


PEERS = {"default_lightgbm": default_lightgbm, "random_forest": random_forest, "vote": vote}


def forecast_by(peer: Callable[[Floats, Floats], Callable[[Floats], Floats]], rows: Any, folds: Folds) -> Floats:
    """Forecasts of all rows, in their order, each by a model that has not seen its fold."""
    matrix = rows.table.drop_columns(["failed", "firm", "year_end"]).to_pandas().to_numpy(np.float64)
    forecast = np.empty(len(rows))
    for learned, held in folds:
        forecast[held] = peer(matrix[learned], rows.labels[learned])(matrix[held])
    return forecast


def figures(labels: Floats, forecasts: dict[str, Floats], folds: Folds) -> dict[str, dict[str, Any]]:
    """AUC and average precision of each forecast and what ours has more, each [value, low, high], and all by fold."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    generator = np.random.default_rng(0)
    draws = [np.arange(len(labels)), *generator.integers(0, len(labels), (RESAMPLES, len(labels)))]
    found: dict[str, dict[str, Any]] = {}
    for measure, score in (("auc", roc_auc_score), ("average_precision", average_precision_score)):
        drawn = {name: np.array([score(labels[d], forecast[d]) for d in draws]) for name, forecast in forecasts.items()}
        found[measure] = {name: _with_interval(values) for name, values in drawn.items()}
        for name in PEERS:
            found[measure][f"more_than_{name}"] = _with_interval(drawn["ours"] - drawn[name])
        for name, forecast in forecasts.items():
            found[measure][f"{name}_by_fold"] = [round(float(score(labels[h], forecast[h])), 3) for _, h in folds]
    return found


def _with_interval(values: Floats) -> list[float]:
    """The first value, and where 95 % of the others lie."""
    return [round(float(figure), 4) for figure in (values[0], *np.quantile(values[1:], [0.025, 0.975]))]


def run(folder: Path, name: str, settings: dict[str, Any]) -> dict[str, object]:
    """One table's figures."""
    table = read(folder, name)
    spec = ml.TrainingSpec.for_table(key="firm", date="year_end", label="failed", split="entity", **settings)
    begin = time.perf_counter()
    model = ml.fit(table, spec)
    seconds = time.perf_counter() - begin
    labels = model.parts.test.column("label").to_numpy().astype(np.float64)
    rows = spec.rows_of(table)
    folds = list(folds_by_entity(rows.groups, rows.labels, spec.folds, spec.seed))
    forecasts = {name: forecast_by(peer, rows, folds) for name, peer in PEERS.items()}
    return {
        "table": name,
        "rows": len(labels),
        "events": int(labels.sum()),
        "fit_seconds": round(seconds, 1),
        "ece": model.manifest.evaluation.ece.value,
        "params": model.manifest.params,
        **figures(labels, {"ours": model.parts.test.column("pd_90d").to_numpy(), **forecasts}, folds),
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
