"""The console of a night: the sentences that assets log, without the engine's own chatter."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from dagster import AssetExecutionContext, Field, InitLoggerContext, logger

# The engine and its integrations log through the same context, for programmers.
FOR_PEOPLE = "for_people"


class _NightFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        mark = {logging.WARNING: "! ", logging.ERROR: "✗ ", logging.CRITICAL: "✗ "}.get(record.levelno, "  ")
        meta = getattr(record, "dagster_meta", None) or {}
        return f"{clock} {mark}{meta.get('orig_message') or record.getMessage()}"


def tell(context: AssetExecutionContext, line: str) -> None:
    """Say something that belongs on the screen of whoever watches the night."""
    context.log.info(line, extra={FOR_PEOPLE: True})


def warn(context: AssetExecutionContext, line: str) -> None:
    """Say something that somebody should look at in the morning; the night goes on."""
    context.log.warning(line, extra={FOR_PEOPLE: True})


@logger(config_schema={"log_level": Field(str, default_value="INFO")}, description="Plain lines for people")
def night_logger(init_context: InitLoggerContext) -> logging.Logger:
    console = logging.Logger("anchorwatch", level=init_context.logger_config["log_level"])
    handler = logging.StreamHandler()
    handler.setFormatter(_NightFormatter())
    handler.addFilter(lambda record: getattr(record, FOR_PEOPLE, False))
    console.addHandler(handler)
    return console
