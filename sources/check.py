"""A dry run of one file: what would be loaded of it, what refused and why, by the real path and without a lake."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from sources.arrival import Arrival
from sources.contract import WITHHELD, Column, Contract, load_contracts
from sources.engine import ENGINE_BROKEN, TOO_LARGE, engine, engine_fails, one_thread
from sources.ingest import Limits
from sources.lake import Lake
from sources.landing import Delivery
from sources.load import FileUnreadable, OpenFile, open_file, sort_out, with_events
from sources.mapping import Mapping
from sources.readers import FileRefused, Workspace, quoted, scalar
from sources.readers.choose import settled
from sources.readers.delimited import delimiter_of
from sources.readers.unpack import head
from sources.schema_event import refusal as refusal_for
from sources.schema_history import EarlierSchemas
from sources.versions import count_replaced, find_duplicates

_TEXT_CHARACTERS = 60
_PERSONAL = "pii"
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class ColumnProfile:
    """What the delivered records have in one contract column, refused ones included.

    ``origin`` is the delivered column, expression or constant; None where the mapping has none. ``distinct`` is an
    estimate (HyperLogLog, a few per cent). Of a personal column there are no bounds and the example is masked.
    """

    column: str
    origin: str | None
    is_required: bool
    is_personal: bool
    filled: int
    distinct: int
    minimum: str | None
    maximum: str | None
    example: str | None


@dataclass(frozen=True)
class RefusedExample:
    """A refused record: its number, its line where the format has lines, the value that broke the rule, a sentence."""

    row_no: int
    line_no: int | None
    value: str | None
    message: str


@dataclass(frozen=True)
class BrokenRule:
    """How many records broke a rule of a column (None: the record as a whole), and the first of them."""

    rule: str
    column: str | None
    records: int
    examples: tuple[RefusedExample, ...]


@dataclass(frozen=True)
class FileCheck:
    """What a file is and what would become of its records: delivered = loaded + refused + repeated.

    ``repeated`` are those that repeat another of the same file. ``encoding`` and ``delimiter`` are None for formats
    without. ``refusal`` is a sentence where the file is refused whole for what its records are like. ``notes`` are
    sentences on the file: unknown columns, absent ones, records left out.
    """

    file: str
    size_bytes: int
    reader: str
    encoding: str | None
    delimiter: str | None
    mapping: str
    feed: str
    delivered: int
    loaded: int
    refused: int
    repeated: int
    refusal: str | None
    columns: tuple[ColumnProfile, ...]
    rules: tuple[BrokenRule, ...]
    notes: tuple[str, ...]


def check_file(path: Path, mapping: Mapping, *, examples: int = 10, limits: Limits = DEFAULT_LIMITS) -> FileCheck:
    """Read ``path`` as ``mapping`` says, as a night would that had nothing loaded before; ``examples`` a rule.

    Needs scratch space for the unpacked file, nothing else is written. Raises FileRefused with the sentence for its
    receipt when the file cannot be read, FileNotFoundError when there is none.
    """
    for memory in (None, *limits.more_memory):
        try:
            return _checked(path, mapping, examples, limits, memory)
        except duckdb.OutOfMemoryException:
            continue
    raise FileRefused(TOO_LARGE)


def _checked(path: Path, mapping: Mapping, examples: int, limits: Limits, memory: str | None) -> FileCheck:
    """Check with an engine and scratch space of its own; by one thread where it is given more ``memory``."""
    contract = load_contracts()[mapping.feed]
    with TemporaryDirectory(prefix="anchorwatch-check-") as folder:
        scratch = Path(folder)
        with engine(scratch, memory or limits.engine_memory) as connection:
            workspace = Workspace(connection, scratch, limits.max_content_bytes)
            try:
                with one_thread(connection) if memory else nullcontext():
                    return _check(path, mapping, contract, examples, limits, workspace)
            except ENGINE_BROKEN as error:
                raise FileRefused(engine_fails(error)) from error


def mask(text: str) -> str:
    """The shape of a text: each digit a 9, each letter an x, everything else as it is."""
    return re.sub(r"[^\W\d_]", "x", re.sub(r"\d", "9", text))


def _check(
    path: Path, mapping: Mapping, contract: Contract, examples: int, limits: Limits, workspace: Workspace
) -> FileCheck:
    delivery = _delivery(path, mapping, limits)
    mapping = settled(path, mapping, contract)
    arrival = Arrival(contract, replace(delivery, mapping=mapping), delivery.business_date, sha256="")
    connection = workspace.connection
    try:
        (file,) = sort_out([with_events(open_file(arrival, workspace), EarlierSchemas([]))], connection)
    except FileUnreadable as error:
        raise FileRefused(str(error)) from error
    refusal = refusal_for(file.events, mapping)
    repeated = find_duplicates(connection, contract, Lake(workspace.scratch / "lake"), [])
    replaced = count_replaced(connection, contract)
    sound = scalar(connection, "select count(*) from sound")
    refused = scalar(connection, "select count(*) from refused")
    is_text = file.reader == "delimited"
    return FileCheck(
        file=path.name,
        size_bytes=delivery.size_bytes,
        reader=file.reader,
        encoding=mapping.encoding if is_text else None,
        delimiter=delimiter_of(BytesIO(head(path)[1]), mapping) if is_text else None,
        mapping=mapping.name,
        feed=contract.name,
        delivered=sound + refused,
        loaded=sound - repeated,
        refused=refused,
        repeated=repeated,
        refusal=refusal,
        columns=_profiles(file, connection),
        rules=_broken_rules(contract, examples, connection),
        notes=(*_notes(path, mapping, file), *_replaced_note(replaced, contract)),
    )


def _delivery(path: Path, mapping: Mapping, limits: Limits) -> Delivery:
    status = path.stat()
    if not path.is_file():
        raise FileRefused("It is not a regular file; name a file, not a folder.")
    if status.st_size > limits.max_file_bytes:
        raise FileRefused(f"It has {status.st_size:,} bytes, the limit is {limits.max_file_bytes:,}; split it.")
    day = datetime.fromtimestamp(status.st_mtime, UTC).date()
    return Delivery(path, day, mapping, None, status.st_size, status.st_mtime_ns)


def _replaced_note(replaced: int, contract: Contract) -> tuple[str, ...]:
    """Most often it is a mapping that makes one key of two rows, of which the lake would show the later alone."""
    if not replaced:
        return ()
    return (
        f"{replaced:,} of the records to be loaded would be replaced by a later one that has the same "
        f"{', '.join(contract.key)}; correct the mapping where both are to stand.",
    )


def _notes(path: Path, mapping: Mapping, file: OpenFile) -> tuple[str, ...]:
    notes = tuple(file.notes)
    if fnmatchcase(path.name, mapping.files):
        return notes
    return (*notes, f"In landing the mapping takes files {mapping.files}, which {path.name} is not.")


def _profiles(file: OpenFile, connection: duckdb.DuckDBPyConnection) -> tuple[ColumnProfile, ...]:
    contract, mapping = file.arrival.contract, file.arrival.delivery.mapping
    measures = ", ".join(
        f"count({name}), approx_count_distinct({name}), min({name})::varchar, max({name})::varchar, "
        f"any_value({name})::varchar"
        for name in map(quoted, contract.column_names)
    )
    (values,) = connection.execute(f"select {measures} from delivered").fetchall()
    profiles = []
    for number, column in enumerate(contract.columns):
        filled, distinct, minimum, maximum, example = values[5 * number : 5 * number + 5]
        is_personal = column.classification == _PERSONAL
        profiles.append(
            ColumnProfile(
                column=column.name,
                origin=_origin(column, mapping),
                is_required=column.required,
                is_personal=is_personal,
                filled=filled,
                distinct=min(distinct, filled),
                minimum=None if is_personal else _cut(minimum),
                maximum=None if is_personal else _cut(maximum),
                example=_cut(mask(example) if is_personal and example is not None else example),
            )
        )
    return tuple(profiles)


def _origin(column: Column, mapping: Mapping) -> str | None:
    own = mapping.columns.get(column.name)
    if own is None:
        return None
    return own.source if own.constant is None else f"'{own.constant}'"


def _broken_rules(contract: Contract, examples: int, connection: duckdb.DuckDBPyConnection) -> tuple[BrokenRule, ...]:
    """Rules that records break, the most broken first."""
    counted = connection.execute(
        "select rule, column_name, count(*) from refused group by all order by count(*) desc, rule, column_name"
    ).fetchall()
    rules = []
    for rule, column, records in counted:
        is_personal = column is not None and contract.column(column).classification == _PERSONAL
        found = connection.execute(
            "select row_no, line_no, value, message from refused where rule = ? and column_name is not distinct from ? "
            "order by row_no limit ?",
            [rule, column, examples],
        ).fetchall()
        rules.append(BrokenRule(rule, column, records, tuple(_example(row, is_personal) for row in found)))
    return tuple(rules)


def _example(row: Sequence[object], is_personal: bool) -> RefusedExample:
    row_no, line_no, value, message = row
    assert isinstance(row_no, int)
    assert isinstance(message, str)
    assert line_no is None or isinstance(line_no, int)
    if not isinstance(value, str):
        return RefusedExample(row_no, line_no, None, message)
    if not is_personal:
        return RefusedExample(row_no, line_no, _cut(value), message)
    shape = mask(value)
    return RefusedExample(row_no, line_no, _cut(shape), message.replace(f"'{WITHHELD}'", f"'{shape}'"))


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _TEXT_CHARACTERS else f"{text[:_TEXT_CHARACTERS]}…"
