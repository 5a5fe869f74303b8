"""The landing zone: what counts as delivered, and what is refused without being opened."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sources import ingest, new_arrivals
from sources.deliver import deliver
from sources.ingest import Limits, ingest_feed
from sources.landing import newest_delivery
from sources.landing_entry import EntryState, LandingEntry, landing_entries
from sources.receipt import read_receipts
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


def entries(zone: Zone, as_of: date = DAY, today: date = DAY) -> dict[str, LandingEntry]:
    """Entries that were not taken in, by name."""
    receipts = {FEED: read_receipts(zone.lake, FEED)}
    found = landing_entries(zone.landing, as_of, today, receipts, Limits().max_file_bytes, zone.mapping_folders)
    return {entry.entry: entry for entry in found}


def test_what_no_feed_reads_is_named(zone: Zone) -> None:
    feed = zone.deliver(FEED, "r.csv", CONTENT).parent.parent
    (feed / "monday").mkdir()
    (feed / "2026-W10-1").mkdir()
    (feed / "r.csv").write_text(CONTENT)
    (zone.landing / "erp" / "invoices").mkdir(parents=True)
    (zone.landing / "lost.csv").write_text(CONTENT)
    (zone.landing / "sap").mkdir()
    zone.ingest(FEED)
    assert {(e.source, e.feed, name, e.state.value, e.message) for name, e in entries(zone).items()} == {
        ("external", "fx_rate", "monday", "UNEXPECTED", "It is not a folder named YYYY-MM-DD; it is not read."),
        ("external", "fx_rate", "2026-W10-1", "UNEXPECTED", "It is not a folder named YYYY-MM-DD; it is not read."),
        ("external", "fx_rate", "r.csv", "UNEXPECTED", "It is not a folder named YYYY-MM-DD; it is not read."),
        ("erp", None, "invoices", "UNEXPECTED", "There is no contract erp.invoices; it is not read."),
        (None, None, "lost.csv", "UNEXPECTED", "It lies beside the folders of the sources; it is not read."),
        (None, None, "sap", "UNEXPECTED", "There is no source sap; it is not read."),
    }


def test_every_file_has_a_receipt_or_an_entry(zone: Zone) -> None:
    zone.deliver(FEED, "_delivery.yaml", "mapping: no_such")
    zone.deliver(FEED, "r.csv", CONTENT)
    zone.ingest(FEED)
    assert entries(zone)["2026-03-02/r.csv"].message == "It waits for a _delivery.yaml that can be used; correct it."
    zone.deliver(FEED, "late.csv", CONTENT, DAY - timedelta(1))
    assert entries(zone)["2026-03-01/late.csv"].state == EntryState.WAITING


def test_an_empty_folder_is_named_and_an_empty_file_refused(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", b"")
    folder = zone.landing / "external" / "fx_rate" / "2026-03-01"
    folder.mkdir()
    (receipt,) = zone.ingest(FEED)
    assert (receipt.status, receipt.message) == (
        "REFUSED",
        "The file is empty: it has no header line; deliver it with one.",
    )
    (entry,) = entries(zone).values()
    assert (entry.entry, entry.state) == ("2026-03-01", EntryState.EMPTY_FOLDER)


def test_a_folder_of_the_future_is_named_and_waits_for_its_night(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", CONTENT)
    zone.deliver(FEED, "r.csv", CONTENT, date(2062, 3, 1))
    assert [receipt.business_date for receipt in zone.ingest(FEED)] == [DAY]
    assert entries(zone)["2062-03-01"].state == EntryState.FUTURE_FOLDER
    newest = newest_delivery(zone.landing, DAY + timedelta(1))
    assert newest is not None
    assert newest.date == DAY, "a mistyped year must not become the date of the night"


def test_tomorrow_s_folder_is_nobody_s_fault_when_the_night_is_late(zone: Zone) -> None:
    zone.deliver(FEED, "r.csv", CONTENT, DAY + timedelta(1))
    assert entries(zone, today=DAY + timedelta(1)) == {}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a\nb.csv", "a\\nb.csv"),
        (b"r\xff\xfe.csv", "r\\xff\\xfe.csv"),
        ("r\u202evsc.exe.csv".encode(), "r\\u202evsc.exe.csv"),
        (b"r\x1b[2J.csv", "r\\x1b[2J.csv"),
    ],
)
def test_a_name_that_cannot_be_shown_is_refused_and_escaped(zone: Zone, name: bytes, shown: str) -> None:
    folder = zone.deliver(FEED, "good.csv", CONTENT).parent
    (folder / os.fsdecode(name)).write_text(CONTENT.replace("USD", "EUR"))
    receipts = {receipt.file: receipt for receipt in zone.ingest(FEED)}
    assert receipts["good.csv"].status == "LOADED"
    assert receipts[shown].status == "REFUSED"
    assert "rename it" in (receipts[shown].message or "")
    assert zone.refused("file") == [(shown,)]
    assert zone.ingest(FEED) == []


@pytest.mark.parametrize(
    "name", ["..r..csv..csv".lstrip("."), "a b'\"*?[x].csv", "费率 2026.csv", "%s{0}.csv", "r" * 251 + ".csv"]
)
def test_an_odd_name_is_only_a_name(zone: Zone, name: str) -> None:
    zone.deliver(FEED, name, CONTENT)
    assert [(receipt.file, receipt.status) for receipt in zone.ingest(FEED)] == [(name, "LOADED")]


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "dangling link", "device"])
def test_what_is_no_file_is_refused_without_being_opened(zone: Zone, kind: str) -> None:
    folder = zone.deliver(FEED, "good.csv", CONTENT).parent
    path = folder / "r.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(folder):
            listener.bind("r.csv")
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(folder / "gone.csv")
    else:
        path.symlink_to("/dev/zero")
    receipts = {receipt.file: receipt for receipt in zone.ingest(FEED)}
    assert (receipts["good.csv"].status, receipts["r.csv"].status) == ("LOADED", "REFUSED")
    assert ("link" if kind == "device" else "not a regular file") in (receipts["r.csv"].message or "")


@pytest.mark.parametrize("place", ["the folder", "the feed"])
def test_a_delivery_file_that_is_a_pipe_or_leads_out_is_not_read(zone: Zone, tmp_path: Path, place: str) -> None:
    folder = zone.deliver(FEED, "r.csv", CONTENT).parent
    if place == "the folder":
        os.mkfifo(folder / "_delivery.yaml")
    else:
        (tmp_path / "outside.yaml").write_text("control: optional\n")
        (folder.parent / "_delivery.yaml").symlink_to(tmp_path / "outside.yaml")
    (receipt,) = zone.ingest(FEED)
    assert (receipt.file, receipt.status) == ("_delivery.yaml", "REFUSED")
    assert "no regular file" in (receipt.message or "")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_read_waits_until_it_may(zone: Zone, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Whoever is root may read everything, so the refusal of the system is played."""
    path = zone.deliver(FEED, "r.csv", CONTENT)
    forbidden = path if what == "file" else path.parent
    function = "open" if what == "file" else "listdir"
    allowed = getattr(os, function)

    def refuse(target: object, *arguments: object, **options: object) -> object:
        if target == forbidden:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
        return allowed(target, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os, function, refuse)
        assert zone.ingest(FEED) == []
        (entry,) = entries(zone).values()
    assert entry.state == EntryState.WAITING
    assert "no right to read it" in entry.message
    assert [receipt.status for receipt in zone.ingest(FEED)] == ["LOADED"]


