"""Which reader opens a file: the one its mapping names, else by the suffix of its name, else by how it begins."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sources.contract import Contract
from sources.mapping import Mapping, ReaderName, TextForm, identity_mapping
from sources.mapping_files import MAPPING_FOLDER, load_mapping
from sources.readers import FileRefused, Reader
from sources.readers.bai2 import open_bai2
from sources.readers.camt import open_camt
from sources.readers.cii import PDF_START, open_cii
from sources.readers.delimited import open_delimited
from sources.readers.efapiao import open_efapiao
from sources.readers.jsonl import open_jsonl
from sources.readers.mt940 import open_mt940
from sources.readers.parquet import open_parquet
from sources.readers.saft import open_saft
from sources.readers.ubl import open_ubl
from sources.readers.unpack import head
from sources.readers.xlsx import open_xlsx
from sources.readers.xlsx_package import OLE_START
from sources.readers.xml import Root, root_of


@dataclass(frozen=True)
class Format:
    """A format: what people call it, how it is opened, whether its columns are up to who writes the file, and whether
    the file says of which type each is.
    """

    title: str
    open: Reader
    is_tabular: bool = False
    is_typed: bool = False


FORMATS: dict[ReaderName, Format] = {
    "delimited": Format("delimited text", open_delimited, is_tabular=True),
    "parquet": Format("Parquet", open_parquet, is_tabular=True, is_typed=True),
    "xlsx": Format("Excel workbook (.xlsx)", open_xlsx, is_tabular=True),
    "jsonl": Format("JSON Lines", open_jsonl, is_tabular=True),
    "camt": Format("camt bank statement", open_camt),
    "mt940": Format("MT940 or MT942 bank statement", open_mt940),
    "bai2": Format("BAI2 bank report", open_bai2),
    "ubl": Format("UBL invoice", open_ubl),
    "cii": Format("Cross Industry Invoice (XML, or PDF as Factur-X)", open_cii),
    "efapiao": Format("fully digital e-invoice (数电票)", open_efapiao),
    "saft": Format("SAF-T audit file", open_saft),
}
_XML_READERS: tuple[ReaderName, ...] = ("camt", "ubl", "cii", "efapiao", "saft")
_XML_TITLES = ", ".join(FORMATS[reader].title for reader in _XML_READERS)
_SUFFIXES: dict[str, ReaderName] = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".parquet": "parquet",
    # The reader of workbooks says what to do about its relatives.
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xltm", ".xlsb", ".xls", ".ods"), "xlsx"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".sta", ".mt940", ".940", ".942", ".swi"), "mt940"),
    **dict.fromkeys((".bai", ".bai2"), "bai2"),
}
_ROOTS: tuple[tuple[Callable[[Root], bool], ReaderName], ...] = (
    (lambda root: re.search(r"camt\.05[234]\.", root.namespace) is not None, "camt"),
    (lambda root: re.search(r":ubl:schema:xsd:(Invoice|CreditNote)-2$", root.namespace) is not None, "ubl"),
    (lambda root: root.name in ("CrossIndustryInvoice", "CrossIndustryDocument"), "cii"),
    (lambda root: root.name == "EInvoice", "efapiao"),
    (lambda root: root.name == "AuditFile", "saft"),
)
_BEGINNINGS: tuple[tuple[re.Pattern[bytes], ReaderName], ...] = (
    # Before its first message a bank may put up to three lines of its own.
    (re.compile(rb"\{1:|([^\r\n]{0,80}\r?\n){0,3}:20:"), "mt940"),
    (re.compile(rb"01,[^\r\n]*/[ \t]*([\r\n]|$)"), "bai2"),
)
# Some banks put the message into an envelope of their own, and some programs write it without its namespace.
_CAMT_MESSAGE = re.compile(rb"<([\w.-]+:)?BkToCstmr(Stmt|AcctRpt|DbtCdtNtfctn)[\s/>]")
_WORKBOOK_STARTS = (b"PK\x03\x04", OLE_START)
_OFX = re.compile(rb"OFXHEADER:|<\?OFX |<OFX>")
_UTF_16_XML = re.compile(rb"\xff\xfe(\s\0)*<\0|\xfe\xff(\0\s)*\0<|\0<")
DEFAULT_MAPPINGS = "formats"


def choose_reader(path: Path, mapping: Mapping, name: str | None = None) -> ReaderName:
    """Name of the reader; FileRefused when no reader takes such a file. Its ``name`` may be another than its path's."""
    if mapping.reader is not None:
        return mapping.reader
    own_name, beginning = head(path)
    name = name or own_name
    suffix = Path(name.lower()).suffix
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if beginning.startswith(_WORKBOOK_STARTS):
        return "xlsx"
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()
    if suffix in (".ofx", ".qfx", ".qbo") or _OFX.search(text[:1000]):
        raise FileRefused(
            "OFX is not read; ask the bank for camt.053, MT940 or BAI2, or deliver the bookings as delimited text."
        )
    if text.startswith(b"<") or _UTF_16_XML.match(beginning):
        return _reader_of_xml(text if text.startswith(b"<") else beginning)
    if text.startswith(PDF_START):
        return "cii"
    for beginning_of, reader in _BEGINNINGS:
        if beginning_of.match(text):
            return reader
    if suffix == ".txt":
        return "delimited"
    raise FileRefused(
        f"No reader takes such a file; deliver {', '.join(format.title for format in FORMATS.values())}, "
        "or name a reader in the mapping."
    )


def _reader_of_xml(beginning: bytes) -> ReaderName:
    root = root_of(beginning)
    for belongs, reader in _ROOTS:
        if belongs(root):
            return reader
    if _CAMT_MESSAGE.search(beginning):
        return "camt"
    if "CashRegister" in root.namespace:
        raise FileRefused(
            "A SAF-T cash register file holds the sales of a shop; deliver the SAF-T file of the accounts (Financial)."
        )
    namespace = f" of {root.namespace}" if root.namespace else ""
    raise FileRefused(
        f"No reader takes XML with the root element {root.name}{namespace}; deliver {_XML_TITLES}, or delimited text."
    )


def settled(path: Path, mapping: Mapping, contract: Contract) -> Mapping:
    """The mapping that applies: a delivery without one uses its format's own for the feed, if there is such a mapping.

    What the delivery says of its text, such as an encoding, holds for that one too.
    FileRefused when the format holds no rows of the feed.
    """
    identity = identity_mapping(contract)
    form = TextForm.model_validate(
        {key: own for key in TextForm.model_fields if (own := getattr(mapping, key)) != getattr(identity, key)}
    )
    if mapping != identity.written(form):
        return mapping
    reader = choose_reader(path, mapping)
    if FORMATS[reader].is_tabular:
        return mapping
    own = _own_mappings(reader)
    if contract.name in own:
        return own[contract.name].written(form)
    raise FileRefused(
        f"A {FORMATS[reader].title} holds no rows of {contract.name}; deliver it to {' or '.join(sorted(own))}."
    )


@cache
def _own_mappings(reader: ReaderName) -> dict[str, Mapping]:
    """Mappings of a format by feed: ``mappings/formats/<reader>/*.yaml``."""
    files = sorted((MAPPING_FOLDER / DEFAULT_MAPPINGS / reader).glob("*.yaml"))
    mappings = (load_mapping(f"{DEFAULT_MAPPINGS}/{reader}/{file.stem}") for file in files)
    return {mapping.feed: mapping for mapping in mappings}
