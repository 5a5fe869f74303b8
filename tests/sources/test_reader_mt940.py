"""MT940 and MT942 statements: entries, balances, references; what is broken is quarantined or refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mt940
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.readers import FileRefused
from tests.sources.landing_zone import Zone, counts
from tests.sources.opened import opened

FEED = "bank.transaction"
RAW = "raw/bank/transaction"
ENTRIES, BALANCES = "formats/mt940/bank_transaction", "formats/mt940/bank_balance"
SAMPLES = "bank_statements/mt940_wolph/mt940_tests"

LINE = ":61:2603020302C12,50NTRFNONREF//B1"


def message(*fields: str, number: str = "5/1", opening: str = ":60F:C260301EUR100,") -> str:
    lines = [
        ":20:REF",
        ":25:ACC1",
        f":28C:{number}",
        opening,
        *fields,
        ":62F:C260302EUR112,50",
        ":64:D260302EUR1,5",
        "-",
    ]
    return "\n".join(lines) + "\n"


def interim(*fields: str, at: str = "2603021200") -> str:
    return "\n".join([":20:REF", ":25:ACC1", ":28C:5/1", ":34F:EURD0,", f":13D:{at}+0100", *fields, "-"]) + "\n"


def rows_of(zone: Zone, content: str, columns: str, name: str = "s.sta") -> list[tuple[object, ...]]:
    zone.deliver(FEED, name, content)
    zone.ingest(FEED)
    return zone.rows(RAW, columns)


def test_a_statement_line_becomes_a_row(zone: Zone) -> None:
    details = (
        ":86:166?00GUTSCHRIFT?20EREF+E-1?21PURP+SUPP?22SVWZ+Invoice 7 of M?23arch\n"
        "?30BANKDEFF?31DE89370400440532013000?32Payer ?33GmbH"
    )
    columns = (
        "account_no, transaction_ref, booking_date, value_date, credit_debit, amount, currency, is_return, "
        "purpose_code, counterparty_name, counterparty_account_no, end_to_end_id, remittance_text"
    )
    content = message(":61:2603010302C12,50NTRFNONREF//B1", details)
    assert rows_of(zone, content, columns) == [
        (
            *("ACC1", "2026-03-02/B1", date(2026, 3, 2), date(2026, 3, 1), "CRDT", Decimal("12.50"), "EUR", False),
            *("SUPP", "Payer GmbH", "DE89370400440532013000", "E-1", "Invoice 7 of March"),
        )
    ]
    assert zone.ingest(FEED) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("260302C1,NTRFX", ("CRDT", "1.00", False, "2026-03-02", "2026-03-02")),
        ("260302D1,00NTRFX", ("DBIT", "1.00", False, "2026-03-02", "2026-03-02")),
        ("260302RC1,5NTRFX", ("DBIT", "1.50", True, "2026-03-02", "2026-03-02")),
        ("260302RD1,5NTRFX", ("CRDT", "1.50", True, "2026-03-02", "2026-03-02")),
        ("260302CR1,5NTRFX", ("CRDT", "1.50", False, "2026-03-02", "2026-03-02")),
        ("260302d1,5NTRFX", ("DBIT", "1.50", False, "2026-03-02", "2026-03-02")),
        ("260302C1,5NRTIX", ("CRDT", "1.50", True, "2026-03-02", "2026-03-02")),
        ("260302C000000000001,62NTRFX", ("CRDT", "1.62", False, "2026-03-02", "2026-03-02")),
        ("260302C1NTRFX", ("CRDT", "1.00", False, "2026-03-02", "2026-03-02")),
        ("2512310102C1,NTRFX", ("CRDT", "1.00", False, "2026-01-02", "2025-12-31")),
        ("2601021231C1,NTRFX", ("CRDT", "1.00", False, "2025-12-31", "2026-01-02")),
        ("260302    C1,NTRFX", ("CRDT", "1.00", False, "2026-03-02", "2026-03-02")),
        ("2602300301C1,NINTX", ("CRDT", "1.00", False, "2026-03-01", "2026-02-28")),
        ("260302C1,5 NTRFX", ("CRDT", "1.50", False, "2026-03-02", "2026-03-02")),
        ("260302CN1,5//B2", ("CRDT", "1.50", False, "2026-03-02", "2026-03-02")),
        ("260302C000001234.56NTRFX", ("CRDT", "1234.56", False, "2026-03-02", "2026-03-02")),
        ("260302C000001234.NTRFX", ("CRDT", "1234.00", False, "2026-03-02", "2026-03-02")),
    ],
)
def test_forms_of_a_statement_line(zone: Zone, line: str, expected: tuple[str, str, bool, str, str]) -> None:
    columns = "credit_debit, amount::varchar, is_return, booking_date::varchar, value_date::varchar"
    assert rows_of(zone, message(f":61:{line}"), columns) == [expected]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "260302",
        "261302C1,NTRFX",
        "260302X1,NTRFX",
        "260302C1,5",
        "260302C,NTRFX",
        "260302C1,2,3NTRFX",
        "260302C1.234NTRFX",
        "260302C1.234,56NTRFX",
        "260302C-1,NTRFX",
    ],
)
def test_a_broken_line_is_quarantined_and_its_neighbours_are_not(zone: Zone, line: str) -> None:
    zone.deliver(FEED, "s.sta", message(LINE, f":61:{line}", ":86:lost?", LINE.replace("B1", "B2")))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 3, "loaded": 2, "quarantined": 1, "duplicate": 0}
    ((row_no, line_no, rule, raw_text),) = zone.refused("row_no, line_no, rule, raw_text")
    assert (row_no, line_no, rule, raw_text) == (2, 6, "field", f":61:{line}\n:86:lost?")


@pytest.mark.parametrize(
    ("information", "expected"),
    [
        (
            "/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/Pa\nyer B.V./REMI/Invoice 7/EREF/E-1",
            ("Payer B.V.", "NL91ABNA0417164300", "E-1"),
        ),
        ("/TRTP/SEPA/BBAN/53851317/NAME/Payer/REMI/x/EREF/NOTPRO\nVIDED", ("Payer", "53851317", None)),
        (
            "/EREF/E-1//MARF/M1//CNTP/NL91ABNA0417164300/ABNANL2A/Payer B.V./Delft//REMI/USTD//7/",
            ("Payer B.V.", "NL91ABNA0417164300", "E-1"),
        ),
        ("/EREF/E-1/BENM//NAME/Payee/REMI//ISDT/2026-03-02", ("Payee", None, "E-1")),
        ("/CNTP///", (None, None, None)),
        ("Paid to /NAME/ by /IBAN/", (None, None, None)),
        ("/BAI/399/NAME/x", (None, None, None)),
    ],
)
def test_codes_between_slashes_name_the_other_party(
    tmp_path: Path, information: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    path = tmp_path / "s.sta"
    path.write_text(message(LINE, f":86:{information}"))
    (row,) = opened(path, ENTRIES).rows
    assert (row["counterparty_name"], row["counterparty_account_no"], row["end_to_end_id"]) == expected
    assert row["remittance_text"] == information


def test_a_reference_that_the_payer_did_not_give_is_none(zone: Zone) -> None:
    given = message(LINE, ":86:166?00GUTSCHRIFT?20EREF+NOTPROVIDED?21SVWZ+Invoice 7")
    assert rows_of(zone, given, "end_to_end_id, remittance_text") == [(None, "Invoice 7")]


def test_a_broken_line_is_not_printed(zone: Zone, capfd: pytest.CaptureFixture[str]) -> None:
    zone.deliver(FEED, "s.sta", message(":61:secret"))
    zone.ingest(FEED)
    assert "secret" not in "".join(capfd.readouterr())


def test_lines_without_a_type_do_not_merge(zone: Zone) -> None:
    """The library alone overwrites an entry without a transaction type by the next one."""
    zone.deliver(FEED, "s.sta", message(":61:260302C1,", ":61:260302C2,NTRFX"))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 1, "quarantined": 1, "duplicate": 0}


def test_the_information_on_the_whole_statement_is_no_detail_of_the_last_entry(zone: Zone) -> None:
    content = message(LINE, ":86:of the entry").replace("-\n", ":86:of the statement\n-\n")
    assert rows_of(zone, content, "remittance_text") == [("of the entry",)]


def test_references_are_stable_and_unique(zone: Zone) -> None:
    lines = [":61:260302C1,NTRFNONREF", ":61:260302C1,NTRFNONREF//NONREF", LINE, LINE]
    first = message(*lines)
    zone.deliver(FEED, "a.sta", first)
    zone.deliver(FEED, "b.sta", "BANK HEADER\n" + first)
    zone.deliver(FEED, "c.sta", message(*lines[:2], number="6/1"))
    zone.deliver(FEED, "d.sta", message(*lines[:2], number="0").replace(":20:REF", ":20:OTHER"))
    receipts = {receipt.file: receipt for receipt in zone.ingest(FEED)}
    assert {row[0] for row in zone.rows(RAW, "transaction_ref")} == {
        *("260301/5/1/1", "260301/5/1/2", "2026-03-02/B1", "2026-03-02/B1#2"),
        *("260301/6/1/1", "260301/6/1/2", "260301/0/OTHER/1", "260301/0/OTHER/2"),
    }
    assert sorted(receipts[name].duplicate_rows for name in ("a.sta", "b.sta")) == [0, 4]


@pytest.mark.parametrize("between", ["\x1a", "\ufeff", "\x03\n\x01"])
def test_files_that_were_put_together_are_read_account_by_account(tmp_path: Path, between: str) -> None:
    path = tmp_path / "s.sta"
    path.write_text(message(LINE) + between + message(LINE).replace("ACC1", "ACC2"))
    records = opened(path, ENTRIES)
    assert [row["account_no"] for row in records.rows] == ["ACC1", "ACC2"]
    assert records.refused == []


def test_what_follows_a_closing_balance_is_of_no_known_account(tmp_path: Path) -> None:
    path = tmp_path / "s.sta"
    path.write_text(
        message(LINE).replace("-\n", "") + message(LINE).replace(":20:REF\n", "REF\n").replace("ACC1", "ACC2")
    )
    records = opened(path, ENTRIES)
    assert [row["account_no"] for row in records.rows] == ["ACC1"]
    assert [record.raw_text.partition("\n")[0] for record in records.refused] == [
        *(":25:ACC2", ":28C:5/1", ":60F:C260301EUR100,", LINE, ":62F:C260302EUR112,50")
    ]
    assert {row["account_no"] for row in opened(path, BALANCES).rows} == {"ACC1"}


def test_a_reference_is_of_its_day(zone: Zone) -> None:
    """Text that runs on into the bank's reference, and numbers that begin anew each day, name no booking for good."""
    first, second = (f":61:26030{day}C{day},NTRFOverforing med//melding" for day in (2, 3))
    assert rows_of(zone, message(first) + message(second, number="6"), "transaction_ref") == [
        ("2026-03-02/melding",),
        ("2026-03-03/melding",),
    ]


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("NL91ABNA0417164300 EUR", "NL91ABNA0417164300"),
        ("1017.490.554EUR", "1017.490.554"),
        ("20041111/877321000EUR", "20041111/877321000"),
        ("877321000/EUR", "877321000"),
        ("877321000USD", "877321000USD"),
        ("EUR", "EUR"),
    ],
)
def test_an_account_is_named_without_its_currency(zone: Zone, account: str, expected: str) -> None:
    content = message(LINE).replace(":25:ACC1", f":25:{account}")
    assert rows_of(zone, content, "account_no") == [(expected,)]
    zone.deliver("bank.balance", "s.sta", content)
    zone.ingest("bank.balance")
    assert {row[0] for row in zone.rows("raw/bank/balance", "account_no")} == {expected}


