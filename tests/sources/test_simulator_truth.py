"""Distress follows from lack of cash; the fault list says exactly what was delivered."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sources.contract import Column, Contract, load_contracts
from sources.identifier import is_valid_number
from sources.simulator import Portfolio, simulate
from sources.simulator.deliver import _shape
from sources.simulator.feeds import History
from sources.simulator.oracle import count_hits, distress_probability
from sources.simulator.portfolio import play
from sources.simulator.state import NEVER
from sources.simulator.streams import Streams
from sources.simulator.truth import distress_table

START, UNTIL = date(2024, 1, 1), date(2024, 10, 20)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faulty")
    simulate(out, scale=0.05, seed=4, start=START, until=UNTIL, go_live=date(2024, 6, 1))
    return out


@pytest.fixture(scope="module")
def history() -> History:
    return play(Portfolio(0.2, 11, START, date(2025, 12, 31), date(2025, 5, 1)))


@pytest.fixture(scope="module")
def fault_rows(home: Path) -> list[dict[str, Any]]:
    return pq.read_table(home / "truth" / "faults.parquet").to_pylist()


def path_of(home: Path, fault: dict[str, Any]) -> Path:
    return home / "landing" / fault["source"] / fault["feed"] / fault["delivery_date"].isoformat() / fault["file"]


def records(path: Path, contract: Contract) -> list[str]:
    daily = "history" not in (
        (path.parent / "_delivery.yaml").read_text() if (path.parent / "_delivery.yaml").exists() else ""
    )
    return path.read_bytes().decode(_shape(contract, daily=daily).encoding).splitlines()[1:]


def is_broken(line: str, contract: Contract, daily: bool) -> bool:
    """Whether a record breaks its contract, by its text alone."""
    columns = _shape(contract, daily=daily).columns
    fields = line.split(",")
    if len(fields) != len(columns):
        return True
    for value, column in zip(fields, columns, strict=True):
        if not value:
            if column.required:
                return True
            continue
        if "O" in value and (pa.types.is_decimal(column.arrow_type) or pa.types.is_integer(column.arrow_type)):
            return True
        if pa.types.is_date(column.arrow_type) and value.replace("/2/30", "-02-30").endswith("-02-30"):
            return True
        if value == "UNKNOWN":
            return True
        if column.number_scheme is not None:
            scheme = (
                fields[[c.name for c in columns].index(column.number_scheme)] if has_schemes(columns) else "CN-USCC"
            )
            if not is_valid_number(scheme, value):
                return True
    return False


def has_schemes(columns: list[Column]) -> bool:
    """Whether the file has columns for schemes; the tax office's own form has none, all are credit codes."""
    return any(column.name.endswith("_scheme") for column in columns)


def test_all_kinds_of_faults_are_there(fault_rows: list[dict[str, Any]]) -> None:
    kinds = Counter(row["expected"] for row in fault_rows)
    assert set(kinds) == {"QUARANTINED", "DUPLICATE", "REPEATED_FILE", "RESTATED", "LATE_FILE"}
    assert not [row for row in fault_rows if row["feed"] in ("certificate", "certificate_event")]


def test_broken_rows_are_exactly_those_of_the_list(home: Path, fault_rows: list[dict[str, Any]]) -> None:
    contracts = load_contracts()
    expected = {(path_of(home, row), row["row_no"]) for row in fault_rows if row["expected"] == "QUARANTINED"}
    repeated = {path_of(home, row) for row in fault_rows if row["expected"] == "REPEATED_FILE"}
    found = set()
    for path in (home / "landing").rglob("*.csv"):
        if path in repeated:
            continue
        source, feed, _, _ = path.relative_to(home / "landing").parts
        contract = contracts[f"{source}.{feed}"]
        manifest = path.parent / "_delivery.yaml"
        daily = not manifest.exists() or "history" not in manifest.read_text()
        lines = records(path, contract)
        found |= {(path, number) for number, line in enumerate(lines, start=1) if is_broken(line, contract, daily)}
    assert found == expected


