"""Tables dumped from SAP: every vendor line of real dumps is accounted for, and dialects of dumps mean the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from sources.deliver import deliver
from sources.engine import quick_connection
from sources.receipt import Receipt
from tests.sources.landing_zone import DAY, Zone, counts

SAMPLES = "sap/forensic_accounting"
CLIENTS = {"plain": "", "pirates": "_Pirates"}
TABLES = ("BKPF", "BSEG", "EKKO", "EKPO", "MSEG", "MKPF")

INVOICE, PAYMENT = "erp.ap_invoice", "erp.ap_payment"


def deliver_tables(zone: Zone, tables: Mapping[str, str], plan: str = "sap_ecc") -> None:
    """Deliver files of these names and contents by the plan."""
    folder = zone.root / "dumps"
    folder.mkdir(exist_ok=True)
    for name, content in tables.items():
        (folder / name).write_text(content, encoding="utf-8")
    deliver(plan, folder, zone.landing, DAY)


def table(header: str, *rows: str, delimiter: str = ",") -> str:
    """A dumped table; columns of the header and rows are separated by blanks, a dot stands for an empty field."""
    lines = [["" if field == "." else field.replace("_", " ") for field in line.split()] for line in rows]
    return "".join(delimiter.join(line) + "\n" for line in [header.split(), *lines])


def loaded(receipts: Iterable[Receipt]) -> Receipt:
    """The receipt of the only file with rows of its own."""
    (receipt,) = (receipt for receipt in receipts if receipt.status != "JOINED")
    assert receipt.status == "LOADED", receipt.message
    return receipt


# ── real dumps ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(params=CLIENTS.values(), ids=[*CLIENTS])
def client(request: pytest.FixtureRequest, shared_data: Path, tmp_path: Path) -> Path:
    """A folder with the dumps of one client, which is what a delivery is."""
    samples = shared_data / SAMPLES
    if not samples.is_dir():
        pytest.skip(f"../shared/data/{SAMPLES} (dumps of two clients) is not beside this checkout")
    folder = tmp_path / "client"
    folder.mkdir()
    for name in TABLES:
        (folder / f"{name}.csv").symlink_to(samples / f"{name}{request.param}.csv")
    return folder


def independent(client: Path) -> duckdb.DuckDBPyConnection:
    """BSEG as a table ``line``, computed without any code of ours: text of the dump, plain SQL."""
    connection = duckdb.connect()
    scan = "read_csv('{}', header = true, all_varchar = true, delim = ',', quote = '\"')"
    header, lines = (scan.format(client / f"{name}.csv") for name in ("BKPF", "BSEG"))
    connection.execute(
        f"""
        create table line as
        select
            b.BUKRS as company_code, h.WAERS as currency, b.SHKZG as side, b.KOART as account_type,
            b.BSCHL as posting_key, b.AUGBL is not null as is_cleared,
            replace(trim(b.WRBTR), ',', '')::decimal(18, 2) as amount
        from {lines} b
        left join {header} h
            on b.BUKRS = h.BUKRS and b.GJAHR = h.GJAHR
            and split_part(b.BELNR, '.', 1) = split_part(h.BELNR, '.', 1)
        """
    )
    return connection


def left_out(receipt: Receipt) -> int:
    found = re.search(r"([0-9,]+) records were left out", receipt.message or "")
    return 0 if found is None else int(found[1].replace(",", ""))


@pytest.mark.parametrize("feed", [INVOICE, PAYMENT])
def test_ledger_sums_are_those_of_the_dump_and_every_line_is_accounted_for(zone: Zone, client: Path, feed: str) -> None:
    deliver("sap_ecc", client, zone.landing, DAY)
    if feed == PAYMENT:
        zone.ingest(INVOICE)
    receipt = loaded(zone.ingest(feed))
    dump = independent(client)
    of_feed = "account_type = 'K' and posting_key in ('21', '22', '31', '32')"
    if feed == PAYMENT:
        of_feed += " and is_cleared"

    def sums(of_lines: str) -> list[tuple[object, ...]]:
        return dump.execute(
            f"select company_code, currency, side, count(*), sum(amount)::decimal(18, 2) from line where {of_lines} "
            "group by all order by all"
        ).fetchall()

    is_iso = "regexp_full_match(currency, '[A-Z]{3}')"
    source, name = feed.split(".")
    raw = f"read_parquet('{zone.lake.glob(f'raw/{source}/{name}')}')"
    if feed == INVOICE:
        side = "case document_type when 'INVOICE' then 'H' else 'S' end"
        rows = f"(select *, {side} as side, gross_amount as amount from {raw})"
    else:
        documents = f"read_parquet('{zone.lake.glob('raw/erp/ap_invoice')}')"
        rows = (
            f"(select p.*, case d.document_type when 'INVOICE' then 'H' else 'S' end as side from {raw} p "
            f"join {documents} d using (company_code, ap_document_no, fiscal_year))"
        )
    with quick_connection() as connection:
        found = connection.execute(
            f"select company_code, currency, side, count(*), sum(amount)::decimal(18, 2) from {rows} "
            "group by all order by all"
        ).fetchall()
    assert found == sums(f"{of_feed} and {is_iso}")
    assert found, "the dump must have lines to compare"

    not_iso = sum(int(str(count)) for *_, count, _ in sums(f"{of_feed} and not {is_iso}"))
    assert receipt.quarantined_rows == not_iso
    assert zone.refused("column_name, rule") == [("currency", "pattern")] * not_iso * (2 if feed == PAYMENT else 1)
    (lines,) = dump.execute("select count(*) from line").fetchone() or (0,)
    assert receipt.loaded_rows + receipt.quarantined_rows + receipt.duplicate_rows + left_out(receipt) == lines


def test_no_row_of_orders_and_receipts_is_lost(zone: Zone, client: Path) -> None:
    deliver("sap_ecc", client, zone.landing, DAY)
    for feed, file in (("erp.purchase_order", "EKPO"), ("erp.goods_receipt", "MSEG")):
        receipt = loaded(zone.ingest(feed))
        with quick_connection() as connection:
            scan = f"read_csv('{client / file}.csv', header = true, all_varchar = true)"
            (lines,) = connection.execute(f"select count(*) from {scan}").fetchone() or (0,)
        assert receipt.delivered_rows + left_out(receipt) == lines
        assert receipt.duplicate_rows == 0
        assert receipt.quarantined_rows <= 2
    received = zone.rows("raw/erp/goods_receipt", "distinct receipt_type", "receipt_type")
    assert {row[0] for row in received} <= {"GOODS", "RETURN"}


# ── dialects of dumps ─────────────────────────────────────────────────────────────────────────────────────────────────

HEADER = "MANDT BUKRS BELNR GJAHR BLART BLDAT BUDAT XBLNR WAERS AWTYP AWKEY"
LINE = (
    "BUKRS BELNR GJAHR BUZEI BSCHL KOART SHKZG LIFNR WRBTR WMWST AUGDT AUGBL ZFBDT ZBD1T ZBD2T ZBD3T ZLSPR REBZG REBZZ"
)

AMERICAN = {
    "BKPF.csv": table(
        HEADER,
        "100 1000 5100000001 2026 RE 1/31/26 02/01/2026 R-77 EUR RMRP 51000000012026",
        "100 1000 5100000002 2026 RE 1/31/2026 2/1/26 . EUR RMRP 51000000022026",
        "100 1000 5100000003 2026 KG 2/2/26 2/2/26 G-1 EUR BKPFF 1",
        "100 1000 1500000001 2026 KZ 2/20/26 2/20/26 . EUR BKPFF 2",
        "100 1000 1500000001 2025 KA 2/20/25 2/20/25 . EUR BKPFF 3",
        "100 1000 1700000009 2026 AB 2/21/26 2/21/26 . EUR BKPFF 4",
    ),
    "BSEG.csv": table(
        LINE,
        '1000 5100000001.0 2026 001 31 K H 0000100001 "__60,000.00" "9,579.83" 02/20/2026 1500000001.0 1/31/26 14 30 0 '
        ". . 0",
        "1000 5100000002 2026 1 31 K H 100002 100 0.00 00/00/0000 . 1/31/26 14 30 60 A . 0",
        "1000 5100000002 2026 2 31 K H 100002 50.5 0.00 2/21/26 1700000009 1/31/26 14 0 0 . . 0",
        "1000 5100000003 2026 1 21 K S 100002 10.00 0.00 00/00/0000 . 2/2/26 14 30 60 . 5100000002 2",
        "1000 1500000001 2026 1 25 K S 100001 60000 0.00 2/20/26 1500000001 2/20/26 0 0 0 . . 0",
        "1000 5100000001 2026 2 40 S S . 50420.17 0.00 00/00/0000 . 00/00/0000 0 0 0 . . 0",
    ),
}
GERMAN = {
    "BKPF.txt": table(
        HEADER,
        "100 1000 5100000001 2026 RE 31.01.2026 01.02.2026 R-77 EUR RMRP 51000000012026",
        "100 1000 5100000002 2026 RE 31.01.2026 01.02.2026 . EUR RMRP 51000000022026",
        "100 1000 5100000003 2026 KG 02.02.2026 02.02.2026 G-1 EUR BKPFF 1",
        "100 1000 1500000001 2026 KZ 20.02.2026 20.02.2026 . EUR BKPFF 2",
        "100 1000 1700000009 2026 AB 21.02.2026 21.02.2026 . EUR BKPFF 4",
        delimiter=";",
    ),
    "BSEG.txt": table(
        LINE,
        "1000 5100000001 2026 1 31 K H 100001 60.000,00 9.579,83 20.02.2026 1500000001 31.01.2026 14 30 0 . . 0",
        "1000 5100000002 2026 1 31 K H 100002 100,00 0,00 00.00.0000 . 31.01.2026 14 30 60 A . 0",
        "1000 5100000002 2026 2 31 K H 100002 50,50 0,00 21.02.2026 1700000009 31.01.2026 14 0 0 . . 0",
        "1000 5100000003 2026 1 21 K S 100002 10,00 0,00 00.00.0000 . 02.02.2026 14 30 60 . 5100000002 2",
        "1000 1500000001 2026 1 25 K S 100001 60.000,00 0,00 20.02.2026 1500000001 20.02.2026 0 0 0 . . 0",
        delimiter=";",
    ),
}
ITEMS_HEADER = LINE.replace("KOART ", "") + " BLART BLDAT BUDAT XBLNR WAERS"
INDEXES = {
    "BSAK.csv": table(
        ITEMS_HEADER,
        "1000 5100000001 2026 1 31 H 100001 60000.00 9579.83 20260220 1500000001 20260131 14 30 0 . . 0 "
        "RE 20260131 20260201 R-77 EUR",
        "1000 5100000002 2026 2 31 H 100002 50.50 0.00 20260221 1700000009 20260131 14 0 0 . . 0 "
        "RE 20260131 20260201 . EUR",
        "1000 1500000001 2026 1 25 S 100001 60000.00 0.00 20260220 1500000001 20260220 0 0 0 . . 0 "
        "KZ 20260220 20260220 . EUR",
    ),
    "BSIK.csv": table(
        ITEMS_HEADER,
        "1000 5100000002 2026 1 31 H 100002 100.00 0.00 00000000 . 20260131 14 30 60 A . 0 RE 20260131 20260201 . EUR",
        "1000 5100000003 2026 1 21 S 100002 10.00 0.00 00000000 . 20260202 14 30 60 . 5100000002 2 "
        "KG 20260202 20260202 G-1 EUR",
    ),
}
DOCUMENTS = (
    "ap_document_no, document_type, supplier_invoice_no, reference_ap_document_no, due_date, net_amount, tax_amount"
)


@pytest.mark.parametrize(
    ("tables", "plan"),
    [(AMERICAN, "sap_ecc"), (GERMAN, "sap_ecc_german"), (INDEXES, "sap_ecc")],
    ids=["american", "german", "indexes"],
)
def test_dialects_and_tables_mean_the_same(zone: Zone, tables: Mapping[str, str], plan: str) -> None:
    deliver_tables(zone, tables, plan)
    zone.ingest(INVOICE)
    zone.ingest(PAYMENT)
    assert zone.refused("file, column_name, rule, message") == []
    assert zone.rows("raw/erp/ap_invoice", DOCUMENTS, "ap_document_no") == [
        ("5100000001", "INVOICE", "R-77", None, date(2026, 3, 2), Decimal("50420.17"), Decimal("9579.83")),
        ("5100000002", "INVOICE", "5100000002", None, date(2026, 4, 1), Decimal("100"), Decimal("0")),
        ("5100000002-2", "INVOICE", "5100000002", None, date(2026, 2, 14), Decimal("50.5"), Decimal("0")),
        ("5100000003", "CREDIT_NOTE", "G-1", "5100000002-2", date(2026, 4, 3), Decimal("10"), Decimal("0")),
    ]
    assert zone.rows("raw/erp/ap_invoice", "confirmed_date, is_payment_blocked", "ap_document_no")[:2] == [
        (date(2026, 2, 1), False),
        (None, True),
    ]
    columns = "payment_no, ap_document_no, fiscal_year, payment_date, amount, payment_method"
    assert zone.rows("raw/erp/ap_payment", columns, "payment_no") == [
        ("1500000001", "5100000001", 2026, date(2026, 2, 20), Decimal(60_000), "BANK"),
        ("1700000009", "5100000002-2", 2026, date(2026, 2, 21), Decimal("50.5"), "OFFSET"),
    ]


def test_a_reversal_is_a_document_of_the_other_side(zone: Zone) -> None:
    line = "1000 {} 2026 1 {} K {} 100001 100.00 0 . . 1/31/26 0 0 0 . . 0"
    header = "100 1000 {} 2026 RE 1/31/26 1/31/26 R EUR RMRP {}"
    deliver_tables(
        zone,
        {
            "BKPF.csv": table(HEADER, *(header.format(number, number) for number in (1, 2, 3, 4))),
            "BSEG.csv": table(
                LINE, *(line.format(*own) for own in ((1, 31, "H"), (2, 22, "S"), (3, 21, "S"), (4, 32, "H")))
            ),
        },
    )
    zone.ingest(INVOICE)
    found = zone.rows("raw/erp/ap_invoice", "ap_document_no, document_type, gross_amount", "ap_document_no")
    assert [(kind, amount) for _, kind, amount in found] == [
        ("INVOICE", 100),
        ("CREDIT_NOTE", 100),
        ("CREDIT_NOTE", 100),
        ("INVOICE", 100),
    ]


def test_a_negative_amount_with_its_sign_behind_is_read_and_refused_as_negative(zone: Zone) -> None:
    deliver_tables(
        zone,
        {
            "BKPF.csv": AMERICAN["BKPF.csv"],
            "BSEG.csv": table(LINE, '1000 5100000001 2026 1 31 K H 1 "60,000.00-" 0 . . 1/31/26 0 0 0 . . 0'),
        },
    )
    zone.ingest(INVOICE)
    assert zone.refused("column_name, rule") == [("net_amount", "minimum")]


RBKP = "BUKRS BELNR GJAHR BLDAT BUDAT XBLNR LIFNR WAERS RMWWR WMWST1 ZFBDT ZBD1T ZBD2T ZBD3T ZLSPR RBSTAT XRECH"


def test_verified_invoices_have_the_number_of_their_fi_document(zone: Zone) -> None:
    rbkp = table(
        RBKP,
        '1000 5105600001 2026 31.01.2026 01.02.2026 R-77 0000100001 EUR "60.000,00" 9579,83 31.01.2026 14 30 0 . 5 X',
        "1000 5105600002 2026 31.01.2026 01.02.2026 G-1 100001 EUR 10,00 0,00 31.01.2026 0 0 0 R 5 .",
        "1000 5105600003 2026 31.01.2026 01.02.2026 P-1 100001 EUR 10,00 0,00 31.01.2026 0 0 0 . A X",
        "1000 5105600004 2026 31.01.2026 01.02.2026 L-1 100001 EUR 10,00 0,00 31.01.2026 0 0 0 . 5 X",
        delimiter=";",
    )
    bkpf = table(
        HEADER,
        "100 1000 5100000008 2026 RE 31.01.2026 01.02.2026 R-77 EUR RMRP 51056000012026",
        "100 1000 5100000009 2026 RE 31.01.2026 01.02.2026 G-1 EUR RMRP 51056000022026",
        "100 1000 0100000001 2026 SA 31.01.2026 01.02.2026 . EUR BKPFF 51056000012026",
        delimiter=";",
    )
    rseg = table(
        "BELNR GJAHR BUZEI EBELN EBELP",
        "5105600001 2026 000001 4500000001 00010",
        "5105600001 2026 000002 4500000002 00020",
        delimiter=";",
    )
    deliver_tables(zone, {"RBKP.txt": rbkp, "BKPF.txt": bkpf, "RSEG.txt": rseg}, "sap_ecc_german")
    receipt = loaded(zone.ingest(INVOICE))
    assert counts(receipt) == {"delivered": 3, "loaded": 2, "quarantined": 1, "duplicate": 0}
    columns = "ap_document_no, document_type, po_no, po_line_no, due_date, gross_amount, confirmed_date"
    assert zone.rows("raw/erp/ap_invoice", columns, "ap_document_no") == [
        ("5100000008", "INVOICE", "4500000001", 10, date(2026, 3, 2), Decimal(60_000), date(2026, 2, 1)),
        ("5100000009", "CREDIT_NOTE", None, None, date(2026, 1, 31), Decimal(10), None),
    ]
    assert zone.refused("column_name, rule") == [("ap_document_no", "required")]


def test_receipts_of_the_order_history(zone: Zone) -> None:
    ekbe = table(
        "EBELN EBELP VGABE GJAHR BELNR BUZEI BWART BUDAT MENGE WRBTR WAERS SHKZG",
        "4500000001 00010 1 2026 5000000001 0001 101 20260201 10.000 100.00 EUR S",
        "4500000001 00010 1 2026 5000000002 0001 102 20260202 4.000 40.00 EUR H",
        "4500000001 00020 1 2026 5000000003 0002 101 20260203 1.000 500.00 EUR S",
        "4500000001 00010 1 2026 5000000004 0001 103 20260203 1.000 500.00 EUR S",
        "4500000001 00010 2 2026 5105600001 0001 . 20260204 10.000 100.00 EUR S",
    )
    ekpo = table(
        "EBELN EBELP LOEKZ BUKRS MATKL MENGE MEINS NETWR PSTYP RETPO",
        '4500000001 00010 . 1000 STEEL "1,000.000" EA "10,000.00" 0 .',
        "4500000001 00020 . 1000 WORKS 1.000 LE 500.00 9 .",
        "4500000001 00030 L 1000 STEEL 7.000 EA 70.00 0 .",
        "4500000001 00040 . 1000 STEEL 7.000 EA 70.00 0 X",
        "4600000001 00010 . 1000 STEEL 7.000 EA 70.00 0 .",
    )
    ekko = table(
        "EBELN BUKRS BSTYP BSART LIFNR BEDAT WAERS ZBD1T ZBD2T ZBD3T",
        "4500000001 1000 F NB 0000100001 20260115 EUR 30 0 0",
        "4600000001 1000 K MK 0000100001 20260115 EUR 30 0 0",
        ". . . . . 20260115 EUR 30 0 0",
        ". . . . . 20260116 EUR 30 0 0",
    )
    deliver_tables(zone, {"EKBE.csv": ekbe, "EKPO.csv": ekpo, "EKKO.csv": ekko})
    zone.ingest("erp.goods_receipt")
    columns = "receipt_no, po_no, po_line_no, receipt_type, receipt_date, quantity, net_amount"
    assert zone.rows("raw/erp/goods_receipt", columns, "receipt_no") == [
        ("5000000001/2026/1", "4500000001", 10, "GOODS", date(2026, 2, 1), Decimal(10), Decimal(100)),
        ("5000000002/2026/1", "4500000001", 10, "RETURN", date(2026, 2, 2), Decimal(4), Decimal(40)),
        ("5000000003/2026/2", "4500000001", 20, "WORK_CERTIFICATE", date(2026, 2, 3), Decimal(1), Decimal(500)),
    ]
    zone.ingest("erp.purchase_order")
    columns = "po_no, po_line_no, erp_vendor_no, material_group, quantity, net_amount, payment_terms_days"
    assert zone.rows("raw/erp/purchase_order", columns, "po_line_no") == [
        ("4500000001", 10, "100001", "STEEL", Decimal(1000), Decimal(10_000), 30),
        ("4500000001", 20, "100001", "WORKS", Decimal(1), Decimal(500), 30),
        ("4500000001", 30, "100001", "STEEL", Decimal(0), Decimal(0), 30),
    ]
    assert zone.refused() == []


def test_vendors_of_a_company_code(zone: Zone) -> None:
    lfb1 = table(
        "LIFNR BUKRS ERDAT SPERR LOEVM AKONT ZTERM",
        "0000100001 1000 05/01/2020 . . 160000 NT30",
        "0000100001 2000 06/01/2020 X . 160000 NT30",
        "CN-1 1000 06/01/2021 . . 160000 NT30",
        "US-1 1000 06/01/2021 . . 160000 NT30",
        "NONE 1000 06/01/2021 . . 160000 NT30",
        "DE-9 1000 06/01/2021 . . 160000 NT30",
        "GONE 1000 06/01/2021 . . 160000 NT30",
    )
    lfa1 = table(
        "LIFNR LAND1 NAME1 STCD1 STCD5 STCEG SPERR",
        "0000100001 DE Muster_AG 133/8150/8159 . DE136695976 .",
        "CN-1 CN Steel_Co 91110000600037341L 91110000600037341L . .",
        "US-1 US Acme 12-3456789 . . X",
        "NONE FR Sans_Numero . . . .",
        "DE-9 DE Falsch . . DE136695977 .",
    )
    deliver_tables(zone, {"LFB1.csv": lfb1, "LFA1.csv": lfa1})
    receipt = loaded(zone.ingest("erp.vendor"))
    assert counts(receipt) == {"delivered": 7, "loaded": 5, "quarantined": 2, "duplicate": 0}
    columns = "company_code, erp_vendor_no, vendor_name, party_no, party_no_scheme, is_blocked, created_date"
    assert zone.rows("raw/erp/vendor", columns) == [
        ("1000", "100001", "Muster AG", "DE136695976", "VAT", False, date(2020, 5, 1)),
        ("2000", "100001", "Muster AG", "DE136695976", "VAT", True, date(2020, 6, 1)),
        ("1000", "CN-1", "Steel Co", "91110000600037341L", "CN-USCC", False, date(2021, 6, 1)),
        ("1000", "US-1", "Acme", "US-12-3456789", "LOCAL", True, date(2021, 6, 1)),
        ("1000", "NONE", "Sans Numero", None, None, False, date(2021, 6, 1)),
    ]
    assert zone.refused("row_no, column_name, rule") == [(6, "party_no", "check_digit"), (7, "vendor_name", "required")]


# ── the plan ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_plan_takes_what_is_there_and_each_row_once(zone: Zone) -> None:
    deliver_tables(zone, AMERICAN | INDEXES)
    placed = sorted(path.relative_to(zone.landing).as_posix() for path in zone.landing.rglob("*.csv"))
    folder = f"{DAY}"
    assert placed == [f"erp/{feed}/{folder}/{t}.csv" for feed in ("ap_invoice", "ap_payment") for t in ("BKPF", "BSEG")]


def test_the_plan_says_what_a_table_needs(zone: Zone) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file BKPF\*"):
        deliver_tables(zone, {"BSEG.csv": AMERICAN["BSEG.csv"]})


def test_the_plan_refuses_a_folder_without_any_table(zone: Zone) -> None:
    with pytest.raises(FileNotFoundError, match=r"LFB1\* or EKPO\*"):
        deliver_tables(zone, {"notes.txt": "nothing"})


def test_a_blocked_invoice_is_confirmed_by_its_clearing(zone: Zone) -> None:
    line = "1000 {} 2026 1 31 K H 100001 100.00 0 {} {} 1/31/26 0 0 0 A . 0"
    header = "100 1000 {} 2026 RE 1/31/26 2/1/26 R EUR RMRP {}"
    deliver_tables(
        zone,
        {
            "BKPF.csv": table(HEADER, header.format(1, 1), header.format(2, 2)),
            "BSEG.csv": table(LINE, line.format(1, ".", "."), line.format(2, "2/20/26", "15")),
        },
    )
    zone.ingest(INVOICE)
    assert zone.rows("raw/erp/ap_invoice", "confirmed_date, is_payment_blocked", "ap_document_no") == [
        (None, True),
        (date(2026, 2, 20), True),
    ]
