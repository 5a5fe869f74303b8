"""Hostile XML, for every reader of it: entities, depth, size of every kind, encodings, NUL."""

from __future__ import annotations

from collections.abc import Iterator

from tests.sources.hostile.case import BANK, MB, TAX, VENDOR, Hostile, Repeated, holding, parts

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
_CII = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
_FRAMES = {
    "camt": (
        BANK,
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S</Id>',
        "</Stmt></BkToCstmrStmt></Document>",
    ),
    "ubl": (TAX, f'<Invoice xmlns="{_UBL}"><ID>', "</ID></Invoice>"),
    "cii": (
        TAX,
        f'<CrossIndustryInvoice xmlns="{_CII}"><ExchangedDocument><ID>',
        "</ID></ExchangedDocument></CrossIndustryInvoice>",
    ),
    "efapiao": (TAX, "<EInvoice><Header><EIid>", "</EIid></Header></EInvoice>"),
    "saft": (VENDOR, "<AuditFile><Header><AuditFileVersion>", "</AuditFileVersion></Header></AuditFile>"),
}
_LAUGHS = "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
_TOO_LARGE = "too large|too long|too big|limit exceeded|no root element|internal error|Huge"


def _hostile(kind: str) -> Iterator[Hostile]:
    feed, start, end = _FRAMES[kind]

    def doctype(name: str, declarations: str, content: str) -> Hostile:
        prolog = f"<!DOCTYPE d {declarations}>"
        return Hostile(
            f"{kind}-{name}.xml", feed, holding(prolog + start + content + end), "DOCTYPE|entity amplification"
        )

    yield doctype("laughs", f"[<!ENTITY a 'ha'>{_LAUGHS}]", "&j;")
    yield doctype("quadratic", f"[<!ENTITY a '{'x' * 50_000}'>]", "&a;" * 50_000)
    yield doctype("external", "[<!ENTITY a SYSTEM 'file:///etc/hostname'>]", "&a;")
    yield doctype("parameter", "[<!ENTITY % p SYSTEM 'http://127.0.0.1:9/p.dtd'> %p;]", "x")
    yield doctype("dtd", "SYSTEM 'http://127.0.0.1:9/d.dtd'", "x")
    laughs = f"<!DOCTYPE d [<!ENTITY a 'ha'>{_LAUGHS}]>{start}&j;{end}"
    yield Hostile(f"{kind}-laughs-16.xml", feed, holding(laughs.encode("utf-16")), "DOCTYPE|entity amplification")
    yield _inside(kind, "entity", "not well-formed XML", b"&nbsp;")
    yield _inside(kind, "deep", "Excessive depth", Repeated(b"<a>", 3 * MB), Repeated(b"</a>", 4 * MB))
    yield _inside(kind, "nul", "not well-formed XML", b"\0")
    yield _inside(kind, "latin", "not well-formed XML", b"\xe9")
    yield Hostile(f"{kind}-cut.xml", feed, holding(start), "not well-formed XML")
    yield Hostile(f"{kind}-encoding.xml", feed, holding(f"<?xml version='1.0' encoding='x'?>{start}{end}"), "encoding")
    late = parts(b"<!--", Repeated(b" ", MB), b"-->", start.encode(), end.encode())
    yield Hostile(f"{kind}-late.xml", feed, late, "no root element")
    yield Hostile(f"{kind}-bare-16.xml", feed, holding((start + end).encode("utf-16-le")), "not well-formed XML")


def _inside(kind: str, name: str, said: str, *pieces: bytes | Repeated | Iterator[bytes]) -> Hostile:
    """Pieces in the text of an element."""
    feed, start, end = _FRAMES[kind]
    return Hostile(f"{kind}-{name}.xml", feed, parts(start.encode(), *pieces, end.encode()), said)


def _large(kind: str) -> Iterator[Hostile]:
    yield _inside(kind, "unclosed", "Excessive depth", Repeated(b"<a>", 20 * MB))
    yield _inside(kind, "attribute", _TOO_LARGE, b"<a b='", Repeated(b"x", 100 * MB), b"'/>")
    yield _inside(kind, "attributes", _TOO_LARGE, b"<a ", (b"a%d='' " % i for i in range(1_000_000)), b"/>")


XML = tuple(hostile for kind in _FRAMES for hostile in _hostile(kind))
# Statements and audit files are read as streams, documents of one record each as trees.
LARGE_XML = tuple(hostile for kind in ("camt", "ubl") for hostile in _large(kind))

_CAMT = _FRAMES["camt"][1].encode() + b"<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>"
_CAMT_END = _FRAMES["camt"][2].encode()
_ENTRY = (
    b'<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
    b"<BookgDt><Dt>2026-03-02</Dt></BookgDt>%b</Ntry>"
)
_SHARE = b'<TxDtls><Amt Ccy="EUR">0.01</Amt><Refs><EndToEndId>E1</EndToEndId></Refs></TxDtls>'


def _statement(
    name: str, said: str, *pieces: bytes | Repeated, loaded: int | None = None, quarantined: int = 0
) -> Hostile:
    return Hostile(f"{name}.xml", BANK, parts(_CAMT, *pieces, _CAMT_END), said, loaded, quarantined)


_ENTRY_START, _ENTRY_END = _ENTRY.split(b"%b")

STATEMENTS = (
    _statement("text", _TOO_LARGE, _ENTRY_START, b"<X>", Repeated(b"x", 100 * MB), b"</X>", _ENTRY_END),
    _statement("comment", _TOO_LARGE, b"<!--", Repeated(b"x", 100 * MB), b"-->"),
    _statement("comments", _TOO_LARGE, Repeated(b"<!--x-->", 100 * MB)),
    _statement("instructions", _TOO_LARGE, Repeated(b"<?x y?>", 100 * MB)),
    _statement("cdata", _TOO_LARGE, b"<![CDATA[", Repeated(b"x", 100 * MB), b"]]>"),
    _statement("unknown", _TOO_LARGE, Repeated(b"<x/>", 100 * MB)),
    _statement(
        "batch", _TOO_LARGE, _ENTRY_START, b"<NtryDtls>", Repeated(_SHARE, 100 * MB), b"</NtryDtls>", _ENTRY_END
    ),
    _statement(
        "in-unknown",
        "account_no is missing",
        Repeated(b"<J>" + _ENTRY % b"" + b"</J>", 2 * MB),
        _ENTRY % b"",
        loaded=0,
        quarantined=1,
    ),
    _statement("statements", "", b"</Stmt>", Repeated(b"<Stmt/>", 2 * MB), b"<Stmt>", loaded=0),
    _statement("after", _TOO_LARGE, _ENTRY % b"", Repeated(b"<Junk>x</Junk>", 100 * MB)),
    _statement("amount", "is no decimal", _ENTRY.replace(b"1.00", b"1" * MB) % b"", loaded=0, quarantined=1),
    _statement("broken", "is no decimal", *(_ENTRY.replace(b"1.00", b"x") % b"",) * 5_000, loaded=0, quarantined=5_000),
)