def test_a_currency_that_ends_an_iban_is_part_of_it(zone: Zone) -> None:
    iban = "MU17BOMM0101101030300200000MUR"
    content = message(LINE).replace(":25:ACC1", f":25:{iban}").replace("EUR", "MUR")
    assert rows_of(zone, content, "account_no, currency") == [(iban, "MUR")]


@pytest.mark.parametrize(("code", "is_return"), [("166", False), ("159", True), ("109", True), ("059", True)])
def test_a_german_booking_code_tells_a_return(zone: Zone, code: str, is_return: bool) -> None:
    assert rows_of(zone, message(LINE, f":86:{code}?00RETOURE?20SVWZ+Back"), "is_return") == [(is_return,)]


def test_pages_without_a_sequence_number_go_on_counting(zone: Zone) -> None:
    first = message(":61:260302C1,NTRFX", number="5").replace(":62F:", ":62M:").replace(":64:D260302EUR1,5\n", "")
    second = message(":61:260302C1,NTRFX", number="5", opening=":60M:C260301EUR101,")
    assert rows_of(zone, first + second, "transaction_ref") == [("260301/5/1",), ("260301/5/2",)]


def test_final_balances_become_rows(zone: Zone) -> None:
    zone.deliver("bank.balance", "s.sta", message(LINE))
    intermediate = message(opening=":60M:C260302EUR112,50").replace(":62F:", ":62M:").replace(":64:", ":65:")
    zone.deliver("bank.balance", "m.sta", intermediate)
    receipts = {receipt.file: receipt for receipt in zone.ingest("bank.balance")}
    assert zone.rows("raw/bank/balance", "account_no, balance_date, balance_type, amount, currency") == [
        ("ACC1", date(2026, 3, 1), "OPBD", Decimal("100.00"), "EUR"),
        ("ACC1", date(2026, 3, 2), "CLBD", Decimal("112.50"), "EUR"),
        ("ACC1", date(2026, 3, 2), "CLAV", Decimal("-1.50"), "EUR"),
    ]
    assert receipts["m.sta"].message == (
        "2 intermediate balances were left out. 1 balances of other types were left out."
    )


