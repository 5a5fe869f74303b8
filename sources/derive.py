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

from sources.expression import Dialect, Expression, faulty
from sources.mapping import JoinedTable, Mapping
from sources.readers import FileRefused, Records, Workspace
from sources.rules import date_sql, number_sql
from sources.sql import quoted, scalar, sql_path, sql_text

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
    dialect = mapping_dialect(mapping)
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
    selected = (
        [f"m.{sql}" for sql, _ in columns.values()]
        if not mapping.missing
        else [f"{names[name]} as {sql}" for name, (sql, _) in columns.items()]
    )
    for join in joins:
        for name in join.names:
            columns[name] = (quoted(f"j{len(columns)}"), "VARCHAR")
            selected.append(f"{names[name]} as {columns[name][0]}")
    for source, expression in mapping.expressions.items():
        if not names.keys() >= {*expression.columns}:
            continue
        columns[source] = (quoted(f"e{len(columns)}"), "VARCHAR")
        selected.append(f"{faulty(expression.rendered(names, dialect))} as {columns[source][0]}")

    row_no = records.row_no or "row_number() over ()"
    numbered = f"(select {row_no} as row_no, * {'exclude (row_no)' if records.row_no else ''} from {records.relation})"
    source = " ".join([f"{numbered} m", *(join.sql for join in joins)])
    condition = Expression(mapping.where).rendered(names, dialect).sql if mapping.where else None
    relation = f"(select m.row_no, {', '.join(selected)} from {source}{f' where {condition}' if condition else ''})"
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
    )


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
    except duckdb.Error:
        if records.repair is None:
            raise
        return None


def mapping_dialect(mapping: Mapping) -> Dialect:
    """How expressions of the mapping read numbers and dates."""
    return Dialect(lambda text: number_sql(text, mapping), date_sql, mapping.dates)


def _or_missing(sql: str, mapping: Mapping) -> str:
    text = f"{sql}::varchar"
    if not mapping.missing:
        return text
    return f"case when trim({text}) not in ({', '.join(map(sql_text, mapping.missing))}) then {text} end"


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
    dialect = mapping_dialect(mapping)
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
        keys = [f"({key.rendered(own, dialect).sql})::varchar as k{i}" for i, (_, key) in enumerate(sides)]
        values = [f"{own[column]} as c{i}" for i, column in enumerate(wanted)]
        condition = f" where {Expression(table.where).rendered(own, dialect).sql}" if table.where else ""
        relation = _read_whole(records, file, workspace)
        parts.append(f"select {', '.join([*keys, *values])} from {relation}{condition}")
    target = workspace.scratch / f"{name}.parquet"
    # a record without its key can be joined to nothing
    complete = " and ".join(f"k{i} is not null" for i in range(len(sides)))
    rows = f"select * from ({' union '.join(parts)}) where {complete}"
    workspace.connection.execute(f"copy ({rows}) to {sql_text(str(target))} (format parquet)")
    _refuse_repeated_keys(name, target, len(sides), files, workspace)
    conditions = [f"({own.rendered(names, dialect).sql})::varchar = {name}.k{i}" for i, (own, _) in enumerate(sides)]
    sql = f"left join read_parquet({sql_path(target)}) {name} on {' and '.join(conditions)}"
    return _Joined(sql, {column: f"{name}.c{i}" for i, column in enumerate(wanted)})


def _read_whole(records: Records, file: Path, workspace: Workspace) -> str:
    """The file's relation; FileRefused when a record of it cannot be read: a gap in a joined table is no table."""
    try:
        scalar(workspace.connection, f"select count(*) from {records.relation}")
    except duckdb.Error as error:
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
