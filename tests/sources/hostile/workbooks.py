"""Hostile workbooks: formulas, entities, sheets that unpack to anything, parts with names that lead elsewhere."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from tests.sources.hostile.case import MB, RATES, Hostile, Write, made_by
from tests.sources.test_reader_xlsx import HEADER, SHEET_PART, with_part, workbook

_GOOD = ("EUR", "USD", date(2026, 3, 2), 1.08)
_DOCTYPE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
_BLOCK = b" " * MB
_TOO_LARGE = "more than 8 MB in one row"


def _with_sheet(change: Callable[[bytes], bytes]) -> Write:
    return made_by(lambda: with_part(workbook(HEADER, _GOOD), SHEET_PART, change))


def _streamed(before: bytes, after: bytes, blocks: int) -> Write:
    """A sheet with so many megabytes of blanks between two pieces, packed while it is written."""

    def write(path: Path) -> None:
        sound = path.with_name("_sound.xlsx")
        sound.write_bytes(workbook(HEADER, _GOOD))
        with zipfile.ZipFile(sound) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for part in source.namelist():
                content = source.read(part)
                if part != SHEET_PART:
                    target.writestr(part, content)
                    continue
                start, mark, end = content.partition(b"</sheetData>")
                with target.open(part, "w") as sheet:
                    sheet.write(start + before)
                    for _ in range(blocks):
                        sheet.write(_BLOCK)
                    sheet.write(after + mark + end)
        sound.unlink()

    return write


WORKBOOKS = (
    Hostile("formula.xlsx", RATES, made_by(lambda: workbook(HEADER, _GOOD, (*_GOOD[:3], "=1+1"))), "formula", 1, 1),
    Hostile(
        "command.xlsx",
        RATES,
        made_by(lambda: workbook(HEADER, _GOOD, (*_GOOD[:3], "=cmd|'/c calc'!A1"))),
        "formula",
        1,
        1,
    ),
    Hostile("formula-header.xlsx", RATES, made_by(lambda: workbook((*HEADER[:3], "=A2"), _GOOD)), "holds a formula"),
    Hostile("entity.xlsx", RATES, _with_sheet(lambda xml: _DOCTYPE + xml.rpartition(b"?>")[2].lstrip()), "DOCTYPE"),
    Hostile(
        "deep.xlsx",
        RATES,
        _with_sheet(lambda xml: xml.replace(b"</sheetData>", b"<a>" * MB + b"</sheetData>")),
        "Excessive depth",
    ),
    Hostile("nul.xlsx", RATES, _with_sheet(lambda xml: xml.replace(b"1.08", b"1\0")), "not well-formed"),
    Hostile("bomb.xlsx", RATES, _streamed(b"", b"", 100), _TOO_LARGE),
    Hostile(
        "cell.xlsx",
        RATES,
        _streamed(b'<row><c t="inlineStr"><is><t>', b"</t></is></c></row>", 100),
        _TOO_LARGE,
    ),
    Hostile(
        "dots.xlsx",
        RATES,
        made_by(lambda: with_part(workbook(HEADER, _GOOD), "../../xl/worksheets/sheet2.xml", lambda _: b"x")),
        "",
        1,
        0,
    ),
)
