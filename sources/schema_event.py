"""Events of a delivered file's columns: one is unknown, gone, or of another type than before. Never a silent cast.

A contract, or a mapping in its stead, says of each event whether the file is refused or loaded with a warning. What
came before is read from the receipts of the same deliverer (mapping and reader), of its files that sort before this
one: so a night knows no schema of a later one, and a rerun finds what the first run found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sources.arrival import Arrival
from sources.contract import Contract, Policy
from sources.expression import Expression
from sources.lake import Lake
from sources.mapping import Mapping as ColumnMappings
from sources.mapping import identity_mapping
from sources.readers import FileRefused, Records
from sources.receipt import DeliveredTypes
from sources.rules import VALUE_CHARACTERS, Rule

SCHEMA_EVENTS = "schema_events"
SCHEMA_EVENT_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("feed", pa.string()),
        ("business_date", pa.date32()),
        ("batch_date", pa.date32()),
        ("file", pa.string()),
        ("file_id", pa.string()),
        ("mapping", pa.string()),
        ("event", pa.string()),
        ("column_name", pa.string()),
        ("policy", pa.string()),
        ("earlier_type", pa.string()),
        ("delivered_type", pa.string()),
        ("loaded_at", pa.timestamp("us")),
    ]
)
# Fewer rows than these may as well be broken rows as a column of another type.
WHOLESALE_ROWS = 10
_SHOWN_COLUMNS = 20
_EVENT_COLUMNS = 200


class EventName(StrEnum):
    """What happened to a column. That columns come in another order is no event: they are taken by name."""

    COLUMN_UNKNOWN = "COLUMN_UNKNOWN"
    COLUMN_GONE = "COLUMN_GONE"
    COLUMN_RETYPED = "COLUMN_RETYPED"


@dataclass(frozen=True)
class SchemaEvent:
    """An event of one delivered column, with its types before and now where the format has types."""

    name: EventName
    column: str
    policy: Policy
    earlier_type: str | None = None
    delivered_type: str | None = None


class SchemaRefused(FileRefused):
    """A file that is refused for what happened to its columns."""

    def __init__(self, message: str, events: tuple[SchemaEvent, ...]) -> None:
        super().__init__(message)
        self.events = events


def policy_for(name: EventName, contract: Contract, mapping: ColumnMappings) -> Policy:
    """What is done with a file in which this happens: the mapping's word, else the contract's."""
    own, general = {
        EventName.COLUMN_UNKNOWN: (mapping.on_unknown_column, contract.on_unknown_column),
        EventName.COLUMN_GONE: (mapping.on_gone_column, contract.on_gone_column),
        EventName.COLUMN_RETYPED: (mapping.on_retyped_column, contract.on_retyped_column),
    }[name]
    return own or general


@dataclass(frozen=True)
class Header:
    """Delivered columns of a file as the mapping sees them: what it reads with their types, and what it does not."""

    read: DeliveredTypes
    unknown: tuple[str, ...]
    absent: tuple[str, ...]


def read_header(contract: Contract, mapping: ColumnMappings, records: Records) -> Header:
    """The columns of a file; SchemaRefused when a required one is absent."""
    missing, absent = [], []
    for name, own in mapping.columns.items():
        if own.sign_column is not None and own.source in records.columns and own.sign_column not in records.columns:
            missing.append(own.sign_column)
        if own.source is None or own.source in records.columns:
            continue
        column = contract.column(name)
        lacking = [own.source] if own.expression is None else _not_delivered(own.expression, records)
        if column.required:
            missing += lacking
        elif column.year_of is None:
            absent += lacking
    if missing:
        raise SchemaRefused(
            f"The file lacks the required {_columns(missing)}; it has {_header_shown(contract, mapping, records)}. "
            f"Deliver what is missing, or {_other_reading(mapping)}.",
            tuple(SchemaEvent(EventName.COLUMN_GONE, name, "refuse") for name in missing),
        )
    known = {*mapping.delivered_columns, *mapping.read_by_expressions}
    delivered = {name: kind for name, (_, kind) in records.columns.items() if name not in mapping.expressions}
    read = {name: kind for name, kind in delivered.items() if name in known}
    unknown = [] if "*" in mapping.ignored else [n for n in delivered if n not in known | {*mapping.ignored}]
    return Header(tuple(read.items()), tuple(unknown), tuple(dict.fromkeys(absent)))


def _header_shown(contract: Contract, mapping: ColumnMappings, records: Records) -> str:
    """The delivered names, unless they may be a record: without its header a file begins with persons' data."""
    if contract.personal_columns and not records.columns.keys() & {*mapping.read_columns, *mapping.ignored}:
        return f"{len(records.columns)} columns, of whose names the mapping knows none (is its first line the header?)"
    return _columns([*records.columns])


