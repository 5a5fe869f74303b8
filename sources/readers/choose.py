"""Which reader opens a file: by the suffix of its name, unless the mapping says."""

from __future__ import annotations

from sources.mapping import Mapping, ReaderName
from sources.readers import FileRefused, Reader
from sources.readers.camt053 import open_camt053
from sources.readers.delimited import open_delimited
from sources.readers.parquet import open_parquet

READERS: dict[ReaderName, Reader] = {
    "delimited": open_delimited,
    "parquet": open_parquet,
    "camt053": open_camt053,
}
_SUFFIXES: dict[str, ReaderName] = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".txt": "delimited",
    ".parquet": "parquet",
    ".xml": "camt053",
}


def choose_reader(file: str, mapping: Mapping) -> tuple[ReaderName, Reader]:
    """Name and function of the reader; FileRefused when no reader takes such a file."""
    if mapping.reader is not None:
        return mapping.reader, READERS[mapping.reader]
    name = file.lower().removesuffix(".gz")
    for suffix, reader in _SUFFIXES.items():
        if name.endswith(suffix) and (name == file.lower() or reader == "delimited"):
            return reader, READERS[reader]
    raise FileRefused(f"No reader takes such a file; deliver {', '.join(_SUFFIXES)} or name a reader in the mapping.")
