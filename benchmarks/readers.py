"""What reading bookings costs: speed per core and peak memory of each reader, by size of the file.

    .venv/bin/python benchmarks/readers.py [--largest 300]

Each file is generated, and opened by its reader (to the Parquet file that the engine then loads) in a process of its
own. Speed is megabytes of the file (of a workbook: of its sheet, unpacked) for each second of CPU time, all threads
counted; memory is the peak of the process, of which some 170 MB are the interpreter and its libraries. The limit beside
the figures: the parser alone, with nothing made of what it finds (lxml for camt, the mt-940 library for MT940, openpyxl
for workbooks, json for JSON Lines).
"""

from __future__ import annotations

import argparse
import datetime
import json
import multiprocessing
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import mt940
import openpyxl

from sources.contract import load_contracts
from sources.mapping import Mapping, identity_mapping
from sources.mapping_files import load_mapping
from sources.readers import Workspace
from sources.readers.choose import FORMATS
from sources.readers.xml import stream

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


def workbook(path: Path, megabytes: int) -> None:
    """A workbook of bookings whose sheet has about so many megabytes when it is unpacked."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Bookings")
    rows = [json.loads(JSONL_ENTRY.format(n=n)) for n in range(megabytes * 1000)]
    for row in rows:
        row["booking_date"] = datetime.date(2026, 3, 2)
        row.pop("meta")
    sheet.append([*rows[0]])
    for row in rows:
        sheet.append([*row.values()])
    book.save(path)


def generated(folder: Path, kind: str, megabytes: int) -> Path:
    """A statement of one account, of at least so many megabytes."""
    if kind == "xlsx":
        workbook(path := folder / f"{megabytes}.xlsx", megabytes)
        return path
    start, entry = {
        "camt": (CAMT_START, CAMT_ENTRY),
        "mt940": (MT940_START, MT940_ENTRY),
        "bai2": (BAI2_START, BAI2_ENTRY),
        "jsonl": ("", JSONL_ENTRY),
    }[kind]
    path = folder / f"{kind}-{megabytes}"
    number = 0
    with path.open("w") as sink:
        sink.write(start)
        while sink.tell() < megabytes * 1e6:
            sink.writelines(entry.format(n=n) for n in range(number, number + 1000))
            number += 1000
        total = 100_000 + 10_025 * number
        trailers = f"49,{total},{number + 2}/\n98,{total},1,{number + 4}/\n99,{total},1,{number + 6}/\n"
        sink.write({"camt": CAMT_END, "mt940": MT940_END, "bai2": trailers, "jsonl": ""}[kind])
    return path


def mapping_of(kind: str, records: str) -> Mapping:
    """The format's own mapping, or the contract's column names where the format has none."""
    if FORMATS[kind].is_tabular:
        return identity_mapping(load_contracts()[f"bank.{records}"])
    return load_mapping(f"formats/{kind}/bank_{records}")


def size_of(path: Path) -> float:
    """Megabytes of a file, of a workbook those of its sheet."""
    if path.suffix != ".xlsx":
        return path.stat().st_size / 1e6
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo("xl/worksheets/sheet1.xml").file_size / 1e6


def read(kind: str, records: str, path: Path) -> None:
    """Open the file as ingest does."""
    mapping = mapping_of(kind, records)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        FORMATS[kind].open(path, mapping, Workspace(connection, Path(folder), 1 << 40))


def parse_alone(kind: str, records: str, path: Path) -> None:
    """The limit: the parser goes through the file."""
    if kind == "camt":
        for _ in stream(path, "Ntry"):
            pass
    elif kind == "xlsx":
        for _ in openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows():
            pass
    elif kind == "jsonl":
        for line in path.open():
            json.loads(line)
    else:
        mt940.parse_statements(path.read_text())


def cost(task: Callable[[str, str, Path], None], kind: str, records: str, path: Path) -> tuple[float, int]:
    """CPU seconds of a task, and the peak memory of this process in MB."""
    mapping_of(kind, records)  # the contracts, which a run reads once
    started = time.process_time()
    task(kind, records, path)
    spent = time.process_time() - started
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return spent, int(peak[1]) // 1000 if peak else 0


def cases(largest: int) -> Iterator[tuple[str, str, Callable[[str, str, Path], None], int]]:
    for megabytes in (1, 30, largest):
        yield "camt", "transaction", read, megabytes
    yield "camt", "balance", read, largest
    yield "camt", "transaction", parse_alone, 30
    for kind in ("mt940", "bai2"):
        for megabytes in (1, 30):
            yield kind, "transaction", read, megabytes
    yield "mt940", "transaction", parse_alone, 30
    for kind in ("xlsx", "jsonl"):
        for megabytes in (1, 30):
            yield kind, "transaction", read, megabytes
        yield kind, "transaction", parse_alone, 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=300, help="megabytes of the largest camt file")
    largest = parser.parse_args().largest
    with (
        tempfile.TemporaryDirectory() as folder,
        multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool,
    ):
        print(f"{'format':8}{'records':14}{'file':>8}{'per core':>12}{'peak':>10}")
        for kind, records, task, megabytes in cases(largest):
            path = generated(Path(folder), kind, megabytes)
            size = size_of(path)
            spent, peak = pool.apply(cost, (task, kind, records, path))
            what = records if task is read else "parser alone"
            print(f"{kind:8}{what:14}{size:5.0f} MB{size / spent:7.1f} MB/s{peak:7,} MB")
            path.unlink()


if __name__ == "__main__":
    main()
