"""The landing zone: files as delivered, ``landing/<source>/<feed>/<delivery date>/<file>``.

Beside the files may stand ``_delivery.yaml`` (`sources.instructions`) and control files (`sources.control`). A scan
opens no data file for more than to see that it can be opened.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sources.contract import Contract, load_contracts
from sources.control import Control, ControlUnusable, control_targets, is_control, is_list, listed_files, read_control
from sources.instructions import (
    DELIVERY_FILE,
    Instruction,
    delivery_file_of,
    instruction_for,
    joined_as,
    read_instructions,
)
from sources.mapping import History, Mapping, identity_mapping
from sources.mapping_files import MAPPING_FOLDERS
from sources.yaml_model import MappingError

_HASH_BLOCK_BYTES = 1 << 20
# Line breaks and signs that turn writing around could make one file look like another, or like a line of a log.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_NO_RIGHT = (
    "It cannot be opened: whoever runs the night has no right to read it; give it, and the next run takes it in."
)


@dataclass(frozen=True)
class Delivery:
    """One delivered file.

    ``problem`` is a sentence when the file must be refused without being opened, ``waits`` one when it must not be
    touched yet: it has then no receipt and is looked at anew by the next run. ``joined_as`` names the table as which
    other files of its folder read it; it has no rows of its own then. ``controls`` are the control files that speak of
    it. ``restates_whole`` says that rows absent from it are withdrawn where it replaces an earlier file of its name.
    """

    path: Path
    business_date: date
    mapping: Mapping
    history: History | None
    size_bytes: int
    modified_ns: int
    problem: str | None = None
    joined_as: str | None = None
    waits: str | None = None
    controls: tuple[Path, ...] = ()
    needs_control: bool = False
    restates_whole: bool = True

    @property
    def file(self) -> str:
        """Name of the file in its delivery folder, with what cannot be printed written as escapes."""
        return printable(self.path.name)


def printable(name: str) -> str:
    """A file name as it can be shown and stored: control characters and bytes that are no UTF-8 become escapes."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


def is_delivered(name: str) -> bool:
    """Whether a name in a delivery folder counts: not hidden, not ours (``_``), not still being written."""
    return not name.startswith(("_", ".")) and not name.endswith((".part", ".tmp"))


def is_data_file(name: str) -> bool:
    """Whether a name in a delivery folder is data, and no control of data."""
    return is_delivered(name) and not is_control(name)


def scan_landing(
    landing: Path,
    contract: Contract,
    as_of: date,
    max_file_bytes: int,
    mapping_folders: Sequence[Path] = MAPPING_FOLDERS,
) -> Iterator[Delivery]:
    """Deliveries of one feed with delivery date up to ``as_of``, in order of date and file name.

    A ``_delivery.yaml`` that cannot be used is itself yielded, with its problem, before the files beside it: they wait
    until it is corrected. A folder that cannot be opened is yielded as one delivery that waits.
    """
    root = landing.resolve()
    for business_date, folder in delivery_folders(landing, contract):
        if business_date > as_of:
            continue
        shape = _Shape(contract, root, business_date, max_file_bytes)
        try:
            names = sorted(name for name in os.listdir(folder) if is_delivered(name))
        except PermissionError:
            yield replace(shape.delivery(folder, _plain_instruction(contract)), problem=None, waits=_NO_RIGHT)
            continue
        written = delivery_file_of(folder)
        try:
            instructions = read_instructions(written, root, contract, mapping_folders) if written else []
        except MappingError as error:
            sentence = f"The files beside it were left alone: {error}"
            plain = _plain_instruction(contract)
            yield replace(shape.delivery(written or folder, plain), problem=sentence)
            for name in filter(is_data_file, names):
                waits = f"It waits for a {DELIVERY_FILE} that can be used; correct it."
                yield replace(shape.delivery(folder / name, plain), problem=None, waits=waits)
            continue
        yield from _deliveries(folder, names, instructions, shape)


def settled_control(delivery: Delivery) -> tuple[Control | None, str | None]:
    """The delivery's control, and the sentence why it waits; not both."""
    if delivery.waits or delivery.problem:
        return None, delivery.waits
    control = None
    if delivery.controls:
        try:
            control = read_control(delivery.controls, delivery.path.name)
        except ControlUnusable as error:
            return None, f"It waits, for its control cannot be used: {error}"
    if delivery.needs_control and (control is None or not control.vouches):
        got = f" {' '.join(control.notes)}" if control else ""
        return (
            None,
            f"It waits for its control file, as {DELIVERY_FILE} requires (such as {delivery.file}.sha256).{got}",
        )
    return control, None


