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
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from sources.contract import Contract, Policy
from sources.expression import Expression
from sources.forms import PLAIN_NUMBER, DecimalMark, NumberForm, NumberSign, ThousandsSign, check_time_form
from sources.mapping_columns import ColumnMapping, known_time_zone
from sources.yaml_model import YamlModel, fault, nearest

ReaderName = Literal["delimited", "parquet", "camt", "ubl", "cii", "efapiao", "saft", "mt940", "bai2", "xlsx", "jsonl"]

OF_CONTRACT = "identity"
"""What the mapping is called that nobody wrote: the delivery has the contract's own names."""


def _known_encoding(value: str) -> str:
    try:
        return codecs.lookup(value).name
    except LookupError as error:
        raise ValueError(f"{value!r} is no known encoding") from error


Encoding = Annotated[str, AfterValidator(_known_encoding)]
Character = Annotated[str, Field(min_length=1, max_length=1)]


class TextForm(YamlModel):
    """How one delivery writes its text, where it differs from its mapping: what is not set is as in the mapping."""

    encoding: Encoding | None = None
    delimiter: Character | None = None
    decimal_mark: DecimalMark | None = None
    thousands_sign: ThousandsSign | None = None


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
    one before it, ``sign: parentheses`` takes ``(5.00)`` for -5.00. ``time_zone`` is where timestamps without an offset
    were written down. ``ignored`` are delivered columns that nobody needs (``*``: whatever else there is).
    ``on_unknown_column``, ``on_gone_column`` and ``on_retyped_column`` (warn, refuse) stand in for the contract's word
    on what becomes of a file in which that happened. ``records`` names which of a format's kinds of record the feed
    takes, where it has several. ``sheet`` names the sheet of a workbook, ``header_row`` the row (in a text, the line)
    that names the columns where titles stand above it. ``history`` is None for a delivery of current rows.
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
    sign: NumberSign = "leading"
    dates: tuple[str, ...] = ()
    time_zone: str | None = None
    sheet: str | None = None
    header_row: int = Field(default=1, ge=1, le=1000)
    missing: tuple[str, ...] = ()
    where: str | None = None
    tables: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], JoinedTable] = Field(default_factory=dict)
    optional: tuple[str, ...] = ()
    files: str = "*"
    columns: dict[str, Annotated[ColumnMapping, BeforeValidator(_as_column)]]
    ignored: tuple[str, ...] = ()
    on_unknown_column: Policy | None = None
    on_gone_column: Policy | None = None
    on_retyped_column: Policy | None = None
    history: History | None = None

    @field_validator("dates")
    @classmethod
    def _are_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for form in value:
            check_time_form(form)
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, value: str | None) -> str | None:
        return known_time_zone(value)

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
                # a delivered column of JSON Lines has dots of its own
                if "." in column and table_name not in self.tables and self.reader != "jsonl":
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
        for name, own in self.columns.items():
            form = self.number_form(own)
            if form.decimal_mark == form.thousands_sign:
                raise fault("decimal_mark and thousands_sign must differ; give both", "columns", name)
        return self

    def number_form(self, own: ColumnMapping | None = None) -> NumberForm:
        """How numbers are written, those of a column where it differs; what an expression gives is plain."""
        if own is None:
            return NumberForm(self.decimal_mark, self.thousands_sign, self.sign)
        if own.expression is not None:
            return PLAIN_NUMBER
        sign = own.sign if isinstance(own.sign, str) else self.sign
        return NumberForm(
            own.decimal_mark or self.decimal_mark,
            self.thousands_sign if own.thousands_sign is None else own.thousands_sign,
            sign,
            own.unit,
        )

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
    def is_of_contract(self) -> bool:
        """Whether nobody wrote it: a delivery without a mapping has the contract's own names."""
        return self.name.partition(" ")[0] == OF_CONTRACT

    @property
    def delivered_columns(self) -> tuple[str, ...]:
        """Delivered columns the mapping reads, each once, in the order of the contract columns."""
        names = (name for column in self.columns.values() for name in (column.source, column.sign_column))
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def read_columns(self) -> frozenset[str]:
        """Delivered columns that it reads from a file or, there without the table's name, from a joined table."""
        names = [name for own in self.columns.values() for name in (own.delivered, own.sign_column) if name is not None]
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
        plain = (name for own in self.columns.values() for name in (own.delivered, own.sign_column))
        names += [name for name in plain if name and name.startswith(prefixes)]
        return tuple(dict.fromkeys(names))


def identity_mapping(contract: Contract) -> Mapping:
    """The mapping of a delivery that uses the contract's own column names."""
    columns = {name: ColumnMapping.model_validate({"from": name}) for name in contract.column_names}
    return Mapping(name=OF_CONTRACT, feed=contract.name, columns=columns)
