"""Mappings: how the columns, codes and formats of one deliverer become contract columns.

A mapping is a YAML file ``mappings/<name>.yaml``::

    feed: tax.vat_invoice
    encoding: gb18030
    columns:
      seller_no: 销方识别号                      # contract column: delivered column
      seller_no_scheme: {constant: CN-USCC}
      invoice_date: {from: 开票日期, format: YYYY/M/D}
      invoice_status: {from: 发票状态, trim: true, codes: {正常: VALID}}
    history: {known_from: invoice_date, lag_days: 1}

Without a mapping a delivery uses the contract's own column names and ISO formats (`identity_mapping`).

A mapping is found by its name in a list of folders, first one first: a home's own, then those that come with the
project. A name is lower-case words with ``/`` between them and never leads out of the folders.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from sources.contract import Column, Contract, load_contracts
from sources.expression import Expression
from sources.yaml_model import MappingError, YamlDocument, YamlModel, fault, nearest, parse_model, read_yaml

MAPPING_FOLDER = Path(__file__).parent / "mappings"
MAPPING_FOLDERS: tuple[Path, ...] = (MAPPING_FOLDER,)
"""Where mappings are looked for when nothing else is said: those that come with the project."""

_MAPPING_NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*")
_FORMAT_TOKENS = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "M": "%-m", "DD": "%d", "D": "%-d", "hh": "%H", "mm": "%M", "ss": "%S",
}  # fmt: skip
_FORMAT = re.compile("|".join(_FORMAT_TOKENS))

ReaderName = Literal["delimited", "parquet", "camt", "ubl", "cii", "efapiao", "mt940", "bai2", "xlsx", "jsonl"]


def strptime_format(form: str) -> str:
    """A date format such as ``YYYY/M/D`` as strptime directives: ``%Y/%-m/%-d``."""
    return _FORMAT.sub(lambda token: _FORMAT_TOKENS[token[0]], form)


def _known_encoding(value: str) -> str:
    try:
        return codecs.lookup(value).name
    except LookupError as error:
        raise ValueError(f"{value!r} is no known encoding") from error


Encoding = Annotated[str, AfterValidator(_known_encoding)]
Character = Annotated[str, Field(min_length=1, max_length=1)]
DecimalMark = Literal[".", ","]
ThousandsSign = Literal["", ",", ".", " ", "'"]


class TextForm(YamlModel):
    """How one delivery writes its text, where it differs from its mapping: what is not set is as in the mapping."""

    encoding: Encoding | None = None
    delimiter: Character | None = None
    decimal_mark: DecimalMark | None = None
    thousands_sign: ThousandsSign | None = None


class ColumnMapping(YamlModel):
    """Where one contract column comes from: a delivered column, an expression over several, or a constant."""

    delivered: str | None = Field(default=None, validation_alias="from")
    expression: str | None = None
    constant: str | None = None
    trim: bool = False
    format: str | None = None
    codes: dict[str, str] | None = None
    factor: Decimal | None = Field(default=None, max_digits=9, decimal_places=4)

    @field_validator("constant", mode="before")
    @classmethod
    def _constant_as_text(cls, value: object) -> object:
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if value is None else str(value)

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        if sum(origin is not None for origin in (self.delivered, self.expression, self.constant)) != 1:
            raise ValueError("give one of 'from' (the delivered column), 'expression' or 'constant'")
        if self.constant is not None and (self.trim or self.format or self.codes or self.factor is not None):
            raise ValueError("a constant takes no trim, format, codes or factor")
        if self.expression is not None and (self.trim or self.format or self.factor is not None):
            raise ValueError("an expression takes no trim, format or factor; use trim(), as_date() or *")
        return self

    @field_validator("expression")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            Expression(value)
        return value

    @property
    def source(self) -> str | None:
        """The delivered column it reads, or the derived column of its expression; None for a constant."""
        return self.delivered if self.expression is None else f"= {self.expression}"

    @property
    def strptime_format(self) -> str | None:
        """The format as strptime directives, such as ``%Y/%-m/%-d`` for ``YYYY/M/D``; None for ISO 8601."""
        return None if self.format is None else strptime_format(self.format)


class History(YamlModel):
    """How rows of a one-off delivery of history became known: ``known_from`` plus ``lag_days``."""

    known_from: str
    lag_days: int = Field(ge=0)


class JoinedTable(YamlModel):
    """Another table of the delivery: its files in the same folder, and the equations by which it is joined.

    ``where`` says which of its records can be joined. Where an ``optional`` table was not delivered, its columns are
    missing in every record.
    """

    files: str
    match: str | tuple[str, ...]
    where: str | None = None
    optional: bool = False

    @field_validator("match")
    @classmethod
    def _readable(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in (value,) if isinstance(value, str) else value:
            Expression(text)
        return value

    @field_validator("where")
    @classmethod
    def _is_readable(cls, value: str | None) -> str | None:
        if value is not None:
            Expression(value)
        return value

    @property
    def equations(self) -> tuple[Expression, ...]:
        return tuple(Expression(text) for text in ((self.match,) if isinstance(self.match, str) else self.match))

    @property
    def condition_columns(self) -> tuple[str, ...]:
        """Columns that the condition reads, as ``table.column``."""
        return () if self.where is None else Expression(self.where).columns

    def key_of(self, name: str, equation: Expression) -> tuple[Expression, Expression]:
        """Both sides of an equation: of the file that is joined to, and of this table; ValueError when mixed."""
        sides = equation.sides
        is_own = [{column.startswith(f"{name}.") for column in side.columns} for side in sides]
        if is_own == [{False}, {True}]:
            return sides
        if is_own == [{True}, {False}]:
            return sides[1], sides[0]
        raise ValueError(f"{equation.text!r} must have columns of {name} on one side and of the file on the other")


def _match(table: str) -> tuple[str, ...]:
    return ("tables", table, "match")


def _as_column(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


class Mapping(YamlModel):
    """Mapping of one deliverer's files to one feed.

    ``where`` says which records of the file are rows of the feed, ``tables`` what is joined to them, ``missing`` which
    texts stand for a missing value, ``dates`` in which formats as_date(column) looks for a date, ``optional`` which of
    the columns that expressions read a file need not have. ``sign: trailing`` takes a sign behind a number as well as
    one before it. ``ignored`` are delivered columns that nobody needs (``*``: whatever else there is). ``records``
    names which of a format's kinds of record the feed takes, where it has several. ``sheet`` names the sheet of a
    workbook, ``header_row`` the row (in a text, the line) that names the columns where titles stand above it.
    ``history`` is None for a delivery of current rows.
    """

    set_by_loader: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    feed: str
    reader: ReaderName | None = None
    records: str | None = None
    encoding: Encoding = "utf-8"
    delimiter: Character = ","
    quote: str = Field(default='"', max_length=1)
    decimal_mark: DecimalMark = "."
    thousands_sign: ThousandsSign = ""
    sign: Literal["leading", "trailing"] = "leading"
    dates: tuple[str, ...] = ()
    sheet: str | None = None
    header_row: int = Field(default=1, ge=1, le=1000)
    missing: tuple[str, ...] = ()
    where: str | None = None
    tables: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], JoinedTable] = Field(default_factory=dict)
    optional: tuple[str, ...] = ()
    files: str = "*"
    columns: dict[str, Annotated[ColumnMapping, BeforeValidator(_as_column)]]
    ignored: tuple[str, ...] = ()
    history: History | None = None

    @field_validator("where")
    @classmethod
    def _is_condition(cls, value: str | None) -> str | None:
        if value is not None and Expression(value).readings:
            raise ValueError("a condition compares text as delivered; as_number and as_date can fail")
        return value

    @model_validator(mode="after")
    def _tables_fit(self) -> Mapping:
        for name, table in self.tables.items():
            for equation in table.equations:
                if equation.readings:
                    raise fault("it compares text as delivered; as_number and as_date can fail", *_match(name))
                try:
                    table.key_of(name, equation)
                except ValueError as error:
                    raise fault(str(error), *_match(name)) from error
            if table.where is not None and Expression(table.where).readings:
                raise fault("it compares text as delivered; as_number and as_date can fail", "tables", name, "where")
            for column in table.condition_columns:
                if not column.startswith(f"{name}."):
                    raise fault(f"it reads {column}, which is no column of {name}", "tables", name, "where")
        for expression, place in self._placed_expressions():
            for column in expression.columns:
                table_name = column.partition(".")[0]
                if "." in column and table_name not in self.tables:
                    raise fault(f"{column} is of no joined table; declare {table_name} under tables", *place)
        for number, column in enumerate(self.optional):
            if column not in self.read_by_expressions:
                near = nearest(column, self.read_by_expressions)
                raise fault(f"no expression reads {column}{near}", "optional", number)
        return self

    def _placed_expressions(self) -> Iterator[tuple[Expression, tuple[str, ...]]]:
        """Every expression of the mapping and the keys under which it stands."""
        for name, own in self.columns.items():
            if own.expression is not None:
                yield Expression(own.expression), ("columns", name, "expression")
        if self.where is not None:
            yield Expression(self.where), ("where",)
        for name, table in self.tables.items():
            for equation in table.equations:
                yield equation, _match(name)
            if table.where is not None:
                yield Expression(table.where), ("tables", name, "where")

    @model_validator(mode="after")
    def _signs_differ(self) -> Mapping:
        if self.decimal_mark == self.thousands_sign:
            raise fault("it must differ from decimal_mark", "thousands_sign")
        return self

    def written(self, form: TextForm) -> Mapping:
        """The mapping for a delivery whose text has this form, under a name that says so; ValueError when none can."""
        changes = form.model_dump(exclude_none=True)
        if not changes:
            return self
        shown = ", ".join(f"{key} {value!r}" for key, value in changes.items())
        written = self.model_copy(update={**changes, "name": f"{self.name} ({shown})"})
        if written.decimal_mark == written.thousands_sign:
            raise ValueError(f"decimal_mark and thousands_sign of {self.name} must differ")
        return written

    @property
    def delivered_columns(self) -> tuple[str, ...]:
        """Delivered columns the mapping reads, each once, in the order of the contract columns."""
        names = (column.source for column in self.columns.values())
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def read_columns(self) -> frozenset[str]:
        """Delivered columns that it reads from a file or, there without the table's name, from a joined table."""
        names = [own.delivered for own in self.columns.values() if own.delivered is not None]
        names += self.read_by_expressions
        names += [name for table in self.tables.values() for name in table.condition_columns]
        inside = (name.removeprefix(f"{table}.") for table in self.tables for name in names)
        return frozenset([*names, *inside])

    @property
    def expressions(self) -> dict[str, Expression]:
        """Expressions of the columns, by the name of the derived column."""
        origins = ((own.source, own.expression) for own in self.columns.values())
        return {source: Expression(text) for source, text in origins if source is not None and text is not None}

    @property
    def derives(self) -> bool:
        """Whether delivered records become others before the contract sees them."""
        return bool(self.missing or self.where or self.tables or self.expressions)

    @property
    def read_by_conditions(self) -> tuple[str, ...]:
        """Delivered columns without which it cannot be told which records are rows of the feed, or what is joined."""
        expressions = [Expression(self.where)] if self.where is not None else []
        for name, table in self.tables.items():
            expressions += [table.key_of(name, equation)[0] for equation in table.equations]
        return tuple(dict.fromkeys(name for expression in expressions for name in expression.columns))

    @property
    def read_by_expressions(self) -> tuple[str, ...]:
        """Delivered columns that expressions, the condition or joins read, and those taken from a joined table."""
        expressions = [*self.expressions.values()]
        if self.where is not None:
            expressions.append(Expression(self.where))
        for table in self.tables.values():
            expressions += table.equations
        names = [name for expression in expressions for name in expression.columns]
        prefixes = tuple(f"{name}." for name in self.tables)
        names += [
            own.delivered for own in self.columns.values() if own.delivered and own.delivered.startswith(prefixes)
        ]
        return tuple(dict.fromkeys(names))


