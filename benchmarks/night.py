"""What a night costs: wall time and memory of the first night and of the next one, with their parts named.

    .venv/bin/python benchmarks/night.py [--scale 1] [--home DIR]

Runs the commands a user runs, in processes of their own, in an empty home (a temporary one unless named). The limit
beside the figure: DuckDB reading every delivered Parquet and CSV file of the same portfolio once, with no checks.
Peak memory is the sum over the process tree, sampled five times a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import threading
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
from dagster import DagsterInstance

from pipelines.night import last_finished_night
from pipelines.settings import CHECKOUT, Settings

COMMAND = CHECKOUT / ".venv" / "bin" / "anchorwatch"


def tree_memory_mb(root: int) -> float:
    """Resident memory of a process and all that it started, in MB."""
    parents, pages = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                pages[int(entry.name)] = int((entry / "statm").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry.name)] = int(stat[1])
    wanted, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in wanted} - wanted
        wanted |= more
        grown = bool(more)
    return sum(pages.get(pid, 0) for pid in wanted) * os.sysconf("SC_PAGESIZE") / 1e6


def timed(home: Path, *arguments: str) -> tuple[float, float]:
    """Seconds and peak MB of one anchorwatch command; its output goes to the screen."""
    started, peak = time.perf_counter(), 0.0
    process = subprocess.Popen([str(COMMAND), *arguments], env=os.environ | {"ANCHORWATCH_HOME": str(home)})
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.2):
            peak = max(peak, tree_memory_mb(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    ended.set()
    watcher.join()
    if code:
        raise SystemExit(f"anchorwatch {' '.join(arguments)} ended with {code}")
    return time.perf_counter() - started, peak


def parts(settings: Settings) -> list[tuple[str, float]]:
    """Seconds of each step of the newest run, longest first."""
    settings.prepare()
    with DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        steps = instance.get_run_step_stats(run.run_id)
    spent = [(s.step_key, s.end_time - s.start_time) for s in steps if s.start_time and s.end_time]
    return sorted(spent, key=lambda part: -part[1])


def bare_read(landing: Path) -> float:
    """Seconds in which DuckDB alone reads the delivered Parquet and CSV files to Parquet: the limit of any ingest."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        for feed in sorted(p for p in landing.glob("*/*") if p.is_dir()):
            for suffix, reader in (("parquet", "read_parquet"), ("csv", "read_csv")):
                files = [str(f) for f in sorted(feed.glob(f"*/*.{suffix}"))]
                if not files:
                    continue
                plain = "" if suffix == "parquet" else ", all_varchar=true, ignore_errors=true"
                target = Path(folder) / f"{feed.parent.name}.{feed.name}.{suffix}"
                rows = f"select * from {reader}({files}, union_by_name=true{plain})"
                con.execute(f"copy ({rows}) to '{target}' (format parquet)")
    return time.perf_counter() - started


def report(title: str, seconds: float, peak: float, steps: list[tuple[str, float]]) -> None:
    print(f"\n{title}: {seconds:.1f} s, peak {peak:,.0f} MB")
    for name, spent in steps[:12]:
        print(f"    {name:32} {spent:6.1f} s")
    print(f"    {'start, screen and the rest':32} {seconds - sum(s for _, s in steps):6.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="1")
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder)
        settings = Settings(home=home)
        simulated = timed(home, "simulate", "--scale", arguments.scale)
        first = timed(home, "nightly", "--train")
        first_parts = parts(settings)
        last = last_finished_night(settings.warehouse)
        if last is None:
            raise SystemExit("The first night left no warehouse.")
        tomorrow = date.fromordinal(last.toordinal()) + timedelta(days=1)
        day = timed(home, "simulate", "--until", tomorrow.isoformat())
        following = timed(home, "nightly", "--as-of", tomorrow.isoformat())
        report("simulate the portfolio", *simulated, [])
        report("first night (with training)", *first, first_parts)
        report("simulate one day more", *day, [])
        report("next night", *following, parts(settings))
        limit = bare_read(settings.landing)
        ingest = sum(spent for name, spent in first_parts if name.startswith("ingest_"))
        print(
            f"\nlimit: DuckDB reads the same files without checks in {limit:.1f} s; ingest took {ingest / limit:.1f}×"
        )


if __name__ == "__main__":
    main()
