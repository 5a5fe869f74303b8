"""What a feed promises: by which date its newest delivery is due, on the calendar of its deliverer."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sources.contract import CONTRACT_FOLDER, ContractError, load_contracts, read_contract
from sources.promise import DeliveryPromise, ServiceLevel, delivery_promise

DAILY = DeliveryPromise(1)
WORKING_DAYS = DeliveryPromise(1, weekdays=frozenset(range(5)))
THURSDAY = date(2026, 3, 5)


@pytest.mark.parametrize(
    ("promise", "as_of", "due"),
    [
        (DAILY, THURSDAY, THURSDAY),
        (DeliveryPromise(1, latency_days=2), THURSDAY, date(2026, 3, 3)),
        (WORKING_DAYS, date(2026, 3, 7), date(2026, 3, 6)),
        (WORKING_DAYS, date(2026, 3, 8), date(2026, 3, 6)),
        (WORKING_DAYS, date(2026, 3, 9), date(2026, 3, 9)),
        (DeliveryPromise(1, 1, frozenset(range(5))), date(2026, 3, 9), date(2026, 3, 6)),
        (DeliveryPromise(31), date(2026, 3, 31), date(2026, 3, 1)),
        (DeliveryPromise(31, latency_days=7), date(2026, 3, 31), date(2026, 2, 22)),
    ],
)
def test_the_newest_delivery_is_due_by_the_deliverer_s_calendar(
    promise: DeliveryPromise, as_of: date, due: date
) -> None:
    assert promise.newest_due(as_of) == due


@given(
    frequency=st.integers(1, 100),
    latency=st.integers(0, 30),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    late=st.integers(0, 40),
    on=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)
def test_a_promise_kept_is_never_late_and_one_broken_is(
    frequency: int, latency: int, weekdays: frozenset[int], late: int, on: date
) -> None:
    """The next delivery comes on the first working day after the frequency has passed, ``late`` days later."""
    promise = DeliveryPromise(frequency, latency, weekdays)
    following = on + timedelta(days=frequency)
    while following.weekday() not in weekdays:
        following += timedelta(days=1)
    nights = [on + timedelta(days=n) for n in range((following - on).days + late)]
    was_late = [night for night in nights if promise.newest_due(night) > on]
    assert bool(was_late) == (late > latency)
    assert all(night - on < timedelta(days=promise.longest_silence_days) for night in nights if night not in was_late)


def level(name: str, value: str = "1", unit: str = "d", schedule: str = "") -> ServiceLevel:
    return ServiceLevel(name, value, unit, schedule)


@pytest.mark.parametrize(
    ("schedule", "weekdays"),
    [
        ("0 0 * * 1-5", {0, 1, 2, 3, 4}),
        ("30 6 * * mon-fri", {0, 1, 2, 3, 4}),
        ("0 0 * * 0", {6}),
        ("0 0 * * 7", {6}),
        ("0 0 * * 5-7", {4, 5, 6}),
        ("0 0 * * 6-0", {5, 6}),
        ("0 0 * * 1,3,FRI", {0, 2, 4}),
        ("* * * * *", set(range(7))),
    ],
)
def test_weekdays_of_a_schedule(schedule: str, weekdays: set[int]) -> None:
    promise = delivery_promise([level("frequency", schedule=schedule)])
    assert promise is not None
    assert promise.weekdays == weekdays


@pytest.mark.parametrize(
    ("levels", "named"),
    [
        ([level("frequency", "often")], "often"),
        ([level("frequency", "0")], "at least one day"),
        ([level("frequency", "1", "fortnight")], "fortnight"),
        ([level("latency")], "needs a frequency"),
        ([level("frequency", schedule="0 0 15 * *")], "weekdays alone"),
        ([level("frequency", schedule="@daily")], "five fields"),
        ([level("frequency", schedule="0 0 * * 8")], "'8'"),
    ],
)
def test_a_promise_that_cannot_be_kept_track_of_is_an_error(levels: list[ServiceLevel], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        delivery_promise(levels)


def test_without_a_frequency_nothing_is_promised() -> None:
    assert delivery_promise([level("retention", "3", "y")]) is None
    assert load_contracts()["erp.vendor"].delivery is None


def test_a_contract_s_error_names_the_key(tmp_path: Path) -> None:
    path = tmp_path / "tax" / "vat_return.yaml"
    path.parent.mkdir()
    document = yaml.safe_load((CONTRACT_FOLDER / "tax" / "vat_return.yaml").read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(document | {"slaProperties": [{"property": "frequency", "value": "daily"}]}))
    with pytest.raises(ContractError, match=r"slaProperties.*daily"):
        read_contract(path)


@pytest.mark.parametrize(
    ("promise", "words"),
    [
        (DAILY, "every day"),
        (WORKING_DAYS, "every Mon, Tue, Wed, Thu, Fri"),
        (DeliveryPromise(31, 7), "every 31 days, up to 7 days late"),
        (DeliveryPromise(7, 1, frozenset({0})), "every 7 days on Mon, up to 1 day late"),
    ],
)
def test_a_promise_in_words(promise: DeliveryPromise, words: str) -> None:
    assert str(promise) == words
