"""Delivery plans: put the files of a folder into the landing zone, each under its feed with its mapping.

A plan is ``mappings/<name>/_plan.yaml``: a list ``deliveries`` of feed, files (glob in the source folder), mapping and
history, the last two as in ``_delivery.yaml``.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import date
from pathlib import Path

import yaml
from pydantic import Field

from sources.contract import load_contracts
from sources.landing import DELIVERY_FILE, DeliveryEntry
from sources.mapping import MAPPING_FOLDER, load_mapping
from sources.yaml_model import MappingError, YamlModel, parse_model, read_yaml

_PLAN_NAME = re.compile(r"^[a-z0-9_]+$")


class _PlanEntry(DeliveryEntry):
    feed: str


class _Plan(YamlModel):
    deliveries: tuple[_PlanEntry, ...] = Field(min_length=1)


def deliver(plan_name: str, source_dir: Path, landing: Path, delivery_date: date) -> list[Path]:
    """Link (or copy) the plan's files into ``landing`` under ``delivery_date``; return the delivered files.

    MappingError when the plan is wrong; FileNotFoundError when one of its globs matches no file.
    """
    plan = _read_plan(plan_name)
    found: dict[str, list[tuple[_PlanEntry, list[Path]]]] = {}
    for entry in plan.deliveries:
        files = sorted(path for path in source_dir.glob(entry.files) if path.is_file())
        if not files:
            raise FileNotFoundError(
                f"{source_dir}: no file {entry.files} as plan {plan_name} needs it; name the folder that holds it."
            )
        found.setdefault(entry.feed, []).append((entry, files))
    delivered = []
    for feed, entries in found.items():
        folder = landing.joinpath(*feed.split("."), delivery_date.isoformat())
        folder.mkdir(parents=True, exist_ok=True)
        rules = [entry.model_dump(include={"files", "mapping", "history"}) for entry, _ in entries]
        _write(folder / DELIVERY_FILE, yaml.safe_dump({"deliveries": rules}, sort_keys=False, allow_unicode=True))
        delivered += [_place(path, folder / path.name) for _, files in entries for path in files]
    return delivered


def _read_plan(name: str) -> _Plan:
    path = MAPPING_FOLDER / name / "_plan.yaml"
    if not _PLAN_NAME.match(name) or not path.is_file():
        known = ", ".join(sorted(plan.parent.name for plan in MAPPING_FOLDER.glob("*/_plan.yaml")))
        raise MappingError(f"there is no delivery plan {name!r}; the plans are: {known}.")
    plan = parse_model(_Plan, read_yaml(path), f"plan {name}")
    for entry in plan.deliveries:
        if entry.feed not in load_contracts():
            raise MappingError(f"plan {name}: there is no contract {entry.feed!r}; correct the feed.")
        if entry.mapping is not None and load_mapping(entry.mapping).feed != entry.feed:
            raise MappingError(f"plan {name}: mapping {entry.mapping} is not for {entry.feed}; correct it.")
    return plan


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
