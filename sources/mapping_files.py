"""Files of mappings: found by name, read, and checked against the contract of their feed.

A mapping is found in a list of folders, first one first: a home's own, then those that come with the project. A name
is lower-case words with ``/`` between them and never leads out of the folders.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from sources.contract import Column, load_contracts
from sources.mapping import OF_CONTRACT, Mapping
from sources.mapping_columns import ColumnMapping
from sources.yaml_model import MappingError, YamlDocument, nearest, parse_model, read_yaml

MAPPING_FOLDER = Path(__file__).parent / "mappings"
MAPPING_FOLDERS: tuple[Path, ...] = (MAPPING_FOLDER,)
"""Where mappings are looked for when nothing else is said: those that come with the project."""

_MAPPING_NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")


def load_mapping(name: str, folders: Sequence[Path] = MAPPING_FOLDERS) -> Mapping:
    """Read and check the mapping ``name`` of the first folder that has it; MappingError when it cannot be used."""
    if not _MAPPING_NAME.fullmatch(name):
        raise MappingError(
            f"mapping name {name!r} is not made of lower-case letters, digits, _ and /, such as my_bank/payments; "
            "correct it."
        )
    for folder in folders:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return read_mapping(path, name)
    raise MappingError(
        f"mapping {name}: there is no file {name}.yaml among the mappings{nearest(name, mapping_names(folders))}."
    )


def mapping_names(folders: Sequence[Path] = MAPPING_FOLDERS) -> tuple[str, ...]:
    """Names of the mappings in the folders, in alphabetical order; delivery plans are none."""
    names = (
        path.relative_to(folder).with_suffix("").as_posix()
        for folder in folders
        for path in folder.rglob("*.yaml")
        if not path.name.startswith(("_", "."))
    )
    return tuple(sorted({name for name in names if _MAPPING_NAME.fullmatch(name)}))


def is_own(name: str, folders: Sequence[Path]) -> bool:
    """Whether the mapping of that name is a home's own and none of the project's."""
    return any((folder / f"{name}.yaml").is_file() for folder in folders if folder != MAPPING_FOLDER)


def read_mapping(path: Path, name: str | None = None) -> Mapping:
    """Read and check the mapping of a file, called ``name`` or by the file's own; MappingError says what is wrong."""
    name = name or path.stem
    document = read_yaml(path, f"mapping {name}")
    if name == OF_CONTRACT:
        raise document.fault("a delivery without a mapping is read by what is called so; give the file another name")
    if not isinstance(document.content, dict):
        raise document.fault("the file holds no keys; give feed and columns")
    if "name" in document.content:
        raise document.fault("a mapping is called by the name of its file; remove the key", "name")
    document.content["name"] = name
    mapping = parse_model(Mapping, document)
    _check_against_contract(mapping, document)
    return mapping


def _check_against_contract(mapping: Mapping, document: YamlDocument) -> None:
    contract = load_contracts().get(mapping.feed)
    if contract is None:
        raise document.fault(f"there is no contract {mapping.feed!r}{nearest(mapping.feed, load_contracts())}", "feed")
    for name, own in mapping.columns.items():
        if name not in contract.column_names:
            near = nearest(name, contract.column_names)
            raise document.fault(f"{contract.name} has no such column{near}", "columns", name)
        _check_column(contract.column(name), own, document)
    for column in contract.columns:
        if column.required and column.name not in mapping.columns and column.year_of is None:
            raise document.fault(f"{column.name} is required by {contract.name}; map it", "columns")
    if mapping.history is not None and mapping.history.known_from not in contract.column_names:
        near = nearest(mapping.history.known_from, contract.column_names)
        raise document.fault(f"{contract.name} has no such column{near}", "history", "known_from")


def _is_typed(constant: str, column: Column) -> bool:
    """Whether a constant can be a value of the column's type, exactly."""
    if column.sql_type == "varchar":
        return True
    if column.sql_type == "boolean":
        return constant in ("true", "false")
    try:
        if column.sql_type == "date":
            return len(constant) == len("YYYY-MM-DD") and bool(date.fromisoformat(constant))
        if column.sql_type == "timestamp":
            return datetime.fromisoformat(constant).tzinfo is None
        number = Decimal(constant) if column.sql_type.startswith("decimal") else int(constant)
        return bool(pa.scalar(number).cast(column.arrow_type).is_valid)
    except (ValueError, ArithmeticError):
        return False


_NUMBERS = ("decimal", "integer", "bigint")
_FITTING: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("factor", ("decimal",), "no decimal"),
    ("sign", ("decimal",), "no decimal"),
    *((key, _NUMBERS, "no number") for key in ("unit", "decimal_mark", "thousands_sign")),
    ("format", ("date", "timestamp"), "neither date nor timestamp"),
    ("time_zone", ("timestamp",), "no timestamp"),
)
"""Keys of a column, the SQL types that they fit, and what a column of another type is."""


def _check_column(column: Column, own: ColumnMapping, document: YamlDocument) -> None:
    place = ("columns", column.name)
    for key, fits, kind in _FITTING:
        if getattr(own, key) not in (None, ()) and not column.sql_type.startswith(fits):
            raise document.fault(f"{column.name} is {kind}", *place, key)
    if own.constant is not None and not _is_typed(own.constant, column):
        raise document.fault(f"{own.constant!r} is no {column.sql_type}", *place, "constant")
    values = [(meaning, "codes", code) for code, meaning in (own.codes or {}).items()]
    if own.constant is not None:
        values.append((own.constant, "constant", ""))
    for value, *keys in values:
        if column.allowed_values and value not in column.allowed_values:
            known = ", ".join(column.allowed_values)
            raise document.fault(f"{value!r} is not allowed; use one of {known}", *place, *filter(None, keys))
        if column.pattern and not re.search(column.pattern, value):
            raise document.fault(f"{value!r} does not match {column.pattern}", *place, *filter(None, keys))
