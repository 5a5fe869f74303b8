"""What is found of planted schemes, counted by hand on a small table."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.evaluate_schemes import BEGIN, END, PAGE, SchemeQuality, scheme_quality, with_figures
from sources.simulator.schemes.papers import TRUTH_SCHEMA

SEEN = date(2026, 5, 4)


def planted(scheme: str, rule_id: str | None, subject_id: str) -> dict[str, Any]:
    return {
        "scheme": scheme,
        "actor_id": "S1",
        "rule_id": rule_id,
        "subject_kind": "CERTIFICATE",
        "subject_id": subject_id,
        "first_visible_date": SEEN,
        "is_visible": rule_id is not None,
        "why_not": None if rule_id else "no feed carries it",
    }


@pytest.fixture
def qualities(tmp_path: Path) -> dict[tuple[str, str | None], SchemeQuality]:
    truth = [
        planted("CAMSING", "CHANNEL_UNTRUSTED", "C1"),
        planted("CAMSING", "CHANNEL_UNTRUSTED", "C2"),
        planted("CAMSING", "INVOICE_NOT_IN_BOOKS", "C1"),
        planted("CAMSING", None, "C1"),
        planted("TRICOLOR", "INVOICE_NOT_IN_BOOKS", "C9"),
    ]
    path = tmp_path / "scheme.parquet"
    pq.write_table(pa.Table.from_pylist(truth, schema=TRUTH_SCHEMA), path)
    breaches = [
        ("CHANNEL_UNTRUSTED", "C1", date(2026, 5, 6)),
        ("CHANNEL_UNTRUSTED", "H1", date(2026, 5, 6)),
        ("CHANNEL_UNTRUSTED", "H2", date(2026, 5, 6)),
        ("INVOICE_NOT_IN_BOOKS", "C1", date(2026, 5, 20)),
        ("INVOICE_NOT_IN_BOOKS", "C9", date(2026, 5, 21)),
        ("TENOR_ABOVE_CAP", "C2", date(2026, 5, 6)),
    ]
    with duckdb.connect() as connection:
        connection.execute("create schema receivable")
        connection.execute(
            "create table receivable.rule_breach (rule_id varchar, subject_id varchar, first_known_date date)"
        )
        connection.executemany("insert into receivable.rule_breach values (?, ?, ?)", breaches)
        rows = scheme_quality(connection, path)
    return {(row.scheme, row.rule_id): row for row in rows}


def test_a_rule_is_counted_by_its_subjects(qualities: dict[tuple[str, str | None], SchemeQuality]) -> None:
    found = qualities["CAMSING", "CHANNEL_UNTRUSTED"]
    assert (found.planted, found.visible, found.found, found.flagged, found.median_days) == (2, 2, 1, 3, 2)
    assert (found.recall, found.precision) == (0.5, pytest.approx(1 / 3))


def test_what_another_scheme_planted_is_no_false_alarm(
    qualities: dict[tuple[str, str | None], SchemeQuality],
) -> None:
    books = qualities["CAMSING", "INVOICE_NOT_IN_BOOKS"]
    assert (books.found, books.flagged, books.precision, books.median_days) == (1, 1, 1.0, 16)


def test_hidden_subjects_are_planted_and_lower_no_recall(
    qualities: dict[tuple[str, str | None], SchemeQuality],
) -> None:
    scheme = qualities["CAMSING", None]
    assert (scheme.planted, scheme.visible, scheme.found, scheme.flagged) == (4, 3, 2, 4)
    assert scheme.recall == pytest.approx(2 / 3)
    assert set(qualities) == {
        ("CAMSING", "CHANNEL_UNTRUSTED"),
        ("CAMSING", "INVOICE_NOT_IN_BOOKS"),
        ("CAMSING", None),
        ("TRICOLOR", "INVOICE_NOT_IN_BOOKS"),
        ("TRICOLOR", None),
    }


def test_figures_stand_between_the_marks(qualities: dict[tuple[str, str | None], SchemeQuality]) -> None:
    page = with_figures(f"Before\n{BEGIN}\nold\n{END}\nAfter\n", list(qualities.values()))
    assert page.startswith("Before\n")
    assert page.endswith(f"{END}\nAfter\n")
    assert "old" not in page
    assert "| CAMSING | CHANNEL_UNTRUSTED | 2 | 2 | 1 | 50.0% | 3 | 33.3% | 2 |" in page
    assert with_figures(page, list(qualities.values())) == page
    with pytest.raises(ValueError, match="no lines"):
        with_figures("no marks", [])


def test_the_page_has_the_marks() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
