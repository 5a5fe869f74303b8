"""Each invariant that stops the night can fail: break what it guards in a copy of the warehouse and run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_portfolio import NIGHTS
from tiny_warehouse import Warehouse

BREAKAGES = {
    "assert_certificate_trees_conserve_face": (
        "update receivable.certificate_position set available_amount = available_amount - 1 where holder_id = 'S3'"
    ),
    "assert_children_add_up_to_parent": (
        "update intermediate.int_certificate set face_amount = face_amount + 1 where certificate_id = 'R1B'"
    ),
    "assert_children_inherit_promise": (
        "update intermediate.int_certificate_term_interval set due_date = due_date - 1 where certificate_id = 'R1B'"
    ),
    "assert_slice_is_financed_once": (
        "insert into intermediate.int_financing_interval select * replace ('FIN9' as financing_id, 40000 as "
        "outstanding_amount) from intermediate.int_financing_interval where financing_id = 'FIN1' and valid_to is null"
    ),
    "assert_certificate_clock": (
        "update receivable.fct_certificate_event set occurred_at = timestamp '2026-03-01' where event_type = 'REDEEMED'"
    ),
    "assert_exposure_equals_ledger": (
        "update exposure.exposure_daily set outstanding_amount = outstanding_amount + 0.01"
    ),
    "assert_limits_cover_exposure": "update exposure.limit_daily set utilised_amount = 0",
    "assert_exposure_views_agree": (
        "update exposure.concentration_daily set exposure_amount = exposure_amount + 0.01 where dimension = 'REGION'"
    ),
    "assert_ageing_equals_receivables": "delete from receivable.ageing_daily where core_enterprise_id = 'CE2'",
    "assert_connected_groups_are_closed": (
        "update intermediate.int_connected_group_daily set control_group_id = party_id"
    ),
    "assert_staged_rows_equal_receipts": (
        "insert into staging.stg_platform__supplier select * from staging.stg_platform__supplier"
    ),
    "adds_up_to_limit_daily_utilised_amount__blocked_amount__free_amount__limit_amount": (
        "update exposure.limit_daily set free_amount = free_amount + 0.01"
    ),
}


@pytest.mark.parametrize("invariant", BREAKAGES)
def test_invariant_stops_a_broken_night(built: Warehouse, invariant: str, tmp_path: Path) -> None:
    broken = built.copy(tmp_path / "broken")
    broken.execute(BREAKAGES[invariant])
    assert broken.test(invariant, as_of=NIGHTS[-1]) == "fail"


def test_a_statement_that_is_not_proven_warns(built: Warehouse, tmp_path: Path) -> None:
    warning = "warn_statement_not_proven"
    assert built.test(warning, as_of=NIGHTS[-1]) == "pass"
    broken = built.copy(tmp_path / "broken")
    broken.execute("update monitoring.statement_proof set status = 'GAP' where balance_date = date '2026-03-30'")
    assert broken.test(warning, as_of=NIGHTS[-1]) == "warn"


def test_rules_pass_their_unit_tests(built: Warehouse, tmp_path: Path) -> None:
    """The unit tests of all models, for which the tables of the models they read must be there."""
    complete = built.copy(tmp_path / "complete")
    complete.add(built.project.all_models - built.project.models_before_scoring, NIGHTS[-1])
    statuses = complete.dbt("test", "--select", "test_type:unit", as_of=NIGHTS[-1])
    assert len(statuses) >= 30
    assert {name: status for name, status in statuses.items() if status != "pass"} == {}
