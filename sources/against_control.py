"""Hold a delivered file against its control: bytes and date, then records. Nothing of it loads unless all agree."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from sources.control import Control, ControlFile
from sources.forms import PLAIN_NUMBER, NumberForm, number_sql
from sources.mapping import Mapping
from sources.readers import FileRefused, Records, scalar, sql_text
from sources.sql import OUR_FAULT

_SUM = "decimal(38,10)"


class ControlDisagrees(FileRefused):
    """A figure of the control is not the file's; the message names both."""


def check_bytes(control: Control, path: Path, business_date: date, sha256: str) -> None:
    """Compare name, date, size and SHA-256; raises ControlDisagrees at the first that differs."""
    for file in control.files:
        if file.file is not None and file.file != path.name:
            _disagree(file, f"is for {file.file}", f"the file beside it is {path.name}")
        if file.business_date is not None and file.business_date != business_date:
            _disagree(file, f"says {file.business_date}", f"the file lies in the folder of {business_date}")
        size = path.stat().st_size
        if file.size_bytes is not None and file.size_bytes != size:
            _disagree(file, f"says {file.size_bytes:,} bytes", f"the file has {size:,}")
        if file.sha256 is not None and file.sha256 != sha256:
            _disagree(file, f"says SHA-256 {file.sha256}", f"the file has {sha256}")


def check_records(control: Control, records: Records, mapping: Mapping, connection: duckdb.DuckDBPyConnection) -> None:
    """Compare row count and sums over all records as delivered, those that quarantine will take among them.

    Sums are exact; a field that is empty, or one of the mapping's texts for a missing value, adds nothing. Raises
    ControlDisagrees at the first figure that differs, FileRefused when the file cannot be read to its end.
    """
    columns = {column: None for file in control.files for column in file.sums}
    if not columns and all(file.rows is None for file in control.files):
        return
    for file in control.files:
        for column in file.sums:
            if column not in records.columns:
                known = ", ".join([*records.columns][:20])
                _disagree(file, f"gives the sum of {column}", f"the file has no such column, it has {known}")
    rows, sums = _figures(records, [*columns], mapping, connection)
    for file in control.files:
        if file.rows is not None and file.rows != rows:
            _disagree(file, f"says {file.rows:,} rows", f"the file has {rows:,}")
        for column, written in file.sums.items():
            said = _number(written, _form(column, records, mapping), connection)
            total, unreadable = sums[column]
            if said != total:
                says = repr(written[:100]) if said is None else _plain(said)
                without = f" without {unreadable:,} that are no numbers" if unreadable else ""
                _disagree(file, f"says {says} as the sum of {column}", f"the file adds up to {_plain(total)}{without}")


def _disagree(file: ControlFile, said: str, found: str) -> None:
    raise ControlDisagrees(f"{file.name} {said}, but {found}; deliver the corrected file, or the corrected control.")


def _figures(
    records: Records, columns: list[str], mapping: Mapping, connection: duckdb.DuckDBPyConnection
) -> tuple[int, dict[str, tuple[Decimal, int]]]:
    """Number of records, and by column the exact sum and the number of values that are no numbers."""
    try:
        sums = _sums(records, columns, mapping, connection)
        rows = scalar(connection, f"select count(*) from {records.relation}")
    except duckdb.Error as error:
        if isinstance(error, OUR_FAULT):
            raise
        if records.repair is None:
            reason = str(error).splitlines()[0]
            raise FileRefused(f"It cannot be read to its end ({reason}); deliver it again.") from error
        return _figures(records.repair(), columns, mapping, connection)
    return rows + sum(1 for _ in records.refused()), sums


def _sums(
    records: Records, columns: list[str], mapping: Mapping, connection: duckdb.DuckDBPyConnection
) -> dict[str, tuple[Decimal, int]]:
    if not columns:
        return {}
    missing = ", ".join(sql_text(text) for text in ("", *mapping.missing))
    selected, numbers, totals = [], [], []
    for number, column in enumerate(columns):
        name, _ = records.columns[column]
        value = f"v{number}"
        text = f"trim({name}::varchar)"
        selected.append(f"case when {text} not in ({missing}) then {text} end as {value}")
        numbers.append(f"{number_sql(value, _form(column, records, mapping), _SUM)} as n{number}")
        totals += [f"coalesce(sum(n{number}), 0)", f"count({value}) - count(n{number})"]
    (row,) = connection.execute(
        f"select {', '.join(totals)} from (select *, {', '.join(numbers)} from "
        f"(select {', '.join(selected)} from {records.relation}))"
    ).fetchall()
    return {column: (Decimal(row[2 * number]), int(row[2 * number + 1])) for number, column in enumerate(columns)}


def _form(column: str, records: Records, mapping: Mapping) -> NumberForm:
    """How the numbers of a delivered column are written."""
    if records.columns[column][1].upper() != "VARCHAR":
        return PLAIN_NUMBER
    reading = next((own for own in mapping.columns.values() if own.delivered == column), None)
    return mapping.number_form(reading)


def _number(written: str, form: NumberForm, connection: duckdb.DuckDBPyConnection) -> Decimal | None:
    """A sum as the control writes it: in plain notation, or as the file writes its own numbers."""
    forms = (form, PLAIN_NUMBER) if form.thousands_sign == "." else (PLAIN_NUMBER, form)
    readings = ", ".join(number_sql(sql_text(written), each, _SUM) for each in forms)
    found: Decimal | None = connection.execute(f"select coalesce({readings})").fetchall()[0][0]
    return found


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
