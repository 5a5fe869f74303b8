"""Publish the standing warehouse again, for a reader who lost the files or an audience that was set up later."""

from __future__ import annotations

from datetime import date

from pipelines.dbt_manifest import Manifest, code_version, ensure_manifest
from pipelines.mask import mask_of, masked_columns
from pipelines.night import Night, NightError, last_finished_night
from pipelines.publish import Publication, publish, read_manifest
from pipelines.settings import Settings


def republish(settings: Settings) -> Publication:
    """Copy the warehouse of the last finished night to the settings' audience once more.

    Raises:
        NightError: there is no finished night.
    """
    settings.prepare()
    last = last_finished_night(settings.warehouse)
    if last is None:
        raise NightError(f"No night has been finished in {settings.root}; run `anchorwatch nightly`.")
    before = read_manifest(settings.published, settings.audience)
    return _publish(settings, last, before["model_version"] if before else "unknown")


def _publish(settings: Settings, last: date, model_version: str) -> Publication:
    ensure_manifest(settings)
    with Night(settings, last):
        return publish(
            settings.warehouse,
            settings.published,
            settings.audience,
            Manifest(settings.manifest).docs_for_readers(),
            as_of=last,
            model_version=model_version,
            code_version=code_version(),
            mask=mask_of(settings),
            personal=masked_columns(),
            memory=settings.engine_memory,
            is_anew=True,
        )
