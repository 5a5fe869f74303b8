"""Hold the marts of random lives of certificates against the reference model, to the cent and on every day.

    .venv/bin/python -m tests.dbt.random_streams                    # 1,000 streams
    .venv/bin/python -m tests.dbt.random_streams --streams 20000 --start 5

Streams with splits, partial financings, disputes, extensions and reversals, late and restated, are built some at a time
by the compiled SQL of the models: at once, and night by night. Every position, state, exposure, ageing, limit and tier
of every day on which something was delivered must be the reference's; the invariants must hold on the last night; and
the nights must end where the build at once does. Hypothesis makes an example that fails as small as it can.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from tests.dbt.compiled_models import ARITHMETIC, DELIVERED, CompiledChain, compiled_chain
from tests.dbt.event_streams import make_stream
from tests.dbt.stream_delivery import Recipe, Version, rows_of
from tests.dbt.stream_reference import Knowledge

STREAMS_AT_A_TIME = 20
# the invariants of what was delivered leave so many nights for files that are out of step
GRACE = timedelta(days=3)
# model, its columns in the order of the reference (keys first), how it is cut into days
MARTS = {
    "certificate_position": (
        ("root_certificate_id", "holder_id"),
        ("received", "available", "frozen", "financed", "passed_on", "redeemed", "written_off", "cancelled"),
    ),
    "certificate_state": (("certificate_id",), ("state", "due_date")),
    "ageing_daily": (
        ("core_enterprise_id", "supplier_id", "currency"),
        (
            "open",
            "not_due",
            "overdue_1_30",
            "overdue_31_60",
            "overdue_61_90",
            "overdue_91_120",
            "overdue_over_120",
        ),
    ),
    "tier_penetration_daily": (
        ("core_enterprise_id", "supplier_id", "tier", "currency"),
        ("held", "available", "frozen", "financed", "overdue", "defaulted"),
    ),
    "exposure_daily": (
        ("core_enterprise_id", "supplier_id", "funder_id", "currency"),
        ("outstanding", "overdue", "recourse_outstanding", "max_days_past_due"),
    ),
    "limit_daily": (("facility_id",), ("limit", "utilised", "blocked", "free")),
}
NO_AMOUNT = {"state", "due_date", "max_days_past_due"}

recipes = st.builds(
    Recipe,
    seed=st.integers(0, 2**32 - 1),
    acts=st.integers(1, 24),
    is_late=st.booleans(),
    is_restated=st.booleans(),
    is_reversed=st.booleans(),
)
batches = st.lists(recipes, min_size=1, max_size=STREAMS_AT_A_TIME)
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def check(compiled: CompiledChain, batch: Sequence[Recipe], nights: int = 0) -> None:
    """AssertionError says where the marts of a batch of streams differ from the reference.

    Args:
        nights: besides the build at once, build in so many nights and compare all tables.
    """
    streams = {f"T{number}": make_stream(recipe, f"T{number}") for number, recipe in enumerate(batch)}
    versions = [version for stream in streams.values() for version in stream]
    days = sorted({version.known_date for version in versions})
    last = days[-1] + GRACE
    chain = compiled.open()
    chain.deliver(rows_of(versions))
    chain.take_snapshots_on([*days, last])
    chain.build(last)
    failures = chain.failures([*ARITHMETIC, *DELIVERED], last)
    assert not failures, failures
    actual = {mart: _by_day(mart, chain.query(_cut(mart, chain.relation(mart), [*days, last]))) for mart in MARTS}
    for name, stream in streams.items():
        for day in sorted({*(version.known_date for version in stream), last}):
            knowledge = Knowledge(stream, day)
            for mart in MARTS:
                found = {k: v for k, v in actual[mart].get(day, {}).items() if k[0].split("-")[0] == name}
                expected = getattr(knowledge, mart)()
                assert found == expected, f"{mart} of {name} on {day}: {_difference(found, expected)}"
    if nights:
        unlike = _unlike(chain.tables(), _night_by_night(compiled, versions, [*days, last], nights))
        assert not unlike, unlike
    chain.close()


def _night_by_night(
    compiled: CompiledChain, versions: Sequence[Version], days: Sequence[date], nights: int
) -> dict[str, list[tuple[Any, ...]]]:
    """Tables after nights of about the same number of days, each of which knew what had been delivered by then."""
    rows = rows_of(versions)
    chain, since = compiled.open(), None
    chain.take_snapshots_on(days)
    step = max(len(days) // nights, 1)
    for night in sorted({*days[step - 1 :: step], days[-1]}):
        fresh = {
            feed: [
                row for row in delivered if row["batch_date"] <= night and (since is None or row["batch_date"] > since)
            ]
            for feed, delivered in rows.items()
        }
        chain.deliver(fresh)
        chain.build(night, since)
        since = night
    tables = chain.tables()
    chain.close()
    return tables


def _unlike(first: dict[str, list[tuple[Any, ...]]], second: dict[str, list[tuple[Any, ...]]]) -> list[str]:
    return [f"{name}: {set(first[name]) ^ set(second[name])}" for name in first if first[name] != second[name]]


def _cut(mart: str, relation: str, days: Sequence[date]) -> str:
    """Query for a mart's rows on days: intervals are held against each."""
    keys, values = MARTS[mart]
    columns = ", ".join([*keys, *(value if value in NO_AMOUNT else f"{value}_amount" for value in values)])
    if mart.endswith("_daily"):
        return f"select as_of_date, {columns} from {relation}"
    dates = ", ".join(f"(date '{day}')" for day in days)
    return (
        f"select day, {columns} from {relation} inner join (values {dates}) as days (day) "
        "on day >= valid_from and (valid_to is null or day < valid_to)"
    )


