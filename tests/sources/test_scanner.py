"""Records of delimited text are found by number, whatever is passed over on the way to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.readers.scanner import Dialect, Record, scan_for, scan_records

HEADER = "name,amount"
# runs of these are longer and shorter than a stretch that can be passed over
PLAIN, QUOTED, OVER_LINES = "a firm,1", '"a ""firm"", Ltd",1', '"a firm\nof two lines, ""Ltd""",1'
RECORDS = st.sampled_from([PLAIN, QUOTED, OVER_LINES, "\n" + PLAIN, "ö" * 3_000 + ",1"])


def found_by(content: str, encoding: str, wanted: Sequence[int]) -> tuple[list[Record], int]:
    """The wanted records, and how many there are in all."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.csv"
        path.write_bytes(content.encode(encoding))
        dialect = Dialect(encoding, ",", '"')
        every = [record for record in scan_records(path, dialect, 2) if record.row_no]
        assert {record.rule for record in every} == {None}
        seen = list(scan_for(path, dialect, 2, wanted))
        rows = sum(record if isinstance(record, int) else record.row_no > 0 for record in seen)
        assert rows == len(every)
        records = [record for record in seen if isinstance(record, Record) and record.row_no in wanted]
        assert records == [record for record in every if record.row_no in wanted]
        return records, sum(isinstance(record, Record) for record in seen)


@settings(max_examples=15, deadline=None)
@given(
    runs=st.lists(st.tuples(RECORDS, st.sampled_from([1, 60, 1_500])), min_size=1, max_size=4),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
    ends=st.booleans(),
    data=st.data(),
)
def test_a_wanted_record_is_the_same_one_however_many_are_passed_over(
    runs: list[tuple[str, int]], line_end: str, encoding: str, ends: bool, data: st.DataObject
) -> None:
    records = [record for record, times in runs for _ in range(times)]
    wanted = data.draw(st.lists(st.integers(1, len(records)), unique=True, max_size=20).map(sorted))
    content = line_end.join([HEADER, *records, ""]) if ends else line_end.join([HEADER, *records])
    if encoding == "gb18030":
        content = content.replace("ö", "元")
    found, _ = found_by(content, encoding, wanted)
    assert [record.row_no for record in found] == wanted


@pytest.mark.parametrize("record", [PLAIN, QUOTED])
def test_few_records_are_read_to_find_one(record: str) -> None:
    content = "\n".join([HEADER, *[record] * 50_000])
    (found,), records_read = found_by(content, "utf-8", [40_000])
    assert found.line_no == 40_001
    assert records_read < 500
