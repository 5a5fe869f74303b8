"""What mappings derive before the contract: signs behind numbers, forms of dates, joined tables, absent columns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sources.mapping_files import load_mapping
from sources.yaml_model import MappingError
from tests.sources.landing_zone import Zone, counts, csv

FEED = "external.fx_rate"
RAW = "raw/external/fx_rate"
RATES: dict[str, Any] = {
    "feed": FEED,
    "files": "rates*",
    "decimal_mark": ",",
    "thousands_sign": ".",
    "delimiter": ";",
    "columns": {
        "base_currency": "of",
        "quote_currency": {"constant": "EUR"},
        "rate_date": {"expression": "as_date(day)"},
        "rate": {"expression": "as_number(rate) * -1"},
    },
    "ignored": ["*"],
}
JOINED = {
    "files": "days*",
    "match": "trim(no) = trim(days.no)",
}

Write = Callable[..., None]


@pytest.fixture
def write(zone: Zone) -> Write:
    """Write RATES with changes as the mapping ``rates``, by which the files of the zone are read."""
    zone.deliver(FEED, "_delivery.yaml", "mapping: rates")

    def written(**changes: object) -> None:
        zone.map("rates", RATES | changes)
        load_mapping("rates", zone.mapping_folders)

    return written


def test_a_sign_may_stand_behind_a_number_where_the_mapping_says_so(zone: Zone, write: Write) -> None:
    write(sign="trailing")
    numbers = ["60.000,00-", "  1,5- ", "-2", "-3-", "4--", "1,5", "5-,0"]
    zone.deliver(
        FEED,
        "rates.csv",
        csv("of;day;rate", *(f"A{c}A;2026-03-01;{n}" for c, n in zip("BCDEFGH", numbers, strict=True))),
    )
    (receipt,) = zone.ingest(FEED)
    assert zone.rows(RAW, "rate") == [(Decimal(60_000),), (Decimal("1.5"),), (Decimal(2),)]
    assert counts(receipt)["quarantined"] == 4
    assert zone.refused() == [(4, "type"), (5, "type"), (6, "minimum"), (7, "type")]


def test_a_plain_column_takes_a_sign_behind_it_too(zone: Zone, write: Write) -> None:
    columns = RATES["columns"] | {"rate": {"from": "rate", "factor": "-0.5"}}
    write(sign="trailing", columns=columns)
    zone.deliver(FEED, "rates.csv", csv("of;day;rate", "USD;2026-03-01;1.234,5-", "CHF;2026-03-01;5-0"))
    zone.ingest(FEED)
    assert zone.rows(RAW, "rate") == [(Decimal("617.25"),)]
    assert zone.refused() == [(2, "type")]


def test_without_the_key_a_sign_behind_a_number_is_no_number(zone: Zone, write: Write) -> None:
    write()
    zone.deliver(FEED, "rates.csv", csv("of;day;rate", "USD;2026-03-01;1,5-"))
    zone.ingest(FEED)
    assert zone.refused() == [(1, "type")]


def test_dates_are_of_the_first_format_that_fits(zone: Zone, write: Write) -> None:
    write(dates=["M/D/YYYY", "M/D/YY", "DD.MM.YYYY", "YYYYMMDD"])
    days = ["3/1/2026", "03/01/26", "01.03.2026", "20260301", "2026-03-01", "13/1/2026"]
    zone.deliver(
        FEED, "rates.csv", csv("of;day;rate", *(f"A{c}A;{day};-1" for c, day in zip("BCDEFG", days, strict=True)))
    )
    zone.ingest(FEED)
    assert zone.rows(RAW, "rate_date") == [(date(2026, 3, 1),)] * 4
    assert zone.refused("row_no, column_name") == [(5, "rate_date"), (6, "rate_date")]


def test_an_optional_column_is_missing_where_the_file_has_none(zone: Zone, write: Write) -> None:
    rate = {"expression": "coalesce(as_number(better), as_number(rate))"}
    write(optional=["better"], columns=RATES["columns"] | {"rate": rate}, where="coalesce(better, '') <> 'none'")
    zone.deliver(FEED, "rates1.csv", csv("of;day;rate", "USD;2026-03-01;1"))
    zone.deliver(FEED, "rates2.csv", csv("of;day;rate;better", "CHF;2026-03-01;1;2", "GBP;2026-03-01;1;none"))
    messages = {receipt.file: receipt.message for receipt in zone.ingest(FEED)}
    assert zone.rows(RAW, "base_currency, rate", "base_currency") == [("CHF", Decimal(2)), ("USD", Decimal(1))]
    assert messages["rates1.csv"] == "Did not find the optional better."
    assert "1 records were left out" in (messages["rates2.csv"] or "")


def test_a_condition_limits_the_rows_of_a_joined_table(zone: Zone, write: Write) -> None:
    columns = RATES["columns"] | {"rate_date": {"expression": "as_date(days.day)"}}
    table = JOINED | {"where": "days.kind = 'real'"}
    write(tables={"days": table}, columns=columns)
    zone.deliver(FEED, "rates.csv", csv("of;no;rate", "USD;1;-1", "CHF;2;-1"))
    days = ["1;2026-03-01;real", "1;2026-03-02;false", "2;2026-03-02;false", ";2026-03-03;real", ";2026-03-04;real"]
    zone.deliver(FEED, "days.csv", csv("no;day;kind", *days))
    zone.ingest(FEED)
    assert zone.rows(RAW, "base_currency, rate_date") == [("USD", date(2026, 3, 1))]
    assert zone.refused() == [(2, "required")]


def test_two_rows_of_one_key_refuse_the_file(zone: Zone, write: Write) -> None:
    write(tables={"days": JOINED}, columns=RATES["columns"] | {"rate_date": {"expression": "as_date(days.day)"}})
    zone.deliver(FEED, "rates.csv", csv("of;no;rate", "USD;1;-1"))
    zone.deliver(FEED, "days.csv", csv("no;day", "1;2026-03-01", "1;2026-03-02"))
    messages = {receipt.file: receipt.message for receipt in zone.ingest(FEED)}
    assert "different rows of the key 1" in (messages["rates.csv"] or "")


def test_an_optional_table_may_be_absent_and_another_not(zone: Zone, write: Write) -> None:
    columns = RATES["columns"] | {"rate_date": {"expression": "coalesce(as_date(days.day), as_date(day))"}}
    zone.deliver(FEED, "rates.csv", csv("of;no;day;rate", "USD;1;2026-03-05;-1"))
    write(tables={"days": JOINED}, columns=columns)
    (refused,) = zone.ingest(FEED)
    assert refused.status == "REFUSED"
    assert "days*" in (refused.message or "")
    write(tables={"days": JOINED | {"optional": True}}, columns=columns)
    zone.deliver(FEED, "rates2.csv", csv("of;no;day;rate", "USD;1;2026-03-06;-1"))
    (receipt,) = zone.ingest(FEED)
    assert receipt.message == "It was not joined with days*, which is not in its folder."
    assert zone.rows(RAW, "rate_date") == [(date(2026, 3, 6),)]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"optional": ["bettre"]}, "bettre"),
        ({"tables": {"days": JOINED | {"where": "no = '1'"}}}, "no column of days"),
        ({"tables": {"days": JOINED | {"where": "as_number(days.no) = 1"}}}, "as_number and as_date can fail"),
        ({"sign": "behind"}, "sign"),
    ],
)
def test_what_does_not_fit_is_named(write: Write, changes: dict[str, object], named: str) -> None:
    with pytest.raises(MappingError, match=named):
        write(**changes)
