"""Control files: what a sender says of a file beside it, so that half a file or another file is not taken for it.

Read are ``<file>.sha256`` and ``SHA256SUMS`` (as sha256sum writes them, several files at once), ``<file>.ctl`` (lines
``key = value``, JSON or YAML), ``<file>.control.yaml`` / ``.json``, and the empty marks ``<file>.ok``, ``.done`` and
``.ready``, which say that the upload is complete. ``<file>.md5`` is seen and not compared: MD5 proves nothing.
A control is named after the whole name of its file, or after the name without its suffixes where one file alone has it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

MAX_CONTROL_BYTES = 1 << 20

_SUFFIXES = (
    ".sha256", ".sha256sum", ".md5", ".md5sum", ".ctl", ".control.yaml", ".control.yml", ".control.json",
    ".ok", ".done", ".ready",
)  # fmt: skip
_MARKS = (".ok", ".done", ".ready")
_LISTS = ("sha256sums", "sha256sums.txt", "sha256sum.txt")
_KEYS = {
    "rows": "rows row_count rowcount num_rows records record_count recordcount number_of_records total_records count",
    "sha256": "sha256 sha_256 sha256sum checksum hash",
    "md5": "md5 md5sum",
    "size_bytes": "size_bytes size bytes file_size filesize",
    "business_date": "business_date businessdate delivery_date as_of_date cob_date",
    "file": "file file_name filename data_file",
    "sums": "sums totals control_totals",
}
_KEY_OF = {alias: key for key, aliases in _KEYS.items() for alias in aliases.split()}
_SUM_KEY = re.compile(r"(?:sum|total)\s*[._:(\[\s]\s*(?P<column>.+?)[)\]]?$", re.IGNORECASE)
_LINE = re.compile(r"(?P<key>[^=:|;,\t]+?)\s*[=:|;,\t]\s*(?P<value>.*)")
_SHA256 = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])")
_SUM_LINES = (
    re.compile(r"\\?(?P<digest>[0-9A-Fa-f]{64})[ \t]+\*?(?P<file>\S.*)"),
    re.compile(r"SHA-?256 ?\((?P<file>.+)\) ?= ?(?P<digest>[0-9A-Fa-f]{64})"),
)


class ControlUnusable(Exception):
    """A control file cannot be used; the message is a sentence that names it."""


@dataclass(frozen=True)
class ControlFile:
    """One control file as far as it speaks of one data file: figures as written, None where it gives none.

    ``sums`` are by delivered column. ``unread`` names what it says beside, which is not compared.
    """

    name: str
    rows: int | None = None
    sums: Mapping[str, str] = field(default_factory=dict)
    sha256: str | None = None
    size_bytes: int | None = None
    business_date: date | None = None
    file: str | None = None
    is_mark: bool = False
    unread: tuple[str, ...] = ()

    @property
    def vouches(self) -> bool:
        """Whether it says that the file is whole: a count, a sum, a SHA-256 or a mark; an MD5 or a date does not."""
        return bool(self.is_mark or self.rows is not None or self.sums or self.sha256)


@dataclass(frozen=True)
class Control:
    """The control files of one data file, and the SHA-256 over their bytes."""

    files: tuple[ControlFile, ...]
    sha256: str

    @property
    def vouches(self) -> bool:
        """Whether one of them says that the file is whole."""
        return any(file.vouches for file in self.files)

    @property
    def counts_records(self) -> bool:
        """Whether one of them gives a row count or a sum, for which the file must be read."""
        return any(file.rows is not None or file.sums for file in self.files)

    @property
    def names(self) -> str:
        """Names of the control files."""
        return ", ".join(file.name for file in self.files)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what they say and nobody compares."""
        return tuple(
            f"{file.name} gives {', '.join(file.unread)}, which was not compared." for file in self.files if file.unread
        )


def is_control(name: str) -> bool:
    """Whether a name in a delivery folder is that of a control file."""
    return name.lower().endswith(_SUFFIXES) or name.lower() in _LISTS


def control_targets(control: str, data_files: Collection[str]) -> list[str]:
    """Data files that a control of this name can belong to: one; none where it is missing; several where unclear.

    A list of sums (``SHA256SUMS``) belongs to whatever it names.
    """
    suffix = next(suffix for suffix in sorted(_SUFFIXES, key=len, reverse=True) if control.lower().endswith(suffix))
    base = control[: -len(suffix)]
    if base in data_files:
        return [base]
    return sorted(name for name in data_files if name.startswith(f"{base}."))


def is_list(name: str) -> bool:
    """Whether a control file of this name lists sums of several files."""
    return name.lower() in _LISTS


def listed_files(path: Path) -> set[str]:
    """Names of the files whose sums a list gives; ControlUnusable when it is none."""
    names = {name for _, name in _sum_lines(_text(path)) if name is not None}
    if not names:
        raise ControlUnusable(f"{path.name} holds no line of sha256sum; write it anew.")
    return names


def read_control(paths: Sequence[Path], data_file: str) -> Control:
    """What control files say of one data file; ControlUnusable when one of them cannot be used."""
    digest = hashlib.sha256()
    files = []
    for path in sorted(paths):
        text = _text(path)
        digest.update(f"{path.name}\n{text}\n".encode())
        files.append(_read(path.name, text, data_file))
    return Control(tuple(files), digest.hexdigest())


