"""Hostile Parquet files: footers that lie, values and dictionaries of any size, nesting, too many of everything."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.sources.hostile.case import MB, RATES, Hostile, Write, holding
from tests.sources.hostile.texts import CSV


def rates(rows: int = 4, **columns: Any) -> pa.Table:
    """Sound rates, with some columns replaced or added."""
    own = {
        "base_currency": ["EUR"] * rows,
        "quote_currency": ["USD"] * rows,
        "rate_date": [date(2026, 3, 1 + row % 28) for row in range(rows)],
        "rate": ["1.5"] * rows,
    }
    return pa.table({**own, **columns})


def parquet(table: Callable[[], pa.Table], change: Callable[[bytes], bytes] | None = None, **options: Any) -> Write:
    def write(path: Path) -> None:
        pq.write_table(table(), path, **options)
        if change is not None:
            path.write_bytes(change(path.read_bytes()))

    return write


def nested(levels: int) -> pa.Array:
    kind: pa.DataType = pa.int32()
    for _ in range(levels):
        kind = pa.list_(kind)
    return pa.array([None] * 4, kind)


def repeated(text: str, rows: int) -> pa.Array:
    """One text for all rows, stored once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))


def twice(name: str) -> pa.Table:
    return rates().append_column(name, pa.array([1] * 4))


def footer(length: int) -> Callable[[bytes], bytes]:
    """Another length of the footer than it has."""
    return lambda content: content[:-8] + struct.pack("<L", length) + b"PAR1"


def negative_size(content: bytes) -> bytes:
    """A file whose footer gives a column a size below zero, on which the engine breaks down."""
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    column = pq.ParquetFile(BytesIO(content)).metadata.row_group(0).column(0)
    size = _varint(2 * column.total_compressed_size)
    assert size in content[start:]
    return content[:start] + content[start:].replace(size, _varint(2 * column.total_compressed_size - 1))


def _varint(number: int) -> bytes:
    low = bytes([number & 0x7F | (0x80 if number > 0x7F else 0)])
    return low + _varint(number >> 7) if number > 0x7F else low


_STRUCTURE = [{"a": [{"b": 1}]}] * 4
_UNREADABLE, _NESTED = "no readable Parquet file", "holds lists or structures"

TABLES = (
    Hostile("sound.parquet", RATES, parquet(rates), "", 4, 0),
    Hostile("footer-beyond.parquet", RATES, parquet(rates, footer(0xFFFFFFF0)), _UNREADABLE),
    Hostile("footer-short.parquet", RATES, parquet(rates, footer(5)), _UNREADABLE),
    Hostile(
        "footer-long.parquet",
        RATES,
        lambda path: path.write_bytes(b"\0" * (20 * MB) + footer(18 * MB)(b"\0" * 8)),
        "footer has 18,000,000 bytes",
    ),
    Hostile("zeroed.parquet", RATES, parquet(rates, lambda b: b[:40] + b"\0" * (len(b) - 48) + b[-8:]), _UNREADABLE),
    Hostile("negative.parquet", RATES, parquet(rates, negative_size), "engine fails on it .*; deliver it again"),
    Hostile("password.parquet", RATES, parquet(rates, lambda b: b[:-4] + b"PARE"), "encrypted"),
    Hostile("text.parquet", RATES, holding(CSV), _UNREADABLE),
    Hostile(
        "value.parquet",
        RATES,
        parquet(lambda: rates(rate=["x" * (100 * MB), "1", "1", "1"]), use_dictionary=False),
        "value of 100,000,000 bytes|more memory",
    ),
    Hostile(
        "dictionary.parquet",
        RATES,
        parquet(lambda: rates(rate=repeated("x" * (100 * MB), 4))),
        "value of 100,000,000 bytes",
    ),
    Hostile(
        "texts.parquet",
        RATES,
        parquet(lambda: rates(100_000, rate=repeated("x" * 3_000, 100_000))),
        "is no decimal",
        0,
        100_000,
    ),
    Hostile("structure.parquet", RATES, parquet(lambda: rates(rate=_STRUCTURE)), _NESTED),
    Hostile("list.parquet", RATES, parquet(lambda: rates(rate=[[1, 2]] * 4)), _NESTED),
    Hostile(
        "map.parquet",
        RATES,
        parquet(lambda: rates(rate=pa.array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int32())))),
        _NESTED,
    ),
    Hostile("beside.parquet", RATES, parquet(lambda: rates(x=_STRUCTURE)), "unknown column x", 4, 0),
    Hostile(
        "beside-broken.parquet",
        RATES,
        parquet(lambda: rates(x=_STRUCTURE, rate=["1", "x", "1", "1"])),
        "no decimal",
        3,
        1,
    ),
    Hostile("deep.parquet", RATES, parquet(lambda: rates(x=nested(100))), "nested 100 levels deep"),
    Hostile("deeper.parquet", RATES, parquet(lambda: rates(x=nested(600))), _UNREADABLE),
    Hostile(
        "wide.parquet", RATES, parquet(lambda: rates(**{f"c{i}": [1] * 4 for i in range(20_000)})), "10,000 columns"
    ),
    Hostile("groups.parquet", RATES, parquet(lambda: rates(15_000), row_group_size=1), "15,000 row groups"),
    Hostile(
        "utf-8.parquet",
        RATES,
        parquet(
            lambda: rates(quote_currency=["AAA", "BBB", "CCC", "DDD"]),
            lambda b: b.replace(b"BBB", b"B\xffB"),
            compression="none",
            write_statistics=False,
        ),
        "not valid UTF8",
    ),
    Hostile(
        "nul.parquet", RATES, parquet(lambda: rates(quote_currency=["A\0A", "BBB", "CCC", "DDD"])), "NUL byte", 3, 1
    ),
    Hostile("numbers.parquet", RATES, parquet(lambda: rates(rate=[float("nan"), float("inf"), 1e300, 1.5])), "", 1, 3),
    Hostile(
        "years.parquet",
        RATES,
        parquet(lambda: rates(rate_date=pa.array([16_796_365, -800_000, 2_932_896, 20_000], pa.date32()))),
        "rate_date '47956-11-20' is not within the years 1 to 9999",
        2,
        2,
    ),
    Hostile("bytes.parquet", RATES, parquet(lambda: rates(rate=[b"\xff", b"1.5", b"\0", b""])), "", 1, 3),
    Hostile("row-number.parquet", RATES, parquet(lambda: twice("file_row_number")), "column of the engine"),
    Hostile("row-no.parquet", RATES, parquet(lambda: twice("row_no")), "unknown column row_no", 4, 0),
    Hostile("sql.parquet", RATES, parquet(lambda: twice('a"; drop table delivered; --')), "drop table", 4, 0),
    Hostile("no-name.parquet", RATES, parquet(lambda: twice("")), "", 4, 0),
)
