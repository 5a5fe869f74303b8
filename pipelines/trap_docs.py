"""The figures of `docs/traps.md`, from a publication: `python -m pipelines.trap_docs HOME`.

The page holds pairs of queries, a wrong one and a right one, each of which answers with one value. A test runs them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from pipelines.settings import CHECKOUT, Settings

PAGE = CHECKOUT / "docs" / "traps.md"

_TRAP = re.compile(
    r"^## (?P<title>[^\n]+)\n(?:(?!^## ).)*?```sql\n-- wrong\n(?P<wrong>.*?)```\n+```sql\n-- right\n"
    r"(?P<right>.*?)```\n+(?P<figures>On the demo: [^\n]*)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Trap:
    """A question of the page, its two queries, and the line that names what they answer."""

    title: str
    wrong: str
    right: str
    figures: str

    def answers(self, connection: duckdb.DuckDBPyConnection) -> tuple[object, object]:
        """What the wrong query and the right one say; ValueError when one has not one value."""
        return self._value(connection, self.wrong), self._value(connection, self.right)

    def _value(self, connection: duckdb.DuckDBPyConnection, query: str) -> object:
        rows = connection.execute(query).fetchall()
        if len(rows) != 1 or len(rows[0]) != 1 or rows[0][0] is None:
            raise ValueError(f"{self.title}: one value is expected, not {rows[:3]} of {query}")
        return rows[0][0]


def traps(page: str) -> Iterator[Trap]:
    """The traps of the page, in order."""
    for found in _TRAP.finditer(page):
        yield Trap(**found.groupdict())


def with_figures(page: str, database: Path) -> str:
    """The page with the figures of a publication."""
    with duckdb.connect(str(database), read_only=True) as connection:
        for trap in traps(page):
            wrong, right = (_shown(value) for value in trap.answers(connection))
            before, title, after = page.partition(f"## {trap.title}\n")
            figures = f"On the demo: wrong {wrong}, right {right}."
            page = before + title + after.replace(trap.figures, figures, 1)
    return page


def _shown(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return f"{value:,.0f}" if isinstance(value, int) or (isinstance(value, float) and value >= 1) else f"{value:.4f}"


if __name__ == "__main__":
    settings = Settings(home=Path(sys.argv[1]))
    PAGE.write_text(with_figures(PAGE.read_text(), settings.published / settings.audience / "anchorwatch.duckdb"))
