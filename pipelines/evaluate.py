"""The champion beside the oracle, identity beside who is who. Only evaluation reads a demo portfolio's truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.table import Table

import ml.card
from ml.registry import ModelRegistry
from pipelines.night import NightError
from pipelines.settings import Settings
from sources import simulator
from sources.simulator.oracle import distress_probability


def evaluate_against_oracle(settings: Settings, runs: int, console: Console) -> None:
    """Fork the demo economy at each out-of-time date of the champion and put both figures into its model card.

    Raises:
        NightError: the home has no demo portfolio or no champion.
    """
    if not simulator.exists(settings.root):
        raise NightError(f"{settings.root} holds no demo portfolio; only a simulated economy has an oracle.")
    registry = ModelRegistry(settings.models)
    champion = registry.load_role("champion")
    tables = []
    for as_of in sorted(set(champion.parts.test.column("as_of_date").to_pylist())):
        console.print(f"{as_of}: {runs} futures of the economy from its true state", highlight=False)
        oracle = distress_probability(settings.root, as_of, runs=runs)
        tables.append(oracle.append_column("as_of_date", pa.array([as_of] * oracle.num_rows, pa.date32())))
    compared = ml.card.add_oracle(registry.folder(champion.version), pa.concat_tables(tables))
    console.print(f"{compared.rows:,} rows of {compared.snapshots} dates; model / oracle:")
    for name in ("auc", "average_precision", "ece"):
        model, oracle = getattr(compared.model, name), getattr(compared.oracle, name)
        console.print(f"  {name:18} {model.value:.4f} / {oracle.value:.4f}", highlight=False)
    console.print(f"Model card: {registry.folder(champion.version) / 'model_card.md'}", soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class PairCount:
    """Pairs of records of different systems: truly one party, found to be, and both."""

    true: int
    found: int
    right: int

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0


@dataclass(frozen=True)
class IdentityQuality:
    """All pairs; those with a record that bears no number, or a wrong one; all by what is wrong in the harder record.

    A trouble is the simulator's word (`docs/simulator.md`), ``NONE`` where both records are in order.
    """

    all: PairCount
    hard: PairCount
    by_trouble: dict[str, PairCount]


# Each core enterprise's books are a system of their own.
_PAIRS = """
    with records as (
        select
            links.record_kind || ' ' || case links.record_kind
                when 'erp.vendor' then split_part(links.record_key, ':', 1) else '' end as system,
            links.record_key, links.party_id, links.status, truth.party_no, truth.trouble
        from intermediate.int_party_link as links
        join read_parquet(?) as truth on links.record_kind = truth.system and links.record_key = truth.key
        where links.valid_to is null
    ),
    pairs as (
        select
            a.party_no = b.party_no as is_true, a.party_id = b.party_id as is_found,
            case when a.trouble = 'NONE' then b.trouble when b.trouble = 'NONE' then a.trouble
                else greatest(a.trouble, b.trouble) end as trouble
        from records as a join records as b
            on (a.party_no = b.party_no or a.party_id = b.party_id) and a.system < b.system
    )
    select trouble, count(*) filter (where is_true), count(*) filter (where is_found),
        count(*) filter (where is_true and is_found)
    from pairs group by trouble order by trouble
"""


def identity_quality(warehouse: Path, home: Path) -> IdentityQuality:
    """Recall and precision of a warehouse over pairs of records of different systems, against the home's truth."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        rows = con.execute(_PAIRS, [str(home / "truth" / "party.parquet")]).fetchall()
    counts = {trouble: PairCount(*numbers) for trouble, *numbers in rows}
    hard = [count for trouble, count in counts.items() if trouble not in ("NONE", "OLD_NAME")]
    return IdentityQuality(_sum(list(counts.values())), _sum(hard), counts)


def _sum(counts: list[PairCount]) -> PairCount:
    return PairCount(*(sum(getattr(count, name) for count in counts) for name in ("true", "found", "right")))


def show_identity_quality(settings: Settings, console: Console) -> None:
    """Print recall and precision of the standing warehouse, in all and by what makes records hard to know again.

    Raises:
        NightError: the home has no demo portfolio or no finished night.
    """
    if not simulator.exists(settings.root):
        raise NightError(f"{settings.root} holds no demo portfolio; only of a simulated one is it known who is who.")
    if not settings.warehouse.exists():
        raise NightError(f"No night has been finished in {settings.root}; run `anchorwatch nightly` first.")
    quality = identity_quality(settings.warehouse, settings.root)
    table = Table("pairs", "true", "found", "right", "recall", "precision")
    rows = {"all": quality.all, "with a record that no right number places": quality.hard, **quality.by_trouble}
    for name, count in rows.items():
        counts = (f"{number:,}" for number in (count.true, count.found, count.right))
        table.add_row(name, *counts, f"{count.recall:.2%}", f"{count.precision:.2%}")
    console.print(table)
