"""A file that was made to do harm, or is as broken as files get, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

BANK, TAX, RATES, VENDOR = "bank.transaction", "tax.vat_invoice", "external.fx_rate", "erp.vendor"
MB = 1_000_000

Write = Callable[[Path], object]


@dataclass(frozen=True)
class Hostile:
    """``said`` is a pattern of what is said of the file or of its first refused records.

    ``loaded`` and ``quarantined`` count its records, those that repeat another's as loaded; None where the file is
    refused whole.
    """

    name: str
    feed: str
    write: Write
    said: str
    loaded: int | None = None
    quarantined: int = 0


def holding(content: bytes | str) -> Write:
    """Writes the content."""
    return lambda path: path.write_bytes(content.encode() if isinstance(content, str) else content)


def made_by(make: Callable[[], bytes]) -> Write:
    """Writes what is made when it is needed, and not when the tests are collected."""
    return lambda path: path.write_bytes(make())


def parts(*pieces: bytes | Iterable[bytes]) -> Write:
    """Writes pieces one after the other; those of an iterable are made while they are written."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            for piece in pieces:
                file.writelines([piece] if isinstance(piece, bytes) else piece)

    return write


@dataclass(frozen=True)
class Repeated:
    """A piece again and again, up to a size in bytes."""

    piece: bytes
    size: int

    def __iter__(self) -> Iterator[bytes]:
        block = self.piece * (MB // len(self.piece) + 1)
        for _ in range(self.size // len(block)):
            yield block
        yield self.piece * (self.size % len(block) // len(self.piece))
