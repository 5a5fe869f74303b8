"""Control files: what they are called, what they say, and that nothing loads against their word."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import nullcontext
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.against_control import ControlDisagrees, check_records
from sources.contract import load_contracts
from sources.control import Control, ControlFile, ControlUnusable, read_control
from sources.engine import quick_connection
from sources.landing_entry import EntryState, LandingEntry, landing_entries
from sources.mapping import identity_mapping
from sources.readers import Records
from sources.receipt import read_receipts
from tests.sources.landing_zone import DAY, RATE_HEADER, Zone, counts, csv

FEED = "external.fx_rate"
CONTENT = csv(RATE_HEADER, "USD,CNY,2026-03-01,7.1", "EUR,CNY,2026-03-01,8.25")
SHA256 = hashlib.sha256(CONTENT.encode()).hexdigest()
REQUIRED = "control: required\n"
TABLE = "BKPF.csv"


def entries(zone: Zone, today: date = DAY) -> list[LandingEntry]:
    return landing_entries(zone.landing, DAY, today, {FEED: read_receipts(zone.lake, FEED)}, 1 << 30)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.csv.sha256", f"{SHA256}  r.csv\n"),
        ("r.csv.sha256", f"{SHA256} *./out/r.csv\n"),
        ("r.csv.sha256", f"SHA256 (r.csv) = {SHA256}\n"),
        ("r.csv.sha256", SHA256.upper()),
        ("r.csv.sha256", f"{SHA256}  name_before_the_upload.csv"),
        (
            "r.csv.sha256",
            f"SHA256 hash of r.csv:\r\n{SHA256}\r\nCertUtil: -hashfile command completed successfully.\r\n",
        ),
        ("r.sha256", f"{SHA256}  r.csv"),
        ("SHA256SUMS", f"{'0' * 64}  other.csv\n{SHA256}  r.csv\n"),
        ("r.csv.ctl", "rows = 2\nsum(rate) = 15.35\n# a remark\nbusiness_date=2026-03-02\n"),
        ("r.csv.ctl", f"ROW_COUNT|2\nSUM_rate|15.350\nSHA256|{SHA256}\n"),
        ("r.ctl", f"file: r.csv\nrows: 2\nsums:\n  rate: 15.35\nbusiness_date: 20260302\nsize: {len(CONTENT)}\n"),
        ("r.csv.ctl", '{"rows": 2, "sums": {"rate": 15.3500}}'),
        ("r.csv.control.yaml", "rows: 2\nsums: {rate: 15.35}\n"),
        ("r.csv.control.json", json.dumps({"record_count": "2", "totals": {"rate": "+15.35"}})),
        ("r.csv.done", ""),
    ],
)
def test_a_file_that_is_what_its_control_says_is_loaded(zone: Zone, name: str, text: str) -> None:
    zone.deliver(FEED, "_delivery.yaml", REQUIRED)
    zone.deliver(FEED, "r.csv", CONTENT)
    zone.deliver(FEED, name, text)
    (receipt,) = zone.ingest(FEED)
    assert (receipt.file, receipt.status, receipt.controls, receipt.message) == ("r.csv", "LOADED", name, None)
    assert receipt.loaded_rows == 2


@pytest.mark.parametrize(
    ("name", "text", "figures"),
    [
        ("r.csv.sha256", f"{'a' * 64}  r.csv", ("a" * 64, SHA256)),
        ("r.csv.ctl", "rows=3", ("3 rows", "has 2")),
        ("r.csv.ctl", "rows=2\nsum(rate)=15.36", ("15.36", "15.35")),
        ("r.csv.ctl", "sum(amount)=1", ("amount", "base_currency")),
        ("r.csv.ctl", "sum(rate)=fifteen", ("fifteen", "15.35")),
        ("r.csv.ctl", "business_date=2026-03-01", ("2026-03-01", "2026-03-02")),
        ("r.csv.ctl", "rows=2\nfile=q.csv", ("q.csv", "r.csv")),
        ("r.csv.ctl", "size=1", ("1 bytes", f"has {len(CONTENT)}")),
    ],
)
def test_a_file_against_its_control_is_refused_with_both_figures(
    zone: Zone, name: str, text: str, figures: tuple[str, str]
) -> None:
    zone.deliver(FEED, "r.csv", CONTENT)
    zone.deliver(FEED, name, text)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert receipt.message is not None
    assert receipt.message.startswith(f"{name} ")
    assert [figure for figure in figures if figure not in receipt.message] == []
    assert zone.rows("raw/external/fx_rate") == []
    assert zone.refused("rule, message") == [("file", receipt.message)]
    assert zone.ingest(FEED) == [], "refused once is refused until something changes"


@pytest.mark.parametrize("corrected", ["file", "control"])
def test_the_corrected_file_or_control_mends_it(zone: Zone, corrected: str) -> None:
    zone.deliver(FEED, "r.csv", CONTENT if corrected == "control" else csv(RATE_HEADER, "USD,CNY,2026-03-01,7.1"))
    zone.deliver(FEED, "r.csv.ctl", "rows=2" if corrected == "file" else "rows=3")
    (refused,) = zone.ingest(FEED)
    if corrected == "file":
        zone.deliver(FEED, "r.csv", CONTENT)
    else:
        zone.deliver(FEED, "r.csv.ctl", "rows=2")
    (loaded,) = zone.ingest(FEED)
    assert (refused.status, loaded.status, loaded.loaded_rows) == ("REFUSED", "LOADED", 2)
    assert loaded.restates_file_id == refused.file_id
    assert loaded.absent_rows is None
    assert zone.ingest(FEED) == []


def test_rows_and_sums_are_those_delivered_not_those_loaded(zone: Zone) -> None:
    good, quarantined, broken = "USD,CNY,2026-03-01,7.1", "USD,pound,2026-03-01,0.9", 'GBP,CNY,"2026'
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, good, good, quarantined, "X,CNY,2026-03-01,n/a", broken))
    zone.deliver(FEED, "r.csv.ctl", "rows=5\nsum(rate)=15.1")
    (receipt,) = zone.ingest(FEED)
    assert receipt.message is None, receipt.message
    assert counts(receipt) == {"delivered": 5, "loaded": 1, "quarantined": 3, "duplicate": 1}


def test_a_sum_that_a_field_breaks_says_so(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, "USD,CNY,2026-03-01,7.1", "EUR,CNY,2026-03-01,8;25"))
    zone.deliver(FEED, "r.csv.ctl", "sum(rate)=15.35")
    (receipt,) = zone.ingest(FEED)
    assert receipt.message == (
        "r.csv.ctl says 15.35 as the sum of rate, but the file adds up to 7.1 without 1 that are no numbers; "
        "deliver the corrected file, or the corrected control."
    )


@settings(deadline=None, max_examples=50)
@given(
    amounts=st.lists(st.decimals(-(10**17), 10**17, places=2), min_size=1, max_size=20),
    error=st.sampled_from([Decimal(0), Decimal("0.01"), Decimal("-0.01")]),
)
def test_sums_are_exact(amounts: list[Decimal], error: Decimal) -> None:
    values = ", ".join(f"('{amount:f}')" for amount in amounts)
    records = Records(f"(values {values}) t(d0)", {"amount": ("d0", "VARCHAR")}, None, lambda *_: iter(()))
    control = Control((ControlFile("c", rows=len(amounts), sums={"amount": f"{sum(amounts) + error:f}"}),), "")
    mapping = identity_mapping(load_contracts()[FEED])
    with quick_connection() as connection, pytest.raises(ControlDisagrees) if error else nullcontext():
        check_records(control, records, mapping, connection)


def test_a_control_of_a_parquet_file_counts_in_its_own_types(zone: Zone, tmp_path: Path) -> None:
    table = pa.table(
        {
            "base_currency": ["USD", "EUR"],
            "quote_currency": ["CNY", "CNY"],
            "rate_date": pa.array([DAY] * 2),
            "rate": pa.array([Decimal("7.100001"), Decimal("8.2")], pa.decimal128(18, 6)),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    zone.deliver(FEED, "t.parquet", (tmp_path / "t.parquet").read_bytes())
    zone.deliver(FEED, "t.parquet.ctl", "rows=2\nsum(rate)=15.300001")
    assert [receipt.status for receipt in zone.ingest(FEED)] == ["LOADED"]


def test_sums_are_read_in_the_marks_of_the_file(zone: Zone) -> None:
    zone.deliver("tax.vat_invoice", "_delivery.yaml", "mapping: demo_tax_vat_invoice\n")
    header = "销方识别号,购方识别号,发票号码,开票日期,金额,税额,价税合计,发票状态,商品编码"
    record = "91110000600037341L,91310000607337570R,1,2026/3/1,100.10,13.01,113.11,正常,"
    zone.deliver("tax.vat_invoice", "v.csv", csv(header, record).encode("gb18030"))
    zone.deliver("tax.vat_invoice", "v.csv.control.yaml", "rows: 1\nsums: {金额: 100.1, 税额: 13.02}\n")
    (receipt,) = zone.ingest("tax.vat_invoice")
    assert "13.02" in (receipt.message or "")
    assert "13.01" in (receipt.message or "")


def test_a_wrong_control_of_a_file_delivered_before_is_not_passed_over(zone: Zone) -> None:
    zone.deliver(FEED, "a.csv", CONTENT)
    zone.deliver(FEED, "a.csv", CONTENT, DAY + timedelta(1))
    zone.deliver(FEED, "a.csv.ctl", "rows=9", DAY + timedelta(1))
    assert [r.status for r in zone.ingest(FEED, DAY + timedelta(1))] == ["LOADED", "REFUSED"]


@pytest.mark.parametrize(
    ("name", "text"),
    [(None, ""), ("r.csv.md5", "d41d8cd98f00b204e9800998ecf8427e  r.csv"), ("r.csv.ctl", "business_date=2026-03-02")],
)
def test_a_file_waits_for_the_control_that_is_required(zone: Zone, name: str | None, text: str) -> None:
    zone.deliver(FEED, "_delivery.yaml", REQUIRED)
    zone.deliver(FEED, "r.csv", CONTENT)
    if name:
        zone.deliver(FEED, name, text)
    assert zone.ingest(FEED) == []
    (entry,) = entries(zone)
    assert (entry.state, entry.entry) == (EntryState.WAITING, "2026-03-02/r.csv")
    assert "waits for its control file" in entry.message
    assert ("MD5 proves nothing" in entry.message) == (name == "r.csv.md5")
    zone.deliver(FEED, "r.csv.sha256", SHA256)
    assert [receipt.status for receipt in zone.ingest(FEED)] == ["LOADED"]
    assert entries(zone) == []


def test_the_feed_s_own_delivery_file_holds_for_every_folder(zone: Zone) -> None:
    path = zone.deliver(FEED, "r.csv", CONTENT)
    (path.parent.parent / "_delivery.yaml").write_text(REQUIRED)
    assert zone.ingest(FEED) == []
    zone.deliver(FEED, "_delivery.yaml", "control: optional")
    assert [receipt.status for receipt in zone.ingest(FEED)] == ["LOADED"]


def test_an_md5_that_nobody_asked_for_is_named_and_stops_nothing(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", CONTENT)
    zone.deliver(FEED, "r.csv.md5", "wrong")
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "LOADED"
    assert receipt.message == "r.csv.md5 gives an MD5 (MD5 proves nothing, send SHA-256), which was not compared."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv.ctl", b""),
        ("r.csv.ctl", b"r.csv|2|15.35"),
        ("r.csv.ctl", b"rows = many"),
        ("r.csv.ctl", b"\xff\x00\xfe"),
        ("r.csv.sha256", b"not yet"),
        ("r.csv.control.json", b'{"rows": '),
        ("r.csv.control.yaml", b"- rows\n"),
        ("r.csv.control.yaml", b"sums: [1, 2]\n"),
        ("r.csv.ctl", b"rows = 1\n" * 200_000),
    ],
)
def test_an_unusable_control_lets_its_file_wait(zone: Zone, name: str, content: bytes) -> None:
    zone.deliver(FEED, "r.csv", CONTENT)
    control = zone.deliver(FEED, name, content)
    assert zone.ingest(FEED) == []
    (entry,) = entries(zone)
    assert entry.state == EntryState.WAITING
    assert name in entry.message
    control.unlink()
    assert [receipt.status for receipt in zone.ingest(FEED)] == ["LOADED"]


def test_a_control_that_is_a_pipe_or_a_link_is_not_opened(zone: Zone, tmp_path: Path) -> None:
    folder = zone.deliver(FEED, "r.csv", CONTENT).parent
    os.mkfifo(folder / "r.csv.ctl")
    (tmp_path / "secret").write_text(SHA256)
    os.symlink(tmp_path / "secret", folder / "r.csv.sha256")
    for name in ("r.csv.ctl", "r.csv.sha256"):
        with pytest.raises(ControlUnusable, match="no regular file"):
            read_control([folder / name], "r.csv")
    assert zone.ingest(FEED) == []


def test_a_control_without_its_file_is_named_and_is_no_data(zone: Zone) -> None:
    zone.deliver(FEED, "lost.csv.ctl", "rows=2")
    zone.deliver(FEED, "SHA256SUMS", f"{SHA256}  gone.csv\n")
    assert zone.ingest(FEED) == []
    found = {entry.entry: (entry.state, entry.message) for entry in entries(zone)}
    assert {state for state, _ in found.values()} == {EntryState.CONTROL_WITHOUT_DATA}
    assert "gone.csv is not beside it" in found["2026-03-02/SHA256SUMS"][1]
    assert "Its data file is not beside it" in found["2026-03-02/lost.csv.ctl"][1]


def test_a_control_that_can_belong_to_two_files_holds_both(zone: Zone) -> None:
    for name in ("r.csv", "r.txt"):
        zone.deliver(FEED, name, CONTENT)
    zone.deliver(FEED, "r.ctl", "rows=9")
    assert [receipt.status for receipt in zone.ingest(FEED)] == ["REFUSED", "REFUSED"]
    assert ["r.csv or r.txt" in entry.message for entry in entries(zone)] == [True]


def test_a_control_that_comes_late_is_held_against_the_receipt(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", CONTENT)
    zone.ingest(FEED)
    zone.deliver(FEED, "r.csv.ctl", "rows=2")
    assert entries(zone) == []
    zone.deliver(FEED, "r.csv.ctl", "rows=3")
    assert zone.ingest(FEED) == []
    (entry,) = entries(zone)
    assert entry.state == EntryState.CONTROL_DISAGREES
    assert "3 rows" in entry.message
    assert "has 2" in entry.message


@pytest.mark.parametrize("sha256", [None, "a" * 64])
def test_files_wait_with_the_table_that_they_are_joined_with(zone: Zone, sha256: str | None) -> None:
    feed = "erp.ap_payment"
    zone.deliver(
        feed, "_delivery.yaml", "deliveries:\n- {files: '*', mapping: sap_ecc/ap_payment, control: required}\n"
    )
    zone.deliver(feed, "BSEG.csv", "BUKRS\n")
    zone.deliver(feed, "BSEG.csv.ok", "")
    table = zone.deliver(feed, TABLE, "BUKRS,WAERS\n1000,CNY\n")
    if sha256:
        zone.deliver(feed, f"{TABLE}.sha256", sha256)
    assert [(r.file, r.status) for r in zone.ingest(feed)] == ([(TABLE, "REFUSED")] if sha256 else [])
    receipts = read_receipts(zone.lake, feed)
    found = {e.entry: e.state for e in landing_entries(zone.landing, DAY, DAY, {feed: receipts}, 1 << 30)}
    assert found["2026-03-02/BSEG.csv"] == EntryState.WAITING
    zone.deliver(feed, f"{TABLE}.sha256", hashlib.sha256(table.read_bytes()).hexdigest())
    assert {r.file: r.status for r in zone.ingest(feed)} == {TABLE: "JOINED", "BSEG.csv": "REFUSED"}
