"""What ``_delivery.yaml`` says of the files beside it: mapping, history, control, and what a corrected file replaces.

One file in the feed's own folder, ``landing/<source>/<feed>/_delivery.yaml``, holds for the delivery folders that have
none. It is one entry, or a list under ``deliveries``; the first entry that matches a file's name counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import Field

from sources.contract import Contract
from sources.mapping import History, Mapping, TextForm, identity_mapping
from sources.mapping_files import MAPPING_FOLDERS, load_mapping
from sources.yaml_model import MappingError, Place, YamlDocument, YamlModel, nearest, parse_model, read_yaml

DELIVERY_FILE = "_delivery.yaml"


class DeliveryEntry(YamlModel):
    """How the files of a delivery folder that match ``files`` are to be read.

    ``text`` says how the deliverer writes text and numbers where that differs from the mapping. ``history: true`` takes
    event date and lag from the mapping's ``history`` or else from the contract.
    ``control: required`` lets a file wait until its control file is there. ``restatement: partial`` says that a file
    which replaces an earlier one of its name brings changed rows alone, so that absent ones stand.
    """

    files: str = "*"
    mapping: str | None = None
    text: TextForm = TextForm()
    history: bool | History = False
    control: Literal["optional", "required"] = "optional"
    restatement: Literal["whole", "partial"] = "whole"


class _DeliveryFile(YamlModel):
    deliveries: tuple[DeliveryEntry, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Instruction:
    """A `DeliveryEntry` with its mapping loaded and its history settled."""

    files: str
    mapping: Mapping
    history: History | None = None
    needs_control: bool = False
    restates_whole: bool = True

    def is_for(self, name: str) -> bool:
        """Whether a file of this name is to be read so."""
        return fnmatchcase(name, self.files) and fnmatchcase(name, self.mapping.files)


def delivery_file_of(folder: Path) -> Path | None:
    """The ``_delivery.yaml`` that holds for a delivery folder: its own or the feed's; None where there is neither."""
    places = (folder / DELIVERY_FILE, folder.parent / DELIVERY_FILE)
    return next((path for path in places if path.is_symlink() or path.exists()), None)


def read_instructions(
    path: Path, root: Path, contract: Contract, mapping_folders: Sequence[Path] = MAPPING_FOLDERS
) -> list[Instruction]:
    """Instructions of a ``_delivery.yaml``; MappingError when it is not usable or lies outside the folder ``root``."""
    title = f"delivery of {path.parent.name}"
    if not path.resolve().is_relative_to(root) or not path.is_file():
        raise MappingError(f"{title}: {DELIVERY_FILE} is no regular file of the landing zone; deliver the file itself.")
    document = read_yaml(path, title)
    placed: list[tuple[DeliveryEntry, Place]]
    if isinstance(document.content, dict) and "deliveries" not in document.content:
        placed = [(parse_model(DeliveryEntry, document), ())]
    else:
        deliveries = parse_model(_DeliveryFile, document).deliveries
        placed = [(entry, ("deliveries", number)) for number, entry in enumerate(deliveries)]
    instructions = []
    for entry, here in placed:
        mapping = load_mapping(entry.mapping, mapping_folders) if entry.mapping else identity_mapping(contract)
        if mapping.feed != contract.name:
            raise document.fault(f"{mapping.name} is for {mapping.feed}, not for {contract.name}", *here, "mapping")
        try:
            mapping = mapping.written(entry.text)
        except ValueError as error:
            raise document.fault(str(error), *here, "text") from error
        instructions.append(
            Instruction(
                entry.files,
                mapping,
                _history(entry.history, mapping, contract, document, here),
                needs_control=entry.control == "required",
                restates_whole=entry.restatement == "whole",
            )
        )
    return instructions


def instruction_for(name: str, instructions: Sequence[Instruction], contract: Contract) -> Instruction:
    """The first instruction for a file of this name; without one its header is the contract's."""
    found = next((instruction for instruction in instructions if instruction.is_for(name)), None)
    return found or Instruction("*", identity_mapping(contract))


def joined_as(name: str, instructions: Sequence[Instruction]) -> tuple[str, Instruction] | None:
    """As which table other files read one of this name, and their instruction.

    None for a file of rows, to which a table may be joined as well.
    """
    if any(own.mapping.files != "*" and fnmatchcase(name, own.mapping.files) for own in instructions):
        return None
    for instruction in instructions:
        for table, joined in instruction.mapping.tables.items():
            if fnmatchcase(name, joined.files):
                return f"{table} of mapping {instruction.mapping.name}", instruction
    return None


def _history(
    declared: bool | History, mapping: Mapping, contract: Contract, document: YamlDocument, place: Place
) -> History | None:
    if isinstance(declared, History):
        if declared.known_from not in contract.column_names:
            near = nearest(declared.known_from, contract.column_names)
            raise document.fault(f"{contract.name} has no such column{near}", *place, "history", "known_from")
        return declared
    if mapping.history is not None:
        return mapping.history
    return History(known_from=contract.event_date, lag_days=contract.history_lag_days) if declared else None