def _read(name: str, text: str, data_file: str) -> ControlFile:
    lower = name.lower()
    if lower.endswith(_MARKS):
        return ControlFile(name, is_mark=True)
    if lower.endswith((".md5", ".md5sum")):
        return ControlFile(name, unread=("an MD5 (MD5 proves nothing, send SHA-256)",))
    if is_list(name) or lower.endswith((".sha256", ".sha256sum")):
        return ControlFile(name, sha256=_listed_sum(name, text, data_file))
    return _figures(name, _entries(name, text))


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.is_symlink():
            raise ControlUnusable(f"{path.name} is no regular file; deliver the control file itself.")
        with path.open("rb") as stream:
            content = stream.read(MAX_CONTROL_BYTES + 1)
    except OSError as error:
        raise ControlUnusable(f"{path.name} cannot be read ({error.strerror}); deliver it again.") from error
    if len(content) > MAX_CONTROL_BYTES:
        raise ControlUnusable(f"{path.name} has more than {MAX_CONTROL_BYTES:,} bytes; no control file needs as many.")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ControlUnusable(f"{path.name} is no text in {encoding}; write it anew.") from error


def _sum_lines(text: str) -> Iterator[tuple[str, str | None]]:
    """SHA-256 and base name of each line of sha256sum, with and without ``--tag``."""
    for line in text.splitlines():
        for form in _SUM_LINES:
            if match := form.fullmatch(line.strip()):
                yield match["digest"].lower(), re.split(r"[/\\]", match["file"])[-1]
                break


def _listed_sum(name: str, text: str, data_file: str) -> str:
    sums = [(digest, file) for digest, file in _sum_lines(text)]
    own = {digest for digest, file in sums if file == data_file}
    # a sender who renames the file after taking its sum leaves the old name beside the right sum
    found = own or (set() if is_list(name) else set(_SHA256.findall(text.lower())))
    if len(found) != 1:
        what = "gives no SHA-256" if not found else f"gives {len(found)} different SHA-256 sums"
        raise ControlUnusable(f"{name} {what} of {data_file}; write it anew with sha256sum.")
    return found.pop()


def _entries(name: str, text: str) -> Mapping[str, Any]:
    """Keys and values of a control, all values as written; numbers do not pass through binary floating point."""
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError) as error:
            raise ControlUnusable(f"{name} is not readable as JSON; write it anew.") from error
    else:
        try:
            document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (text, lists and mappings alone)
        except (yaml.YAMLError, RecursionError):
            document = None
        if not isinstance(document, dict) and name.lower().endswith(".ctl"):
            document = dict(_key_values(text))
    if not isinstance(document, dict) or not document:
        raise ControlUnusable(f"{name} holds no keys; write rows, sums, sha256 or business_date and their values.")
    return {str(key): value for key, value in document.items()}


def _key_values(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match and not line.lstrip().startswith("#"):
            yield match["key"].strip(), match["value"].strip().strip("\"'")


def _figures(name: str, entries: Mapping[str, Any]) -> ControlFile:
    figures: dict[str, Any] = {}
    sums: dict[str, str] = {}
    unread = []
    for key, value in entries.items():
        known = _KEY_OF.get(re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_"))
        of_sum = _SUM_KEY.fullmatch(key.strip())
        if known == "sums":
            sums |= _sums(name, value)
        elif known is None and of_sum:
            sums |= _sums(name, {of_sum["column"]: value})
        elif known == "md5" or (known == "sha256" and re.fullmatch("[0-9A-Fa-f]{32}", str(value))):
            unread.append("an MD5 (MD5 proves nothing, send SHA-256)")
        elif known is None:
            unread.append(key[:100])
        else:
            figures[known] = _figure(name, known, value)
    if not figures and not sums and not unread:
        raise ControlUnusable(f"{name} gives no figure; write rows, sums, sha256 or business_date.")
    if not figures and not sums and "an MD5 (MD5 proves nothing, send SHA-256)" not in unread:
        raise ControlUnusable(
            f"{name} gives {', '.join(unread)}, none of which is known; write rows, sums, sha256 or business_date."
        )
    return ControlFile(name, sums=sums, unread=tuple(unread), **figures)


def _sums(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(total, str) for total in value.values()):
        raise ControlUnusable(f"{name}: sums must be a mapping from delivered column to its sum.")
    return {str(column): total.strip() for column, total in value.items()}


def _figure(name: str, key: str, value: object) -> object:
    text = value.strip() if isinstance(value, str) else ""
    if key in ("rows", "size_bytes") and re.fullmatch("[0-9]{1,18}", text):
        return int(text)
    if key == "sha256" and _SHA256.fullmatch(text):
        return text.lower()
    if key == "file" and text:
        return re.split(r"[/\\]", text)[-1]
    if key == "business_date" and re.fullmatch("[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    forms = {"rows": "a whole number", "size_bytes": "a whole number", "sha256": "64 hexadecimal digits"}
    raise ControlUnusable(f"{name}: {key} {text[:100]!r} is not {forms.get(key, 'a date YYYY-MM-DD or a name')}.")
