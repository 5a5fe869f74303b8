"""What the rules find of the schemes that a demo portfolio plays; its figures in `docs/failure_library.md`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from pipelines.night import NightError
from pipelines.settings import CHECKOUT, Settings
from sources import simulator

PAGE = CHECKOUT / "docs" / "failure_library.md"
BEGIN, END = "<!-- figures: anchorwatch evaluate-schemes --write-docs -->", "<!-- end of figures -->"
HEADER = ("scheme", "rule", "planted", "visible", "found", "recall", "flagged", "precision", "median days")


@dataclass(frozen=True)
class SchemeQuality:
    """One scheme and rule, or a scheme in all where ``rule_id`` is None.

    ``planted`` subjects, those ``visible`` in the delivered data, and those ``found`` among them. ``flagged`` are the
    subjects that the rules flag, but for those that other schemes planted. ``median_days`` run from the first day on
    which the data showed a subject to the first night that flagged it, None where nothing was found.
    """

    scheme: str
    rule_id: str | None
    planted: int
    visible: int
    found: int
    flagged: int
    median_days: float | None

    @property
    def recall(self) -> float | None:
        """Found of what is visible, None where nothing is."""
        return self.found / self.visible if self.visible else None

    @property
    def precision(self) -> float | None:
        """Found of what is flagged, None where nothing is."""
        return self.found / self.flagged if self.flagged else None

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table under `HEADER`."""
        counts = (f"{number:,}" for number in (self.planted, self.visible, self.found))
        days = "" if self.median_days is None else f"{self.median_days:g}"
        return (
            self.scheme,
            self.rule_id or "all",
            *counts,
            _share(self.recall),
            f"{self.flagged:,}",
            _share(self.precision),
            days,
        )


# A subject that the night flags once may be planted by one scheme and flagged by the same rule as another's.
_QUALITY = """
    with truth as (select distinct * from read_parquet(?)),
    breaches as (
        select rule_id, subject_id, min(first_known_date) as first_known_date
        from receivable.rule_breach group by rule_id, subject_id
    ),
    marked as (
        select truth.*, breaches.first_known_date,
            truth.is_visible and breaches.subject_id is not null as is_found
        from truth left join breaches on truth.rule_id = breaches.rule_id and truth.subject_id = breaches.subject_id
    ),
    counted as (
        select scheme, rule_id, grouping(rule_id) as is_total, count(*) as planted,
            count(*) filter (where is_visible) as visible, count(*) filter (where is_found) as found,
            median(first_known_date - first_visible_date) filter (where is_found) as median_days
        from marked group by grouping sets ((scheme), (scheme, rule_id))
    ),
    used as (select distinct scheme, rule_id from truth where rule_id is not null),
    flagged as (
        select used.scheme, used.rule_id, grouping(used.rule_id) as is_total, count(*) as flagged
        from used join breaches on used.rule_id = breaches.rule_id
        where not exists (
            select 1 from truth
            where truth.rule_id = breaches.rule_id and truth.subject_id = breaches.subject_id
                and truth.scheme <> used.scheme
        )
        group by grouping sets ((used.scheme), (used.scheme, used.rule_id))
    )
    select counted.scheme, counted.rule_id, counted.planted, counted.visible, counted.found,
        coalesce(flagged.flagged, 0), counted.median_days
    from counted left join flagged
        on counted.scheme = flagged.scheme and counted.is_total = flagged.is_total
            and counted.rule_id is not distinct from flagged.rule_id
    where counted.is_total = 1 or counted.rule_id is not null
    order by counted.scheme, counted.is_total, counted.rule_id
"""


def scheme_quality(connection: duckdb.DuckDBPyConnection, truth: Path) -> list[SchemeQuality]:
    """Each scheme by rule, then in all; the connection has `receivable.rule_breach`, ``truth`` is `scheme.parquet`."""
    return [SchemeQuality(*row) for row in connection.execute(_QUALITY, [str(truth)]).fetchall()]


def with_figures(page: str, qualities: list[SchemeQuality]) -> str:
    """The page with the figures between its marks; ValueError where it has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no lines {BEGIN} and {END}: put them where the figures belong")
    rows = [HEADER, ("---",) * len(HEADER), *(quality.cells for quality in qualities)]
    return f"{before}{BEGIN}\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows) + end + after


def show_scheme_quality(settings: Settings, console: Console, write_docs: bool) -> None:
    """Print the figures of the standing warehouse; with ``write_docs`` they replace those of the page too.

    Raises:
        NightError: the home has no demo portfolio, plays no schemes, or has no finished night.
    """
    if not simulator.exists(settings.root) or not simulator.Portfolio.load(settings.root).schemes:
        raise NightError(f"{settings.root} plays no schemes; `anchorwatch simulate --schemes all` makes one that does.")
    if not settings.warehouse.exists():
        raise NightError(f"No night has been finished in {settings.root}; run `anchorwatch nightly` first.")
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        qualities = scheme_quality(connection, settings.root / "truth" / "scheme.parquet")
    table = Table(*HEADER)
    for quality in qualities:
        table.add_row(*quality.cells)
    console.print(table)
    if write_docs:
        PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), qualities), encoding="utf-8")
        console.print(f"Page: {PAGE}", soft_wrap=True, highlight=False)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
