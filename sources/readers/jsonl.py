"""JSON Lines: one object a line; ``a.b.c`` addresses a value inside nested objects.

Read by Python's parser and not by the engine's, which makes floats of numbers: money written as 12.10 stays "12.10"
here. Every line stands alone, so that a broken one costs no other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sources.mapping import Mapping
from sources.readers import DeliveredColumns, FileRefused, Records, Workspace, cut, quoted
from sources.readers.number import plain, with_mark
from sources.readers.scanner import Line, read_lines
from sources.readers.spool import Broken, LeftOut, Row, spooled

_ABSENT = "absent"
_OTHER_NAMES = 1_000
_NAME_CHARACTERS = 200


def open_jsonl(path: Path, mapping: Mapping, workspace: Workspace) -> Records:
    """Open a file of JSON objects, one a line, in the mapping's encoding.

    A delivered column is there when at least one record has it.
    """
    _refuse_other_forms(path, mapping.encoding)
    file = _JsonLines(path, mapping)
    read = sorted(mapping.read_columns)
    records = spooled(file.rows, [*read, _ABSENT], workspace)
    if not file.has_object:
        return replace(records, columns={name: records.columns[name] for name in read})
    columns: DeliveredColumns = {name: records.columns[name] for name in read if name in file.found} | {
        # Only the names are of use, in the sentences on unknown columns.
        name: (quoted(f"d{len(read)}"), "VARCHAR")
        for name in file.others
    }
    return replace(records, columns=columns)


def _refuse_other_forms(path: Path, encoding: str) -> None:
    line = next((line for line in read_lines(path, encoding) if line.text.strip()), None)
    if line is None:
        raise FileRefused("The file is empty; deliver at least one record, or no file.")
    start = line.text.strip()
    if start.startswith("["):
        raise FileRefused(
            "It is one JSON array, in which a broken record would cost all after it; deliver JSON Lines, one object a "
            "line (`jq -c '.[]'` turns one into the other)."
        )
    if start == "{":
        raise FileRefused(
            "Its objects are spread over lines; deliver JSON Lines, one object a line (`jq -c .` makes it so)."
        )


class _Number(str):
    """The text of a JSON number."""

    __slots__ = ()


class _Refused(Exception):
    """A record that cannot be split into columns."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


@dataclass
class _JsonLines:
    """A file of objects, with the columns seen in it: those that the mapping reads (``found``) and ``others``."""

    path: Path
    mapping: Mapping
    has_object: bool = False
    found: set[str] = field(default_factory=set)
    others: dict[str, None] = field(default_factory=dict)

    def rows(self, left_out: LeftOut) -> Iterator[Row | Broken]:
        wanted = self.mapping.read_columns
        for line in read_lines(self.path, self.mapping.encoding):
            if line.rule is not None and line.message is not None:
                yield Broken(line.rule, line.message, line.line_no, line.text)
            elif line.text.strip():
                yield self._row(line, wanted)

    def _row(self, line: Line, wanted: frozenset[str]) -> Row | Broken:
        values: dict[str, str | None] = {}
        try:
            record = _parsed(line.text)
            if "\\u" in line.text:
                _refuse_half_characters(record)
            self._take(record, "", wanted, values)
        except _Refused as error:
            return Broken(error.rule, str(error), line.line_no, line.text)
        self.has_object = True
        self.found.update(values)
        return Row(values, line.line_no, partial(str, cut(line.text)))

    def _take(self, record: dict[str, Any], prefix: str, wanted: frozenset[str], values: dict[str, str | None]) -> None:
        for key, value in record.items():
            name = prefix + key
            if name in wanted:
                if name in values:
                    raise _Refused("duplicate_key", f"The record has {name[:_NAME_CHARACTERS]!r} more than once.")
                values[name] = self._text(value, name)
            if type(value) is dict:
                self._take(value, f"{name}.", wanted, values)
            elif name not in wanted and len(self.others) < _OTHER_NAMES:
                self.others[name[:_NAME_CHARACTERS]] = None

    def _text(self, value: Any, name: str) -> str | None:
        if value is None or type(value) is str:
            return value
        if type(value) is _Number:
            number = plain(value)
            if number is None:
                raise _Refused("number", f"{name[:_NAME_CHARACTERS]} {value[:_NAME_CHARACTERS]} is too large or small.")
            return with_mark(number, self.mapping)
        if type(value) is bool:
            return "true" if value else "false"
        return _as_json(value)


def _parsed(text: str) -> dict[str, Any]:
    try:
        record = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _Refused("json", f"The line is no JSON object ({error.msg} at character {error.pos + 1}).") from error
    except RecursionError as error:
        raise _Refused("json", "The line is nested too deeply to be a record.") from error
    if type(record) is not dict:
        raise _Refused("json", "The line holds a JSON value that is no object.")
    return record


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        for key, _ in pairs:
            if key not in record:
                break
            del record[key]
        repeated = key
        raise _Refused("duplicate_key", f"An object has the key {repeated[:_NAME_CHARACTERS]!r} more than once.")
    return record


def _not_json(constant: str) -> None:
    raise _Refused("json", f"The line holds {constant}, which is no JSON number.")


_DECODER = json.JSONDecoder(
    parse_float=_Number, parse_int=_Number, parse_constant=_not_json, object_pairs_hook=_object
)  # fmt: skip


def _as_json(value: Any) -> str:
    """JSON text of a parsed value, its numbers as they were written."""
    if type(value) is _Number:
        return str(value)
    if type(value) is dict:
        return "{" + ", ".join(f"{_as_json(key)}: {_as_json(own)}" for key, own in value.items()) + "}"
    if type(value) is list:
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _refuse_half_characters(value: Any) -> None:
    """Refuse escapes such as ``\\ud800`` that are half of a character: no text can hold them."""
    if type(value) is dict:
        for key, own in value.items():
            _refuse_half_characters(key)
            _refuse_half_characters(own)
    elif type(value) is list:
        for own in value:
            _refuse_half_characters(own)
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            escape = value[error.start].encode("unicode_escape").decode()
            raise _Refused("encoding", f"The escape {escape} is half of a character.") from error
