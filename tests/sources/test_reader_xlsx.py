"""Excel workbooks: exact text of every cell, broken records alone, and no workbook that costs the machine."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from sources.contract import load_contracts
from sources.engine import quick_connection
from sources.mapping import Mapping, identity_mapping
from sources.readers import FileRefused, Workspace, quoted
from sources.readers.xlsx import as_shown, open_xlsx
from sources.readers.xlsx_package import OLE_START
from tests.sources.landing_zone import DAY, Zone, counts
from tests.sources.opened import Opened

FEED = "external.fx_rate"
HEADER = ("base_currency", "quote_currency", "rate_date", "rate")
GOOD = ("USD", "CNY", date(2026, 3, 2), 7.1)


def workbook(*rows: Sequence[object], change: Callable[[Worksheet], None] = lambda sheet: None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Rates"
    for row in rows:
        sheet.append(row)
    change(sheet)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one of its parts changed, or added."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        new.writestr(name, change(old.read(name) if name in old.namelist() else b""))
    return target.getvalue()


SHEET_PART = "xl/worksheets/sheet1.xml"


def read(content: bytes, max_content_bytes: int = 1 << 30, **keys: object) -> Opened:
    """What the reader makes of a workbook; ``keys`` are of the mapping, over that of the contract's own names."""
    own = identity_mapping(load_contracts()[FEED]).model_dump(exclude_defaults=True, by_alias=True)
    columns = {name: name for name in HEADER} | {str(k): v for k, v in dict(keys.pop("columns", {})).items()}  # type: ignore[call-overload]
    mapping = Mapping.model_validate({**own, **keys, "columns": columns})
    with TemporaryDirectory() as folder, quick_connection() as connection:
        path = Path(folder) / "book.xlsx"
        path.write_bytes(content)
        records = open_xlsx(path, mapping, Workspace(connection, Path(folder), max_content_bytes))
        fields = ", ".join(f"{column} as {quoted(name)}" for name, (column, _) in records.columns.items())
        found = connection.sql(f"select {fields} from {records.relation} order by {records.row_no}")
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
        return Opened(rows, [*records.refused()], records.notes)


def test_a_workbook_is_loaded_by_the_contract(zone: Zone) -> None:
    zone.deliver(FEED, "r.xlsx", workbook(HEADER, GOOD, ("EUR", "CNY", datetime(2026, 3, 2), 8)))  # noqa: DTZ001
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 2, "quarantined": 0, "duplicate": 0}
    assert zone.rows("raw/external/fx_rate", "rate_date, rate") == [(DAY, Decimal("7.1")), (DAY, Decimal(8))]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("60000.1", "60000.1"),
        ("60000.099999999999", "60000.1"),
        ("1.1000000000000001", "1.1"),
        ("0.30000000000000004", "0.3"),
        ("1234.5600000000013", "1234.56"),
        ("999999999999.98999", "999999999999.99"),
        ("123456789012345.67", "123456789012345.67"),
        ("12345678901234567890", "12345678901234567890"),
        ("4500000123.0", "4500000123"),
        ("1.5E+3", "1500"),
        ("-2.5E-7", "-0.00000025"),
        ("12.10", "12.1"),
        ("0", "0"),
    ],
)
def test_numbers_are_what_was_typed(text: str, shown: str) -> None:
    assert as_shown(text) == shown


@given(st.decimals(-(10**12), 10**12, places=2, allow_nan=False, allow_infinity=False))
def test_an_amount_comes_back_whatever_the_writer_made_of_it(amount: Decimal) -> None:
    for text in (repr(float(amount)), f"{float(amount):.17g}"):
        assert Decimal(as_shown(text)) == amount


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=50))
@example([1, 1, 846420, 112, 112, 970, 65537, 65537])
@example([167608161945, 800354682193, 287222347114, 1284833417568, 2717665525142])
def test_a_sum_of_amounts_is_what_was_added_up(cents: list[int]) -> None:
    total = 0.0
    for amount in cents:
        total += amount / 100
    is_as_typed = len(Decimal(repr(total)).as_tuple().digits) <= 15  # as Excel shows it too
    assert Decimal(as_shown(f"{total:.17g}")) == (Decimal(repr(total)) if is_as_typed else Decimal(sum(cents)) / 100)