@pytest.mark.parametrize("taken", ["after the scan", "while it is read"])
@pytest.mark.parametrize("name", ["r.csv", "r.parquet"])
def test_a_file_taken_away_before_it_was_read_is_an_error_that_passes(
    zone: Zone, monkeypatch: pytest.MonkeyPatch, taken: str, name: str
) -> None:
    path = zone.deliver(FEED, name, CONTENT)
    zone.deliver(FEED, "good.csv", CONTENT.replace("USD", "EUR"))
    module, function = (new_arrivals, "sha256_of") if taken == "after the scan" else (ingest, "open_file")
    read = getattr(module, function)

    def take_away(*arguments: Any) -> object:
        path.unlink(missing_ok=True)
        return read(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(module, function, take_away)
        with pytest.raises(OSError, match="taken away while it was read; run again") as error:
            zone.ingest(FEED)
    assert error.value.errno == errno.EAGAIN
    assert [(receipt.file, receipt.status) for receipt in zone.ingest(FEED)] == [("good.csv", "LOADED")]


def test_thousands_of_small_files_are_seen_and_several_commits_of_them_loaded(zone: Zone) -> None:
    for number in range(3000):
        currency = "".join(chr(65 + number // 26**place % 26) for place in range(3))
        day = DAY if number < 300 else DAY + timedelta(1)
        zone.deliver(FEED, f"{number}.csv", csv(RATE_HEADER, f"{currency},CNY,2026-03-01,7.1"), day)
    receipts = zone.ingest(FEED)
    assert (len(receipts), sum(receipt.loaded_rows for receipt in receipts)) == (300, 300)
    assert zone.ingest(FEED) == []
    assert len(entries(zone, DAY + timedelta(1))) == 2700


def test_two_files_of_one_delivery_with_the_same_keys_are_versions_in_the_order_of_their_ids(zone: Zone) -> None:
    for name, value in (("a.csv", "7.1"), ("b.csv", "7.2"), ("c.csv", "7.1")):
        zone.deliver(FEED, name, csv(RATE_HEADER, f"USD,CNY,2026-03-01,{value}", f"EUR,CNY,2026-03-0{value[-1]},8"))
    receipts = zone.ingest(FEED)
    assert sum(r.loaded_rows + r.duplicate_rows for r in receipts) == sum(r.delivered_rows for r in receipts) == 6
    assert {r.restates_file_id for r in receipts} == {None}


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
