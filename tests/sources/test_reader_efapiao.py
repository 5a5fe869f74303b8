"""Fully digital e-invoices (数电票): spellings, several items, red-letter invoices, natural persons, hostile files."""

from __future__ import annotations

import tracemalloc
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from sources.receipt import Receipt
from tests.sources.landing_zone import Zone, counts
from tests.sources.opened import opened

FEED = "tax.vat_invoice"
RAW = "raw/tax/vat_invoice"
MAPPING = "formats/efapiao/tax_vat_invoice"
SELLER, BUYER = "91110000600037341L", "915300007194052520"
NUMBER = "26537912570200055449"
STEEL, FREIGHT = "1080101010000000000", "3010101020000000000"


def item(code: str = STEEL, net: str = "100.00", tax: str = "13.00", gross: str = "113.00") -> str:
    return (
        "<IssuItemInformation><ItemName>*黑色金属冶炼压延品*钢筋</ItemName><SpecMod>HRB400</SpecMod><MeaUnits>吨</MeaUnits>"
        f"<Quantity>1</Quantity><UnPrice>{net}</UnPrice><Amount>{net}</Amount><TaxRate>0.13</TaxRate>"
        f"<ComTaxAm>{tax}</ComTaxAm><TotaltaxIncludedAmount>{gross}</TotaltaxIncludedAmount>"
        f"<TaxClassificationCode>{code}</TaxClassificationCode></IssuItemInformation>"
    )


