"""The console of a night: the sentences that assets log, without the engine's own chatter."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from dagster import Field, InitLoggerContext, logger


class _NightFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        mark = {logging.WARNING: "! ", logging.ERROR: "✗ ", logging.CRITICAL: "✗ "}.get(record.levelno, "  ")
        meta = getattr(record, "dagster_meta", None) or {}
        message = meta.get("orig_message") or record.getMessage()
        return f"{clock} {mark}{message}"


def _said_by_an_asset(record: logging.LogRecord) -> bool:
    """Engine events carry a Dagster event; what an asset says does not."""
    meta = getattr(record, "dagster_meta", None) or {}
    return meta.get("dagster_event") is None


@logger(config_schema={"log_level": Field(str, default_value="INFO")}, description="Plain lines for people")
def night_logger(init_context: InitLoggerContext) -> logging.Logger:
    console = logging.Logger("anchorwatch", level=init_context.logger_config["log_level"])
    handler = logging.StreamHandler()
    handler.setFormatter(_NightFormatter())
    handler.addFilter(_said_by_an_asset)
    console.addHandler(handler)
    return console
