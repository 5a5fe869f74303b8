"""The parts of an Excel workbook (Office Open XML, ECMA-376): its sheets, date formats and shared texts, within bounds.

openpyxl knows which number formats are dates and what a serial number of a day means. It does not read the parts: it
would keep every shared text and every row's attributes in memory, make floats of numbers, and give up a whole workbook
for one style that it does not know.
"""

from __future__ import annotations

import errno
import mmap
import posixpath
import re
import zipfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.escape import unescape

from sources.readers import FileRefused, Workspace
from sources.readers.unpack import BROKEN_ARCHIVE
from sources.readers.xml import Element, local_name, stream
from sources.sentence import shortened

OLE_START = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_BLOCK_BYTES = 1 << 20
_MAX_ELEMENT_BYTES = 8 << 20
_MAX_TEXTS = 1 << 25
_MAX_MERGES = 100_000
_MAX_REFERENCE_BYTES = 200
_SHOWN_NAMES = 10
_EAST_ASIAN_DATES = frozenset({*range(27, 37), *range(50, 59)})
"""Number formats of dates and times that East Asian Excel uses without defining them (ECMA-376, 18.8.30)."""
_USUAL_WORKBOOK = "xl/workbook.xml"
_MERGE = re.compile(rb"<(?:[\w.-]+:)?mergeCell\s[^<>]*?\bref\s*=\s*[\"']([A-Z0-9:$]+)[\"']")
_UNREADABLE = "It is no workbook that can be read ({reason}); save it as .xlsx again."


@dataclass(frozen=True)
class Sheet:
    """A worksheet: its name as people see it, the part that holds it, whether it is hidden."""

    name: str
    part: str
    is_hidden: bool


@dataclass(frozen=True)
class Merge:
    """A block of merged cells, rows and columns from 1: only its first cell has a value."""

    reference: str
    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(frozen=True)
class DateStyles:
    """Cell styles, by their number as cells write it, that show a number as a date or time, or as a duration."""

    dates: frozenset[str]
    durations: frozenset[str]


@dataclass
class Package:
    """A workbook that passed the checks of `open_package`."""

    path: Path
    sheets: tuple[Sheet, ...]
    counts_from_1904: bool
    _texts_part: str | None
    _styles_part: str | None
    _names: dict[str, str] = field(repr=False)

    @contextmanager
    def elements(self, part: str, *names: str) -> Iterator[Iterator[Element]]:
        """The elements of these local names in a part, as `sources.readers.xml.stream` gives them.

        FileRefused when the part does not unpack, or has megabytes that belong to none of them.
        """
        with zipfile.ZipFile(self.path) as archive, _part(archive, self._names, part) as source:
            yield _bounded(source, names)

    def merges(self, part: str) -> list[Merge]:
        """Merged cells of a sheet, by first row. They stand behind all rows, so that they are looked for alone."""
        found: list[Merge] = []
        with zipfile.ZipFile(self.path) as archive, _part(archive, self._names, part) as source:
            rest = b""
            while block := source.read(_BLOCK_BYTES):
                text = rest + block
                end = 0
                for match in _MERGE.finditer(text):
                    end = match.end()
                    found.append(_merge(match[1].decode()))
                rest = text[max(end, len(text) - _MAX_REFERENCE_BYTES) :]
                if len(found) > _MAX_MERGES:
                    raise FileRefused(f"The sheet has more than {_MAX_MERGES:,} merged cells; unmerge them.")
        return sorted(found, key=lambda merge: merge.first_row)

    def date_styles(self) -> DateStyles:
        """Which cell styles are of dates, by their number formats."""
        codes: dict[int, str] = {}
        formats: list[int] = []
        if self._styles_part is not None:
            with self.elements(self._styles_part, "numFmt", "xf") as found:
                for element in found:
                    parent = element.getparent()
                    owner = "" if parent is None else local_name(parent)
                    if owner == "numFmts":
                        codes[_number_of(element.get("numFmtId"))] = element.get("formatCode") or ""
                    elif owner == "cellXfs":
                        formats.append(_number_of(element.get("numFmtId")))
        dates, durations = set(), set()
        for style, number in enumerate(formats):
            code = codes.get(number, BUILTIN_FORMATS.get(number))
            if code is None:
                is_date, is_duration = number in _EAST_ASIAN_DATES, False
            else:
                is_date, is_duration = bool(is_date_format(code)), bool(is_timedelta_format(code))
            if is_duration:
                durations.add(str(style))
            elif is_date:
                dates.add(str(style))
        return DateStyles(frozenset(dates), frozenset(durations))

    def shared_texts(self, workspace: Workspace) -> SharedTexts:
        """The texts that cells refer to by number, laid down in the scratch folder."""
        target = workspace.scratch / "texts"
        ends = array("Q", [0])
        with target.open("wb") as sink:
            if self._texts_part is not None:
                with self.elements(self._texts_part, "si") as items:
                    for item in items:
                        ends.append(ends[-1] + sink.write(rich_text(item).encode()))
                        if len(ends) > _MAX_TEXTS:
                            raise FileRefused(f"The workbook has more than {_MAX_TEXTS:,} texts; split it.")
        return SharedTexts(target, ends)


