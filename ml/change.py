"""What changed since the night before: data that arrived, behaviour, or the model.

The raw score of the night before becomes tonight's in three steps, each with one thing changed and all else as it was:

1. the model: tonight's on the features of the night before;
2. the data: features that became known or unknown take tonight's state;
3. behaviour: features that were known on both nights take tonight's values.

The steps add up exactly. Where features act together, what both steps share falls to the later one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.dataset import Frame, as_table, days, design_matrix, entities, numbers, require_columns
from ml.errors import FrameError
from ml.model import Model

CHANGE_SCHEMA = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("supplier_id", pa.string()),
        ("model_role", pa.string()),
        ("model_version", pa.string()),
        ("previous_date", pa.date32()),
        ("previous_model_version", pa.string()),
        ("raw_score_change", pa.float64()),
        ("from_data", pa.float64()),
        ("from_behaviour", pa.float64()),
        ("from_model", pa.float64()),
        ("largest_feature", pa.string()),
        ("largest_change", pa.float64()),
    ]
)

SMALLEST = 1e-9


def score_change(model: Model, now: Frame, before: Frame, before_scores: Frame, *, role: str = "champion") -> pa.Table:
    """One row per supplier that was scored on both nights and whose raw score moved (`CHANGE_SCHEMA`), by supplier.

    Args:
        now: the night's feature rows that are scored, one date.
        before: the feature rows of the night before, one date.
        before_scores: supplier_id, model_version, raw_score of that night and role; unscored rows are left out.

    The three parts add up to the change of the raw score. `largest_feature` is the one whose
    contribution under tonight's model moved most.

    Raises:
        FrameError: a feature column is absent from either night, or a night holds more than one date.
    """
    tables = [as_table(frame) for frame in (now, before)]
    date_column, id_column = model.manifest.key
    for table in tables:
        require_columns(table, [date_column, id_column], f"model {model.version}")
        if table.num_rows and len(np.unique(days(table, date_column))) != 1:
            raise FrameError("A change is told between two nights; give rows of one date each.")
    scored = as_table(before_scores)
    require_columns(scored, ["supplier_id", "model_version", "raw_score"], "the change of a score")
    known = pd.DataFrame(
        {
            "supplier_id": entities(scored, "supplier_id"),
            "version": entities(scored, "model_version"),
            "raw": numbers(scored, "raw_score"),
        }
    ).dropna(subset="raw")
    places = [
        pd.DataFrame({"supplier_id": entities(table, id_column), name: np.arange(table.num_rows)})
        for table, name in zip(tables, ("now", "before"), strict=True)
    ]
    rows = places[0].merge(places[1], on="supplier_id").merge(known, on="supplier_id").sort_values("supplier_id")
    if rows.empty:
        return CHANGE_SCHEMA.empty_table()
    at_now = design_matrix(tables[0], model.features)[rows["now"].to_numpy()]
    at_before = design_matrix(tables[1], model.features)[rows["before"].to_numpy()]
    arrived = np.isnan(at_now) != np.isnan(at_before)
    said, raw_before, raw_now = rows["raw"].to_numpy(), model.raw_scores(at_before), model.raw_scores(at_now)
    with_data = model.raw_scores(np.where(arrived, at_now, at_before))
    from_model = np.where(rows["version"].to_numpy() != model.version, raw_before - said, 0.0)
    from_data, from_behaviour = with_data - raw_before, raw_now - with_data
    change = raw_now - said
    told = np.abs(change) > SMALLEST
    moved = model.contributions(at_now[told])[0] - model.contributions(at_before[told])[0]
    largest = np.argmax(np.abs(moved), axis=1)
    names = np.array([feature.name for feature in model.features], dtype=object)
    count = int(told.sum())
    first_day = [days(table, date_column)[0] for table in tables]
    return pa.table(
        [
            pa.array(np.repeat(first_day[0], count)),
            pa.array(rows["supplier_id"].to_numpy()[told], pa.string()),
            pa.repeat(role, count),
            pa.repeat(model.version, count),
            pa.array(np.repeat(first_day[1], count)),
            pa.array(rows["version"].to_numpy()[told], pa.string()),
            pa.array(change[told]),
            pa.array(from_data[told]),
            pa.array(from_behaviour[told]),
            pa.array(from_model[told]),
            pa.array(names[largest], pa.string()),
            pa.array(moved[np.arange(count), largest]),
        ],
        schema=CHANGE_SCHEMA,
    )
