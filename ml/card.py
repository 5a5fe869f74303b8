"""The model card: what the model is for, what it learned from and what it is worth, for a risk committee.

Laid out along the pillars of SR 26-2 (development, validation, monitoring, limits). Rendered from the manifest
alone, and again when the oracle's figures arrive.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ml.backtest.metrics import CalibrationBin, Evaluation, Interval, evaluate
from ml.dataset import as_table, days, entities, numbers, require_columns
from ml.errors import FrameError
from ml.folder import read_model, write_evidence
from ml.manifest import Manifest, Window, canonical_json
from ml.model import Model
from ml.plots import calibration_plot, importance_plot, roc_plot

CARD_FILE = "model_card.md"
CARD_PICTURES = ("roc.png", "calibration.png", "importance.png")
ORACLE_FILE = "oracle.json"
SHOWN_FEATURES = 20

# How a figure of an `Evaluation` is called and written: its field, a factor, a format.
FIGURES = {
    "ROC AUC": ("auc", 1, ".3f"),
    "KS": ("ks", 1, ".3f"),
    "average precision": ("average_precision", 1, ".3f"),
    "capture in the worst 5 %": ("capture_worst_5pct", 1, ".3f"),
    "Brier score": ("brier", 1, ".4f"),
    "calibration error (ECE), points": ("ece", 100, ".2f"),
}


class OracleComparison(BaseModel):
    """Model and oracle on exactly the same out-of-time rows; the content of `oracle.json`.

    `share_of_oracle` is (AUC - 0.5) of the model over that of the oracle; None where the oracle orders these rows no
    better than chance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    snapshots: int
    model: Evaluation
    oracle: Evaluation
    share_of_oracle: float | None


def add_oracle(version_dir: Path, table: pa.Table) -> OracleComparison:
    """Compares the stored out-of-time predictions with the oracle's and renders the card again.

    Args:
        version_dir: the model's folder.
        table: as_of_date, supplier_id, pd_oracle (0 to 1); rows outside the test window are left out.

    Raises:
        FrameError: no row of the table is in the test window, or these rows hold one class only.
    """
    model = read_model(version_dir)
    rows = _joined(model, table)
    labels, forecast, oracle = (rows[name].to_numpy(np.float64) for name in ("label", "pd_90d", "pd_oracle"))
    suppliers = rows["supplier_id"].to_numpy(object)
    if labels.sum() in (0, len(labels)):
        raise FrameError(
            f"The {len(rows)} rows that oracle and test window of model {model.version} share hold one class only; "
            "give the oracle for more dates of the test window."
        )
    of_model, of_oracle = (
        evaluate(labels, values, suppliers, scale=model.scale, seed=model.manifest.seed)
        for values in (forecast, oracle)
    )
    above_chance = of_oracle.auc.value - 0.5
    comparison = OracleComparison(
        rows=len(rows),
        snapshots=rows["as_of_date"].nunique(),
        model=of_model,
        oracle=of_oracle,
        share_of_oracle=(of_model.auc.value - 0.5) / above_chance if above_chance > 0 else None,
    )
    plots = {
        "roc.png": roc_plot(labels, {"model": forecast, "oracle": oracle}),
        "calibration.png": calibration_plot({"model": of_model.bins, "oracle": of_oracle.bins}),
    }
    evidence = {ORACLE_FILE: canonical_json(comparison.model_dump(mode="json")), **plots}
    write_evidence(version_dir, evidence | {CARD_FILE: render_card(model, comparison).encode()})
    return comparison


def _joined(model: Model, table: pa.Table) -> pd.DataFrame:
    table = as_table(table)
    require_columns(table, ["as_of_date", "supplier_id", "pd_oracle"], "the comparison with the oracle")
    oracle = pd.DataFrame(
        {
            "as_of_date": days(table, "as_of_date"),
            "supplier_id": entities(table, "supplier_id"),
            "pd_oracle": numbers(table, "pd_oracle"),
        }
    )
    test = pd.DataFrame(
        {
            "as_of_date": days(model.parts.test, "as_of_date"),
            "supplier_id": entities(model.parts.test, "supplier_id"),
            "label": numbers(model.parts.test, "label"),
            "pd_90d": numbers(model.parts.test, "pd_90d"),
        }
    )
    rows = test.merge(oracle.dropna(), on=["as_of_date", "supplier_id"], validate="one_to_one")
    if rows.empty:
        window = model.manifest.windows.test
        raise FrameError(
            f"No row of the oracle's table is in the test window of model {model.version} ({window.first} to "
            f"{window.last}); "
            "run the oracle for these dates."
        )
    return rows


