"""Risk and monitoring marts over hand-made scores: what a reader finds, and what stops the night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feature_portfolio import BEFORE_LAST, DELIVERIES, LAST
from tiny_warehouse import Warehouse, WarehouseFactory

SCORED_AT = datetime(2026, 4, 1, 2, tzinfo=UTC).replace(tzinfo=None)
SCORE_COLUMNS = [
    "as_of_date", "supplier_id", "model_role", "model_version", "status", "not_scored_reason",
    "pd_90d", "grade", "score", "previous_pd_90d", "grade_change", "percentile", "data_depth",
    "reason_1", "reason_2", "reason_3", "reason_4", "reason_5",
    "exposure_amount", "expected_loss_amount", "currency", "watch_state", "scored_at",
    "pd_180d", "pd_365d", "next_grade_pd",
]  # fmt: skip


@dataclass(frozen=True)
class Score:
    """One supplier's score on a night; without a PD it is not scored."""

    supplier: str
    pd: float | None = None
    grade: int | None = None
    reason: str | None = None
    gap: float = 0.0

    def row(self, night: date) -> dict[str, Any]:
        return {
            "as_of_date": night,
            "supplier_id": self.supplier,
            "model_role": "champion",
            "model_version": "ew-1",
            "status": "NOT_SCORED" if self.pd is None else "SCORED",
            "not_scored_reason": self.reason,
            "raw_score": None if self.pd is None else 1.0,
            "base_value": None if self.pd is None else 0.5,
            "contribution_sum": None if self.pd is None else 1.0 + self.gap,
            "pd_90d": self.pd,
            "grade": self.grade,
            "score": None if self.pd is None else round(1000 * (1 - self.pd)),
            "scored_at": SCORED_AT,
        }

    def reasons(self, night: date) -> list[dict[str, Any]]:
        if self.pd is None:
            return []
        return [
            {
                "as_of_date": night,
                "supplier_id": self.supplier,
                "model_role": "champion",
                "model_version": "ew-1",
                "direction": direction,
                "reason_rank": rank,
                "feature_name": f"feature_{rank}",
                "indicator_id": "S01",
                "family": "supplier_credit",
                "feature_value": 1.0,
                "peer_value": 2.0,
                "contribution": 0.1,
                "reason_text": f"Reason {rank} {direction.lower()} {self.supplier}",
                "reason_text_zh": f"{self.supplier}的原因{rank}",
            }
            for direction, most in (("AGAINST", 5), ("FOR", 3))
            for rank in range(1, most + 1)
        ]


DISTRESSED = Score("S1", reason="In distress since 2026-03-03: a financing it is liable for was not repaid in time.")
EXITED = Score("S4", reason="The supplier has left the platform.")
NIGHT_BEFORE = [Score("S1", 0.05, 5), Score("S2", 0.01, 2), Score("S3", 0.30, 9), EXITED, Score("S5", 0.001, 1)]
THIS_NIGHT = [DISTRESSED, Score("S2", 0.04, 4), Score("S3", 0.31, 9), EXITED, Score("S5", 0.002, 1)]


def write_scores(warehouse: Warehouse, night: date, scores: Sequence[Score]) -> None:
    """Write scores and reasons to the lake as the scoring step does."""
    datasets: Mapping[str, list[dict[str, Any]]] = {
        "scores/supplier_score": [score.row(night) for score in scores],
        "scores/score_reason": [reason for score in scores for reason in score.reasons(night)],
    }
    for dataset, rows in datasets.items():
        folder = warehouse.folder / "lake" / dataset
        schema = pq.read_schema(folder / "_schema.parquet")
        path = folder / f"as_of_date={night}" / "champion.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def score_night(warehouse: Warehouse, night: date, since: date | None) -> dict[str, int]:
    """The second pass of a night; returns the data tests that find rows, and how many."""
    models = warehouse.project.models_after_scoring
    if since:
        warehouse.build(night, since, models, with_tests=False)
    else:
        warehouse.add(models, night)
    upstream = warehouse.project.with_upstream(models)
    before = warehouse.failing(upstream - models, night, since)
    return {test: rows for test, rows in warehouse.failing(upstream, night, since).items() if test not in before}


