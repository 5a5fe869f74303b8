"""What a night costs with twice the history: the next night of two homes of one size, one of which began later.

    .venv/bin/python benchmarks/history.py [--scale 10] [--homes DIR]

Both portfolios have as many firms and end on the same day; one has 30 months, the other the last 15 of them. Each home
has its first night, and then one day more is delivered to it: that night is compared, by its steps and by the models
and data tests of dbt whose seconds differ most. The home of half the history scores with the model of the other, so
that training is no part of the difference. Homes that are there already (`full` and `half` in the named folder) go on
from their last night.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from dagster import DagsterEventType, DagsterInstance
from night import parts, timed

from pipelines.night import last_finished_night
from pipelines.settings import Settings
from sources.simulator import named_schemes, simulate

STARTS = {"full": date(2024, 1, 1), "half": date(2025, 4, 1)}
# as many daily deliveries in both
GO_LIVE, LAST = date(2026, 5, 1), date(2026, 6, 30)
SECONDS = "Execution Duration"


@dataclass(frozen=True)
class Cost:
    """Seconds and peak MB of a night, with the seconds of its steps and of dbt's nodes."""

    seconds: float
    peak: float
    steps: Mapping[str, float]
    nodes: Mapping[str, float]


def node_seconds(settings: Settings) -> dict[str, float]:
    """Seconds of each model and data test in the newest run, as dbt told Dagster."""
    settings.prepare()
    found: dict[str, float] = {}
    with DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        logs = instance.all_logs(
            run.run_id,
            of_type={DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_CHECK_EVALUATION},
        )
        for log in logs:
            event = log.dagster_event
            if event is None:
                continue
            if event.event_type is DagsterEventType.ASSET_MATERIALIZATION:
                name, metadata = (
                    event.step_materialization_data.materialization.asset_key.to_user_string(),
                    (event.step_materialization_data.materialization.metadata),
                )
            else:
                checked = event.asset_check_evaluation_data
                name, metadata = f"test {checked.check_name}", checked.metadata
            if SECONDS in metadata:
                found[name] = float(str(metadata[SECONDS].value))
    return found


def next_night(homes: Path, name: str, scale: str) -> Cost:
    """Run the night after the last one of a home; makes the home where there is none."""
    home = homes / name
    settings = Settings(home=home)
    if not settings.warehouse.exists():
        simulate(
            home,
            scale=float(scale),
            seed=1,
            start=STARTS[name],
            until=LAST,
            go_live=GO_LIVE,
            schemes=named_schemes("all"),
        )
        if name == "half":
            timed(home, "adopt-model", str(homes / "full"))
        timed(home, "nightly", *(("--train",) if name == "full" else ()))
    last = last_finished_night(settings.warehouse)
    if last is None:
        raise SystemExit(f"The first night of {home} left no warehouse.")
    tomorrow = (last + timedelta(days=1)).isoformat()
    timed(home, "simulate", "--until", tomorrow)
    seconds, peak = timed(home, "nightly", "--as-of", tomorrow)
    return Cost(seconds, peak, dict(parts(settings)), node_seconds(settings))


def growing(full: Mapping[str, float], half: Mapping[str, float], shown: int) -> list[tuple[str, float, float]]:
    """What costs most seconds more with the longer history: name, seconds with all of it, with half."""
    both = [(name, seconds, half.get(name, 0.0)) for name, seconds in full.items()]
    return sorted(both, key=lambda row: row[2] - row[1])[:shown]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="10")
    parser.add_argument("--homes", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        homes = arguments.homes or Path(folder)
        full, half = (next_night(homes, name, arguments.scale) for name in STARTS)
    print(f"\nall of the history: {full.seconds:.1f} s, peak {full.peak:,.0f} MB")
    print(f"half of it:         {half.seconds:.1f} s, peak {half.peak:,.0f} MB")
    print(f"ratio {full.seconds / half.seconds:.2f}")
    for title, rows in (
        ("steps", growing(full.steps, half.steps, 12)),
        ("models and data tests", growing(full.nodes, half.nodes, 25)),
    ):
        print(f"\n{title} that grow: seconds with all, with half")
        for name, seconds, other in rows:
            print(f"    {name:60} {seconds:7.1f} {other:7.1f}")


if __name__ == "__main__":
    main()
