"""The landing zone: what counts as delivered, and what is refused without being opened."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from sources.deliver import deliver
from sources.ingest import Limits, ingest_feed
from sources.landing import newest_delivery
from sources.yaml_model import MappingError
from tests.sources.landing_zone import DAY, RATE_HEADER, Zone, csv

FEED = "external.fx_rate"
CONTENT = csv(RATE_HEADER, "USD,CNY,2026-03-01,7.1")


@pytest.mark.parametrize("name", ["_notes.csv", ".hidden.csv", "r.csv.part", "r.csv.tmp"])
def test_names_that_are_not_data(zone: Zone, name: str) -> None:
    zone.deliver(FEED, name, CONTENT)
    assert zone.ingest(FEED) == []
    assert newest_delivery(zone.landing, DAY) is None


def test_a_link_out_of_the_landing_zone_is_refused(zone: Zone, tmp_path: Path) -> None:
    (tmp_path / "outside.csv").write_text(CONTENT)
    folder = zone.deliver(FEED, "inside.csv", CONTENT).parent
    os.symlink(tmp_path / "outside.csv", folder / "link.csv")
    statuses = {receipt.file: (receipt.status, receipt.message) for receipt in zone.ingest(FEED)}
    assert statuses["inside.csv"][0] == "LOADED"
    assert statuses["link.csv"][0] == "REFUSED"
    assert "link" in (statuses["link.csv"][1] or "")


def test_a_linked_delivery_folder_is_refused(zone: Zone, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "r.csv").write_text(CONTENT)
    parent = zone.landing / "external" / "fx_rate"
    parent.mkdir(parents=True)
    os.symlink(outside, parent / DAY.isoformat())
    assert [receipt.status for receipt in zone.ingest(FEED)] == ["REFUSED"]


def test_too_large_a_file_is_refused(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", CONTENT)
    (receipt,) = ingest_feed(FEED, zone.landing, zone.lake, DAY, None, limits=Limits(max_file_bytes=10))
    assert receipt.status == "REFUSED"
    assert "limit" in (receipt.message or "")


def test_a_folder_or_an_unknown_format_is_refused(zone: Zone) -> None:
    zone.deliver(FEED, "r.pdf", b"%PDF").with_name("sub").mkdir()
    assert {r.file: r.status for r in zone.ingest(FEED)} == {"r.pdf": "REFUSED", "sub": "REFUSED"}


@pytest.mark.parametrize(
    "text", ["mapping: [", "mapping: no_such", "mapping: ../../x", "historic: true", "mapping: demo_tax_vat_invoice"]
)
def test_files_wait_until_their_delivery_file_is_usable(zone: Zone, text: str) -> None:
    zone.deliver(FEED, "_delivery.yaml", text)
    zone.deliver(FEED, "r.csv", CONTENT)
    (receipt,) = zone.ingest(FEED)
    assert (receipt.file, receipt.status) == ("_delivery.yaml", "REFUSED")
    zone.deliver(FEED, "_delivery.yaml", "history: false")
    assert [(r.file, r.status) for r in zone.ingest(FEED)] == [("r.csv", "LOADED")]


def test_folders_that_no_feed_reads_are_named(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", CONTENT)
    (zone.landing / "external" / "fx_rate" / "monday").mkdir()
    (zone.landing / "erp" / "invoices").mkdir(parents=True)
    first, second = []
    assert "erp.invoices" in first
    assert "monday" in second


def test_newest_delivery_counts_the_files_of_the_newest_date(zone: Zone) -> None:
    zone.deliver(FEED, "a.csv", CONTENT)
    zone.deliver(FEED, "b.csv", CONTENT)
    zone.deliver("bank.account", "c.csv", CONTENT, date(2026, 1, 1))
    newest = newest_delivery(zone.landing, DAY)
    assert newest is not None
    assert (newest.date, newest.files) == (DAY, 2)


def test_an_unknown_plan_is_named(zone: Zone) -> None:
    with pytest.raises(MappingError, match="no delivery plan"):
        deliver("../x", zone.root, zone.landing, DAY)


def test_a_plan_without_its_files_is_refused(zone: Zone) -> None:
    with pytest.raises(FileNotFoundError, match=r"companies\.csv"):
        deliver("sme_invoices", zone.root, zone.landing, DAY)


def test_real_invoices_reconcile(zone: Zone, shared_data: Path) -> None:
    night = date(2020, 2, 21)
    deliver("sme_invoices", shared_data / "sme_invoices", zone.landing, night)
    suppliers = zone.ingest("platform.supplier", night)
    taxpayers = zone.ingest("tax.taxpayer", night)
    invoices = zone.ingest("tax.vat_invoice", night)
    assert [r.loaded_rows for r in suppliers + taxpayers] == [425, 425]
    assert sum(r.delivered_rows for r in invoices) == 1_099_441
    assert sum(r.duplicate_rows for r in invoices) == 11_665
    assert sum(r.quarantined_rows for r in invoices) == 0
    ((rows, versions),) = zone.rows(
        "raw/tax/vat_invoice", "count(*), count(distinct (seller_no, buyer_no, invoice_no, invoice_year))", "1"
    )
    assert rows - versions == 7
