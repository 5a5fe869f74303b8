"""What a mapping makes of the delivered records before the contract sees them.

Other tables of the delivery are joined, records that are none of the feed's are left out, texts that mean "missing" are
taken for missing, and each expression becomes one more delivered column, so that contract rules see it like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import duckdb

from sources.expression import Expression, Reading
from sources.forms import number_sql, time_sql, trimmed
from sources.mapping import JoinedTable, Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.sql import OUR_FAULT, quoted, scalar, sql_path, sql_text

_NUMBER = "decimal(24,6)"

Open = Callable[[Path, Workspace], Records]


@dataclass(frozen=True)
class _Joined:
    """A joined table: SQL of the join, its delivered columns by the names that expressions use, a sentence on it."""

    sql: str
    names: dict[str, str]
    note: str | None = None


def derived(records: Records, mapping: Mapping, path: Path, open_table: Open, workspace: Workspace) -> Records:
    """The records of a file with what its mapping derives; FileRefused when a table or column it needs is not there."""
    if not mapping.derives:
        return records
    names = {name: f"m.{sql}" for name, (sql, _) in records.columns.items()}
    joins = [
        _joined(name, table, mapping, names, path, open_table, workspace) for name, table in mapping.tables.items()
    ]
    for join in joins:
        names |= join.names
    absent = [name for name in mapping.optional if name not in names]
    names |= dict.fromkeys(absent, "null")
    _require(mapping.read_by_conditions, mapping, names)
    names = {name: _or_missing(sql, mapping) for name, sql in names.items()}

    columns = dict(records.columns)
    selected = [
        f"{names[name]} as {sql}" if mapping.missing and name in mapping.delivered_columns else f"m.{sql}"
        for name, (sql, _) in columns.items()
    ]
    for join in joins:
        for name in join.names:
            columns[name] = (quoted(f"j{len(columns)}"), "VARCHAR")
            selected.append(f"{names[name]} as {columns[name][0]}")

    row_no = records.row_no or "row_number() over ()"
    numbered = f"(select {row_no} as row_no, * {'exclude (row_no)' if records.row_no else ''} from {records.relation})"
    source = " ".join([f"{numbered} m", *(join.sql for join in joins)])
    condition = Expression(mapping.where).sql(names) if mapping.where else None
    matching = f"from {source}{f' where {condition}' if condition else ''}"
    derived_columns, relation = _with_expressions(mapping, names, selected, matching)
    columns |= derived_columns
    left_out = _left_out(records, mapping, source, condition, workspace)
    if left_out is None:
        return _again(records, mapping, path, open_table, workspace)
    notes = [*records.notes]
    if absent:
        notes.append(f"Did not find the optional {', '.join(absent)}.")
    notes += [join.note for join in joins if join.note]
    if left_out:
        notes.append(f"{left_out:,} records were left out: the mapping takes those where {mapping.where}.")

    return replace(
        records,
        relation=relation,
        columns=columns,
        row_no="row_no",
        locate=lambda row_nos, read: records.locate(row_nos, read + left_out),
        repair=records.repair and (lambda: _again(records, mapping, path, open_table, workspace)),
        notes=tuple(notes),
        is_ordered=records.is_ordered and not joins,
        is_columnar=False,
    )


def _with_expressions(
    mapping: Mapping, names: dict[str, str], selected: list[str], matching: str
) -> tuple[dict[str, tuple[str, str]], str]:
    """The derived columns, and SQL of ``selected`` with them.

    Fields are read in one step and calculated with in the next: inlined, the SQL of an expression would repeat that of
    a field as often as it is read, and the engine holds a batch of values for each part of it.
    """
    expressions = {
        source: expression
        for source, expression in mapping.expressions.items()
        if names.keys() >= {*expression.columns}
    }
    fields = dict.fromkeys(column for expression in expressions.values() for column in expression.columns)
    texts = {name: quoted(f"f{i}") for i, name in enumerate(fields)}
    readings = dict.fromkeys(reading for expression in expressions.values() for reading in expression.readings)
    typed = {reading: quoted(f"r{i}") for i, reading in enumerate(readings)}
    derived_columns = {source: (quoted(f"e{i}"), "VARCHAR") for i, source in enumerate(expressions)}
    as_delivered = ", ".join(["m.row_no", *selected, *(f"{names[name]} as {text}" for name, text in texts.items())])
    read = ", ".join(
        ["*", *(f"{_typed(reading, texts[reading.column], mapping)} as {name}" for reading, name in typed.items())]
    )
    calculated = ", ".join(
        [
            "*",
            *(f"{_value(expressions[source], texts, typed)} as {sql}" for source, (sql, _) in derived_columns.items()),
        ]
    )
    return derived_columns, f"(select {calculated} from (select {read} from (select {as_delivered} {matching})))"


def _typed(reading: Reading, text: str, mapping: Mapping) -> str:
    """SQL of a number or date; null where there is none in the field."""
    field = _filled(text)
    if reading.what == "number":
        form = mapping.number_form()
        if reading.marks is not None:
            form = replace(form, decimal_mark=reading.marks[0], thousands_sign=reading.marks[1], unit=reading.unit)
        return number_sql(field, form, _NUMBER)
    return time_sql(field, "date", reading.formats or mapping.dates)


def _value(expression: Expression, texts: dict[str, str], typed: dict[Reading, str]) -> str:
    """SQL of an expression as text; where a field cannot be read, text that says so and has no type's form."""
    bad = " ".join(
        f"when {typed[reading]} is null and {_filled(texts[reading.column])} is not null "
        f"then {sql_text(f'no {reading.what}: ')} || {_filled(texts[reading.column])}"
        for reading in expression.readings
    )
    bad += " ".join(
        f" when {typed[credit]} <> 0 and {typed[debit]} <> 0 then 'no amount of one side: ' "
        f"|| {_filled(texts[credit.column])} || ' and ' || {_filled(texts[debit.column])}"
        for credit, debit in expression.sided
    )
    value = f"({expression.sql(texts, typed)})::varchar"
    return f"case {bad} else {value} end" if bad else value