def render_evidence(model: Model) -> dict[str, bytes]:
    """Card and plots as file name to content."""
    labels, forecast = numbers(model.parts.test, "label"), numbers(model.parts.test, "pd_90d")
    gain = model.parts.estimator.importance()
    order = np.argsort(-gain, kind="stable")[: min(SHOWN_FEATURES, int((gain > 0).sum()))]
    return {
        CARD_FILE: render_card(model).encode(),
        "roc.png": roc_plot(labels, {"model": forecast}),
        "calibration.png": calibration_plot({"model": model.manifest.evaluation.bins}),
        "importance.png": importance_plot(
            [model.features[i].name for i in order], gain[order] / max(gain.sum(), 1e-300)
        ),
    }


def render_card(model: Model, oracle: OracleComparison | None = None, *, outcomes: str = "") -> str:
    """The card as Markdown, pictures by relative name; `outcomes` is a section between validation and monitoring."""
    manifest, curve = model.manifest, model.parts.scaling.calibration
    windows = manifest.windows
    judged = {
        "time": "out of time",
        "entity": "on entities held out (the table has no time to split by)",
        "nested": "by nested cross-validation (the table has no time to split by)",
    }[manifest.split]
    sections = [
        f"# Model card: {model.version}",
        f"Probability of distress within {manifest.label.horizon_days} days, per supplier and night. Trained on what "
        "was known "
        f"on {manifest.as_of_date}.",
        "## Purpose and limits of use",
        "- Ranks suppliers for the watch list, prices expected loss, and says why. It proposes; a person decides.\n"
        "- Suppliers in distress already, gone, or without recent data are not scored.\n"
        "- Portfolios, label rules and data depths other than those below were not tested.\n"
        "- A missing value stays missing: the model has seen suppliers without bank or tax data, not every mixture "
        "of gaps.",
        "## Development",
        f"Label `{manifest.label.column}`: {manifest.label.definition}.\n\n"
        f"{len(model.features)} features, {sum(f.sign != 0 for f in model.features)} of them with a fixed direction "
        "of risk "
        f"(monotone constraint); {int((model.parts.estimator.importance() > 0).sum())} are used. Estimator: "
        f"{model.parts.estimator.summary}.\n\n"
        f"Split by {manifest.split}"
        + (f", {manifest.embargo_days} days of embargo between windows.\n\n" if manifest.split == "time" else ".\n\n")
        + markdown_table(
            ("window", "from", "to", "snapshots", "rows", "groups", "events", "rate"),
            [_window_row(name, getattr(windows, name)) for name in ("train", "calibration", "test")],
        ),
        f"Calibration: beta curve, a = {curve.a:.3f}, b = {curve.b:.3f}, c = {curve.c:.3f}, fitted on {curve.events} "
        "events "
        f"in {curve.rows} rows "
        + ("later than training." if manifest.split == "time" else "scored by models that had not seen them."),
        f"## Validation, {judged}",
        "95 % bootstrap intervals over groups of connected parties in brackets.\n\n"
        + _figures(manifest.evaluation, oracle),
        _oracle_text(oracle),
        "![ROC](roc.png) ![calibration](calibration.png)",
        "### Calibration by PD, ten equal bins\n\n" + bins_table("bin", manifest.evaluation.bins),
        "### Calibration by grade\n\n"
        "A grade stands where its mean PD lies within Jeffreys' interval of what was observed.\n\n"
        + bins_table("grade", manifest.evaluation.grades),
        _later_text(model),
        _segment_text(manifest),
        "### Importance\n\n![importance](importance.png)",
        *([outcomes] if outcomes else []),
        "## Monitoring",
        "Drift is measured every night against the test window (`reference.parquet`): PSI per feature on its bins "
        "with a "
        "sampling-aware critical value, and missing ratios. Performance is measured again as labels mature.",
        "## Reproduction",
        f"Data digest `{manifest.data_digest}`, registry digest `{manifest.registry_digest}`, seed {manifest.seed}; "
        + ", ".join(f"{name} {number}" for name, number in sorted(manifest.libraries.items()))
        + ". The same data, settings and libraries give the same version.",
    ]
    return "\n\n".join(sections) + "\n"


