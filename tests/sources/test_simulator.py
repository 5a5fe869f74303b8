"""A small portfolio: bytes, delivery, and documents that agree with each other."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from sources.contract import load_contracts
from sources.simulator import Portfolio, PortfolioError, extend, simulate
from sources.simulator.feeds import Feed, History
from sources.simulator.portfolio import default_go_live, documents, play

START, UNTIL, LATER = date(2024, 7, 1), date(2025, 1, 9), date(2025, 2, 3)
SETTINGS = {"scale": 0.05, "seed": 7, "start": START}


def digests(out: Path) -> dict[str, str]:
    landing = out / "landing"
    return {
        str(path.relative_to(landing)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("portfolio")
    simulate(out, until=UNTIL, **SETTINGS)
    return out


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same portfolio some weeks on."""
    out = tmp_path_factory.mktemp("later")
    simulate(out, until=LATER, **SETTINGS)
    return out


@pytest.fixture(scope="module")
def history() -> History:
    return play(Portfolio(0.05, 7, START, UNTIL, default_go_live(START, UNTIL)))


@pytest.fixture(scope="module")
def feeds(history: History) -> dict[str, Feed]:
    return {feed.name: feed for feed in documents(history)}


def test_same_seed_same_bytes(home: Path, tmp_path: Path) -> None:
    simulate(tmp_path, until=UNTIL, **SETTINGS)
    assert digests(tmp_path) == digests(home)


def test_another_seed_gives_other_bytes(home: Path, tmp_path: Path) -> None:
    simulate(tmp_path, until=date(2024, 10, 1), go_live=date(2024, 9, 1), **{**SETTINGS, "seed": 8})
    mine, others = digests(home), digests(tmp_path)
    names = {name for name in mine.keys() & others.keys() if name.endswith((".csv", ".parquet"))}
    assert len(names) > 10
    assert not any(mine[name] == others[name] for name in names)


def test_a_later_until_only_adds_files(home: Path, later: Path) -> None:
    before, after = digests(home), digests(later)
    assert {name: after.get(name) for name in before} == before
    assert any(f"/{LATER}/" in name for name in set(after) - set(before))


def test_extend_gives_what_one_run_gives(home: Path, later: Path, tmp_path: Path) -> None:
    out = shutil.copytree(home, tmp_path / "portfolio")
    earlier = {path: path.stat().st_mtime_ns for path in (out / "landing").rglob("*") if path.is_file()}
    assert extend(out, LATER).until == LATER
    assert digests(out) == digests(later)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in earlier.items())
    assert (out / "truth" / "faults.parquet").read_bytes() == (later / "truth" / "faults.parquet").read_bytes()


@pytest.mark.parametrize(
    ("start", "until", "expected"),
    [
        (date(2024, 1, 1), date(2026, 6, 30), date(2026, 5, 1)),
        (date(2024, 7, 1), date(2025, 12, 30), date(2025, 11, 1)),
        (date(2024, 1, 1), date(2024, 5, 1), date(2024, 5, 1)),
    ],
)
def test_go_live(start: date, until: date, expected: date) -> None:
    assert default_go_live(start, until) == expected


def test_settings_that_do_not_fit_are_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(PortfolioError, match="too early"):
        simulate(tmp_path, until=date(2024, 9, 1), **SETTINGS)
    with pytest.raises(PortfolioError, match="first of a month"):
        simulate(tmp_path, until=UNTIL, **{**SETTINGS, "start": date(2024, 7, 2)})
    with pytest.raises(PortfolioError, match="another portfolio"):
        simulate(home, until=UNTIL, **{**SETTINGS, "seed": 9})
    with pytest.raises(PortfolioError, match="no portfolio"):
        extend(tmp_path, UNTIL)


def test_every_day_from_go_live_brings_files(home: Path) -> None:
    days = {path.parent.name for path in (home / "landing").rglob("*.csv")}
    go_live = default_go_live(START, UNTIL)
    assert {date.fromordinal(n).isoformat() for n in range(go_live.toordinal(), UNTIL.toordinal() + 1)} <= days
    assert max(days) == UNTIL.isoformat()
    assert not list((home / "landing").rglob("*.part"))


def test_history_stands_at_month_ends_and_daily_folders_after(home: Path) -> None:
    go_live = default_go_live(START, UNTIL)
    for manifest in (home / "landing").rglob("_delivery.yaml"):
        is_history = "history: true" in manifest.read_text()
        when = date.fromisoformat(manifest.parent.name)
        assert is_history == (when < go_live)
        assert not is_history or date.fromordinal(when.toordinal() + 1).day == 1


def test_tables_follow_their_contracts(feeds: dict[str, Feed]) -> None:
    contracts = load_contracts()
    assert set(feeds) == set(contracts)
    for name, feed in feeds.items():
        assert feed.table.num_rows > 0, name
        assert (np.diff(feed.day) >= 0).all(), name
        for column in contracts[name].columns:
            values = feed.table[column.name]
            assert not (column.required and values.null_count), (name, column.name)
            if column.allowed_values:
                assert set(pc.unique(values).to_pylist()) <= {*column.allowed_values, None}, (name, column.name)
            if column.minimum is not None and values.null_count < len(values):
                assert pc.min(values).as_py() >= column.minimum, (name, column.name)


def test_keys_are_unique_in_each_event_feed(feeds: dict[str, Feed]) -> None:
    for name, contract in load_contracts().items():
        if contract.kind == "event":
            feed = feeds[name]
            first = feed.table.filter(~feed.is_update)
            assert first.group_by(list(contract.key)).aggregate([]).num_rows == first.num_rows, name


def test_shares_without_bank_and_tax_data(feeds: dict[str, Feed], history: History) -> None:
    count = len(history.world.parties.suppliers)
    assert history.world.parties.has_bank.sum() == round(0.7 * count)
    assert history.world.parties.has_tax.sum() == round(0.8 * count)
    holders = set(feeds["bank.account"].table["holder_no"].to_pylist())
    assert holders.isdisjoint(history.world.parties.suppliers.numbers[~history.world.parties.has_bank].tolist())
    payers = set(feeds["tax.vat_return"].table["taxpayer_no"].to_pylist())
    assert payers.isdisjoint(history.world.parties.suppliers.numbers[~history.world.parties.has_tax].tolist())


def test_there_are_core_enterprises_suppliers_and_tiers_in_proportion(history: History) -> None:
    tiers = Counter(history.world.parties.tier.tolist())
    count = len(history.world.parties.suppliers)
    assert (tiers[1], tiers[2]) == (round(0.5 * count), round(0.32 * count))
    assert "建设集团" in history.world.parties.cores.names[0]
