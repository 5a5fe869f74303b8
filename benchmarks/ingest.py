"""What ingest costs beside its limit, by format, and that its memory does not grow with the file.

    .venv/bin/python benchmarks/ingest.py [--formats camt mt940] [--megabytes 1 10 100 1000] [--repeat 3]

Sound files are generated and taken through `ingest_feed`, each in a process of its own. The figures are CPU seconds of
all threads, megabytes of the file (of a workbook: of its sheet, unpacked) for each of them, and the peak memory of the
process, of which some 170 MB are the interpreter and its libraries. The limit is what others do with the same file when
they make nothing of what they find: no typing, no rules, no check digits, no duplicates, no receipts. It is measured in
turn with ingest, the ratio is of the medians.

csv, parquet  VAT invoices; DuckDB copies them to Parquet
camt          bookings; lxml goes through the entries
mt940         bookings; the mt-940 library parses them
bai2          bookings; the bai2 library parses them
xlsx          bookings; openpyxl reads the rows
jsonl         bookings; json reads the lines
"""

from __future__ import annotations

import argparse
import datetime
import json
import multiprocessing
import re
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.pool import Pool
from pathlib import Path

import bai2.bai2
import duckdb
import mt940
import openpyxl
from stdnum.cn import uscc

from sources.ingest import ingest_feed, initialise
from sources.lake import Lake
from sources.readers.xml import stream

INVOICES, BOOKINGS = "tax.vat_invoice", "bank.transaction"
DAY = datetime.date(2026, 3, 2)
SELLERS, BUYERS = 20_000, 400
WORKBOOK_MEGABYTES = 200  # a sheet has no more than 1,048,576 rows

CAMT_START = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId>
<CreDtTm>2026-03-02T22:00:00Z</CreDtTm></GrpHdr><Stmt><Id>S1</Id><Acct><Id><IBAN>DE02120300000000202051</IBAN></Id>
</Acct><Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-03-02</Dt></Dt></Bal>
"""
CAMT_ENTRY = """<Ntry><Amt Ccy="EUR">{n}.25</Amt><CdtDbtInd>CRDT</CdtDbtInd><RvslInd>false</RvslInd>
<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-02</Dt></ValDt>
<AcctSvcrRef>2026030212345{n:09d}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd>
</Fmly></Domn><Prtry><Cd>NTRF+166+9310</Cd><Issr>DK</Issr></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><MsgId>M{n}</MsgId>
<EndToEndId>INV-2026-{n}</EndToEndId><TxId>T{n}</TxId></Refs><Amt Ccy="EUR">{n}.25</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<RltdPties><Dbtr><Pty><Nm>Payer {n}</Nm><PstlAdr><Ctry>DE</Ctry><AdrLine>Street {n}</AdrLine></PstlAdr></Pty></Dbtr>
<DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct><Cdtr><Pty><Nm>Supplier AG</Nm></Pty></Cdtr><CdtrAcct>
<Id><IBAN>DE02120300000000202051</IBAN></Id></CdtrAcct></RltdPties><RltdAgts><DbtrAgt><FinInstnId><BICFI>COBADEFF</BICFI>
</FinInstnId></DbtrAgt></RltdAgts><Purp><Cd>SUPP</Cd></Purp><RmtInf><Ustrd>Invoice {n} of 2026-02-01</Ustrd></RmtInf>
</TxDtls></NtryDtls><AddtlNtryInf>Credit</AddtlNtryInf></Ntry>
"""
CAMT_END = "</Stmt></BkToCstmrStmt></Document>"

MT940_START = ":20:REF\n:25:20070000/0202051000\n:28C:00042/00001\n:60F:C260301EUR1000,00\n"
MT940_ENTRY = """:61:2603020302C{n},25NTRFNONREF//2026030212345{n:09d}
:86:166?00GUTSCHRIFT?109310?20EREF+INV-2026-{n}?21PURP+SUPP?22SVWZ+Invoi
ce {n} of 2026-02-01?30COBADEFFXXX?31DE89370400440532013000?32Payer {n}?33 GmbH
"""
MT940_END = ":62F:C260302EUR1000,00\n-\n"

BAI2_START = "01,BANK,RCV,260303,0600,1,,,2/\n02,RCV,BANK,1,260302,2359,EUR,2/\n03,0202051000,,015,100000,,/\n"
BAI2_ENTRY = "16,195,10025,V,260302,,2026030212345{n:09d},INV-2026-{n},Payer {n} GmbH Invoice {n} of 2026-02-01\n"

JSONL_ENTRY = (
    '{{"account_no": "0202051000", "transaction_ref": "T{n}", "booking_date": "2026-03-02", "credit_debit": "CRDT", '
    '"amount": {n}.25, "currency": "EUR", "is_return": false, "counterparty_name": "Payer {n} GmbH", '
    '"end_to_end_id": "INV-2026-{n}", "remittance_text": "Invoice {n} of 2026-02-01", "meta": {{"batch": {n}}}}}\n'
)


Task = Callable[[Path, Path], None]


def credit_codes(first: int, count: int) -> list[str]:
    """Unified social credit codes with their check digits."""
    bodies = (f"91110105{number:09d}" for number in range(first, first + count))
    return [body + uscc.calc_check_digit(body) for body in bodies]


def invoices(path: Path, megabytes: int) -> None:
    """Sound invoices in the contract's own columns, about so many megabytes."""
    is_csv = path.suffix == ".csv"
    options = "format csv, header" if is_csv else "format parquet, compression zstd"
    rows = megabytes * (8_400 if is_csv else 43_000)
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


