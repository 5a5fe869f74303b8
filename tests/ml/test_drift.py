from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_portfolio import AS_OF, portfolio, spec

from ml import Model, fit
from ml.drift import DRIFT_SCHEMA, USUAL, feature_drift, write_report
from ml.errors import FrameError
from ml.reference import psi, sample_rows


def drift(night: pd.DataFrame, model: Model) -> pd.DataFrame:
    return feature_drift(night, model, AS_OF).to_pandas().set_index("feature_name")


def test_a_quiet_night_raises_no_alarm(model: Model, night: pd.DataFrame) -> None:
    table = feature_drift(night, model, AS_OF)
    assert table.schema.equals(DRIFT_SCHEMA)
    assert table.column("feature_name").to_pylist() == [feature.name for feature in model.features]
    assert not any(table.column("is_drifted").to_pylist())


def test_a_column_that_turns_to_cents_is_found_alone(model: Model, night: pd.DataFrame) -> None:
    found = drift(night.assign(cash_cover=100 * night["cash_cover"]), model)
    assert found.index[found["is_drifted"]].tolist() == ["cash_cover"]


def test_a_feed_that_stops_is_found_by_its_missing_values(model: Model, night: pd.DataFrame) -> None:
    found = drift(night.assign(sales_trend=np.nan), model)
    assert found.index[found["is_drifted"]].tolist() == ["sales_trend"]
    assert found.loc["sales_trend", "missing_ratio"] == 1.0
    assert found.loc["sales_trend", "reference_missing_ratio"] < 0.2


def test_a_flag_raised_for_many_is_found(model: Model, night: pd.DataFrame) -> None:
    found = drift(night.assign(is_blocked=(np.arange(len(night)) % 3 == 0).astype(float)), model)
    assert found.loc["is_blocked", "is_drifted"]


def test_psi_in_sql_is_psi_over_the_references_bins(model: Model, night: pd.DataFrame) -> None:
    moved = night.assign(noise=(night["noise"] + 0.4).where(night.index > 20))
    reference = model.parts.reference.to_pandas().query("feature_name == 'noise'")
    edges = reference["upper"].dropna().to_numpy()
    known = moved["noise"].dropna()
    observed = [moved["noise"].isna().sum(), *np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)]
    expected = reference["reference_count"].to_numpy(float)
    assert drift(moved, model).loc["noise", "psi"] == pytest.approx(psi(expected, np.array(observed, dtype=float)))


def test_psi_follows_its_definition() -> None:
    expected, observed = np.array([60.0, 40.0, 0.0]), np.array([30.0, 70.0, 0.0])
    p, q = (expected[:2] + 0.5) / 101, (observed[:2] + 0.5) / 101
    assert psi(expected, observed) == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert psi(expected, expected) == 0


def test_what_a_whole_night_has_in_common_is_no_drift_by_itself(frame: pd.DataFrame, night: pd.DataFrame) -> None:
    index = pd.to_datetime(frame["as_of_date"]).dt.month.astype(float)
    model = fit(frame.assign(noise=index), spec())
    found = drift(night.assign(noise=6.0), model)
    assert found.loc["noise", "psi"] > 1
    assert not found.loc["noise", "is_drifted"]
    assert drift(night.assign(noise=6.0, overdue_share=0.9), model).loc["overdue_share", "is_drifted"]


def test_a_season_that_the_year_has_seen_is_no_drift(frame: pd.DataFrame, night: pd.DataFrame) -> None:
    """The window ends in March; half of the firms do in June what they do in no other month."""

    def in_season(rows: pd.DataFrame) -> pd.DataFrame:
        june = pd.to_datetime(rows["as_of_date"]).dt.month == 6
        return rows.assign(noise=rows["noise"] + 3.0 * (june & (rows["supplier_id"].str[-1].astype(int) % 2 == 0)))

    model = fit(in_season(frame), spec())
    assert date(2025, 6, 30) < model.manifest.windows.test.first < model.manifest.windows.test.last < AS_OF
    found = drift(in_season(night), model)
    assert found.loc["noise", "psi"] > 0.5
    assert not found.loc["noise", "is_drifted"]
    assert drift(night.assign(noise=night["noise"] - 9.0), model).loc["noise", "is_drifted"]


