from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.special import expit

from ml.calibration import Calibration, GradeScale, fit_calibration
from ml.errors import TrainingError

SLOPES = st.floats(0.05, 20)
RAW = st.lists(st.floats(-12, 12), min_size=2, max_size=50)


@given(a=SLOPES, b=SLOPES, c=st.floats(-10, 10), raw=RAW)
def test_a_higher_raw_score_never_gets_a_lower_pd_a_better_grade_or_more_points(
    a: float, b: float, c: float, raw: list[float]
) -> None:
    pd = Calibration(a=a, b=b, c=c, rows=1, events=1).probability(np.sort(np.array(raw)))
    assert ((pd > 0) & (pd < 1)).all()
    assert (np.diff(pd) >= 0).all()
    assert (np.diff(GradeScale().grades(pd)) >= 0).all()
    assert (np.diff(GradeScale().scores(pd)) <= 0).all()


def test_distant_raw_scores_get_distinct_pds_even_at_the_ends() -> None:
    pd = Calibration(a=1, b=1, c=0, rows=1, events=1).probability(np.linspace(-15, 15, 31))
    assert (np.diff(pd) > 0).all()


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.6, 1.0), (1.6, -1.0)])
def test_a_distorted_score_is_straightened(slope: float, shift: float) -> None:
    generator = np.random.default_rng(4)
    true = generator.normal(-3, 1.2, 20_000)
    labels = (generator.random(20_000) < expit(true)).astype(float)
    pd = fit_calibration((true - shift) / slope, labels).probability((true - shift) / slope)
    assert abs(pd.mean() - labels.mean()) < 0.001
    for part in np.array_split(np.argsort(true), 5):
        assert abs(pd[part].mean() - expit(true)[part].mean()) < 0.01


def test_a_handful_of_events_shifts_the_level_and_hardly_bends_the_curve() -> None:
    raw = np.random.default_rng(5).normal(-3, 1, 200)
    labels = (np.arange(200) < 5).astype(float)
    curve = fit_calibration(raw, labels)
    assert 0.3 < curve.a < 1.5
    assert abs(curve.probability(raw).mean() - 0.025) < 0.005


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_is_refused(label: float) -> None:
    with pytest.raises(TrainingError, match="rows with and without"):
        fit_calibration(np.zeros(10), np.full(10, label))


def test_grades_meet_at_their_edges() -> None:
    scale = GradeScale()
    assert scale.grades(np.array([1e-5, 0.000999, 0.001, 0.255, 0.256, 0.99999])).tolist() == [1, 1, 2, 9, 10, 10]
    assert scale.scores(np.array([1e-6, scale.anchor_pd, 1 - 1e-6])).tolist()[1] == scale.points_at_anchor


def test_edges_out_of_order_are_refused() -> None:
    with pytest.raises(ValidationError, match="nine rising PD edges"):
        GradeScale(upper_edges=(0.002, 0.001, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256))
