"""Records that name a party, and their states: what a record says of the party, from the day on which it said so.

A state is a version of a record that differs from the one before in number, name, account or address, or ends it
(``is_withdrawn``). Other changes of a record are nothing to its identity and make no state. States are the lake dataset
``identity/record``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from sources.arrival import raw_dataset
from sources.contract import load_contracts
from sources.identity.company_name import company_name_columns
from sources.lake import Lake
from sources.sql import quoted, sql_text


@dataclass(frozen=True)
class RecordKind:
    """A feed whose records name a party; the names are columns of its contract."""

    feed: str
    name: str
    number: str
    account: str | None = None
    address: str | None = None


RECORD_KINDS = (
    RecordKind("platform.core_enterprise", name="party_name", number="party_no"),
    RecordKind(
        "platform.supplier",
        name="supplier_name",
        number="party_no",
        account="settlement_account_no",
        address="address",
    ),
    RecordKind("erp.vendor", name="vendor_name", number="party_no", account="bank_account_no"),
    RecordKind("tax.taxpayer", name="taxpayer_name", number="taxpayer_no"),
    RecordKind("bank.account", name="holder_name", number="holder_no", account="account_no"),
)

RECORDS = "identity/record"
RECORD_SCHEMA = pa.schema(
    [
        ("record_kind", pa.string()),
        ("record_key", pa.string()),
        ("known_date", pa.date32()),
        ("batch_date", pa.date32()),
        ("file_id", pa.string()),
        ("row_no", pa.int64()),
        ("is_withdrawn", pa.bool_()),
        ("party_no_scheme", pa.string()),
        ("party_no", pa.string()),
        ("party_name", pa.string()),
        ("account_no", pa.string()),
        ("address", pa.string()),
        ("core", pa.string()),
        ("shuffled", pa.string()),
        ("script", pa.string()),
        ("region", pa.string()),
        ("province", pa.string()),
        ("legal_class", pa.string()),
        ("has_legal_form", pa.bool_()),
    ]
)
_VERSION_ORDER = "known_date, batch_date, file_id, row_no"
_CONTENT = ("is_withdrawn", "party_no_scheme", "party_no", "party_name", "account_no", "address")


def load_states(connection: duckdb.DuckDBPyConnection, lake: Lake, as_of: date, since: date | None) -> int:
    """Fill the table ``state``: those known by ``since`` as written before, and those that came after.

    ``is_new`` tells them apart. All columns of `RECORD_SCHEMA`; one state a record and day. Returns the number of new
    ones. With ``since`` None every state is made anew from the raw lake, of all that counts as known on ``as_of``.
    """
    columns = ", ".join(RECORD_SCHEMA.names)
    known = f"select {columns} from {scan(lake, RECORDS)} where batch_date <= $since" if since else None
    bounds = {"as_of": as_of} | ({"since": since} if since else {})
    versions = " union all ".join(_versions(lake, kind, since) for kind in RECORD_KINDS)
    connection.execute(
        f"""
        create or replace temp table version as
        from ({versions})
        qualify row_number() over (
            partition by record_kind, record_key, known_date order by batch_date desc, file_id desc, row_no desc
        ) = 1
        """,
        bounds,
    )
    content = ", ".join(_CONTENT)
    earlier = (
        f"""
        union all
        select record_kind, record_key, {_VERSION_ORDER}, {content}, false as is_new from ({known})
        semi join version using (record_kind, record_key)
        qualify row_number() over (partition by record_kind, record_key order by known_date desc) = 1
        """
        if known
        else ""
    )
    connection.execute(
        f"""
        create or replace temp table changed as
        select * from (
            select *, row({content}) is distinct from lag(row({content})) over history as is_changed
            from (select record_kind, record_key, {_VERSION_ORDER}, {content}, true as is_new from version {earlier})
            window history as (partition by record_kind, record_key order by {_VERSION_ORDER})
        )
        where is_new and is_changed
        """,
        {"since": since} if since else {},
    )
    names: pa.Table = connection.sql("select distinct party_name from changed").to_arrow_table()
    connection.register("name_part", company_name_columns(names["party_name"].to_pylist()))
    connection.execute(
        f"""
        create or replace temp table state as
        select {columns}, true as is_new from changed join name_part on changed.party_name = name_part.name
        {f"union all select {columns}, false as is_new from ({known})" if known else ""}
        """,
        {"since": since} if since else {},
    )
    connection.unregister("name_part")
    return int(connection.execute("select count(*) from changed").fetchall()[0][0])


def scan(lake: Lake, dataset: str) -> str:
    """A dataset of the lake as a relation."""
    return f"read_parquet({sql_text(lake.glob(dataset))}, union_by_name = true, hive_partitioning = false)"


def _versions(lake: Lake, kind: RecordKind, since: date | None) -> str:
    """The delivered versions of a kind's records as of the night, in the columns of a state."""
    contract = load_contracts()[kind.feed]
    scheme = contract.column(kind.number).number_scheme
    if scheme is None:
        raise ValueError(f"{kind.feed}: {kind.number} names no scheme; the contract must give its numberScheme.")
    columns = {
        "record_kind": sql_text(kind.feed),
        "record_key": " || ':' || ".join(f"{quoted(name)}::varchar" for name in _key(kind)),
        "is_withdrawn": "row_no < 0",
        "party_no_scheme": f"case when {quoted(kind.number)} is not null then {quoted(scheme)} end",
        "party_no": f"case when {quoted(scheme)} is not null then {quoted(kind.number)} end",
        "party_name": quoted(kind.name),
        "account_no": _as_written_plainly(kind.account),
        "address": "null::varchar" if kind.address is None else quoted(kind.address),
    }
    return f"""
        select {", ".join(f"{value} as {name}" for name, value in columns.items())}, {_VERSION_ORDER}
        from {scan(lake, raw_dataset(contract))}
        where known_date <= $as_of {"and batch_date > $since and batch_date <= $as_of" if since else ""}
    """


def _key(kind: RecordKind) -> tuple[str, ...]:
    """The feed's key, without the scheme of a number that is part of it."""
    contract = load_contracts()[kind.feed]
    schemes = {contract.column(name).number_scheme for name in contract.key}
    return tuple(name for name in contract.key if name not in schemes)


def _as_written_plainly(account: str | None) -> str:
    """An account number without blanks and hyphens, in capitals; null where nothing is left."""
    if account is None:
        return "null::varchar"
    return f"nullif(upper(regexp_replace({quoted(account)}, '[^0-9A-Za-z]', '', 'g')), '')"