def test_every_kind_of_cell_becomes_exact_text() -> None:
    values = {
        "date": date(2026, 3, 2),
        "midnight": datetime(2026, 3, 2),  # noqa: DTZ001
        "moment": datetime(2026, 3, 2, 13, 5, 7),  # noqa: DTZ001
        "time": time(8, 30),
        "duration": timedelta(hours=30, minutes=15),
        "yes": True,
        "no": False,
        "whole": 4500000123,
        "text": "  a_x000D_b ",
        "zeros": "000123",
        "chinese": "开票日期",
    }
    (row,) = read(workbook([*HEADER, *values], [*GOOD, *values.values()])).rows
    assert {name: row[name] for name in values} == {
        "date": "2026-03-02",
        "midnight": "2026-03-02",
        "moment": "2026-03-02T13:05:07",
        "time": "08:30:00",
        "duration": "30:15:00",
        "yes": "true",
        "no": "false",
        "whole": "4500000123",
        "text": "  a\rb ",
        "zeros": "000123",
        "chinese": "开票日期",
    }


def test_a_timestamp_at_midnight_keeps_its_time(zone: Zone) -> None:
    feed = "platform.facility_event"
    values = {
        "facility_event_id": "E1",
        "facility_id": "F1",
        "core_enterprise_id": "C1",
        "funder_id": "B1",
        "event_type": load_contracts()[feed].column("event_type").allowed_values[0],
        "amount": 12.1,
        "currency": "CNY",
        "event_at": datetime(2026, 3, 2),  # noqa: DTZ001
    }
    zone.deliver(feed, "e.xlsx", workbook([*values], [*values.values()]))
    (receipt,) = zone.ingest(feed)
    assert receipt.loaded_rows == 1, zone.refused("message")
    assert zone.rows("raw/platform/facility_event", "event_at, amount") == [
        (datetime(2026, 3, 2), Decimal("12.10"))  # noqa: DTZ001
    ]


def test_days_are_counted_from_1904_where_the_workbook_says_so() -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(HEADER)
    sheet.append(GOOD)
    content = saved(book)
    assert b"date1904" in zipfile.ZipFile(io.BytesIO(content)).read("xl/workbook.xml")
    assert read(content).rows[0]["rate_date"] == "2026-03-02"


def test_date_formats_of_east_asian_excel_are_dates() -> None:
    def restyle(styles: bytes) -> bytes:
        assert b'<xf numFmtId="164"' in styles
        return styles.replace(b'<xf numFmtId="164"', b'<xf numFmtId="31"')

    content = with_part(workbook(HEADER, GOOD), "xl/styles.xml", restyle)
    assert read(content).rows[0]["rate_date"] == "2026-03-02"


@pytest.mark.parametrize(
    ("mark", "expected"),
    [({}, "1.234"), ({"decimal_mark": ",", "thousands_sign": "."}, "1,234")],
)
def test_numbers_are_written_as_the_mapping_reads_them(mark: dict[str, str], expected: str) -> None:
    assert read(workbook(HEADER, (*GOOD[:3], 1.234)), **mark).rows[0]["rate"] == expected


FAULTS: dict[str, tuple[object, str]] = {
    "formula": ("=1+6.1", "D3 holds a formula; deliver its value (copy, paste special, values)."),
    "error_value": ("#N/A", "D3 holds the error #N/A; correct it."),
    "type": ("seven", "rate 'seven' is no decimal(18,6)."),
}


@pytest.mark.parametrize("rule", FAULTS)
def test_a_broken_record_is_refused_alone(zone: Zone, rule: str) -> None:
    value, message = FAULTS[rule]
    zone.deliver(FEED, "r.xlsx", workbook(HEADER, GOOD, ("EUR", "CNY", date(2026, 3, 2), value), ("GBP", *GOOD[1:])))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 3, "loaded": 2, "quarantined": 1, "duplicate": 0}
    (refused,) = zone.refused("row_no, line_no, rule, message, raw_text")
    assert refused[:4] == (2, 3, rule, message)
    assert '"base_currency": "EUR"' in str(refused[4])


def test_a_formula_with_a_remembered_result_is_refused_too() -> None:
    def remember(sheet: bytes) -> bytes:
        assert b"<f>1+6.1</f>" in sheet
        return sheet.replace(b"<f>1+6.1</f><v/>", b"<f>1+6.1</f><v>7.1</v>").replace(
            b"<f>1+6.1</f><v></v>", b"<f>1+6.1</f><v>7.1</v>"
        )

    content = with_part(workbook(HEADER, (*GOOD[:3], "=1+6.1")), SHEET_PART, remember)
    assert b"<v>7.1</v>" in zipfile.ZipFile(io.BytesIO(content)).read(SHEET_PART)
    assert [record.rule for record in read(content).refused] == ["formula"]


