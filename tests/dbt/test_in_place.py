"""Tables are replaced and continued in place, and a contract that they break is dbt's error on either way."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_portfolio import NIGHTS
from tiny_warehouse import Warehouse


@pytest.mark.parametrize(
    ("model", "column", "arguments"),
    [
        ("dim_core_enterprise", "core_enterprise_id", []),
        ("statement_proof", "account_no", []),
        ("statement_proof", "account_no", ["--full-refresh"]),
    ],
    ids=["replaced", "continued", "begun anew"],
)
def test_a_broken_contract_stops_a_table(
    built: Warehouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    column: str,
    arguments: list[str],
) -> None:
    warehouse = built.copy(tmp_path / "copy")
    [node] = [n for n in built.project.manifest.nodes.values() if n.resource_type == "model" and n.name == model]

    def run() -> dict[str, str]:
        return warehouse.dbt("run", "--select", model, *arguments, as_of=NIGHTS[-1], since=NIGHTS[-2])

    assert run() == {model: "success"}
    monkeypatch.setattr(node.columns[column], "data_type", "bigint")
    assert run() == {model: "error"}
