"""Several statements or documents in one archive: the records of one file, each part accounted for and named."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sources.check import check_file
from sources.mapping_files import load_mapping
from sources.readers import FileRefused
from tests.sources.hostile.archives import zipped
from tests.sources.landing_zone import Zone, counts
from tests.sources.test_reader_camt import FEED, RAW, entry, statement
from tests.sources.test_reader_mt940 import LINE, message
from tests.sources.test_reader_ubl import invoice

CAMT = "formats/camt/bank_transaction"


def archive(**contents: str) -> bytes:
    return zipped(*((name.replace("_xml", ".xml"), content.encode()) for name, content in contents.items()))


def test_statements_of_one_archive_are_loaded_as_one_file(zone: Zone) -> None:
    first = statement(entry("R1"), entry("R2", amount="ten"), entry("R3", status="PDNG"), entry("R4"))
    second = statement(entry("R4", amount="4.00"), entry("R5", status="XXXX"), entry("R6")).replace("ACC1", "ACC2")
    zone.deliver(FEED, "c53.zip", archive(a_xml=first, b_xml=second))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 6, "loaded": 4, "quarantined": 2, "duplicate": 0}
    assert receipt.message == (
        "It holds 2 files: a.xml (to record 3), b.xml (to record 6). 1 entries that are not booked were left out."
    )
    assert zone.rows(RAW, "account_no, transaction_ref, amount", "1, 2") == [
        ("ACC1", "R1", Decimal("10.00")),
        ("ACC1", "R4", Decimal("10.00")),
        ("ACC2", "R4", Decimal("4.00")),
        ("ACC2", "R6", Decimal("10.00")),
    ]
    refused = zone.refused("row_no, rule, message, raw_text")
    assert [(row_no, rule) for row_no, rule, *_ in refused] == [(2, "type"), (5, "status")]
    assert str(refused[1][2]).startswith("b.xml: Its status")
    assert all(reference in str(row[3]) for row, reference in zip(refused, ("R2", "R5"), strict=True))
    assert zone.ingest(FEED) == []


def test_a_statement_that_the_archive_has_twice_is_a_duplicate(zone: Zone) -> None:
    zone.deliver(FEED, "c53.zip", archive(a_xml=statement(entry("R1")), b_xml=statement(entry("R1"))))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 1, "quarantined": 0, "duplicate": 1}


def test_every_format_of_statements_and_documents_comes_in_archives(zone: Zone) -> None:
    swift = zipped(("a.sta", message(LINE).encode()), ("b.sta", message(LINE).replace("ACC1", "ACC2").encode()))
    zone.deliver(FEED, "s.zip", swift)
    zone.deliver("tax.vat_invoice", "i.zip", archive(a_xml=invoice(), b_xml=invoice(number="R-2", code="325")))
    zone.ingest(FEED)
    (receipt,) = zone.ingest("tax.vat_invoice")
    assert zone.rows(RAW, "account_no", "1") == [("ACC1",), ("ACC2",)]
    assert (receipt.loaded_rows, receipt.quarantined_rows) == (1, 1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (archive(a_xml=statement(entry("R1")), b_xml="<a"), "b.xml: "),
        (archive(a_xml=statement(entry("R1")), b_xml=invoice()), "b.xml: "),
        (
            zipped(("a.xml", statement(entry("R1")).encode()), ("read\nme.csv", b"a,b")),
            "read\ufffdme.csv: It is not well-formed XML",
        ),
        (zipped(("a.csv", b"a,b"), ("b.csv", b"a,b")), "The archive holds 2 files; deliver an archive of one file"),
        (zipped(), "The archive holds no file"),
        (zipped(*((f"{n}.xml", b"<Document xmlns='urn:camt.053.001.02'/>") for n in range(501))), "holds 501 files"),
        (zipped(("a.xml", statement().encode()), ("../b.xml", b"")), "names a file outside itself"),
    ],
)
def test_what_is_no_such_archive_is_refused_in_a_sentence(zone: Zone, content: bytes, sentence: str) -> None:
    zone.deliver(FEED, "c53.zip", content)
    (receipt,) = zone.ingest(FEED)
    assert (receipt.status, receipt.loaded_rows) == ("REFUSED", 0)
    assert sentence in (receipt.message or "")
    assert "\n" not in (receipt.message or "")


def test_an_archive_is_of_one_format_where_the_mapping_names_none(zone: Zone) -> None:
    path = zone.deliver(FEED, "s.zip", zipped(("a.xml", statement().encode()), ("b.sta", message(LINE).encode())))
    mapping = load_mapping(CAMT).model_copy(update={"reader": None})
    with pytest.raises(FileRefused, match=r"^b\.sta: It is MT940 .* those before are camt .* an archive of each\.$"):
        check_file(path, mapping)


def test_a_dry_run_takes_an_archive_too(zone: Zone) -> None:
    path = zone.deliver(FEED, "c53.zip", archive(a_xml=statement(entry("R1")), b_xml=statement(entry("R2"))))
    done = check_file(path, load_mapping(CAMT))
    assert (done.delivered, done.loaded) == (2, 2)