def test_a_formula_in_a_column_that_nobody_reads_costs_nothing() -> None:
    found = read(workbook([*HEADER, "check"], [*GOOD, "=D2*2"]))
    assert len(found.rows) == 1
    assert found.refused == []


def test_blank_rows_and_columns_are_no_records() -> None:
    def format_far_cells(sheet: Worksheet) -> None:
        for row in range(1, 60):
            sheet.cell(row, 30).number_format = "0.00"

    found = read(workbook((), HEADER, (), GOOD, (None, "", None), GOOD, (), change=format_far_cells))
    assert len(found.rows) == 2
    assert [*found.rows[0]] == [*HEADER]
    assert found.notes == ()


def test_values_without_a_name_are_ignored_with_a_note() -> None:
    found = read(workbook((" ", *HEADER), (0, *GOOD), (1, *GOOD, "see mail")))
    assert len(found.rows) == 2
    assert found.notes == ("Ignored the values of columns without a name in row 1: 'A', 'F'.",)


def test_line_breaks_in_a_name_are_blanks() -> None:
    (row,) = read(workbook(("base_currency", "quote\n currency ", "rate_date", "rate"), GOOD)).rows
    assert row["quote currency"] == "CNY"


def test_titles_above_the_header_are_passed_over_where_the_mapping_says_so() -> None:
    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("A1:D1")

    content = workbook(("Rates of March",), (), HEADER, GOOD, change=merge)
    assert len(read(content, header_row=3).rows) == 1
    assert len(read(content, header_row=2).rows) == 1
    with pytest.raises(FileRefused, match=r"Row 1, which names the columns, has merged cells \(A1:D1\)"):
        read(content)


def test_rows_without_a_value_of_their_own_are_refused() -> None:
    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("B2:B3")
        sheet.merge_cells("F2:F4")

    found = read(workbook((*HEADER, "", "note"), GOOD, GOOD, GOOD, change=merge))
    assert len(found.rows) == 2
    (refused,) = found.refused
    assert (refused.row_no, refused.line_no, refused.rule) == (2, 3, "merged_cells")
    assert refused.message == "B3 has no value of its own, as B2:B3 is merged; unmerge and fill it."


def test_a_name_that_reaches_over_the_rows_below_is_a_name() -> None:
    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("E1:E2")

    found = read(workbook((*HEADER, "note"), GOOD, GOOD, change=merge))
    assert (len(found.rows), found.refused) == (2, [])
    with pytest.raises(FileRefused, match=r"Row 2, which names the columns, has merged cells \(E1:E2\)"):
        read(workbook((*HEADER, "note"), GOOD, GOOD, change=merge), header_row=2)


def test_the_workbook_is_found_without_the_relations_of_the_package() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(HEADER, GOOD))) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            if member != "_rels/.rels":
                new.writestr(member, old.read(member))
    assert len(read(target.getvalue()).rows) == 1


def book_of_sheets(**states: str) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, state in states.items():
        sheet = book.create_sheet(name)
        sheet.append(HEADER)
        sheet.append((*GOOD[:3], len(name)))
        sheet.sheet_state = state
    return saved(book)


def test_the_first_visible_sheet_is_read_and_the_others_are_named() -> None:
    found = read(book_of_sheets(old="hidden", rates="visible", oldest="veryHidden", more="visible"))
    assert found.rows[0]["rate"] == "5"
    assert found.notes == ("Read the sheet 'rates'; the workbook also has 'old', 'oldest', 'more'.",)


def test_the_mapping_chooses_a_sheet() -> None:
    content = book_of_sheets(old="hidden", rates="visible")
    assert read(content, sheet="OLD").rows[0]["rate"] == "3"
    with pytest.raises(FileRefused, match="The workbook has no sheet 'new', it has 'old', 'rates'"):
        read(content, sheet="new")


def test_a_wrong_dimension_hides_nothing() -> None:
    def shrink(sheet: bytes) -> bytes:
        assert b'<dimension ref="A1:D3"' in sheet
        return sheet.replace(b'<dimension ref="A1:D3"', b'<dimension ref="A1"')

    assert len(read(with_part(workbook(HEADER, GOOD, GOOD), SHEET_PART, shrink)).rows) == 2