def _by_day(mart: str, rows: Sequence[tuple[Any, ...]]) -> dict[date, Rows]:
    """Rows by day and key, amounts in cents; positions of nothing are left out, as the reference has none."""
    keys = len(MARTS[mart][0])
    found: dict[date, Rows] = {}
    for day, *cells in rows:
        values = tuple(int(cell * 100) if isinstance(cell, Decimal) else cell for cell in cells[keys:])
        if mart != "certificate_position" or any(values):
            assert tuple(cells[:keys]) not in found.setdefault(day, {}), f"{mart} has {cells[:keys]} twice on {day}"
            found[day][tuple(cells[:keys])] = values
    return found


def _difference(found: Rows, expected: Rows) -> str:
    return "; ".join(
        f"{key} is {found.get(key)} and should be {expected.get(key)}"
        for key in sorted({*found, *expected})
        if found.get(key) != expected.get(key)
    )


def run(compiled: CompiledChain, streams: int, start: int, nights: int) -> None:
    """Check random streams, counted one by one; hypothesis chooses them by the number ``start``."""
    seen = 0

    @seed(start)
    @settings(
        max_examples=10 * streams,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(st.lists(recipes, min_size=STREAMS_AT_A_TIME, max_size=STREAMS_AT_A_TIME))
    def some(batch: list[Recipe]) -> None:
        nonlocal seen
        if seen < streams:
            check(compiled, batch, nights)
            seen += len(batch)

    some()


def main() -> int:
    from pipelines.lake_datasets import prepare_lake
    from pipelines.settings import Settings
    from sources.lake import Lake

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--start", type=int, default=0, help="number that chooses the streams")
    parser.add_argument(
        "--nights", type=int, default=6, help="nights of the build that is held against the one at once"
    )
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        home = Settings(home=Path(folder) / "home")
        home.prepare()
        prepare_lake(Lake(home.lake))
        compiled = compiled_chain(home, Path(folder))
        started = time.perf_counter()
        run(compiled, arguments.streams, arguments.start, arguments.nights)
        print(f"{arguments.streams} streams agree to the cent: {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