def delivery_folders(landing: Path, contract: Contract) -> list[tuple[date, Path]]:
    """Dated folders of a feed in order; none where the feed has no folder."""
    feed_folder = landing / contract.source / contract.feed
    if not feed_folder.is_dir():
        return []
    dated = ((delivery_date(folder), folder) for folder in sorted(feed_folder.iterdir()))
    return [(business_date, folder) for business_date, folder in dated if business_date is not None]


def controls_beside(folder: Path, names: Collection[str]) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """Control files by the data file they speak of, and a sentence for each that cannot be told or has no file."""
    data = {name for name in names if not is_control(name)}
    found: dict[str, list[Path]] = {}
    astray: dict[str, str] = {}
    for name in sorted(set(names) - data):
        try:
            targets = sorted(listed_files(folder / name)) if is_list(name) else control_targets(name, data)
        except ControlUnusable as error:
            astray[name] = str(error)
            continue
        present = [target for target in targets if target in data]
        if not is_list(name) and len(present) > 1:
            astray[name] = f"It can belong to {' or '.join(present)}; name it after the whole name of its file."
        elif len(present) < len(targets) or not targets:
            absent = ", ".join(target for target in targets if target not in data) or "Its data file"
            astray[name] = f"{absent} is not beside it; deliver the file, or take the control back."
        for target in present:
            found.setdefault(target, []).append(folder / name)
    return found, astray


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def delivery_date(folder: Path) -> date | None:
    """The date that a folder is named after, YYYY-MM-DD; None for anything else."""
    try:
        named = date.fromisoformat(folder.name)
    except ValueError:
        return None
    return named if named.isoformat() == folder.name and folder.is_dir() else None


def _plain_instruction(contract: Contract) -> Instruction:
    return Instruction("*", identity_mapping(contract))


@dataclass(frozen=True)
class _Shape:
    """What the deliveries of one folder have in common."""

    contract: Contract
    root: Path
    business_date: date
    max_file_bytes: int

    def delivery(self, path: Path, instruction: Instruction) -> Delivery:
        """The file as a delivery, with the problem that its place, name, kind or size is.

        FileNotFoundError when it is gone.
        """
        size, modified, problem, waits = 0, 0, None, None
        # what was taken away since the folder was listed is an error that passes, and no delivery
        path.lstat()
        if any(unicodedata.category(c) in _UNPRINTABLE for c in path.name):
            problem = "Its name holds a line break, another control sign or bytes that are no UTF-8; rename it."
        elif not path.resolve().is_relative_to(self.root):
            problem = "It is a link that leads out of the landing zone; deliver the file itself."
        elif not path.is_file():
            problem = "It is not a regular file; deliver files, not folders."
        else:
            status = path.stat()
            size, modified = status.st_size, status.st_mtime_ns
            if size > self.max_file_bytes:
                problem = f"It has {size:,} bytes, the limit is {self.max_file_bytes:,}; split it."
            elif not _can_be_opened(path):
                waits = _NO_RIGHT
        mapping, history = instruction.mapping, instruction.history
        return Delivery(path, self.business_date, mapping, history, size, modified, problem, waits=waits)


def _deliveries(
    folder: Path, names: Sequence[str], instructions: Sequence[Instruction], shape: _Shape
) -> Iterator[Delivery]:
    controls, _ = controls_beside(folder, names)
    for name in names:
        if is_control(name):
            continue
        instruction = instruction_for(name, instructions, shape.contract)
        table, joining = joined_as(name, instructions) or (None, instruction)
        yield replace(
            shape.delivery(folder / name, instruction),
            joined_as=table,
            controls=tuple(controls.get(name, ())),
            needs_control=joining.needs_control,
            restates_whole=instruction.restates_whole,
        )


def _can_be_opened(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except PermissionError:
        return False
    return True


@dataclass(frozen=True)
class NewestDelivery:
    """The latest delivery date in the landing zone, the number of files in its folders, and when one last changed."""

    date: date
    files: int
    modified_ns: int


def newest_delivery(landing: Path, until: date) -> NewestDelivery | None:
    """The newest delivery of any feed in a folder dated up to ``until``; None when nothing was delivered.

    Control files count: the file that one was waited for can be taken in when it is there.
    """
    dated: dict[date, list[Path]] = {}
    for contract in load_contracts().values():
        for business_date, folder in delivery_folders(landing, contract):
            if business_date <= until:
                dated.setdefault(business_date, []).append(folder)
    for business_date in sorted(dated, reverse=True):
        files = [path for folder in dated[business_date] for path in _files(folder)]
        if any(is_data_file(path.name) for path in files):
            modified = max(path.lstat().st_mtime_ns for path in files)
            return NewestDelivery(business_date, len(files), modified)
    return None


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if is_delivered(path.name)]
    except PermissionError:
        return []