def test_rows_and_cells_without_an_address_are_counted() -> None:
    import re

    content = with_part(
        workbook(HEADER, GOOD, GOOD),
        SHEET_PART,
        lambda sheet: re.sub(rb'(<(?:c|row)\b[^>]*?) r="[A-Z0-9]+"', rb"\1", sheet),
    )
    assert b' r="' not in zipfile.ZipFile(io.BytesIO(content)).read(SHEET_PART)
    assert [row["quote_currency"] for row in read(content).rows] == ["CNY", "CNY"]


def with_shared_texts(*items: bytes, number: int = 0) -> bytes:
    """A workbook whose text CNY is a shared one."""
    inline = b'<c r="B2" t="inlineStr"><is><t>CNY</t></is></c>'

    def refer(sheet: bytes) -> bytes:
        assert inline in sheet
        return sheet.replace(inline, f'<c r="B2" t="s"><v>{number}</v></c>'.encode())

    relation = b'<Relationship Id="rIdT" Type="http://x/relationships/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    content = with_part(workbook(HEADER, GOOD), SHEET_PART, refer)
    content = with_part(content, "xl/sharedStrings.xml", lambda _: b"<sst>" + b"".join(items) + b"</sst>")
    return with_part(
        content,
        "xl/_rels/workbook.xml.rels",
        lambda xml: xml.replace(b"</Relationships>", relation + b"</Relationships>"),
    )


def test_texts_of_runs_are_joined_and_reading_aids_left_out() -> None:
    runs = b'<si><r><t>C</t></r><r><rPr><b/></rPr><t>NY</t></r><rPh sb="0" eb="1"><t>see en wai</t></rPh></si>'
    content = with_shared_texts("<si><t>元</t></si>".encode(), runs, b"<si/>", number=1)
    assert read(content).rows[0]["quote_currency"] == "CNY"
    assert read(with_shared_texts(runs, "<si><t>元</t></si>".encode(), number=1)).rows[0]["quote_currency"] == "元"


