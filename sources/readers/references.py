"""References of bank bookings: unique within a statement, as each of its entries is another booking.

Banks repeat a reference, for a payment and its charge for instance. Rows of a feed with the same key are versions of
one another, so that the second booking would replace the first.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb

from sources.readers import DeliveredColumns, Records, quoted, scalar

STATEMENT_NO = "statement_no"
"""Column that a reader spools beside the delivered ones: number of the statement in its file."""


def told_apart(records: Records, connection: duckdb.DuckDBPyConnection) -> Records:
    """The same records without STATEMENT_NO; a reference that a statement repeats becomes ``X#2``, ``X#3``, ….

    The statement that is delivered twice has the same references again: its entries stay duplicates of the first.
    """
    names = {name: column for name, (column, _) in records.columns.items()}
    statement, reference = names[STATEMENT_NO], names["transaction_ref"]
    columns: DeliveredColumns = {name: own for name, own in records.columns.items() if name != STATEMENT_NO}
    # Of hashes, as they are a fraction of the references in memory; where two meet, the query below tells them apart.
    repeated = scalar(
        connection, f"select count(*) - count(distinct hash({statement}, {reference})) from {records.relation}"
    )
    if not repeated:
        return replace(records, columns=columns)
    nth = quoted("nth")
    relation = (
        f"(select * exclude ({nth}) replace (case when {nth} > 1 then {reference} || '#' || {nth} else {reference} end "
        f"as {reference}) from (select *, row_number() over (partition by {statement}, {reference} "
        f"order by {records.row_no}) as {nth} from {records.relation}))"
    )
    return replace(records, relation=relation, columns=columns, is_columnar=False)
