"""XML read as a stream: entities, DTD and network off, depth and text bounded by the parser, memory flat.

Names are local names, as the versions of a message differ in their namespace.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from sources.readers import FileRefused

Element = etree._Element


class Root(NamedTuple):
    """Namespace and local name of a document's root element."""

    namespace: str
    name: str


def root_of(head: bytes) -> Root | None:
    """The root element named in the first bytes of a document; None when they are no XML or do not reach it."""
    parser = etree.XMLPullParser(events=("start",), resolve_entities=False, no_network=True, load_dtd=False)
    try:
        parser.feed(head)
        element: Any = next(iter(parser.read_events()))[1]
    except (etree.XMLSyntaxError, StopIteration):
        return None
    namespace, _, name = element.tag.rpartition("}")
    return Root(namespace.removeprefix("{"), name)


def stream(path: Path, *names: str) -> Iterator[Element]:
    """The elements of these local names, in the order in which they end; each is emptied after use.

    FileRefused when the file is not well-formed or declares a DOCTYPE.
    """
    is_first = True
    try:
        # Only elements of these names come up from the parser; a call for every tag doubles the time.
        context = etree.iterparse(
            str(path),
            events=("end",),
            tag=[f"{{*}}{name}" for name in names],
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        for _, element in context:
            if is_first:
                _refuse_doctype(element)
                is_first = False
            yield element
            element.clear()
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]
    except etree.XMLSyntaxError as error:
        raise FileRefused(f"It is not well-formed XML ({error.msg}); deliver it again.") from error
    if is_first and context.root is not None:
        _refuse_doctype(context.root)


def _refuse_doctype(element: Element) -> None:
    if element.getroottree().docinfo.doctype:  # type: ignore[attr-defined]
        raise FileRefused("It declares a DOCTYPE, which no business document needs; it was not read.")


def line_no(element: Element) -> int | None:
    """Line of the file on which the element begins."""
    number: Any = element.sourceline
    return None if number is None else int(number)


def as_text(element: Element) -> str:
    """The element as XML."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def local_name(element: Element) -> str:
    """The element's name without its namespace; '' for comments and processing instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


@cache
def _any_namespace(path: str) -> str:
    return "/".join(step if step == "." else f"{{*}}{step}" for step in path.split("/"))


def every(element: Element, path: str) -> list[Element]:
    """Elements at ``path``, such as ``NtryDtls/TxDtls``, below ``element``."""
    return element.findall(_any_namespace(path))


def first(element: Element, path: str) -> Element | None:
    """The first element at ``path`` below ``element``."""
    return element.find(_any_namespace(path))


def text(element: Element, path: str) -> str | None:
    """Text of the first element at ``path``, trimmed; None when there is none."""
    found = first(element, path)
    return ((found.text or "").strip() or None) if found is not None else None
