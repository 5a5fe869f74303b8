"""Excel workbooks: one sheet, streamed row by row, each value as exact text.

A formula is no delivered value: what the file remembers of its result may be older than what it depends on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path

from openpyxl.utils.cell import column_index_from_string, get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from sources.contract import load_contracts
from sources.mapping import Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.readers.headings import distinct_headings
from sources.readers.number import with_mark
from sources.readers.spool import Broken, LeftOut, Row, spooled
from sources.readers.xlsx_package import (
    DateStyles,
    Merge,
    Package,
    SharedTexts,
    Sheet,
    open_package,
    readable,
    rich_text,
    shown,
)
from sources.readers.xml import Element, local_name

_MAX_ROWS = 1_048_576
_MAX_COLUMNS = 16_384
_SHOWN_CHARACTERS = 100
_EXCEL_DIGITS = 15
# Some dozens of amounts add up to their sum but for its fifteenth digit.
_SUMMED_DIGITS = 14
_ZEROS = 2
_MAX_EXPONENT = 300
_SHORT = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_WHOLE = re.compile(r"-?[0-9]{1,400}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?")


def open_xlsx(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open the mapping's sheet, or the first that is not hidden; a row names its columns (the mapping's ``header_row``,
    or the first row with values below it).
    """
    package = open_package(path, workspace)
    sheet, notes = _chosen(package.sheets, mapping)
    contract = load_contracts()[mapping.feed]
    table = _Table(
        package,
        sheet.part,
        mapping,
        package.shared_texts(workspace),
        package.date_styles(),
        package.merges(sheet.part),
        frozenset(
            own.delivered
            for name, own in mapping.columns.items()
            if own.delivered is not None and contract.column(name).sql_type == "timestamp"
        ),
    )
    table.read_header()
    records = spooled(table.rows, [*table.header.values()], workspace)
    if table.unnamed:
        letters = [get_column_letter(column) for column in sorted(table.unnamed)]
        notes.append(f"Ignored the values of columns without a name in row {table.header_row}: {shown(letters)}.")
    return replace(records, notes=(*records.notes, *notes))


def _chosen(sheets: tuple[Sheet, ...], mapping: Mapping) -> tuple[Sheet, list[str]]:
    names = [sheet.name for sheet in sheets]
    if mapping.sheet is not None:
        for sheet in sheets:
            if sheet.name.casefold() == mapping.sheet.casefold():
                return sheet, []
        raise FileRefused(
            f"The workbook has no sheet {mapping.sheet!r}, it has {shown(names)}; correct it or mapping {mapping.name}."
        )
    visible = [sheet for sheet in sheets if not sheet.is_hidden]
    if not visible:
        raise FileRefused(f"All sheets are hidden ({shown(names)}); name one in the mapping (sheet).")
    others = [sheet.name for sheet in sheets if sheet is not visible[0]]
    notes = [f"Read the sheet {visible[0].name!r}; the workbook also has {shown(others)}."] if others else []
    return visible[0], notes


