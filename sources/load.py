"""Load files, set by set inside DuckDB: type and check, refuse, tell duplicates, write what is left.

Small files of one form are loaded as one group, since a statement costs milliseconds however few rows it sees. Tables
of the connection meanwhile, all by ``file_no`` and ``row_no``: the view ``delivered`` (typed records with their first
fault), ``refused`` (records for quarantine), the view ``sound`` (the others), ``duplicate`` (those that repeat a
version) and the view ``kept`` (rows to load).
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from sources.against_control import check_records
from sources.arrival import Arrival, Counts
from sources.contract import Contract
from sources.derive import derived
from sources.lake import Lake
from sources.mapping import ReaderName
from sources.quarantine import write_refused_records
from sources.raw_rows import write_rows
from sources.readers import Records, RecordsDisagree, Workspace, quoted, scalar, sql_text
from sources.readers.bundle import open_content
from sources.readers.choose import FORMATS, choose_reader, settled
from sources.receipt import Receipt, Status
from sources.refuse import locate_refused, refuse_by_check_digit, refuse_by_rule, refuse_unreadable, start_refused
from sources.restatement import find_absent, restated_receipts, restatement_note
from sources.rules import Rule, validation_sql
from sources.schema_event import (
    Header,
    SchemaEvent,
    absence_notes,
    misread_columns,
    read_header,
    refusal,
    schema_events,
    sentences,
    write_schema_events,
)
from sources.schema_history import EarlierSchemas
from sources.sql import OUR_FAULT
from sources.versions import find_duplicates

_SMALL_FILE_BYTES = 1 << 20


@dataclass(frozen=True)
class OpenFile:
    """An arrival whose header fits its contract, with the records that its reader finds in it.

    ``events`` are what happened to its columns since the deliverer's file before, of those that do not refuse it.
    """

    arrival: Arrival
    reader: ReaderName
    records: Records
    header: Header
    events: tuple[SchemaEvent, ...] = ()

    @property
    def is_small(self) -> bool:
        return self.arrival.delivery.size_bytes <= _SMALL_FILE_BYTES

    @property
    def notes(self) -> list[str]:
        """Sentences for the receipt."""
        control = self.arrival.control.notes if self.arrival.control else ()
        return [*self.records.notes, *sentences(self.events), *absence_notes(self.header, self.events), *control]

    def loads_like(self, other: OpenFile) -> bool:
        """Whether one statement can load both: same mapping, same delivered columns, same kind of delivery."""
        mine, others = self.arrival.delivery, other.arrival.delivery
        return (
            self.reader == other.reader
            and mine.mapping == others.mapping
            and mine.history == others.history
            and self.records.columns == other.records.columns
        )


class FileUnreadable(Exception):
    """One file of a group cannot be read to its end, or is refused for its columns; the others are untouched."""

    def __init__(self, arrival: Arrival, message: str, events: tuple[SchemaEvent, ...] = ()) -> None:
        super().__init__(message)
        self.arrival = arrival
        self.events = events


def open_file(arrival: Arrival, workspace: Workspace) -> OpenFile:
    """Open an arrival; raises FileRefused when it cannot be read, lacks a required column or is not what its control
    says.
    """
    path, mapping = arrival.delivery.path, arrival.delivery.mapping
    mapping = settled(path, mapping, arrival.contract)
    reader = choose_reader(path, mapping)

    def open_table(file: Path, scratch: Workspace) -> Records:
        return open_content(file, mapping, scratch)

    delivered = open_table(path, workspace)
    if arrival.control is not None:
        check_records(arrival.control, delivered, mapping, workspace.connection)
    records = derived(delivered, mapping, path, open_table, workspace)
    return OpenFile(arrival, reader, records, read_header(arrival.contract, mapping, records))


def with_events(file: OpenFile, earlier: EarlierSchemas) -> OpenFile:
    """The file with what happened to its columns; FileUnreadable when it is refused for that.

    A file that is not refused is counted in ``earlier``.
    """
    arrival, mapping, form = file.arrival, file.arrival.delivery.mapping, FORMATS[file.reader]
    if not form.is_tabular:
        return file
    before = earlier.before(arrival, file.reader)
    events = schema_events(file.header, before, arrival.contract, mapping, is_typed=form.is_typed)
    if sentence := refusal(events, mapping):
        raise FileUnreadable(arrival, sentence, events)
    earlier.add(arrival, file.reader, file.header.read)
    return replace(file, events=events)


def load_files(
    files: Sequence[OpenFile],
    lake: Lake,
    receipts: Sequence[Receipt],
    connection: duckdb.DuckDBPyConnection,
    loaded_at: datetime,
) -> list[Receipt]:
    """Load files that `OpenFile.loads_like` one another, in the order in which their rows become versions.

    Writes rows and quarantine, not yet synced, and returns the receipts, not yet written. ``receipts`` are the feed's
    so far; a file that restates one of them comes alone. Raises FileUnreadable, having written nothing, when one of the
    files cannot be read to its end or is refused for a column in which nothing can be read.
    """
    contract = files[0].arrival.contract
    readable = sort_out(list(files), connection)
    for file in readable:
        if sentence := refusal(file.events, file.arrival.delivery.mapping):
            raise FileUnreadable(file.arrival, sentence, file.events)
    arrivals = [file.arrival for file in readable]
    find_duplicates(connection, contract, lake, receipts)
    restated = restated_receipts(arrivals[0], receipts)
    absent, stand = find_absent(connection, arrivals[0], lake, restated, receipts) if restated else (0, None)
    counts = _counts(arrivals, connection, is_withdrawing=absent > 0 and stand is None)
    if restated:
        counts = [replace(counts[0], absent=absent, withdrawn=counts[0].withdrawn or 0)]
    note = restatement_note(restated, absent, stand)
    for file_no, arrival in enumerate(arrivals):
        if counts[file_no].quarantined:
            write_refused_records(connection, lake, arrival, file_no, loaded_at)
    paths = [lake.file(arrival.raw_dataset, arrival.partition, arrival.file_id) for arrival in arrivals]
    is_ordered = all(file.records.is_ordered for file in readable)
    write_rows(connection, lake, paths, counts, loaded_at, is_ordered=is_ordered)
    for file in readable:
        write_schema_events(lake, file.arrival, file.events, loaded_at)
    return [
        file.arrival.receipt(
            Status.LOADED,
            loaded_at,
            reader=file.reader,
            message=" ".join((*file.notes, note) if note else file.notes) or None,
            counts=counts[file_no],
            delivered_columns=file.header.read if FORMATS[file.reader].is_tabular else None,
        )
        for file_no, file in enumerate(readable)
    ]


def sort_out(files: list[OpenFile], connection: duckdb.DuckDBPyConnection) -> list[OpenFile]:
    """Make ``delivered``, ``refused`` and ``sound``; return the files as they could be read, with their events.

    Nothing is written, and no file refused for its columns. Raises FileUnreadable when one of the files cannot be read
    to its end.
    """
    contract = files[0].arrival.contract
    while True:
        files, rules = _deliver(files, connection)
        start_refused(connection)
        refuse_by_rule(connection, rules, contract)
        refuse_by_check_digit(connection, contract)
        disagreeing = _locate(files, connection)
        if disagreeing is None:
            break
        files[disagreeing] = _repaired(files[disagreeing], "its records cannot be told apart")
    misread = misread_columns(connection, rules, contract, files[0].arrival.delivery.mapping)
    files = [replace(file, events=(*file.events, *misread.get(no, ()))) for no, file in enumerate(files)]
    for file_no, file in enumerate(files):
        refuse_unreadable(connection, file_no, file.records)
    refused = scalar(connection, "select count(*) from refused")
    connection.execute(
        f"create or replace temp view sound as select file_no, row_no, {_columns(contract)} from delivered "
        + ("anti join refused using (file_no, row_no)" if refused else "")
    )
    return files


def _locate(files: Sequence[OpenFile], connection: duckdb.DuckDBPyConnection) -> int | None:
    """Locate the refused records; number of the first file whose scanner disagrees with the engine."""
    for file_no, file in enumerate(files):
        try:
            locate_refused(connection, file_no, file.records)
        except RecordsDisagree:
            return file_no
    return None


def _deliver(
    files: Sequence[OpenFile], connection: duckdb.DuckDBPyConnection
) -> tuple[list[OpenFile], tuple[Rule, ...]]:
    """Make ``delivered``; return the files as they could be read and the rules of ``_fault``."""
    readable = (
        [_inserted(file, file_no, connection) for file_no, file in enumerate(files)] if len(files) > 1 else [*files]
    )
    first = readable[0]
    relation = "collected" if len(files) > 1 else _relation(first, 0)
    validation = validation_sql(first.arrival.contract, first.arrival.delivery.mapping, first.records.columns, relation)
    try:
        if len(files) == 1 and _is_read_again(first):
            _view_delivered(validation.select, connection)
        else:
            _keep_delivered(validation.select, len(files), connection)
    except duckdb.Error as error:
        if len(files) > 1 or isinstance(error, OUR_FAULT):
            raise
        return _deliver([_repaired(first, str(error))], connection)
    connection.execute("drop table if exists collected")
    return readable, validation.rules


def _is_read_again(file: OpenFile) -> bool:
    """Whether each question reads the columns it is about from the file, and not from a copy in the engine.

    A copy of millions of rows takes longer to write than they are read, and memory that grows with them; for a few
    rows it is the questions that cost.
    """
    return file.records.is_columnar and not file.is_small


def _view_delivered(select: str, connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``delivered`` of a file alone, of which every value is read and checked once; duckdb.Error if one cannot."""
    view = "create or replace temp view delivered as select _file_no as file_no, _row_no as row_no, "
    connection.execute(f"{view} * exclude (_file_no, _row_no) from ({select})")
    faults, *_ = connection.execute("select count(_fault), bit_xor(hash(*columns(*))) from delivered").fetchall()[0]
    if not faults:
        # known once, the rules are not gone through again
        sound = "null::smallint as _fault, null::varchar as _fault_value"
        connection.execute(f"{view} * exclude (_file_no, _row_no) replace ({sound}) from ({select})")


