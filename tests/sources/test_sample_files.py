"""Sample files of others on their way through landing and ingest: each is loaded whole, or has the fate named here.

A file that is not named must load whole in every feed of its format, so that samples to come are held to that as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from sources.deliver import deliver
from sources.mapping_files import MAPPING_FOLDER
from tests.sources.landing_zone import DAY, Zone, counts
from tests.sources.test_mapping_sap import CLIENTS, TABLES

FEED = "tax.vat_invoice"

FEEDS: Mapping[str, tuple[str, ...]] = {
    "bank_statements/**/*.xml": ("bank.transaction", "bank.balance"),
    "bank_statements/**/*.sta": ("bank.transaction", "bank.balance"),
    "bank_statements/**/*.940.txt": ("bank.transaction", "bank.balance"),
    "einvoice/**/*.xml": ("tax.vat_invoice",),
    "saft/**/*.xml": ("erp.vendor", "erp.ap_invoice", "erp.ap_payment"),
    "saft/**/*.xlsx": ("erp.vendor",),
}
NO_DOCUMENT = re.compile(
    r"\.gitignore|LICENSE|README\.md|requirements\.txt|About_SAF-T.*\.txt|.*\.xsd|.*\.yml|camt.*\.json"
)
"""What is said about the samples, and what other parsers made of them."""

CUT_OFF = r"The message of line \d has no closing balance \(:62F: or :62M:\): it is cut off\. Deliver the file again\."
NO_MESSAGE = r"It holds no MT940 or MT942 message, as no line begins with :20:; deliver the whole file of the bank\."
NO_STATEMENT = r"It holds no statement \(Stmt, Rpt or Ntfctn\); deliver a camt\.052, camt\.053 or camt\.054 message\."
CASH_REGISTER = r"A SAF-T cash register file holds .* of a shop; deliver the SAF-T file of the accounts \(Financial\)\."
NO_COLUMNS = r"The file lacks the required columns .* Deliver what is missing, or (correct|name a) mapping .*\."

NO_STATEMENTS: Mapping[str, Iterable[str]] = {
    NO_STATEMENT: ("camt053.v2.wrong",),
    CUT_OFF: ("empty_line", "gv_codes", "reference"),
    # samples of single fields
    NO_MESSAGE: (
        *("account_balance_credit", "account_balance_debit", "account_identification_iban", "amount_formats"),
        *("account_identification_legacy", "available_balance", "closing_balance", "currency_in_25", "empty_86"),
        *("empty_entry_date", "empty_non_swift", "invalid_statement", "missing_crlf_at_end", "sparkassen"),
        *("statement_details", "statement_line", "statement_number"),
    ),
}
REGISTER = {CASH_REGISTER: ("ExampleFile SAF-T Cash Register_999999999_20210330104000",)}
REFUSED: Mapping[str, Mapping[str, Iterable[str]]] = {
    "bank.transaction": NO_STATEMENTS,
    "bank.balance": {
        **NO_STATEMENTS,
        r"A camt\.054 notice states no balances; deliver it to bank\.transaction alone\.": (
            *("camt054.v2", "camt054.v2.with-account-name", "camt054.v4", "camt054.v8", "camt054.v8-with-UETR"),
            "camt054.v8-with-financial-institution",
        ),
        r"It states no balances, as no MT942 does; deliver it to bank\.transaction alone\.": ("mt942",),
    },
    "tax.vat_invoice": {},
    "erp.vendor": {
        **REGISTER,
        NO_COLUMNS: ("ExampleFile SAF-T Financial_888888888_20180228235959_Excel_ExampleView",),
    },
    "erp.ap_invoice": REGISTER,
    "erp.ap_payment": REGISTER,
}
"""Feed -> sentence -> stems of files that are refused with it."""

NO_BOOKING_DATE = r"booking_date is missing; the contract requires it\."
NO_UTF_8 = r"It holds bytes that are no utf-8; name the bank's encoding, such as text: \{encoding: cp1252\}\."
SECOND_25 = r"Field :25: stands in its message for the second time\."
NO_BUYER = r"buyer_no is missing; the contract requires it\."
NO_CURRENCY = (
    r"Field :62F: has not the form that SWIFT gives it \(mark, date, currency and an amount such as 1234,56 are "
    r"expected\)\."
)
NO_SELLER = r"seller_no is missing; the contract requires it\."
NO_VAT_NUMBER = (
    r"(buyer|seller)_no '(SE4598375937|ATU123456789|DE ?[0-9]{9})' is not a VAT number of an EU member state\."
)
PAYS_WHAT = r"ap_document_no is missing; the contract requires it\."


def both(*cases: str) -> dict[str, int]:
    """One record in each of the two syntaxes of these cases."""
    return {f"{case}{syntax}": 1 for case in cases for syntax in ("_ubl", "_uncefact")}


XRECHNUNG_WITHOUT_BUYER_NO = (
    both(
        *(f"01.{number:02}a-INVOICE" for number in (*range(1, 7), *range(8, 14), 15, 17, 18, 19)),
        *(f"03.{number:02}a-INVOICE" for number in range(1, 7)),
        "01.06_minimal_test",
    )
    | dict.fromkeys(
        ("04.01a-INVOICE_ubl", "04.02a-INVOICE_ubl", "04.03a-INVOICE_ubl", "04.04a-INVOICE_ubl", "05.01a-INVOICE_ubl"),
        1,
    )
    | {"04.05a-INVOICE_uncefact": 1}
)
XRECHNUNG_INVENTED_VAT_NO = both(
    *(f"01.0{number}_comprehensive_test" for number in range(1, 5)),
    *(f"01.{number}a-INVOICE" for number in ("07", "14", "20", "21")),
    *(f"02.0{number}a-INVOICE" for number in range(1, 7)),
    *("02.01a-cvd_INVOICE", "03.07a-INVOICE"),
)
PEPPOL_INVENTED_VAT_NO = (
    *("Allowance-example", "Vat-category-S", "base-creditnote-correction", "base-example"),
    *("base-negative-inv-correction", "sales-order-example"),
)
QUARANTINED: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "bank.transaction": {
        NO_BOOKING_DATE: dict.fromkeys(
            ("camt052.v2.with-account-name", "camt054.v2.with-account-name", "camt054.v8-with-UETR"), 1
        )
        | {"camt054.v8-with-financial-institution": 1},
        NO_UTF_8: {"raiffeisen-cmi": 7},
        SECOND_25: {"sepa_snippet_broken": 1},
    },
    "bank.balance": {SECOND_25: {"sepa_snippet_broken": 1}, NO_CURRENCY: {"raphaelm": 2}},
    "tax.vat_invoice": {
        NO_BUYER: XRECHNUNG_WITHOUT_BUYER_NO,
        NO_VAT_NUMBER: XRECHNUNG_INVENTED_VAT_NO | dict.fromkeys(PEPPOL_INVENTED_VAT_NO, 1),
        NO_SELLER: both("01.05_minimal_test"),
    },
    "erp.vendor": {},
    "erp.ap_invoice": {},
    "erp.ap_payment": {
        PAYS_WHAT: {"ExampleFile SAF-T Financial_888888888_20180228235959": 18, "Eksempelfil fra xmlSpy": 1}
    },
}
"""Feed -> sentence -> stems of files and their numbers of records that are quarantined with it."""


def samples(shared_data: Path, feed: str) -> Iterator[Path]:
    for pattern, feeds in FEEDS.items():
        if feed in feeds:
            yield from sorted(shared_data.glob(pattern))


@pytest.mark.parametrize("feed", REFUSED)
def test_every_sample_loads_whole_or_has_the_fate_of_the_table(zone: Zone, shared_data: Path, feed: str) -> None:
    stems = {}
    for number, path in enumerate(samples(shared_data, feed)):
        delivered = f"{number:03} {path.name}"
        stems[delivered] = path.stem
        zone.deliver(feed, delivered, path.read_bytes())
    receipts = {receipt.file: receipt for receipt in zone.ingest(feed)}
    assert receipts.keys() == stems.keys()
    refused = {(stems[name], str(own.message)) for name, own in receipts.items() if own.status == "REFUSED"}
    assert unlike(refused, REFUSED[feed]) == []
    found: dict[tuple[str, str], int] = {}
    for file, message in zone.refused("file, message"):
        if receipts[str(file)].status == "LOADED":
            record = (stems[str(file)], str(message))
            found[record] = found.get(record, 0) + 1
    assert unlike(found, QUARANTINED[feed]) == []
    for sentence, expected in QUARANTINED[feed].items():
        assert {stem: n for (stem, said), n in found.items() if re.fullmatch(sentence, said)} == expected
    for receipt in receipts.values():
        assert "***" not in (receipt.message or "")
        fates = counts(receipt)
        assert fates["delivered"] == fates["loaded"] + fates["quarantined"] + fates["duplicate"]


def unlike(found: Iterable[tuple[str, str]], table: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """Fates that are not in the table, and those of the table that are not found."""
    expected = {(stem, sentence) for sentence, stems in table.items() for stem in stems}
    is_like = {pair: {own for own in expected if own[0] == pair[0] and re.fullmatch(own[1], pair[1])} for pair in found}
    seen = {own for likes in is_like.values() for own in likes}
    return [pair for pair, likes in is_like.items() if not likes] + sorted(expected - seen)


def test_every_file_of_the_folders_is_a_document_or_known_to_be_none(shared_data: Path) -> None:
    covered = {path for pattern in FEEDS for path in shared_data.glob(pattern)}
    folders = sorted({pattern.partition("/")[0] for pattern in FEEDS})
    files = {path for folder in folders for path in shared_data.joinpath(folder).rglob("*") if path.is_file()}
    assert len(covered) > 150
    assert [path for path in sorted(files - covered) if not NO_DOCUMENT.fullmatch(path.name)] == []


def test_both_syntaxes_of_a_case_load_as_the_same_row(zone: Zone, shared_data: Path) -> None:
    """With parties that exist: most samples name no number of the buyer, and invented numbers of the seller."""
    parties = {
        "seller_no": {"constant": "DE136695976"},
        "seller_no_scheme": {"constant": "VAT"},
        "buyer_no": {"constant": "ATU13585627"},
        "buyer_no_scheme": {"constant": "VAT"},
    }
    for syntax in ("ubl", "cii"):
        mapping = yaml.safe_load((MAPPING_FOLDER / f"formats/{syntax}/tax_vat_invoice.yaml").read_text())
        zone.map(
            syntax, mapping | {"columns": mapping["columns"] | parties, "ignored": [*mapping["ignored"], *parties]}
        )
    cases = sorted(
        path for path in shared_data.glob("einvoice/xrechnung/**/*_ubl.xml") if path.with_name(as_cii(path)).exists()
    )
    assert len(cases) == 40
    # Cases share invoice numbers: on a day of its own each is a version of the one before.
    days = [DAY + timedelta(days=number) for number in range(2 * len(cases))]
    entries = "\n".join(f"  - {{files: '*_{end}.xml', mapping: {name}}}" for end, name in SYNTAXES)
    zone.landing.joinpath(*FEED.split(".")).mkdir(parents=True)
    zone.landing.joinpath(*FEED.split("."), "_delivery.yaml").write_text(f"deliveries:\n{entries}\n")
    for path, in_ubl, in_cii in zip(cases, days[::2], days[1::2], strict=True):
        zone.deliver(FEED, path.name, path.read_bytes(), in_ubl)
        zone.deliver(FEED, as_cii(path), path.with_name(as_cii(path)).read_bytes(), in_cii)
    receipts = zone.ingest(FEED, days[-1])
    assert {receipt.quarantined_rows for receipt in receipts} == {0}
    in_cii = [receipt for receipt in receipts if receipt.mapping == "cii"]
    assert len(in_cii) == 40
    assert [receipt.file for receipt in in_cii if receipt.duplicate_rows != 1] == []


SYNTAXES = (("ubl", "ubl"), ("uncefact", "cii"))


def as_cii(path: Path) -> str:
    return path.name.replace("_ubl.xml", "_uncefact.xml")


def test_receipts_of_a_client_with_no_other_table_are_read(zone: Zone, shared_data: Path) -> None:
    """The tables of the other clients are those of `tests.sources.test_mapping_sap`."""
    folder = shared_data / "sap/forensic_accounting"
    own = zone.root / "dumps"
    own.mkdir()
    for name, file in (("MSEG", "MSEG_EI.csv"), ("MKPF", "MKPK_EI.csv")):
        (own / f"{name}.csv").symlink_to(folder / file)
    deliver("sap_ecc", own, zone.landing, DAY)
    (receipt,) = (receipt for receipt in zone.ingest("erp.goods_receipt") if receipt.status != "JOINED")
    assert counts(receipt) == {"delivered": 2137, "loaded": 2136, "quarantined": 1, "duplicate": 0}
    assert zone.refused("column_name, rule") == [("po_line_no", "required")]
    others = {f"{table}{client}.csv" for table in TABLES for client in CLIENTS.values()}
    unread = {"KONV.csv", "KONV_Pirates.csv"}  # conditions of sales orders, which no feed holds
    assert {path.name for path in folder.glob("*.csv")} == others | unread | {"MSEG_EI.csv", "MKPK_EI.csv"}
