"""What ingest costs beside its limit: VAT invoices as delimited text and as Parquet, through `ingest_feed`.

    .venv/bin/python benchmarks/ingest.py [--rows 1000000] [--repeat 3]

The limit is DuckDB reading the same file to Parquet with no typing, no rules, no check digits, no duplicates and no
receipts. Both run in processes of their own, in turn; the figures are CPU seconds of all threads and the peak of
memory, the ratio is of the medians.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
from stdnum.cn import uscc

from sources.ingest import ingest_feed, initialise
from sources.lake import Lake

FEED = "tax.vat_invoice"
DAY = date(2026, 3, 2)
SELLERS, BUYERS = 20_000, 400


def credit_codes(first: int, count: int) -> list[str]:
    """Unified social credit codes with their check digits."""
    bodies = (f"91110105{number:09d}" for number in range(first, first + count))
    return [body + uscc.calc_check_digit(body) for body in bodies]


def generated(folder: Path, suffix: str, rows: int) -> Path:
    """Sound invoices, in the contract's own columns."""
    path = folder / f"invoices.{suffix}"
    options = "format csv, header" if suffix == "csv" else "format parquet, compression zstd"
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("create table seller as select unnest(?) as no", [credit_codes(0, SELLERS)])
        connection.execute("create table buyer as select unnest(?) as no", [credit_codes(SELLERS, BUYERS)])
        connection.execute(
            f"""
            copy (
                select s.no as seller_no, 'CN-USCC' as seller_no_scheme, b.no as buyer_no,
                       'CN-USCC' as buyer_no_scheme, (20000000 + hash(n) % 80000000)::varchar as invoice_no,
                       date '2025-01-01' + (n * 400 // {rows})::integer as invoice_date, net_amount, tax_amount,
                       (net_amount + tax_amount)::decimal(18, 2) as gross_amount,
                       'CNY' as currency, 'VALID' as invoice_status
                from (
                    select n, (cents * 0.01)::decimal(18, 2) as net_amount,
                           (cents * 13 // 100 * 0.01)::decimal(18, 2) as tax_amount
                    from (select n, (hash(n, 1) % 10_000_000)::bigint as cents from range({rows}) t(n))
                )
                join (select row_number() over () - 1 as k, no from seller) s on s.k = hash(n, 2) % {SELLERS}
                join (select row_number() over () - 1 as k, no from buyer) b on b.k = hash(n, 3) % {BUYERS}
                order by n
            ) to '{path}' ({options})
            """
        )
    return path


def ingest(path: Path, scratch: Path) -> None:
    folder = scratch / "landing" / "tax" / "vat_invoice" / DAY.isoformat()
    folder.mkdir(parents=True)
    folder.joinpath(path.name).hardlink_to(path)
    lake = Lake(scratch / "lake")
    (receipt,) = ingest_feed(FEED, scratch / "landing", lake, DAY, None)
    if receipt.loaded_rows != receipt.delivered_rows:
        raise SystemExit(f"{receipt.quarantined_rows} rows refused: {receipt}")


def read_alone(path: Path, scratch: Path) -> None:
    """The limit."""
    source = f"read_csv('{path}', all_varchar=true)" if path.suffix == ".csv" else f"read_parquet('{path}')"
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"copy (from {source}) to '{scratch}/rows.parquet' (format parquet, compression zstd)")


def cost(task: Callable[[Path, Path], None], path: Path) -> tuple[float, int]:
    """CPU seconds of a task, and the peak memory of this process in MB."""
    with tempfile.TemporaryDirectory() as scratch:
        initialise(Lake(Path(scratch) / "lake"))
        started = time.process_time()
        task(path, Path(scratch))
        spent = time.process_time() - started
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    # A process that is forked and runs no other program inherits no peak of memory.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["sources.ingest"])
    with tempfile.TemporaryDirectory() as folder, processes.Pool(1, maxtasksperchild=1) as pool:
        print(f"{'input':10}{'file':>9}{'ingest':>10}{'limit':>9}{'ratio':>7}{'peak':>10}")
        for suffix in ("csv", "parquet"):
            path = generated(Path(folder), suffix, arguments.rows)
            runs = [[pool.apply(cost, (task, path)) for task in (ingest, read_alone)] for _ in range(arguments.repeat)]
            mine, limit = (statistics.median(run[number][0] for run in runs) for number in (0, 1))
            peak = max(run[0][1] for run in runs)
            size = path.stat().st_size / 1e6
            print(f"{suffix:10}{size:6.0f} MB{mine:8.2f} s{limit:7.2f} s{mine / limit:7.2f}{peak:7,} MB")


if __name__ == "__main__":
    main()
