"""Hostile PDF files as invoices: bombs of every filter, circles, and what takes hours to repair."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from tests.sources.hostile.case import MB, TAX, Hostile, Repeated, made_by, parts
from tests.sources.test_reader_cii import invoice, pdf

_END = b"trailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF"
_PAGES = b"<</Type/Pages/Kids[]/Count 0>>"


def document(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, of which the first is the catalogue."""
    content, offsets = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, text)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size, form = len(objects) + 1, b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d /Root 1 0 R %b>>\n"
    return content + (form + b"startxref\n%d\n%%%%EOF") % (
        size, table, size, trailer, len(content),
    )  # fmt: skip


def stream(dictionary: bytes, content: bytes) -> bytes:
    return b"<<%b /Length %d>>\nstream\n%b\nendstream" % (dictionary, len(content), content)


def embedding(filters: bytes, content: bytes) -> bytes:
    """A PDF whose invoice is packed by these filters."""
    return document(
        b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(factur-x.xml) 3 0 R]>>>>>>",
        _PAGES,
        b"<</Type/Filespec/F(factur-x.xml)/UF(factur-x.xml)/EF<</F 4 0 R>>>>",
        stream(b"/Type/EmbeddedFile" + filters, content),
    )


def named_by(*nodes: bytes) -> bytes:
    """A PDF whose tree of embedded files consists of these nodes, from object 3."""
    return document(b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles 3 0 R>>>>", _PAGES, *nodes)


def spaces(size: int) -> bytes:
    """A zlib stream of so many spaces."""
    packer = zlib.compressobj(9)
    first = packer.compress(b" " * MB) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * MB) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (size // MB - 1) + packer.flush()


def cross_references(dictionary: bytes, content: bytes) -> bytes:
    """A PDF of one object: a stream of cross-references."""
    own = stream(b"/Type/XRef /Root 1 0 R/Filter/FlateDecode" + dictionary, content)
    return b"%%PDF-1.7\n1 0 obj\n%b\nendobj\nstartxref\n9\n%%%%EOF" % own


def object_stream() -> bytes:
    """A PDF whose catalogue stands in a stream of half a million objects and 60 MB of spaces."""
    heads = b" ".join(b"%d 0" % number for number in range(10, 500_010))
    packed = zlib.compress(heads + b" " * (60 * MB), 9)
    own = stream(b"/Type/ObjStm/N 500000/First %d/Filter/FlateDecode" % len(heads), packed)
    start = b"%%PDF-1.7\n1 0 obj\n%b\nendobj\n" % own
    rows = b"\0" * 6 + b"\1\0\0\0\x09\0" + (b"\2" + struct.pack(">L", 1) + b"\0") * 18
    table = stream(b"/Type/XRef/Size 20/W[1 4 1]/Root 12 0 R/Filter/FlateDecode", zlib.compress(rows))
    return b"%b3 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF" % (start, table, len(start))


def flate(*others: bytes) -> bytes:
    return b"/Filter[/FlateDecode%b]" % b"".join(others)


_NONE, _BROKEN = "embeds no invoice", "no readable PDF"
_WIDE = b"<</Names[" + b"(factur-x.xml) 3 0 R " * 500_000 + b"]>>"

_MADE: tuple[tuple[str, Callable[[], bytes], str], ...] = (
    ("bomb.pdf", lambda: embedding(flate(), spaces(2_000 * MB)), _BROKEN),
    ("bomb-in-bomb.pdf", lambda: embedding(flate(b"/FlateDecode"), zlib.compress(spaces(20_000 * MB), 9)), _BROKEN),
    ("large.pdf", lambda: embedding(flate(), spaces(70 * MB)), "embedded XML exceeds"),
    ("run-length.pdf", lambda: embedding(flate(b"/RunLengthDecode"), zlib.compress(b"\x81x" * (30 * MB), 9)), _BROKEN),
    (
        "hexadecimal.pdf",
        lambda: embedding(flate(b"/ASCIIHexDecode"), zlib.compress(b"20" * (30 * MB), 9)),
        "not well-formed",
    ),
    ("filters.pdf", lambda: embedding(flate(b"/FlateDecode" * 100_000), b"x"), _BROKEN),
    ("plain.pdf", lambda: embedding(b"", b" " * (100 * MB)), _BROKEN),
    ("files.pdf", lambda: pdf(*((f"{i}.xml", b"x") for i in range(1_000))), _NONE),
    ("invoices.pdf", lambda: pdf(*(("factur-x.xml", b"x") for _ in range(1_000))), "embeds 1000 invoices"),
    ("password.pdf", lambda: pdf(("factur-x.xml", invoice()), password="x"), "encrypted"),
    ("circle.pdf", lambda: named_by(b"<</Kids[3 0 R 3 0 R]>>"), _NONE),
    (
        "doubling.pdf",
        lambda: named_by(*(b"<</Kids[%d 0 R %d 0 R]>>" % (n, n) for n in range(4, 64)), b"<</Names[]>>"),
        _NONE,
    ),
    ("chain.pdf", lambda: named_by(*(b"<</Kids[%d 0 R]>>" % n for n in range(4, 50_000)), b"<</Names[]>>"), _NONE),
    ("wide.pdf", lambda: named_by(_WIDE), f"{_BROKEN}|{_NONE}"),
    ("previous.pdf", lambda: document(b"<</Type/Catalog/Pages 2 0 R>>", _PAGES, trailer=b"/Prev 9"), _NONE),
    ("references.pdf", lambda: cross_references(b"/Size 10000000000/W[1 2 1]", spaces(70 * MB)), _BROKEN),
    ("widths.pdf", lambda: cross_references(b"/Size 10000000000/W[0 0 0]", zlib.compress(b"")), _BROKEN),
    ("objects.pdf", lambda: object_stream(), _BROKEN),
    ("brackets.pdf", lambda: b"%PDF-1.7\n1 0 obj\n" + b"[" * (60 * MB) + b"\nendobj\n" + _END, _BROKEN),
)

PDFS = (
    Hostile("sound.pdf", TAX, made_by(lambda: pdf(("factur-x.xml", invoice()))), "", 1, 0),
    *(Hostile(name, TAX, made_by(make), said) for name, make, said in _MADE),
    Hostile("too-large.pdf", TAX, parts(b"%PDF-1.7\n", Repeated(b"x", 140 * MB)), "more than 134,217,728 bytes"),
)