def invoice(
    *,
    seller: str = SELLER,
    buyer: str = f"<BuyerIdNum>{BUYER}</BuyerIdNum>",
    totals: str = "TotalTax-includedAmount",
    sign: str = "",
    items: str = item(),
    issued: str = "<IssueTime>2026-03-01 10:20:30</IssueTime>",
    number: str = f"<InvoiceNumber>{NUMBER}</InvoiceNumber>",
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> str:
    return (
        f"{declaration}<EInvoice><Header><EIid>{NUMBER}</EIid><EInvoiceTag>SWEI3200</EInvoiceTag><Version>0.31</Version>"
        "<InherentLabel><InIssuType><LabelCode>Y</LabelCode></InIssuType><EInvoiceType><LabelCode>01</LabelCode>"
        "</EInvoiceType><GeneralOrSpecialVAT><LabelCode>01</LabelCode><LabelName>增值税专用发票</LabelName>"
        "</GeneralOrSpecialVAT></InherentLabel></Header><EInvoiceData>"
        f"<SellerInformation><SellerIdNum>{seller}</SellerIdNum><SellerName>钢铁有限公司</SellerName>"
        f"<SellerBankAccNum>110007</SellerBankAccNum></SellerInformation>"
        f"<BuyerInformation>{buyer}<BuyerName>建设集团</BuyerName></BuyerInformation><BasicInformation>"
        f"<TotalAmWithoutTax>{sign}100.00</TotalAmWithoutTax><TotalTaxAm>{sign}13.00</TotalTaxAm>"
        f"<{totals}>{sign}113.00</{totals}><RequestTime>2026-02-28 23:59:59</RequestTime></BasicInformation>{items}"
        "<SpecificInformation><ConstructionServices><NameOfConstructionProject>P</NameOfConstructionProject>"
        "</ConstructionServices></SpecificInformation><AdditionalInformation><Remark>合同 C-1</Remark>"
        f"</AdditionalInformation></EInvoiceData><TaxSupervisionInfo>{number}{issued}</TaxSupervisionInfo></EInvoice>"
    )


def delivered(zone: Zone, content: str | bytes, name: str = "i.xml") -> Receipt:
    zone.deliver(FEED, name, content)
    (receipt,) = zone.ingest(FEED)
    return receipt


def test_an_invoice_is_a_row_of_the_feed(zone: Zone) -> None:
    receipt = delivered(zone, invoice())
    assert (receipt.message, counts(receipt)["loaded"]) == (None, 1)
    columns = (
        "seller_no, seller_no_scheme, buyer_no, buyer_no_scheme, invoice_no, invoice_year, invoice_date, net_amount, "
        "tax_amount, gross_amount, currency, invoice_status, goods_code"
    )
    assert zone.rows(RAW, columns) == [
        (SELLER, "CN-USCC", BUYER, "CN-USCC", NUMBER, 2026, date(2026, 3, 1), Decimal(100), Decimal(13), Decimal(113),
         "CNY", "VALID", STEEL)
    ]  # fmt: skip


def test_what_the_feed_does_not_take_is_there_for_other_mappings(tmp_path: Path) -> None:
    path = tmp_path / "i.xml"
    path.write_text(invoice())
    (row,) = opened(path, MAPPING).rows
    assert (row["kind_code"], row["seller_name"], row["buyer_name"]) == ("01", "钢铁有限公司", "建设集团")
    assert (row["seller_account_no"], row["remark_text"]) == ("110007", "合同 C-1")
    assert row["issue_time"] == "2026-03-01 10:20:30"


@pytest.mark.parametrize(
    "spelling",
    ["TotalTax-includedAmount", "TotaltaxIncludedAmount", "TotalTaxIncludedAmount", "totalTax-IncludedAmount"],
)
def test_the_total_is_found_however_it_is_spelt_and_never_taken_from_a_line(zone: Zone, spelling: str) -> None:
    delivered(zone, invoice(totals=spelling, items=item(gross="9999.00")))
    assert zone.rows(RAW, "gross_amount") == [(Decimal(113),)]


def test_an_invoice_without_its_total_is_quarantined(zone: Zone) -> None:
    delivered(zone, invoice(totals="TotalTax-includedAmountInChinese"))
    assert zone.refused("column_name, rule") == [("gross_amount", "required")]


def test_several_items_of_one_kind_have_one_goods_code(zone: Zone) -> None:
    assert delivered(zone, invoice(items=item() * 3)).message is None
    assert zone.rows(RAW, "goods_code") == [(STEEL,)]


def test_several_kinds_of_goods_have_none_and_a_note(zone: Zone) -> None:
    receipt = delivered(zone, invoice(items=item() + item(FREIGHT)))
    assert receipt.message == "2 goods codes of an invoice that has several were left out."
    assert zone.rows(RAW, "goods_code, gross_amount") == [(None, Decimal(113))]


def test_a_red_letter_invoice_has_negative_amounts(zone: Zone) -> None:
    delivered(zone, invoice(sign="-", items=item(net="-100.00", tax="-13.00", gross="-113.00")))
    assert zone.rows(RAW, "net_amount, tax_amount, gross_amount, invoice_status") == [
        (Decimal(-100), Decimal(-13), Decimal(-113), "VALID")
    ]


@pytest.mark.parametrize(
    ("buyer", "column", "rule"),
    [
        ("", "buyer_no", "required"),
        ("<BuyerIdNum/>", "buyer_no", "required"),
        ("<BuyerIdNum>11010519491231002X</BuyerIdNum>", "buyer_no", "check_digit"),
    ],
    ids=["no number", "an empty number", "an identity card"],
)
def test_a_buyer_who_is_a_person_is_quarantined(zone: Zone, buyer: str, column: str, rule: str) -> None:
    receipt = delivered(zone, invoice(buyer=buyer))
    assert counts(receipt) == {"delivered": 1, "loaded": 0, "quarantined": 1, "duplicate": 0}
    assert zone.refused("column_name, rule") == [(column, rule)]


def test_a_number_of_another_length_is_a_local_one(zone: Zone) -> None:
    delivered(zone, invoice(seller="110105600037341", buyer="<BuyerIdNum>530102719405252</BuyerIdNum>"))
    assert zone.rows(RAW, "seller_no, seller_no_scheme, buyer_no_scheme") == [("110105600037341", "LOCAL", "LOCAL")]


@pytest.mark.parametrize(
    ("issued", "day"),
    [
        ("<IssueTime>2026-03-01</IssueTime>", date(2026, 3, 1)),
        ("<IssueTime>2026-03-01T10:20:30</IssueTime>", date(2026, 3, 1)),
        ("<IssueTime>2026-03-01T00:20:30+08:00</IssueTime>", date(2026, 3, 1)),
        ("<IssueTime>20260301102030</IssueTime>", date(2026, 3, 1)),
        ("<IssueTime>20260301102030000</IssueTime>", date(2026, 3, 1)),
        ("<IssueTime>2026年03月01日</IssueTime>", date(2026, 3, 1)),
        ("", date(2026, 2, 28)),
    ],
)
def test_the_day_of_issue(zone: Zone, issued: str, day: date) -> None:
    delivered(zone, invoice(issued=issued))
    assert zone.rows(RAW, "invoice_date") == [(day,)]


def test_a_day_that_does_not_exist_is_quarantined(zone: Zone) -> None:
    delivered(zone, invoice(issued="<IssueTime>2026-02-30 10:00:00</IssueTime>"))
    assert zone.refused("column_name, rule") == [("invoice_date", "type")]


def test_the_number_stands_in_the_header_where_the_tax_office_gave_none(zone: Zone) -> None:
    delivered(zone, invoice(number=""))
    assert zone.rows(RAW, "invoice_no") == [(NUMBER,)]


def test_the_same_invoice_again_is_a_duplicate(zone: Zone) -> None:
    delivered(zone, invoice())
    assert counts(delivered(zone, invoice() + "\n", "again.xml"))["duplicate"] == 1


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (invoice(declaration='<!DOCTYPE EInvoice [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "DOCTYPE"),
        (invoice(declaration='<!DOCTYPE EInvoice SYSTEM "http://localhost/x.dtd">'), "DOCTYPE"),
        (invoice()[:-30], "not well-formed"),
        (invoice(items=item() * 120_000), "too large"),
    ],
    ids=["entity", "external DTD", "cut off", "too large"],
)
def test_what_is_refused(zone: Zone, content: str, named: str) -> None:
    receipt = delivered(zone, content)
    assert receipt.status == "REFUSED"
    assert named in (receipt.message or "")


def test_gb18030_is_read_as_it_says(zone: Zone) -> None:
    content = invoice(declaration='<?xml version="1.0" encoding="GB18030"?>').encode("gb18030")
    assert delivered(zone, content).loaded_rows == 1


def test_items_do_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "i.xml"
    path.write_text(invoice(items=item() * 5_000))
    tracemalloc.start()
    try:
        assert len(opened(path, MAPPING).rows) == 1
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
