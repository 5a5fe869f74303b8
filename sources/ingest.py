"""Ingest: delivered files into the raw lake. Each row is loaded, stands in quarantine, or repeats what was there.

The order of writes makes a crash harmless: quarantine, raw rows, schema events, then the receipt. What has no receipt
was not ingested; the next run removes it and reads the file again.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from sources.arrival import Arrival, Counts, raw_dataset
from sources.contract import Contract, load_contracts
from sources.engine import ENGINE_BROKEN, TOO_LARGE, SpareMemory, engine, engine_fails, one_thread
from sources.lake import Lake
from sources.landing import Delivery
from sources.landing_entry import LANDING_ENTRIES, LANDING_ENTRY_SCHEMA
from sources.load import FileUnreadable, OpenFile, load_files, open_file, with_events
from sources.mapping_files import MAPPING_FOLDERS
from sources.new_arrivals import new_arrivals
from sources.promise import FEED_PROMISE_SCHEMA, FEED_PROMISES
from sources.quarantine import QUARANTINE, QUARANTINE_SCHEMA, quarantine_dataset, write_refused_file
from sources.readers import FileRefused, Workspace
from sources.receipt import (
    RECEIPT_SCHEMA,
    RECEIPTS,
    Receipt,
    Status,
    read_receipts,
    write_receipts,
)
from sources.restatement import restated_receipts
from sources.schema_event import (
    SCHEMA_EVENT_SCHEMA,
    SCHEMA_EVENTS,
    SchemaEvent,
    SchemaRefused,
    schema_event_dataset,
    write_schema_events,
)
from sources.schema_history import EarlierSchemas

_SCRATCH = ".scratch"
_FILES_A_COMMIT = 128


@dataclass(frozen=True)
class Limits:
    """Bounds of one run: size of a delivered file and of its decompressed content, memory of the engine.

    A file for which ``engine_memory`` is not enough is read once more with each of ``more_memory``, until one is.
    """

    max_file_bytes: int = 8 << 30
    max_content_bytes: int = 32 << 30
    engine_memory: str = "80MB"
    more_memory: tuple[str, ...] = ("350MB", "600MB")


def initialise(lake: Lake) -> None:
    """Give every dataset of the sources its ``_schema.parquet``, so that a glob finds columns before the first row."""
    raw = {raw_dataset(contract): contract.raw_schema for contract in load_contracts().values()}
    own = {
        QUARANTINE: QUARANTINE_SCHEMA,
        SCHEMA_EVENTS: SCHEMA_EVENT_SCHEMA,
        RECEIPTS: RECEIPT_SCHEMA,
        LANDING_ENTRIES: LANDING_ENTRY_SCHEMA,
        FEED_PROMISES: FEED_PROMISE_SCHEMA,
    }
    lake.ensure_schemas({**raw, **own})


def ingest_feed(
    feed: str,
    landing: Path,
    lake: Lake,
    as_of: date,
    last_night: date | None,
    *,
    mapping_folders: Sequence[Path] = MAPPING_FOLDERS,
    limits: Limits = Limits(),
    loaded_at: datetime | None = None,
) -> list[Receipt]:
    """Load what was delivered for ``feed`` (``source.feed``) up to ``as_of`` and has no receipt yet.

    ``last_night`` is the last finished night; a file that turns up after it in an older folder becomes known on the day
    after it. ``mapping_folders`` are where mappings are looked for. ``loaded_at`` is the clock written into the rows
    (naive UTC; now by default). Returns the receipts of the files of this call in the order in which they were loaded.
    A file that cannot be read is refused with a receipt; OSError is raised when the landing zone or the lake cannot be
    used.
    """
    contract = load_contracts()[feed]
    clock = loaded_at or datetime.now(UTC).replace(tzinfo=None)
    receipts = read_receipts(lake, feed)
    _remove_unfinished(lake, contract, {receipt.file_id for receipt in receipts})
    with _without_vanished_files():
        arrivals = new_arrivals(contract, landing, as_of, last_night, receipts, limits.max_file_bytes, mapping_folders)
    if not arrivals:
        return []
    made: list[Receipt] = []
    with _without_vanished_files():
        for start in range(0, len(arrivals), _FILES_A_COMMIT):
            commit = arrivals[start : start + _FILES_A_COMMIT]
            fresh = _ingest_anew(commit, lake, [*receipts, *made], limits, clock)
            _commit(lake, commit, fresh)
            made += fresh
    return made


def _commit(lake: Lake, arrivals: Sequence[Arrival], receipts: Sequence[Receipt]) -> None:
    """Make the rows of a group of files last, then write their receipts."""
    places = (
        lake.file(dataset, arrival.partition, arrival.file_id)
        for arrival in arrivals
        for dataset in (arrival.raw_dataset, quarantine_dataset(arrival), schema_event_dataset(arrival.contract))
    )
    lake.sync([path for path in places if path.exists()])
    write_receipts(lake, receipts)


def _ingest_anew(
    arrivals: Sequence[Arrival], lake: Lake, receipts: Sequence[Receipt], limits: Limits, clock: datetime
) -> list[Receipt]:
    """The same as `_ingest`, with an engine of its own; a file on which the engine breaks down is refused."""
    try:
        with _workspace(lake, arrivals[0].contract, limits) as workspace:
            spare = SpareMemory(workspace.connection, limits.more_memory)
            return _ingest(arrivals, lake, receipts, workspace, spare, clock)
    except ENGINE_BROKEN as error:
        if len(arrivals) == 1:
            return [_refuse(arrivals[0], lake, engine_fails(error), clock)]
    # Which of them it is shows when each is read alone.
    made: list[Receipt] = []
    for arrival in arrivals:
        made += _ingest_anew([arrival], lake, [*receipts, *made], limits, clock)
    return made


def _ingest(
    arrivals: Sequence[Arrival],
    lake: Lake,
    receipts: Sequence[Receipt],
    workspace: Workspace,
    spare: SpareMemory,
    clock: datetime,
) -> list[Receipt]:
    """Write what becomes of the arrivals, and return their receipts in the same order."""
    made: dict[str, Receipt] = {}
    group: list[OpenFile] = []

    def load_group() -> None:
        for receipt in _load(group, lake, [*receipts, *made.values()], workspace, spare, clock):
            made[receipt.file_id] = receipt
        group.clear()

    contents = _contents(receipts)
    grouped: dict[tuple[str, str | None], Arrival] = {}
    for arrival in arrivals:
        content = (arrival.sha256, arrival.delivery.mapping.name)
        if content in grouped:
            load_group()
            contents = _contents([*receipts, *made.values()])
            grouped.clear()
        if arrival.delivery.problem:
            made[arrival.file_id] = _refuse(arrival, lake, arrival.delivery.problem, clock)
            continue
        if arrival.delivery.joined_as:
            made[arrival.file_id] = arrival.receipt(Status.JOINED, clock, message=_joined_note(arrival))
            continue
        restates = bool(restated_receipts(arrival, [*receipts, *made.values()]))
        # with other tables beside them the same bytes can be other rows
        is_repeat = content in contents and not arrival.delivery.mapping.tables and not restates
        try:
            if is_repeat and not (arrival.control and arrival.control.counts_records):
                made[arrival.file_id] = _repeat(arrival, contents[content], clock)
                continue
            file = _opened(arrival, workspace, spare)
        except (FileRefused, duckdb.OutOfMemoryException) as error:
            _check_unchanged(arrival.delivery)
            events = error.events if isinstance(error, SchemaRefused) else ()
            message = str(error) if isinstance(error, FileRefused) else TOO_LARGE
            made[arrival.file_id] = _refuse(arrival, lake, message, clock, events)
            continue
        if is_repeat:
            made[arrival.file_id] = _repeat(arrival, contents[content], clock)
            continue
        if group and (restates or not (file.loads_like(group[0]) and file.is_small and group[0].is_small)):
            load_group()
        group.append(file)
        grouped[content] = arrival
        if restates:
            load_group()
    load_group()
    return [made[arrival.file_id] for arrival in arrivals]


def _contents(receipts: Sequence[Receipt]) -> dict[tuple[str, str | None], Receipt]:
    """Receipts by the content that was loaded, without what another file has restated since."""
    restated = {receipt.restates_file_id for receipt in receipts}
    loaded = (r for r in receipts if r.status is Status.LOADED and r.file_id not in restated)
    return {(receipt.sha256, receipt.mapping): receipt for receipt in loaded}


def _joined_note(arrival: Arrival) -> str:
    note = f"Read with the files beside it, as table {arrival.delivery.joined_as}."
    if arrival.control and arrival.control.counts_records:
        return f"{note} Rows and sums of {arrival.control.names} were not compared."
    return note


def _load(
    group: Sequence[OpenFile],
    lake: Lake,
    receipts: Sequence[Receipt],
    workspace: Workspace,
    spare: SpareMemory,
    clock: datetime,
    *,
    is_by_one_thread: bool = False,
) -> list[Receipt]:
    """Load the files of a group; one that cannot be loaded is refused, the others are loaded without it.

    One for which the memory of the engine is not enough is loaded by one thread with more, and refused when there is no
    more.
    """
    if not group:
        return []
    try:
        earlier = EarlierSchemas(receipts)
        made = load_files([with_events(file, earlier) for file in group], lake, receipts, workspace.connection, clock)
    except FileUnreadable as error:
        _check_unchanged(error.arrival.delivery)
        others = [file for file in group if file.arrival is not error.arrival]
        refused = _refuse(error.arrival, lake, str(error), clock, error.events)
        return [refused, *_load(others, lake, receipts, workspace, spare, clock)]
    except duckdb.OutOfMemoryException:
        if not spare.give() and is_by_one_thread:
            return [_refuse(group[0].arrival, lake, TOO_LARGE, clock)]
        # Each alone: it shows which of them is too large, if any is.
        made = []
        with one_thread(workspace.connection):
            for file in group:
                made += _load([file], lake, [*receipts, *made], workspace, spare, clock, is_by_one_thread=True)
        return made
    except duckdb.Error:
        for file in group:
            _check_unchanged(file.arrival.delivery)
        raise
    for file in group:
        _check_unchanged(file.arrival.delivery)
        shutil.rmtree(workspace.scratch / file.arrival.file_id)
    return made


def _opened(arrival: Arrival, workspace: Workspace, spare: SpareMemory) -> OpenFile:
    """Open a file; by one thread with more memory where the engine had too little to look into it."""
    try:
        return open_file(arrival, _own(workspace, arrival))
    except duckdb.OutOfMemoryException:
        shutil.rmtree(workspace.scratch / arrival.file_id)
    spare.give()
    while True:
        try:
            with one_thread(workspace.connection):
                return open_file(arrival, _own(workspace, arrival))
        except duckdb.OutOfMemoryException:
            shutil.rmtree(workspace.scratch / arrival.file_id)
            if not spare.give():
                raise


def _own(workspace: Workspace, arrival: Arrival) -> Workspace:
    scratch = workspace.scratch / arrival.file_id
    scratch.mkdir()
    return Workspace(workspace.connection, scratch, workspace.max_content_bytes)


def _repeat(arrival: Arrival, earlier: Receipt, clock: datetime) -> Receipt:
    message = f"The same bytes were delivered as {earlier.business_date}/{earlier.file}."
    counts = Counts(duplicate=earlier.delivered_rows)
    return arrival.receipt(Status.REPEATED_FILE, clock, reader=earlier.reader, message=message, counts=counts)


def _refuse(
    arrival: Arrival, lake: Lake, message: str, clock: datetime, events: tuple[SchemaEvent, ...] = ()
) -> Receipt:
    # The engine's own words name the file by its place on this machine; what is published is the same on every one.
    message = message.replace(f"{arrival.delivery.path.parent}{os.sep}", "")
    receipt = arrival.receipt(Status.REFUSED, clock, message=message)
    write_refused_file(lake, arrival, receipt.message or "", clock)
    write_schema_events(lake, arrival, events, clock)
    return receipt


def _check_unchanged(delivery: Delivery) -> None:
    """OSError (EAGAIN) when a file is no longer what the scan saw; FileNotFoundError when it is gone."""
    status = delivery.path.stat()
    if (status.st_size, status.st_mtime_ns) != (delivery.size_bytes, delivery.modified_ns):
        raise OSError(errno.EAGAIN, f"{delivery.path} changed while it was read; run again when it is complete")


@contextmanager
def _without_vanished_files() -> Iterator[None]:
    """Turn the loss of a delivered file between scan and reading into the error of a file that changes."""
    try:
        yield
    except FileNotFoundError as error:
        gone = f"{error.filename} was taken away while it was read; run again, and deliver it anew if it is missed"
        raise OSError(errno.EAGAIN, gone) from error


def _remove_unfinished(lake: Lake, contract: Contract, finished: set[str]) -> None:
    """Remove what came of files without a receipt: a run ended between it and the receipt."""
    quarantine = f"{QUARANTINE}/{contract.source}/{contract.feed}"
    for dataset in (raw_dataset(contract), quarantine, schema_event_dataset(contract)):
        for path in lake.dataset(dataset).glob("batch_date=*/*.parquet"):
            if path.stem not in finished:
                path.unlink()


@contextmanager
def _workspace(lake: Lake, contract: Contract, limits: Limits) -> Iterator[Workspace]:
    """A DuckDB connection with bounded memory and a scratch folder in the lake, both gone at the end."""
    parent = lake.root / _SCRATCH
    shutil.rmtree(parent / contract.name, ignore_errors=True)
    parent.mkdir(parents=True, exist_ok=True)
    scratch = parent / contract.name
    scratch.mkdir()
    try:
        with engine(scratch, limits.engine_memory) as connection:
            yield Workspace(connection, scratch, limits.max_content_bytes)
    finally:
        shutil.rmtree(scratch)
