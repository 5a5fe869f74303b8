"""A landing zone and a lake in a temporary folder, for the tests of ingest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from sources.engine import quick_connection
from sources.ingest import ingest_feed, initialise
from sources.lake import Lake
from sources.mapping_files import MAPPING_FOLDER
from sources.receipt import Receipt

DAY = date(2026, 3, 2)
CLOCK = datetime(2026, 3, 3, 2, 0)  # noqa: DTZ001  (the lake's clock is naive UTC)

RATE_HEADER = "base_currency,quote_currency,rate_date,rate"


@dataclass(frozen=True)
class Zone:
    """``landing``, ``lake`` and the home's own ``mappings`` below one root."""

    root: Path

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake")

    @property
    def mapping_folders(self) -> tuple[Path, ...]:
        return (self.root / "mappings", MAPPING_FOLDER)

    def map(self, name: str, mapping: str | dict[str, Any]) -> None:
        """Write a mapping of the home's own."""
        path = self.root / "mappings" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(mapping if isinstance(mapping, str) else yaml.safe_dump(mapping, allow_unicode=True))

    def deliver(self, feed: str, name: str, content: bytes | str, day: date = DAY) -> Path:
        folder = self.landing.joinpath(*feed.split("."), day.isoformat())
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def ingest(
        self, feed: str, as_of: date = DAY, last_night: date | None = None, clock: datetime = CLOCK
    ) -> list[Receipt]:
        return ingest_feed(
            feed, self.landing, self.lake, as_of, last_night, mapping_folders=self.mapping_folders, loaded_at=clock
        )

    def rows(self, dataset: str, columns: str = "*", order: str = "file_id, row_no") -> list[tuple[object, ...]]:
        scan = f"read_parquet('{self.lake.glob(dataset)}', union_by_name=true, hive_partitioning=false)"
        with quick_connection() as connection:
            return connection.execute(f"select {columns} from {scan} order by {order}").fetchall()

    def refused(self, columns: str = "row_no, rule") -> list[tuple[object, ...]]:
        return self.rows("quarantine", columns)


def new_zone(root: Path) -> Zone:
    """A zone with an initialised lake, copied from a template: syncing 26 files to disk takes longer than a test."""
    zone = Zone(root)
    shutil.copytree(_template().name, zone.lake.root)
    return zone


@cache
def _template() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    initialise(Lake(Path(folder.name)))
    return folder


def csv(header: str, *records: str) -> str:
    return "\n".join([header, *records]) + "\n"


def counts(receipt: Receipt) -> Mapping[str, int]:
    return {
        "delivered": receipt.delivered_rows,
        "loaded": receipt.loaded_rows,
        "quarantined": receipt.quarantined_rows,
        "duplicate": receipt.duplicate_rows,
    }
