"""Drafts of mappings: what an unknown file is, which column is which, and nothing guessed in silence."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.check import check_file
from sources.contract import load_contracts
from sources.mapping_files import read_mapping
from sources.onboarding.draft import Draft, draft_mapping
from sources.onboarding.match import candidates, plain, terms
from sources.onboarding.sniff import text_shape
from sources.readers import FileRefused

BANK = "bank.transaction"
WORDS = {
    "utf-8": "Müller & Söhne",
    "cp1252": "Müller & Söhne",
    "cp1250": "Łódź Mądrość",
    "gb18030": "华建材料",
    "utf-16": "Müller 华建",
}


def german_bank(records: int = 40) -> bytes:
    """An export of a German bank: titles, semicolons, decimal commas, signed amounts, cp1252."""
    header = (
        "Auftragskonto;Buchungstag;Wertstellung;Auftraggeber/Empfänger;Buchungstext;Verwendungszweck;"
        "Betrag (EUR);Referenz"
    )
    lines = ["Umsatzanzeige;Datei erstellt am: 03.03.2026", "", "IBAN;DE89 3704 0044 0532 0130 00", "", header]
    for number in range(records):
        amount = f"{'-' if number % 3 else ''}{1 + number}.{number:03d},{number:02d}"
        day = f"{1 + number % 28:02d}.03.2026"
        text = f'"Müller & Söhne; GmbH";Überweisung;"Rechnung ""{number}"" März"'
        lines.append(f"DE89370400440532013000;{day};{day};{text};{amount};R{number:05d}")
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def written(draft: Draft, folder: Path) -> Path:
    path = folder / "draft.yaml"
    path.write_text(draft.text, encoding="utf-8")
    return path


def columns_of(draft: Draft) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(draft.text)["columns"]
    return found


@pytest.mark.parametrize("encoding", WORDS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("titles", [0, 3])
def test_the_shape_of_a_text_is_told(tmp_path: Path, encoding: str, delimiter: str, titles: int) -> None:
    lines = ["Konto" for _ in range(titles)]
    lines += [delimiter.join(["name", "date", "amount"])]
    lines += [
        delimiter.join([f'"{WORDS[encoding]}{delimiter} {n}"', f"2026-03-{n:02d}", f"{n}.50"]) for n in range(1, 30)
    ]
    path = tmp_path / "t.csv"
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    shape = text_shape(path)
    assert (shape.encoding, shape.delimiter, shape.header_row) == (encoding, delimiter, titles + 1)


def test_more_titles_than_records_and_a_delimiter_behind_the_last_field(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    titles = [f"Hinweis {n}: bitte beachten" for n in range(20)]
    path.write_text("\n".join([*titles, "name,date,amount", *(f"a {n},2026-03-0{n},{n}.50," for n in range(1, 9))]))
    shape = text_shape(path)
    assert (shape.delimiter, shape.header_row) == (",", 21)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1251", "ООО Строительная компания;Оплата по договору поставки;Поступление денежных средств"),
        ("cp866", "ООО Строительная компания;Оплата по договору поставки;Поступление денежных средств"),
        ("big5", "臺灣建設股份有限公司;貨款匯入帳戶;應收帳款轉讓通知"),
        ("cp932", "株式会社サンプル建設;売掛金の入金について;振込手数料として"),
        ("cp1252", "Müller & Söhne GmbH;Überweisung für Rechnung;Gebühr"),
        ("cp1250", "Łódź Sąsiedztwo spółka;Zapłata za fakturę;Opłata"),
    ],
)
def test_other_scripts_are_told_by_their_letters(tmp_path: Path, encoding: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("\n".join(["name;text;kind", *(words for _ in range(20))]).encode(encoding))
    assert text_shape(path).encoding == encoding


def test_latin_text_is_not_taken_for_chinese(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(("name;ort\n" + "Jürgen Größe;Köln ÜÖ x\n" * 50).encode("cp1252"))
    assert text_shape(path).encoding == "cp1252"


def test_text_becomes_utf8_only_when_the_whole_file_is(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"name;ort\n" + b"abc;def\n" * 200_000 + "Jürgen;Köln\n".encode("cp1252"))
    assert text_shape(path).encoding == "cp1252"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"words\nmore words\n", "No delimiter"), (b"1,2\n3,4\n5,6\n", "names its 2 columns")],
)
def test_what_has_no_shape_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(FileRefused, match=says):
        text_shape(path)


def test_names_are_compared_without_case_accents_and_brackets() -> None:
    assert plain("Währung") == plain("WAHRUNG") == "wahrung"
    assert plain("金额（万元）") == plain(" 金额 ") == "金额"
    assert plain("Betrag (EUR)") == plain("betrag")


@pytest.mark.parametrize(
    ("feed", "column", "delivered"),
    [
        (BANK, "booking_date", "Buchungstag"),
        (BANK, "counterparty_name", "对方户名"),
        (BANK, "counterparty_account_no", "对方账号"),
        ("tax.vat_invoice", "gross_amount", "价税合计"),
        ("erp.ap_invoice", "erp_vendor_no", "LIFNR"),
        ("erp.purchase_order", "po_no", "EBELN"),
        ("external.fx_rate", "rate_date", "rate_date"),
    ],
)
def test_a_term_of_the_field_is_known(feed: str, column: str, delivered: str) -> None:
    (best, *_) = candidates(load_contracts()[feed].column(column), ["x", "Nummer", delivered, "对方"], feed)
    assert best.delivered == delivered
    assert best.score >= 95


def test_terms_are_of_columns_and_values_that_there_are() -> None:
    contracts = [*load_contracts().values()]
    columns = {name for contract in contracts for name in contract.column_names}
    values = {value for contract in contracts for column in contract.columns for value in column.allowed_values}
    with_feed = {f"{contract.name}.{name}" for contract in contracts for name in contract.column_names}
    assert {*terms().columns} <= columns | with_feed
    assert {*terms().values} <= values | {"CNY", "USD", "EUR", "HKD", "JPY", "GBP", "true", "false"}


def test_an_unknown_german_bank_loads_by_its_draft(tmp_path: Path) -> None:
    path = tmp_path / "umsatz.csv"
    path.write_bytes(german_bank())
    draft = draft_mapping(path, BANK)
    assert (draft.gaps, draft.error) == ((), None)
    mapping = read_mapping(written(draft, tmp_path))
    assert (mapping.encoding, mapping.delimiter, mapping.header_row) == ("cp1252", ";", 5)
    assert (mapping.decimal_mark, mapping.thousands_sign) == (",", ".")
    assert columns_of(draft)["currency"] == {"constant": "EUR"}
    assert "# the heading Betrag (EUR) says so" in draft.text
    done = check_file(path, mapping)
    assert (done.delivered, done.loaded) == (40, 40)
    bounds = {column.column: (column.minimum, column.maximum) for column in done.columns}
    assert bounds["amount"] == ("1000.00", "40039.39")
    assert bounds["credit_debit"] == ("CRDT", "DBIT")


def test_a_gap_is_a_comment_on_its_line_with_candidates(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text("Kontonummer;Buchungstag;Umsatzbetrag\n" + "1;1.3.2026;5,00\n2;2.3.2026;6,00\n")
    draft = draft_mapping(path, BANK)
    assert {gap.column for gap in draft.gaps} == {"transaction_ref", "credit_debit", "amount", "currency"}
    lines = draft.text.splitlines()
    for gap in draft.gaps:
        assert lines[gap.line - 1].startswith(f"  # {gap.column}:   # REQUIRED, ")
    assert any("amount:" in line and "Umsatzbetrag" in line for line in lines)


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["20260302", "20260315"], "YYYYMMDD"),
        (["2026/3/2", "2026/12/15"], "YYYY/M/D"),
        (["2026年3月2日"], "YYYY年M月D日"),
        (["02-MAR-26"], "D-MMM-YY"),
        (["3/15/2026"], "M/D/YYYY"),
        (["46083", "46090"], "EXCEL"),
        (["2026-03-02"], None),
        (["2026-03-02 10:15:00"], "YYYY-M-D hh:mm:ss"),
        (["20260302101500"], "YYYYMMDDhhmmss"),
        (["20260302", "2026/3/2"], ["YYYYMMDD", "YYYY/M/D"]),
    ],
)
def test_the_format_of_a_date_is_tried_on_its_values(tmp_path: Path, values: list[str], form: object) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "base_currency,quote_currency,rate_date,rate\n" + "".join(f"USD,EUR,{value},1.5\n" for value in values)
    )
    origin = columns_of(draft_mapping(path, "external.fx_rate"))["rate_date"]
    assert origin == ("rate_date" if form is None else {"from": "rate_date", "format": form})


def test_days_that_could_be_months_are_doubtful(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("base_currency,quote_currency,rate_date,rate\nUSD,EUR,3/4/2026,1.5\nUSD,EUR,5/6/2026,1.5\n")
    (line,) = [line for line in draft_mapping(path, "external.fx_rate").text.splitlines() if "rate_date:" in line]
    assert "DOUBTFUL: M/D/YYYY reads them too, as other days" in line


def test_marks_that_could_be_either_are_doubtful(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("base_currency;quote_currency;rate_date;rate\nUSD;EUR;2026-03-02;1.234\nUSD;EUR;2026-03-03;7.891\n")
    text = draft_mapping(path, "external.fx_rate").text
    assert "decimal_mark: .  #" in text
    assert "DOUBTFUL: decimal mark ',' reads them too" in text


def test_a_heading_in_ten_thousands_gives_a_factor(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text("账号,日期,余额（万元）\n1,2026-03-02,12.5\n", encoding="utf-8")
    draft = draft_mapping(path, "bank.balance")
    assert columns_of(draft)["amount"] == {"from": "余额（万元）", "factor": 10000}
    assert columns_of(draft)["currency"] == {"constant": "CNY"}


@pytest.mark.parametrize(
    ("values", "amounts"),
    [
        (["1 234,50 €", "-12,00 €"], [Decimal("1234.50"), Decimal(12)]),
        (["1 234,50 €", "\u221212,00 €"], [Decimal("1234.50"), Decimal(12)]),
        (["-$1,234.50", "$12.00"], [Decimal("1234.50"), Decimal(12)]),
        (["$1,234.50", "($12.00)"], [Decimal("1234.50"), Decimal(12)]),
        (["12,00- EUR", "1.234,50 EUR"], [Decimal(12), Decimal("1234.50")]),
    ],
)
def test_a_currency_beside_a_negative_amount_is_left_out(
    tmp_path: Path, values: list[str], amounts: list[Decimal]
) -> None:
    path = tmp_path / "t.csv"
    lines = (f"A1;R{number};2026-03-0{number};{value};EUR" for number, value in enumerate(values, start=1))
    path.write_text("\n".join(["Account;Reference;Booking date;Amount;Currency", *lines]) + "\n", encoding="utf-8")
    draft = draft_mapping(path, BANK)
    (tmp_path / "m.yaml").write_text(draft.text.replace("  # transaction_ref:", "  transaction_ref: Reference  #"))
    mapping = read_mapping(tmp_path / "m.yaml")
    checked = check_file(path, mapping)
    assert (checked.loaded, checked.refused) == (2, 0)
    amount = next(column for column in checked.columns if column.column == "amount")
    assert [Decimal(str(amount.minimum)), Decimal(str(amount.maximum))] == sorted(amounts)
    side = next(column for column in checked.columns if column.column == "credit_debit")
    assert (side.minimum, side.maximum) == ("CRDT", "DBIT")


@pytest.mark.parametrize(
    ("feed", "header", "record", "expected"),
    [
        (
            BANK,
            "Datum;Naam / Omschrijving;Rekening;Tegenrekening;Af Bij;Bedrag (EUR);Mededelingen",
            "20260301;Bakker BV;NL91ABNA0417164300;NL20INGB0001234567;Af;1,50;Factuur 7",
            {
                "booking_date": {"from": "Datum", "format": "YYYYMMDD"},
                "counterparty_name": "Naam / Omschrijving",
                "account_no": "Rekening",
                "counterparty_account_no": "Tegenrekening",
                "credit_debit": {"from": "Af Bij", "trim": True, "codes": {"Af": "DBIT"}},
                "amount": "Bedrag (EUR)",
                "remittance_text": "Mededelingen",
                "currency": {"constant": "EUR"},
            },
        ),
        (
            "erp.ap_invoice",
            "Code fournisseur;Numéro de facture;Date de facture;Date d'échéance;Total TTC;Devise",
            "F001;2026-77;01/03/2026;31/03/2026;1 234,50;EUR",
            {
                "erp_vendor_no": "Code fournisseur",
                "supplier_invoice_no": "Numéro de facture",
                "gross_amount": "Total TTC",
                "currency": "Devise",
            },
        ),
        (
            "erp.purchase_order",
            "PO_ID,Vendor_Code,Order_Date,Currency",
            "4500001,V100,2026-03-01,EUR",
            {"po_no": "PO_ID", "erp_vendor_no": "Vendor_Code", "po_date": "Order_Date", "currency": "Currency"},
        ),
    ],
    ids=["Dutch", "French", "English"],
)
def test_headings_in_other_languages_are_known(
    tmp_path: Path, feed: str, header: str, record: str, expected: dict[str, object]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n{record}\n", encoding="utf-8")
    drafted = columns_of(draft_mapping(path, feed))
    assert {name: drafted.get(name) for name in expected} == expected


def test_a_balance_is_no_amount_of_a_booking(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Auftragskonto;Kontonummer;Buchungstag;Saldo\nA1;B2;2026-03-01;5,00\n")
    booking, balance = (columns_of(draft_mapping(path, feed)) for feed in (BANK, "bank.balance"))
    assert (booking["account_no"], booking.get("amount")) == ("Auftragskonto", None)
    assert balance["amount"] == "Saldo"


def test_the_sides_of_an_amount_may_differ_in_brackets_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("交易日期,记账金额(收入),记账金额(支出),余额\n2026-03-01,5.00,,10\n2026-03-02,,6.00,4\n")
    columns = columns_of(draft_mapping(path, BANK))
    assert columns["amount"] == {"expression": 'abs(one_sided("记账金额(收入)", "记账金额(支出)"))'}


def test_a_file_of_decimal_commas_is_not_divided_by_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    titles = [f"Titel {n};x" for n in range(6)]
    path.write_text("\n".join([*titles, "Tag;Name;Betrag;Ort", *(f"{n};a;{n},50;b" for n in range(14))]))
    assert text_shape(path).delimiter == ";"


def test_two_sides_become_one_amount(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(
        "账号,流水号,交易日期,收入金额,支出金额,币种\n1,a,20260302,5.00,,人民币\n1,b,20260302,,7.00,人民币\n"
    )
    draft = draft_mapping(path, BANK)
    done = check_file(path, read_mapping(written(draft, tmp_path)))
    assert (done.delivered, done.loaded) == (2, 2)
    assert columns_of(draft)["currency"] == {"from": "币种", "trim": True, "codes": {"人民币": "CNY"}}


def test_a_value_that_no_term_knows_stands_as_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text("账号,流水号,交易日期,金额,借贷标志,币种\n1,a,20260302,5.00,借,CNY\n1,b,20260302,7.00,转,CNY\n")
    draft = draft_mapping(path, BANK)
    assert columns_of(draft)["credit_debit"] == {"from": "借贷标志", "trim": True, "codes": {"借": "DBIT"}}
    assert "# 转:   # in the file; what does it stand for?" in draft.text


@pytest.mark.parametrize(
    ("numbers", "scheme"),
    [
        (["91110000600037341L"], {"constant": "CN-USCC"}),
        (["E1", "E56"], {"constant": "LOCAL"}),
        (["DE136695976"], {"constant": "VAT"}),
        (["91110000600037341L", "E1"], {"expression": 'scheme_of("纳税人识别号")'}),
    ],
)
def test_the_scheme_is_told_by_check_digits(tmp_path: Path, numbers: list[str], scheme: object) -> None:
    path = tmp_path / "t.csv"
    path.write_text("纳税人识别号,纳税人名称,状态\n" + "".join(f"{number},甲,正常\n" for number in numbers))
    assert columns_of(draft_mapping(path, "tax.taxpayer"))["taxpayer_no_scheme"] == scheme


def test_a_vat_number_with_blanks_is_compacted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("纳税人识别号,纳税人名称,状态\nDE 136.695.976,甲,正常\n")
    columns = columns_of(draft_mapping(path, "tax.taxpayer"))
    assert columns["taxpayer_no"] == {"expression": 'compact_no("纳税人识别号")'}
    assert columns["taxpayer_no_scheme"] == {"constant": "VAT"}


def test_a_format_with_a_mapping_of_its_own_needs_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "s.sta"
    path.write_text(":20:X\n:25:1\n")
    with pytest.raises(FileRefused, match="needs no mapping: mapping formats/mt940/bank_transaction reads it"):
        draft_mapping(path, BANK)


NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12).map(str.strip).filter(bool)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, min_size=2, max_size=5, unique=True))
def test_whatever_the_columns_are_called_the_draft_is_one_document(tmp_path: Path, names: list[str]) -> None:
    header = ",".join('"' + name.replace('"', '""') + '"' for name in [*names, "rate_date"])
    path = tmp_path / "r.csv"
    path.write_text(f"{header}\n{','.join('x' for _ in names)},2026-03-02\n", encoding="utf-8", newline="")
    try:
        draft = draft_mapping(path, "external.fx_rate")
    except FileRefused:
        return
    document = yaml.safe_load(draft.text)
    assert {*document["columns"]} <= {*load_contracts()["external.fx_rate"].column_names}
    assert draft.gaps or draft.error is None


def test_a_name_that_is_yaml_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    names = ["no", "a: b", "# c", "- d", "'e", "{f", "&g", "*h"]
    path.write_text(
        ",".join([*names, "base_currency", "quote_currency", "rate_date", "rate"])
        + "\n"
        + ",".join(["x"] * 8)
        + ",USD,EUR,2026-03-02,1.5\n"
    )
    draft = draft_mapping(path, "external.fx_rate")
    assert draft.error is None
    assert yaml.safe_load(draft.text)["ignored"] == names
    assert check_file(path, read_mapping(written(draft, tmp_path))).loaded == 1


def test_invoices_of_small_firms_need_one_line(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "sme_invoices" / "group1_input_invoice.csv.gz"
    draft = draft_mapping(path, "tax.vat_invoice")
    assert [gap.column for gap in draft.gaps] == ["currency"]
    assert "The mapping sme_invoices/input_invoice reads columns that are all here" in draft.text
    text = draft.text.replace("  # currency:", "  currency: {constant: CNY}")
    mapping = tmp_path / "draft.yaml"
    mapping.write_text(text, encoding="utf-8")
    done = check_file(path, read_mapping(mapping))
    assert (done.delivered, done.refused) == (210_947, 0)


def test_a_table_of_sap_is_known_by_its_fields(shared_data: Path) -> None:
    path = shared_data / "sap" / "forensic_accounting" / "EKPO_Pirates.csv"
    draft = draft_mapping(path, "erp.purchase_order")
    columns = columns_of(draft)
    fields = {
        "company_code": "BUKRS",
        "po_no": "EBELN",
        "po_line_no": "EBELP",
        "material_group": "MATKL",
        "unit": "MEINS",
    }
    assert fields.items() <= columns.items()
    assert columns["net_amount"] == {"from": "NETWR", "trim": True}
    assert {gap.column for gap in draft.gaps} == {"erp_vendor_no", "po_date", "currency"}
    assert "The mapping sap_ecc/purchase_order reads columns that are all here (with EKKO* beside it)" in draft.text