def _later_text(model: Model) -> str:
    """Longer horizons and what they are worth on judged rows whose longer horizon is over."""
    manifest = model.manifest
    title = "### Longer horizons\n\n"
    if not manifest.label.later:
        return title + "None: no label of a longer horizon was given, or too few of its windows were over."
    rows = []
    for horizon, column in manifest.label.later.items():
        figures = manifest.later_evaluations.get(horizon)
        if figures is None:
            rows.append((f"{horizon} days", column, "none is over yet", "", ""))
            continue
        auc, error = interval_text(figures.auc, 1, ".3f"), interval_text(figures.ece, 100, ".2f")
        rows.append((f"{horizon} days", column, f"{figures.rows} / {figures.events}", auc, error))
    return (
        title
        + "Each adds the calibrated chance of distress after the shorter horizon, so no PD falls with the horizon.\n\n"
        + markdown_table(("horizon", "label", "rows / events", "ROC AUC", "ECE, points"), rows)
    )


def _segment_text(manifest: Manifest) -> str:
    title = "### By what is known of a supplier\n\n"
    if not manifest.segments:
        return title + "The features name no sources, so there are no segments to tell apart."
    rows = []
    for name, segment in manifest.segments.items():
        figures = segment.evaluation
        shown = (
            ("too few events", "", "", "")
            if figures is None
            else (
                interval_text(figures.auc, 1, ".3f"),
                interval_text(figures.average_precision, 1, ".3f"),
                interval_text(figures.capture_worst_5pct, 1, ".3f"),
                interval_text(figures.ece, 100, ".2f"),
            )
        )
        rows.append((name, f"{segment.rows} / {segment.events}", *shown))
    header = ("segment", "rows / events", "ROC AUC", "average precision", "capture in the worst 5 %", "ECE, points")
    return title + markdown_table(header, rows)


def _oracle_text(oracle: OracleComparison | None) -> str:
    if oracle is None:
        return (
            "No oracle yet: on a simulated portfolio the economy can be forked from its true state, and the share "
            "of futures with distress is the limit of any model."
        )
    reached = (
        "it orders them no better than chance"
        if oracle.share_of_oracle is None
        else f"the model reaches {oracle.share_of_oracle:.0%} of its AUC above chance"
    )
    return (
        f"The oracle knows the true state of the simulated economy. On the {oracle.rows} rows of {oracle.snapshots} "
        f"snapshots for which it was run, {reached}."
    )


def _figures(whole: Evaluation, oracle: OracleComparison | None) -> str:
    columns: dict[str, Evaluation] = {"all test rows": whole}
    if oracle is not None:
        columns |= {"model, oracle's rows": oracle.model, "oracle": oracle.oracle}
    return markdown_table(("", *columns), figure_rows(list(columns.values())))


def figure_rows(columns: Sequence[Evaluation]) -> list[tuple[str, ...]]:
    """The figures of evaluations beside each other, one row a figure, the counts first."""
    counts = ("rows / events", *(f"{column.rows} / {column.events}" for column in columns))
    return [
        counts,
        *(
            (title, *(interval_text(getattr(column, field), factor, style) for column in columns))
            for title, (field, factor, style) in FIGURES.items()
        ),
    ]


def interval_text(figure: Interval, factor: int, style: str) -> str:
    """A figure with its interval, both times `factor`."""
    return f"{factor * figure.value:{style}} [{factor * figure.low:{style}}, {factor * figure.high:{style}}]"


def _window_row(name: str, window: Window) -> tuple[str, ...]:
    figures = (window.first, window.last, window.snapshots, window.rows, window.groups, window.events)
    return (name, *(str(figure) for figure in figures), f"{window.events / window.rows:.2%}")


def bins_table(kind: str, bins: tuple[CalibrationBin, ...]) -> str:
    """Forecast against outcome of each bin."""
    return markdown_table(
        (kind, "rows", "events", "mean PD", "observed", "95 % (Jeffreys)", "mean PD is"),
        [
            (
                b.name,
                str(b.rows),
                str(b.events),
                f"{b.mean_pd:.2%}",
                f"{b.rate:.2%}",
                f"{b.low:.2%} - {b.high:.2%}",
                b.verdict,
            )
            for b in bins
        ],
    )


def markdown_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