def _filled(text: str) -> str:
    return f"nullif({trimmed(text)}, '')"


def _again(records: Records, mapping: Mapping, path: Path, open_table: Open, workspace: Workspace) -> Records:
    """The same, from the file read record by record."""
    if records.repair is None:
        raise FileRefused("It cannot be read to its end; deliver it again.")
    return derived(records.repair(), mapping, path, open_table, workspace)


def _left_out(
    records: Records, mapping: Mapping, source: str, condition: str | None, workspace: Workspace
) -> int | None:
    """Number of records that are none of the feed's; None when the engine cannot read the file as it stands."""
    if condition is None:
        return 0
    try:
        return scalar(workspace.connection, f"select count(*) from {source} where ({condition}) is not true")
    except duckdb.Error as error:
        if records.repair is None or isinstance(error, OUR_FAULT):
            raise
        return None


def _or_missing(sql: str, mapping: Mapping) -> str:
    text = f"{sql}::varchar"
    if not mapping.missing:
        return text
    # the engine makes a join of IN with a long list, for every column
    return (
        f"case when not list_contains([{', '.join(map(sql_text, mapping.missing))}], {trimmed(text)}) then {text} end"
    )


def _require(wanted: Iterable[str], mapping: Mapping, names: Collection[str]) -> None:
    absent = [name for name in wanted if name not in names]
    if absent:
        raise FileRefused(
            f"The file lacks {', '.join(absent)}, which mapping {mapping.name} reads; deliver what is missing or "
            "correct the mapping."
        )


def tables_beside(path: Path, table: JoinedTable) -> Iterator[Path]:
    """The delivered files of a joined table: those of its pattern in the folder of the file it is joined to."""
    for other in sorted(path.parent.iterdir()):
        if fnmatchcase(other.name, table.files) and other.is_file() and not other.is_symlink():
            yield other


