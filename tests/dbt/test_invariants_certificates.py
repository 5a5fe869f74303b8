"""The certificates' invariants can fail: break what each guards in a copy of the warehouse and run it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tiny_portfolio import NIGHTS
from tiny_warehouse import Warehouse

BREAKAGES = {
    "assert_children_add_up_to_parent": (
        "update intermediate.int_certificate_position_interval set available_amount = 0.01 "
        "where certificate_id = 'R1' and valid_to is null"
    ),
    "assert_certificate_trees_conserve_face": (
        "update receivable.certificate_position set redeemed_amount = redeemed_amount - 0.01 "
        "where root_certificate_id = 'R2' and valid_to is null"
    ),
    "certificate_position_adds_up_to_what_was_received": (
        "update receivable.certificate_position set frozen_amount = 0.01 where holder_id = 'S3'"
    ),
    "assert_children_inherit_promise": (
        "update intermediate.int_certificate set tier = tier + 1 where certificate_id = 'R1A1'"
    ),
    "assert_certificate_clock": (
        "update intermediate.int_certificate_term_interval set first_due_date = date '2026-04-01', "
        "due_date = date '2026-04-01' where certificate_id = 'R2'"
    ),
    "assert_slice_is_financed_once": (
        "update intermediate.int_certificate_movement set financed_amount = 40000.01 where financed_amount = 30000"
    ),
    "assert_positions_equal_financings": (
        "update intermediate.int_financing_interval set outstanding_amount = 0.01 "
        "where financing_id = 'FIN2' and valid_to is null"
    ),
    "assert_state_agrees_with_position": (
        "update receivable.certificate_state set state = 'HELD' where certificate_id = 'R2' and valid_to is null"
    ),
    "assert_tiers_equal_positions": (
        "update exposure.tier_penetration_daily set financed_amount = financed_amount + 0.01 where tier = 2"
    ),
}


@pytest.mark.parametrize("invariant", BREAKAGES)
def test_invariant_stops_a_broken_night(built: Warehouse, invariant: str, tmp_path: Path) -> None:
    broken = built.copy(tmp_path / "broken")
    broken.execute(BREAKAGES[invariant])
    assert broken.test(invariant, as_of=NIGHTS[-1]) == "fail"


def test_trees_are_looked_at_on_nights_that_bring_nothing_for_them(built: Warehouse, tmp_path: Path) -> None:
    invariant = "assert_certificate_trees_conserve_face"
    broken = built.copy(tmp_path / "broken")
    broken.execute("delete from intermediate.int_touched_root")
    assert broken.test(invariant, as_of=NIGHTS[-1]) == "pass"
    broken.execute(BREAKAGES[invariant])
    assert broken.test(invariant, as_of=NIGHTS[-1]) == "fail"


def test_a_repayment_may_come_some_nights_before_its_event(built: Warehouse) -> None:
    """The tiny portfolio ends with one: 20,000 were repaid on its last night."""
    invariant = "assert_positions_equal_financings"
    for days, status in ((2, "pass"), (3, "fail")):
        night = NIGHTS[-1] + timedelta(days=days)
        assert built.test(invariant, as_of=night) == status


def test_an_event_that_breaks_a_rule_warns(built: Warehouse, tmp_path: Path) -> None:
    warning = "warn_event_breaks_a_rule"
    broken = built.copy(tmp_path / "broken")
    assert broken.test(warning, as_of=NIGHTS[-1]) == "pass"
    broken.execute(
        "update intermediate.int_certificate_event set from_holder_id = 'S9' where certificate_event_id like 'R1B-FIN%'"
    )
    broken.dbt("build", "--select", "certificate_event_breach", "--full-refresh", as_of=NIGHTS[-1])
    assert broken.test(warning, as_of=NIGHTS[-1]) == "warn"
