"""Ingest mutated files by the thousand, and see that every promise is kept: none crashes, hangs or loses a row.

    .venv/bin/python -m tests.fuzz                                          # 1,000 files of each format
    .venv/bin/python -m tests.fuzz camt mt940 --files 20000 --engine atheris
    .venv/bin/python -m tests.fuzz saft --seeds ../shared/data/saft

Valid files of the project's own builders, and those of ``--seeds`` that have the suffix of the format, are mutated:
``random`` by chance, ``atheris`` led by what the readers' code has not done yet. The files are delivered, some hundred
at a time, to the feeds of the format in turn, and ingested in a process of their own. Where one ends, takes too long or
leaves a promise of `tests.fuzz.promise` broken, its files are halved until one is left, which is kept. The exit code is
1 when there are such.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from tests.fuzz.apart import checked
from tests.fuzz.mutate import mutated
from tests.fuzz.seeds import FORMATS

BATCH_FILES = 250
LARGEST_SEED_BYTES = 100_000


def by_chance(kind: str, seeds: Sequence[bytes], count: int, start: int) -> Iterator[bytes]:
    for number in range(start, start + count):
        yield mutated(seeds, random.Random(f"{kind} {number}").randrange)


def guided(kind: str, seeds: Sequence[bytes], count: int, start: int) -> Iterator[bytes]:
    """Files that atheris makes, in a process whose readers are instrumented."""
    with TemporaryDirectory() as folder:
        corpus, made = Path(folder) / "corpus", Path(folder) / "made"
        corpus.mkdir()
        for number, seed in enumerate(seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        while count > 0:
            made.mkdir()
            runs = min(count, 10 * BATCH_FILES)
            command = [sys.executable, "-m", "tests.fuzz.guided", kind, str(made), str(corpus), str(runs), str(start)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            files = sorted(made.iterdir())
            if not files:
                raise SystemExit(f"atheris made no file:\n{done.stdout}\n{done.stderr}")
            yield from (file.read_bytes() for file in files)
            count, start = count - len(files), start + 1
            shutil.rmtree(made)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", metavar="format", help=f"of {', '.join(FORMATS)}; default: all")
    parser.add_argument("--files", type=int, default=1_000, help="mutated files of each format")
    parser.add_argument("--engine", choices=("random", "atheris"), default="random")
    parser.add_argument("--seeds", type=Path, help="a folder of valid files of others, to mutate beside our own")
    parser.add_argument("--start", type=int, default=0, help="number of the first file: others begin elsewhere")
    parser.add_argument("--keep", type=Path, help="where files that broke a promise are kept")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.formats) - set(FORMATS)):
        parser.error(f"no format {', '.join(unknown)}; there are {', '.join(FORMATS)}")
    keep = arguments.keep or Path(mkdtemp(prefix="anchorwatch-fuzz-"))
    keep.mkdir(parents=True, exist_ok=True)
    print(
        f"{'format':11}{'files':>8}{'refused':>9}{'loaded':>10}{'quarantined':>13}{'duplicate':>11}"
        f"{'seconds':>9}{'broken':>8}"
    )
    is_broken = False
    for kind in arguments.formats or FORMATS:
        started, files, fates, broken = time.perf_counter(), 0, Counter[str](), 0
        make = by_chance if arguments.engine == "random" else guided
        contents = make(kind, seeds_of(kind, arguments.seeds), arguments.files, arguments.start)
        while batch := {
            f"{n:06d}{FORMATS[kind].suffix}": c for n, c in zip(range(BATCH_FILES), contents, strict=False)
        }:
            feed = FORMATS[kind].feeds[files // BATCH_FILES % len(FORMATS[kind].feeds)]
            some, found = checked(feed, batch)
            files, fates, broken = files + len(batch), fates + some, broken + len(found)
            for name, what in found.items():
                place = keep / f"{kind}-{hashlib.sha256(batch[name]).hexdigest()[:12]}{FORMATS[kind].suffix}"
                place.write_bytes(batch[name])
                print(f"{place}: {what}", file=sys.stderr, flush=True)
        rows = f"{fates['loaded']:10,}{fates['quarantined']:13,}{fates['duplicate']:11,}"
        seconds = time.perf_counter() - started
        print(f"{kind:11}{files:8,}{fates['REFUSED']:9,}{rows}{seconds:9,.0f}{broken:8,}", flush=True)
        is_broken |= broken > 0
    return int(is_broken)


def seeds_of(kind: str, folder: Path | None) -> tuple[bytes, ...]:
    """Our own valid files and those of the folder."""
    form = FORMATS[kind]
    others = sorted(folder.rglob(f"*{form.suffix}")) if folder else []
    return (*form.seeds, *(path.read_bytes() for path in others if 0 < path.stat().st_size <= LARGEST_SEED_BYTES))


if __name__ == "__main__":
    sys.exit(main())