def test_duplicates_and_repeated_files_are_there(home: Path, fault_rows: list[dict[str, Any]]) -> None:
    contracts = load_contracts()
    for row in fault_rows:
        path = path_of(home, row)
        assert path.exists()
        if row["expected"] == "DUPLICATE" and path.suffix == ".csv":
            lines = records(path, contracts[f"{row['source']}.{row['feed']}"])
            assert lines[row["row_no"] - 1] == lines[row["row_no"] - 2]
        if row["expected"] == "REPEATED_FILE":
            others = [other for other in path.parent.parent.rglob(path.name) if other != path]
            assert [other.read_bytes() for other in others] == [path.read_bytes()]
        if row["expected"] == "LATE_FILE":
            assert path.stem[-8:] < row["delivery_date"].strftime("%Y%m%d")


def test_intact_row_follows_a_broken_one(home: Path, fault_rows: list[dict[str, Any]]) -> None:
    contract = load_contracts()["erp.purchase_order"]
    numbers = [
        line.split(",")[1]
        for path in (home / "landing" / "erp" / "purchase_order").rglob("*.csv")
        if path not in {path_of(home, row) for row in fault_rows if row["expected"] == "REPEATED_FILE"}
        for line in records(path, contract)
        if not is_broken(line, contract, daily=True)
    ]
    copies = sum(row["expected"] == "DUPLICATE" and row["feed"] == "purchase_order" for row in fault_rows)
    assert len(numbers) - len(set(numbers)) == copies


def test_truth_lies_outside_the_landing(home: Path) -> None:
    assert {path.name for path in (home / "truth").iterdir()} == {
        "state.parquet",
        "distress.parquet",
        "party.parquet",
        "faults.parquet",
        "scheme.parquet",
    }


def test_base_rate_of_the_label(history: History) -> None:
    onsets = history.journal.table("distress")
    onboarded = history.world.parties.onboarded_day
    rates = []
    for snapshot in history.snapshots:
        day = snapshot.day
        if not 90 <= day <= history.last_day - 90:
            continue
        healthy = ((snapshot.distress_known == NEVER) | (snapshot.distress_known > day)) & snapshot.is_trading
        healthy &= onboarded <= day
        soon = (onsets["known"] > day) & (onsets["known"] <= day + 90)
        rates.append(np.isin(np.flatnonzero(healthy), onsets["supplier"][soon]).mean())
    assert 0.02 <= float(np.mean(rates)) <= 0.05


def test_distress_never_comes_without_unpaid_bills(history: History) -> None:
    onsets = history.journal.table("distress")
    assert len(onsets["day"]) > 50
    own_debt = onsets["overdue"] > 0
    liable = onsets["cause"] == 0
    assert (own_debt | liable).all()
    revenue = history.world.parties.revenue[onsets["supplier"]]
    overdraft = history.world.network.conduct.overdraft[onsets["supplier"], 0]
    # what is left to spend is less than what has been waiting
    assert np.median((onsets["cash"] + overdraft) / revenue * 365) < 12


def test_cures_follow_onsets_and_happen(history: History) -> None:
    table = distress_table(history).to_pylist()
    cured = [row for row in table if row["cured_date"] is not None]
    assert 0.3 < len(cured) / len(table) < 0.95
    assert all(row["cured_date"] > row["onset_date"] for row in cured)


def test_oracle_is_repeatable_and_bounded(tmp_path: Path) -> None:
    simulate(tmp_path, scale=0.03, seed=5, start=START, until=date(2024, 5, 20))
    first, second = (distress_probability(tmp_path, date(2024, 4, 15), runs=20) for _ in range(2))
    assert first.equals(second)
    values = first["pd_oracle"].to_numpy()
    assert len(values) > 20
    assert ((values >= 0) & (values <= 1)).all()


def test_forks_do_not_touch_the_state_and_differ() -> None:
    from sources.simulator.economy import make_world, run
    from sources.simulator.timeline import Timeline

    world = make_world(3, 0.03, Timeline(START))
    state = run(world, 20)
    cash = state.cash.copy()
    one = count_hits(world, state, 20, Streams(3, fork=1), 8)
    assert (state.cash == cash).all()
    assert (one == count_hits(world, state, 20, Streams(3, fork=1), 8)).all()
    assert (one != count_hits(world, state, 20, Streams(3, fork=2), 8)).any()
