"""Feed contracts: the one truth about a feed's columns, types, keys and rules.

A contract is an Open Data Contract Standard (ODCS v3.1) YAML file ``contracts/<source>/<feed>.yaml``. Raw types,
validation rules, the dbt source YAML and the pages on the feeds are derived from it. ``python -m sources.contract``
writes the files: ``--write-dbt-sources DIR`` (`sources.contract_dbt`), ``--write-docs DIR`` (`sources.contract_docs`).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

CONTRACT_FOLDER = Path(__file__).parent / "contracts"

_IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]*$")
_DECIMAL = re.compile(r"^decimal\((\d{1,2}),(\d{1,2})\)$")
_ARROW_TYPES: Mapping[str, pa.DataType] = {
    "varchar": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
}

FeedKind = Literal["event", "state"]


class ContractError(ValueError):
    """A contract file cannot be used; the message names the file, the key and what to change."""


@dataclass(frozen=True)
class Column:
    """One contract column.

    ``minimum``/``maximum`` are inclusive. ``number_scheme`` names the column that holds the scheme of this official
    number; ``year_of`` names the date column whose calendar year fills this column when it was not delivered.
    """

    name: str
    sql_type: str
    arrow_type: pa.DataType
    required: bool
    is_key: bool
    classification: str
    pattern: str | None
    minimum: Decimal | None
    maximum: Decimal | None
    allowed_values: tuple[str, ...]
    number_scheme: str | None
    year_of: str | None
    description: str


@dataclass(frozen=True)
class Promise:
    """A service level that the deliverer promised, in the words of ODCS: property, value and unit ('' without one)."""

    name: str
    value: str
    unit: str


@dataclass(frozen=True)
class Contract:
    """One feed: its columns in delivery order, its key, and when its rows happened and became known."""

    source: str
    feed: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    event_date: str
    history_lag_days: int
    kind: FeedKind
    description: str
    promises: tuple[Promise, ...] = ()

    @property
    def name(self) -> str:
        """``source.feed``."""
        return f"{self.source}.{self.feed}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the contract columns in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when the contract has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow schema of the contract columns, all nullable, in contract order."""
        return pa.schema([pa.field(column.name, column.arrow_type) for column in self.columns])

    @property
    def raw_schema(self) -> pa.Schema:
        """Arrow schema of the feed's raw dataset: contract columns, then lineage columns."""
        return pa.schema([*self.arrow_schema, *(column.field for column in LINEAGE)])


@dataclass(frozen=True)
class LineageColumn:
    """A column that ingest adds to every raw row."""

    name: str
    sql_type: str
    arrow_type: pa.DataType
    description: str

    @property
    def field(self) -> pa.Field:
        """Arrow field of the column."""
        return pa.field(self.name, self.arrow_type)


LINEAGE: tuple[LineageColumn, ...] = (
    LineageColumn("known_date", "date", pa.date32(), "Business date on which the row became known to us"),
    LineageColumn("batch_date", "date", pa.date32(), "First night that may use the file the row came in"),
    LineageColumn("file_id", "varchar", pa.string(), "Delivered file the row came in (lake receipt)"),
    LineageColumn("row_no", "bigint", pa.int64(), "Number of the record in the delivered file, from 1"),
    LineageColumn("loaded_at", "timestamp", pa.timestamp("us"), "When the row was loaded (UTC clock of the run)"),
)


class _Custom(BaseModel):
    property: str
    value: str | int


class _Arguments(BaseModel):
    valid_values: list[str] = Field(alias="validValues", min_length=1)


class _Quality(BaseModel):
    type: Literal["library"]
    metric: Literal["invalidValues"]
    arguments: _Arguments


