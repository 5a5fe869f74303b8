"""From features to scores: what `ml` is given from the lake and the warehouse, and where its tables go."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    Failure,
    MarkdownMetadataValue,
    MaterializeResult,
    MetadataValue,
    asset,
    multi_asset,
)

import ml
from ml.change import CHANGE_SCHEMA, score_change
from ml.model import Model
from ml.registry import ROLES, ModelRegistry, Role
from pipelines.lake_datasets import FEATURES as FEATURES_DATASET
from pipelines.lake_datasets import features_before, features_of_night, scores_of_night, write_night
from pipelines.learning import training_frame, training_spec
from pipelines.log import tell
from pipelines.partitions import NIGHTS
from pipelines.resources import NightResource

OWNER = "early-warning@anchorwatch.example"
FEATURES = AssetKey(["lake", "supplier_feature"])
CHAMPION = AssetKey(["models", "champion"])
SCORES = AssetKey(["lake", "supplier_score"])
REASONS = AssetKey(["lake", "score_reason"])
FAMILIES = AssetKey(["lake", "score_family"])
CHANGES = AssetKey(["lake", "score_change"])


@asset(
    key=FEATURES,
    deps=[AssetKey(["features", "supplier_daily"])],
    partitions_def=NIGHTS,
    group_name="early_warning",
    owners=[OWNER],
    kinds={"parquet"},
    description="The night's feature rows as Parquet: all that the model sees.",
    pool="warehouse",
)
def supplier_feature(context: AssetExecutionContext, night: NightResource) -> MaterializeResult[None]:
    with duckdb.connect(str(night.night.warehouse), read_only=True) as con:
        rows: pa.Table = con.execute(
            "select * from features.supplier_daily where as_of_date = ? order by supplier_id", [night.as_of]
        ).to_arrow_table()
    if rows.num_rows == 0:
        raise Failure(
            f"No supplier is known on {night.as_of}: the feed platform.supplier has no row yet.", allow_retries=False
        )
    write_night(night.lake, FEATURES_DATASET, night.as_of, "part", rows)
    return MaterializeResult(metadata={"dagster/row_count": MetadataValue.int(rows.num_rows)})


@asset(
    key=CHAMPION,
    deps=[
        AssetKey(["features", "supplier_daily"]),
        AssetKey(["features", "supplier_label"]),
        AssetKey(["intermediate", "int_connected_group_daily"]),
    ],
    partitions_def=NIGHTS,
    group_name="early_warning",
    owners=[OWNER],
    kinds={"lightgbm"},
    description="The model that scores the night. Trained only when asked; a standing champion is never replaced.",
    pool="warehouse",
)
def champion(context: AssetExecutionContext, night: NightResource) -> MaterializeResult[None]:
    registry = ModelRegistry(night.settings.models)
    with duckdb.connect(str(night.night.warehouse), read_only=True) as con:
        frame = training_frame(con)
    model = ml.fit(frame, training_spec(night.as_of))
    registry.save(model)
    version = model.version
    standing = registry.role("champion")
    role: Role = "challenger" if standing not in (None, version) else "champion"
    if standing == version:
        tell(context, f"Trained {version} again, the champion itself: it has learned all there is")
    else:
        registry.assign(
            role,
            version,
            at=datetime.now(UTC).replace(tzinfo=None),
            actor="training",
            reason="no champion stood" if role == "champion" else "trained beside the champion",
        )
        tell(context, f"Trained {version}, now {role}")
    return MaterializeResult(metadata=_model_metadata(registry, version, role))


@multi_asset(
    name="score_suppliers",
    specs=[
        AssetSpec(
            key=key,
            deps=[FEATURES, CHAMPION],
            group_name="early_warning",
            owners=[OWNER],
            kinds={"parquet"},
            description=description,
        )
        for key, description in (
            (SCORES, "One row for each supplier and model role: scored, or not scored with the reason."),
            (REASONS, "What raises and what lowers each score most, with the supplier's value and its peers'."),
            (FAMILIES, "The contributions to each score, summed by family of features."),
            (CHANGES, "What moved each score since the night before: data that arrived, behaviour, or the model."),
        )
    ],
    partitions_def=NIGHTS,
)
def score(context: AssetExecutionContext, night: NightResource) -> Iterator[MaterializeResult[Any]]:
    frame, clock = features_of_night(night.lake, night.as_of), datetime.now(UTC).replace(tzinfo=None)
    metadata: dict[AssetKey, dict[str, Any]] = {SCORES: {}, REASONS: {}, FAMILIES: {}, CHANGES: {}}
    for role, model in models_in_roles(ModelRegistry(night.settings.models)).items():
        result = ml.score(model, frame, role=role, scored_at=clock)
        for key, dataset, table in (
            (SCORES, "scores/supplier_score", result.supplier_score),
            (REASONS, "scores/score_reason", result.score_reason),
            (FAMILIES, "scores/score_family", result.score_family),
            (CHANGES, "scores/score_change", _changes(night, model, role, frame, result)),
        ):
            write_night(night.lake, dataset, night.as_of, role, table)
            metadata[key][f"{role}_rows"] = MetadataValue.int(table.num_rows)
        metadata[SCORES][f"{role}_grades"] = _grades(result.supplier_score)
    for key, entries in metadata.items():
        yield MaterializeResult(asset_key=key, metadata=entries)


def _changes(night: NightResource, model: Model, role: Role, frame: pa.Table, scores: ml.Scores) -> pa.Table:
    """What moved the night's scores; no row where no night before is near, or the role had no model then."""
    before = features_before(night.lake, night.as_of, model.feature_names)
    if before is None:
        return CHANGE_SCHEMA.empty_table()
    earlier = scores_of_night(night.lake, before.column("as_of_date")[0].as_py(), role)
    if earlier is None:
        return CHANGE_SCHEMA.empty_table()
    table = scores.supplier_score
    scored = table.filter(pc.equal(table.column("status"), "SCORED")).column("supplier_id")
    now = frame.filter(pc.is_in(frame.column("supplier_id"), scored.combine_chunks()))
    return score_change(model, now, before, earlier, role=role)


