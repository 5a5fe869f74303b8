"""The SQL of models as dbt compiles it, run on a DuckDB in memory: a build of certificates in a fraction of a second.

dbt takes seconds to start and tens of milliseconds a model, which is too much for a thousand portfolios. It compiles
the chain twice, as a full build and as a night that continues another; dates that stand for the night and the last one
are replaced in the text. What dbt would do with the SQL (create a table, delete and insert by key) is done here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from pipelines.dbt_manifest import parsed_project
from pipelines.settings import Settings
from sources.contract import load_contracts

AS_OF, SINCE = date(2198, 12, 31), date(2197, 12, 31)
MODELS = (
    "int_touched_root",
    "int_certificate",
    "int_touched_payable",
    "int_certificate_event",
    "int_certificate_term_interval",
    "int_certificate_movement",
    "int_certificate_position_interval",
    "certificate_path",
    "int_financing_interval",
    "int_facility_interval",
    "int_payable_interval",
    "int_payable_settlement",
    "certificate_position",
    "certificate_state",
    "certificate_event_breach",
    "fct_certificate_event",
    "fct_receivable",
    "exposure_daily",
    "ageing_daily",
    "limit_daily",
    "tier_penetration_daily",
)
# models that are given instead of built: no supplier, vendor or payable is looked up in the chain of certificates
GIVEN = {
    "int_core_enterprise": "core_enterprise_id varchar, party_id varchar, company_code varchar, "
    "valid_from date, valid_to date",
    "int_supplier": "supplier_id varchar, party_id varchar, valid_from date, valid_to date",
    "int_vendor": "company_code varchar, erp_vendor_no varchar, party_id varchar, valid_from date, valid_to date",
    "int_party_role": "party_id varchar, supplier_id varchar, supplier_known_date date",
    "int_reporting_rate_daily": "as_of_date date, currency varchar, rate_date date, rate decimal(18, 6)",
    "dim_date": "calendar_date date, is_month_end boolean",
}
# of our own arithmetic: true of whatever was delivered
ARITHMETIC = (
    "assert_certificate_trees_conserve_face",
    "certificate_position_adds_up_to_what_was_received",
    "assert_state_agrees_with_position",
    "assert_tiers_equal_positions",
    "assert_exposure_equals_ledger",
    "assert_limits_cover_exposure",
    "assert_ageing_equals_receivables",
)
# of what was delivered: true once late and corrected rows have come
DELIVERED = (
    "assert_children_add_up_to_parent",
    "assert_children_inherit_promise",
    "assert_certificate_clock",
    "assert_slice_is_financed_once",
    "assert_positions_equal_financings",
    "warn_event_breaks_a_rule",
)
FEEDS = (
    "platform.certificate",
    "platform.certificate_event",
    "platform.financing",
    "platform.repayment",
    "platform.facility_event",
    "erp.ap_invoice",
    "erp.ap_payment",
    "erp.goods_receipt",
)
LINEAGE = ("known_date", "batch_date", "file_id", "row_no")


@dataclass(frozen=True)
class Model:
    """A model's SQL for a full build and for a night, and how a night adds its rows.

    ``drops`` is the condition of the rows that go before, as the model's hook says; ``key`` that of delete+insert.
    """

    name: str
    relation: str
    full_sql: str
    night_sql: str
    is_incremental: bool
    key: str | None
    drops: str | None


@dataclass(frozen=True, repr=False)
class CompiledChain:
    """The chain from certificates to exposure, ageing and limits, with its tests."""

    models: Sequence[Model]
    given: Mapping[str, str]
    tests: Mapping[str, str]
    staging: Mapping[str, str]
    rules: Path

    def open(self) -> Chain:
        """An empty warehouse in memory."""
        return Chain(self)


class Chain:
    """One warehouse in memory: rows are delivered, and nights or a full build make the models of them."""

    def __init__(self, compiled: CompiledChain) -> None:
        self._compiled = compiled
        self._connection = duckdb.connect(config={"threads": 1})
        catalog = next(iter(compiled.staging.values())).split(".")[0]
        self._connection.execute(f"attach ':memory:' as {catalog}")
        relations = [*compiled.staging.values(), *compiled.given.values(), *(m.relation for m in compiled.models)]
        for schema in sorted({relation.rsplit(".", 1)[0] for relation in relations}):
            self._connection.execute(f"create schema if not exists {schema}")
        contracts = load_contracts()
        for feed, relation in compiled.staging.items():
            columns = _types(contracts[feed].raw_schema)
            self._connection.execute(f"create table {relation} ({columns})")
        for name, relation in compiled.given.items():
            source = f"from read_csv('{compiled.rules}', types={{'valid_to': 'DATE', 'value': 'DECIMAL(18,6)'}})"
            make = f"as {source}" if name == "rule_parameter" else f"({GIVEN[name]})"
            self._connection.execute(f"create table {relation} {make}")

    def deliver(self, rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Add versions to staging."""
        contracts = load_contracts()
        for feed, versions in rows.items():
            schema = contracts[feed].raw_schema
            relation = self._compiled.staging[feed]
            found = pa.Table.from_pylist(list(versions), schema=schema)
            self._connection.register("delivered", found)
            self._connection.execute(f"insert into {relation} by name select * from delivered")
            self._connection.unregister("delivered")

    def take_snapshots_on(self, days: Sequence[date]) -> None:
        """Let daily marts hold all of the days: each is a month-end to them."""
        relation = self._compiled.given["dim_date"]
        self._connection.execute(f"delete from {relation}")
        self._connection.executemany(f"insert into {relation} values (?, true)", [[day] for day in days])

    def build(self, as_of: date, since: date | None = None) -> None:
        """Make every model: from all that was delivered, or on top of the night ``since``."""
        for model in self._compiled.models:
            sql = _dated(model.night_sql if since else model.full_sql, as_of, since)
            if since is None or not model.is_incremental:
                self._connection.execute(f"create or replace table {model.relation} as {sql}")
                continue
            self._connection.execute(f"create or replace temp table made as {sql}")
            if model.drops:
                self._connection.execute(f"delete from {model.relation} where {model.drops}")
            if model.key:
                self._connection.execute(
                    f"delete from {model.relation} where {model.key} in (select {model.key} from made)"
                )
            self._connection.execute(f"insert into {model.relation} select * from made")

    def failures(self, tests: Sequence[str], as_of: date) -> dict[str, list[tuple[Any, ...]]]:
        """Rows that tests find; tests that find none are left out."""
        found = {name: self.query(_dated(self._compiled.tests[name], as_of, None)) for name in tests}
        return {name: rows for name, rows in found.items() if rows}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._connection.execute(sql).fetchall()

    def relation(self, name: str) -> str:
        """Full name of a model's table."""
        return next(model.relation for model in self._compiled.models if model.name == name)

    def columns(self, relation: str) -> str:
        """Column definitions of a table."""
        return ", ".join(f'"{name}" {kind}' for name, kind, *_ in self.query(f"describe {relation}"))

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Sorted rows of every model but those that say what a night touched."""
        return {
            model.name: self.query(f"from {model.relation} order by all")
            for model in self._compiled.models
            if not model.name.startswith("int_touched_")
        }

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()


def compiled_chain(settings: Settings, folder: Path) -> CompiledChain:
    """Compile the chain of a parsed project, as a full build and, on what that made, as a night."""
    manifest = parsed_project(settings)
    warehouse = folder / settings.working_warehouse.name
    full = _compiled(
        settings, warehouse, f"{{as_of_date: '{AS_OF}', since_date: ''}}", [*MODELS, *ARITHMETIC, *DELIVERED]
    )
    nodes = {node.name: node for node in manifest.nodes.values() if _is_latest(node)}
    staging = {feed: str(nodes[f"stg_{feed.replace('.', '__')}"].relation_name) for feed in FEEDS}
    given = {name: str(nodes[name].relation_name) for name in (*GIVEN, "rule_parameter")}
    rules = settings.dbt_project / "seeds/rule_parameter.csv"
    roots = f"root_certificate_id in (select root_certificate_id from {nodes['int_touched_root'].relation_name})"
    payables = f"select company_code, ap_document_no from {nodes['int_touched_payable'].relation_name}"
    # nothing but events and entries touches a receivable here: suppliers, vendors and core enterprises are given
    drops = {
        "{{ drop_touched(is_touched_root()) }}": roots,
        "{{ drop_touched_receivables() }}": f"case receivable_type when 'CERTIFICATE' then {roots} "
        f"else (company_code, ap_document_no) in ({payables}) end",
    }

    def chain(night: Mapping[str, str]) -> CompiledChain:
        models = [
            Model(
                name,
                str(nodes[name].relation_name),
                full[name],
                night[name],
                nodes[name].config.materialized == "incremental",
                nodes[name].config.unique_key,
                next((drops[hook.sql] for hook in nodes[name].config.pre_hook), None),
            )
            for name in MODELS
        ]
        tests = {name: full[name] for name in (*ARITHMETIC, *DELIVERED)}
        return CompiledChain(models, given, tests, staging, rules)

    # dbt says that a model continues a night only where its table is there
    empty = chain(full).open()
    empty.build(AS_OF)
    with duckdb.connect(str(warehouse)) as connection:
        for model in chain(full).models:
            _, schema, table = model.relation.split(".")
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {schema}.{table} ({empty.columns(model.relation)})")
    empty.close()
    return chain(_compiled(settings, warehouse, f"{{as_of_date: '{AS_OF}', since_date: '{SINCE}'}}", MODELS))


def _compiled(settings: Settings, warehouse: Path, night: str, names: Sequence[str]) -> dict[str, str]:
    """SQL by node, as dbt compiles it against a warehouse."""
    os.environ.update({**settings.environment(), "ANCHORWATCH_WAREHOUSE": str(warehouse)})
    result = dbtRunner(manifest=parsed_project(settings)).invoke(
        ["compile", "--select", *names, "--project-dir", str(settings.dbt_project), "--vars", night]
        + ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    )
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if result.exception is not None:
        raise result.exception
    return {node.node.name: node.node.compiled_code for node in result.result if _is_latest(node.node)}


def _is_latest(node: Any) -> bool:
    """Whether it is no earlier version of a model, which is kept for readers that have not followed yet."""
    return getattr(node, "version", None) == getattr(node, "latest_version", None)


def _dated(sql: str, as_of: date, since: date | None) -> str:
    """The SQL of the night that is meant."""
    sql = sql.replace(f"'{AS_OF}'", f"'{as_of}'")
    return sql.replace(f"'{SINCE}'", f"'{since}'") if since else sql


def _types(schema: pa.Schema) -> str:
    """Column definitions of a feed's versions."""
    names = {"string": "varchar", "date32[day]": "date", "int32": "integer", "int64": "bigint", "bool": "boolean"}
    return ", ".join(
        f'"{field.name}" '
        + names.get(str(field.type), re.sub(r"^(decimal)128|^(timestamp).*", r"\1\2", str(field.type)))
        for field in schema
    )
