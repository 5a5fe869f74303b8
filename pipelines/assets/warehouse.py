"""The two dbt passes: everything up to the features before scoring, what reads scores and drift after it.

What belongs here: how dbt's models appear as assets, and with which variables each pass runs. What does not: SQL.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
from dagster import AssetExecutionContext, AssetsDefinition, Failure, MetadataValue, Output
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from pipelines.dbt_build import DbtBuild, dbt_build
from pipelines.lake_datasets import old_history_arrived
from pipelines.log import tell
from pipelines.partitions import NIGHTS
from pipelines.resources import NightResource
from pipelines.settings import Settings

AFTER_SCORING = "tag:after_scoring"


class Translator(DagsterDbtTranslator):
    """Assets are named `schema/table`, as readers of the warehouse know them, and grouped by schema."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=True, enable_code_references=False))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        if dbt_resource_props["resource_type"] == "source":
            name = dbt_resource_props["source_name"]
            return "lake" if name == "lake" else f"feeds_{name}"
        schema = dbt_resource_props["schema"]
        return f"staging_{dbt_resource_props['name'].split('__')[0][4:]}" if schema == "staging" else str(schema)


def dbt_passes(settings: Settings) -> list[AssetsDefinition]:
    """Both passes over the manifest of the settings' home."""

    @dbt_assets(
        manifest=settings.manifest,
        name="warehouse_before_scoring",
        exclude=AFTER_SCORING,
        partitions_def=NIGHTS,
        dagster_dbt_translator=Translator(),
        pool="warehouse",
    )
    def before_scoring(context: AssetExecutionContext, night: NightResource) -> Iterator[Any]:
        history_rewritten = old_history_arrived(night.lake, night.as_of, night.night.last_night)
        night.night.open_warehouse(from_scratch=history_rewritten)
        if history_rewritten:
            tell(context, "History from before the last night was delivered: the warehouse is built from scratch")
        yield from _build(context, night)

    @dbt_assets(
        manifest=settings.manifest,
        name="warehouse_after_scoring",
        select=AFTER_SCORING,
        partitions_def=NIGHTS,
        dagster_dbt_translator=Translator(),
        pool="warehouse",
    )
    def after_scoring(context: AssetExecutionContext, night: NightResource) -> Iterator[Any]:
        yield from _build(context, night)

    return [before_scoring, after_scoring]


def _build(context: AssetExecutionContext, night: NightResource) -> Iterator[Any]:
    """Run `dbt build` on the working warehouse; row counts are read when dbt has let go of the file."""
    with night.dbt_settings():
        built = dbt_build(night.settings, context)
    if not built.succeeded:
        yield from (event for event in built.events if not isinstance(event, Output))
        raise Failure(what_failed(built), allow_retries=False)
    counts = row_counts(night)
    for event in built.events:
        if isinstance(event, Output):
            table = ".".join(context.assets_def.keys_by_output_name[event.output_name].path)
            if table in counts:
                yield event.with_metadata({**event.metadata, "dagster/row_count": MetadataValue.int(counts[table])})
                continue
        yield event


def row_counts(night: NightResource) -> dict[str, int]:
    """Rows of every table in the working warehouse, by `schema.table`."""
    with duckdb.connect(str(night.night.warehouse), read_only=True) as con:
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where not internal order by 1, 2"
        ).fetchall()
        return {
            f"{schema}.{table}": con.execute(f'select count(*) from "{schema}"."{table}"').fetchall()[0][0]
            for schema, table in tables
        }


def what_failed(built: DbtBuild) -> str:
    """One sentence on the nodes that failed in a dbt run; rows found by a failing test are counted."""
    if not built.failed:
        return f"dbt ended with an error outside its models; its log is {built.log}"
    named = [f"{name} ({' '.join(message.split())[:300]})" for name, message in built.failed[:3]]
    more = f" and {len(built.failed) - 3} more" if len(built.failed) > 3 else ""
    return f"The warehouse does not hold: {'; '.join(named)}{more}"
