"""Whether nights add up: thirty of them, with what was late, repeated and restated, equal the last one built at once.

    .venv/bin/python benchmarks/thirty_nights.py [--scale 0.05] [--nights 30] [--home DIR]

Runs the commands a user runs, in processes of their own, in an empty home (a temporary one unless named). The last
night is replayed beside the book from what was known then: every published table is compared by its digest. Printed are
the seconds of each night beside those of the replay, which is the limit: what the nights save is the work of the days
before.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from pipelines.settings import CHECKOUT

COMMAND = CHECKOUT / ".venv" / "bin" / "anchorwatch"
LAST = date(2026, 6, 30)


def timed(home: Path, *arguments: str) -> float:
    """Seconds of one anchorwatch command; SystemExit with what it said when it fails."""
    started = time.perf_counter()
    done = subprocess.run(
        [str(COMMAND), *arguments],
        env=os.environ | {"ANCHORWATCH_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"anchorwatch {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="0.05")
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = arguments.home or Path(folder)
        timed(home, "simulate", "--scale", arguments.scale, "--until", LAST.isoformat())
        first = LAST - timedelta(days=arguments.nights)
        print(f"{first} with training: {timed(home, 'nightly', '--train', '--as-of', first.isoformat()):.1f} s")
        spent = []
        for number in range(1, arguments.nights + 1):
            night = first + timedelta(days=number)
            spent.append(timed(home, "nightly", "--as-of", night.isoformat()))
            print(f"{night}: {spent[-1]:.1f} s", flush=True)
        replayed = timed(home, "replay", "--as-of", LAST.isoformat())
        print(
            f"{arguments.nights} nights equal one build in every published table; "
            f"median {statistics.median(spent):.1f} s a night, built at once {replayed:.1f} s"
        )


if __name__ == "__main__":
    main()
