"""Scoring a night: PD, grade, score and exact reasons for every row of a table, or the sentence why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.dataset import (
    Days,
    Frame,
    Matrix,
    as_table,
    check_keys,
    days,
    design_matrix,
    entities,
    feature_values,
    require_columns,
)
from ml.errors import ScoringError
from ml.features import Feature
from ml.model import Model
from ml.term import LATER_HORIZONS

if TYPE_CHECKING:
    from pandas.core.groupby import SeriesGroupBy

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

REASONS_PER_SUPPLIER = 5
PROTECTIVE_REASONS = 3
AGAINST, FOR = "AGAINST", "FOR"
CONTRIBUTION_TOLERANCE = 1e-6
SMALLEST_PEER_GROUP = 10

SCORE_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("supplier_id", pa.string()),
        ("model_role", pa.string()),
        ("model_version", pa.string()),
        ("status", pa.string()),
        ("not_scored_reason", pa.string()),
        ("raw_score", pa.float64()),
        ("base_value", pa.float64()),
        ("contribution_sum", pa.float64()),
        ("pd_90d", pa.float64()),
        ("pd_180d", pa.float64()),
        ("pd_365d", pa.float64()),
        ("grade", pa.int32()),
        ("score", pa.int32()),
        ("next_grade_pd", pa.float64()),
        ("scored_at", pa.timestamp("us")),
    ]
)

REASON_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("supplier_id", pa.string()),
        ("model_role", pa.string()),
        ("model_version", pa.string()),
        ("direction", pa.string()),
        ("reason_rank", pa.int32()),
        ("feature_name", pa.string()),
        ("indicator_id", pa.string()),
        ("family", pa.string()),
        ("feature_value", pa.float64()),
        ("peer_value", pa.float64()),
        ("contribution", pa.float64()),
        ("reason_text", pa.string()),
        ("reason_text_zh", pa.string()),
    ]
)

FAMILY_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("supplier_id", pa.string()),
        ("model_role", pa.string()),
        ("model_version", pa.string()),
        ("family", pa.string()),
        ("contribution", pa.float64()),
    ]
)

STATUS_SENTENCES = {
    "IN_DISTRESS": "The supplier is in distress already; it is scored again after a cure.",
    "EXITED": "The supplier has left the platform.",
    "NO_RECENT_DATA": "No source has reached this supplier recently.",
}
NOTHING_KNOWN = "None of the model's features is known for this supplier on this date."
NOTHING_AGAINST = "No indicator raises the risk above the portfolio's average"
NOTHING_AGAINST_ZH = "没有指标使风险高于组合平均水平"


@dataclass(frozen=True)
class Scores:
    """`supplier_score` (`SCORE_SCHEMA`): one row per row of the input, in its order.

    `score_reason` (`REASON_SCHEMA`): per scored row 1 to 5 that raise its risk (direction AGAINST) and at most 3 that
    lower it (FOR). `score_family` (`FAMILY_SCHEMA`): per scored row the contributions summed by family of features;
    with the base value they add up to the raw score.

    `next_grade_pd` is the PD from which the next worse grade is given: how far the supplier is from it. What would take
    a supplier there is not said: features move together, and a counterfactual that moves one of them misleads.

    `pd_90d` is the PD over the model's own horizon, whatever its length; `pd_180d` and `pd_365d` are null where the
    model has learned no label of that horizon.
    """

    supplier_score: pa.Table
    score_reason: pa.Table
    score_family: pa.Table

    @property
    def pd(self) -> Floats:
        """PD over the model's own horizon in the order of the input, NaN where a row is not scored."""
        found: Floats = self.supplier_score.column("pd_90d").to_numpy()
        return found


def score(model: Model, frame: Frame, *, role: str = "champion", scored_at: datetime | None = None) -> Scores:
    """Scores every row that may be scored.

    A row is NOT_SCORED when its `population_status` is not ELIGIBLE, when it carries a `not_scored_reason`, or when
    no feature is known. The frame holds key and feature columns; peers are the scored rows of the same date and the
    model's segment columns, all rows of the date where fewer than ten of them know the value.

    Raises:
        FrameError: a column is absent, renamed or not numeric, or a key repeats.
        ScoringError: contributions do not sum to the raw score, or a PD is outside (0, 1).
    """
    table = as_table(frame)
    date_column, id_column = model.manifest.key
    require_columns(table, [date_column, id_column], f"model {model.version}")
    dates, ids = days(table, date_column), entities(table, id_column)
    check_keys(dates, ids, (date_column, id_column))
    matrix = design_matrix(table, model.features)
    refusals = _refusals(table, np.all(np.isnan(matrix), axis=1))
    scored = pd.isna(refusals)

    eligible = matrix[scored]
    raw = model.raw_scores(eligible)
    contributions, base = model.contributions(eligible)
    total = base + contributions.sum(axis=1)
    probability, later = model.probability(raw), model.later_probability(raw)
    _check(raw, total, probability, ids[scored], model.version)

    def spread(values: NDArray[np.generic], column: str) -> pa.Array:
        whole = np.zeros(len(ids), dtype=values.dtype)
        whole[scored] = values
        return pa.array(whole, type=SCORE_SCHEMA.field(column).type, mask=~scored)

    supplier_score = pa.table(
        [
            pa.array(dates),
            pa.array(ids, pa.string()),
            pa.repeat(role, len(ids)),
            pa.repeat(model.version, len(ids)),
            pa.array(np.where(scored, "SCORED", "NOT_SCORED").astype(object), pa.string()),
            pa.array(refusals, pa.string()),
            spread(raw, "raw_score"),
            spread(base, "base_value"),
            spread(total, "contribution_sum"),
            spread(probability, "pd_90d"),
            *(
                spread(later[days], f"pd_{days}d") if days in later else pa.nulls(len(ids), pa.float64())
                for days in LATER_HORIZONS
            ),
            spread(model.scale.grades(probability), "grade"),
            spread(model.scale.scores(probability), "score"),
            _next_grade_pd(model, probability, scored),
            pa.repeat(pa.scalar(scored_at, pa.timestamp("us")), len(ids)),
        ],
        schema=SCORE_SCHEMA,
    )
    explained = _Explained(table.filter(pa.array(scored)), dates[scored], ids[scored], eligible, contributions)
    return Scores(supplier_score, _reasons(model, explained, role), _families(model, explained, role))


