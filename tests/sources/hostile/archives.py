"""Hostile archives: bombs, names that lead elsewhere, links, lies about sizes, passwords, packings in packings."""

from __future__ import annotations

import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.sources.hostile.case import BANK, MB, RATES, Hostile, made_by
from tests.sources.hostile.texts import CSV, RATE


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive in memory."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


def named(name: str) -> bytes:
    """An archive of one file of this name, which the library would not write as it is."""
    placeholder = "n" * len(name)
    return zipped((placeholder, CSV)).replace(placeholder.encode(), os.fsencode(name))


def of_kind(kind: int) -> bytes:
    """An archive of one member of a kind of Unix, such as a link."""
    member = zipfile.ZipInfo("r.csv")
    member.create_system, member.external_attr = 3, kind << 16
    return zipped((member, b"/etc/hostname"))


def changed(content: bytes, at: tuple[int, int], value: bytes) -> bytes:
    """An archive with a field changed in the header of its member and in its directory."""
    copy = bytearray(content)
    directory = copy.index(b"PK\1\2")
    copy[at[0] : at[0] + len(value)] = value
    copy[directory + at[1] : directory + at[1] + len(value)] = value
    return bytes(copy)


_FLAGS, _METHOD, _PACKED_SIZE, _SIZE = (6, 8), (8, 10), (18, 20), (22, 24)


def lying_by(difference: int) -> bytes:
    """An archive that states another size of its file than it has."""
    stored = zipped(("r.csv", CSV), method=zipfile.ZIP_STORED)
    return changed(
        changed(stored, (18, 20), struct.pack("<L", len(CSV) + difference)),
        _SIZE,
        struct.pack("<L", len(CSV) + difference),
    )


