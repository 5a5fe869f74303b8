"""Models of the YAML files people write: strict about keys, with errors that name file, line and key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

Place = tuple[str | int, ...]
"""Keys and list positions that lead to a value."""

_MAX_BYTES = 1 << 20
_MAX_VALUES = 50_000
_MAX_DEPTH = 40
_FAULT = "fault"
_PLAIN_BOOLEANS = ("true", "false")
# absent where PyYAML was built without libyaml
_FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class MappingError(ValueError):
    """A mapping, delivery or plan file cannot be used; the message names the file, line, key and what to change."""


class YamlModel(BaseModel):
    """Base of all models: frozen, and an unknown key is an error that names the nearest one there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set_by_loader: ClassVar[tuple[str, ...]] = ()
    """Keys that no file has."""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, document: object) -> object:
        if isinstance(document, dict):
            known = [str(own.validation_alias or name) for name, own in cls.model_fields.items()]
            for key in document:
                if key not in known:
                    written = (name for name in known if name not in cls.set_by_loader)
                    raise fault(f"there is no such key{nearest(key, written)}", key)
        return document


AnyModel = TypeVar("AnyModel", bound=BaseModel)


def fault(message: str, *keys: str | int) -> PydanticCustomError:
    """The error of a validator about ``keys`` below the model that it validates; a sentence without its full stop."""
    return PydanticCustomError(_FAULT, "{message}", {"message": message, "keys": keys})