@pytest.mark.parametrize("number", [1, -1])
def test_a_text_that_is_not_there_refuses_the_record(number: int) -> None:
    found = read(with_shared_texts(b"<si><t>CNY</t></si>", number=number))
    assert [record.message for record in found.refused] == [
        "B2 refers to a text that the workbook does not have; save it again."
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("r.xlsx", b"USD,CNY\n", "It is no Excel workbook, whatever its name says"),
        ("r.xls", b"<html><table/></html>", "It is no Excel workbook, whatever its name says"),
        ("r.xls", OLE_START + bytes(600), "workbook of the old format .xls; save it as .xlsx"),
        (
            "r.xlsx",
            OLE_START + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "It is encrypted; save it without a password.",
        ),
        ("r.xlsm", with_part(workbook(HEADER), "xl/vbaProject.bin", lambda _: b"x"), "workbook with macros"),
        (
            "r.xlsx",
            with_part(
                workbook(HEADER),
                "[Content_Types].xml",
                lambda types: types.replace(
                    b"openxmlformats-officedocument.spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main"
                ),
            ),
            "workbook with macros",
        ),
        ("r.xlsb", with_part(workbook(HEADER), "xl/workbook.bin", lambda _: b"x"), "binary workbook"),
        ("r.ods", with_part(workbook(HEADER), "mimetype", lambda _: b"x"), "OpenDocument"),
        ("r.xlsx", workbook(), "no row that names its columns"),
        ("r.xlsx", workbook((*HEADER, "rate"), GOOD), "names 'rate' more than once; let the mapping read 'rate (1)'"),
        ("r.xlsx", workbook(("base_currency", "=A2"), GOOD), "Row 1 names the columns, but B1 holds a formula"),
        ("r.xlsx", workbook(HEADER[:3], GOOD[:3]), "lacks the required column rate; it has columns base_currency"),
        ("r.xlsx", workbook(HEADER, GOOD)[:-300], "It is no Excel workbook, whatever its name says"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused_with_a_sentence(
    zone: Zone, name: str, content: bytes, sentence: str
) -> None:
    zone.deliver(FEED, name, content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert sentence in (receipt.message or "")
    assert (receipt.message or "").endswith(".")


def test_damaged_bytes_are_noticed(zone: Zone) -> None:
    content = bytearray(workbook(HEADER, *[("USD", "CNY", DAY, number / 7) for number in range(4000)]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.getinfo(SHEET_PART)
    for place in range(member.header_offset + 9000, member.header_offset + 9040):
        content[place] ^= 0xFF
    zone.deliver(FEED, "r.xlsx", bytes(content))
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert "save it as .xlsx again" in (receipt.message or "") or "deliver it again" in (receipt.message or "")


def test_a_part_that_lies_before_the_file_is_noticed(zone: Zone) -> None:
    content = workbook(HEADER, GOOD)
    # The directory, said to lie further behind, puts every part so much further before.
    at = content.rindex(b"PK\x05\x06") + 16
    place = int.from_bytes(content[at : at + 4], "little") + 10_000
    zone.deliver(FEED, "r.xlsx", content[:at] + place.to_bytes(4, "little") + content[at + 4 :])
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"


@pytest.mark.parametrize("part", [SHEET_PART, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_entities_are_refused(tmp_path: Path, part: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("leaked")
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'.encode()
    content = with_part(
        with_shared_texts(b"<si><t>CNY</t></si>"), part, lambda xml: doctype + xml.rpartition(b"?>")[2].lstrip()
    )
    with pytest.raises(FileRefused, match="DOCTYPE"):
        read(content)


def test_a_workbook_that_unpacks_to_too_much_is_refused() -> None:
    content = with_part(workbook(HEADER, GOOD), "xl/media/image1.png", lambda _: bytes(3 << 20))
    assert len(content) < 100_000
    with pytest.raises(FileRefused, match="Unpacked it exceeds 2,097,152 bytes; split it"):
        read(content, max_content_bytes=2 << 20)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"</sheetData>", b"<row>" + b"<c/>" * (3 << 20) + b"</row></sheetData>"),
        (b"</sheetData>", b"<row><c t='inlineStr'><is><t>" + b"x" * (9 << 20) + b"</t></is></c></row></sheetData>"),
        (b"<sheetData>", b"<!--" + b"x" * (9 << 20) + b"--><sheetData>"),
    ],
    ids=["cells", "text", "comment"],
)
def test_a_row_of_any_size_takes_no_more_memory_than_a_bound(before: bytes, after: bytes) -> None:
    content = with_part(workbook(HEADER, GOOD), SHEET_PART, lambda sheet: sheet.replace(before, after))
    with pytest.raises(FileRefused, match=r"too large for memory|not well-formed|more than 8 MB"):
        read(content)


def test_rows_out_of_order_are_refused() -> None:
    content = with_part(
        workbook(HEADER, GOOD, GOOD), SHEET_PART, lambda sheet: sheet.replace(b'<row r="3"', b'<row r="2"')
    )
    with pytest.raises(FileRefused, match="not numbered upwards"):
        read(content)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=20).filter(
    lambda text: not text.startswith("=") and "_x" not in text and "\ufffe" not in text and "\uffff" not in text
)
VALUES = st.one_of(
    st.none(),
    TEXTS.filter(lambda text: text.strip() != ""),
    st.integers(-(10**15), 10**15),
    st.decimals(-(10**9), 10**9, places=2, allow_nan=False, allow_infinity=False),
    st.dates(date(1900, 3, 1), date(9999, 12, 31)),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), max_size=12))
def test_what_is_written_is_read(rows: list[tuple[object, ...]]) -> None:
    def text(value: object) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, Decimal):
            return f"{value.normalize():f}" if value else "0"
        return value.isoformat() if isinstance(value, date) else str(value)

    def write(sheet: Worksheet) -> None:
        for row_no, row in enumerate(rows, start=2):
            for column, value in enumerate(row, start=1):
                cell = sheet.cell(row_no, column, value)  # type: ignore[arg-type]
                if isinstance(value, str):
                    cell.data_type = "s"

    found = read(workbook(HEADER, change=write))
    assert found.refused == []
    expected = [[text(value) for value in row] for row in rows if any(value is not None for value in row)]
    assert [[*row.values()] for row in found.rows] == expected


def test_the_example_view_of_a_standard_audit_file(shared_data: Path) -> None:
    (path,) = shared_data.joinpath("saft", "norway", "Example Files").glob("*.xlsx")
    names = [sheet.title for sheet in openpyxl.load_workbook(path, read_only=True).worksheets]
    for name in names:
        try:
            found = read(path.read_bytes(), sheet=name)
        except FileRefused as error:
            assert str(error).endswith(".")  # noqa: PT017
        else:
            assert found.rows or found.refused
