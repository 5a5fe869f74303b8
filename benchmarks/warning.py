"""How early anybody could warn: the book's model on every past month-end, and the oracle on the same rows.

    .venv/bin/python benchmarks/warning.py HOME [--runs 200] [--more HOME ...]

HOME is a demo portfolio of which `anchorwatch backtest` has judged the model. The oracle is the share of futures with
distress within 90 days when the economy is forked from its true state at the month-end. It warns at the grade at which
the watch list does, and once more of as many suppliers on each date as the model warned of. Between the two stands the
same procedure with the true state of each firm beside its features (`benchmarks/information.py`); with `--more`, both
once more with the firms of other portfolios to learn from as well. Reads the truth, as only evaluation does.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
from information import KEY, STATE, book, pooled

import ml
from ml.backtest.lead_time import LeadTime, lead_time
from ml.backtest.metrics import Evaluation, Interval, evaluate
from ml.backtest.walk_forward import walk_forward
from ml.features import load_registry
from pipelines.learning import training_spec
from pipelines.night import last_finished_night
from pipelines.rules import rule_value
from pipelines.settings import Settings
from sources.simulator.oracle import distress_probability

SCALE = ml.TrainingSpec(as_of_date=None).grade_scale


def forecasts(settings: Settings) -> pd.DataFrame:
    """as_of_date, supplier_id, label, pd_90d of the newest backtest."""
    found = sorted(settings.reports.glob("backtest/*/lightgbm.parquet"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SystemExit(f"No model of {settings.root} has been judged; run `anchorwatch backtest` first.")
    return pd.read_parquet(found[-1])


def walked(frame: pa.Table, spec: ml.TrainingSpec, name: str) -> pd.DataFrame:
    """PD of every snapshot by the model that could have existed then, under a name."""
    found = walk_forward(frame, spec).forecasts.select([*KEY, "pd_90d"]).to_pandas()
    return found.rename(columns={"pd_90d": name})


def as_many(rows: pd.DataFrame, column: str, flagged: pd.Series[bool], grade: int) -> pd.Series[int]:
    """Grades that flag on each date as many rows as are flagged, those with the highest values of a column."""
    wanted = flagged.groupby(rows["as_of_date"]).transform("sum")
    place = rows.groupby("as_of_date")[column].rank(method="first", ascending=False)
    return (place <= wanted).map({True: grade, False: 1})


def told(name: str, judged: Evaluation | None, warned: LeadTime) -> str:
    """One line of the table."""

    def figure(interval: Interval | None, style: str, factor: float = 1) -> str:
        if interval is None:
            return f"{'none':20}"
        low, value, high = (factor * part for part in (interval.low, interval.value, interval.high))
        return f"{f'{value:{style}} [{low:{style}}, {high:{style}}]':20}"

    whole = " " * 66
    if judged is not None:
        whole = " ".join(
            (figure(judged.auc, ".3f"), figure(judged.capture_worst_5pct, ".1%"), figure(judged.ece, ".2f", 100))
        ).ljust(66)
    days = f"{figure(warned.warned_share, '.0%')} {figure(warned.median_days, '.0f')}"
    return f"{name:20} {whole} {days} {figure(warned.median_days_of_all, '.0f')} {warned.flagged_share:.1%}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--more", type=Path, nargs="+", default=[], metavar="HOME")
    options = parser.parse_args(arguments)
    settings = Settings(home=options.home)
    as_of = last_finished_night(settings.warehouse)
    if as_of is None:
        raise SystemExit(f"No night has been finished in {options.home}.")
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        events = con.sql("select supplier_id, distress_date from intermediate.int_supplier_distress_episode").df()
        grade = int(rule_value(con, "watch_grade_watch", as_of))
    rows = forecasts(settings)
    spec = training_spec(as_of)
    with_state = replace(spec, features=[*load_registry().names, *(f"true_{name}" for name in STATE)])
    frame = book(options.home)
    fitted = {"with the true state": (frame, with_state)}
    if options.more:
        more = pooled(frame, options.more)
        fitted |= {"more firms": (more, spec), "more firms and state": (more, with_state)}
    for name, (learned, asked) in fitted.items():
        rows = rows.merge(walked(learned, asked, name), on=KEY, validate="one_to_one")
    futures = []
    for day in sorted(rows["as_of_date"].unique()):
        print(f"{day}: {options.runs} futures", flush=True)
        oracle = distress_probability(options.home, day, runs=options.runs).to_pandas()
        futures.append(oracle.assign(as_of_date=day))
    rows = rows.merge(pd.concat(futures), on=KEY, validate="one_to_one")
    columns = {"the model": "pd_90d", **{name: name for name in fitted}, "the oracle": "pd_oracle"}
    grades = {name: pd.Series(SCALE.grades(rows[column].to_numpy())) for name, column in columns.items()}

    def judged(column: str) -> Evaluation:
        labels, suppliers = rows["label"].to_numpy(float), rows["supplier_id"].to_numpy(object)
        return evaluate(labels, rows[column].to_numpy(), suppliers, scale=SCALE)

    def warned(grades: pd.Series[int]) -> LeadTime:
        return lead_time(rows[KEY].assign(grade=grades), events, warning_grade=grade)

    print(f"\n{len(rows):,} rows, {int(rows['label'].sum()):,} events, warned of from grade {grade}\n")
    print(
        f"{'':20} {'AUC':20} {'worst 5 % hold':20} {'ECE, points':20}     "
        f"{'warned of':20} {'median days':20} {'of all':20} flagged"
    )
    for name, column in columns.items():
        print(told(name, judged(column), warned(grades[name])))
    warnings = as_many(rows, "pd_oracle", grades["the model"] >= grade, grade)
    print(told("  as many warnings", None, warned(warnings)))


if __name__ == "__main__":
    main()
