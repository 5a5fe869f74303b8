from __future__ import annotations

import numpy as np
import pandas as pd
from small_portfolio import REGISTRY, spec

from ml import Model, fit
from ml.card import render_card
from ml.features import FeatureRegistry


def sourced() -> FeatureRegistry:
    """The small registry with the sources that its columns come from."""
    of = {"cash_cover": ("bank",), "overdue_share": ("erp",), "sales_trend": ("tax",), "is_blocked": ("bank", "erp")}
    return FeatureRegistry(
        tuple(feature.model_copy(update={"sources": of.get(feature.name, ())}) for feature in REGISTRY)
    )


def test_each_segment_is_judged_on_its_rows_and_shown_in_the_card(frame: pd.DataFrame) -> None:
    model = fit(frame, spec(features=sourced()))
    test = model.manifest.windows.test
    report = model.manifest.segments
    inside = frame[frame["as_of_date"].between(test.first, test.last)]
    assert report["no bank"].rows == inside["cash_cover"].isna().sum()
    assert report["no tax"].rows == inside["sales_trend"].isna().sum()
    assert report["full"].rows == inside[["cash_cover", "sales_trend"]].notna().all(axis=1).sum()
    figures = report["no bank"].evaluation
    assert figures is not None
    assert 0.5 < figures.auc.value < 1
    assert "| no bank |" in render_card(model)


def test_a_segment_with_few_events_has_no_figures(frame: pd.DataFrame) -> None:
    thin = frame.assign(sales_trend=frame["sales_trend"].where(frame["supplier_id"] != "S00001", np.nan).fillna(0.0))
    thin.loc[thin["supplier_id"] == "S00001", "sales_trend"] = np.nan
    segment = fit(thin, spec(features=sourced())).manifest.segments["no tax"]
    assert segment.rows > 0
    assert segment.evaluation is None


def test_features_without_sources_make_no_segments(model: Model) -> None:
    assert model.manifest.segments == {}
    assert "no segments to tell apart" in render_card(model)
