"""Restatements: a file that lies under the name of one taken in before, with other bytes."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.receipt import RECEIPT_SCHEMA, Receipt, read_receipts
from tests.sources.landing_zone import CLOCK, DAY, RATE_HEADER, Zone, counts, csv, new_zone

FEED = "external.fx_rate"
RAW = "raw/external/fx_rate"
NEXT = DAY + timedelta(1)


def rate(currency: str, value: str = "7.1") -> str:
    return f"{currency},CNY,2026-03-01,{value}"


def latest(zone: Zone) -> dict[object, object]:
    """What a night after everything takes for true: the latest version of each key, without withdrawn ones."""
    order = "known_date, batch_date, file_id, row_no"
    versions = zone.rows(RAW, "base_currency, rate::varchar, row_no", order)
    standing = {currency: (value, row_no) for currency, value, row_no in versions}
    return {currency: value for currency, (value, row_no) in standing.items() if row_no > 0}  # type: ignore[operator]


def deliver(zone: Zone, *rows: str, day: date = DAY, night: date = DAY, last_night: date | None = None) -> Receipt:
    zone.deliver(FEED, "r.csv", csv(RATE_HEADER, *rows), day)
    clock = CLOCK + timedelta(hours=len(read_receipts(zone.lake, FEED)))
    (receipt,) = zone.ingest(FEED, night, last_night, clock=clock)
    return receipt


@pytest.mark.parametrize("last_night", [None, DAY])
def test_a_changed_file_restates_the_one_before_it(zone: Zone, last_night: date | None) -> None:
    first = deliver(zone, rate("USD"), rate("EUR"), rate("GBP"))
    second = deliver(zone, rate("USD", "7.2"), rate("EUR"), rate("CHF"), night=NEXT, last_night=last_night)
    assert (second.restates_file_id, second.absent_rows, second.withdrawn_rows) == (first.file_id, 1, 1)
    assert counts(second) == {"delivered": 3, "loaded": 2, "quarantined": 0, "duplicate": 1}
    assert second.message == (
        "It restates the file of its name taken in on 2026-03-03 and lacks 1 row of that one: withdrawn."
    )
    assert latest(zone) == {"USD": "7.200000", "EUR": "7.100000", "CHF": "7.100000"}


def test_a_withdrawal_is_known_from_the_restating_night_only(zone: Zone) -> None:
    deliver(zone, rate("USD"), rate("EUR"))
    deliver(zone, rate("USD"), night=NEXT, last_night=DAY)
    assert zone.rows(RAW, "base_currency, known_date, sign(row_no)", "batch_date, row_no") == [
        ("USD", DAY, 1),
        ("EUR", DAY, 1),
        ("EUR", NEXT, -1),
    ]


def test_a_file_changed_back_is_restated_again(zone: Zone) -> None:
    original = (rate("USD"), rate("EUR"))
    receipts = [deliver(zone, *original), deliver(zone, rate("USD", "7.2")), deliver(zone, *original)]
    assert [r.restates_file_id for r in receipts] == [None, receipts[0].file_id, receipts[1].file_id]
    assert [r.loaded_rows for r in receipts] == [2, 1, 2]
    assert latest(zone) == {"USD": "7.100000", "EUR": "7.100000"}
    assert zone.ingest(FEED) == []


def test_ids_of_restating_files_sort_after_what_they_restate(zone: Zone) -> None:
    ids = [deliver(zone, rate("USD", f"7.{number}")).file_id for number in range(1, 13)]
    assert ids == sorted(ids)
    assert latest(zone) == {"USD": "7.120000"}


def test_a_row_of_another_file_is_not_withdrawn(zone: Zone) -> None:
    deliver(zone, rate("USD"), rate("EUR"))
    zone.deliver(FEED, "s.csv", csv(RATE_HEADER, rate("EUR", "8.1")), NEXT)
    zone.ingest(FEED, NEXT, DAY)
    restating = deliver(zone, rate("USD"), night=NEXT + timedelta(1), last_night=NEXT)
    assert (restating.absent_rows, restating.withdrawn_rows) == (0, 0)
    assert latest(zone)["EUR"] == "8.100000"


def test_a_row_that_comes_again_after_its_withdrawal_is_a_version(zone: Zone) -> None:
    deliver(zone, rate("USD"), rate("EUR"))
    deliver(zone, rate("USD"))
    zone.deliver(FEED, "s.csv", csv(RATE_HEADER, rate("EUR")), NEXT)
    (again,) = zone.ingest(FEED, NEXT, DAY)
    assert (again.loaded_rows, again.duplicate_rows) == (1, 0)
    assert latest(zone) == {"USD": "7.100000", "EUR": "7.100000"}


def test_the_same_bytes_under_another_name_after_a_restatement_are_versions(zone: Zone) -> None:
    deliver(zone, rate("USD"))
    deliver(zone, rate("USD", "7.2"))
    zone.deliver(FEED, "s.csv", csv(RATE_HEADER, rate("USD")), NEXT)
    (again,) = zone.ingest(FEED, NEXT, DAY)
    assert (again.status, again.loaded_rows) == ("LOADED", 1)


def test_a_file_replaced_by_the_bytes_of_another_is_restated_not_repeated(zone: Zone) -> None:
    zone.deliver(FEED, "a.csv", csv(RATE_HEADER, rate("USD")), DAY - timedelta(1))
    zone.ingest(FEED, DAY - timedelta(1))
    deliver(zone, rate("USD", "7.2"), rate("EUR"), last_night=DAY - timedelta(1))
    receipt = deliver(zone, rate("USD"), night=NEXT, last_night=DAY)
    assert (receipt.status, receipt.loaded_rows, receipt.withdrawn_rows) == ("LOADED", 1, 1)
    assert latest(zone) == {"USD": "7.100000"}


def test_rows_that_only_repeated_others_are_not_withdrawn(zone: Zone) -> None:
    zone.deliver(FEED, "a.csv", csv(RATE_HEADER, rate("EUR")), DAY - timedelta(1))
    zone.ingest(FEED, DAY - timedelta(1))
    first = deliver(zone, rate("USD"), rate("EUR"), last_night=DAY - timedelta(1))
    second = deliver(zone, rate("USD"), night=NEXT, last_night=DAY)
    assert (first.duplicate_rows, second.absent_rows) == (1, 0)
    assert latest(zone) == {"USD": "7.100000", "EUR": "7.100000"}


@pytest.mark.parametrize(
    ("rows", "delivery_file", "reason"),
    [
        ((rate("USD"),), "restatement: partial\n", "changes alone"),
        ((rate("USD"), "cut off in the mid"), "", "could not be read"),
        ((rate("USD"), ",CNY,2026-03-01,7"), "", "could not be read"),
        ((), "", "empty"),
    ],
)
def test_absent_rows_stand_where_their_absence_is_not_certain(
    zone: Zone, rows: tuple[str, ...], delivery_file: str, reason: str
) -> None:
    deliver(zone, rate("USD"), rate("EUR"))
    zone.deliver(FEED, "_delivery.yaml", delivery_file or "history: false\n")
    receipt = deliver(zone, *rows)
    assert (receipt.absent_rows, receipt.withdrawn_rows) == (1 + (not rows), 0)
    assert "of that one: left standing" in (receipt.message or "")
    assert reason in (receipt.message or "")
    assert latest(zone).keys() == {"USD", "EUR"}


def test_a_row_whose_correction_is_refused_is_not_absent(zone: Zone) -> None:
    deliver(zone, rate("USD"), rate("EUR"))
    receipt = deliver(zone, rate("USD"), rate("EUR", "-1"))
    assert (receipt.quarantined_rows, receipt.absent_rows) == (1, 0)


def test_rows_stand_when_a_later_file_may_have_repeated_them(zone: Zone) -> None:
    deliver(zone, rate("USD"), rate("EUR"))
    zone.deliver(FEED, "s.csv", csv(RATE_HEADER, rate("EUR")), NEXT)
    zone.ingest(FEED, NEXT, DAY, clock=CLOCK + timedelta(hours=1))
    receipt = deliver(zone, rate("USD"), night=NEXT, last_night=DAY)
    assert (receipt.absent_rows, receipt.withdrawn_rows) == (1, 0)
    assert "2026-03-03/s.csv" in (receipt.message or "")


def test_an_empty_file_with_its_control_withdraws_all(zone: Zone) -> None:
    deliver(zone, rate("USD"), rate("EUR"))
    zone.deliver(FEED, "r.csv.ctl", "rows=0")
    receipt = deliver(zone)
    assert (receipt.delivered_rows, receipt.withdrawn_rows) == (0, 2)
    assert latest(zone) == {}


def test_a_refused_restatement_leaves_what_was_loaded(zone: Zone) -> None:
    first = deliver(zone, rate("USD"), rate("EUR"))
    zone.deliver(FEED, "r.csv.ctl", "rows=9")
    refused = deliver(zone, rate("USD"))
    assert refused.status == "REFUSED"
    assert latest(zone).keys() == {"USD", "EUR"}
    zone.deliver(FEED, "r.csv.ctl", "rows=1")
    (mended,) = zone.ingest(FEED, clock=CLOCK + timedelta(hours=2))
    assert (refused.restates_file_id, mended.restates_file_id) == (first.file_id, refused.file_id)
    assert mended.withdrawn_rows == 1
    assert latest(zone).keys() == {"USD"}


def test_history_withdraws_from_the_day_on_which_it_was_known(zone: Zone) -> None:
    zone.deliver(FEED, "_delivery.yaml", "history: true\n")
    deliver(zone, "USD,CNY,2026-01-10,7", "EUR,CNY,2026-01-10,8")
    receipt = deliver(zone, "USD,CNY,2026-01-10,7", night=NEXT, last_night=DAY)
    assert receipt.min_known_date == date(2026, 1, 11)
    assert zone.rows(RAW, "known_date, batch_date", "row_no")[0] == (date(2026, 1, 11), NEXT)


def test_a_crash_before_the_receipt_of_a_restatement_is_repaired(zone: Zone) -> None:
    deliver(zone, rate("USD"), rate("EUR"))
    receipt = deliver(zone, rate("USD", "7.2"))
    before = zone.rows(RAW)
    (zone.lake.dataset("receipts") / f"batch_date={DAY}" / f"{FEED}.{receipt.file_id}.parquet").unlink()
    (again,) = zone.ingest(FEED, clock=CLOCK + timedelta(hours=1))
    assert again == receipt
    assert zone.rows(RAW) == before


def test_a_file_taken_from_landing_after_it_was_loaded_keeps_its_receipt_and_rows(zone: Zone) -> None:
    receipt = deliver(zone, rate("USD"))
    (zone.landing / "external" / "fx_rate" / DAY.isoformat() / "r.csv").unlink()
    assert zone.ingest(FEED, NEXT, DAY) == []
    assert read_receipts(zone.lake, FEED) == [receipt]
    assert latest(zone) == {"USD": "7.100000"}


def test_receipts_of_an_earlier_release_are_read_and_restated(zone: Zone) -> None:
    first = deliver(zone, rate("USD"), rate("EUR"))
    path = zone.lake.dataset("receipts") / f"batch_date={DAY}" / f"{FEED}.{first.file_id}.parquet"
    added = ["restates_file_id", "absent_rows", "withdrawn_rows", "controls", "control_sha256"]
    old = pq.read_table(path, partitioning=None).drop_columns(added)
    assert set(old.column_names) | set(added) == set(RECEIPT_SCHEMA.names)
    pq.write_table(old, path)
    assert zone.ingest(FEED) == []
    assert read_receipts(zone.lake, FEED) == [first]
    assert deliver(zone, rate("USD")).withdrawn_rows == 1


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from("123"), min_size=1), max_size=5))
def test_after_any_number_of_restatements_the_last_file_is_the_truth(
    tmp_path_factory: pytest.TempPathFactory, files: list[dict[str, str]]
) -> None:
    zone = new_zone(tmp_path_factory.mktemp("zone"))
    last = DAY
    for number, rows in enumerate(files):
        zone.deliver(FEED, "r.csv", csv(RATE_HEADER, *(rate(f"X{key}X", value) for key, value in rows.items())))
        nights = DAY + timedelta(number // 2), last
        zone.ingest(FEED, *nights, clock=CLOCK + timedelta(hours=number))
        truth = {f"X{key}X": f"{value}.000000" for key, value in rows.items()}
        assert latest(zone) == truth
