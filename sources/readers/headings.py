"""Headings of a table whose columns are told apart by them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from sources.readers import FileRefused

_SHOWN_COLUMNS = 20
_SHOWN_CHARACTERS = 100


def distinct_headings(names: Sequence[str], read: Collection[str]) -> tuple[str, ...]:
    """The headings; of one that stands more than once, ``Name (1)``, ``Name (2)``, …, which a mapping can read.

    FileRefused where a heading is ``read`` that stands more than once: it does not say which column is meant.
    """
    counts = Counter(name for name in names if name)
    repeated = {name for name, count in counts.items() if count > 1}
    if doubtful := sorted(repeated & set(read)):
        shown = ", ".join(repr(name[:_SHOWN_CHARACTERS]) for name in doubtful[:_SHOWN_COLUMNS])
        more = f" and {len(doubtful) - _SHOWN_COLUMNS} others" if len(doubtful) > _SHOWN_COLUMNS else ""
        raise FileRefused(
            f"The header names {shown}{more} more than once; let the mapping read "
            f"{f'{doubtful[0][:_SHOWN_CHARACTERS]} (1)'!r} or the one that is meant."
        )
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name} ({seen[name]})" if name in repeated else name)
    if len({*filter(None, found)}) < sum(counts.values()):
        raise FileRefused("The header has names that differ by a number in brackets alone; deliver it with others.")
    return tuple(found)
