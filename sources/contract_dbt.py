"""The dbt source YAML of the feeds, derived from their contracts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from sources.contract import CONTRACT_FOLDER, LINEAGE, Contract, ContractError, load_contracts


def _dbt_table(contract: Contract) -> dict[str, Any]:
    columns = [{"name": c.name, "description": c.description, "data_type": c.sql_type} for c in contract.columns]
    lineage = [{"name": c.name, "description": c.description, "data_type": c.sql_type} for c in LINEAGE]
    return {"name": contract.feed, "description": contract.description, "columns": columns + lineage}


def dbt_sources_yaml(source: str, contracts: Iterable[Contract] | None = None) -> str:
    """dbt source YAML of one source. Tables read the raw dataset, whose place the engine looks for below the lake.

    dbt-duckdb fills ``{name}`` of the external location with each table's name.
    """
    feeds = [c for c in (load_contracts().values() if contracts is None else contracts) if c.source == source]
    if not feeds:
        raise ContractError(f"source {source!r} has no contract under {CONTRACT_FOLDER}.")
    location = f"read_parquet('raw/{source}/{{name}}/**/*.parquet', union_by_name=true, hive_partitioning=false)"
    document = {
        "version": 2,
        "sources": [
            {
                "name": source,
                "description": f"Rows delivered by {source}, as loaded into the raw lake",
                "schema": "raw",
                "config": {"meta": {"external_location": location}},
                "tables": [_dbt_table(contract) for contract in feeds],
            }
        ],
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    note = (
        f"# Written by `python -m sources.contract --write-dbt-sources` from sources/contracts/{source}; change those."
    )
    return f"{note}\n{text}"


def write_dbt_sources(folder: Path) -> list[Path]:
    """Write ``folder/<source>/_<source>__sources.yml`` for every source and return the paths."""
    paths = []
    for source in sorted({contract.source for contract in load_contracts().values()}):
        path = folder / source / f"_{source}__sources.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dbt_sources_yaml(source), encoding="utf-8")
        paths.append(path)
    return paths
