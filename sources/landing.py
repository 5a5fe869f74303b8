"""The landing zone: files as delivered, ``landing/<source>/<feed>/<delivery date>/<file>``.

Beside the files may stand ``_delivery.yaml``, which names their mapping and whether they are a one-off delivery of
history; without it files use the contract's own columns. It is one entry, or a list under ``deliveries``::

    mapping: demo_tax_vat_invoice
    history: true
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field

from sources.contract import Contract, load_contracts
from sources.mapping import History, Mapping, TextForm, identity_mapping
from sources.mapping_files import MAPPING_FOLDERS, load_mapping
from sources.yaml_model import MappingError, Place, YamlDocument, YamlModel, nearest, parse_model, read_yaml

DELIVERY_FILE = "_delivery.yaml"
_HASH_BLOCK_BYTES = 1 << 20


class DeliveryEntry(YamlModel):
    """How the files of a delivery folder that match ``files`` are to be read.

    ``text`` says how the deliverer writes text and numbers where that differs from the mapping. ``history: true`` takes
    event date and lag from the mapping's ``history`` or else from the contract.
    """

    files: str = "*"
    mapping: str | None = None
    text: TextForm = TextForm()
    history: bool | History = False


class _DeliveryFile(YamlModel):
    deliveries: tuple[DeliveryEntry, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Delivery:
    """One delivered file.

    ``problem`` is a sentence when the file must be refused without being opened. ``joined_as`` names the table as which
    other files of its folder read it; it has no rows of its own then.
    """

    path: Path
    business_date: date
    mapping: Mapping
    history: History | None
    size_bytes: int
    modified_ns: int
    problem: str | None = None
    joined_as: str | None = None

    @property
    def file(self) -> str:
        """Name of the file in its delivery folder."""
        return self.path.name


def is_data_file(name: str) -> bool:
    """Whether a name in a delivery folder is data: not hidden, not ours (``_``), not still being written."""
    return not name.startswith(("_", ".")) and not name.endswith((".part", ".tmp"))


def scan_landing(
    landing: Path,
    contract: Contract,
    as_of: date,
    max_file_bytes: int,
    mapping_folders: Sequence[Path] = MAPPING_FOLDERS,
) -> Iterator[Delivery]:
    """Deliveries of one feed with delivery date up to ``as_of``, in order of date and file name.

    A ``_delivery.yaml`` that cannot be used is itself yielded, with its problem, in place of the files beside it: they
    stay undelivered until it is corrected.
    """
    feed_folder = landing / contract.source / contract.feed
    if not feed_folder.is_dir():
        return
    root = landing.resolve()
    for folder in sorted(feed_folder.iterdir()):
        business_date = _delivery_date(folder)
        if business_date is None or business_date > as_of:
            continue
        try:
            entries = _read_entries(folder, contract, mapping_folders)
        except MappingError as error:
            sentence = f"The files beside it were left alone: {error}"
            path = folder / DELIVERY_FILE
            yield _delivery(path, root, business_date, identity_mapping(contract), None, max_file_bytes, sentence)
            continue
        for path in sorted(folder.iterdir()):
            if is_data_file(path.name):
                mapping, history = _entry_for(path.name, entries, contract)
                delivery = _delivery(path, root, business_date, mapping, history, max_file_bytes, None)
                yield replace(delivery, joined_as=_joined_as(path.name, entries))


def unexpected_entries(landing: Path) -> list[str]:
    """Sentences on folders of the landing zone that no feed will ever read: unknown names, folders without a date."""
    contracts = load_contracts()
    problems = []
    for path in sorted(landing.glob("*/*")):
        name = f"{path.parent.name}.{path.name}"
        if not is_data_file(path.name) or not is_data_file(path.parent.name):
            continue
        if name not in contracts:
            problems.append(f"landing/{path.parent.name}/{path.name}: there is no contract {name}; it is not read.")
        elif path.is_dir():
            problems += [
                f"landing/{path.parent.name}/{path.name}/{entry.name}: not a folder named YYYY-MM-DD; it is not read."
                for entry in sorted(path.iterdir())
                if is_data_file(entry.name) and _delivery_date(entry) is None
            ]
    return problems


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _delivery_date(folder: Path) -> date | None:
    if len(folder.name) != len("YYYY-MM-DD") or not folder.is_dir():
        return None
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        return None


def _read_entries(
    folder: Path, contract: Contract, mapping_folders: Sequence[Path]
) -> list[tuple[str, Mapping, History | None]]:
    path = folder / DELIVERY_FILE
    if not path.exists():
        return []
    document = read_yaml(path, f"delivery of {folder.name}")
    placed: list[tuple[DeliveryEntry, Place]]
    if isinstance(document.content, dict) and "deliveries" not in document.content:
        placed = [(parse_model(DeliveryEntry, document), ())]
    else:
        deliveries = parse_model(_DeliveryFile, document).deliveries
        placed = [(entry, ("deliveries", number)) for number, entry in enumerate(deliveries)]
    entries = []
    for entry, here in placed:
        mapping = load_mapping(entry.mapping, mapping_folders) if entry.mapping else identity_mapping(contract)
        if mapping.feed != contract.name:
            raise document.fault(f"{mapping.name} is for {mapping.feed}, not for {contract.name}", *here, "mapping")
        try:
            mapping = mapping.written(entry.text)
        except ValueError as error:
            raise document.fault(str(error), *here, "text") from error
        entries.append((entry.files, mapping, _history(entry.history, mapping, contract, document, here)))
    return entries


def _history(
    declared: bool | History,
    mapping: Mapping,
    contract: Contract,
    document: YamlDocument,
    place: Place,
) -> History | None:
    if isinstance(declared, History):
        if declared.known_from not in contract.column_names:
            near = nearest(declared.known_from, contract.column_names)
            raise document.fault(f"{contract.name} has no such column{near}", *place, "history", "known_from")
        return declared
    if mapping.history is not None:
        return mapping.history
    return History(known_from=contract.event_date, lag_days=contract.history_lag_days) if declared else None


def _entry_for(
    name: str, entries: list[tuple[str, Mapping, History | None]], contract: Contract
) -> tuple[Mapping, History | None]:
    for pattern, mapping, history in entries:
        if fnmatchcase(name, pattern) and fnmatchcase(name, mapping.files):
            return mapping, history
    return identity_mapping(contract), None


def _joined_as(name: str, entries: list[tuple[str, Mapping, History | None]]) -> str | None:
    """The table as which other files read this one; None for a file of rows, to which a table may be joined as well."""
    if any(mapping.files != "*" and fnmatchcase(name, mapping.files) for _, mapping, _ in entries):
        return None
    for _, mapping, _ in entries:
        for table, joined in mapping.tables.items():
            if fnmatchcase(name, joined.files):
                return f"{table} of mapping {mapping.name}"
    return None


def _delivery(
    path: Path,
    root: Path,
    business_date: date,
    mapping: Mapping,
    history: History | None,
    max_file_bytes: int,
    problem: str | None,
) -> Delivery:
    size, modified = 0, 0
    if not path.resolve().is_relative_to(root):
        problem = "It is a link that leads out of the landing zone; deliver the file itself."
    elif not path.is_file():
        problem = problem or "It is not a regular file; deliver files, not folders."
    else:
        status = path.stat()
        size, modified = status.st_size, status.st_mtime_ns
        if size > max_file_bytes:
            problem = f"It has {size:,} bytes, the limit is {max_file_bytes:,}; split it."
    return Delivery(path, business_date, mapping, history, size, modified, problem)


@dataclass(frozen=True)
class NewestDelivery:
    """The latest delivery date in the landing zone and the number of data files in its folders."""

    date: date
    files: int


def newest_delivery(landing: Path) -> NewestDelivery | None:
    """The newest delivery of any feed; None when nothing was delivered."""
    dated = [
        (business_date, folder)
        for contract in load_contracts().values()
        for folder in (landing / contract.source / contract.feed).glob("*")
        if (business_date := _delivery_date(folder)) is not None
        and any(is_data_file(path.name) for path in folder.iterdir())
    ]
    if not dated:
        return None
    newest = max(business_date for business_date, _ in dated)
    files = sum(
        is_data_file(path.name)
        for business_date, folder in dated
        if business_date == newest
        for path in folder.iterdir()
    )
    return NewestDelivery(newest, files)