@dataclass(frozen=True)
class _Explained:
    """The scored rows: their table, keys, design matrix and contributions, all in the same order."""

    table: pa.Table
    dates: Days
    ids: NDArray[np.object_]
    matrix: Matrix
    contributions: Floats


def _refusals(table: pa.Table, nothing_known: NDArray[np.bool_]) -> NDArray[np.object_]:
    """The sentence why a row is not scored, None where it is."""
    reasons = np.full(table.num_rows, None, dtype=object)
    reasons[nothing_known] = NOTHING_KNOWN
    if "population_status" in table.column_names:
        status = entities(table, "population_status")
        for name in np.unique(status[status != "ELIGIBLE"].astype(str)):
            sentence = STATUS_SENTENCES.get(name, f"The supplier is not in the scored population (status {name}).")
            reasons[status == name] = sentence
    if "not_scored_reason" in table.column_names:
        given = pc.cast(table.column("not_scored_reason"), pa.string()).to_numpy(zero_copy_only=False)
        stated = ~pd.isna(given)
        reasons[stated] = given[stated]
    return reasons


def _check(raw: Floats, total: Floats, probability: Floats, ids: NDArray[np.object_], version: str) -> None:
    gap = np.abs(raw - total)
    if gap.size and not gap.max() <= CONTRIBUTION_TOLERANCE:
        worst = int(np.argmax(gap))
        raise ScoringError(
            f"Contributions of supplier {ids[worst]} miss its raw score by {gap[worst]:.2e} under model {version}; "
            "its reasons would be wrong, so nothing is published: check the LightGBM version against the manifest."
        )
    if not ((probability > 0) & (probability < 1)).all():
        worst = int(np.argmax(~((probability > 0) & (probability < 1))))
        raise ScoringError(
            f"Supplier {ids[worst]} got a PD of {probability[worst]} under model {version}; a PD lies between 0 and 1."
        )


def _next_grade_pd(model: Model, probability: Floats, scored: NDArray[np.bool_]) -> pa.Array:
    """PD of the next worse grade; null where there is no score or no worse grade."""
    edges = np.append(np.asarray(model.scale.upper_edges), np.nan)
    values = np.full(len(scored), np.nan)
    values[scored] = edges[model.scale.grades(probability) - 1]
    return pa.array(values, from_pandas=True)


def _families(model: Model, rows: _Explained, role: str) -> pa.Table:
    families = list(dict.fromkeys(feature.family for feature in model.features))
    belongs = np.array([[feature.family == family for family in families] for feature in model.features], dtype=float)
    sums = rows.contributions @ belongs
    count = len(families)
    return pa.table(
        [
            pa.array(np.repeat(rows.dates, count)),
            pa.array(np.repeat(rows.ids, count), pa.string()),
            pa.repeat(role, sums.size),
            pa.repeat(model.version, sums.size),
            pa.array(families * len(sums), pa.string()),
            pa.array(sums.ravel()),
        ],
        schema=FAMILY_SCHEMA,
    )