@pytest.fixture(scope="module")
def prepared(warehouses: WarehouseFactory) -> Warehouse:
    """The last night built up to the features."""
    warehouse = warehouses.empty()
    warehouse.deliver(DELIVERIES)
    project = warehouse.project
    after_scoring = project.models_after_scoring
    warehouse.build(LAST, models=project.with_upstream(after_scoring) - after_scoring, with_tests=False)
    return warehouse


@pytest.fixture(scope="module")
def scored(prepared: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Two nights scored one after the other."""
    warehouse = prepared.copy(tmp_path_factory.mktemp("risk") / "scored")
    write_scores(warehouse, BEFORE_LAST, NIGHT_BEFORE)
    assert score_night(warehouse, BEFORE_LAST, since=None) == {}
    write_scores(warehouse, LAST, THIS_NIGHT)
    assert score_night(warehouse, LAST, since=BEFORE_LAST) == {}
    return warehouse


def test_columns_are_those_that_were_promised(scored: Warehouse) -> None:
    columns = scored.query(
        "select column_name from information_schema.columns where table_schema = 'risk' "
        "and table_name = 'supplier_score_daily' order by ordinal_position"
    )
    assert [name for (name,) in columns] == SCORE_COLUMNS


def test_scores_are_compared_with_the_night_before(scored: Warehouse) -> None:
    rows = scored.query(
        "select supplier_id, pd_90d, previous_pd_90d, grade_change from risk.supplier_score_daily "
        f"where as_of_date = date '{LAST}' order by 1"
    )
    assert rows == [
        ("S1", None, 0.05, None),
        ("S2", 0.04, 0.01, 2),
        ("S3", 0.31, 0.30, 0),
        ("S4", None, None, None),
        ("S5", 0.002, 0.001, 0),
    ]


def test_expected_loss_is_pd_times_loss_times_recourse(scored: Warehouse) -> None:
    rows = dict(
        scored.query(
            "select supplier_id, (exposure_amount, expected_loss_amount) from risk.supplier_score_daily "
            f"where as_of_date = date '{LAST}'"
        )
    )
    assert rows["S1"] == (Decimal("20000.00"), Decimal("9000.00"))
    assert rows["S2"] == (Decimal(0), Decimal(0))
    before = scored.query(
        "select expected_loss_amount from risk.supplier_score_daily "
        f"where as_of_date = date '{BEFORE_LAST}' and supplier_id = 'S1'"
    )
    assert before == [(Decimal("450.00"),)]


def test_expected_loss_of_a_certificate_has_two_sides(scored: Warehouse) -> None:
    """Liable S1 is in distress, and its core enterprise in default: its certificate is two months late."""
    rows = scored.query(
        """
        select
            as_of_date, outstanding_amount, core_enterprise_loss_amount, performance_loss_amount, expected_loss_amount,
            ifrs9_stage, cn_five_grade
        from exposure.expected_loss where certificate_id = 'CT1' and as_of_date >= date '2026-02-01' order by 1
        """
    )
    financed = Decimal("20000.00")
    defaulted = (3, "SUBSTANDARD")
    assert rows == [
        (BEFORE_LAST, financed, Decimal("4500.00"), Decimal("30.00"), Decimal("4530.00"), *defaulted),
        (LAST, financed, Decimal("4500.00"), Decimal("410.00"), Decimal("4910.00"), *defaulted),
    ]


def test_expected_loss_covers_the_exposure_and_stays_missing_without_a_score(scored: Warehouse) -> None:
    differences = scored.query(
        """
        select losses.as_of_date from exposure.expected_loss as losses group by losses.as_of_date
        having sum(losses.outstanding_amount) <> (
            select sum(ledger.outstanding_amount) from intermediate.int_financing_interval as ledger
            where ledger.valid_from <= losses.as_of_date
                and (ledger.valid_to is null or ledger.valid_to > losses.as_of_date)
        )
        """
    )
    assert differences == []
    losses = "select performance_loss_amount, expected_loss_amount from exposure.expected_loss"
    assert set(scored.query(f"{losses} where as_of_date < date '{BEFORE_LAST}'")) == {(None, None)}


def test_watch_list_says_why_and_since_when(scored: Warehouse) -> None:
    rows = scored.query(
        "select supplier_id, watch_state, previous_watch_state, since_date, watch_reason from risk.watchlist order by 1"
    )
    assert rows == [
        ("S1", "RESTRICTED", "NORMAL", LAST, DISTRESSED.reason),
        ("S2", "ENHANCED", "NORMAL", LAST, "Grade 4; the probability of distress rose from 1.0% to 4.0%."),
        ("S3", "WATCH", "NORMAL", BEFORE_LAST, "Grade 9; probability of distress 31.0% in 90 days."),
    ]


def test_run_log_names_night_model_and_deliveries(scored: Warehouse) -> None:
    rows = scored.query(
        "select as_of_date, since_date, champion_version, scored_count, loaded_rows > 0, "
        "loaded_rows_by_feed like '%tax.vat_invoice=%' "
        "from monitoring.run_log order by 1"
    )
    assert rows == [(BEFORE_LAST, None, "ew-1", 4, True, True), (LAST, BEFORE_LAST, "ew-1", 3, True, True)]


def test_a_finished_night_that_is_run_again_says_the_same(scored: Warehouse, tmp_path: Path) -> None:
    again = scored.copy(tmp_path / "again")
    assert score_night(again, LAST, since=LAST) == {}
    before, after = scored.tables(["risk", "monitoring"]), again.tables(["risk", "monitoring"])
    assert before["risk.watchlist"] != []
    assert [name for name, rows in after.items() if rows != before[name]] == []


def test_a_supplier_that_left_is_watched_as_long_as_it_owes(scored: Warehouse, tmp_path: Path) -> None:
    left = scored.copy(tmp_path / "left")
    left.execute("update core.dim_supplier set status = 'EXITED' where supplier_id in ('S1', 'S2')")
    left.build(LAST, since=BEFORE_LAST, models=left.project.models("watchlist"))
    rows = left.query("select supplier_id, exposure_amount, currency from risk.watchlist order by 1")
    assert rows == [("S1", Decimal("20000.00"), "CNY"), ("S3", Decimal(0), "CNY")]


def test_jump_of_a_probability_is_measured_by_the_rule(scored: Warehouse, tmp_path: Path) -> None:
    tuned = scored.copy(tmp_path / "tuned")
    tuned.execute("update intermediate.rule_parameter set value = 5 where rule_id = 'watch_pd_jump_ratio'")
    tuned.build(LAST, since=BEFORE_LAST, models=tuned.project.models("int_supplier_score"))
    rows = tuned.query("select watch_state, watch_reason from intermediate.int_supplier_score where supplier_id = 'S2'")
    assert rows == [("NORMAL", None)]


def test_run_log_is_written_without_scores(prepared: Warehouse, tmp_path: Path) -> None:
    warehouse = prepared.copy(tmp_path / "unscored")
    assert score_night(warehouse, LAST, since=None) == {}
    assert warehouse.query("select as_of_date, champion_version, scored_count from monitoring.run_log") == [
        (LAST, None, 0)
    ]


@pytest.mark.parametrize(
    ("broken", "tests"),
    [
        (THIS_NIGHT[:-1], {"assert_every_supplier_is_answered"}),
        (
            [DISTRESSED, Score("S2", 0.04, 10), THIS_NIGHT[2], EXITED, Score("S5")],
            {"assert_grades_follow_pd", "assert_scores_are_complete"},
        ),
        ([*THIS_NIGHT[:-1], replace(THIS_NIGHT[-1], gap=1e-3)], {"assert_contributions_add_up"}),
        ([*THIS_NIGHT[:-1], Score("S5", 1.0, 10)], {"assert_scores_are_complete"}),
    ],
)
def test_broken_scores_stop_the_night(
    prepared: Warehouse, tmp_path: Path, broken: list[Score], tests: set[str]
) -> None:
    warehouse = prepared.copy(tmp_path / "broken")
    write_scores(warehouse, LAST, broken)
    assert score_night(warehouse, LAST, since=None).keys() == tests
