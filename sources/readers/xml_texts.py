"""Texts below an element of XML, by path: of a record that has many elements, the few that a format reads.

Much of the time of a large XML file goes into asking its elements for their names, one by one. Paths that are wanted
are therefore taken apart once, what leads to none of them is passed over with all that it holds, and a name is looked
up with its namespace as the parser gives it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sources.readers.xml import Element

Texts = dict[str, list[str]]
"""Path below an element, such as ``Refs/EndToEndId`` -> texts of the elements there; ``Amt@Ccy`` -> its attributes.

An element without text is there with none.
"""

_KNOWN_TAGS, _KNOWN_CHARACTERS = 64, 200


_Step = tuple[str | None, str | None, str, "_Steps | None", bool]
"""What is wanted of an element: its text, its attribute (each with the path it goes under), what is below it, and
whether it is kept itself. No named tuple, as to take one apart costs more than what it is asked for.
"""


class _Steps(dict[object, _Step | None]):
    """Tag, whatever its namespace -> step; None for what is passed over. It learns the tags that it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.by_name: dict[str, _Step] = {}

    def __missing__(self, tag: object) -> _Step | None:
        # Comments and processing instructions have a function for a tag.
        step = self.by_name.get(tag.rpartition("}")[2]) if isinstance(tag, str) else None
        # A file can have as many namespaces as it likes, of any length.
        if len(self) < _KNOWN_TAGS and (not isinstance(tag, str) or len(tag) <= _KNOWN_CHARACTERS):
            self[tag] = step
        return step


class TextReader:
    """Reads the texts at some paths, such as ``Refs/EndToEndId``, or ``Amt@Ccy`` for an attribute of ``Amt``.

    Elements at the paths ``kept`` are handed over, not looked into. It learns the tags of the file that it reads.
    """

    def __init__(self, paths: Iterable[str], kept: Collection[str] = ()) -> None:
        self._steps = _steps({*paths, *kept}, "", kept)

    def texts(self, element: Element) -> Texts:
        """Texts at the paths below the element."""
        return self.texts_and_kept(element)[0]

    def texts_and_kept(self, element: Element) -> tuple[Texts, list[Element]]:
        """Texts at the paths below the element, and the elements that are kept."""
        texts: Texts = {}
        kept: list[Element] = []
        _collect(element, self._steps, texts, kept)
        return texts, kept


def _steps(paths: set[str], prefix: str, kept: Collection[str]) -> _Steps:
    steps = _Steps()
    for name in {path.removeprefix(prefix).partition("/")[0].partition("@")[0] for path in paths}:
        path = prefix + name
        below = {other for other in paths if other.startswith(f"{path}/")}
        attribute_path = next((other for other in paths if other.startswith(f"{path}@")), "")
        steps.by_name[name] = (
            path if path in paths else None,
            attribute_path.rpartition("@")[2] or None,
            attribute_path,
            _steps(below, f"{path}/", kept) if below else None,
            path in kept,
        )
    return steps


def _collect(element: Element, steps: _Steps, texts: Texts, kept: list[Element]) -> None:
    """Add the texts of what is below the element."""
    for child in element:
        step = steps[child.tag]
        if step is None:
            continue
        path, attribute, attribute_path, below, is_kept = step
        if is_kept:
            kept.append(child)
            continue
        if attribute is not None:
            texts.setdefault(attribute_path, []).append(child.get(attribute) or "")
        if path is not None:
            # An element that has elements has no text of its own.
            text = _around_comments(child) if len(child) else child.text
            text = text and text.strip()
            found = texts.get(path)
            if found is None:
                texts[path] = [text] if text else []
            elif text:
                found.append(text)
        if below is not None:
            _collect(child, below, texts, kept)


def _around_comments(element: Element) -> str:
    """The text of an element with comments in it; '' when it has elements alone."""
    if all(isinstance(child.tag, str) for child in element):
        return ""
    return "".join([element.text or "", *(child.tail or "" for child in element)]).strip()