def workbook(path: Path, megabytes: int) -> None:
    """Bookings in a workbook whose sheet has about so many megabytes when it is unpacked."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Bookings")
    for number in range(megabytes * 1000):
        row = json.loads(JSONL_ENTRY.format(n=number))
        row["booking_date"] = DAY
        row.pop("meta")
        if not number:
            sheet.append([*row])
        sheet.append([*row.values()])
    book.save(path)


def statement(path: Path, megabytes: int) -> None:
    """Bookings of one account, of at least so many megabytes."""
    start, entry = {
        ".xml": (CAMT_START, CAMT_ENTRY),
        ".sta": (MT940_START, MT940_ENTRY),
        ".bai2": (BAI2_START, BAI2_ENTRY),
        ".jsonl": ("", JSONL_ENTRY),
    }[path.suffix]
    number = 0
    with path.open("w") as sink:
        sink.write(start)
        while sink.tell() < megabytes * 1e6:
            sink.writelines(entry.format(n=n) for n in range(number, number + 1000))
            number += 1000
        total = 100_000 + 10_025 * number
        trailers = f"49,{total},{number + 2}/\n98,{total},1,{number + 4}/\n99,{total},1,{number + 6}/\n"
        sink.write({".xml": CAMT_END, ".sta": MT940_END, ".bai2": trailers, ".jsonl": ""}[path.suffix])


def copied(path: Path, scratch: Path) -> None:
    source = f"read_csv('{path}', all_varchar=true)" if path.suffix == ".csv" else f"read_parquet('{path}')"
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(f"copy (from {source}) to '{scratch}/rows.parquet' (format parquet, compression zstd)")


def by_lxml(path: Path, scratch: Path) -> None:
    for _ in stream(path, "Ntry"):
        pass


def by_mt940(path: Path, scratch: Path) -> None:
    mt940.parse_statements(path.read_text())


def by_bai2(path: Path, scratch: Path) -> None:
    with path.open() as lines:
        bai2.bai2.parse_from_file(lines)


def by_openpyxl(path: Path, scratch: Path) -> None:
    for _ in openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows():
        pass


def by_json(path: Path, scratch: Path) -> None:
    with path.open() as lines:
        for line in lines:
            json.loads(line)


@dataclass(frozen=True)
class Format:
    """How files of a format are made, what their limit is, and megabytes of the file that is taken through both.

    A limit that holds the whole file in memory is measured on a smaller one.
    """

    feed: str
    suffix: str
    write: Callable[[Path, int], None]
    limit: Task
    megabytes: int


FORMATS = {
    "csv": Format(INVOICES, ".csv", invoices, copied, 100),
    "parquet": Format(INVOICES, ".parquet", invoices, copied, 25),
    "camt": Format(BOOKINGS, ".xml", statement, by_lxml, 100),
    "mt940": Format(BOOKINGS, ".sta", statement, by_mt940, 10),
    "bai2": Format(BOOKINGS, ".bai2", statement, by_bai2, 10),
    "xlsx": Format(BOOKINGS, ".xlsx", workbook, by_openpyxl, 10),
    "jsonl": Format(BOOKINGS, ".jsonl", statement, by_json, 100),
}


def ingest(path: Path, scratch: Path) -> None:
    """Ingest the file; SystemExit when a record of it is not loaded."""
    (form,) = (form for form in FORMATS.values() if form.suffix == path.suffix)
    folder = scratch.joinpath("landing", *form.feed.split("."), DAY.isoformat())
    folder.mkdir(parents=True)
    folder.joinpath(path.name).hardlink_to(path)
    (receipt,) = ingest_feed(form.feed, scratch / "landing", Lake(scratch / "lake"), DAY, None)
    if receipt.loaded_rows != receipt.delivered_rows or not receipt.loaded_rows:
        raise SystemExit(f"{path.name}: {receipt.quarantined_rows} rows refused: {receipt}")


def cost(task: Task, path: Path) -> tuple[float, int]:
    """CPU seconds of a task, and the peak memory of this process in MB."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        initialise(Lake(Path(scratch) / "lake"))
        started = time.process_time()
        task(path, Path(scratch))
        spent = time.process_time() - started
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return spent, int(peak[1]) * 1024 // 1_000_000 if peak else 0