class _TypeOptions(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None


class _Property(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    logical_type: str = Field(alias="logicalType")
    physical_type: str = Field(alias="physicalType")
    description: str
    primary_key: bool = Field(alias="primaryKey", default=False)
    primary_key_position: int = Field(alias="primaryKeyPosition", default=-1)
    required: bool
    classification: Literal["public", "internal", "pii"]
    options: _TypeOptions = Field(alias="logicalTypeOptions", default_factory=_TypeOptions)
    quality: list[_Quality] = Field(default_factory=list)
    custom: list[_Custom] = Field(alias="customProperties", default_factory=list)


class _Schema(BaseModel):
    name: str
    description: str
    properties: list[_Property] = Field(min_length=1)


class _Promise(BaseModel):
    property: str
    value: str | int | float
    unit: str = ""


class _Document(BaseModel):
    api_version: str = Field(alias="apiVersion", pattern=r"^v3\.")
    kind: Literal["DataContract"]
    id: str
    domain: str
    tables: list[_Schema] = Field(alias="schema", min_length=1, max_length=1)
    promises: list[_Promise] = Field(alias="slaProperties", default_factory=list)
    custom: list[_Custom] = Field(alias="customProperties")


def _arrow_type(physical_type: str, where: str) -> pa.DataType:
    if physical_type in _ARROW_TYPES:
        return _ARROW_TYPES[physical_type]
    if decimal := _DECIMAL.match(physical_type):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    raise ContractError(
        f"{where}: physicalType {physical_type!r} is not known; use one of {', '.join(_ARROW_TYPES)}, decimal(p,s)."
    )


def _bound(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).normalize()


def _column(prop: _Property, where: str) -> Column:
    if not _IDENTIFIER.match(prop.name):
        raise ContractError(f"{where}: column name {prop.name!r} is not snake_case; rename it.")
    custom = {item.property: str(item.value) for item in prop.custom}
    allowed = tuple(value for rule in prop.quality for value in rule.arguments.valid_values)
    return Column(
        name=prop.name,
        sql_type=prop.physical_type,
        arrow_type=_arrow_type(prop.physical_type, f"{where}, column {prop.name}"),
        required=prop.required,
        is_key=prop.primary_key,
        classification=prop.classification,
        pattern=prop.options.pattern,
        minimum=_bound(prop.options.minimum),
        maximum=_bound(prop.options.maximum),
        allowed_values=allowed,
        number_scheme=custom.get("numberScheme"),
        year_of=custom.get("yearOf"),
        description=" ".join(prop.description.split()),
    )


def read_contract(path: Path) -> Contract:
    """Read one ODCS file; raises ContractError naming file and key when it breaks the shape we rely on."""
    try:
        document = _Document.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ContractError(f"{path}: not readable as YAML ({error}); correct the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"{path}: key {key}: {first['msg']}; correct the contract.") from error
    where = str(path)
    table = document.tables[0]
    if document.id != f"{path.parent.name}.{path.stem}" or table.name != path.stem:
        raise ContractError(
            f"{where}: id {document.id!r} and schema name {table.name!r} do not match the file's place."
        )
    columns = tuple(_column(prop, where) for prop in table.properties)
    key_properties = sorted((p for p in table.properties if p.primary_key), key=lambda p: p.primary_key_position)
    custom: dict[str, Any] = {item.property: item.value for item in document.custom}
    for name in ("feedKind", "eventDate", "historyLagDays"):
        if name not in custom:
            raise ContractError(f"{where}: customProperties lacks {name}; add it.")
    contract = Contract(
        source=path.parent.name,
        feed=path.stem,
        columns=columns,
        key=tuple(prop.name for prop in key_properties),
        event_date=str(custom["eventDate"]),
        history_lag_days=int(custom["historyLagDays"]),
        kind="state" if custom["feedKind"] == "state" else "event",
        description=" ".join(table.description.split()),
        promises=tuple(Promise(item.property, str(item.value), item.unit) for item in document.promises),
    )
    _check_references(contract, where)
    return contract


def _check_references(contract: Contract, where: str) -> None:
    names = contract.column_names
    if len(set(names)) != len(names):
        raise ContractError(f"{where}: a column name is given twice; make the names unique.")
    if not contract.key:
        raise ContractError(f"{where}: no column is marked primaryKey; mark the key.")
    for label, name in [("eventDate", contract.event_date)] + [
        (label, name)
        for column in contract.columns
        for label, name in (("numberScheme", column.number_scheme), ("yearOf", column.year_of))
        if name is not None
    ]:
        if name not in names:
            raise ContractError(f"{where}: {label} names {name!r}, which is no column of the contract.")


@cache
def load_contracts(folder: Path = CONTRACT_FOLDER) -> dict[str, Contract]:
    """All contracts, keyed ``source.feed``, in alphabetical order. Do not change the returned dictionary."""
    contracts = [read_contract(path) for path in sorted(folder.glob("*/*.yaml"))]
    if not contracts:
        raise ContractError(f"{folder}: no contract found; the installation is incomplete.")
    return {contract.name: contract for contract in contracts}


def _main() -> None:
    # both are derived from what this module reads
    from sources.contract_dbt import write_dbt_sources
    from sources.contract_docs import write_docs

    parser = argparse.ArgumentParser(description="Derive files from the feed contracts.")
    parser.add_argument("--write-dbt-sources", type=Path, metavar="DIR", help="folder of staging models")
    parser.add_argument("--write-docs", type=Path, metavar="DIR", help="folder of the pages on feeds")
    wanted = parser.parse_args()
    if wanted.write_dbt_sources is None and wanted.write_docs is None:
        parser.error("say what to write: --write-dbt-sources DIR, --write-docs DIR or both")
    paths = [] if wanted.write_dbt_sources is None else write_dbt_sources(wanted.write_dbt_sources)
    paths += [] if wanted.write_docs is None else write_docs(wanted.write_docs)
    for path in paths:
        print(path)


if __name__ == "__main__":
    _main()
