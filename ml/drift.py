"""Has the population moved away from the rows the model was proved on? Measured on all rows in SQL, shown on a sample.

PSI of a feature sums (q - p) * ln(q / p) over the reference's bins and a bin for missing values, p the reference's
share and q the night's. Under no drift it is about (1/n + 1/m) times a chi-square with bins - 1 degrees of freedom
(Yurdakul 2018, "Statistical properties of the population stability index"), so the critical value follows from the
sample sizes.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import chdtri

from ml.dataset import Frame, as_table, feature_values, numbers, require_columns
from ml.errors import FrameError
from ml.model import Model
from ml.reference import MISSING_BIN, SAMPLE_ROWS, SMOOTHING, sample_rows

REPORT_ROWS = SAMPLE_ROWS
REPORT_COLUMNS = 30

DRIFT_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("model_role", pa.string()),
        ("model_version", pa.string()),
        ("feature_name", pa.string()),
        ("family", pa.string()),
        ("psi", pa.float64()),
        ("psi_critical", pa.float64()),
        ("missing_ratio", pa.float64()),
        ("reference_missing_ratio", pa.float64()),
        ("reference_rows", pa.int64()),
        ("current_rows", pa.int64()),
        ("is_drifted", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class DriftThresholds:
    """From where on a move counts. The book's own are dated rows of the rule book; these are what they say today.

    Args:
        false_alarm_ratio: chance that a quiet night flags any feature at all, shared out evenly among them.
        material_psi: below it a shift is real on a large portfolio but too small to matter; the lower of the two
            customary limits (0.10, 0.25).
        snapshot_margin: so much further than any snapshot of the reference's year moved a night may move.
        faulty_source_ratio: part of what a source alone tells that must jump overnight for a fault; single features
            jump when a return is filed.
        confined_sector_ratio: part of what jumped in a sector that did not jump in the others, for a shock to it.
    """

    false_alarm_ratio: float = 0.05
    material_psi: float = 0.10
    snapshot_margin: float = 1.5
    faulty_source_ratio: float = 1 / 3
    confined_sector_ratio: float = 2 / 3


USUAL = DriftThresholds()


PSI_SQL = """
with counted as (
    select
        reference.feature_name,
        reference.reference_missing_ratio,
        reference.reference_rows,
        reference.reference_suppliers,
        reference.reference_snapshot_psi,
        reference.bin,
        cast(reference.reference_count as double) as reference_count,
        cast(coalesce(observed.current_count, 0) as double) as current_count
    from reference
    left join observed
        on observed.feature_name = reference.feature_name and observed.bin = reference.bin
),

filled as (
    select
        *,
        count(*) over (partition by feature_name) as bins,
        sum(current_count) over (partition by feature_name) as current_rows
    from counted
    where bin <> {missing} or reference_count + current_count > 0
),

shares as (
    select
        *,
        (reference_count + {smoothing}) / (reference_rows + {smoothing} * bins) as expected_share,
        (current_count + {smoothing}) / (current_rows + {smoothing} * bins) as observed_share
    from filled
)

select
    feature_name,
    sum((observed_share - expected_share) * ln(observed_share / expected_share)) as psi,
    max(bins) as bins,
    max(case when bin = {missing} then current_count else 0 end) / max(current_rows) as missing_ratio,
    max(reference_missing_ratio) as reference_missing_ratio,
    max(reference_rows) as reference_rows,
    max(reference_suppliers) as reference_suppliers,
    max(reference_snapshot_psi) as reference_snapshot_psi,
    cast(max(current_rows) as bigint) as current_rows
