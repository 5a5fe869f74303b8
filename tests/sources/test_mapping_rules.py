"""Rules of mappings on what deliverers really write: signs, units, dates, times, marks, schemes, joined tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum.cn import uscc

from sources.engine import quick_connection
from sources.forms import NumberForm, number_sql, strptime_format, time_sql
from sources.number_scheme import scheme_sql
from tests.sources.landing_zone import DAY, Zone, counts, csv

FEED = "bank.balance"
RAW = "raw/bank/balance"
BALANCE = {"account_no": "c", "balance_type": {"constant": "CLBD"}, "currency": {"constant": "EUR"}}
Amounts = Callable[..., list[object]]


def utc(*parts: int) -> datetime:
    return datetime(*parts)  # noqa: DTZ001


def typed(sql: Callable[[str], str], *texts: str) -> list[object]:
    with quick_connection() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return [
            connection.execute(f"select {sql('text')} from (select ? as text)", [t]).fetchall()[0][0] for t in texts
        ]


def numbers(form: NumberForm, *texts: str) -> list[object]:
    return typed(lambda value: number_sql(value, form, "decimal(18,2)"), *texts)


def times(sql_type: str, forms: tuple[str, ...], zone: str | None, *texts: str) -> list[object]:
    return typed(lambda value: time_sql(value, sql_type, forms, zone), *texts)


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        (NumberForm(), "-1234.50", "-1234.50"),
        (NumberForm(), "(1234.50)", None),
        (NumberForm(thousands_sign=",", sign="parentheses"), "(1,234.00)", "-1234.00"),
        (NumberForm(thousands_sign=",", sign="parentheses"), "-1,234.00", "-1234.00"),
        (NumberForm(thousands_sign=",", sign="parentheses"), "(-1,234.00)", None),
        (NumberForm(thousands_sign=",", sign="parentheses"), "(1,234.00", None),
        (NumberForm(",", ".", "trailing"), "1.234,50-", "-1234.50"),
        (NumberForm(",", ".", "trailing"), "-1.234,50-", None),
        (NumberForm(",", " "), "1\u00a0234,50", "1234.50"),
        (NumberForm(",", " "), "1\u202f234\u00a0567,5", "1234567.50"),
        (NumberForm(",", " "), "12 34,50", None),
        (NumberForm(",", " "), "\u22121\u00a0234,50", "-1234.50"),
        (NumberForm(",", sign="trailing"), "1234,50\u2212", "-1234.50"),
        (NumberForm(",", " "), "\u2212-1,50", None),
        (NumberForm(".", "'"), "1\u2019234'567.50", "1234567.50"),
        (NumberForm(unit="%"), "12.5%", "12.50"),
        (NumberForm(unit="%"), "12.5 %", "12.50"),
        (NumberForm(unit="%"), "12.5", "12.50"),
        (NumberForm(unit="%"), "%12.5%", None),
        (NumberForm(unit="%"), "12.5\u2030", None),
        (NumberForm(",", ".", unit="\u20ac"), "\u20ac 1.234,50", "1234.50"),
        (NumberForm(",", ".", unit="\u20ac"), "-\u20ac1.234,50", "-1234.50"),
        (NumberForm(",", ".", unit="\u20ac"), "-1.234,50 \u20ac", "-1234.50"),
        (NumberForm(thousands_sign=",", sign="parentheses", unit="$"), "($1,234.00)", "-1234.00"),
        (NumberForm(thousands_sign=",", sign="parentheses", unit="$"), "$(1,234.00)", "-1234.00"),
        (NumberForm(unit="万元"), "12.5万元", "12.50"),
        (NumberForm(unit="万元"), "12.5元", None),
        (NumberForm(), "12.345", None),
        (NumberForm(), "12.3400", "12.34"),
    ],
)
def test_a_number_has_exactly_the_form_that_was_agreed(form: NumberForm, text: str, number: str | None) -> None:
    assert numbers(form, text) == [None if number is None else Decimal(number)]


@settings(max_examples=60, deadline=None)
@given(
    amount=st.decimals(-(10**12), 10**12, places=2),
    form=st.builds(
        NumberForm,
        st.sampled_from([".", ","]),
        st.sampled_from(["", " ", "'"]),
        st.sampled_from(["leading", "trailing", "parentheses"]),
        st.sampled_from([None, "%", "\u20ac", "万元"]),
    ),
)
def test_a_written_number_is_read_back(amount: Decimal, form: NumberForm) -> None:
    text = f"{abs(amount):,.2f}".replace(",", form.thousands_sign or "").replace(".", form.decimal_mark)
    text = f"{text}{form.unit or ''}"
    if amount < 0:
        text = {"leading": f"-{text}", "trailing": f"{text}-", "parentheses": f"({text})"}[form.sign]
    assert numbers(form, text) == [amount]


@pytest.mark.parametrize(
    ("form", "text", "day"),
    [
        ("YYYY年M月D日", "2026年3月2日", date(2026, 3, 2)),
        ("YYYY年M月D日", "2026年03月02日", date(2026, 3, 2)),
        ("YYYYMMDD", "20260302", date(2026, 3, 2)),
        ("YYYYMMDD", "20260230", None),
        ("YYYYMMDD", "2026-03-02", None),
        ("DD-MMM-YY", "02-MAR-26", date(2026, 3, 2)),
        ("D MMMM YYYY", "2 March 2026", date(2026, 3, 2)),
        ("D MMMM YYYY", "2 Marsh 2026", None),
        ("YYYY-MM-DD hh:mm:ss", "2026-03-02 23:59:59", date(2026, 3, 2)),
        ("M/D/YYYY h:mm AM", "3/2/2026 1:05 pm", date(2026, 3, 2)),
        ("EXCEL", "46083", date(2026, 3, 2)),
        ("EXCEL", "46083.75", date(2026, 3, 2)),
        ("EXCEL", "60", None),
        ("EXCEL", "20260302", None),
        ("EXCEL", "-5", None),
    ],
)
def test_a_date_has_exactly_the_form_that_was_agreed(form: str, text: str, day: date | None) -> None:
    assert times("date", (form,), None, text) == [day]


def test_of_several_forms_the_first_that_fits_counts() -> None:
    forms = ("YYYYMMDD", "YYYY/M/D", "EXCEL")
    assert times("date", forms, None, "20260302", "2026/3/2", "46083", "2.3.2026") == [date(2026, 3, 2)] * 3 + [None]


@pytest.mark.parametrize(
    ("forms", "zone", "text", "instant"),
    [
        ((), None, "2026-03-02 08:00:00", utc(2026, 3, 2, 8)),
        ((), "Asia/Shanghai", "2026-03-02 08:00:00", utc(2026, 3, 2, 0)),
        ((), "Asia/Shanghai", "2026-03-02T08:00:00Z", utc(2026, 3, 2, 8)),
        ((), "Asia/Shanghai", "2026-03-02 08:00:00+02", utc(2026, 3, 2, 6)),
        (("YYYYMMDDhhmmss",), "Asia/Shanghai", "20260302073000", utc(2026, 3, 1, 23, 30)),
        (("YYYYMMDD hh:mm:ss.fff",), None, "20260302 07:30:00.250", utc(2026, 3, 2, 7, 30, 0, 250_000)),
        (("M/D/YYYY h:mm AM",), "America/New_York", "7/2/2026 12:05 AM", utc(2026, 7, 2, 4, 5)),
        (("EXCEL",), "Asia/Shanghai", "46083.75", utc(2026, 3, 2, 10)),
        (("DD.MM.YYYY hh:mm",), "Europe/Berlin", "29.03.2026 01:30", utc(2026, 3, 29, 0, 30)),
        # the hour that summer time leaves out
        (("DD.MM.YYYY hh:mm",), "Europe/Berlin", "29.03.2026 02:30", None),
        # the hour that the end of summer time has twice
        (("DD.MM.YYYY hh:mm",), "Europe/Berlin", "25.10.2026 02:30", utc(2026, 10, 25, 1, 30)),
        (("DD.MM.YYYY hh:mm",), "Europe/Berlin", "25.10.2026 24:30", None),
    ],
)
def test_a_local_time_becomes_utc(
    forms: tuple[str, ...], zone: str | None, text: str, instant: datetime | None
) -> None:
    assert times("timestamp", forms, zone, text) == [instant]


@pytest.mark.parametrize("form", ["YYYY", "MM-DD", "YYYY-MM-DD-D", "hh:mm", "", "YY/YYYY/MM/DD"])
def test_a_format_names_year_month_and_day_once(form: str) -> None:
    with pytest.raises(ValueError, match="year, month and day once each"):
        strptime_format(form)


@settings(max_examples=80, deadline=None)
@given(code=st.from_regex(r"[0-9]{8}[0-9A-HJ-NPQRTUWXY]{9}", fullmatch=True), last=st.sampled_from("0123456789AXYI"))
@example("91110000600037341", "L")
def test_a_credit_code_is_told_by_its_check_character(code: str, last: str) -> None:
    right, other = code + uscc.calc_check_digit(code), code + last
    expected = ["CN-USCC", "CN-USCC" if uscc.is_valid(other) else "LOCAL"]
    assert typed(scheme_sql, right, other) == expected


def test_what_is_no_credit_code_is_local() -> None:
    texts = ["E117", "91110000600037341l", " 91110000600037341L", "911100006000373410", ""]
    assert typed(scheme_sql, *texts) == ["LOCAL", "LOCAL", "LOCAL", "LOCAL", None]


@pytest.fixture
def amounts(zone: Zone) -> Amounts:
    """Amounts of a delivery by a mapping whose column ``rate`` is given; what is refused is left in quarantine."""

    def loaded(amount: object, header: str, *records: str, **changes: object) -> list[object]:
        columns = BALANCE | {"balance_date": "d", "amount": amount}
        zone.map("rates", {"feed": FEED, "delimiter": ";", "columns": columns, "ignored": ["*"], **changes})
        zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
        zone.deliver(
            FEED, "r.csv", csv(f"c;d;{header}", *(f"A{chr(65 + n)}A;2026-03-02;{r}" for n, r in enumerate(records)))
        )
        (receipt,) = zone.ingest(FEED)
        assert receipt.delivered_rows == len(records), receipt.message
        return [row[0] for row in zone.rows(RAW, "amount")]

    return loaded


def test_an_indicator_turns_the_amount_and_an_unknown_one_refuses_the_row(zone: Zone, amounts: Amounts) -> None:
    rule = {"from": "k", "sign": {"from": "S/H", "negative": ["H"], "positive": ["S", ""]}}
    assert amounts(rule, "k;S/H", "5.00;H", "5.00; S ", "-5.00;H", "5.00;", "5.00;X", "x;H") == [
        Decimal(-5),
        Decimal(5),
        Decimal(5),
        Decimal(5),
    ]
    assert zone.refused("row_no, column_name, rule, message") == [
        (5, "amount", "sign", "amount has the sign 'X' in S/H, which is neither 'H' (negative) or 'S' '' (positive)."),
        (6, "amount", "type", "amount 'x' is no decimal(18,2)."),
    ]


def test_a_file_without_the_column_of_the_sign_is_refused(zone: Zone) -> None:
    rule = {"from": "k", "sign": {"from": "S/H", "negative": "H", "positive": "S"}}
    columns = BALANCE | {"balance_date": "d", "amount": rule}
    zone.map("rates", {"feed": FEED, "columns": columns})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    zone.deliver(FEED, "r.csv", csv("c,d,k", "USD,2026-03-02,1"))
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert "lacks the required column S/H" in (receipt.message or "")


def test_two_columns_of_which_one_is_filled_give_one_amount(zone: Zone, amounts: Amounts) -> None:
    rule = {"expression": "one_sided(H, S)"}
    records = ["5.00;", ";7.00", "5.00;0.00", "0;7.00", "0.00;0.00", "5.00;7.00", ";", "-5.00;"]
    assert amounts(rule, "H;S", *records) == [Decimal(n) for n in (5, -7, 5, -7, 0, -5)]
    assert zone.refused("row_no, rule, message") == [
        (6, "type", "amount 'no amount of one side: 5.00 and 7.00' is no decimal(18,2)."),
        (7, "required", "amount is missing; the contract requires it."),
    ]


def test_a_number_that_a_spreadsheet_cut_names_nothing(zone: Zone) -> None:
    """A table that went through a spreadsheet has account and document numbers of which the last digits are lost."""
    zone.map("rates", {"feed": FEED, "delimiter": ";", "columns": BALANCE | {"balance_date": "b", "amount": "k"}})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    accounts = ("6.22202E+15", "6,2E+15", "1E+13", "E+E", "1.5E+x", "62220212345678901")
    zone.deliver(FEED, "r.csv", csv("c;b;k", *(f"{account};2026-03-02;1" for account in accounts)))
    zone.ingest(FEED)
    assert zone.refused("row_no, rule") == [(1, "cut_number"), (2, "cut_number"), (3, "cut_number")]
    assert zone.rows(RAW, "account_no") == [("E+E",), ("1.5E+x",), ("62220212345678901",)]


def test_tabs_and_wide_blanks_fill_a_field_up_as_blanks_do(zone: Zone, amounts: Amounts) -> None:
    rule = {"expression": "one_sided(H, S)"}
    assert amounts(rule, "H;S", "5.00  \t; \t", "\u3000;\u00a07.00\t") == [5, -7]
    assert zone.refused("row_no") == []


def test_an_expression_trims_what_a_column_does(zone: Zone) -> None:
    account = {"expression": "concat(trim(c), '|', ltrim(c), '|', rtrim(c), '|', trim(c, 'A'))"}
    zone.map("rates", {"feed": FEED, "columns": BALANCE | {"account_no": account, "balance_date": "b", "amount": "k"}})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    zone.deliver(FEED, "r.csv", csv("c,b,k", "\tA\u3000,2026-03-02,1"))
    zone.ingest(FEED)
    assert zone.rows(RAW, "account_no") == [("A|A\u3000|\tA|\tA\u3000",)]


def test_text_made_of_what_cannot_be_read_is_refused(zone: Zone) -> None:
    account = {"expression": "concat(c, '-', as_date(d, 'D.M.YYYY'))"}
    zone.map("rates", {"feed": FEED, "columns": BALANCE | {"account_no": account, "balance_date": "b", "amount": "k"}})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    zone.deliver(FEED, "r.csv", csv("c,d,b,k", "A,1.3.2026,2026-03-02,1", "A,31.2.2026,2026-03-02,1"))
    zone.ingest(FEED)
    assert zone.rows(RAW, "account_no") == [("A-2026-03-01",)]
    # the value is a personal one, which no sentence repeats
    assert zone.refused("rule, message") == [("type", "account_no cannot be told: '***'.")]


def test_marks_differ_by_column(amounts: Amounts) -> None:
    own = {"from": "k", "decimal_mark": ",", "thousands_sign": "."}
    assert amounts(own, "k", "1.234,5", "1,234.5") == [Decimal("1234.5")]


def test_marks_differ_inside_an_expression(zone: Zone, amounts: Amounts) -> None:
    rule = {"expression": "as_number(k, ',', '.') + as_number(p)"}
    assert amounts(rule, "k;p", "1.234,5;1.5", "1,234.5;1.5") == [Decimal(1236)]


def test_percent_becomes_a_ratio(amounts: Amounts) -> None:
    assert amounts({"from": "k", "unit": "%", "factor": "0.01"}, "k", "12%", "13", "12.5%") == [
        Decimal("0.12"),
        Decimal("0.13"),
    ]


def test_an_amount_in_ten_thousands(amounts: Amounts) -> None:
    assert amounts({"from": "k", "unit": "万元", "factor": 10000}, "k", "12.5万元", "3 万元") == [125_000, 30_000]


def test_parts_of_a_date_are_put_together(zone: Zone) -> None:
    date_of_parts = {"expression": "y || '-' || m || '-01'", "format": "YYYY-M-D"}
    columns = BALANCE | {"balance_date": date_of_parts, "amount": "k"}
    zone.map("rates", {"feed": FEED, "columns": columns})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")
    zone.deliver(FEED, "r.csv", csv("c,y,m,k", "USD,2026,3,1.5", "USD,2026,13,1.5"))
    zone.ingest(FEED)
    assert zone.rows(RAW, "balance_date") == [(date(2026, 3, 1),)]
    assert zone.refused() == [(2, "type")]


ACCOUNT = "bank.account"


@pytest.mark.parametrize(
    ("number", "scheme", "loaded"),
    [
        ("compact_no(n)", {"expression": "scheme_of(compact_no(n))"}, ["CN-USCC", "LOCAL", "LOCAL"]),
        (
            "compact_no(n)",
            {"from": "s", "codes": {"01": "CN-USCC", "02": "VAT", "09": "LOCAL"}},
            ["CN-USCC", "VAT", "LOCAL"],
        ),
        ("n", {"from": "s", "codes": {"01": "CN-USCC", "02": "VAT", "09": "LOCAL"}}, ["CN-USCC", "LOCAL"]),
    ],
)
def test_the_scheme_of_a_number_is_inferred_or_read_from_a_code(
    zone: Zone, number: str, scheme: object, loaded: list[str]
) -> None:
    columns = {
        "account_no": "a",
        "bank_code": {"constant": "X"},
        "holder_no": {"expression": number},
        "holder_no_scheme": scheme,
        "holder_name": {"constant": "Holder"},
        "account_type": {"constant": "OTHER"},
        "currency": {"constant": "EUR"},
        "status": {"constant": "ACTIVE"},
        "updated_date": {"constant": "2026-03-02"},
    }
    zone.map("accounts", {"feed": ACCOUNT, "columns": columns, "ignored": ["*"]})
    zone.deliver(ACCOUNT, "_delivery.yaml", "mapping: accounts")
    zone.deliver(ACCOUNT, "a.csv", csv("a,n,s", "1,91110000600037341L,01", "2,DE 136.695.976,02", "3,K-17,09"))
    (receipt,) = zone.ingest(ACCOUNT)
    assert [row[0] for row in zone.rows("raw/bank/account", "holder_no_scheme")] == loaded, receipt.message


def joined(zone: Zone, **changes: object) -> None:
    columns = BALANCE | {
        "balance_date": {"from": "days.d", "format": "D.M.YYYY"},
        "amount": {"from": "k", "sign": {"from": "days.side", "negative": "H", "positive": "S"}},
    }
    table = {"files": "days*", "match": "no = days.no"}
    zone.map("rates", {"feed": FEED, "files": "rates*", "columns": columns, "tables": {"days": table | changes}})
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")


RATE_LINES = csv("no,c,k", "1,USD,1.5", "2,GBP,2.5", "3,CHF,3.5")
DAY_LINES = csv("no,d,side", "1,1.3.2026,S", "2,2.3.2026,H")


@pytest.mark.parametrize("order", [("rates.csv", "days.csv"), ("days.csv", "rates.csv")])
def test_the_order_in_which_joined_tables_arrive_does_not_matter(zone: Zone, order: tuple[str, str]) -> None:
    joined(zone)
    for name in order:
        zone.deliver(FEED, name, RATE_LINES if name == "rates.csv" else DAY_LINES)
    receipts = {receipt.file: receipt for receipt in zone.ingest(FEED)}
    assert receipts["days.csv"].status == "JOINED"
    assert counts(receipts["rates.csv"]) == {"delivered": 3, "loaded": 2, "quarantined": 1, "duplicate": 0}
    assert zone.rows(RAW, "amount, balance_date") == [
        (Decimal("1.5"), date(2026, 3, 1)),
        (Decimal("-2.5"), date(2026, 3, 2)),
    ]
    assert zone.refused("row_no, column_name, rule") == [(3, "balance_date", "required")]


def test_a_file_without_its_table_is_refused_and_loads_when_both_are_delivered(zone: Zone) -> None:
    joined(zone)
    zone.deliver(FEED, "rates.csv", RATE_LINES)
    (receipt,) = zone.ingest(FEED)
    assert receipt.status == "REFUSED"
    assert receipt.message == "It is joined with days*, which is not in its folder; deliver both together."
    later = DAY.replace(day=3)
    for name, content in (("_delivery.yaml", "mapping: rates"), ("rates.csv", RATE_LINES), ("days.csv", DAY_LINES)):
        zone.deliver(FEED, name, content, later)
    assert [r.loaded_rows for r in zone.ingest(FEED, as_of=later) if r.file == "rates.csv"] == [2]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (csv("no,d,side", "1,1.3.2026,S", "1,2.3.2026,S"), "days.csv has different rows of the key 1"),
        (csv("no,d", "1,1.3.2026"), "days.csv lacks days.side"),
        ("no,d,side\n1,1.3.2026,S,more\n", "days.csv, which is joined to it, is broken in line 2"),
    ],
)
def test_a_joined_table_must_be_whole_and_its_key_unique(zone: Zone, table: str, says: str) -> None:
    joined(zone)
    zone.deliver(FEED, "rates.csv", RATE_LINES)
    zone.deliver(FEED, "days.csv", table)
    (refused,) = [receipt for receipt in zone.ingest(FEED) if receipt.file == "rates.csv"]
    assert refused.status == "REFUSED"
    assert says in (refused.message or "")


def test_a_row_delivered_twice_in_a_joined_table_is_one(zone: Zone) -> None:
    joined(zone)
    zone.deliver(FEED, "rates.csv", RATE_LINES)
    zone.deliver(FEED, "days.csv", DAY_LINES + "2,2.3.2026,H\n")
    assert [r.loaded_rows for r in zone.ingest(FEED) if r.file == "rates.csv"] == [2]
