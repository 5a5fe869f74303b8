"""What lies in the landing zone and was not taken in: an entry there has a receipt, or a row here that says why not."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from sources.contract import Contract, load_contracts
from sources.control import Control
from sources.landing import (
    Delivery,
    controls_beside,
    delivery_date,
    delivery_folders,
    is_delivered,
    printable,
    scan_landing,
    settled_control,
)
from sources.mapping_files import MAPPING_FOLDERS
from sources.receipt import Receipt, Status, newest_receipts

LANDING_ENTRIES = "landing_entries"
LANDING_ENTRY_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("source", pa.string()),
        ("feed", pa.string()),
        ("business_date", pa.date32()),
        ("entry", pa.string()),
        ("state", pa.string()),
        ("message", pa.string()),
    ]
)


class EntryState(StrEnum):
    """Why an entry has no receipt: a data file waits, a control has no data file or speaks against a file that was
    loaded before it came, a folder is empty or dated after today, or no feed will ever read it.
    """

    WAITING = "WAITING"
    CONTROL_WITHOUT_DATA = "CONTROL_WITHOUT_DATA"
    CONTROL_DISAGREES = "CONTROL_DISAGREES"
    EMPTY_FOLDER = "EMPTY_FOLDER"
    FUTURE_FOLDER = "FUTURE_FOLDER"
    UNEXPECTED = "UNEXPECTED"


@dataclass(frozen=True)
class LandingEntry:
    """One entry of the landing zone that was not taken in; ``entry`` is its place below the feed's folder or above.

    ``source`` and ``feed`` are its first two folders, whether there is such a feed or not; None where it has none.
    """

    source: str | None
    feed: str | None
    business_date: date | None
    entry: str
    state: EntryState
    message: str

    @property
    def line(self) -> str:
        """One line for people."""
        place = ".".join(part for part in (self.source, self.feed) if part)
        return f"{place or 'landing'} {self.entry}: {self.message}"


def landing_entries(
    landing: Path,
    as_of: date,
    today: date,
    receipts: Mapping[str, Sequence[Receipt]],
    max_file_bytes: int,
    mapping_folders: Sequence[Path] = MAPPING_FOLDERS,
) -> list[LandingEntry]:
    """Entries without a receipt after the ingest of the night ``as_of``; ``receipts`` are all of them, by feed.

    Folders dated after the night are left to their own night, but those after ``today`` are named.
    """
    entries = [*_unexpected(landing)]
    for name, contract in load_contracts().items():
        entries += _of_folders(landing, contract, as_of, today)
        newest = newest_receipts(receipts.get(name, ()))
        for delivery in scan_landing(landing, contract, as_of, max_file_bytes, mapping_folders):
            found = _of_delivery(delivery, newest.get((delivery.business_date, delivery.file)))
            if found is not None:
                entries.append(_entry(contract, delivery.business_date, delivery.path.name, *found))
    return entries


def entry_table(as_of: date, entries: Sequence[LandingEntry]) -> pa.Table:
    """Entries of a night as an Arrow table of LANDING_ENTRY_SCHEMA."""
    rows = [{"as_of_date": as_of, **asdict(entry)} for entry in entries]
    return pa.Table.from_pylist(rows, schema=LANDING_ENTRY_SCHEMA)


def _unexpected(landing: Path) -> Iterator[LandingEntry]:
    """Folders and files that no feed will ever read: unknown names, folders without a date, files out of place."""
    contracts = load_contracts()
    known = {(contract.source, contract.feed) for contract in contracts.values()}
    for source in _entries(landing):
        if not source.is_dir():
            yield _stray(None, None, source, "it lies beside the folders of the sources")
            continue
        feeds = _entries(source)
        if not feeds and source.name not in {name for name, _ in known}:
            yield _stray(None, None, source, f"there is no source {printable(source.name)}")
        for feed in feeds:
            if (source.name, feed.name) not in known:
                name = printable(f"{source.name}.{feed.name}")
                yield _stray(source.name, None, feed, f"there is no contract {name}")
            elif not feed.is_dir():
                yield _stray(source.name, None, feed, "it is no folder")
            else:
                for entry in _entries(feed):
                    if delivery_date(entry) is None:
                        yield _stray(source.name, feed.name, entry, "it is not a folder named YYYY-MM-DD")


def _stray(source: str | None, feed: str | None, path: Path, why: str) -> LandingEntry:
    sentence = f"{why[0].upper()}{why[1:]}; it is not read."
    parts = [None if part is None else printable(part) for part in (source, feed)]
    return LandingEntry(parts[0], parts[1], None, printable(path.name), EntryState.UNEXPECTED, sentence)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if is_delivered(path.name))
    except (PermissionError, FileNotFoundError):
        return []


def _of_folders(landing: Path, contract: Contract, as_of: date, today: date) -> Iterator[LandingEntry]:
    """Folders of a feed that are empty or dated after today, and controls in them that speak of no file."""
    for business_date, folder in delivery_folders(landing, contract):
        names = _names(folder)
        if business_date > max(as_of, today):
            message = "Its date lies in the future, and its night will read it; correct the date if it is wrong."
            yield _entry(contract, business_date, "", EntryState.FUTURE_FOLDER, message)
        elif business_date <= as_of and names == []:
            message = "The folder is empty; deliver its files, or remove it."
            yield _entry(contract, business_date, "", EntryState.EMPTY_FOLDER, message)
        elif business_date <= as_of and names:
            _, astray = controls_beside(folder, names)
            for name, message in astray.items():
                yield _entry(contract, business_date, name, EntryState.CONTROL_WITHOUT_DATA, message)


def _of_delivery(delivery: Delivery, receipt: Receipt | None) -> tuple[EntryState, str] | None:
    is_same = receipt is not None and (receipt.size_bytes, receipt.modified_ns) == (
        delivery.size_bytes,
        delivery.modified_ns,
    )
    if receipt is not None and is_same:
        if not delivery.controls or receipt.controls or receipt.status is Status.REFUSED:
            return None
        control, _ = settled_control(delivery)
        sentence = _against(control, receipt) if control else None
        return (EntryState.CONTROL_DISAGREES, sentence) if sentence else None
    _, waits = settled_control(delivery)
    if waits:
        return EntryState.WAITING, waits
    if receipt is not None:
        return None
    if delivery.mapping.tables:
        return EntryState.WAITING, "It waits for a table that it is joined with, which waits or was refused."
    return EntryState.WAITING, "It came while the night was at work; the next run takes it in."


def _against(control: Control, receipt: Receipt) -> str | None:
    """What a control that came after its file was taken in says against the receipt; sums are not looked at again."""
    for file in control.files:
        if file.sha256 is not None and file.sha256 != receipt.sha256:
            said, found = f"SHA-256 {file.sha256}", f"has {receipt.sha256}"
        elif file.rows is not None and file.rows != receipt.delivered_rows and receipt.status is not Status.JOINED:
            said, found = f"{file.rows:,} rows", f"has {receipt.delivered_rows:,}"
        else:
            continue
        return (
            f"{file.name} came after the file was taken in and says {said}, but the file {found}; "
            "deliver the corrected file under the same name."
        )
    return None


def _names(folder: Path) -> list[str] | None:
    """Names that count in a delivery folder; None where it cannot be opened."""
    try:
        return sorted(name for name in os.listdir(folder) if is_delivered(name))
    except (PermissionError, FileNotFoundError):
        return None


def _entry(contract: Contract, business_date: date, name: str, state: EntryState, message: str) -> LandingEntry:
    entry = printable(f"{business_date}/{name}".rstrip("/"))
    return LandingEntry(contract.source, contract.feed, business_date, entry, state, message)
