"""Where things are: one settings object, read once from the environment and handed to whoever needs it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from sources.mapping_files import MAPPING_FOLDERS

CHECKOUT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting cannot be used; the message says why and what to do."""


class Settings(BaseSettings):
    """Paths of one home and of the checkout; `ANCHORWATCH_HOME` names the home (default `./data`).

    Raises:
        SettingsError: a variable holds what cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix="ANCHORWATCH_", frozen=True)

    home: Path = Field(default=Path("data"), description="folder of everything that a run makes")
    audience: str = Field(
        default="bank",
        pattern="^[a-z_]+$",
        description="name of the audience that the night publishes for, of small letters and underscores",
    )
    engine_memory: str = Field(
        default="3GB",
        pattern="^[1-9][0-9]*(MB|GB)$",
        description="memory of the engine for dbt and for the publication, a whole number and MB or GB, as in 3GB",
    )
    mask_key: SecretStr | None = Field(default=None, description="key of the tokens for personal identifiers")
    mask_key_file: Path | None = Field(default=None, description="file that holds the key")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # without the value: it may be a secret
            name = str(error.errors()[0]["loc"][0])
            rule = type(self).model_fields[name].description
            raise SettingsError(f"ANCHORWATCH_{name.upper()} cannot be used; it must be the {rule}.") from None

    @property
    def root(self) -> Path:
        return self.home.expanduser().resolve()

    @property
    def own_mask_key(self) -> Path:
        """The key of a home for which neither setting names one."""
        return self.root / "mask.key"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def mappings(self) -> tuple[Path, ...]:
        """Folders of mappings: the home's own, which come first, and the project's."""
        return (self.root / "mappings", *MAPPING_FOLDERS)

    @property
    def extracts(self) -> Path:
        """Folder of the home's extracts, each a query of a database that delivers new rows."""
        return self.root / "extracts"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file of the last finished night. Nobody writes it: a night works on a copy and renames."""
        return self.root / "warehouse" / "anchorwatch.duckdb"

    @property
    def working_warehouse(self) -> Path:
        """The copy that the night in the making writes."""
        return self.root / "warehouse" / ".work" / "anchorwatch.duckdb"

    @property
    def dagster_home(self) -> Path:
        return self.root / "dagster"

    @property
    def dbt_project(self) -> Path:
        return CHECKOUT / "dbt_project"

    @property
    def dbt_target(self) -> Path:
        return self.root / "warehouse" / "dbt"

    @property
    def manifest(self) -> Path:
        return self.dbt_target / "manifest.json"

    def environment(self) -> dict[str, str]:
        """Variables that Dagster and dbt read, for this process and the ones it starts."""
        return {
            "ANCHORWATCH_HOME": str(self.root),
            "ANCHORWATCH_LAKE": str(self.lake),
            "ANCHORWATCH_WAREHOUSE": str(self.working_warehouse),
            "ANCHORWATCH_ENGINE_MEMORY": self.engine_memory,
            "ANCHORWATCH_DAGSTER_STORAGE": str(self.dagster_home / "storage"),
            "DAGSTER_HOME": str(self.dagster_home),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DBT_PROFILES_DIR": str(self.dbt_project),
            "DBT_TARGET_PATH": str(self.dbt_target),
            "DBT_LOG_PATH": str(self.dbt_target),
            "DO_NOT_TRACK": "1",
        }

    def prepare(self) -> None:
        """Make the home's folders, link the instance settings into it and set the environment of this process.

        Raises:
            SettingsError: the engine cannot find files below the home.
        """
        # DuckDB takes a list of folders to search, and knows no way to write a comma that separates none
        if "," in str(self.lake):
            raise SettingsError(f"The home {self.root} has a comma in its path; choose a folder without one.")
        for folder in (self.landing, self.lake, self.models, self.reports, self.published, self.warehouse.parent):
            folder.mkdir(parents=True, exist_ok=True)
        (self.dagster_home / "storage").mkdir(parents=True, exist_ok=True)
        source, instance = CHECKOUT / "dagster.yaml", self.dagster_home / "dagster.yaml"
        if not instance.exists() or instance.read_bytes() != source.read_bytes():
            shutil.copyfile(source, instance)
        os.environ.update(self.environment())