def nearest(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """`` (did you mean …?)``, or else what there is; for the end of a sentence about an unknown name."""
    names = sorted(known)
    close = get_close_matches(name.lower(), names, n=1)
    if close:
        return f" (did you mean {close[0]}?)"
    if otherwise is not None:
        return f", {otherwise}"
    return f"; there is {', '.join(names)}" if names else ""


@dataclass(frozen=True)
class YamlDocument:
    """Content of a YAML file with the line on which each key or list item stands.

    ``title`` is what people call the file, such as ``mapping my_bank``; ``error`` the type of its errors.
    """

    content: Any
    title: str
    file: str
    error: type[ValueError] = MappingError
    lines: Mapping[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int | None:
        """The line of a place, or of the nearest one around it; None for a document that has no lines."""
        for length in range(len(place), -1, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return None

    def fault(self, message: str, *place: str | int) -> ValueError:
        """The error to raise about the value at ``place``; ``message`` is a sentence without its full stop."""
        line = self.line(place)
        where = f"{self.title} ({self.file}{'' if line is None else f', line {line}'})"
        key = ".".join(str(part) for part in place)
        return self.error(f"{where}: {f'key {key}: ' if key else ''}{message}.")

    def place_of(self, location: Place, *, is_missing: bool) -> Place:
        """The place in this file that a location of pydantic means, which names branches of unions too."""
        place: Place = ()
        for number, part in enumerate(location):
            if (*place, part) in self.lines or (is_missing and number == len(location) - 1):
                place = (*place, part)
        return place


def parse_model(model: type[AnyModel], document: YamlDocument) -> AnyModel:
    """Validate a YAML document as ``model``; its error names the line and the offending key."""
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        first = _most_telling(error)
        location: Place = first["loc"]
        if first["type"] == _FAULT:
            location = (*location, *first["ctx"]["keys"])
        is_absent = first["type"] in ("missing", _FAULT)
        message = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise document.fault(message, *document.place_of(location, is_missing=is_absent)) from error


def _most_telling(error: ValidationError) -> Any:
    """The error that goes deepest: where a key takes one of several forms, that of the form which was meant."""
    errors = error.errors()

    def depth(one: Any) -> tuple[bool, int]:
        keys = one["ctx"]["keys"] if one["type"] == _FAULT else ()
        return one["loc"][:2] == errors[0]["loc"][:2], len(one["loc"]) + len(keys)

    return max(errors, key=depth)


def read_yaml(path: Path, title: str, error: type[ValueError] = MappingError) -> YamlDocument:
    """Content of a YAML file with its lines; ``error`` names file and line where it cannot be used.

    A key given twice, a key that is no text and a bare word that YAML 1.1 takes for something else (``no``, ``012``)
    are errors: what is meant must be written. Dates and decimals stay what they are as text, and as Decimal.
    """
    where = f"{title} ({path.name})"
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise error(f"{where}: the file has more than {_MAX_BYTES:,} bytes; shorten it.")
        node = _compose(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError) as reason:
        line = getattr(getattr(reason, "problem_mark", None), "line", None)
        at = "" if line is None else f", line {line + 1}"
        what = getattr(reason, "problem", None) or " ".join(str(reason).split())
        if isinstance(reason, RecursionError):
            what = "it is nested too deep"
        raise error(f"{title} ({path.name}{at}): not readable as YAML ({what}); correct the file.") from reason
    composed = _Composed(title, path.name, error)
    content = None if node is None else composed.value(node, ())
    return YamlDocument(content, title, path.name, error, composed.lines)


def _compose(text: str) -> yaml.Node | None:
    """The document's node. libyaml reads ten times as fast as the parser in Python, whose errors say more.

    It also ends the process on a document that is nested too deep, so its events come first, which it gives one by one.
    """
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_FastLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise RecursionError  # as the other parser does, seconds later
        return yaml.compose(text, Loader=_FastLoader)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader)  # which says what is wrong


@dataclass
class _Composed:
    """Values of composed nodes, and the line of each place; bounded, since an alias can stand for many nodes."""

    title: str
    file: str
    error: type[ValueError]
    lines: dict[Place, int] = field(default_factory=dict)

    def value(self, node: yaml.Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if len(self.lines) > _MAX_VALUES or len(place) > _MAX_DEPTH:
            raise self._error(f"it holds more than {_MAX_VALUES:,} values or {_MAX_DEPTH} levels; shorten it", node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*place, number)) for number, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, place)

    def _item(self, node: yaml.Node, place: Place) -> Any:
        self.lines[place] = node.start_mark.line + 1
        return self.value(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error("a key is a word, not a list or a group of keys", key_node, place)
            key = key_node.value
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise self._error("merge keys (<<) are not read here; write the keys out", key_node, place)
            if key_node.tag != "tag:yaml.org,2002:str":
                meaning = str(_typed(key_node)).lower()
                raise self._error(f'the bare key {key} is read as {meaning}; write "{key}" in quotes', key_node, place)
            if key in content:
                first = self.lines[(*place, key)]
                raise self._error(f"the key stands twice, first on line {first}", key_node, (*place, key))
            self.lines[(*place, key)] = key_node.start_mark.line + 1
            content[key] = self.value(value_node, (*place, key))
        return content

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        kind = node.tag.rpartition(":")[2]
        if kind in ("str", "timestamp"):
            return node.value
        if kind not in ("null", "bool", "int", "float"):
            raise self._error(f"values of the kind {node.tag} are not read here", node, place)
        value = _typed(node)
        if kind == "bool" and node.value.lower() not in _PLAIN_BOOLEANS:
            meaning = str(value).lower()
            raise self._error(
                f'the bare word {node.value} is read as {meaning}; write {meaning}, or "{node.value}" in quotes',
                node,
                place,
            )
        if kind == "int" and str(value) != node.value.removeprefix("+"):
            raise self._error(f'{node.value} is read as {value}; write "{node.value}" in quotes', node, place)
        if kind == "float":
            try:
                return Decimal(node.value)
            except ArithmeticError as reason:
                raise self._error(
                    f'{node.value} is read as a number; write "{node.value}" in quotes', node, place
                ) from reason
        return value

    def _error(self, message: str, node: yaml.Node, place: Place = ()) -> ValueError:
        here = {**self.lines, place: node.start_mark.line + 1}
        return YamlDocument(None, self.title, self.file, self.error, here).fault(message, *place)


def _typed(node: yaml.ScalarNode) -> Any:
    return yaml.constructor.SafeConstructor().construct_object(node)