def size_of(path: Path) -> float:
    """Megabytes of a file, of a workbook those of its sheet."""
    if path.suffix != ".xlsx":
        return path.stat().st_size / 1e6
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo("xl/worksheets/sheet1.xml").file_size / 1e6


def line(name: str, path: Path, pool: Pool, repeat: int) -> str:
    """A line of the table: ingest of this file, and its limit where that is repeated."""
    form = FORMATS[name]
    tasks = [ingest, form.limit] if repeat else [ingest]
    runs = [[pool.apply(cost, (task, path)) for task in tasks] for _ in range(max(repeat, 1))]
    spent, *limit = (statistics.median(run[number][0] for run in runs) for number in range(len(tasks)))
    size, peak = size_of(path), max(run[0][1] for run in runs)
    own = f"{name:9}{size:7,.0f} MB{spent:9.2f} s{size / spent:8.1f} MB/s{peak:9,} MB"
    return own + "".join(f"{seconds:10.2f} s{spent / seconds:8.1f}" for seconds in limit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=[*FORMATS])
    parser.add_argument("--megabytes", nargs="+", type=int, default=[1, 10, 100], help="sizes beside the limit's")
    parser.add_argument("--repeat", type=int, default=3, help="how often ingest and its limit are measured in turn")
    arguments = parser.parse_args()
    # A process that is forked and runs no other program inherits no peak of memory.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["sources.ingest"])
    print(f"{'format':9}{'file':>10}{'ingest':>11}{'':13}{'peak':>12}{'limit':>12}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder, processes.Pool(1, maxtasksperchild=1) as pool:
        for name in arguments.formats:
            form = FORMATS[name]
            for megabytes in sorted({*arguments.megabytes, form.megabytes}):
                if form.suffix == ".xlsx" and megabytes > WORKBOOK_MEGABYTES:
                    continue
                path = Path(folder) / f"{megabytes}{form.suffix}"
                form.write(path, megabytes)
                print(line(name, path, pool, arguments.repeat if megabytes == form.megabytes else 0), flush=True)
                path.unlink()


if __name__ == "__main__":
    main()