def _joined(
    name: str,
    table: JoinedTable,
    mapping: Mapping,
    names: dict[str, str],
    path: Path,
    open_table: Open,
    workspace: Workspace,
) -> _Joined:
    """Write the table's keys and the columns that are read of it to the scratch folder."""
    wanted = [column for column in mapping.read_by_expressions if column.startswith(f"{name}.")]
    files = [*tables_beside(path, table)]
    if not files and table.optional:
        note = f"It was not joined with {table.files}, which is not in its folder."
        return _Joined("", dict.fromkeys(wanted, "null"), note)
    if not files:
        raise FileRefused(f"It is joined with {table.files}, which is not in its folder; deliver both together.")
    sides = [table.key_of(name, equation) for equation in table.equations]
    required = {*wanted, *table.condition_columns, *(c for _, key in sides for c in key.columns)} - {*mapping.optional}
    parts = []
    for number, file in enumerate(files):
        scratch = workspace.scratch / f"{name}{number}"
        scratch.mkdir(exist_ok=True)
        records = open_table(file, replace(workspace, scratch=scratch))
        own = {f"{name}.{column}": f"{sql}::varchar" for column, (sql, _) in records.columns.items()}
        if absent := required - own.keys():
            raise FileRefused(
                f"{file.name} lacks {', '.join(sorted(absent))}, which mapping {mapping.name} reads; deliver what is "
                "missing or correct the mapping."
            )
        own = dict.fromkeys(mapping.optional, "null::varchar") | own
        keys = [f"({key.sql(own)})::varchar as k{i}" for i, (_, key) in enumerate(sides)]
        values = [f"{own[column]} as c{i}" for i, column in enumerate(wanted)]
        condition = f" where {Expression(table.where).sql(own)}" if table.where else ""
        relation = _read_whole(records, file, workspace)
        parts.append(f"select {', '.join([*keys, *values])} from {relation}{condition}")
    target = workspace.scratch / f"{name}.parquet"
    # a record without its key can be joined to nothing
    complete = " and ".join(f"k{i} is not null" for i in range(len(sides)))
    rows = f"select distinct * from ({' union all '.join(parts)}) where {complete}"
    workspace.connection.execute(f"copy ({rows}) to {sql_text(str(target))} (format parquet)")
    _refuse_repeated_keys(name, target, len(sides), files, workspace)
    conditions = [f"({own.sql(names)})::varchar = {name}.k{i}" for i, (own, _) in enumerate(sides)]
    sql = f"left join read_parquet({sql_path(target)}) {name} on {' and '.join(conditions)}"
    return _Joined(sql, {column: f"{name}.c{i}" for i, column in enumerate(wanted)})


def _read_whole(records: Records, file: Path, workspace: Workspace) -> str:
    """The file's relation; FileRefused when a record of it cannot be read: a gap in a joined table is no table."""
    try:
        scalar(workspace.connection, f"select count(*) from {records.relation}")
    except duckdb.Error as error:
        if isinstance(error, OUR_FAULT):
            raise
        if records.repair is None:
            raise FileRefused(f"{file.name}, which is joined to it, cannot be read to its end.") from error
        records = records.repair()
    for refused in records.refused():
        raise FileRefused(f"{file.name}, which is joined to it, is broken in line {refused.line_no}: {refused.message}")
    return records.relation


def _refuse_repeated_keys(name: str, table: Path, keys: int, files: list[Path], workspace: Workspace) -> None:
    columns = ", ".join(f"k{i}" for i in range(keys))
    repeated = workspace.connection.execute(
        f"select {columns} from read_parquet({sql_path(table)}) group by all having count(*) > 1 order by all limit 1"
    ).fetchall()
    if repeated:
        key = " ".join(str(part) for part in repeated[0])
        raise FileRefused(
            f"{', '.join(file.name for file in files)} has different rows of the key {key}; "
            f"table {name} is joined by a key that must be its own."
        )