class SharedTexts:
    """Texts by their number, read from a file: as objects in memory they would take many times their size."""

    def __init__(self, path: Path, ends: array[int]) -> None:
        self._ends = ends
        with path.open("rb") as source:
            self._view = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) if ends[-1] else b""
        self.text = lru_cache(maxsize=1 << 14)(self._text)

    def _text(self, number: str) -> str:
        """A text; IndexError or ValueError when there is none of this number."""
        place = int(number)
        if place < 0:
            raise IndexError(place)
        return self._view[self._ends[place] : self._ends[place + 1]].decode()


def open_package(path: Path, workspace: Workspace) -> Package:
    """Open a workbook; FileRefused for one that is encrypted, holds macros, is of another format or too large."""
    with path.open("rb") as source:
        if source.read(len(OLE_START)) == OLE_START:
            raise FileRefused(_old_or_encrypted(path))
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.lower(): name for name in archive.namelist()}
            _refuse_relatives(archive, names)
            unpacked_bytes = sum(member.file_size for member in archive.infolist())
    except (*BROKEN_ARCHIVE, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FileRefused(
            "It is no Excel workbook, whatever its name says; deliver .xlsx, or name it as what it is."
        ) from error
    if unpacked_bytes > workspace.max_content_bytes:
        raise FileRefused(f"Unpacked it exceeds {workspace.max_content_bytes:,} bytes; split it.")
    package = Package(path, (), False, None, None, names)
    with package.elements("[content_types].xml", "Override", "Default") as types:
        if any("macroenabled" in (element.get("ContentType") or "").lower() for element in types):
            raise FileRefused(_MACROS)
    return _with_sheets(package)


_MACROS = "It is a workbook with macros, which are not let in; save it as .xlsx."


def _old_or_encrypted(path: Path) -> str:
    with path.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as view:
        if view.find("EncryptedPackage".encode("utf-16-le")) >= 0:
            return "It is encrypted; save it without a password."
    return "It is a workbook of the old format .xls; save it as .xlsx."


def _refuse_relatives(archive: zipfile.ZipFile, names: dict[str, str]) -> None:
    if any(name.endswith("vbaproject.bin") for name in names):
        raise FileRefused(_MACROS)
    if "mimetype" in names:
        raise FileRefused("It is an OpenDocument file; save it as .xlsx.")
    if any(name.endswith("/workbook.bin") for name in names):
        raise FileRefused("It is a binary workbook (.xlsb); save it as .xlsx.")
    if "[content_types].xml" not in names:
        raise FileRefused("It is an archive but no Excel workbook; deliver .xlsx.")
    if any(member.flag_bits & 0x1 for member in archive.infolist()):
        raise FileRefused("It is encrypted; save it without a password.")


def _with_sheets(package: Package) -> Package:
    named = _targets(package, "").values() if "_rels/.rels" in package._names else ()
    workbook = next((target for kind, target in named if kind == "officeDocument"), None)
    if workbook is None and _USUAL_WORKBOOK in package._names:
        workbook = _USUAL_WORKBOOK
    if workbook is None:
        raise FileRefused("It is an Office file but no Excel workbook; deliver .xlsx.")
    parts = _targets(package, workbook)
    by_kind = dict(parts.values())
    sheets, counts_from_1904 = [], False
    with package.elements(workbook, "workbookPr", "sheet") as found:
        for element in found:
            if local_name(element) == "workbookPr":
                counts_from_1904 = element.get("date1904") in ("1", "true")
                continue
            ids = [value for name, value in element.attrib.items() if str(name).endswith("}id")]
            kind, part = parts.get(str(ids[0]), ("", "")) if ids else ("", "")
            if kind == "worksheet":
                sheets.append(Sheet(element.get("name") or "", part, element.get("state") in ("hidden", "veryHidden")))
    if not sheets:
        raise FileRefused("The workbook has no worksheet; deliver one with a table.")
    return Package(
        package.path,
        tuple(sheets),
        counts_from_1904,
        by_kind.get("sharedStrings"),
        by_kind.get("styles"),
        package._names,
    )


def _targets(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """What a part is related to: relation id -> kind and part."""
    folder, name = posixpath.split(part)
    relations = posixpath.join(folder, "_rels", f"{name}.rels")
    found = {}
    with package.elements(relations, "Relationship") as elements:
        for element in elements:
            if element.get("TargetMode") != "External":
                kind = (element.get("Type") or "").rpartition("/")[2]
                target = posixpath.normpath(posixpath.join("/", folder, element.get("Target") or "")).lstrip("/")
                found[element.get("Id") or ""] = (kind, target)
    return found


@contextmanager
def _part(archive: zipfile.ZipFile, names: dict[str, str], part: str) -> Iterator[IO[bytes]]:
    name = names.get(part.lower())
    if name is None:
        raise FileRefused(_UNREADABLE.format(reason=f"it lacks its part {part[:_MAX_REFERENCE_BYTES]}"))
    try:
        with archive.open(name) as source:
            yield source
    except BROKEN_ARCHIVE as error:
        raise FileRefused(_UNREADABLE.format(reason=shortened(str(error)))) from error
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise FileRefused(_UNREADABLE.format(reason=f"its part {part[:_MAX_REFERENCE_BYTES]} lies nowhere")) from error


class _Bounded:
    """A source that gives up when too much is read of it for one element."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.since_element = 0

    def read(self, size: int) -> bytes:
        block = self._source.read(size)
        self.since_element += len(block)
        if self.since_element > _MAX_ELEMENT_BYTES:
            raise FileRefused(
                f"The workbook holds more than {_MAX_ELEMENT_BYTES >> 20} MB in one row or cell; split or clear it."
            )
        return block


def _bounded(source: IO[bytes], names: tuple[str, ...]) -> Iterator[Element]:
    bounded = _Bounded(source)
    for element in stream(cast(BinaryIO, bounded), *names):
        yield element
        bounded.since_element = 0


def rich_text(element: Element) -> str:
    """Text of a shared or inline string: its runs together, without the reading aids of Japanese (``rPh``)."""
    parts = []
    for child in element.iterchildren("{*}t", "{*}r"):
        if child.tag[-1] == "t":
            parts.append(child.text or "")
        else:
            parts += [own.text or "" for own in child.iterchildren("{*}t")]
    return readable("".join(parts))


def readable(text: str) -> str:
    """Text with the escapes of UTF-16 units (``_x000D_``) resolved; as it is where they are halves of characters."""
    if "_x" not in text:
        return text
    try:
        return str(unescape(text)).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return text


def _merge(reference: str) -> Merge:
    try:
        bounds: tuple[Any, ...] = range_boundaries(reference)
        first_column, first_row, last_column, last_row = (int(bound) for bound in bounds)
    except (TypeError, ValueError) as error:
        raise FileRefused(_UNREADABLE.format(reason=f"merged cells {reference!r}")) from error
    return Merge(reference, first_row, last_row, first_column, last_column)


def _number_of(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def shown(names: list[str]) -> str:
    """Names for a sentence, the first few of them."""
    listed = ", ".join(repr(name) for name in names[:_SHOWN_NAMES])
    return f"{listed} and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else listed
