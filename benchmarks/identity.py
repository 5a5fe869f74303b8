"""What matching records costs: 200,000 records from scratch, then a night that brings a few hundred.

    .venv/bin/python benchmarks/identity.py [--records 200000]

Records of four feeds are written to a lake of their own: per firm a supplier, mostly a taxpayer, half have an account,
and one or two vendors, an eighth of them without number and with a typed name. Matching runs in a process on one core;
seconds are CPU time. Memory is the peak of the process, of which some 150 MB are the interpreter and its libraries.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sources.arrival import raw_dataset
from sources.contract import load_contracts
from sources.identity import match
from sources.identity.records import RECORD_KINDS
from sources.ingest import initialise
from sources.lake import Lake

FIRST, NEXT = date(2026, 6, 29), date(2026, 6, 30)
PARTS = ("load_states", "find_candidates", "_evidence", "_replace")
REGIONS = """
    北京 上海 天津 重庆 广州 深圳 杭州 宁波 南京 苏州 无锡 武汉 成都 西安 长沙 郑州 青岛 济南 大连 沈阳
"""
TRADE = (
    "恒瑞泰华信诚宏盛嘉利金鼎安隆博远凯达中科新锐天启东方正通汇德建源兴丰茂润泽铭辉腾翔宇卓凡川海立伟业成康顺和昌富强荣"
)
BUSINESS = """
    建筑工程 钢铁物资 建材 机械设备 电气 电子科技 化工 塑胶制品 物流运输 技术服务 装饰工程 环保科技 食品 服装 医疗器械
    汽车配件 五金制品 包装材料 仪器仪表 劳务
"""


def names(rng: np.random.Generator, count: int) -> list[str]:
    """Registered names of firms; trade names have two or three characters, so that thousands are namesakes."""
    places, lines = REGIONS.split(), BUSINESS.split()
    region, business = rng.integers(0, len(places), count), rng.integers(0, len(lines), count)
    letters, length = rng.integers(0, len(TRADE), (count, 3)), rng.integers(2, 4, count)
    return [
        f"{places[r]}{''.join(TRADE[c] for c in row[:n])}{lines[b]}有限公司"
        for r, row, n, b in zip(region, letters, length, business, strict=True)
    ]


def typed(name: str, way: int) -> str:
    if way == 0:
        return name.removesuffix("有限公司")
    if way == 1:
        return f"{name[2:4]}（{name[:2]}）{name[4:]}"
    return name[2:] if way == 2 else f"{name[:5]} {name[5:-4]}健有限公司" if way == 3 else name


def write(lake: Lake, records: int, seed: int, night: date, first: int) -> int:
    """Deliver a night of about so many records; returns how many."""
    rng = np.random.default_rng(seed)
    firms = int(records / 3.4)
    name, number = names(rng, firms), [f"91{first + n:016d}" for n in range(firms)]
    account = [f"62{first + n:014d}" for n in range(firms)]
    vendor = np.concatenate([np.arange(firms), rng.choice(firms, int(0.2 * firms), replace=False)])
    has_number, way = rng.random(len(vendor)) > 0.12, rng.integers(0, 5, len(vendor))
    holder = np.flatnonzero(rng.random(firms) < 0.5)
    payer = np.flatnonzero(rng.random(firms) < 0.7)
    feeds = {
        "platform.supplier": {
            "supplier_id": [f"S{first + n}" for n in range(firms)],
            "party_no": number,
            "supplier_name": name,
            "settlement_account_no": account,
        },
        "tax.taxpayer": {"taxpayer_no": [number[n] for n in payer], "taxpayer_name": [name[n] for n in payer]},
        "bank.account": {
            "account_no": [account[n] for n in holder],
            "holder_no": [number[n] if n % 12 else None for n in holder],
            "holder_name": [name[n] for n in holder],
        },
        "erp.vendor": {
            "company_code": ["1000" if n < firms else "2000" for n in range(len(vendor))],
            "erp_vendor_no": [f"V{first + n}" for n in range(len(vendor))],
            "vendor_name": [
                name[n] if has else typed(name[n], w) for n, has, w in zip(vendor, has_number, way, strict=True)
            ],
            "party_no": [number[n] if has else None for n, has in zip(vendor, has_number, strict=True)],
            "bank_account_no": [
                account[n] if w or has else None for n, has, w in zip(vendor, has_number, way, strict=True)
            ],
        },
    }
    kinds, total = {kind.feed: kind for kind in RECORD_KINDS}, 0
    for feed, columns in feeds.items():
        contract = load_contracts()[feed]
        rows = len(next(iter(columns.values())))
        numbers = columns[kinds[feed].number]
        columns[contract.column(kinds[feed].number).number_scheme or ""] = ["CN-USCC" if no else None for no in numbers]
        lineage = {"known_date": [night] * rows, "batch_date": [night] * rows, "file_id": [f"{feed}-{night}"] * rows}
        full: dict[str, Any] = {**columns, **lineage, "row_no": list(range(1, rows + 1))}
        schema = contract.raw_schema
        table = pa.table({n: full.get(n, [None] * rows) for n in schema.names}, schema=schema)
        lake.write(raw_dataset(contract), f"batch_date={night}", "part", table)
        total += rows
    return total


def cost(lake: Lake, night: date, since: date | None) -> tuple[match.Matched, dict[str, float], int]:
    """What matching a night found, seconds by part, and the peak memory of this process in MB."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    seconds: dict[str, float] = {}

    def timed(name: str, part: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            started = time.process_time()
            result = part(*args)
            seconds[name] = seconds.get(name, 0.0) + time.process_time() - started
            return result

        return run

    for name in PARTS:
        setattr(match, name, timed(name, getattr(match, name)))
    started = time.process_time()
    matched = match.match_night(lake, night, since)
    seconds["all"] = time.process_time() - started
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return matched, seconds, int(peak[1]) // 1000 if peak else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000, help="records of the first night")
    wanted = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        initialise(lake)
        for night, since, records, first in ((FIRST, None, wanted, 0), (NEXT, FIRST, 500, 10**9)):
            delivered = write(lake, records, night.day, night, first)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                matched, seconds, peak = pool.apply(cost, (lake, night, since))
            print(f"{delivered:,} records: {matched}, peak {peak:,} MB")
            for name, spent in seconds.items():
                print(f"  {name:16} {spent:6.1f} s")


if __name__ == "__main__":
    main()
