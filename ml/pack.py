"""The model pack: card and backtest as one page that a validator can keep, laid out along the headings of SR 26-2.

The page stands alone: pictures are part of it, and nothing is fetched.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

from markdown_it import MarkdownIt

from ml.backtest.evidence import Backtest, Procedure
from ml.backtest.lead_time import LeadTime
from ml.backtest.metrics import Interval
from ml.card import bins_table, figure_rows, interval_text, markdown_table, render_card
from ml.model import Model
from ml.plots import history_plot
from ml.registry import Transition

PACK_FILE = "model_pack.html"
HISTORY_PLOT = "backtest.png"

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1b2733; }
h1, h2 { color: #1f4e79; } h2 { border-bottom: 1px solid #d5dde5; padding-bottom: .2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .8rem 0; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #e3e8ee; padding: .25rem .6rem; text-align: left; } th { background: #f3f6f9; }
img { max-width: 48%; vertical-align: top; }
img[alt^="AUC"] { max-width: 100%; } code { background: #f3f6f9; padding: 0 .2rem; overflow-wrap: anywhere; }
"""


def render_pack(
    model: Model,
    evidence: Backtest,
    *,
    history: Sequence[Transition],
    code_version: str,
    pictures: Mapping[str, bytes],
) -> str:
    """The page as HTML.

    Args:
        history: what became of the model so far.
        code_version: revision of the code that ran the backtest.
        pictures: the card's PNGs by file name.
    """
    text = render_card(model, outcomes=_outcomes(evidence)) + _governance(model, history, code_version)
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    for name, content in {**pictures, HISTORY_PLOT: history_plot(_aucs(evidence))}.items():
        body = body.replace(f'src="{name}"', f'src="data:image/png;base64,{base64.b64encode(content).decode()}"')
    title = escape(f"Model pack: {model.version}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )


def _aucs(evidence: Backtest) -> dict[str, list[tuple[str, Interval]]]:
    return {
        name: [(day.isoformat(), figures.auc) for day, figures in sorted(procedure.snapshots.items())]
        for name, procedure in evidence.procedures.items()
    }


def _outcomes(evidence: Backtest) -> str:
    names = list(evidence.procedures)
    return "\n\n".join(
        [
            "## Outcome analysis: every past month-end",
            f"{evidence.snapshots} snapshots from {evidence.first} to {evidence.last}, each forecast by a model fitted "
            "on what was known then (labels whose horizon was over, an embargo of "
            f"{evidence.embargo_days} days, settings chosen anew at each refit, a refit every {evidence.refit_every} "
            "snapshots). Beside it the transparent challenger, a scorecard of points, on the same rows. 95 % bootstrap "
            "intervals over groups of connected parties in brackets.",
            _compared(evidence),
            f"![AUC by snapshot]({HISTORY_PLOT})",
            "### By snapshot\n\n" + _snapshots(evidence, names),
            *(f"### By segment: {name}\n\n" + _segments(evidence.procedures[name]) for name in names),
            "### Calibration by grade\n\n" + bins_table("grade", evidence.procedures[names[0]].evaluation.grades),
            "### Stability of grades\n\n" + _stability(evidence.procedures[names[0]]),
        ]
    )


def _compared(evidence: Backtest) -> str:
    procedures = evidence.procedures.values()
    rows = [*figure_rows([one.evaluation for one in procedures]), *_lead_rows([one.lead_time for one in procedures])]
    return markdown_table(("", *evidence.procedures), rows)


def _lead_rows(leads: Sequence[LeadTime]) -> list[tuple[str, ...]]:
    def shown(figure: Interval | None, factor: int, style: str) -> str:
        return "none" if figure is None else interval_text(figure, factor, style)

    return [
        (
            f"events warned of (grade {leads[0].warning_grade} or worse until the event), %",
            *(shown(lead.warned_share, 100, ".0f") for lead in leads),
        ),
        ("median days from first warning to event, warned", *(shown(lead.median_days, 1, ".0f") for lead in leads)),
        ("the same over all events, 0 where not warned", *(shown(lead.median_days_of_all, 1, ".0f") for lead in leads)),
        (
            "rows that carry a warning, %",
            *("none" if lead.flagged_share is None else f"{100 * lead.flagged_share:.1f}" for lead in leads),
        ),
    ]


def _snapshots(evidence: Backtest, names: Sequence[str]) -> str:
    days = sorted({day for name in names for day in evidence.procedures[name].snapshots})
    rows = []
    for day in days:
        found = [evidence.procedures[name].snapshots.get(day) for name in names]
        first = next(figures for figures in found if figures is not None)
        rows.append(
            (
                day.isoformat(),
                f"{first.rows} / {first.events}",
                *("" if figures is None else interval_text(figures.auc, 1, ".3f") for figures in found),
            )
        )
    return markdown_table(("snapshot", "rows / events", *(f"AUC, {name}" for name in names)), rows)


def _segments(procedure: Procedure) -> str:
    rows = []
    for name, segment in procedure.segments.items():
        lead, figures = procedure.lead_time_segments[name], segment.evaluation
        rows.append(
            (
                name,
                f"{segment.rows} / {segment.events}",
                *(
                    ("too few events", "", "")
                    if figures is None
                    else (
                        interval_text(figures.auc, 1, ".3f"),
                        interval_text(figures.capture_worst_5pct, 1, ".3f"),
                        interval_text(figures.ece, 100, ".2f"),
                    )
                ),
                "none" if lead.median_days is None else interval_text(lead.median_days, 1, ".0f"),
            )
        )
    header = ("segment", "rows / events", "ROC AUC", "capture in the worst 5 %", "ECE, points", "lead, days")
    return markdown_table(header, rows)


def _stability(procedure: Procedure) -> str:
    def share(value: float | None) -> str:
        return "" if value is None else f"{value:.1%}"

    rows = [
        (
            month.as_of_date.isoformat(),
            str(month.rows),
            f"{month.mean_pd:.2%}",
            "" if month.psi is None else f"{month.psi:.3f}",
            share(month.same_share),
            share(month.far_share),
        )
        for month in procedure.stability
    ]
    header = ("snapshot", "rows", "mean PD", "PSI of grades", "kept their grade", "moved by more than one")
    return markdown_table(header, rows)


def _governance(model: Model, history: Sequence[Transition], code_version: str) -> str:
    rows = [
        (
            step.at.isoformat(sep=" ", timespec="minutes"),
            step.version,
            step.state,
            _cell(step.actor),
            _cell(step.reason),
        )
        for step in history
    ]
    happened = (
        markdown_table(("when (UTC)", "model", "became", "by", "why"), rows) if rows else "It has held no role yet."
    )
    return (
        "\n## Governance\n\n"
        f"Backtest and page by code version `{code_version}`. A model is promoted on this evidence by a person who "
        f"gives a name and a reason; `anchorwatch rollback` takes it back.\n\n{happened}\n"
    )


def _cell(words: str) -> str:
    """What a person typed, as the text of one cell."""
    return " ".join(words.split()).replace("\\", "\\\\").replace("|", "\\|")
