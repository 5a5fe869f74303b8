"""What really was: states at month-ends, distress with its cause, who is who, and which deliveries were faulty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sources.simulator.columns import dates, money, pick
from sources.simulator.erp_documents import company_codes, vendor_numbers
from sources.simulator.feeds import History
from sources.simulator.hardship import CAUSES
from sources.simulator.state import NEVER


def write_truth(folder: Path, history: History, fault_table: pa.Table) -> None:
    """Write the truth; nothing of it lies under the landing folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "state": state_table(history),
        "distress": distress_table(history),
        "party": party_table(history),
        "faults": fault_table,
    }
    for name, table in tables.items():
        partial = folder / f"{name}.parquet.part"
        pq.write_table(table, partial, compression="zstd")
        partial.replace(folder / f"{name}.parquet")


def distress_table(history: History) -> pa.Table:
    """One row per spell of distress: onset, when known, first cause, cash and arrears at the onset, end if it ended."""
    world, onsets, cures = history.world, history.journal.table("distress"), history.journal.table("cure")
    keys = np.sort(cures["supplier"] * 10_000 + cures["day"])
    wanted = onsets["supplier"] * 10_000 + onsets["day"]
    position = np.searchsorted(keys, wanted)
    found = keys[np.minimum(position, len(keys) - 1)] if len(keys) else wanted
    cured = np.where((position < len(keys)) & (found // 10_000 == onsets["supplier"]), found % 10_000, NEVER)
    return pa.table(
        {
            "supplier_id": pick(world.parties.suppliers.ids, onsets["supplier"]),
            "onset_date": dates(world.timeline, onsets["day"]),
            "known_date": dates(world.timeline, onsets["known"]),
            "cause": pick(CAUSES, onsets["cause"]),
            "cured_date": dates(world.timeline, cured),
            "cash_amount": money(onsets["cash"]),
            "overdue_amount": money(onsets["overdue"]),
        }
    )


def state_table(history: History) -> pa.Table:
    """One row per supplier and month-end."""
    world, parties = history.world, history.world.parties
    count = len(parties.suppliers)
    shots = [shot for shot in history.snapshots if shot.day >= 0]
    columns: dict[str, pa.Array] = {
        "month_end": dates(world.timeline, np.repeat(np.array([shot.day for shot in shots], dtype=np.int64), count)),
        "supplier_id": pick(parties.suppliers.ids, np.tile(np.arange(count), len(shots))),
    }
    for name in ("cash", "tax_due", "wage_due", "overdue_trade", "owner_reserve"):
        columns[f"{name}_amount"] = money(_stacked(shots, name))
    for name in ("demand", "margin"):
        columns[name] = pa.array(_stacked(shots, name))
    columns["is_trading"] = pa.array(_stacked(shots, "is_trading"))
    columns["is_in_distress"] = pa.array(_stacked(shots, "distress_known") != NEVER)
    return pa.table(columns)


def _stacked(shots: list, name: str) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([getattr(shot, name) for shot in shots]) if shots else np.zeros(0)


def party_table(history: History) -> pa.Table:
    """One row per number under which a legal party appears in a system."""
    parties, edges = history.world.parties, history.world.network.edges
    core_edges = np.arange(edges.core_edges)
    seller = edges.seller[core_edges]
    blocks = [
        ("platform.supplier", parties.suppliers.numbers, parties.suppliers.ids.tolist()),
        ("platform.core_enterprise", parties.cores.numbers, parties.cores.ids.tolist()),
        ("bank.account", parties.suppliers.numbers, parties.suppliers.accounts.tolist()),
        ("bank.account", parties.cores.numbers, parties.cores.accounts.tolist()),
    ]
    codes = company_codes(history)
    vendors = [
        f"{codes[core]}/{number}"
        for core, number in zip(edges.buyer_core[core_edges].tolist(), vendor_numbers(history).to_pylist(), strict=True)
    ]
    blocks.append(("erp.vendor", parties.suppliers.numbers[seller], vendors))
    return pa.table(
        {
            "party_no": pa.array([number for _, numbers, _ in blocks for number in numbers.tolist()]),
            "system": pa.array([system for system, numbers, _ in blocks for _ in range(len(numbers))]),
            "key": pa.array([key for _, _, keys in blocks for key in keys]),
        }
    )
