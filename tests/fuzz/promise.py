"""What ingest promises for files of any content, checked for a whole delivery of them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pyarrow.parquet as pq

from sources.receipt import Receipt
from tests.sources.landing_zone import Zone

_BREAKS = ("Cc", "Zl", "Zp")


def broken_promises(zone: Zone, feed: str, files: Mapping[str, bytes], receipts: Sequence[Receipt]) -> dict[str, str]:
    """Files of which a promise was broken, and which one.

    Every file has one receipt. Delivered are the loaded, quarantined and duplicate rows, and as many rows stand in the
    lake and in quarantine. A refused file has one row in quarantine, which says the same as its receipt. Everything
    that is said ends and is one line that can be printed.
    """
    raw, quarantined = _places(zone, feed)
    found: dict[str, str] = {}
    for name in files:
        mine = [receipt for receipt in receipts if receipt.file == name]
        if len(mine) != 1:
            found[name] = f"{len(mine)} receipts"
            continue
        (receipt,) = mine
        messages = quarantined.get(receipt.file_id, [])
        if receipt.delivered_rows != receipt.loaded_rows + receipt.quarantined_rows + receipt.duplicate_rows:
            found[name] = f"does not add up: {receipt}"
        elif receipt.status == "REFUSED" and (receipt.delivered_rows or messages != [receipt.message]):
            found[name] = f"refused with {receipt.message!r}, quarantine says {messages}"
        elif receipt.status != "REFUSED" and len(messages) != receipt.quarantined_rows:
            found[name] = f"{receipt.quarantined_rows} quarantined, {len(messages)} in quarantine"
        elif raw[receipt.file_id] != receipt.loaded_rows:
            found[name] = f"{receipt.loaded_rows} loaded, {raw[receipt.file_id]} in the lake"
        for said in {*messages, *([receipt.message] if receipt.message else [])}:
            if problem := _problem(said):
                found[name] = f"{problem}: {said!r}"
    return found


def _places(zone: Zone, feed: str) -> tuple[Counter[str], dict[str, list[str]]]:
    """Rows in the lake and sentences in quarantine of one feed, by file."""
    place = feed.replace(".", "/")
    raw = Counter(row["file_id"] for row in _rows(zone, f"raw/{place}", "file_id"))
    quarantined: dict[str, list[str]] = {}
    for row in _rows(zone, f"quarantine/{place}", "file_id", "message"):
        quarantined.setdefault(row["file_id"], []).append(row["message"])
    return raw, quarantined


def _rows(zone: Zone, dataset: str, *columns: str) -> Iterator[dict[str, str]]:
    for path in zone.lake.dataset(dataset).rglob("*.parquet"):
        yield from pq.ParquetFile(path).read(list(columns)).to_pylist()


def _problem(said: str) -> str | None:
    if not said.endswith("."):
        return "no sentence"
    if any(unicodedata.category(character) in _BREAKS for character in said):
        return "not one line"
    if said != said.strip() or len(said) > 2_000:
        return "not a sentence to read"
    return None
