"""How much grades move from one snapshot to the next, without a reason to."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ml.reference import psi

GRADES = 10


class SnapshotStability(BaseModel):
    """One snapshot beside the one before it.

    `psi` compares the distributions of grades; `same_share` and `far_share` are the parts of suppliers in both that
    kept their grade, and that moved by more than one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of_date: date
    rows: int
    mean_pd: float
    psi: float | None
    same_share: float | None
    far_share: float | None


def stability(forecasts: pd.DataFrame) -> tuple[SnapshotStability, ...]:
    """Args:
    forecasts: as_of_date, supplier_id, grade, pd; one row per snapshot and supplier.
    """
    found: list[SnapshotStability] = []
    before: pd.DataFrame | None = None
    for day in sorted(set(forecasts["as_of_date"])):
        rows = forecasts[forecasts["as_of_date"] == day]
        moved_psi = same = far = None
        if before is not None:
            moved_psi = psi(_counts(before), _counts(rows))
            both = rows.merge(before, on="supplier_id", suffixes=("", "_before"))
            if len(both):
                moved = (both["grade"] - both["grade_before"]).abs()
                same, far = float((moved == 0).mean()), float((moved > 1).mean())
        found.append(
            SnapshotStability(
                as_of_date=day,
                rows=len(rows),
                mean_pd=float(rows["pd"].mean()),
                psi=moved_psi,
                same_share=same,
                far_share=far,
            )
        )
        before = rows
    return tuple(found)


def _counts(rows: pd.DataFrame) -> NDArray[np.float64]:
    return np.bincount(rows["grade"], minlength=GRADES + 1).astype(np.float64)
