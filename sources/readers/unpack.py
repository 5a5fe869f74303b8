"""Wrappings around a delivered file: gzip, or a zip archive that holds one file; taken off as a stream, within a bound.

A name inside an archive chooses the reader and is never used as a path.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol

from sources.readers import FileRefused, Workspace

HEAD_BYTES = 1 << 16

_BLOCK_BYTES = 1 << 20
_WRAPPINGS = (".gz", ".zip")


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def is_wrapped(name: str) -> bool:
    """Whether a file of this name is a wrapping around another."""
    return name.lower().endswith(_WRAPPINGS)


def head(path: Path) -> tuple[str, bytes]:
    """Name of the file without its wrapping, and its first ``HEAD_BYTES`` bytes; FileRefused where it has none."""
    with _content(path) as (name, stream):
        return name, stream.read(HEAD_BYTES)


def unpacked(path: Path, workspace: Workspace) -> Path:
    """The file itself, or its content in the scratch folder; FileRefused when it does not unpack within the bound."""
    if not is_wrapped(path.name):
        return path
    target = workspace.scratch / "content"
    written = 0
    with _content(path) as (_, stream), target.open("wb") as sink:
        while block := stream.read(_BLOCK_BYTES):
            written += len(block)
            if written > workspace.max_content_bytes:
                raise FileRefused(f"Unpacked it exceeds {workspace.max_content_bytes:,} bytes; split it.")
            sink.write(block)
    return target


@contextmanager
def _content(path: Path) -> Iterator[tuple[str, _Stream]]:
    name = path.name.lower()
    try:
        if name.endswith(".gz"):
            with gzip.open(path, "rb") as stream:
                yield _unwrapped(path.name[: -len(".gz")]), stream
        elif name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                member = _only_member(archive)
                with archive.open(member) as stream:
                    yield _unwrapped(PurePosixPath(member.filename).name), stream
        else:
            with path.open("rb") as stream:
                yield path.name, stream
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
        raise FileRefused(f"It does not unpack ({error}); deliver the file again.") from error


def _unwrapped(name: str) -> str:
    if is_wrapped(name):
        raise FileRefused("It is packed more than once; deliver it packed once.")
    return name


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not member.is_dir() and not _is_of_the_system(member)]
    if len(members) != 1:
        raise FileRefused(f"The archive holds {len(members)} files; deliver an archive of one file each.")
    (member,) = members
    place = PurePosixPath(member.filename.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts:
        raise FileRefused("The archive names a file outside itself; it was not unpacked.")
    if member.flag_bits & 0x1:
        raise FileRefused("The archive is encrypted; deliver it without a password.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        raise FileRefused("The archive is compressed in a way that is not read here; use deflate.")
    return member


def _is_of_the_system(member: zipfile.ZipInfo) -> bool:
    """Whether a packer added the member by itself, such as ``__MACOSX/._name``."""
    parts = PurePosixPath(member.filename).parts
    return "__MACOSX" in parts or bool(parts and parts[-1] in (".DS_Store", "Thumbs.db"))
