"""The dated rules that Python needs, read from the warehouse: dbt loads them, so a night has one set of them."""

from __future__ import annotations

from datetime import date

import duckdb

from ml.drift import DriftThresholds
from pipelines.night import NightError


def rule_value(con: duckdb.DuckDBPyConnection, rule_id: str, on_date: date) -> float:
    """The value of a rule that holds for everything, on a date.

    Raises:
        NightError: the rule has none then.
    """
    row = con.execute(
        "select value from intermediate.rule_parameter where rule_id = $rule and scope = 'ALL' "
        "and valid_from <= $on_date and (valid_to is null or valid_to > $on_date)",
        {"rule": rule_id, "on_date": on_date},
    ).fetchone()
    if row is None:
        raise NightError(f"Rule {rule_id} has no value on {on_date}; add a row to the seed rule_parameter.")
    return float(row[0])


def drift_thresholds(con: duckdb.DuckDBPyConnection, on_date: date) -> DriftThresholds:
    """From where on a move counts on a night."""
    return DriftThresholds(
        false_alarm_ratio=rule_value(con, "drift_false_alarm_ratio", on_date),
        material_psi=rule_value(con, "drift_material_psi", on_date),
        snapshot_margin=rule_value(con, "drift_snapshot_margin", on_date),
        faulty_source_ratio=rule_value(con, "faulty_source_ratio", on_date),
        confined_sector_ratio=rule_value(con, "confined_sector_ratio", on_date),
    )
