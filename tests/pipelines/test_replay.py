"""What a replay sees of the lake of the book."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines.replay import SHARED_DATASETS, share_lake
from pipelines.settings import Settings


def test_a_replay_sees_deliveries_and_earlier_scores_as_dbt_reads_them(tmp_path: Path) -> None:
    book, beside = Settings(home=tmp_path / "book"), Settings(home=tmp_path / "beside")
    for settings in (book, beside):
        settings.lake.mkdir(parents=True)
    with duckdb.connect() as con:
        for place in ("receipts/batch_date=2026-03-01", "scores/supplier_score/as_of_date=2026-03-01"):
            (book.lake / place).mkdir(parents=True)
            con.execute(f"copy (select 1 as x) to '{book.lake / place}/part.parquet' (format parquet)")
        later = book.lake / "scores/supplier_score/as_of_date=2026-03-02"
        later.mkdir()
        con.execute(f"copy (select 2 as x) to '{later}/part.parquet' (format parquet)")
        share_lake(book, beside, date(2026, 3, 2))
        for dataset in ("receipts", "scores/supplier_score"):
            seen = con.execute(f"select x from read_parquet('{beside.lake / dataset}/**/*.parquet')").fetchall()
            assert seen == [(1,)], dataset
    assert all((beside.lake / dataset).is_dir() for dataset in SHARED_DATASETS), (
        "a dataset that the book lacks is empty"
    )
