"""Mappings: YAML alone turns foreign columns, codes and formats into contract columns."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.mapping_files import MAPPING_FOLDER, load_mapping
from tests.sources.landing_zone import Zone, counts, csv, new_zone

FEED = "external.fx_rate"
RATES = {
    "feed": FEED,
    "delimiter": ";",
    "columns": {
        "base_currency": "Von",
        "quote_currency": {"constant": "EUR"},
        "rate_date": {"from": "Datum", "format": "DD.MM.YYYY"},
        "rate": "Kurs",
    },
    "decimal_mark": ",",
    "thousands_sign": ".",
}


@pytest.mark.parametrize("name", [str(p.relative_to(MAPPING_FOLDER))[:-5] for p in MAPPING_FOLDER.rglob("[!_]*.yaml")])
def test_every_mapping_fits_its_contract(name: str) -> None:
    assert load_mapping(name).name == name


def test_formats_marks_and_constants(zone: Zone) -> None:
    zone.map("rates", RATES)
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    records = ["USD;01.03.2026;1.234,5", "GBP;1.3.2026;0,9", "CHF;01.03.2026;1,234.5", "JPY;01.03.2026;12.34,5"]
    zone.deliver(FEED, "r.csv", csv("Von;Datum;Kurs", *records))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 4, "loaded": 1, "quarantined": 3, "duplicate": 0}
    assert zone.rows("raw/external/fx_rate", "quote_currency, rate_date, rate") == [
        ("EUR", date(2026, 3, 1), Decimal("1234.5"))
    ]
    assert zone.refused("row_no, column_name") == [(2, "rate_date"), (3, "rate"), (4, "rate")]


def test_a_factor_must_give_an_exact_amount(zone: Zone) -> None:
    columns = RATES["columns"] | {"rate": {"from": "Kurs", "factor": "0.0001"}}
    zone.map("rates", RATES | {"columns": columns})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    zone.deliver(FEED, "r.csv", csv("Von;Datum;Kurs", "USD;01.03.2026;71234", "GBP;01.03.2026;9,001"))
    zone.ingest(FEED)
    assert zone.rows("raw/external/fx_rate", "rate") == [(Decimal("7.1234"),)]
    assert zone.refused() == [(2, "type")]


HEADER = "销方识别号,购方识别号,发票号码,开票日期,金额,税额,价税合计,发票状态,商品编码"
SELLER = "91110000600037341L"


def invoice(number: int, status: str = "正常", goods: str = "") -> str:
    return f"{SELLER},{SELLER},{number},2026/3/1,100.00,13.00,113.00,{status},{goods}"


def test_chinese_tax_extract(zone: Zone) -> None:
    feed = "tax.vat_invoice"
    zone.deliver(feed, "_delivery.yaml", "mapping: demo_tax_vat_invoice")
    lines = [HEADER, invoice(1), invoice(2, "作废"), invoice(3, "未知"), invoice(4, "红冲")]
    content = "\n".join(lines).encode("gb18030") + b"\n" + invoice(5)[:-1].encode() + b"\xff\xff\n"
    zone.deliver(feed, "t.csv", content)
    (receipt,) = zone.ingest(feed)
    assert counts(receipt) == {"delivered": 5, "loaded": 3, "quarantined": 2, "duplicate": 0}
    assert zone.refused() == [(3, "allowed_values"), (5, "encoding")]
    columns = "invoice_no, invoice_status, invoice_year, currency, seller_no_scheme"
    assert zone.rows("raw/tax/vat_invoice", columns) == [
        ("1", "VALID", 2026, "CNY", "CN-USCC"),
        ("2", "VOID", 2026, "CNY", "CN-USCC"),
        ("4", "RED_LETTERED", 2026, "CNY", "CN-USCC"),
    ]


def test_utf8_where_gb18030_was_agreed_is_refused_in_one_sentence(zone: Zone) -> None:
    zone.deliver("tax.vat_invoice", "_delivery.yaml", "mapping: demo_tax_vat_invoice")
    zone.deliver("tax.vat_invoice", "t.csv", csv(HEADER, invoice(1)))
    (receipt,) = zone.ingest("tax.vat_invoice")
    assert receipt.status == "REFUSED"
    assert "gb18030" in (receipt.message or "") or "encoding" in (receipt.message or "")


TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda t: t.strip() == t
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, max_size=8))
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_text_survives_its_encoding(tmp_path_factory: pytest.TempPathFactory, encoding: str, texts: list[str]) -> None:
    zone = new_zone(tmp_path_factory.mktemp("zone"))
    demo = (MAPPING_FOLDER / "demo_tax_vat_invoice.yaml").read_text(encoding="utf-8")
    zone.map("demo_tax_vat_invoice", demo.replace("encoding: gb18030", f"encoding: {encoding}"))
    zone.deliver("tax.vat_invoice", "_delivery.yaml", "mapping: demo_tax_vat_invoice")
    quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
    lines = [HEADER, *(invoice(number, goods=text) for number, text in enumerate(quoted))]
    zone.deliver("tax.vat_invoice", "t.csv", ("\n".join(lines) + "\n").encode(encoding))
    (receipt,) = zone.ingest("tax.vat_invoice")
    assert receipt.loaded_rows == len(texts), zone.refused("message")
    assert zone.rows("raw/tax/vat_invoice", "goods_code") == [(text,) for text in texts]


def test_a_mapping_of_constants_alone_makes_one_row_of_a_file(zone: Zone) -> None:
    constants = {"base_currency": "USD", "quote_currency": "EUR", "rate_date": "2026-03-01", "rate": "1.5"}
    columns = {name: {"constant": value} for name, value in constants.items()}
    zone.map("rates", RATES | {"columns": columns, "ignored": ["*"]})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    zone.deliver(FEED, "r.csv", csv("a;b", "1;2", "3;4"))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 1, "quarantined": 0, "duplicate": 1}
    assert zone.rows("raw/external/fx_rate", "base_currency, rate") == [("USD", Decimal("1.5"))]
