"""The entry point for Dagster's own tools; `pipelines.build` lists what there is."""

from pipelines.build import build_definitions
from pipelines.settings import Settings

defs = build_definitions(Settings())