@pytest.mark.parametrize("amount", ["112,50", "000000112.50", "0000000112.", "112,5"])
def test_an_amount_of_a_balance_may_have_a_point(zone: Zone, amount: str) -> None:
    zone.deliver("bank.balance", "s.sta", message().replace("112,50", amount))
    zone.ingest("bank.balance")
    closing = zone.rows("raw/bank/balance", "amount, balance_type = 'CLBD'")
    assert [balance for balance, is_closing in closing if is_closing] == [Decimal(amount.rstrip(".").replace(",", "."))]


@pytest.mark.parametrize(
    "balance",
    [
        "C260302EUR1.125",
        "C260302EUR1.112,50",
        "C260302112,50",
        "C260302EUR112",
        "X260302EUR1,",
        "C261302EUR1,",
        "C260302EUR,",
        "",
    ],
)
def test_a_broken_balance_is_quarantined(zone: Zone, balance: str) -> None:
    zone.deliver("bank.balance", "s.sta", message().replace("C260302EUR112,50", balance))
    (receipt,) = zone.ingest("bank.balance")
    assert counts(receipt) == {"delivered": 3, "loaded": 2, "quarantined": 1, "duplicate": 0}


def test_an_interim_report_has_entries_and_no_balances(zone: Zone) -> None:
    content = interim(":61:260302C1,NTRFX", ":61:260302EC2,NTRFX", ":61:260302ED3,NTRFX", ":90C:1EUR1,")
    zone.deliver(FEED, "s.942", content)
    zone.deliver("bank.balance", "s.942", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.message == "2 entries that are expected and not booked were left out."
    assert zone.rows(RAW, "transaction_ref, currency") == [("2603021200/5/1/1", "EUR")]
    (receipt,) = zone.ingest("bank.balance")
    assert receipt.message == "It states no balances, as no MT942 does; deliver it to bank.transaction alone."


@pytest.mark.parametrize(
    ("content", "line_no"),
    [
        (message(LINE) + ":61:260302C1,NTRFX\n", 9),
        (message(LINE, ":25:166?00mistyped 86"), 6),
    ],
)
def test_a_field_out_of_place_is_quarantined(zone: Zone, content: str, line_no: int) -> None:
    zone.deliver(FEED, "s.sta", content)
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 1, "quarantined": 1, "duplicate": 0}
    assert zone.refused("line_no, rule") == [(line_no, "field")]