def _not_delivered(expression: str, records: Records) -> list[str]:
    return [name for name in Expression(expression).columns if name not in records.columns]


def schema_events(
    header: Header, earlier: DeliveredTypes | None, contract: Contract, mapping: ColumnMappings, *, is_typed: bool
) -> tuple[SchemaEvent, ...]:
    """Events of a file against ``earlier``, what the deliverer's file before had (None: there is none).

    A mapping of the deliverer's own promises the columns that it names. The contract's own names promise nothing: there
    an optional column is gone only when the file before had it. ``is_typed``: the format itself gives columns types.
    """
    before, now = dict(earlier or ()), dict(header.read)
    events: list[tuple[EventName, str, str | None, str | None]]
    events = [(EventName.COLUMN_UNKNOWN, name, None, None) for name in header.unknown]
    promises = mapping != identity_mapping(contract)
    events += [
        (EventName.COLUMN_GONE, name, before.get(name), None) for name in header.absent if promises or name in before
    ]
    if is_typed:
        changed = [name for name in now if name in before and before[name] != now[name]]
        events += [(EventName.COLUMN_RETYPED, name, before[name], now[name]) for name in changed]
    return tuple(
        SchemaEvent(name, column, policy_for(name, contract, mapping), before_, now_)
        for name, column, before_, now_ in events
    )


def misread_columns(
    connection: duckdb.DuckDBPyConnection, rules: Iterable[Rule], contract: Contract, mapping: ColumnMappings
) -> dict[int, tuple[SchemaEvent, ...]]:
    """Events by file number of text columns of which no value has the form of its type, in WHOLESALE_ROWS or more.

    Reads the tables of `sources.load`.
    """
    typed = {rule.number: rule.column for rule in rules if rule.name == "type"}
    faults = connection.execute(
        "select file_no, _fault from delivered where _fault is not null "
        f"group by all having count(*) >= {WHOLESALE_ROWS} order by all"
    ).fetchall()
    found: dict[int, tuple[SchemaEvent, ...]] = {}
    for file_no, fault in faults:
        if fault not in typed:
            continue
        name = typed[fault]
        readable = connection.execute(f'select count("{name}") from delivered where file_no = ?', [file_no]).fetchall()
        if not readable[0][0]:
            own = mapping.columns[name]
            event = SchemaEvent(
                EventName.COLUMN_RETYPED,
                own.delivered or name,
                policy_for(EventName.COLUMN_RETYPED, contract, mapping),
                contract.column(name).sql_type,
                "text of another form",
            )
            found[file_no] = (*found.get(file_no, ()), event)
    return found


def refusal(events: Iterable[SchemaEvent], mapping: ColumnMappings) -> str | None:
    """Why the file is refused for these events, as a sentence for each kind; None when it is loaded."""
    sentences = [
        f"{_said(name, of_name, 'it has')}; such a file is refused until {_cure(name, mapping)}."
        for name, of_name in _by_name(event for event in events if event.policy == "refuse")
    ]
    return " ".join(sentences) or None


def sentences(events: Iterable[SchemaEvent]) -> list[str]:
    """One sentence for each kind of event of a file that is loaded all the same."""
    return [f"{_said(name, of_name, 'ignored')}." for name, of_name in _by_name(events)]