def _keep_delivered(select: str, files: int, connection: duckdb.DuckDBPyConnection) -> None:
    """Make ``delivered`` of records that are read and checked once, and kept."""
    connection.execute(f"create or replace temp table checked as {select}")
    start = "0" if files == 1 else "first_value(rowid) over (partition by _file_no order by rowid)"
    connection.execute(
        f"""
        create or replace temp view delivered as
        select _file_no as file_no, coalesce(_row_no, rowid - {start} + 1) as row_no, * exclude (_file_no, _row_no)
        from checked
        """
    )


def _inserted(file: OpenFile, file_no: int, connection: duckdb.DuckDBPyConnection) -> OpenFile:
    """Append the file's records to ``collected``; return the file as it could be read."""
    verb = "insert into collected" if file_no else "create or replace temp table collected as"
    try:
        connection.execute(f"{verb} from {_relation(file, file_no)}")
    except duckdb.Error as error:
        if isinstance(error, OUR_FAULT):
            raise
        return _inserted(_repaired(file, str(error)), file_no, connection)
    return file


def _repaired(file: OpenFile, reason: str) -> OpenFile:
    """The same file read record by record; FileUnreadable where its format knows no other way."""
    first_line = reason.splitlines()[0]
    if "No space left" in first_line:
        raise OSError(errno.ENOSPC, f"no space left to load {file.arrival.delivery.path}; free some and run again")
    if file.records.repair is None:
        raise FileUnreadable(file.arrival, f"It cannot be read to its end ({first_line}); deliver it again.")
    return replace(file, records=file.records.repair())


