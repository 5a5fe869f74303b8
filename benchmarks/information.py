"""What keeps a model below the oracle: the learner, or what the feeds do not show.

    .venv/bin/python benchmarks/information.py HOME [--runs 300] [--more HOME ...]

HOME is a demo portfolio with a finished night. All procedures are fitted on snapshots of the same dates as the book's
model and judged on the rows that it is judged on, out of time, beside the oracle (the share of futures with distress
when the economy is forked from its true state):

- *feeds*: the features of a night, as the book's model sees them;
- *true state*: the features and beside them what only the simulator knows of a firm on the date (its cash in all
  accounts, taxes, wages and trade debts due, what the owner has left, demand, margin).

The learner is the same in all. What the true state adds is what the feeds hide. With `--more`, other portfolios of
the same simulator (other seeds, the same dates), both learn from the firms of those as well: what this adds is what
more firms to learn from would. Reads the truth folder, as only evaluation does.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

import ml
from ml.backtest.metrics import Evaluation, Interval, evaluate
from ml.features import load_registry
from pipelines.learning import training_frame, training_spec
from pipelines.night import last_finished_night
from pipelines.settings import Settings
from sources.simulator.oracle import distress_probability

KEY = ["as_of_date", "supplier_id"]
STATE = (
    "cash_amount",
    "tax_due_amount",
    "wage_due_amount",
    "overdue_trade_amount",
    "owner_reserve_amount",
    "demand",
    "margin",
)


def book(home: Path) -> pa.Table:
    """Feature rows and labels of a home's last night, and of each firm's true state under names of its own."""
    with duckdb.connect(str(Settings(home=home).warehouse), read_only=True) as con:
        con.register("frame", training_frame(con))
        columns = ", ".join(f"s.{name}::double as true_{name}" for name in STATE)
        return con.sql(
            f"select f.*, {columns} from frame as f left join read_parquet(?) as s "
            "on f.as_of_date = s.month_end and f.supplier_id = s.supplier_id order by f.as_of_date, f.supplier_id",
            params=[str(home / "truth" / "state.parquet")],
        ).to_arrow_table()


def pooled(frame: pa.Table, homes: Sequence[Path]) -> pa.Table:
    """The rows of a frame and those of other homes, whose firms are others though they have the same numbers."""
    tables = [frame]
    for place, home in enumerate(homes):
        other = book(home)
        for name in ("supplier_id", "party_id", "connected_group_id"):
            column = pc.binary_join_element_wise(f"{place}", other[name], "/")
            other = other.set_column(other.column_names.index(name), name, column)
        tables.append(other)
    return pa.concat_tables(tables).sort_by([(name, "ascending") for name in KEY])


def judged_rows(model: ml.Model) -> pd.DataFrame:
    """Keys and labels of the rows on which the book's model is judged."""
    rows = model.parts.test.select(["as_of_date", "supplier_id", "label"]).to_pandas()
    return rows.assign(as_of_date=pd.to_datetime(rows["as_of_date"]), label=rows["label"].astype(float))


def forecast(model: ml.Model, frame: pa.Table) -> pd.DataFrame:
    """PD of each row of a frame."""
    scores = ml.score(model, frame).supplier_score.select([*KEY, "pd_90d"]).to_pandas()
    return scores.assign(as_of_date=pd.to_datetime(scores["as_of_date"]))


def judge(judged: pd.DataFrame, forecasts: pd.DataFrame, column: str) -> Evaluation:
    """Figures of forecasts on the judged rows that have one."""
    rows = judged.merge(forecasts, on=KEY, validate="one_to_one").dropna(subset=[column])
    return evaluate(
        rows["label"].to_numpy(),
        rows[column].to_numpy(),
        rows["supplier_id"].to_numpy(object),
        scale=ml.TrainingSpec(as_of_date=None).grade_scale,
    )


def told(name: str, found: Evaluation, oracle: Evaluation) -> str:
    """One line of the table."""

    def figure(interval: Interval, style: str) -> str:
        return f"{interval.value:{style}} [{interval.low:{style}}, {interval.high:{style}}]"

    share = (found.auc.value - 0.5) / (oracle.auc.value - 0.5)
    return (
        f"{name:22} {figure(found.auc, '.3f'):24} {share:6.1%}  "
        f"{figure(found.average_precision, '.3f'):24} {figure(found.capture_worst_5pct, '.1%')}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--more", type=Path, nargs="+", default=[], metavar="HOME")
    options = parser.parse_args(arguments)
    as_of = last_finished_night(Settings(home=options.home).warehouse)
    if as_of is None:
        raise SystemExit(f"No night has been finished in {options.home}.")
    frame, spec = book(options.home), training_spec(as_of)
    model = ml.fit(frame, spec)
    judged = judged_rows(model)
    dates: list[date] = [moment.date() for moment in sorted(judged["as_of_date"].unique())]
    futures = [
        distress_probability(options.home, day, runs=options.runs).to_pandas().assign(as_of_date=pd.Timestamp(day))
        for day in dates
    ]
    # every procedure is judged on the rows that have an oracle
    oracles = pd.concat(futures)
    judged = judged.merge(oracles[KEY], on=KEY, validate="one_to_one")
    oracle = judge(judged, oracles, "pd_oracle")
    print(f"\n{oracle.rows:,} rows, {oracle.events:,} events, {dates[0]} to {dates[-1]}\n")
    header = f"{'':22} {'AUC':24} {'share':>6}  {'average precision':24} worst 5 % hold"
    print(header, told("oracle", oracle, oracle), sep="\n", flush=True)

    test_rows = frame.filter(pa.array(np.isin(frame["as_of_date"].to_numpy(), np.array(dates, "datetime64[D]"))))

    def show(name: str, fitted: ml.Model) -> None:
        print(told(name, judge(judged, forecast(fitted, test_rows), "pd_90d"), oracle), flush=True)

    show("feeds", model)
    registry = load_registry()
    true_names = [f"true_{name}" for name in STATE]
    with_state = replace(spec, features=[*registry.names, *true_names])
    show("true state alone", ml.fit(frame, replace(spec, features=true_names)))
    show("feeds and true state", ml.fit(frame, with_state))
    if options.more:
        more = pooled(frame, options.more)
        print(f"\nlearned from the firms of {1 + len(options.more)} portfolios, {len(more):,} rows")
        show("feeds", ml.fit(more, spec))
        show("feeds and true state", ml.fit(more, with_state))


if __name__ == "__main__":
    main()
