"""Make mutated files of one format, led by the code of the readers that a file reaches, and keep every one.

    .venv/bin/python -m tests.fuzz.guided FORMAT MADE CORPUS RUNS SEED

MADE gets the files, CORPUS has the valid ones and gets those that reached something new. Nothing is judged here: files
are judged when they are ingested (`tests.fuzz`).
"""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["sources"]):
    from sources.contract import load_contracts
    from sources.engine import engine
    from sources.ingest import Limits
    from sources.mapping import identity_mapping
    from sources.readers import Workspace
    from sources.readers.choose import FORMATS as READERS
    from sources.readers.choose import choose_reader, settled
    from sources.readers.unpack import unpacked
    from tests.fuzz.mutate import mutated
    from tests.fuzz.seeds import FORMATS

SECONDS_A_FILE = 20
LARGEST_BYTES = 200_000


def main(kind: str, made: Path, corpus: Path, runs: int, seed: int) -> None:
    form = FORMATS[kind]
    contract = load_contracts()[form.feeds[0]]
    number = 0

    def read(content: bytes, workspace: Workspace) -> None:
        path = workspace.scratch / f"file{form.suffix}"
        path.write_bytes(content)
        mapping = settled(path, identity_mapping(contract), contract)
        records = READERS[choose_reader(path, mapping)].open(unpacked(path, workspace), mapping, workspace)
        for _ in records.refused():
            pass
        if records.repair is not None:
            for _ in records.repair().refused():
                pass

    def one(content: bytes) -> None:
        nonlocal number
        number += 1
        (made / f"{number:06d}").write_bytes(content)
        own = Path(folder) / "own"
        own.mkdir()
        try:
            read(content, Workspace(connection, own, LARGEST_BYTES * 100))
        except Exception:
            # Here files are only found. Each is judged afterwards, through ingest and in another process.
            pass
        finally:
            shutil.rmtree(own)

    def mutate(content: bytes, most: int, chance: int) -> bytes:
        if chance % 4 == 0:
            return bytes(atheris.Mutate(content, most))
        return mutated((content, *form.seeds), random.Random(chance).randrange)[:most]

    with TemporaryDirectory() as folder, engine(Path(folder), Limits().engine_memory) as connection:
        options = (
            f"-atheris_runs={runs}",
            f"-seed={seed + 1}",
            f"-max_len={LARGEST_BYTES}",
            f"-timeout={SECONDS_A_FILE}",
        )
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={made}/", str(corpus)], one, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
