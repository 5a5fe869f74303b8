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
from pydantic import BaseModel, ConfigDict, Field

from sources.promise import DeliveryPromise, ServiceLevel, delivery_promise
from sources.yaml_model import Place, YamlDocument, nearest, parse_model, read_yaml

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
WITHHELD = "***"
"""Stands for a personal value in a sentence, which travels further than the quarantine that holds the value."""

Policy = Literal["warn", "refuse"]
"""What is done with a file in which something happened to a column: loaded with a warning, or refused."""


class ContractError(ValueError):
    """A contract file cannot be used; the message names the file, line, key and what to change."""


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
class Contract:
    """One feed: its columns in delivery order, its key, and when its rows happened and became known.

    ``on_unknown_column``, ``on_gone_column`` (an optional one) and ``on_retyped_column`` say what becomes of a file in
    which that happened (`sources.schema_event`).
    """

    source: str
    feed: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    event_date: str
    history_lag_days: int
    kind: FeedKind
    description: str
    promises: tuple[ServiceLevel, ...] = ()
    delivery: DeliveryPromise | None = None
    on_unknown_column: Policy = "warn"
    on_gone_column: Policy = "warn"
    on_retyped_column: Policy = "warn"

    @property
    def name(self) -> str:
        """``source.feed``."""
        return f"{self.source}.{self.feed}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the contract columns in order."""
        return tuple(column.name for column in self.columns)

    @property
    def personal_columns(self) -> frozenset[str]:
        """Names of the columns that are classified as personal (``pii``)."""
        return frozenset(column.name for column in self.columns if column.classification == "pii")

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
    LineageColumn(
        "row_no",
        "bigint",
        pa.int64(),
        "Number of the record in the delivered file, from 1; negative in a version that withdraws a row",
    ),
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
    schedule: str = ""


class _Document(BaseModel):
    api_version: str = Field(alias="apiVersion", pattern=r"^v3\.")
    kind: Literal["DataContract"]
    id: str
    domain: str
    tables: list[_Schema] = Field(alias="schema", min_length=1, max_length=1)
    promises: list[_Promise] = Field(alias="slaProperties", default_factory=list)
    custom: list[_Custom] = Field(alias="customProperties")


def _arrow_type(physical_type: str, source: YamlDocument, place: Place) -> pa.DataType:
    if physical_type in _ARROW_TYPES:
        return _ARROW_TYPES[physical_type]
    if decimal := _DECIMAL.match(physical_type):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    known = ", ".join(_ARROW_TYPES)
    raise source.fault(f"{physical_type!r} is not known; use one of {known}, decimal(p,s)", *place, "physicalType")


def _bound(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).normalize()


def _column(prop: _Property, source: YamlDocument, place: Place) -> Column:
    if not _IDENTIFIER.match(prop.name):
        raise source.fault(f"column name {prop.name!r} is not snake_case; rename it", *place, "name")
    custom = {item.property: str(item.value) for item in prop.custom}
    allowed = tuple(value for rule in prop.quality for value in rule.arguments.valid_values)
    return Column(
        name=prop.name,
        sql_type=prop.physical_type,
        arrow_type=_arrow_type(prop.physical_type, source, place),
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
    """Read one ODCS file; raises ContractError naming file, line and key when it breaks the shape we rely on."""
    source = read_yaml(path, f"contract {path.parent.name}.{path.stem}", ContractError)
    document = parse_model(_Document, source)
    table = document.tables[0]
    if document.id != f"{path.parent.name}.{path.stem}":
        raise source.fault(f"{document.id!r} does not match the file's place {path.parent.name}/{path.name}", "id")
    if table.name != path.stem:
        raise source.fault(f"{table.name!r} does not match the file's name {path.name}", "schema", 0, "name")
    properties = ("schema", 0, "properties")
    columns = tuple(_column(prop, source, (*properties, number)) for number, prop in enumerate(table.properties))
    key_properties = sorted((p for p in table.properties if p.primary_key), key=lambda p: p.primary_key_position)
    custom: dict[str, Any] = {item.property: item.value for item in document.custom}
    for name in ("feedKind", "eventDate", "historyLagDays"):
        if name not in custom:
            raise source.fault(f"it lacks {name}; add it", "customProperties")
    levels = tuple(ServiceLevel(p.property, str(p.value), p.unit, p.schedule) for p in document.promises)
    try:
        delivery = delivery_promise(levels)
    except ValueError as error:
        raise source.fault(str(error), "slaProperties") from error
    contract = Contract(
        source=path.parent.name,
        feed=path.stem,
        columns=columns,
        key=tuple(prop.name for prop in key_properties),
        event_date=str(custom["eventDate"]),
        history_lag_days=int(custom["historyLagDays"]),
        kind="state" if custom["feedKind"] == "state" else "event",
        description=" ".join(table.description.split()),
        promises=levels,
        delivery=delivery,
        on_unknown_column=_policy(custom, "onUnknownColumn", source),
        on_gone_column=_policy(custom, "onGoneColumn", source),
        on_retyped_column=_policy(custom, "onRetypedColumn", source),
    )
    _check_references(contract, source)
    return contract


def _policy(custom: Mapping[str, Any], name: str, source: YamlDocument) -> Policy:
    value = custom.get(name, "warn")
    if value not in ("warn", "refuse"):
        raise source.fault(f"{name} is {value!r}; say warn or refuse", "customProperties")
    return "refuse" if value == "refuse" else "warn"


def _check_references(contract: Contract, source: YamlDocument) -> None:
    names, place = contract.column_names, ("schema", 0, "properties")
    for number, name in enumerate(names):
        if name in names[:number]:
            raise source.fault(f"{name} is given twice; make the names unique", *place, number, "name")
    if not contract.key:
        raise source.fault("no column is marked primaryKey; mark the key", *place)
    if contract.event_date not in names:
        near = nearest(contract.event_date, names)
        raise source.fault(f"eventDate names {contract.event_date!r}, which is no column{near}", "customProperties")
    for number, column in enumerate(contract.columns):
        for label, other in (("numberScheme", column.number_scheme), ("yearOf", column.year_of)):
            if other is not None and other not in names:
                near = nearest(other, names)
                raise source.fault(f"{label} names {other!r}, which is no column{near}", *place, number)


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
