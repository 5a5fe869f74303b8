from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from ml.backtest.metrics import Evaluation, evaluate
from ml.calibration import GradeScale


def judged(labels: np.ndarray, pd: np.ndarray, resamples: int = 0, groups: np.ndarray | None = None) -> Evaluation:
    names = np.arange(len(labels)).astype(str).astype(object) if groups is None else groups
    return evaluate(labels, pd, names, scale=GradeScale(), resamples=resamples)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.001, 0.01, 0.02, 0.2, 0.9])), min_size=2, max_size=80))
def test_figures_agree_with_scikit_learn_ties_included(rows: list[tuple[bool, float]]) -> None:
    labels, pd = np.array([float(label) for label, _ in rows]), np.array([value for _, value in rows])
    if labels.sum() in (0, len(labels)):
        with pytest.raises(ValueError, match="rows with and without"):
            judged(labels, pd)
        return
    found = judged(labels, pd)
    assert found.auc.value == pytest.approx(roc_auc_score(labels, pd))
    assert found.average_precision.value == pytest.approx(average_precision_score(labels, pd))
    assert found.brier.value == pytest.approx(brier_score_loss(labels, pd))


def test_capture_counts_the_events_among_the_worst_twentieth() -> None:
    pd = np.linspace(0.9, 0.001, 1000)
    labels = np.zeros(1000)
    labels[[0, 10, 49, 50, 900]] = 1
    assert judged(labels, pd).capture_worst_5pct.value == pytest.approx(3 / 5)


def test_calibration_error_is_the_gap_in_points() -> None:
    generator = np.random.default_rng(2)
    pd = generator.uniform(0.01, 0.3, 200_000)
    labels = (generator.random(200_000) < pd).astype(float)
    assert judged(labels, pd).ece.value < 0.004
    assert judged(labels, pd + 0.05).ece.value == pytest.approx(0.05, abs=0.004)


def test_bins_and_grades_hold_every_row_and_event() -> None:
    generator = np.random.default_rng(3)
    pd = generator.uniform(1e-4, 0.5, 5000)
    labels = (generator.random(5000) < pd).astype(float)
    found = judged(labels, pd)
    for bins in (found.bins, found.grades):
        assert sum(entry.rows for entry in bins) == 5000
        assert sum(entry.events for entry in bins) == found.events
        assert all(entry.low <= entry.rate <= entry.high for entry in bins)


def test_intervals_widen_when_rows_repeat_their_supplier() -> None:
    generator = np.random.default_rng(4)
    pd = np.repeat(generator.uniform(0.01, 0.5, 300), 6)
    labels = np.repeat((generator.random(300) < pd[::6]).astype(float), 6)
    alone = judged(labels, pd, resamples=200).auc
    together = judged(labels, pd, resamples=200, groups=np.repeat(np.arange(300), 6).astype(str).astype(object)).auc
    assert alone.low < alone.value < alone.high
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
