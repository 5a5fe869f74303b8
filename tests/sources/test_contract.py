"""Contracts: all of them load, and what is derived from them is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sources.contract import CONTRACT_FOLDER, Contract, ContractError, load_contracts, read_contract
from sources.contract_dbt import dbt_sources_yaml
from sources.contract_docs import docs_pages, write_docs

STAGING = CONTRACT_FOLDER.parents[1] / "dbt_project" / "models" / "staging"
PAGES = CONTRACT_FOLDER.parents[1] / "docs" / "feeds"


def test_there_is_a_contract_for_every_feed_of_the_five_sources() -> None:
    assert len(load_contracts()) == 26
    assert {contract.source for contract in load_contracts().values()} == {"platform", "erp", "tax", "bank", "external"}


@pytest.mark.parametrize("source", ["platform", "erp", "tax", "bank", "external"])
def test_dbt_sources_are_as_generated(source: str) -> None:
    written = (STAGING / source / f"_{source}__sources.yml").read_text(encoding="utf-8")
    assert written == dbt_sources_yaml(source), "run python -m sources.contract --write-dbt-sources"


def test_pages_on_the_feeds_are_as_generated() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*")}
    assert written == docs_pages(), "run python -m sources.contract --write-docs docs/feeds"


@pytest.mark.parametrize("contract", load_contracts().values(), ids=lambda contract: contract.name)
def test_a_page_says_all_that_the_contract_says(contract: Contract) -> None:
    page = docs_pages()[f"{contract.source}.md"]
    section = page.split(f"\n## {contract.feed}\n")[1].split("\n## ")[0]
    for column in contract.columns:
        row = next(line for line in section.splitlines() if line.startswith(f"| `{column.name}` |"))
        said = [column.sql_type, column.classification, column.description.replace("|", "\\|"), *column.allowed_values]
        said += [f"{bound:f}" for bound in (column.minimum, column.maximum) if bound is not None]
        assert [text for text in said if text not in row] == []
        assert ("| yes |" in row) == column.required
    assert contract.description in section


def test_the_page_of_a_source_that_is_gone_goes(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("# Feeds of gone")
    assert {path.name for path in write_docs(tmp_path)} == {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "gone.md").exists()


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
