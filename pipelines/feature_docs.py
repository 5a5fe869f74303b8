"""Column docs of `features.supplier_daily`, written from the feature registry: `python -m pipelines.feature_docs`.

A feature is described once, in `ml/features.yaml`; the dbt contract of the table is derived from it. A test fails while
the written file and the registry differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ml.features import Feature, FeatureRegistry, load_registry

TARGET = Path(__file__).parents[1] / "dbt_project" / "models" / "features" / "supplier_daily.yml"

HEADER = "# Written by `python -m pipelines.feature_docs` from ml/features.yaml; change that.\n"

DESCRIPTION = (
    "Grain: one row per as_of_date and supplier known on that night: what was known of it by then, from all sources. "
    "Missing stays missing: a feature is null where its source does not reach the supplier."
)

POPULATION = ("ELIGIBLE", "IN_DISTRESS", "EXITED", "NO_RECENT_DATA")
DEPTHS = ("A", "B", "C", "D")


def supplier_daily_docs(registry: FeatureRegistry) -> str:
    """The dbt properties of features.supplier_daily as YAML text."""
    model = {
        "name": "supplier_daily",
        "description": DESCRIPTION,
        "data_tests": [{"unique_combination": {"arguments": {"columns": ["as_of_date", "supplier_id"]}}}],
        "columns": [*_key_columns(), *(_feature_column(feature) for feature in registry)],
    }
    return HEADER + yaml.safe_dump({"models": [model]}, sort_keys=False, allow_unicode=True, width=120)


def _key_columns() -> list[dict[str, Any]]:
    return [
        _column("as_of_date", "date", "Night on which all this was known.", required=True),
        _column("supplier_id", "varchar", "{{ doc('supplier_id') }}", required=True),
        _column("party_id", "varchar", "{{ doc('party_id') }}", required=True),
        _column("sector_code", "varchar", "{{ doc('sector_code') }}"),
        _column("size_class", "varchar", "Size class of the firm."),
        _column(
            "population_status",
            "varchar",
            "ELIGIBLE is scored; IN_DISTRESS, EXITED and NO_RECENT_DATA are not.",
            required=True,
            values=POPULATION,
        ),
        _column("not_scored_reason", "varchar", "Why the supplier is not scored, as a sentence; missing if it is."),
        _column(
            "data_depth",
            "varchar",
            "How many of platform, ERP, tax and bank brought a row lately: A all four, B three, C two, D one or none.",
            required=True,
            values=DEPTHS,
        ),
    ]


def _feature_column(feature: Feature) -> dict[str, Any]:
    window = f", window {feature.window_days} days" if feature.window_days else ""
    return _column(
        feature.name,
        "double",
        f"{feature.formula} ({feature.unit}, indicator {feature.indicator_id}{window}). Missing: {feature.missing}.",
    )


def _column(
    name: str, data_type: str, description: str, *, required: bool = False, values: tuple[str, ...] = ()
) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "data_type": data_type, "description": description}
    if required:
        column["constraints"] = [{"type": "not_null"}]
    if values:
        column["data_tests"] = [{"accepted_values": {"arguments": {"values": list(values)}}}]
    return column


if __name__ == "__main__":
    TARGET.write_text(supplier_daily_docs(load_registry()), encoding="utf-8")