def deflated(start: bytes, unit: bytes, times: int) -> bytes:
    """A raw deflate stream of ``start`` and a unit again and again, made as fast as one unit."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(start + unit) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(unit) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * times + packer.flush()


def zip_bomb(start: bytes, unit: bytes, times: int) -> bytes:
    """An archive of one file that deflates to a thousandth."""
    packed, size = deflated(start, unit, times), len(start) + len(unit) * (times + 1)
    header = struct.pack("<HHHHHLLLHH", 20, 0, 8, 0, 33, 0, len(packed), size, 5, 0)
    local = b"PK\3\4" + header + b"r.csv" + packed
    directory = b"PK\1\2" + struct.pack("<H", 20) + header + struct.pack("<HHHLL", 0, 0, 0, 0, 0) + b"r.csv"
    end = b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, 1, 1, len(directory), len(local), 0)
    return local + directory + end


def gzip_bomb(start: bytes, unit: bytes, times: int) -> bytes:
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated(start, unit, times) + b"\0" * 8


def crowded(path: Path) -> None:
    """A directory of six million names, of which the archive has none."""
    name = b"PK\1\2" + struct.pack("<4B4HL2L5H2L", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"a.csv"
    names = 6_000_000
    with path.open("wb") as file:
        for _ in range(names // 10_000):
            file.write(name * 10_000)
        size = names * len(name)
        file.write(b"PK\6\6" + struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, names, names, size, 0))
        file.write(b"PK\6\7" + struct.pack("<LQL", 0, size, 1))
        file.write(b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


def tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        member = tarfile.TarInfo("r.csv")
        member.size = len(CSV)
        archive.addfile(member, io.BytesIO(CSV))
    return target.getvalue()


_PACKED = gzip.compress(CSV)
_OUTSIDE, _TWICE, _BOMB, _BROKEN = (
    "names a file outside",
    "packed more than once",
    "200 times its size",
    "does not unpack",
)
_ZEROS = b"\0" * MB

_MADE: tuple[tuple[str, Callable[[], bytes], str], ...] = (
    ("dots.zip", lambda: named("../../r.csv"), _OUTSIDE),
    ("absolute.zip", lambda: named("/etc/r.csv"), _OUTSIDE),
    ("drive.zip", lambda: named("C:/r.csv"), _OUTSIDE),
    ("drive-here.zip", lambda: named("C:r.csv"), _OUTSIDE),
    ("backslash.zip", lambda: named("..\\r.csv"), _OUTSIDE),
    ("share.zip", lambda: named("\\\\host\\share\\r.csv"), _OUTSIDE),
    ("nul.zip", lambda: named("r\0.csv"), "No reader takes such a file"),
    ("link.zip", lambda: of_kind(stat.S_IFLNK | 0o777), "a link or a device"),
    ("fifo.zip", lambda: of_kind(stat.S_IFIFO | 0o644), "a link or a device"),
    ("device.zip", lambda: of_kind(stat.S_IFCHR | 0o644), "a link or a device"),
    ("nested.zip", lambda: zipped(("r.zip", zipped(("r.csv", CSV)))), _TWICE),
    ("nested-gz.zip", lambda: zipped(("r.csv.gz", _PACKED)), _TWICE),
    ("nested.csv.gz.gz", lambda: gzip.compress(_PACKED), _TWICE),
    ("two.zip", lambda: zipped(("r.csv", CSV), ("s.csv", CSV)), "holds 2 files"),
    ("none.zip", lambda: zipped(), "holds no file"),
    ("many.zip", lambda: zipped(*((f"{i}.csv", b"") for i in range(60_000))), "holds too many files"),
    ("bzip2.zip", lambda: zipped(("r.csv", CSV), method=zipfile.ZIP_BZIP2), "compressed in a way"),
    ("lzma.zip", lambda: zipped(("r.csv", CSV), method=zipfile.ZIP_LZMA), "compressed in a way"),
    ("method.zip", lambda: changed(zipped(("r.csv", CSV)), _METHOD, b"\x63\0"), "compressed in a way"),
    ("password.zip", lambda: changed(zipped(("r.csv", CSV)), _FLAGS, b"\1\0"), "encrypted"),
    ("version.zip", lambda: changed(zipped(("r.csv", CSV)), (4, 6), b"\x7e\0"), _BROKEN),
    ("patched.zip", lambda: changed(zipped(("r.csv", CSV)), _FLAGS, b"\x20\0"), _BROKEN),
    ("name.zip", lambda: changed(named("\udcff.csv"), _FLAGS, b"\0\x08"), _BROKEN),
    ("says-more.zip", lambda: lying_by(1000), _BROKEN),
    ("says-less.zip", lambda: lying_by(-10), _BROKEN),
    ("checksum.zip", lambda: changed(zipped(("r.csv", CSV)), (14, 16), b"\0\0\0\0"), _BROKEN),
    ("cut.zip", lambda: zipped(("r.csv", CSV))[:-30], _BROKEN),
    ("text.zip", lambda: CSV, _BROKEN),
    ("empty.zip", lambda: b"", _BROKEN),
    ("name.csv.gz", lambda: b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"n" * (50 * MB), _BROKEN),
    ("members.csv.gz", lambda: gzip.compress(b"") * 500_000, "file is empty"),
    ("padding.csv.gz", lambda: gzip.compress(b"") + b"\0" * (50 * MB), "file is empty"),
    ("more.csv.gz", lambda: _PACKED + b"more", _BROKEN),
    ("cut.csv.gz", lambda: _PACKED[:-9], _BROKEN),
    ("checksum.csv.gz", lambda: _PACKED[:-8] + b"\0" * 8, _BROKEN),
    ("text.csv.gz", lambda: CSV, _BROKEN),
    ("empty.csv.gz", lambda: b"", _BROKEN),
    ("tape.csv.tar.gz", lambda: tar(), "No reader takes such a file"),
    ("other.7z", lambda: b"7z\xbc\xaf\x27\x1c" + b"x" * 100, "No reader takes such a file"),
)

ARCHIVES = (
    Hostile("sound.zip", RATES, made_by(lambda: zipped(("a/r.csv", CSV), ("__MACOSX/a/._r.csv", b""))), "", 1, 0),
    Hostile("padded.csv.gz", RATES, made_by(lambda: _PACKED + b"\0" * 512), "", 1, 0),
    Hostile("two-members.csv.gz", RATES, made_by(lambda: gzip.compress(CSV[:40]) + gzip.compress(CSV[40:])), "", 1, 0),
    *(Hostile(name, RATES, made_by(make), said) for name, make, said in _MADE),
)

BOMBS = (
    Hostile("crowded.zip", RATES, crowded, "holds too many files"),
    Hostile("bomb.zip", RATES, made_by(lambda: zip_bomb(CSV, RATE * (MB // len(RATE)), 300)), _BOMB),
    Hostile("zeros.zip", RATES, made_by(lambda: zip_bomb(CSV, _ZEROS, 300)), _BOMB),
    Hostile("bomb.csv.gz", RATES, made_by(lambda: gzip_bomb(CSV, RATE * (MB // len(RATE)), 300)), _BOMB),
    Hostile("zeros.csv.gz", RATES, made_by(lambda: gzip_bomb(CSV, _ZEROS, 300)), _BOMB),
    Hostile(
        "spaces.xml.gz", BANK, made_by(lambda: gzip_bomb(b'<Document xmlns="camt.053."><a>', b" " * MB, 300)), _BOMB
    ),
)
