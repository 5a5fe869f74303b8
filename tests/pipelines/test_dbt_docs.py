"""The documentation of the warehouse: one page that needs no network, made beside the standing warehouse."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.dbt_docs import write_dbt_docs
from pipelines.night import NightError
from pipelines.settings import Settings


def test_without_a_night_there_is_nothing_to_document(tmp_path: Path) -> None:
    with pytest.raises(NightError, match="No night has finished"):
        write_dbt_docs(Settings(home=tmp_path))


def test_the_page_knows_models_and_columns_and_leaves_the_warehouse_alone(parsed_home: Settings) -> None:
    parsed_home.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(parsed_home.warehouse)) as con:
        con.execute("create schema monitoring")
        con.execute("create table monitoring.run_log as select date '2026-06-30' as as_of_date, 7 as delivered_files")
    before = parsed_home.warehouse.read_bytes()
    page = write_dbt_docs(parsed_home).read_text()
    assert parsed_home.warehouse.read_bytes() == before
    assert not parsed_home.working_warehouse.exists()
    assert "model.anchorwatch.certificate_position" in page
    assert "The warehouse of anchorwatch" in page
    assert '"delivered_files"' in page
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="?https?://', page)
    parsed_home.warehouse.unlink()
