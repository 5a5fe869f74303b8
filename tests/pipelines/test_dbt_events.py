"""Who reads dbt's events gets all of them but those for debugging."""

from __future__ import annotations

from dbt_common.events.base_types import EventLevel, EventMsg
from dbt_common.events.types import Note, SystemExecutingCmd

from pipelines.dbt_events import EventsFromInfo


def test_debug_events_are_dropped_whether_by_kind_or_by_level() -> None:
    heard: list[str] = []

    def hear(event: EventMsg) -> None:
        heard.append(f"{event.info.level} {event.info.msg}")  # type: ignore[attr-defined]

    events = EventsFromInfo()
    events.add_callback(hear)
    events.fire_event(Note(msg="told"))
    events.fire_event(SystemExecutingCmd(cmd=["ls"]))
    events.fire_event(Note(msg="for debugging"), level=EventLevel.DEBUG)
    events.fire_event(Note(msg="wrong"), level=EventLevel.ERROR)
    assert heard == ["info told", "error wrong"]