def _relation(file: OpenFile, file_no: int) -> str:
    """The file's records with ``_file_no`` and ``_row_no`` (null where the place in the relation is the number)."""
    names = ", ".join(name for name, _ in file.records.columns.values())
    row_no = file.records.row_no or "null"
    return f"(select {file_no} as _file_no, {row_no}::bigint as _row_no, {names} from {file.records.relation})"


def _counts(
    arrivals: Sequence[Arrival], connection: duckdb.DuckDBPyConnection, *, is_withdrawing: bool
) -> list[Counts]:
    """What became of each file's rows; makes the view ``kept`` of rows to load, and those that end absent ones.

    Of a file alone makes the view ``unfiltered`` too: its rows in order, with some that are not to be loaded.
    """
    contract, history = arrivals[0].contract, arrivals[0].delivery.history
    connection.register(
        "files",
        pa.table(
            {
                "file_no": pa.array(range(len(arrivals)), pa.int32()),
                "batch_date": pa.array([arrival.batch_date for arrival in arrivals], pa.date32()),
                "file_id": [arrival.file_id for arrival in arrivals],
            }
        ),
    )
    known = "batch_date"
    if history is not None:
        known = f"least(coalesce({quoted(history.known_from)}::date + {history.lag_days}, batch_date), batch_date)"
    duplicates = scalar(connection, "select count(*) from duplicate")
    arrived = "sound join files using (file_no)"
    selected = f"select file_no, {_columns(contract)}, {known} as known_date, batch_date, file_id, row_no"
    if len(arrivals) == 1:
        lineage = f"date '{arrivals[0].batch_date}' as batch_date, {sql_text(arrivals[0].file_id)} as file_id"
        arrived = f"(select *, {lineage} from sound)"
        connection.execute(
            "create or replace temp view unfiltered as "
            f"{selected} from (select *, {lineage} from delivered where _fault is null)"
        )
    withdrawals = ""
    if is_withdrawing:
        # what history declares of its rows it declares of their end as well
        ended = "batch_date" if history is None else "least(absent.known_date, batch_date)"
        withdrawals = f"""
        union all
        select 0, {_columns(contract)}, {ended}, batch_date, file_id, -row_number() over (order by {_key(contract)})
        from absent cross join files"""
    connection.execute(
        f"""
        create or replace temp view kept as
        {selected}
        from {arrived} {"anti join duplicate using (file_no, row_no)" if duplicates else ""}
        {withdrawals}
        """
    )
    event = f"{quoted(contract.event_date)}::date"
    loaded = _by_file(
        connection,
        "select file_no, count(*) filter (where row_no > 0), count(*) filter (where row_no < 0), "
        f"min(known_date), min({event}), max({event}) from kept group by file_no",
    )
    refused = _by_file(connection, "select file_no, count(*) from refused group by file_no")
    repeated = _by_file(connection, "select file_no, count(*) from duplicate group by file_no")
    counts = []
    for file_no in range(len(arrivals)):
        rows, withdrawn, known, first, last = loaded.get(file_no, (0, 0, None, None, None))
        refusals, repeats = refused.get(file_no, (0,))[0], repeated.get(file_no, (0,))[0]
        counts.append(Counts(rows, refusals, repeats, known, first, last, withdrawn=withdrawn or None))
    return counts


def _by_file(connection: duckdb.DuckDBPyConnection, query: str) -> dict[int, tuple[Any, ...]]:
    return {file_no: tuple(values) for file_no, *values in connection.execute(query).fetchall()}


def _key(contract: Contract) -> str:
    return ", ".join(quoted(name) for name in contract.key)


def _columns(contract: Contract) -> str:
    return ", ".join(quoted(name) for name in contract.column_names)