def models_in_roles(registry: ModelRegistry) -> dict[Role, Model]:
    """The champion and, where there is one, the challenger; every file verified.

    Raises:
        ModelFolderError: there is no champion, or a model was altered.
    """
    taken: list[Role] = [role for role in ROLES if role == "champion" or registry.role(role)]
    return {role: registry.load_role(role) for role in taken}


def _model_metadata(registry: ModelRegistry, version: str, role: str) -> dict[str, Any]:
    folder = registry.folder(version)
    return {
        "version": MetadataValue.text(version),
        "role": MetadataValue.text(role),
        "model_card": MetadataValue.md((folder / "model_card.md").read_text()),
        "discrimination": _picture(folder / "roc.png"),
        "calibration": _picture(folder / "calibration.png"),
        "importance": _picture(folder / "importance.png"),
    }


def _picture(path: Path) -> MarkdownMetadataValue:
    """A PNG that the UI shows in place: it serves no files of its own."""
    return MetadataValue.md(f"![{path.stem}](data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()})")


def _grades(scores: pa.Table) -> MarkdownMetadataValue:
    """Suppliers and mean PD by grade."""
    with duckdb.connect() as con:
        con.register("scores", scores)
        counted = con.execute(
            "select grade, count(*), avg(pd_90d) from scores where status = 'SCORED' group by grade order by grade"
        ).fetchall()
    lines = "\n".join(f"| {grade} | {count:,} | {mean:.2%} |" for grade, count, mean in counted)
    return MetadataValue.md(f"| grade | suppliers | mean PD |\n|---|---|---|\n{lines}")