from shares
group by feature_name
order by feature_name
"""


def feature_drift(
    frame: Frame,
    model: Model,
    as_of_date: date,
    *,
    role: str = "champion",
    thresholds: DriftThresholds = USUAL,
) -> pa.Table:
    """One row per feature of the model (`DRIFT_SCHEMA`, in the model's feature order) for one night.

    Args:
        frame: the night's rows with all feature columns; where it has a `population_status`, ELIGIBLE rows count.
        as_of_date: the night.

    `psi_critical` is the largest of three: the sampling critical value, with the reference counting as many as its
    suppliers, as one supplier's snapshots repeat each other; `material_psi`; and what the feature moved on any
    month-end of the reference's year, with a margin. A vanished feed shows in `missing_ratio` and, by the bin for
    missing values, in the PSI.

    Raises:
        FrameError: a feature column is absent or not numeric, or no row is eligible.
    """
    table = as_table(frame)
    names = [feature.name for feature in model.features]
    require_columns(table, names, f"drift of model {model.version}")
    if "population_status" in table.column_names:
        table = table.filter(pc.equal(table.column("population_status"), "ELIGIBLE"))
    if table.num_rows == 0:
        raise FrameError(
            f"No eligible supplier on {as_of_date}, so drift cannot be measured; check the night's features."
        )
    night = pa.table(
        {feature.name: pa.array(feature_values(table, feature), from_pandas=True) for feature in model.features}
    )
    measured = _psi(night, model.parts.reference)
    columns = {name: measured.column(name).to_numpy(zero_copy_only=False) for name in measured.column_names}
    place = {name: row for row, name in enumerate(columns["feature_name"])}
    order = np.array([place[name] for name in names])
    columns = {name: values[order] for name, values in columns.items()}

    chance = chdtri(columns["bins"] - 1, thresholds.false_alarm_ratio / len(names))
    sampling = (1.0 / columns["current_rows"] + 1.0 / columns["reference_suppliers"]) * chance
    critical = np.maximum.reduce(
        [
            sampling,
            np.full(len(names), thresholds.material_psi),
            thresholds.snapshot_margin * columns["reference_snapshot_psi"],
        ]
    )
    return pa.table(
        [
            pa.repeat(pa.scalar(as_of_date, pa.date32()), len(names)),
            pa.repeat(role, len(names)),
            pa.repeat(model.version, len(names)),
            pa.array(names),
            pa.array([feature.family for feature in model.features], pa.string()),
            columns["psi"],
            critical,
            columns["missing_ratio"],
            columns["reference_missing_ratio"],
            columns["reference_rows"],
            columns["current_rows"],
            columns["psi"] > critical,
        ],
        schema=DRIFT_SCHEMA,
    )


def _psi(current: pa.Table, reference: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("reference", reference)
        connection.register("night", current)
        binned = " union all ".join(
            f"select {position} as place, {_bin_expression(name, reference)} as bin, count(*) as current_count "
            "from night group by all"
            for position, name in enumerate(current.column_names)
        )
        connection.register("feature", pa.table({"place": range(current.num_columns), "name": current.column_names}))
        connection.execute(
            "create temp table observed as select feature.name as feature_name, binned.bin, binned.current_count "
            f"from ({binned}) as binned inner join feature on feature.place = binned.place"
        )
        return connection.sql(PSI_SQL.format(missing=MISSING_BIN, smoothing=SMOOTHING)).to_arrow_table()


def _bin_expression(name: str, reference: pa.Table) -> str:
    column = '"' + name.replace('"', '""') + '"'
    rows = reference.filter(
        pc.and_(pc.equal(reference.column("feature_name"), name), pc.is_valid(reference.column("upper")))
    )
    edges = sorted(zip(rows.column("upper").to_pylist(), rows.column("bin").to_pylist(), strict=True))
    steps = "".join(f" when {column} <= '{upper!r}'::double then {number}" for upper, number in edges)
    # null, never NaN, stands for missing here: SQL orders NaN above every number
    return f"case when {column} is null then {MISSING_BIN}{steps} else {len(edges)} end"


def import_page_library() -> None:
    """Import what `write_report` draws with; whoever has seconds to spare before it may do so in a thread."""
    os.environ["DO_NOT_TRACK"] = "1"
    importlib.import_module("evidently.presets")


def write_report(
    current: Frame,
    reference: Frame,
    path: Path,
    *,
    columns: Sequence[str],
    critical: Mapping[str, float],
    strata: Sequence[str] = (),
    seed: int = 7,
) -> Path:
    """Evidently's drift report as one HTML page that needs no network.

    Args:
        current: the night's rows.
        reference: the rows to compare with, e.g. a model's `parts.reference_sample`.
        path: the file to write; it appears whole.
        columns: what to show, the most important first; the first 30 are taken.
        critical: PSI from which on each column is called drifted, so that page and drift table judge by one limit. The
            page's own PSI is of a sample and over its own bins.
        strata: columns whose combinations the sample of at most 2,000 rows keeps in proportion.

    Evidently is imported here, as the import takes seconds and only the report needs it.
    """
    import_page_library()
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    class DriftTable(DataDriftPreset):  # type: ignore[misc]
        """The preset's page without its separate metrics, which draw each column again and are shown nowhere."""

        def generate_metrics(self, context: object) -> list[Any]:
            return []

    tables = {"current": as_table(current), "reference": as_table(reference)}
    shown = list(columns[:REPORT_COLUMNS])
    for name, table in tables.items():
        require_columns(table, shown, f"the drift report ({name} rows)")
    # a column that is empty on either side has no distribution to draw; its missing ratio stands in the drift table
    shown = [name for name in shown if all(np.isfinite(numbers(table, name)).any() for table in tables.values())]
    if not shown:
        raise FrameError("No column of the drift report holds a value on both sides; check the night's features.")
    definition = DataDefinition(numerical_columns=shown)
    samples = {
        name: Dataset.from_pandas(
            sample_rows(table, strata, REPORT_ROWS, seed).select(shown).to_pandas().astype(float),
            data_definition=definition,
        )
        for name, table in tables.items()
    }
    limits = {name: critical[name] for name in shown}
    report = Report([DriftTable(method="psi", columns=shown, per_column_threshold=limits)])
    snapshot = report.run(samples["current"], samples["reference"])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    snapshot.save_html(str(part))
    os.replace(part, path)
    return path
