"""Files of any content keep the promises of ingest; `python -m tests.fuzz` does the same by the hundred thousand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.receipt import Receipt
from tests.fuzz.mutate import mutated
from tests.fuzz.promise import broken_promises
from tests.fuzz.seeds import FORMATS
from tests.sources import test_reader_bai2 as bai2
from tests.sources import test_reader_camt as camt
from tests.sources import test_reader_mt940 as mt940
from tests.sources.hostile.case import BANK, RATES
from tests.sources.landing_zone import DAY, RATE_HEADER, Zone, new_zone

FILES = 8
SAME_EVERY_TIME = settings(
    max_examples=5,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def ingested(zone: Zone, feed: str, files: Mapping[str, bytes]) -> list[Receipt]:
    """Receipts of the files, which keep every promise, whatever was delivered before them."""
    day = DAY + timedelta(days=sum(1 for _ in zone.landing.glob("*/*/*")))
    for name, content in files.items():
        zone.deliver(feed, name, content, day)
    receipts = zone.ingest(feed, day)
    assert broken_promises(zone, feed, files, receipts) == {}
    return receipts


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    return new_zone(tmp_path)


@st.composite
def mutated_files(draw: st.DrawFn, kind: str) -> dict[str, bytes]:
    form = FORMATS[kind]

    def choose(below: int) -> int:
        return draw(st.integers(0, below - 1))

    return {f"{number}{form.suffix}": mutated(form.seeds, choose) for number in range(1 + choose(FILES))}


@pytest.mark.parametrize("kind", FORMATS)
def test_mutated_files_keep_every_promise(zone: Zone, kind: str) -> None:
    form = FORMATS[kind]

    @SAME_EVERY_TIME
    @given(files=mutated_files(kind), number=st.integers(0, len(form.feeds) - 1))
    def keeps(files: dict[str, bytes], number: int) -> None:
        ingested(zone, form.feeds[number], files)

    keeps()


def _lines(*texts: str) -> str:
    return "\n".join([RATE_HEADER, *texts]) + "\n"


def _objects(*texts: str) -> str:
    return "\n".join(json.dumps({**dict.fromkeys(RATE_HEADER.split(","), text)}) for text in texts) + "\n"


def _entries(*texts: str) -> str:
    return camt.statement(*(camt.entry(escape(text), amount=escape(text)) for text in texts))


def _statement_lines(*texts: str) -> str:
    return mt940.message(*(f":61:{text}" for text in texts))


def _details(*texts: str) -> str:
    return bai2.simple(*(f"16,195,1,Z,,{text.replace(',', '')}/" for text in texts), amount=len(texts))


@pytest.mark.parametrize(
    ("feed", "suffix", "written", "excluded"),
    [
        (RATES, ".csv", _lines, '"'),
        (RATES, ".jsonl", _objects, ""),
        (BANK, ".xml", _entries, ""),
        (BANK, ".sta", _statement_lines, ""),
        (BANK, ".bai2", _details, "/,"),
    ],
    ids=["delimited", "jsonl", "camt", "mt940", "bai2"],
)
def test_no_record_is_lost_whatever_stands_in_it(
    zone: Zone, feed: str, suffix: str, written: Callable[..., str], excluded: str
) -> None:
    # What separates records, and what XML cannot hold, would make other records of them.
    signs = st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp"), exclude_characters=excluded)
    texts = st.lists(st.text(signs, min_size=1, max_size=30).map(lambda text: f"x{text}"), min_size=1, max_size=6)

    @SAME_EVERY_TIME
    @given(texts=texts)
    def loses_none(texts: list[str]) -> None:
        (receipt,) = ingested(zone, feed, {f"f{suffix}": written(*texts).encode()})
        assert receipt.delivered_rows == len(texts), receipt.message

    loses_none()