class _Unreadable(Exception):
    """A cell without a value that can be delivered."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


Cells = dict[int, str | _Unreadable]
"""Column from 1 -> text of the cell, or why it has none; cells that are empty are not there."""


@dataclass
class _Table:
    package: Package
    part: str
    mapping: Mapping
    texts: SharedTexts
    styles: DateStyles
    merges: list[Merge]
    timestamps: frozenset[str]
    """Delivered columns that the contract wants with a time of day, midnight too."""
    header: dict[int, str] = field(default_factory=dict)
    header_row: int = 0
    unnamed: set[int] = field(default_factory=set)

    def read_header(self) -> None:
        """Fill ``header`` and ``header_row``; FileRefused when there is no usable one."""
        with self.package.elements(self.part, "row", "sheetData") as elements:
            for row_no, cells in self._filled(elements):
                if row_no >= self.mapping.header_row:
                    self._take_header(row_no, cells)
                    return
        raise FileRefused("The sheet has no row that names its columns; deliver it with one, or correct header_row.")

    def _take_header(self, row_no: int, cells: Cells) -> None:
        for merge in self.merges:
            is_over = merge.first_row <= row_no <= merge.last_row
            if is_over and (merge.first_column < merge.last_column or merge.first_row < row_no):
                raise FileRefused(
                    f"Row {row_no}, which names the columns, has merged cells ({merge.reference}); unmerge them, and "
                    "give each column its own name there (or name another row in the mapping: header_row)."
                )
        for column, text in sorted(cells.items()):
            if isinstance(text, _Unreadable):
                raise FileRefused(f"Row {row_no} names the columns, but {text}")
            name = " ".join(text.split())
            if name:
                self.header[column] = name
        names = distinct_headings([*self.header.values()], self.mapping.read_columns)
        self.header = dict(zip(self.header, names, strict=True))
        self.header_row = row_no

    def rows(self, left_out: LeftOut) -> Iterator[Row | Broken]:
        read = self.mapping.read_columns
        midnight = frozenset(column for column, name in self.header.items() if name in self.timestamps)
        merges = _Sweep(self.merges)
        with self.package.elements(self.part, "row", "sheetData") as elements:
            for row_no, cells in self._filled(elements, midnight):
                if row_no > self.header_row:
                    self.unnamed.update(cells.keys() - self.header.keys())
                    yield self._row(row_no, cells, merges.over(row_no), read)

    def _row(self, row_no: int, cells: Cells, merges: list[Merge], read: frozenset[str]) -> Row | Broken:
        values: dict[str, str | None] = {}
        fault: _Unreadable | None = None
        for column, name in self.header.items():
            value = cells.get(column)
            if isinstance(value, _Unreadable):
                fault = fault or (value if name in read else None)
            elif value is not None:
                values[name] = value
            elif merges and name in read:
                fault = fault or _hidden_by_merge(row_no, column, merges)
        if fault is not None:
            return Broken(fault.rule, str(fault), row_no, self._raw_text(cells))
        return Row(values, row_no, partial(self._raw_text, cells))

    def _raw_text(self, cells: Cells) -> str:
        named = {self.header.get(column, get_column_letter(column)): str(value) for column, value in cells.items()}
        return json.dumps(named, ensure_ascii=False)

    def _filled(
        self, elements: Iterator[Element], midnight: frozenset[int] = frozenset()
    ) -> Iterator[tuple[int, Cells]]:
        """Rows with a value, by their number in the sheet."""
        row_no = 0
        for element in elements:
            if local_name(element) == "sheetData":
                return
            row_no = _row_number(element, row_no)
            cells = self._cells(element, row_no, midnight)
            if cells:
                yield row_no, cells

    def _cells(self, row: Element, row_no: int, midnight: frozenset[int]) -> Cells:
        cells: Cells = {}
        column = 0
        for cell in row.iterchildren("{*}c"):
            reference = cell.get("r")
            column = _column(reference.rstrip("0123456789")) if reference else column + 1
            if column > _MAX_COLUMNS:
                raise FileRefused(f"Row {row_no} has more than {_MAX_COLUMNS:,} columns; split it.")
            try:
                text = self._text(cell, column in midnight)
            except _Unreadable as error:
                place = f"{get_column_letter(column)}{row_no}"
                cells[column] = _Unreadable(error.rule, f"{place} {error}")
                continue
            if text:
                cells[column] = text
        return cells

    def _text(self, cell: Element, keeps_midnight: bool) -> str | None:
        kind = cell.get("t", "n")
        value = None
        for child in cell.iterchildren("{*}f", "{*}v", "{*}is"):
            ending = child.tag[-1]
            if ending == "v":
                value = child.text
            elif ending == "f":
                raise _Unreadable("formula", "holds a formula; deliver its value (copy, paste special, values).")
            elif kind == "inlineStr":
                return rich_text(child)
        if not value:
            return None
        if kind == "s":
            try:
                return self.texts.text(value)
            except (IndexError, ValueError) as error:
                raise _Unreadable("text", "refers to a text that the workbook does not have; save it again.") from error
        if kind == "n":
            return self._number(value, cell.get("s"), keeps_midnight)
        if kind == "b":
            return {"1": "true", "0": "false"}.get(value, value)
        if kind == "e":
            raise _Unreadable("error_value", f"holds the error {value[:_SHOWN_CHARACTERS]}; correct it.")
        return _iso(value, keeps_midnight) if kind == "d" else readable(value)

    def _number(self, text: str, style: str | None, keeps_midnight: bool) -> str:
        if style in self.styles.dates or style in self.styles.durations:
            return self._time(text, keeps_midnight, is_duration=style in self.styles.durations)
        return text if _SHORT.fullmatch(text) else with_mark(as_shown(text), self.mapping)

    def _time(self, text: str, keeps_midnight: bool, *, is_duration: bool) -> str:
        epoch = CALENDAR_MAC_1904 if self.package.counts_from_1904 else CALENDAR_WINDOWS_1900
        try:
            value = from_excel(float(text), epoch, timedelta=is_duration)
        except (OverflowError, ValueError) as error:
            shown_text = text[:_SHOWN_CHARACTERS]
            raise _Unreadable("date", f"is formatted as a date, but {shown_text} is the number of no day.") from error
        if isinstance(value, timedelta):
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        return _as_iso(value, keeps_midnight)


class _Sweep:
    """Merged cells over each of the rows, asked for in order."""

    def __init__(self, merges: list[Merge]) -> None:
        self._coming = iter(merges)
        self._next = next(self._coming, None)
        self._over: list[Merge] = []

    def over(self, row_no: int) -> list[Merge]:
        while self._next is not None and self._next.first_row <= row_no:
            self._over.append(self._next)
            self._next = next(self._coming, None)
        if self._over:
            self._over = [merge for merge in self._over if merge.last_row >= row_no]
        return self._over


def _hidden_by_merge(row_no: int, column: int, merges: list[Merge]) -> _Unreadable | None:
    for merge in merges:
        is_first = (row_no, column) == (merge.first_row, merge.first_column)
        if merge.first_column <= column <= merge.last_column and not is_first:
            place = f"{get_column_letter(column)}{row_no}"
            return _Unreadable(
                "merged_cells", f"{place} has no value of its own, as {merge.reference} is merged; unmerge and fill it."
            )
    return None


def _row_number(row: Element, previous: int) -> int:
    text = row.get("r")
    number = int(text) if text and text.isdecimal() and len(text) < 10 else previous + 1
    if not previous < number <= _MAX_ROWS:
        raise FileRefused(f"Its rows are not numbered upwards from 1 to {_MAX_ROWS:,}; save it as .xlsx again.")
    return number


@lru_cache(maxsize=2 * _MAX_COLUMNS)
def _column(letters: str) -> int:
    try:
        return int(column_index_from_string(letters))
    except ValueError as error:
        raise FileRefused(f"It names a cell of the column {letters[:_SHOWN_CHARACTERS]!r}; save it again.") from error


def as_shown(text: str) -> str:
    """A number of a workbook in plain notation, such as 60000.1 for ``60000.099999999999``.

    Excel writes 17 digits of its binary numbers. The shortest number that is the same binary number is what was typed;
    where even that has more than the 15 digits that Excel shows, and those of them that a sum keeps exact end in zeros,
    it is the result of a sum, and what was added up is meant. A number that needs more digits was not made by Excel,
    and keeps them.
    """
    if _NUMBER.fullmatch(text) is None:
        raise _Unreadable("number", f"holds {text[:_SHOWN_CHARACTERS]!r}, which is no number; save it again.")
    if _WHOLE.fullmatch(text):
        return text
    number = Decimal(text)
    if not -_MAX_EXPONENT < number.adjusted() < _MAX_EXPONENT:
        raise _Unreadable("number", f"holds {text[:_SHOWN_CHARACTERS]}, which no workbook can hold; correct it.")
    if _digits(number) > _EXCEL_DIGITS:
        typed = Decimal(repr(float(text)))
        rounded = [(kept, Decimal(f"{number:.{kept - 1}e}").normalize()) for kept in (_EXCEL_DIGITS, _SUMMED_DIGITS)]
        summed = [one for kept, one in rounded if _digits(one) <= kept - _ZEROS]
        if _digits(typed) <= _EXCEL_DIGITS:
            number = typed
        elif summed:
            number = summed[0]
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _digits(number: Decimal) -> int:
    return len(number.as_tuple().digits)


def _iso(text: str, keeps_midnight: bool) -> str:
    try:
        return _as_iso(datetime.fromisoformat(text), keeps_midnight)
    except ValueError:
        return text


def _as_iso(value: datetime | date | time, keeps_midnight: bool) -> str:
    if isinstance(value, datetime) and value.time() == time() and not keeps_midnight and value.tzinfo is None:
        return value.date().isoformat()
    return value.isoformat()
