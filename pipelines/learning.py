"""What a model of the book learns from, and how: the one spec and the one table of training and of backtests."""

from __future__ import annotations

from datetime import date

import duckdb
import pyarrow as pa

import ml


def training_spec(as_of: date) -> ml.TrainingSpec:
    """The spec of the book's model on what was known on a date."""
    return ml.TrainingSpec(as_of_date=as_of, group="connected_group_id")


def training_frame(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Feature rows of suppliers that could be scored, with the label of each horizon where its window is over.

    `connected_group_id` is the party itself where it is tied to no other.
    """
    return con.sql(
        """
        select
            f.*,
            l.is_distress_90d,
            l.is_distress_180d,
            l.is_distress_365d,
            coalesce(g.connected_group_id, f.party_id) as connected_group_id
        from features.supplier_daily f
        join features.supplier_label l using (as_of_date, supplier_id)
        left join intermediate.int_connected_group_daily g using (as_of_date, party_id)
        where f.population_status = 'ELIGIBLE' and l.is_distress_90d is not null
        order by f.as_of_date, f.supplier_id
        """
    ).to_arrow_table()
