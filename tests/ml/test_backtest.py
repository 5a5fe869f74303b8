from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from small_portfolio import spec

from ml import Model
from ml.backtest.evidence import Backtest, backtest
from ml.card import CARD_PICTURES, render_evidence
from ml.pack import render_pack
from ml.registry import Transition


@pytest.fixture(scope="module")
def evidence(frame: pd.DataFrame) -> Backtest:
    fallen = frame[frame["is_distress_90d"].fillna(False).astype(bool)]
    struck = fallen.groupby("supplier_id")["as_of_date"].max() + np.timedelta64(60, "D")
    events = struck.rename("distress_date").reset_index()
    events["distress_date"] = events["distress_date"].astype("datetime64[s]").dt.date
    told: list[str] = []
    found, forecasts = backtest(
        frame, spec(max_rounds=15, tuning_folds=0), events, warning_grade=8, refit_every=6, progress=told.append
    )
    assert len(told) >= 2
    assert all(re.match(r"20\d\d-", line) for line in told)
    assert {kind: table.num_rows for kind, table in forecasts.items()} == {
        kind: procedure.evaluation.rows for kind, procedure in found.procedures.items()
    }
    return found


def test_model_and_scorecard_are_judged_on_the_same_rows(evidence: Backtest) -> None:
    assert set(evidence.procedures) == {"lightgbm", "scorecard"}
    rows = {(one.evaluation.rows, one.evaluation.events) for one in evidence.procedures.values()}
    assert len(rows) == 1
    for one in evidence.procedures.values():
        assert one.evaluation.auc.value > 0.65
        assert one.lead_time.events > 0
        assert len(one.stability) == evidence.snapshots
        assert set(one.lead_time_segments) == set(one.segments)


def test_evidence_reads_back_to_the_same_bytes(evidence: Backtest) -> None:
    again = Backtest.model_validate_json(evidence.to_bytes())
    assert again == evidence
    assert again.digest == evidence.digest


def test_the_pack_stands_alone_and_names_who_decided(evidence: Backtest, model: Model) -> None:
    step = Transition(
        version=model.version,
        state="champion",
        at=datetime(2026, 7, 1, tzinfo=UTC),
        actor="A. <Validator>",
        reason="sharper | calmer",
    )
    pictures = {name: content for name, content in render_evidence(model).items() if name in CARD_PICTURES}
    page = render_pack(model, evidence, history=[step], code_version="abc123", pictures=pictures)
    assert page.count("data:image/png;base64,") == len(CARD_PICTURES) + 1
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    for heading in ("Purpose and limits of use", "Development", "Validation", "Outcome analysis", "Monitoring",
                    "Reproduction", "Governance"):  # fmt: skip
        assert re.search(rf"<h2>{heading}", page), heading
    assert "<td>A. &lt;Validator&gt;</td>" in page
    assert "<td>sharper | calmer</td>" in page
    assert "abc123" in page