@pytest.mark.parametrize(
    "name_and_wrapping",
    [
        ("s.sta", "{}"),
        ("s.MT940", "{}"),
        ("s.940", "\ufeff{}"),
        ("s.swi", "\n\n{}"),
        ("s.txt", "{}"),
        ("s.txt", "\ufeff{}"),
        ("s.txt", "BANKNL2A\n940\nBANKNL2A\n{}"),
        ("s.dat", "{{1:F01BANKNL21XXXX0000000000}}{{2:O940BANKNL21XXXXN}}{{3:}}{{4:\n{}-}}{{5:}}"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_forms_of_a_file(zone: Zone, name_and_wrapping: tuple[str, str], newline: str) -> None:
    name, wrapping = name_and_wrapping
    content = wrapping.format(message(LINE) + message(LINE.replace("B1", "B2"), number="6")).replace("\n", newline)
    assert rows_of(zone, content, "transaction_ref", name) == [("2026-03-02/B1",), ("2026-03-02/B2",)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "It holds no MT940 or MT942 message"),
        ("1\n2\n3", "It holds no MT940 or MT942 message"),
        ("\0" * 1000, "It holds no MT940 or MT942 message"),
        (message(LINE).partition(":62F:")[0], "no closing balance"),
        (message(LINE)[:60] + "\n" + message(LINE), "The message of line 1 has no closing balance"),
        (":20:REF\n", "no closing balance"),
    ],
)
def test_what_is_no_whole_statement_is_refused(zone: Zone, content: str, sentence: str) -> None:
    zone.deliver(FEED, "s.sta", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert sentence in (receipt.message or "")


def test_bytes_of_another_encoding_are_quarantined_until_the_mapping_names_it(tmp_path: Path) -> None:
    path = tmp_path / "s.sta"
    path.write_bytes(message(LINE, ":86:Müller", LINE.replace("B1", "B2")).encode("cp1252"))
    records = opened(path, ENTRIES)
    assert [row["bank_reference"] for row in records.rows] == ["B2"]
    assert [(record.rule, record.raw_text) for record in records.refused] == [("encoding", f"{LINE}\n:86:M\\xfcller")]
    records = opened(path, ENTRIES, encoding="cp1252")
    assert [row["remittance_text"] for row in records.rows] == ["Müller", None]
    with pytest.raises(FileRefused, match="It is not utf-16"):
        opened(path, ENTRIES, encoding="utf-16")


def test_a_delivery_can_name_its_encoding_alone(zone: Zone) -> None:
    content = message(LINE, ":86:Müller", LINE.replace("B1", "B2"), ":86:Meier").encode("cp1252")
    zone.deliver(FEED, "_delivery.yaml", "deliveries:\n  - {files: '*.sta', text: {encoding: cp1252}}\n")
    zone.deliver(FEED, "s.sta", content)
    (receipt,) = zone.ingest(FEED)
    assert (receipt.status, receipt.loaded_rows, receipt.message) == ("LOADED", 2, None)
    assert zone.rows(RAW, "remittance_text") == [("Müller",), ("Meier",)]


def test_an_entry_of_any_length_takes_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "s.sta"
    endless = [":86:" + "x" * (1 << 22), ":86:y\n" * 100_000]
    path.write_text(message(LINE, *endless, LINE.replace("B1", "B2")))
    records = opened(path, ENTRIES)
    assert [row["bank_reference"] for row in records.rows] == ["B2"]
    assert [(record.rule, record.line_no, len(record.raw_text)) for record in records.refused] == [("length", 5, 4000)]


_LINES = st.sampled_from([
    LINE, ":61:260302D1,NTRFX", ":61:bad", ":86:text", ":60M:C260301EUR1,", ":62M:C260301EUR1,", ":25:X", "-",
    ":20:NEXT", ":62F:C260302EUR1,", ":34F:EUR0,", "text", "", ":NS:01x", ":", "{1:}",
])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(_LINES, max_size=25), st.binary(max_size=5), st.integers(0, 400))
def test_any_order_of_fields_is_read_or_refused(lines: list[str], junk: bytes, place: int) -> None:
    content = message(*lines).encode()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.sta"
        path.write_bytes(content[:place] + junk + content[place:])
        with suppress(FileRefused):
            opened(path, ENTRIES)
            opened(path, BALANCES)


@settings(max_examples=30, deadline=None)
@given(st.lists(_LINES.filter(lambda line: not line.startswith((":20", ":25", "-"))), max_size=25))
def test_every_statement_line_is_a_row_or_refused(lines: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.sta"
        path.write_text(message(*lines))
        records = opened(path, ENTRIES)
    refused = [record for record in records.refused if record.raw_text.startswith(":61:")]
    assert len(records.rows) + len(refused) == sum(line.startswith(":61:") for line in lines)


REFUSED_SAMPLES = frozenset({
    "amount_formats", "currency_in_25", "empty_86", "empty_entry_date", "empty_line", "missing_crlf_at_end",
    "account_balance_credit", "account_balance_debit", "account_identification_iban", "account_identification_legacy",
    "available_balance", "closing_balance", "reference", "statement_details", "statement_line", "statement_number",
    "empty_non_swift", "gv_codes", "invalid_statement", "sparkassen",
})  # fmt: skip
"""Samples of single fields, and one cut off before its closing balance."""
QUARANTINED_SAMPLES = {"sepa_snippet_broken": 1}
ENCODINGS = {"raiffeisen-cmi": "cp852"}


def _samples(shared_data: Path) -> Iterator[Path]:
    samples = shared_data / SAMPLES
    yield from sorted([*samples.rglob("*.sta"), *samples.rglob("*.940.txt")])


def test_samples_are_read_or_refused(shared_data: Path) -> None:
    refused = set()
    for path in _samples(shared_data):
        try:
            records = opened(path, ENTRIES, ENCODINGS.get(path.stem))
        except FileRefused:
            refused.add(path.stem)
            continue
        assert len(records.refused) == QUARANTINED_SAMPLES.get(path.stem, 0), path
        references = [(row["account_no"], row["transaction_ref"]) for row in records.rows]
        assert len(references) == len(set(references)), path
    assert refused == REFUSED_SAMPLES


def test_samples_agree_with_the_results_beside_them(shared_data: Path) -> None:
    compared = 0
    for path in _samples(shared_data):
        if path.stem in REFUSED_SAMPLES or not path.with_suffix(".yml").exists():
            continue
        expected = yaml.load(path.with_suffix(".yml").read_text(), _Dump)
        rows = opened(path, ENTRIES, ENCODINGS.get(path.stem)).rows
        for row, entry in zip(rows, (entry["data"] for entry in expected["transactions"]), strict=True):
            assert Decimal(row["amount"] or "") == abs(entry["amount"]["amount"]), path
            assert row["value_date"] == entry["date"].isoformat(), path
            assert row["booking_date"] == (entry.get("entry_date") or entry["date"]).isoformat(), path
            assert (row["currency"], row["transaction_type"]) == (entry["currency"], entry["id"].strip()), path
            assert row["credit_debit"] == ("CRDT" if entry["status"] in ("C", "RD") else "DBIT"), path
            compared += 1
        _compare_balances(path, expected["data"])
    assert compared == 203


def _compare_balances(path: Path, statement: dict[str, Any]) -> None:
    """The results hold the balances of the last statement of a file."""
    kinds = {"final_opening_balance": "OPBD", "final_closing_balance": "CLBD", "available_balance": "CLAV"}
    described = {
        (kinds[kind], balance["amount"]["amount"], balance["amount"]["currency"], balance["date"].isoformat())
        for kind, balance in statement.items()
        if kind in kinds and balance["amount"]["currency"].isalpha()
    }
    if described:
        columns = ("currency", "balance_date")
        found = {
            (row["balance_type"], Decimal(row["amount"] or ""), *(row[name] for name in columns))
            for row in opened(path, BALANCES, ENCODINGS.get(path.stem)).rows
        }
        assert described <= found, path


def test_samples_have_the_references_and_details_that_the_library_reads(shared_data: Path) -> None:
    """The library reads whole files; the information on a statement after its balances it adds to the last entry."""
    compared = 0
    for path in _samples(shared_data):
        if path.stem in REFUSED_SAMPLES | QUARANTINED_SAMPLES.keys() or path.name.endswith(".txt"):
            continue
        text = path.read_text(encoding=ENCODINGS.get(path.stem, "utf-8"))
        library = mt940.parse_statements(text, options=mt940.Options.all())
        entries = [entry.data for statement in library for entry in statement.transactions]
        rows = opened(path, ENTRIES, ENCODINGS.get(path.stem)).rows
        for row, entry in zip(rows, entries, strict=True):
            reference = entry.get("bank_reference")
            assert row["bank_reference"] == (None if reference == "NONREF" else reference or None), path
            customer = (entry.get("customer_reference") or "").partition("\n")[0].strip()
            assert row["customer_reference"] == (None if customer == "NONREF" else customer or None), path
            details = (entry.get("purpose") or entry.get("transaction_details") or "").strip()
            assert details.startswith(row["remittance_text"] or "") or details in (row["remittance_text"] or ""), path
            compared += 1
    assert compared > 190


class _Dump(yaml.SafeLoader):
    """Objects of the library as mappings; what is not needed as the name of its type."""


def _object(loader: yaml.SafeLoader, name: str, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    content: dict[str, Any] = {}
    yield content
    content.update(loader.construct_mapping(node))


def _applied(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> object:
    if not isinstance(node, yaml.SequenceNode):
        return name
    if name == "decimal.Decimal":
        return Decimal(loader.construct_sequence(node)[0])
    if name == "mt940.models.Date":
        high, low, month, day = loader.construct_sequence(node)[0]
        return date(high * 256 + low, month, day)
    return name


_Dump.add_multi_constructor("tag:yaml.org,2002:python/object/apply:", _applied)
_Dump.add_multi_constructor("tag:yaml.org,2002:python/object:", _object)
_Dump.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, name, node: name)
