"""The end of the night: the publication, then the warehouse becomes the standing one."""

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, MetadataValue, asset

from ml.registry import ModelRegistry
from pipelines.dbt_manifest import Manifest, code_version
from pipelines.log import tell
from pipelines.mask import mask_of, masked_columns
from pipelines.partitions import NIGHTS
from pipelines.publish import publish
from pipelines.resources import NightResource
from pipelines.settings import Settings


def publication_asset(settings: Settings) -> AssetsDefinition:
    """The publication depends on every table that it copies, so it waits for all their checks."""
    manifest = Manifest(settings.manifest)
    tables = manifest.docs_for_readers()

    @asset(
        key=AssetKey(["published", settings.audience]),
        deps=[AssetKey(table.split(".")) for table in tables],
        partitions_def=NIGHTS,
        group_name="publication",
        owners=["risk@anchorwatch.example"],
        kinds={"duckdb", "parquet"},
        description="The audience's own database: every mart as a DuckDB file and as Parquet, with a manifest of "
        "digests. Swapped in by one rename after all checks; then the night's warehouse becomes the standing one.",
        pool="warehouse",
    )
    def publication(context: AssetExecutionContext, night: NightResource) -> MaterializeResult[None]:
        champion = ModelRegistry(night.settings.models).load_role("champion").version
        done = publish(
            night.night.warehouse,
            night.settings.published,
            night.settings.audience,
            tables,
            as_of=night.as_of,
            model_version=champion,
            code_version=code_version(),
            mask=mask_of(night.settings),
            personal=masked_columns(),
            memory=night.settings.engine_memory,
        )
        night.night.commit()
        if done.note:
            tell(context, done.note)
        rows = sum(facts["rows"] for facts in done.tables.values())
        tell(context, f"Published {len(done.tables)} tables, {rows:,} rows: {done.database}")
        listing = "\n".join(f"| `{name}` | {facts['rows']:,} |" for name, facts in done.tables.items())
        return MaterializeResult(
            metadata={
                "database": MetadataValue.path(str(done.database)),
                "dagster/row_count": MetadataValue.int(rows),
                "tables": MetadataValue.md(f"| table | rows |\n|---|---|\n{listing}"),
            }
        )

    return publication
