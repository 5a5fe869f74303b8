"""Wrappings around a delivered file: gzip, or a zip archive of one or more; taken off as a stream, within bounds.

A name inside an archive chooses the reader and is never used as a path. What is unpacked is bounded by its size and by
its proportion to the packed file: business documents shrink to a tenth or a fiftieth, a bomb to a thousandth.
"""

from __future__ import annotations

import errno
import io
import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, Protocol

from sources.readers import FileRefused, Workspace
from sources.sentence import shortened

HEAD_BYTES = 1 << 16

_BLOCK_BYTES = 1 << 20
_PACKED_BLOCK_BYTES = 1 << 14
_GZIP_FORMAT = 31  # the window of zlib, with the header and the checksum of gzip
_WRAPPINGS = (".gz", ".zip")
_MAX_PROPORTION = 200
_ALWAYS_UNPACKED_BYTES = 64 << 20
_DIRECTORY_BYTES = 2 << 20
"""Room for the directory of an archive of 20,000 files, of which one is delivered."""
BROKEN_ARCHIVE = (EOFError, NotImplementedError, OverflowError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error)
"""What the library raises on an archive that is damaged or of a kind that it does not know, beside OSError."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods that unpack a block at a time; bzip2 and LZMA make gigabytes of one block."""


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def is_wrapped(name: str) -> bool:
    """Whether a file of this name is a wrapping around another."""
    return name.lower().endswith(_WRAPPINGS)


@dataclass(frozen=True)
class Content:
    """A file without its wrapping: the name that it has there, never used as a path, and where it lies."""

    name: str
    path: Path


def head(path: Path) -> tuple[str, bytes]:
    """Name of the file without its wrapping, and its first ``HEAD_BYTES`` bytes; FileRefused where it has none.

    Of an archive of several files the first is told.
    """
    with _broken_is_refused(), closing(_contents(path, most=None)) as contents:
        name, stream = next(contents)
        return name, stream.read(HEAD_BYTES)


def unpacked(path: Path, workspace: Workspace) -> Path:
    """The file itself, or its content in the scratch folder; FileRefused when it does not unpack within the bound."""
    (content,) = all_unpacked(path, workspace, most=1)
    return content.path


def all_unpacked(path: Path, workspace: Workspace, most: int) -> list[Content]:
    """The file itself, or the contents of its wrapping in the scratch folder, in their order there.

    FileRefused when there are more than ``most``, or they do not unpack within the bound.
    """
    if not is_wrapped(path.name):
        return [Content(path.name, path)]
    found: list[Content] = []
    written = 0
    proportionate = max(_ALWAYS_UNPACKED_BYTES, _MAX_PROPORTION * path.stat().st_size)
    with _broken_is_refused():
        for name, stream in _contents(path, most):
            target = workspace.scratch / f"content{len(found)}"
            with target.open("wb") as sink:
                while block := stream.read(_BLOCK_BYTES):
                    written += len(block)
                    _check_size(written, proportionate, workspace.max_content_bytes)
                    sink.write(block)
            found.append(Content(name, target))
    return found


def _check_size(written: int, proportionate: int, most: int) -> None:
    if written > most:
        raise FileRefused(f"Unpacked it exceeds {most:,} bytes; split it.")
    if written > proportionate:
        raise FileRefused(
            f"It unpacks to more than {_MAX_PROPORTION} times its size, as no business document does; "
            "deliver it without the packing."
        )


@contextmanager
def _broken_is_refused() -> Iterator[None]:
    try:
        yield
    except BROKEN_ARCHIVE as error:
        raise FileRefused(f"It does not unpack ({shortened(str(error))}); deliver the file again.") from error
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise FileRefused("It does not unpack (its content lies nowhere); deliver the file again.") from error


def _contents(path: Path, most: int | None) -> Generator[tuple[str, _Stream]]:
    """Names and streams, each to be read before the next is asked for; there is one at least."""
    name = path.name.lower()
    if name.endswith(".gz"):
        with path.open("rb") as file:
            yield _unwrapped(path.name[: -len(".gz")]), _Gunzipped(file)
    elif name.endswith(".zip"):
        with _Archive(path) as packed, zipfile.ZipFile(packed) as archive:
            for member in _members(archive, most):
                with archive.open(member) as stream:
                    yield _unwrapped(PurePosixPath(member.filename).name), stream
    else:
        with path.open("rb") as stream:
            yield path.name, stream


class _Gunzipped:
    """The content of a gzip file of one or more members; EOFError or zlib.error when it is broken.

    The standard library's own reader takes a header byte by byte, and a header may hold a name of any length.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._inflater = zlib.decompressobj(_GZIP_FORMAT)
        self._packed = b""

    def read(self, size: int, /) -> bytes:
        while not self._inflater.eof or self._begins_another():
            packed = self._packed or self._file.read(_PACKED_BLOCK_BYTES)
            content = self._inflater.decompress(packed, size)
            self._packed = self._inflater.unconsumed_tail
            if content:
                return content
            if not packed and not self._inflater.eof:
                raise EOFError("it ends in the middle")
        return b""

    def _begins_another(self) -> bool:
        """Whether another member follows; zeros are padding."""
        packed = self._inflater.unused_data.lstrip(b"\0")
        while not packed:
            if not (block := self._file.read(_PACKED_BLOCK_BYTES)):
                return False
            packed = block.lstrip(b"\0")
        self._inflater, self._packed = zlib.decompressobj(_GZIP_FORMAT), packed
        return True


class _Archive(io.FileIO):
    """A zip file whose directory is bounded: the library reads it whole, before the first name of it is seen."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _DIRECTORY_BYTES:
            raise FileRefused("The archive holds too many files; deliver several archives.")
        return super().read(size)


def _unwrapped(name: str) -> str:
    if is_wrapped(name):
        raise FileRefused("It is packed more than once; deliver it packed once.")
    return name


def _members(archive: zipfile.ZipFile, most: int | None) -> list[zipfile.ZipInfo]:
    members = [member for member in archive.infolist() if not member.is_dir() and not _is_of_the_system(member)]
    if not members:
        raise FileRefused("The archive holds no file; deliver it again.")
    if most is not None and len(members) > most:
        wanted = "an archive of one file each" if most == 1 else f"archives of at most {most} files"
        raise FileRefused(f"The archive holds {len(members):,} files; deliver {wanted}.")
    for member in members:
        _check(member)
    return members


def _check(member: zipfile.ZipInfo) -> None:
    place = PureWindowsPath(member.filename)  # which takes both kinds of slash, and knows drives
    if place.anchor or ".." in place.parts:
        raise FileRefused("The archive names a file outside itself; it was not unpacked.")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise FileRefused("The archive holds a link or a device instead of a file; deliver the file itself.")
    if member.flag_bits & 0x1:
        raise FileRefused("The archive is encrypted; deliver it without a password.")
    if member.compress_type not in _METHODS:
        raise FileRefused("The archive is compressed in a way that is not read here; use deflate.")


def _is_of_the_system(member: zipfile.ZipInfo) -> bool:
    """Whether a packer added the member by itself, such as ``__MACOSX/._name``."""
    parts = PurePosixPath(member.filename).parts
    return "__MACOSX" in parts or bool(parts and parts[-1] in (".DS_Store", "Thumbs.db"))
