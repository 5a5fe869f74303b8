"""One table of a publication: its rows in the published database, and the same as Parquet.

A table is published by slices. A large one has a slice a day of its first date, any other is one slice. A publication
that goes on from the one before it finds that one's rows in its database: it writes the slices whose sums are others,
and takes over the Parquet files, of a month each, in which no slice has changed. Of most tables a night changes a few
hundred rows of millions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from pipelines.mask import TOKEN_SQL, Mask

# When a run did something says nothing about what it found: a rerun must have the same digest.
CLOCK_COLUMNS = frozenset({"scored_at", "loaded_at"})
SLICED_ROWS = 100_000
# Beyond this share of its rows a table is written anew sooner than in slices.
_MOST_CHANGED = 0.5
_UNDATED = ""


class PublicationError(Exception):
    """The tables at hand cannot be published; the message says which and why."""


@dataclass(frozen=True)
class TableDocs:
    """What a table and its columns mean, for the comments of the published file."""

    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sums:
    """Rows of a slice and sums over hashes of them, so that their order does not matter.

    ``left`` is over the rows without clocks, ``right`` over the hashes of these hashes, to see changes that would
    cancel out in the first; ``whole`` is over the rows with their clocks. The hash is the engine's own, ten times as
    fast as a cryptographic one of the row's text, and may be another in another release of the engine.
    """

    rows: int
    left: int
    right: int
    whole: int


@dataclass(frozen=True)
class Content:
    """What a published table holds: names and types of its columns, the date it is sliced ``by``, sums of each slice.

    A slice is known by its day as ISO 8601, and by an empty text where rows have no day or the table is one slice.
    """

    columns: tuple[tuple[str, str], ...]
    by: str | None
    slices: Mapping[str, Sums]

    @property
    def rows(self) -> int:
        return sum(sums.rows for sums in self.slices.values())

    @property
    def facts(self) -> dict[str, Any]:
        """Row count and digest for the manifest: a digest is for comparing reruns."""
        names = ",".join(name for name, _ in self.columns if name not in CLOCK_COLUMNS)
        left, right = (sum(getattr(sums, side) for sums in self.slices.values()) for side in ("left", "right"))
        digest = hashlib.sha256(f"{names}:{self.rows}:{left}:{right}".encode()).hexdigest()
        return {"rows": self.rows, "digest": digest}

    def changed_since(self, before: Content) -> set[str]:
        """The slices that are others than before, those that are gone among them."""
        days = self.slices.keys() | before.slices.keys()
        return {day for day in days if self.slices.get(day) != before.slices.get(day)}

    def is_sliced_like(self, other: Content | Source) -> bool:
        return (self.columns, self.by) == (other.columns, other.by)

    def files(self, name: str) -> dict[str, list[str]]:
        """The Parquet files of the table ``name``, each with the slices that are in it.

        A table of many slices is a folder of a file a month, under the name that the file of another has: what reads
        Parquet reads both.
        """
        file = f"parquet/{name.replace('.', '/')}.parquet"
        if self.by is None:
            return {file: [_UNDATED]}
        found: dict[str, list[str]] = {}
        for day in sorted(self.slices):
            found.setdefault(f"{file}/{day[:7] or 'undated'}.parquet", []).append(day)
        return found

    def as_json(self) -> dict[str, Any]:
        slices = {day: [sums.rows, sums.left, sums.right, sums.whole] for day, sums in sorted(self.slices.items())}
        return {"columns": self.columns, "by": self.by, "slices": slices}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Content:
        columns = tuple((str(name), str(kind)) for name, kind in kept["columns"])
        return cls(columns, kept["by"], {day: Sums(*sums) for day, sums in kept["slices"].items()})


@dataclass(frozen=True)
class Source:
    """A table of the warehouse as it may leave: SQL of its rows, personal values as tokens, and how it is sliced."""

    query: str
    columns: tuple[tuple[str, str], ...]
    by: str | None


def source_of(con: duckdb.DuckDBPyConnection, name: str, mask: Mask, personal: frozenset[str]) -> Source:
    """The table ``name`` of the attached ``warehouse``; each personal value is hashed once, however many rows have it.

    Raises:
        PublicationError: there is no such table, or it has a personal column that is no text.
    """
    schema, table = name.split(".")
    stored, values, joins = f'warehouse."{schema}"."{table}"', [], []
    try:
        columns = columns_of(con, stored)
    except duckdb.CatalogException:
        raise PublicationError(f"The warehouse has no table {name}; the dbt build did not make it.") from None
    for column, kind in columns:
        if column not in personal:
            values.append(f'source."{column}"')
            continue
        if kind != "VARCHAR":
            raise PublicationError(
                f"{name} has {column}, which the contracts call personal, as {kind}: only text can be masked."
            )
        tokens = f'"token of {column}"'
        con.execute(
            f"create or replace temp table {tokens} as "
            f'select value, {TOKEN_SQL} as token from (select distinct "{column}" as value from {stored})',
            mask.pads,
        ).fetchall()
        values.append(f'{tokens}.token as "{column}"')
        joins.append(f'left join {tokens} on {tokens}.value = source."{column}"')
    ((rows,),) = con.execute(f"select count(*) from {stored}").fetchall()
    dates = (column for column, kind in columns if kind == "DATE")
    by = next(dates, None) if rows >= SLICED_ROWS else None
    return Source(f"select {', '.join(values)} from {stored} as source {' '.join(joins)}", columns, by)


def write_rows(con: duckdb.DuckDBPyConnection, name: str, source: Source, before: Content | None) -> Content:
    """Make the table ``name`` of the attached ``target`` hold the rows of the source, where it holds ``before``.

    Raises:
        PublicationError: it holds other rows afterwards.
    """
    if before is not None and before.is_sliced_like(source):
        wanted = content_of(con, f"({source.query})", source.columns, source.by)
        changed = wanted.changed_since(before)
        rows = sum(content.slices[day].rows for content in (wanted, before) for day in changed & content.slices.keys())
        if rows <= _MOST_CHANGED * (wanted.rows + before.rows):
            _write_slices(con, name, source, wanted, changed)
            return wanted
    # In order of its days, a question about some of them reads only these.
    order = f" order by {_listed([source.by])}" if source.by else ""
    con.execute(f"create or replace table {_target(name)} as {source.query}{order}")
    return content_of(con, _target(name), source.columns, source.by)


def _write_slices(
    con: duckdb.DuckDBPyConnection, name: str, source: Source, wanted: Content, changed: Collection[str]
) -> None:
    if not changed:
        return
    where = _of_days(con, source.by, changed)
    con.execute(f"delete from {_target(name)} where {where}")
    con.execute(f"insert into {_target(name)} select * from ({source.query}) where {where}")
    written = content_of(con, f"(select * from {_target(name)} where {where})", source.columns, source.by)
    if written.slices != {day: sums for day, sums in wanted.slices.items() if day in changed}:
        raise PublicationError(
            f"{name} was not published as the warehouse has it; run `anchorwatch publish`, which writes it anew."
        )


def content_of(
    con: duckdb.DuckDBPyConnection, relation: str, columns: tuple[tuple[str, str], ...], by: str | None = None
) -> Content:
    """The sums of a relation with these columns, by its slices."""
    names = [name for name, _ in columns]
    whole, facts = (
        f"hash({_listed(chosen)})" for chosen in (names, [name for name in names if name not in CLOCK_COLUMNS])
    )
    day = f"coalesce({_listed([by])}::varchar, '{_UNDATED}')" if by else f"'{_UNDATED}'"
    found = con.execute(
        f"with hashed as (select {day} as day, {facts} as h, {whole} as w from {relation}) "
        "select day, count(*), sum(h), sum(hash(h)), sum(w) from hashed group by day"
    ).fetchall()
    return Content(columns, by, {day: Sums(*map(int, sums)) for day, *sums in found})


def table_facts(con: duckdb.DuckDBPyConnection, relation: str, where: str = "") -> dict[str, Any]:
    """Row count and digest of a table, or of the rows of it that a ``where`` clause leaves."""
    return content_of(con, f"(select * from {relation} {where})", columns_of(con, relation)).facts


def file_query(name: str, content: Content, days: Sequence[str]) -> str:
    """SQL of the published rows of a Parquet file: ``days`` are all of its slices, in order."""
    if content.by is None:
        return f"select * from {_target(name)}"
    by, first, last = _listed([content.by]), days[0], days[-1]
    # by their bounds, so that the engine passes over row groups that hold none of them
    where = f"{by} between date '{first}' and date '{last}'" if first else f"{by} is null"
    return f"select * from {_target(name)} where {where}"


def comment(con: duckdb.DuckDBPyConnection, name: str, columns: Sequence[tuple[str, str]], docs: TableDocs) -> None:
    """Carry what the project says of a table into the published file: BI tools show it beside the columns."""
    target = _target(name)
    comments = [f"comment on table {target} is {_text(docs.description)}"]
    comments += [f'comment on column {target}."{column}" is {_text(docs.columns.get(column))}' for column, _ in columns]
    con.execute("; ".join(["begin", *comments, "commit"]))


def _of_days(con: duckdb.DuckDBPyConnection, by: str | None, days: Collection[str]) -> str:
    """A condition on the rows of these slices; makes the temporary table that it reads."""
    if by is None:
        return "true"
    dated = [day for day in days if day != _UNDATED]
    con.execute("create or replace temp table chosen_day as select unnest(?::varchar[])::date as day", [dated])
    undated = f" or {_listed([by])} is null" if _UNDATED in days else ""
    return f"({_listed([by])} in (select day from chosen_day){undated})"


def columns_of(con: duckdb.DuckDBPyConnection, relation: str) -> tuple[tuple[str, str], ...]:
    """Names and types; asked of the table itself, since the catalogue's list goes through every column of every one."""
    return tuple((str(name), str(kind)) for name, kind, *_ in con.execute(f"describe {relation}").fetchall())


def _target(name: str) -> str:
    schema, table = name.split(".")
    return f'target."{schema}"."{table}"'


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _text(text: str | None) -> str:
    return "'" + text.replace("'", "''") + "'" if text else "null"
