"""BAI2 reports: transactions and balances; totals and counts that disagree refuse the file."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.readers import FileRefused
from tests.sources.landing_zone import Zone, counts
from tests.sources.opened import opened

FEED = "bank.transaction"
RAW = "raw/bank/transaction"
ENTRIES, BALANCES = "formats/bai2/bank_transaction", "formats/bai2/bank_balance"

CREDIT = "16,195,150000,V,260303,,GI1,PO 7,INVOICE 7, MARCH/"


def account(*details: str, total: int, header: str = "03,ACC1,,010,500000,,,015,-70000,,/") -> list[str]:
    records = [header, *details]
    return [*records, f"49,{total},{len(records) + 1}/"]


def group(*accounts: list[str], total: int, header: str = "02,RCV,BANK,1,260302,2359,,2/") -> list[str]:
    records = [header, *(record for records in accounts for record in records)]
    return [*records, f"98,{total},{len(accounts)},{len(records) + 1}/"]


def report(*groups: list[str], total: int) -> str:
    records = ["01,BANK,RCV,260303,0600,1,,,2/", *(record for records in groups for record in records)]
    return "\n".join([*records, f"99,{total},{len(groups)},{len(records) + 1}/"]) + "\n"


def simple(*details: str, amount: int = 0, **headers: str) -> str:
    """A report of one account, whose transactions come to ``amount`` minor units."""
    balances = 430_000 if "account" not in headers else 0
    own_account = {"header": headers["account"]} if "account" in headers else {}
    own_group = {"header": headers["group"]} if "group" in headers else {}
    total = amount + balances
    return report(group(account(*details, total=total, **own_account), total=total, **own_group), total=total)


def rows_of(zone: Zone, content: str, columns: str, name: str = "r.bai2") -> list[tuple[object, ...]]:
    zone.deliver(FEED, name, content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "LOADED", receipt.message
    return zone.rows(RAW, columns)


def refusal(zone: Zone, content: str) -> str:
    zone.deliver(FEED, "r.bai", content)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    return receipt.message or ""


def test_a_transaction_becomes_a_row(zone: Zone) -> None:
    columns = (
        "account_no, transaction_ref, booking_date, value_date, credit_debit, amount, currency, is_return, "
        "counterparty_name, remittance_text"
    )
    assert rows_of(zone, simple(CREDIT, amount=150_000), columns) == [
        (
            *("ACC1", "2026-03-02/GI1", date(2026, 3, 2), date(2026, 3, 3), "CRDT", Decimal("1500.00"), "USD", False),
            *(None, "INVOICE 7, MARCH"),
        )
    ]


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("16,195,100,,R,C,text/", ("CRDT", "1.00", None, "text")),
        ("16,475,100,0,R,C,text", ("DBIT", "1.00", None, "text")),
        ("16,475,100,1,R,C,/", ("DBIT", "1.00", None, None)),
        ("16,475,100,2,R,C/", ("DBIT", "1.00", None, None)),
        ("16,475,100,Z,R,C,a/b,c", ("DBIT", "1.00", None, "a/b,c")),
        ("16,475,100,S,50,30,20,R,C,text", ("DBIT", "1.00", None, "text")),
        ("16,475,100,V,260228,1200,R,C,text", ("DBIT", "1.00", "2026-02-28", "text")),
        ("16,475,100,V,,,R,C,text", ("DBIT", "1.00", None, "text")),
        ("16,475,100,D,2,0,60,3,40,R,C,text", ("DBIT", "1.00", None, "text")),
        (
            "16,475,100,0,R,C,first part\n88,second, part/\n88,third",
            ("DBIT", "1.00", None, "first part second, part third"),
        ),
        ("16,475,100,S,50/\n88,30,20,R/\n88,C,text", ("DBIT", "1.00", None, "text")),
        ("16,475,100,0,R,C,text/" + " " * 40, ("DBIT", "1.00", None, "text")),
    ],
)
def test_funds_types_and_continuations(zone: Zone, detail: str, expected: tuple[str | None, ...]) -> None:
    content = simple(*detail.split("\n"), amount=100)
    columns = "transaction_ref, credit_debit, amount::varchar, value_date::varchar, remittance_text"
    assert rows_of(zone, content, columns) == [("2026-03-02/R", *expected)]


@pytest.mark.parametrize(
    ("type_code", "side", "is_return"),
    [
        ("108", "CRDT", False),
        ("399", "CRDT", False),
        ("409", "DBIT", False),
        ("699", "DBIT", False),
        ("257", "CRDT", True),
        ("555", "DBIT", True),
        ("721", "CRDT", False),
        ("933", "CRDT", False),
        ("966", "DBIT", False),
        ("103", "CRDT", False),
    ],
)
def test_the_type_code_gives_the_side(zone: Zone, type_code: str, side: str, is_return: bool) -> None:
    content = simple(f"16,{type_code},100,,R,,/", amount=100)
    assert rows_of(zone, content, "credit_debit, is_return") == [(side, is_return)]


@pytest.mark.parametrize("start", ["16,100", "16,400", "16,010", "16,901", "16,72", "16,", "16,abc", "16,٣٩٩"])
def test_a_type_code_without_a_side_is_quarantined(zone: Zone, start: str) -> None:
    zone.deliver(FEED, "r.bai", simple(f"{start},100,,R,,/", CREDIT, amount=150_100))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 2, "loaded": 1, "quarantined": 1, "duplicate": 0}
    assert zone.refused("row_no, line_no, rule, raw_text") == [(1, 4, "record", f"{start},100,,R,,/")]


def test_an_unknown_funds_type_is_quarantined(zone: Zone) -> None:
    zone.deliver(FEED, "r.bai", simple("16,195,100,X,R,,/", "16,195,100,D,999999999,1/", amount=200))
    (receipt,) = zone.ingest(FEED)
    assert (receipt.quarantined_rows, receipt.loaded_rows) == (2, 0)


def test_records_without_money_are_left_out(zone: Zone) -> None:
    zone.deliver(FEED, "r.bai", simple("16,890,,,,,a message", CREDIT, amount=150_000))
    (receipt,) = zone.ingest(FEED)
    assert receipt.delivered_rows == receipt.loaded_rows == 1
    assert receipt.message == "1 entries without money (type code 890) were left out."


@pytest.mark.parametrize(
    ("group_currency", "account_currency", "expected"),
    [
        ("", "", ("USD", "1234.56")),
        ("EUR", "", ("EUR", "1234.56")),
        ("EUR", "CAD", ("CAD", "1234.56")),
        ("", "JPY", ("JPY", "123456.00")),
        ("", "KWD", ("KWD", "123.46")),
    ],
)
def test_amounts_are_minor_units_of_the_currency(
    zone: Zone, group_currency: str, account_currency: str, expected: tuple[str, str]
) -> None:
    amount = 123_460 if account_currency == "KWD" else 123_456
    content = simple(
        f"16,195,{amount},,R,,/",
        amount=amount,
        group=f"02,RCV,BANK,1,260302,,{group_currency},/",
        account=f"03,ACC1,{account_currency},,,,/",
    )
    assert rows_of(zone, content, "currency, amount::varchar") == [expected]


def test_references_are_stable_and_unique(zone: Zone) -> None:
    details = ("16,195,1,,,,/", "16,195,1,,0000,,/", "16,195,1,,B,,/", "16,195,1,,B,,/")
    zone.deliver(FEED, "a.bai", simple(*details, amount=4))
    zone.deliver(FEED, "b.bai", simple(*details, amount=4).replace("0600", "0700"))
    zone.deliver(FEED, "c.bai", simple(*details, amount=4).replace("260302", "260301"))
    receipts = {receipt.file: receipt for receipt in zone.ingest(FEED)}
    references = [row[0] for row in zone.rows(RAW, "transaction_ref", "transaction_ref")]
    day = ["2359/1", "2359/2", "B", "B#2"]
    assert references == [f"2026-03-01/{own}" for own in day] + [f"2026-03-02/{own}" for own in day]
    assert sorted(receipts[name].duplicate_rows for name in ("a.bai", "b.bai")) == [0, 4]


def test_an_account_that_a_group_reports_on_twice_keeps_all_its_entries(zone: Zone) -> None:
    header = "03,ACC1,,,,,/"
    records = [account(f"16,195,{amount},,,,/", total=amount, header=header) for amount in (1, 2)]
    content = report(group(*records, total=3), total=3)
    assert rows_of(zone, content, "transaction_ref, amount::varchar") == [
        ("2026-03-02/2359/1", "0.01"),
        ("2026-03-02/2359/1#2", "0.02"),
    ]
    zone.deliver(FEED, "again.bai", content.replace("0600", "0700"))
    assert zone.ingest(FEED)[0].duplicate_rows == 2


def test_balances_become_rows(zone: Zone) -> None:
    header = "03,ACC1,USD,010,500000,,,015,-70000,,,040,1,,/"
    rest = ["88,045,25,,V,260303,,072,7,,/", "88,100,30,2,D,1,0,30,,,,/", "88,015,,,"]
    total = 500_000 - 70_000 + 1 + 25 + 7 + 30
    zone.deliver(
        "bank.balance", "r.bai", report(group(account(*rest, total=total, header=header), total=total), total=total)
    )
    (receipt,) = zone.ingest("bank.balance")
    assert zone.rows("raw/bank/balance", "account_no, balance_date, balance_type, amount, currency") == [
        ("ACC1", date(2026, 3, 2), "OPBD", Decimal("5000.00"), "USD"),
        ("ACC1", date(2026, 3, 2), "CLBD", Decimal("-700.00"), "USD"),
        ("ACC1", date(2026, 3, 2), "CLAV", Decimal("0.25"), "USD"),
    ]
    assert receipt.message == (
        "3 totals and balances of other types were left out. 1 balances without an amount were left out."
    )


def test_groups_and_accounts_are_told_apart(zone: Zone) -> None:
    first = account(CREDIT, total=580_000)
    second = account(CREDIT, total=580_000, header="03,ACC2,EUR,010,430000,,,/")
    test_only = group(account(CREDIT, total=580_000), total=580_000, header="02,RCV,BANK,4,260302,,,/")
    later = group(account(CREDIT, total=580_000), total=580_000, header="02,RCV,BANK,3,260303,,,/")
    content = report(group(first, second, total=1_160_000), test_only, later, total=2_320_000)
    rows = rows_of(zone, content, "account_no, booking_date, currency")
    assert rows == [
        ("ACC1", date(2026, 3, 2), "USD"),
        ("ACC2", date(2026, 3, 2), "EUR"),
        ("ACC1", date(2026, 3, 3), "USD"),
    ]


@pytest.mark.parametrize("name", ["r.bai", "r.BAI2", "r.txt", "r.dat"])
def test_a_report_is_known_by_its_name_or_beginning(zone: Zone, name: str) -> None:
    content = "\ufeff" + simple(CREDIT, amount=150_000).replace("\n", "\r\n")
    assert rows_of(zone, content, "transaction_ref", name) == [("2026-03-02/GI1",)]


SOUND = simple(CREDIT, amount=150_000)


def test_an_account_without_amounts_needs_no_total_and_a_file_may_end_as_in_dos(zone: Zone) -> None:
    empty = "03,ACC2,/\n49,,2/\n98,580000,2,7/\n99,580000,1,9/\n\x1a"
    zone.deliver(FEED, "r.bai", SOUND.partition("98,")[0] + empty)
    (receipt,) = zone.ingest(FEED)
    assert (receipt.loaded_rows, receipt.message) == (1, None)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "It holds no BAI2 report"),
        ("01,BANK,RCV,260303,0600,1,,,2/\n99,0,0,2/\n", "It holds no BAI2 report"),
        (
            SOUND.replace("49,580000", "49,580001"),
            "Record 49 on line 5 has the total 580001, where its records have 580000",
        ),
        (SOUND.replace("49,580000", "49,"), "Record 49 on line 5 has no total, where its records have 580000"),
        (SOUND.replace("49,580000,3", "49,580000,4"), "the number of records 4, where its records have 3"),
        (SOUND.replace("98,580000,1,", "98,580000,2,"), "the number of accounts 2, where its records have 1"),
        (SOUND.replace("98,580000", "98,580001"), "Record 98 on line 6 has the total"),
        (SOUND.replace("99,580000,1,", "99,580000,3,"), "the number of groups 3, where its records have 1"),
        (SOUND.replace("99,580000,1,7", "99,580000,1,8"), "the number of records 8, where its records have 7"),
        (SOUND.replace(CREDIT + "\n", ""), "Record 49 on line 4 has the total"),
        (SOUND.replace("150000", "15OOOO"), "Record 16 on line 4 has the amount '***', which is no whole number"),
        (SOUND.replace("150000", "1500.00"), "no whole number"),
        (SOUND.replace("150000", "9" * 19), "no whole number"),
        (SOUND.replace("49,580000,3/", "49,580000,three/"), "the count '***', which is no whole number"),
        (SOUND.replace("260302", "261302"), "the date '***', which is no day as YYMMDD"),
        (SOUND.replace("260302", "2026-3"), "which is no day as YYMMDD"),
        (SOUND.replace(",,,2/\n02", ",,,3/\n02"), "the version '***'; version 2 is read"),
        (SOUND.replace("BANK,1,", "BANK,2,"), "the group status 2"),
        (SOUND.replace("BANK,1,", "BANK,,"), "the group status ''"),
        (SOUND.replace("010,500000", "01,500000"), "the type code '***', which is not of three digits"),
        (SOUND.replace("49,580000,3/\n", ""), "Record 98 on line 5 has a place that is not within record 02"),
        (SOUND.partition("98,")[0], "It ends without its file trailer"),
        (SOUND.partition("02,")[0], "It ends without its file trailer"),
        (SOUND.partition("\n")[2], "a place that is not within record 01"),
        (SOUND + "16,195,1,,,,/\n", "a place that is not within record 03"),
        ("88,continued/\n" + SOUND, "It begins with a continuation"),
        (SOUND.replace("16,195", "17,195"), "Line 4 begins with no record code of BAI2"),
        (SOUND.replace("INVOICE", "\0\n\0"), "Line 5 begins with no record code of BAI2"),
        (SOUND.replace("MARCH", "x" * (1 << 20)), "is longer than"),
        (SOUND.replace("MARCH/", "MARCH" + "\n88,x" * 200_000), "is longer than"),
    ],
)
def test_a_damaged_report_is_refused_whole(zone: Zone, content: str, sentence: str) -> None:
    assert sentence in refusal(zone, content)
    assert zone.rows(RAW) == []


def test_a_report_in_another_encoding_is_refused_until_the_mapping_names_it(tmp_path: Path) -> None:
    path = tmp_path / "r.bai"
    path.write_bytes(SOUND.replace("MARCH", "MÄRZ").encode("cp1252"))
    with pytest.raises(FileRefused, match="It is not utf-8"):
        opened(path, ENTRIES)
    assert [row["remittance_text"] for row in opened(path, ENTRIES, "cp1252").rows] == ["INVOICE 7, MÄRZ"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_mutated_report_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(simple(CREDIT, CREDIT.replace("GI1", "GI2"), amount=300_000).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.bai"
        path.write_bytes(content)
        with suppress(FileRefused):
            opened(path, ENTRIES)
            opened(path, BALANCES)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["195", "475", "999", "100"]), st.integers(0, 10**12)), max_size=8))
def test_every_transaction_is_a_row_or_refused(transactions: list[tuple[str, int]]) -> None:
    details = [f"16,{code},{amount},,R{number},,/" for number, (code, amount) in enumerate(transactions)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r.bai"
        path.write_text(simple(*details, amount=sum(amount for _, amount in transactions)))
        records = opened(path, ENTRIES)
    sound = [amount for code, amount in transactions if code != "100"]
    assert [Decimal(row["amount"] or "") * 100 for row in records.rows] == sound
    assert len(records.refused) == len(transactions) - len(sound)