def _reasons(model: Model, rows: _Explained, role: str) -> pa.Table:
    """The reasons against every row, then those for it."""
    used = model.parts.estimator.importance() > 0
    silent = _silent(model, rows.matrix)
    against = _strongest(np.where(used & ~silent, rows.contributions, -np.inf), REASONS_PER_SUPPLIER, keep_one=True)
    # a value that nobody knows speaks for no one
    speaks_for = used & ~silent & ~np.isnan(rows.matrix)
    protective = _strongest(np.where(speaks_for, -rows.contributions, -np.inf), PROTECTIVE_REASONS, keep_one=False)
    chosen = (against, protective)
    row, position, rank = (np.concatenate(parts) for parts in zip(*chosen, strict=True))
    is_against = np.repeat([True, False], [len(against[0]), len(protective[0])])
    amount = rows.contributions[row, position]
    values, peers = _values_and_peers(model, rows, row, position)
    english = np.empty(len(row), dtype=object)
    chinese = np.empty(len(row), dtype=object)
    for number in np.unique(position):
        at = np.flatnonzero(position == number)
        feature = model.features[number]
        figures = list(zip(values[at].tolist(), peers[at].tolist(), strict=True))
        english[at] = [feature.sentence(value, peer) for value, peer in figures]
        chinese[at] = [feature.sentence_zh(value, peer) for value, peer in figures]
    neutral = is_against & (amount <= 0)
    english[neutral] = NOTHING_AGAINST + "; the least favourable: " + english[neutral]
    has_chinese = np.array([text is not None for text in chinese], dtype=np.bool_)
    translated = neutral & has_chinese
    chinese[translated] = NOTHING_AGAINST_ZH + "；相对最不利：" + chinese[translated]
    said_nothing = silent[row, position]
    english[said_nothing] = NOTHING_AGAINST
    chinese[said_nothing & has_chinese] = NOTHING_AGAINST_ZH

    def of_feature(attribute: str) -> pa.Array:
        column = np.array([getattr(feature, attribute) for feature in model.features], dtype=object)
        return pa.array(column[position], pa.string())

    return pa.table(
        [
            pa.array(rows.dates[row]),
            pa.array(rows.ids[row], pa.string()),
            pa.repeat(role, len(row)),
            pa.repeat(model.version, len(row)),
            pa.array(np.where(is_against, AGAINST, FOR), pa.string()),
            pa.array(rank.astype(np.int32)),
            of_feature("name"),
            of_feature("indicator_id"),
            of_feature("family"),
            pa.array(values, from_pandas=True),
            pa.array(peers, from_pandas=True),
            pa.array(amount),
            pa.array(english, pa.string()),
            pa.array(chinese, pa.string()),
        ],
        schema=REASON_SCHEMA,
    )


def _silent(model: Model, matrix: Matrix) -> NDArray[np.bool_]:
    """Where a flag is not raised: its sentence states that it is, so it cannot be a reason. Shape (rows, features)."""
    raised = np.array([0.0 if feature.sign < 0 else 1.0 for feature in model.features], dtype=np.float32)
    is_flag = np.array([feature.unit == "flag" for feature in model.features])
    silent: NDArray[np.bool_] = is_flag & ~np.isnan(matrix) & (matrix != raised)
    return silent


def _strongest(candidates: Floats, most: int, *, keep_one: bool) -> tuple[Positions, Positions, Positions]:
    """Row, feature position and rank of each reason: the largest positive contributions, at most so many a row.

    With `keep_one` a row without any keeps its one least favourable feature, so that every score says something.
    Features that cannot be a reason come as minus infinity.
    """
    count = min(most, candidates.shape[1])
    top = np.argpartition(-candidates, count - 1, axis=1)[:, :count]
    amounts = np.take_along_axis(candidates, top, axis=1)
    # equal contributions in registry order
    order = np.lexsort((top, -amounts), axis=1)
    top, amounts = np.take_along_axis(top, order, axis=1), np.take_along_axis(amounts, order, axis=1)
    keep = amounts > 0
    keep[:, 0] |= keep_one
    row, rank = np.nonzero(keep)
    return row, top[row, rank], rank + 1


def _values_and_peers(model: Model, rows: _Explained, row: Positions, position: Positions) -> tuple[Floats, Floats]:
    """Value of each reason and the median (of categories: the mode) of its supplier's peers, NaN where not known."""
    segments = [name for name in model.manifest.segment_columns if name in rows.table.column_names]
    group = pd.DataFrame({name: rows.table.column(name).to_pandas().astype(str) for name in segments})
    group["night"] = rows.dates
    # those of whom a segment is not known are peers too
    cell, night = (
        group.groupby(names, sort=False, dropna=False).ngroup().to_numpy() for names in (list(group.columns), ["night"])
    )
    values, peers = np.empty(len(row)), np.empty(len(row))
    for number in np.unique(position):
        at = np.flatnonzero(position == number)
        feature, of_row = model.features[number], row[at]
        column = pd.Series(feature_values(rows.table, feature))
        enough = column.groupby(cell).count().to_numpy()[cell[of_row]] >= SMALLEST_PEER_GROUP
        of_cell, of_night = _usual(column.groupby(cell), feature), _usual(column.groupby(night), feature)
        values[at] = column.to_numpy()[of_row]
        peers[at] = np.where(enough, of_cell[cell[of_row]], of_night[night[of_row]])
    return values, peers


def _usual(peers: SeriesGroupBy[float, Any], feature: Feature) -> Floats:
    """The median of each group; of categories the most frequent, the first of equals."""
    usual = peers.median() if feature.categories is None else peers.agg(lambda codes: codes.mode().min())
    found: Floats = np.asarray(usual, dtype=np.float64)
    return found
