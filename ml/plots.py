"""The pictures of a model card, as PNG bytes. Drawn on figures of their own, so no state of pyplot is touched."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.backtest.metrics import CalibrationBin, Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

COLOURS = ("#1f4e79", "#c55a11")


def roc_plot(labels: Floats, forecasts: Mapping[str, Floats]) -> bytes:
    """Share of events caught against share of healthy rows flagged, one line per forecast (at most two)."""
    figure, axes = _axes("Out-of-time discrimination", "healthy rows flagged", "events caught")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--")
    for colour, (name, pd) in zip(COLOURS, forecasts.items(), strict=False):
        order = np.argsort(-pd, kind="stable")
        hits, misses = np.cumsum(labels[order]), np.cumsum(1 - labels[order])
        axes.plot(np.append(0, misses / misses[-1]), np.append(0, hits / hits[-1]), color=colour, label=name)
    axes.legend(frameon=False, loc="lower right")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return _png(figure)


def calibration_plot(bins: Mapping[str, Sequence[CalibrationBin]]) -> bytes:
    """Observed rate against mean PD per equal-mass bin, both in per cent and logarithmic; bars are Jeffreys' 95 %."""
    figure, axes = _axes("Out-of-time calibration", "mean PD, %", "events observed, %")
    lowest = min(max(100 * entry.mean_pd, 1e-2) for entries in bins.values() for entry in entries)
    floor = lowest / 3
    axes.plot([floor, 100], [floor, 100], color="0.7", linewidth=1, linestyle="--")
    for colour, (name, entries) in zip(COLOURS, bins.items(), strict=False):
        mean = np.maximum([100 * entry.mean_pd for entry in entries], floor)
        rate = np.maximum([100 * entry.rate for entry in entries], floor)
        low = rate - np.maximum([100 * entry.low for entry in entries], floor)
        high = np.array([100 * entry.high for entry in entries]) - rate
        axes.errorbar(
            mean, rate, yerr=np.maximum([low, high], 0), fmt="o", color=colour, label=name, capsize=2, markersize=4
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(frameon=False, loc="upper left")
    return _png(figure)


def importance_plot(names: Sequence[str], shares: Floats) -> bytes:
    """Share of the total gain of the features that decide most, largest on top."""
    figure, axes = _axes("What the model looks at", "share of gain, %", "")
    figure.set_size_inches(7, 0.28 * len(names) + 1.2)
    axes.barh(np.arange(len(names))[::-1], 100 * shares, color=COLOURS[0])
    axes.set_yticks(np.arange(len(names))[::-1], names, fontsize=8)
    return _png(figure)


def history_plot(figures: Mapping[str, Sequence[tuple[str, Interval]]]) -> bytes:
    """ROC AUC per snapshot with its 95 % interval, one line per procedure (at most two)."""
    figure, axes = _axes("Discrimination, snapshot by snapshot", "", "ROC AUC")
    figure.set_size_inches(9, 4)
    days = sorted({day for points in figures.values() for day, _ in points})
    for colour, (name, points) in zip(COLOURS, figures.items(), strict=False):
        places = [days.index(day) for day, _ in points]
        axes.plot(places, [auc.value for _, auc in points], color=colour, marker="o", markersize=4, label=name)
        axes.fill_between(places, [a.low for _, a in points], [a.high for _, a in points], color=colour, alpha=0.12)
    axes.set_xticks(range(len(days)), days, rotation=60, fontsize=8)
    axes.legend(frameon=False, loc="lower right")
    return _png(figure)


def _axes(title: str, horizontal: str, vertical: str) -> tuple[Figure, Axes]:
    # only training draws; a night should not wait a second for the import
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=110)
    return sink.getvalue()
