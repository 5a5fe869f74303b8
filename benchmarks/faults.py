"""What nights say when deliveries are wrong or the world moves: delivered files are changed and whole nights are run.

    .venv/bin/python benchmarks/faults.py HOME [--nights 2] [--only cents]

HOME is a demo portfolio with a finished night; it is copied and not changed. Of each case the files of the next nights
are changed as they lie in landing, and printed is what each night named (monitoring.drift_diagnosis):

- *quiet*: nothing is changed, nothing may be named;
- *cents*: every amount of the banks' balances and statements is a hundred times as large;
- *stopped*: the banks deliver no balances and no statements;
- *shock*: the firms of the largest sector lose most of their cash, lay off half of their people and are sued.

A shift of labels shows only when outcomes are known, a quarter later; it is tried on features and models in
`tests/ml/test_diagnosis.py`.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

import duckdb
from thirty_nights import timed

from pipelines.night import last_finished_night
from pipelines.settings import Settings

BANK = ("bank/balance", "bank/transaction")
AMOUNT = re.compile(r'(<Amt Ccy="[A-Z]{3}">)([0-9.]+)')
Rows = list[dict[str, str]]
Change = Callable[[Path, date], None]


def of_day(landing: Path, feed: str, day: date) -> list[Path]:
    """Files of a feed delivered for a day."""
    return [path for path in (landing / feed / day.isoformat()).glob("*") if path.is_file()]


def rewrite(path: Path, change: Callable[[Rows], Rows]) -> None:
    """Change the rows of a delimited file; those that are broken stay as they came, at its end."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *records = csv.reader(file)
    whole = change([dict(zip(header, record, strict=True)) for record in records if len(record) == len(header)])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *(list(row.values()) for row in whole)])
        writer.writerows(record for record in records if len(record) != len(header))


def times(amount: str, factor: float) -> str:
    """An amount so many times as large; what is none stays what it is."""
    try:
        return f"{float(amount) * factor:.2f}"
    except ValueError:
        return amount


def quiet(landing: Path, day: date) -> None:
    """Nothing."""


def cents(landing: Path, day: date) -> None:
    """Amounts of the banks in the hundredth part of the unit."""
    for path in of_day(landing, BANK[0], day):
        rewrite(path, lambda rows: [{**row, "amount": times(row["amount"], 100)} for row in rows])
    for path in of_day(landing, BANK[1], day):
        text = path.read_text(encoding="utf-8")
        path.write_text(AMOUNT.sub(lambda found: found[1] + times(found[2], 100), text), encoding="utf-8")


def stopped(landing: Path, day: date) -> None:
    """Nothing from the banks."""
    for feed in BANK:
        shutil.rmtree(landing / feed / day.isoformat(), ignore_errors=True)


def shock(warehouse: Path) -> tuple[str, Change]:
    """The largest sector, and what happens to its firms."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        [(sector,)] = con.execute(
            "select sector_code from core.dim_supplier group by all order by count(*) desc, 1 limit 1"
        ).fetchall()
        firms = con.execute(
            "select supplier_id, party_no, party_no_scheme, settlement_account_no from staging.stg_platform__supplier "
            "where sector_code = ? qualify row_number() over (partition by supplier_id order by updated_date desc) = 1",
            [sector],
        ).fetchall()
    ids, accounts = {firm[0] for firm in firms}, {firm[3] for firm in firms}

    def poorer(rows: Iterable[dict[str, str]]) -> Rows:
        return [{**row, "amount": times(row["amount"], 0.02 if row["account_no"] in accounts else 1)} for row in rows]

    def smaller(rows: Iterable[dict[str, str]]) -> Rows:
        return [
            {**row, "insured_headcount": str(int(row["insured_headcount"]) // 2)}
            if row["supplier_id"] in ids and row["insured_headcount"].isdecimal()
            else row
            for row in rows
        ]

    def happens(landing: Path, day: date) -> None:
        for path in of_day(landing, BANK[0], day):
            rewrite(path, poorer)
        for path in of_day(landing, BANK[1], day):
            parts = re.split(r"(?=<Stmt>)", path.read_text(encoding="utf-8"))
            path.write_text("".join(_poorer_statement(part, accounts) for part in parts), encoding="utf-8")
        for path in of_day(landing, "platform/supplier", day):
            rewrite(path, smaller)
        for path in of_day(landing, "external/public_record", day)[:1]:
            rewrite(path, lambda rows: rows + _suits(rows, firms, day))

    return sector, happens


def _poorer_statement(part: str, accounts: set[str]) -> str:
    account = re.search(r"<Acct><Id><Othr><Id>([^<]+)", part)
    if account is None or account[1] not in accounts:
        return part
    balances = re.compile(r'(<Bal>(?:(?!</Bal>).)*?<Amt Ccy="[A-Z]{3}">)([0-9.]+)', re.DOTALL)
    return balances.sub(lambda found: found[1] + times(found[2], 0.02), part)


def _suits(rows: Rows, firms: Iterable[tuple[str, ...]], day: date) -> Rows:
    """A suit against every second firm."""
    return [
        {
            **dict.fromkeys(rows[0], ""),
            "public_record_id": f"SHOCK-{supplier}-{day}",
            "party_no": party_no,
            "party_no_scheme": scheme,
            "record_type": "LAWSUIT",
            "amount": "500000.00",
            "currency": "CNY",
            "published_date": (day - timedelta(days=1)).isoformat(),
        }
        for number, (supplier, party_no, scheme, _) in enumerate(firms)
        if number % 2 == 0
    ]


def named(warehouse: Path, nights: Iterable[date]) -> list[tuple[str, ...]]:
    """What the nights named of the champion's features: night, kind, subject, evidence."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return con.execute(
            "select distinct as_of_date::varchar, kind, subject, evidence from monitoring.drift_diagnosis "
            "where list_contains(?, as_of_date) order by all",
            [list(nights)],
        ).fetchall()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--nights", type=int, default=2)
    parser.add_argument("--only", help="the case whose name begins so")
    arguments = parser.parse_args()
    last = last_finished_night(Settings(home=arguments.home).warehouse)
    if last is None:
        raise SystemExit(f"No night has been finished in {arguments.home}.")
    nights = [last + timedelta(days=number) for number in range(1, arguments.nights + 1)]
    with tempfile.TemporaryDirectory(dir=arguments.home.parent) as folder:
        before, home = Path(folder) / "before", Path(folder) / "home"
        shutil.copytree(arguments.home, before)
        timed(before, "simulate", "--until", nights[-1].isoformat())
        sector, happens = shock(Settings(home=before).warehouse)
        cases: dict[str, Change] = {"quiet": quiet, "cents": cents, "stopped": stopped, f"shock to {sector}": happens}
        for name, change in cases.items():
            if arguments.only and not name.startswith(arguments.only):
                continue
            # one place for all, since dbt parses the project of a home that moved anew
            shutil.copytree(before, home)
            spent = []
            for night in nights:
                change(home / "landing", night)
                spent.append(timed(home, "nightly", "--as-of", night.isoformat()))
            print(f"\n{name} ({', '.join(f'{seconds:.0f}' for seconds in spent)} s)")
            for found in named(Settings(home=home).warehouse, nights) or [("", "nothing was named", "", "")]:
                print("  " + "  ".join(found), flush=True)
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
