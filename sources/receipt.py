"""Receipts: one row in the lake for every delivered file, written last. A file without a receipt was not ingested."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from sources.lake import Lake
from sources.receipt_copy import receipt_rows

RECEIPTS = "receipts"

DeliveredTypes = tuple[tuple[str, str], ...]
"""Delivered columns with the types that their format gives them."""


class Status(StrEnum):
    """What became of a file: loaded (rows may stand in quarantine), delivered before, read as a table that others in
    its folder are joined with, or refused whole.
    """

    LOADED = "LOADED"
    REPEATED_FILE = "REPEATED_FILE"
    JOINED = "JOINED"
    REFUSED = "REFUSED"


RECEIPT_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("feed", pa.string()),
        ("business_date", pa.date32()),
        ("batch_date", pa.date32()),
        ("file", pa.string()),
        ("file_id", pa.string()),
        ("sha256", pa.string()),
        ("size_bytes", pa.int64()),
        ("modified_ns", pa.int64()),
        ("reader", pa.string()),
        ("mapping", pa.string()),
        ("is_history", pa.bool_()),
        ("status", pa.string()),
        ("message", pa.string()),
        ("delivered_rows", pa.int64()),
        ("loaded_rows", pa.int64()),
        ("quarantined_rows", pa.int64()),
        ("duplicate_rows", pa.int64()),
        ("min_known_date", pa.date32()),
        ("min_event_date", pa.date32()),
        ("max_event_date", pa.date32()),
        ("delivered_columns", pa.map_(pa.string(), pa.string())),
        ("loaded_at", pa.timestamp("us")),
        ("restates_file_id", pa.string()),
        ("absent_rows", pa.int64()),
        ("withdrawn_rows", pa.int64()),
        ("controls", pa.string()),
        ("control_sha256", pa.string()),
    ]
)


@dataclass(frozen=True)
class Receipt:
    """What became of one delivered file.

    ``delivered_rows = loaded_rows + quarantined_rows + duplicate_rows`` holds for every receipt. ``message`` is a
    sentence when there is something to say. ``modified_ns`` and ``size_bytes`` are the file's state when it was read.
    Event dates span the loaded and withdrawn rows; None where there is none or none has a date. ``delivered_columns``
    are those that the mapping reads, for the deliverer's next file to be compared with; None where the format decides
    them.

    ``restates_file_id`` is the file that lay under the same folder and name before. ``absent_rows`` are rows which that
    one brought and which this one no longer has, ``withdrawn_rows`` those among them that it ended; None where it
    restates nothing. ``controls`` names the control files that it was held against, ``control_sha256`` is over their
    bytes. Receipts written before these columns have None in them.
    """

    source: str
    feed: str
    business_date: date
    batch_date: date
    file: str
    file_id: str
    sha256: str
    size_bytes: int
    modified_ns: int
    reader: str | None
    mapping: str | None
    is_history: bool
    status: Status
    message: str | None
    delivered_rows: int
    loaded_rows: int
    quarantined_rows: int
    duplicate_rows: int
    min_known_date: date | None
    min_event_date: date | None
    max_event_date: date | None
    delivered_columns: DeliveredTypes | None
    loaded_at: datetime
    restates_file_id: str | None = None
    absent_rows: int | None = None
    withdrawn_rows: int | None = None
    controls: str | None = None
    control_sha256: str | None = None

    @property
    def wrote_rows(self) -> bool:
        """Whether the raw lake has a file of it."""
        return bool(self.loaded_rows or self.withdrawn_rows)

    def __post_init__(self) -> None:
        accounted = self.loaded_rows + self.quarantined_rows + self.duplicate_rows
        if self.delivered_rows != accounted:
            where = f"{self.source}.{self.feed} {self.file}"
            raise AssertionError(f"{where}: {self.delivered_rows} rows delivered but {accounted} accounted for.")


def receipt_table(receipts: Iterable[Receipt]) -> pa.Table:
    """Receipts as an Arrow table of RECEIPT_SCHEMA."""
    return pa.Table.from_pylist([asdict(receipt) for receipt in receipts], schema=RECEIPT_SCHEMA)


def write_receipts(lake: Lake, receipts: Iterable[Receipt]) -> None:
    """Write the receipts of files whose rows are safely in the lake; from then on the files count as ingested."""
    lake.write_many({_path(lake, receipt): receipt_table([receipt]) for receipt in receipts})


def newest_receipts(receipts: Iterable[Receipt]) -> dict[tuple[date, str], Receipt]:
    """The receipt that stands for each folder and name: the last one where a file was replaced or refused before."""
    receipts = list(receipts)
    replaced = {receipt.restates_file_id for receipt in receipts}
    standing = [receipt for receipt in receipts if receipt.file_id not in replaced]
    standing.sort(key=lambda receipt: (receipt.batch_date, receipt.loaded_at, receipt.file_id))
    return {(receipt.business_date, receipt.file): receipt for receipt in standing}


def _path(lake: Lake, receipt: Receipt) -> Path:
    name = f"{receipt.source}.{receipt.feed}.{receipt.file_id}"
    return lake.file(RECEIPTS, f"batch_date={receipt.batch_date}", name)


def read_receipts(lake: Lake, feed: str) -> list[Receipt]:
    """All receipts of a feed (``source.feed``), in order of batch date and file id."""
    receipts = map(_receipt, receipt_rows(lake, RECEIPTS, feed, RECEIPT_SCHEMA).to_pylist())
    return sorted(receipts, key=lambda receipt: (receipt.batch_date, receipt.file_id))


def receipts_by_feed(lake: Lake) -> dict[str, list[Receipt]]:
    """All receipts of every feed that has any, each in order of batch date and file id."""
    names = {path.name for path in lake.dataset(RECEIPTS).glob("batch_date=*/*.parquet")}
    return {feed: read_receipts(lake, feed) for feed in sorted({".".join(name.split(".")[:2]) for name in names})}


def _receipt(row: dict[str, Any]) -> Receipt:
    delivered = row["delivered_columns"]
    return Receipt(
        **{
            **row,
            "status": Status(row["status"]),
            "delivered_columns": None if delivered is None else tuple(map(tuple, delivered)),
        }
    )
