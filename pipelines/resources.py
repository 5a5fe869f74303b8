"""The resource of a run: the night that it is making. Nothing here knows a feed or a model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from dagster import ConfigurableResource, DagsterRun, InitResourceContext
from pydantic import PrivateAttr

from pipelines.dbt_manifest import code_version
from pipelines.mask import mask_of
from pipelines.night import Night
from pipelines.settings import Settings
from sources.lake import Lake


class NightResource(ConfigurableResource):  # type: ignore[type-arg]
    """The night of the run's partition: its lock, its working warehouse and the lake. One per run, not per step."""

    home: str

    _night: Night = PrivateAttr()

    def setup_for_execution(self, context: InitResourceContext) -> None:
        run: DagsterRun | None = context.run
        partition = run.tags.get("dagster/partition") if run else None
        if partition is None:
            raise ValueError("A night is a partition: choose its date (as_of_date) when the run is started.")
        settings = Settings(home=Path(self.home))
        settings.prepare()
        # a night that could not publish need not begin
        mask_of(settings)
        self._night = Night(settings, date.fromisoformat(partition))
        self._night.__enter__()

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        self._night.__exit__()

    @property
    def night(self) -> Night:
        return self._night

    @property
    def settings(self) -> Settings:
        return self._night.settings

    @property
    def as_of(self) -> date:
        return self._night.as_of

    @property
    def lake(self) -> Lake:
        return Lake(self._night.settings.lake)

    @contextmanager
    def dbt_settings(self) -> Iterator[None]:
        """Hand the night's settings to the dbt runs started within; `since_date` is empty at a full build."""
        since = self._night.since
        settings = {
            "as_of_date": self.as_of.isoformat(),
            "since_date": since.isoformat() if since else "",
            "code_version": code_version(),
        }
        variables = {f"DBT_ENV_CUSTOM_ENV_{name}": value for name, value in settings.items()}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name in variables:
                del os.environ[name]
