"""A model of a small warehouse from its training to its promotion and back, by the commands people use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import ml
from ml.backtest.evidence import Backtest
from ml.errors import ModelFolderError
from ml.features import load_registry
from ml.pack import PACK_FILE
from ml.registry import PROMOTION_EVIDENCE, ModelRegistry
from pipelines.cli import app
from pipelines.learning import training_frame, training_spec
from pipelines.night import NightError
from pipelines.settings import Settings

AS_OF = date(2026, 6, 30)
SUPPLIERS, MONTHS = 250, 20
KNOWN = ("cash_buffer_days", "days_late_weighted_6m", "vat_sales_change_3m", "company_age_months")


def make_warehouse(path: Path) -> None:
    """What the commands read of a warehouse: suppliers whose cash runs down, and distress that follows."""
    generator = np.random.default_rng(4)
    nights = pd.date_range(end=str(AS_OF), periods=MONTHS, freq="ME")
    cash = generator.normal(30, 12, SUPPLIERS)[None, :] + generator.normal(0, 4, (MONTHS, SUPPLIERS)).cumsum(axis=0)
    struck = generator.random((MONTHS, SUPPLIERS)) < 1 / (1 + np.exp(2.5 + cash / 8))
    night, supplier = (grid.ravel() for grid in np.meshgrid(range(MONTHS), range(SUPPLIERS), indexing="ij"))
    ids = [f"S{number:04}" for number in supplier]
    own = {
        "cash_buffer_days": cash.ravel(),
        "days_late_weighted_6m": generator.exponential(5, len(ids)),
        "vat_sales_change_3m": generator.normal(size=len(ids)),
        "company_age_months": 60.0 + supplier,
    }
    features = pd.DataFrame(
        {
            "as_of_date": nights[night],
            "supplier_id": ids,
            "party_id": ids,
            "sector_code": np.where(supplier % 2, "F", "C"),
            "size_class": "SMALL",
            "population_status": "ELIGIBLE",
            **{name: own.get(name, np.full(len(ids), np.nan)) for name in load_registry().names},
        }
    )
    over = (nights + pd.Timedelta(days=90) <= pd.Timestamp(AS_OF))[night]
    labels = features[["as_of_date", "supplier_id"]].assign(
        is_distress_90d=np.where(over, struck.ravel(), None), is_distress_180d=None, is_distress_365d=None
    )
    events = features.loc[struck.ravel(), ["supplier_id"]].assign(
        distress_date=(nights + pd.Timedelta(days=45))[night][struck.ravel()]
    )
    path.parent.mkdir(parents=True)
    with duckdb.connect(str(path)) as con:
        con.execute("create schema features; create schema intermediate")
        con.register("labels", labels)
        con.register("events", events)
        con.execute(
            "create table features.supplier_daily as select * replace (as_of_date::date as as_of_date) from features"
        )
        con.execute(
            "create table features.supplier_label as select as_of_date::date as as_of_date, supplier_id, "
            "is_distress_90d::boolean as is_distress_90d, is_distress_180d::boolean as is_distress_180d, "
            "is_distress_365d::boolean as is_distress_365d from labels"
        )
        con.execute(
            "create table intermediate.int_connected_group_daily "
            "(as_of_date date, party_id varchar, connected_group_id varchar)"
        )
        con.execute(
            "create table intermediate.int_supplier_distress_episode as "
            "select supplier_id, distress_date::date as distress_date from events"
        )
        con.execute(
            "create table intermediate.rule_parameter as select 'watch_grade_watch' as rule_id, 'ALL' as scope, "
            "date '2000-01-01' as valid_from, null::date as valid_to, 8::decimal(18, 6) as value"
        )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("ANCHORWATCH_HOME", str(tmp_path / "home"))
    settings = Settings()
    make_warehouse(settings.warehouse)
    return settings


def train(settings: Settings, seed: int) -> str:
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        frame = training_frame(con)
    spec = training_spec(AS_OF)
    model = ml.fit(frame, ml.TrainingSpec(**{**vars(spec), "seed": seed, "max_rounds": 20}))
    ModelRegistry(settings.models).save(model)
    return model.version


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_model_is_judged_promoted_and_taken_back(home: Settings) -> None:
    first, second = train(home, 1), train(home, 2)
    registry = ModelRegistry(home.models)
    with pytest.raises(ModelFolderError, match=f"anchorwatch backtest --model {first}"):
        run("model", "promote", first, "--by", "A. Validator", "--why", "the first")
    for version in (first, second):
        assert "ROC AUC" in run("backtest", "--model", version, "--refit-every", "6")
        run("model", "promote", version, "--by", "A. Validator", "--why", "it is sharper")
    evidence = Backtest.model_validate_json((registry.folder(second) / PROMOTION_EVIDENCE).read_bytes())
    assert evidence.procedures["lightgbm"].evaluation.auc.value > 0.65
    assert evidence.procedures["lightgbm"].lead_time.warning_grade == 8
    assert registry.history()[-1].evidence == evidence.digest
    assert "<h2>Governance</h2>" in (registry.folder(second) / PACK_FILE).read_text()
    assert registry.load_role("champion").version == second
    run("model", "rollback", "--by", "A. Validator", "--why", "it was not")
    assert registry.load_role("champion").version == first
    listed = run("model", "list")
    assert "champion" in listed
    assert "retired" in listed
    assert "by A. Validator: it was not" in listed


def test_without_a_night_or_a_model_there_is_nothing_to_judge(home: Settings) -> None:
    with pytest.raises(NightError, match="There is no model"):
        run("backtest")
    assert "No model is stored" in run("model", "list")
    home.warehouse.unlink()
    with pytest.raises(NightError, match="No night has been finished"):
        run("backtest")
