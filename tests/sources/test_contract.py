"""Contracts: all of them load, and what is derived from them is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sources.contract import CONTRACT_FOLDER, Contract, ContractError, dbt_sources_yaml, load_contracts, read_contract

STAGING = CONTRACT_FOLDER.parents[1] / "dbt_project" / "models" / "staging"


def test_there_is_a_contract_for_every_feed_of_the_five_sources() -> None:
    assert len(load_contracts()) == 24
    assert {contract.source for contract in load_contracts().values()} == {"platform", "erp", "tax", "bank", "external"}


@pytest.mark.parametrize("source", ["platform", "erp", "tax", "bank", "external"])
def test_dbt_sources_are_as_generated(source: str) -> None:
    written = (STAGING / source / f"_{source}__sources.yml").read_text(encoding="utf-8")
    assert written == dbt_sources_yaml(source), "run python -m sources.contract --write-dbt-sources"


@pytest.mark.parametrize("contract", load_contracts().values(), ids=lambda contract: contract.name)
def test_amounts_stand_beside_a_currency_and_are_decimal(contract: Contract) -> None:
    amounts = [column for column in contract.columns if column.name.endswith("_amount")]
    assert all(column.sql_type.startswith("decimal") for column in amounts)
    assert not amounts or any(name.endswith("currency") for name in contract.column_names)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("apiVersion", "v2.0", "apiVersion"),
        ("id", "tax.other", "tax.other"),
        ("customProperties", [], "feedKind"),
        ("schema", [], "schema"),
    ],
)
def test_an_error_names_the_file_and_the_key(tmp_path: Path, key: str, value: object, named: str) -> None:
    document = yaml.safe_load((CONTRACT_FOLDER / "tax" / "vat_return.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "tax" / "vat_return.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(document | {key: value}))
    with pytest.raises(ContractError) as error:
        read_contract(path)
    assert "vat_return.yaml" in str(error.value)
    assert named in str(error.value)