def identity_mapping(contract: Contract) -> Mapping:
    """The mapping of a delivery that uses the contract's own column names."""
    columns = {name: ColumnMapping.model_validate({"from": name}) for name in contract.column_names}
    return Mapping(name="identity", feed=contract.name, columns=columns)


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


def read_mapping(path: Path, name: str | None = None) -> Mapping:
    """Read and check the mapping of a file, called ``name`` or by the file's own; MappingError says what is wrong."""
    name = name or path.stem
    document = read_yaml(path, f"mapping {name}")
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


def _check_column(column: Column, own: ColumnMapping, document: YamlDocument) -> None:
    place = ("columns", column.name)
    if own.factor is not None and not column.sql_type.startswith("decimal"):
        raise document.fault(f"{column.name} is no decimal", *place, "factor")
    if own.format is not None and column.sql_type not in ("date", "timestamp"):
        raise document.fault(f"{column.name} is neither date nor timestamp", *place, "format")
    values = [(meaning, "codes", code) for code, meaning in (own.codes or {}).items()]
    if own.constant is not None:
        values.append((own.constant, "constant", ""))
    for value, *keys in values:
        if column.allowed_values and value not in column.allowed_values:
            known = ", ".join(column.allowed_values)
            raise document.fault(f"{value!r} is not allowed; use one of {known}", *place, *filter(None, keys))
        if column.pattern and not re.search(column.pattern, value):
            raise document.fault(f"{value!r} does not match {column.pattern}", *place, *filter(None, keys))
