"""Delivery plans: put the files of a folder into the landing zone, each under its feed with its mapping.

A plan is ``<name>/_plan.yaml`` in a folder of mappings: a list ``deliveries`` of feed, files (glob in the source
folder), mapping, text and history, the last three as in ``_delivery.yaml``. The tables that a mapping joins are
delivered with its files.
An entry may be ``optional``, or apply only ``unless`` there is a file of another glob, which holds the same rows. A
plan may instead be ``like`` another one, for files that have another form of ``text``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import yaml
from pydantic import model_validator

from sources.contract import load_contracts
from sources.instructions import DELIVERY_FILE, DeliveryEntry
from sources.mapping import TextForm
from sources.mapping_files import MAPPING_FOLDERS, load_mapping
from sources.yaml_model import MappingError, YamlModel, fault, nearest, parse_model, read_yaml

_PLAN_NAME = re.compile(r"[a-z0-9_]+")


class _PlanEntry(DeliveryEntry):
    feed: str
    optional: bool = False
    unless: tuple[str, ...] = ()


class _Plan(YamlModel):
    deliveries: tuple[_PlanEntry, ...] = ()
    like: str | None = None
    text: TextForm = TextForm()

    @model_validator(mode="after")
    def _delivers(self) -> _Plan:
        if bool(self.deliveries) == (self.like is not None):
            raise fault("give either the deliveries or the plan that this one is like")
        return self


def deliver(
    plan_name: str,
    source_dir: Path,
    landing: Path,
    delivery_date: date,
    mapping_folders: Sequence[Path] = MAPPING_FOLDERS,
) -> list[Path]:
    """Link (or copy) the plan's files into ``landing`` under ``delivery_date``; return the delivered files.

    MappingError when the plan is wrong; FileNotFoundError when a file that it needs is not there.
    """
    plan = _read_plan(plan_name, mapping_folders)
    found: dict[str, list[tuple[_PlanEntry, list[Path]]]] = {}
    for entry in plan.deliveries:
        if any(_files(source_dir, other) for other in entry.unless):
            continue
        if files := _files(source_dir, entry.files):
            found.setdefault(entry.feed, []).append(
                (entry, [*files, *_joined(source_dir, entry, plan_name, mapping_folders)])
            )
        elif not entry.optional:
            raise _absent(source_dir, entry.files, plan_name)
    if not found:
        raise _absent(source_dir, " or ".join(dict.fromkeys(entry.files for entry in plan.deliveries)), plan_name)
    delivered = []
    for feed, entries in found.items():
        folder = landing.joinpath(*feed.split("."), delivery_date.isoformat())
        folder.mkdir(parents=True, exist_ok=True)
        keys = {"files", "mapping", "text", "history"}
        rules = [entry.model_dump(include=keys, exclude_defaults=True) for entry, _ in entries]
        _write(folder / DELIVERY_FILE, yaml.safe_dump({"deliveries": rules}, sort_keys=False, allow_unicode=True))
        delivered += [_place(path, folder / path.name) for path in {p: None for _, files in entries for p in files}]
    return delivered


def _files(source_dir: Path, pattern: str) -> list[Path]:
    return sorted(path for path in source_dir.glob(pattern) if path.is_file())


def _joined(source_dir: Path, entry: _PlanEntry, plan_name: str, folders: Sequence[Path]) -> list[Path]:
    """Files of the tables that the entry's mapping joins."""
    files: list[Path] = []
    for table in load_mapping(entry.mapping, folders).tables.values() if entry.mapping else ():
        own = _files(source_dir, table.files)
        if not own and not table.optional:
            raise _absent(source_dir, table.files, plan_name)
        files += own
    return files


def _absent(source_dir: Path, pattern: str, plan_name: str) -> FileNotFoundError:
    return FileNotFoundError(
        f"{source_dir}: no file {pattern} as plan {plan_name} needs it; name the folder that holds it."
    )


def _read_plan(name: str, folders: Sequence[Path]) -> _Plan:
    paths = [folder / name / "_plan.yaml" for folder in folders] if _PLAN_NAME.fullmatch(name) else []
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        known = {plan.parent.name for folder in folders for plan in folder.glob("*/_plan.yaml")}
        raise MappingError(f"there is no delivery plan {name!r}{nearest(name, known)}.")
    document = read_yaml(path, f"plan {name}")
    plan = parse_model(_Plan, document)
    for number, entry in enumerate(plan.deliveries):
        place = ("deliveries", number)
        if entry.feed not in load_contracts():
            near = nearest(entry.feed, load_contracts())
            raise document.fault(f"there is no contract {entry.feed!r}{near}", *place, "feed")
        if entry.mapping is not None and load_mapping(entry.mapping, folders).feed != entry.feed:
            raise document.fault(f"mapping {entry.mapping} is not for {entry.feed}", *place, "mapping")
    if plan.like is None:
        return plan
    model = _read_plan(plan.like, folders)
    if model.like is not None:
        raise document.fault(f"plan {plan.like} is itself like {model.like}; name that one", "like")
    entries = (entry.model_copy(update={"text": plan.text}) for entry in model.deliveries)
    return plan.model_copy(update={"deliveries": tuple(entries)})


def _place(source: Path, target: Path) -> Path:
    temporary = target.with_name(f"{target.name}.part")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)
    return target


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