def absence_notes(header: Header, events: Iterable[SchemaEvent]) -> list[str]:
    """A sentence on optional columns that are absent without an event: nobody promised them."""
    gone = {event.column for event in events if event.name is EventName.COLUMN_GONE}
    absent = [name for name in header.absent if name not in gone]
    return [f"Did not find the optional {_columns(absent)}."] if absent else []


def _by_name(events: Iterable[SchemaEvent]) -> list[tuple[EventName, list[SchemaEvent]]]:
    listed = [*events]
    grouped = ((name, [event for event in listed if event.name is name]) for name in EventName)
    return [(name, of_name) for name, of_name in grouped if of_name]


def _said(name: EventName, events: Sequence[SchemaEvent], verb: str) -> str:
    columns = [event.column for event in events]
    if name is EventName.COLUMN_UNKNOWN:
        return f"{name}: {verb} the unknown {_columns(columns)}"
    if name is EventName.COLUMN_GONE:
        return f"{name}: did not find the optional {_columns(columns)}"
    changes = [f"{e.column} (was {e.earlier_type}, is {e.delivered_type})" for e in events]
    return f"{name}: another type in {_columns(changes)}"


def _other_reading(mapping: ColumnMappings) -> str:
    if mapping.is_of_contract:
        return "name a mapping that reads such a file (anchorwatch source new drafts one)"
    return f"correct mapping {mapping.name} (names, encoding, delimiter)"


def _cure(name: EventName, mapping: ColumnMappings) -> str:
    if name is EventName.COLUMN_UNKNOWN:
        return f"mapping {mapping.name} reads or ignores them"
    if name is EventName.COLUMN_GONE:
        return f"they are delivered again or mapping {mapping.name} does without them"
    return f"the type is as before or mapping {mapping.name} takes the new one"


def _columns(names: Sequence[str]) -> str:
    shown = ", ".join(name[:VALUE_CHARACTERS] or "''" for name in names[:_SHOWN_COLUMNS])
    more = f" and {len(names) - _SHOWN_COLUMNS} more" if len(names) > _SHOWN_COLUMNS else ""
    return f"column{'s' if len(names) > 1 else ''} {shown}{more}"


def write_schema_events(lake: Lake, arrival: Arrival, events: Iterable[SchemaEvent], loaded_at: datetime) -> None:
    """Write the events of one file, if it has any; what is beyond _EVENT_COLUMNS of a kind is one more row.

    The caller owes a sync.
    """
    rows = [
        {
            "source": arrival.contract.source,
            "feed": arrival.contract.feed,
            "business_date": arrival.delivery.business_date,
            "batch_date": arrival.batch_date,
            "file": arrival.delivery.file,
            "file_id": arrival.file_id,
            "mapping": arrival.delivery.mapping.name,
            "event": event.name,
            "column_name": event.column[:VALUE_CHARACTERS],
            "policy": event.policy,
            "earlier_type": event.earlier_type and event.earlier_type[:VALUE_CHARACTERS],
            "delivered_type": event.delivered_type and event.delivered_type[:VALUE_CHARACTERS],
            "loaded_at": loaded_at,
        }
        for event in _bounded(events)
    ]
    if not rows:
        return
    path = lake.file(schema_event_dataset(arrival.contract), arrival.partition, arrival.file_id)
    with lake.replacing(path, is_synced=False) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA_EVENT_SCHEMA), temporary, compression="zstd")


def schema_event_dataset(contract: Contract) -> str:
    """Lake dataset of the events of a feed's files."""
    return f"{SCHEMA_EVENTS}/{contract.source}/{contract.feed}"


def _bounded(events: Iterable[SchemaEvent]) -> Iterator[SchemaEvent]:
    for _, of_name in _by_name(events):
        yield from of_name[:_EVENT_COLUMNS]
        more = len(of_name) - _EVENT_COLUMNS
        if more > 0:
            yield replace(of_name[0], column=f"and {more:,} more", earlier_type=None, delivered_type=None)