def test_a_hold_out_of_one_date_moves_among_no_snapshots(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other firms of that date are no history of the window."""
    monkeypatch.setattr("ml.train.SMALL_TABLE_ROWS", 10)
    snapshot = frame[frame["is_distress_90d"].notna()].tail(len(frame) // 2)
    snapshot = snapshot.assign(as_of_date=date(2026, 3, 31), supplier_id=np.arange(len(snapshot)).astype(str))
    model = fit(snapshot, spec(split="entity"))
    assert model.manifest.split == "entity"
    assert (model.parts.reference.column("reference_snapshot_psi").to_numpy() == 0).all()
    night = snapshot.drop(columns=["is_distress_90d", "pd_true"])
    found = drift(night.assign(cash_cover=100 * night["cash_cover"]), model)
    assert found.index[found["is_drifted"]].tolist() == ["cash_cover"]


def test_the_critical_value_falls_with_the_rows_down_to_what_matters(model: Model, night: pd.DataFrame) -> None:
    few, many = drift(night.head(60), model), drift(portfolio(suppliers=4000, months=1), model)
    binned = ["cash_cover", "overdue_share", "sales_trend", "noise"]
    assert (few.loc[binned, "psi_critical"] > 2 * many.loc[binned, "psi_critical"]).all()
    assert (many["psi_critical"] >= USUAL.material_psi).all()


def test_suppliers_outside_the_population_do_not_count(model: Model, night: pd.DataFrame) -> None:
    status = np.where(np.arange(len(night)) < 100, "EXITED", "ELIGIBLE")
    assert (drift(night.assign(population_status=status), model)["current_rows"] == len(night) - 100).all()
    with pytest.raises(FrameError, match="No eligible supplier on 2026-06-30"):
        drift(night.assign(population_status="EXITED"), model)


def test_the_reference_counts_every_row_once(model: Model) -> None:
    reference = model.parts.reference.to_pandas()
    counted = reference.groupby("feature_name")["reference_count"].sum()
    assert (counted == model.manifest.windows.test.rows).all()


def test_a_sample_keeps_its_strata_in_proportion(night: pd.DataFrame) -> None:
    import pyarrow as pa

    table = pa.Table.from_pandas(night, preserve_index=False)
    sample = sample_rows(table, ["sector_code", "size_class"], 120, seed=1).to_pandas()
    assert len(sample) == 120
    expected = night.groupby(["sector_code", "size_class"]).size() * 120 / len(night)
    assert (sample.groupby(["sector_code", "size_class"]).size() - expected).abs().max() < 1.5
    assert sample_rows(table, [], len(night) + 1, seed=1).equals(table)


def test_the_report_is_one_page_that_needs_no_network(model: Model, night: pd.DataFrame, tmp_path: Path) -> None:
    path = write_report(
        night.assign(sales_trend=np.nan),
        model.parts.reference_sample,
        tmp_path / "reports" / "drift.html",
        columns=model.important_features(3) + ["sales_trend"],
        critical=dict.fromkeys(model.feature_names, 0.0),
        strata=("sector_code",),
    )
    page = path.read_text()
    assert "cash_cover" in page
    assert '<script src="http' not in page
    assert [entry.name for entry in path.parent.iterdir()] == ["drift.html"]


def test_the_page_judges_by_the_limits_it_is_given(model: Model, night: pd.DataFrame, tmp_path: Path) -> None:
    moved = night.assign(cash_cover=night["cash_cover"] + 9.0, noise=night["noise"] + 9.0)
    critical = {**dict.fromkeys(model.feature_names, 99.0), "cash_cover": 0.1}
    page = write_report(
        moved, model.parts.reference_sample, tmp_path / "drift.html", columns=["cash_cover", "noise"], critical=critical
    ).read_text()
    assert "(1 out of 2)" in page
