"""XML read as a stream: entities, DTD and network off, depth and text bounded by the parser, memory flat.

Names are local names, as the versions of a message differ in their namespace.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from lxml import etree

from sources.readers import FileRefused
from sources.sentence import shortened

Element = etree._Element

_ENVELOPE, _HEADER = "StandardBusinessDocument", "StandardBusinessDocumentHeader"
_DOCTYPE = "It declares a DOCTYPE, which no business document needs; it was not read."
_KEPT_CHARACTERS = 16 << 20
_ELEMENT_CHARACTERS = 100  # what an element takes in memory beside its text
_HELD_BYTES = 256 << 20
_LARGE_BYTES = 1 << 20
_NODE_BYTES, _ATTRIBUTE_BYTES = 130, 200  # what the parser allocates, as a rule, for what begins with '<' or has a '='


class Root(NamedTuple):
    """Namespace and local name of a document's root element."""

    namespace: str
    name: str


def root_of(head: bytes) -> Root:
    """The root element named in the first bytes of a document; FileRefused when they are no XML or do not reach it.

    Of a StandardBusinessDocument, the root of the document that it carries.
    """
    parser = etree.XMLPullParser(events=("start",), resolve_entities=False, no_network=True, load_dtd=False)
    reason = f"no root element in the first {len(head):,} bytes"
    try:
        parser.feed(head)
    except etree.XMLSyntaxError as error:
        # What is broken after the root is for the reader to say.
        reason = _in_one_line(error)
    try:
        elements: Iterator[Any] = (element for _, element in parser.read_events())
        element = next(elements)
        if local_name(element) == _ENVELOPE:
            root = element
            element = next(inner for inner in elements if inner.getparent() is root and local_name(inner) != _HEADER)
    except (etree.XMLSyntaxError, StopIteration) as error:
        if b"<!DOCTYPE" in head.replace(b"\0", b""):
            raise FileRefused(_DOCTYPE) from error
        raise FileRefused(f"It is not well-formed XML ({reason}); deliver it again.") from error
    namespace, _, name = element.tag.rpartition("}")
    return Root(namespace.removeprefix("{"), name)


def stream(source: Path | BinaryIO, *names: str) -> Iterator[Element]:
    """The elements of these local names, in the order in which they end; each is emptied after use.

    FileRefused when the file is not well-formed, declares a DOCTYPE, or when what stands between two of these elements
    is too large for memory.
    """
    sentence = None
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        weighed = _Weighed(file)
        try:
            yield from _stream(weighed, names)
        except etree.XMLSyntaxError as error:
            sentence = _not_well_formed(error)
        except FileRefused as error:
            sentence = str(error)
        if weighed.weight > _HELD_BYTES:
            sentence = "An element of it is too large for memory; split the file."
    if sentence is not None:
        # Out of the handler, as the error holds on to the parser.
        _free(weighed.weight)
        raise FileRefused(sentence)


def _free(size: int) -> None:
    """A parser that failed and its tree hold on to one another; a large one must not outlive its file."""
    if size > _LARGE_BYTES:
        gc.collect()


class _Weighed:
    """A source of XML that ends early when what it gave since it was last emptied is too large for memory."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.weight = 0

    def read(self, size: int) -> bytes:
        if self.weight > _HELD_BYTES:
            return b""
        block = self._source.read(size)
        self.weight += len(block) + _NODE_BYTES * block.count(b"<") + _ATTRIBUTE_BYTES * block.count(b"=")
        return block

    def empty(self) -> None:
        """What was given is not held any more."""
        self.weight = 0


def _stream(source: _Weighed, names: Collection[str]) -> Iterator[Element]:
    is_first = True
    # Only elements of these names come up from the parser; a call for every tag doubles the time.
    context = etree.iterparse(
        cast(Any, source),
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
        for passed in (element, *element.iterancestors()):
            parent = passed.getparent()
            while parent is not None and passed.getprevious() is not None:
                del parent[0]
        source.empty()
    if is_first and context.root is not None:
        _refuse_doctype(context.root)


def _not_well_formed(error: etree.XMLSyntaxError) -> str:
    return f"It is not well-formed XML ({_in_one_line(error)}); deliver it again."


def _in_one_line(error: etree.XMLSyntaxError) -> str:
    return shortened(" ".join(str(error.msg).split()))


def _refuse_doctype(element: Element) -> None:
    if element.getroottree().docinfo.doctype:  # type: ignore[attr-defined]
        raise FileRefused(_DOCTYPE)


def documents(path: Path, *dropped: str) -> list[Element]:
    """The document in the file, or those in its StandardBusinessDocument, for documents that are one record each.

    Elements of the local names ``dropped`` are passed over with all that they hold, of any size, and so are comments.
    FileRefused when the file is not well-formed, declares a DOCTYPE, or what is left of it is too large for memory.
    """
    target = _Pruned(frozenset(dropped))
    parser = etree.XMLParser(
        target=cast(Any, target), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    sentence = None
    try:
        with path.open("rb") as source:
            # Not fed in blocks: the parser would then hold a comment or a tag of any length.
            etree.parse(source, parser)
    except etree.XMLSyntaxError as error:
        sentence = _not_well_formed(error)
    except OSError as error:
        if error.errno is not None:
            raise
        sentence = "It is not well-formed XML (wrong bytes for its encoding); deliver it again."
    if sentence is not None:
        del parser, target
        _free(path.stat().st_size)
        raise FileRefused(sentence)
    root = target.root()
    if local_name(root) != _ENVELOPE:
        return [root]
    return [element for element in root if local_name(element) != _HEADER]


class _Pruned:
    """Parser target: the tree without some elements. The parser keeps nothing itself, so no text is too long for it."""

    def __init__(self, dropped: Collection[str]) -> None:
        self._dropped = dropped
        self._builder: Any = etree.TreeBuilder()
        self._depth_in_dropped = 0
        self._room = _KEPT_CHARACTERS

    def doctype(self, name: str, public_id: str | None, system_id: str | None) -> None:
        raise FileRefused(_DOCTYPE)

    def start(self, tag: str, attributes: Mapping[str, str], namespaces: Mapping[str, str]) -> None:
        if self._depth_in_dropped or tag.rpartition("}")[2] in self._dropped:
            self._depth_in_dropped += 1
            return
        self._keep(_ELEMENT_CHARACTERS + sum(len(name) + len(value) for name, value in attributes.items()))
        try:
            self._builder.start(tag, attributes, {prefix or None: uri for prefix, uri in namespaces.items()})
        except ValueError as error:
            raise FileRefused(f"It is not well-formed XML ({error}); deliver it again.") from error

    def data(self, text: str) -> None:
        if not self._depth_in_dropped:
            self._keep(len(text))
            self._builder.data(text)

    def end(self, tag: str) -> None:
        if self._depth_in_dropped:
            self._depth_in_dropped -= 1
        else:
            self._builder.end(tag)

    def close(self) -> None:
        """The parser calls this after an error too, which an error of an unfinished tree would hide."""

    def root(self) -> Element:
        root: Element = self._builder.close()
        return root

    def _keep(self, characters: int) -> None:
        self._room -= characters
        if self._room < 0:
            raise FileRefused("Its header data are too large to be one business document; split it.")


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
