"""dbt's events without those that nobody reads. Importing it imports dbt, which takes seconds."""

from __future__ import annotations

from typing import Any

from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager


class EventsFromInfo(EventManager):
    """Drops debug events before dbt makes a message of each of them, which takes longer than all that is logged."""

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        if (level or e.level_tag()) is not EventLevel.DEBUG:
            super().fire_event(e, level, node, force_warn_or_error_handling)


def drop_debug_events() -> None:
    """For every invocation of dbt in this process from now on."""
    ctx_set_event_manager(EventsFromInfo())
