"""Hostile files end in a sentence, record by record where they can, within a bound of memory and of time.

Those of one kind are delivered together, to be ingested in one process as a night does it: none may harm another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sources.receipt import Receipt
from tests.sources.alone import ingested_alone
from tests.sources.hostile.archives import ARCHIVES, BOMBS
from tests.sources.hostile.case import Hostile
from tests.sources.hostile.documents import LARGE_XML, STATEMENTS, XML
from tests.sources.hostile.lines import JSON_LINES
from tests.sources.hostile.pdfs import PDFS
from tests.sources.hostile.tables import TABLES
from tests.sources.hostile.texts import BAI2, DELIMITED, SWIFT
from tests.sources.hostile.workbooks import WORKBOOKS
from tests.sources.landing_zone import Zone, new_zone

MEMORY_MIB = 1024
PATIENCE_SECONDS = 300

KINDS = {
    "delimited": DELIMITED,
    "json-lines": JSON_LINES,
    "mt940": SWIFT,
    "bai2": BAI2,
    "xml": XML,
    "large-xml": LARGE_XML,
    "statements": STATEMENTS,
    "archives": ARCHIVES,
    "bombs": BOMBS,
    "pdf": PDFS,
    "parquet": TABLES,
    "workbooks": WORKBOOKS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_are_refused_or_read_within_bounds(kind: str, record_property: pytest.RecordProperty) -> None:
    cases = KINDS[kind]
    # Not kept after the test, as the folders of pytest are: these files are large.
    with TemporaryDirectory() as folder:
        zone = new_zone(Path(folder))
        for case in cases:
            case.write(zone.deliver(case.feed, case.name, b""))
        receipts, peak_mib = ingested_alone(zone, sorted({case.feed for case in cases}), PATIENCE_SECONDS)
        wrong = _wrong(cases, receipts, zone)
    record_property("peak_mib", peak_mib)
    assert not wrong, "\n".join(wrong)
    assert peak_mib < MEMORY_MIB


def _wrong(cases: Sequence[Hostile], receipts: Sequence[Receipt], zone: Zone) -> list[str]:
    """A line for each case that did not become what it should."""
    quarantined: dict[object, list[str]] = {}
    for file, rule, message in zone.rows("quarantine", "distinct file, rule, message", "all"):
        quarantined.setdefault(file, []).append(f"{rule}: {message}")
    by_file = {receipt.file: receipt for receipt in receipts}
    assert sorted(by_file) == sorted(case.name for case in cases)
    wrong = []
    for case in cases:
        receipt, sentences = by_file[case.name], quarantined.get(case.name, [])
        said = " ".join([receipt.message or "", *sentences])
        # A sound row that another of the files has too is a duplicate.
        good = receipt.loaded_rows + receipt.duplicate_rows
        became = (None if receipt.status == "REFUSED" else good, receipt.quarantined_rows)
        is_published = str(zone.root) not in said and all(
            "\n" not in text for text in [receipt.message or "", *sentences]
        )
        if became != (case.loaded, case.quarantined) or not re.search(case.said, said) or not is_published:
            wrong.append(f"{case.name}: {became} for {(case.loaded, case.quarantined)}, said {said[:300]!r}")
    return wrong
