"""The champion beside the oracle: the only place that reads a demo portfolio's truth."""

from __future__ import annotations

import pyarrow as pa
from rich.console import Console

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
