"""What really was: states at month-ends, distress with its cause, who is who, faulty deliveries, planted schemes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sources.simulator.columns import dates, money, pick
from sources.simulator.feeds import History
from sources.simulator.hardship import CAUSES
from sources.simulator.parties import Firms
from sources.simulator.state import NEVER
from sources.simulator.vendor_documents import (
    company_codes,
    dormant_numbers,
    dormant_records,
    holder_records,
    trading_records,
    vendor_numbers,
)


def write_truth(folder: Path, history: History, fault_table: pa.Table, scheme_table: pa.Table) -> None:
    """Write the truth; nothing of it lies under the landing folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "state": state_table(history),
        "distress": distress_table(history),
        "party": party_table(history),
        "faults": fault_table,
        "scheme": scheme_table,
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
    """One row per record under which a legal party appears in a system, and what makes it hard to know again."""
    world, codes = history.world, company_codes(history)
    parties = world.parties
    firms = [*zip(parties.suppliers.numbers.tolist(), parties.suppliers.accounts.tolist(), strict=True)]
    firms += zip(parties.cores.numbers.tolist(), parties.cores.accounts.tolist(), strict=True)
    rows = [
        *((no, "platform.supplier", key, "NONE") for no, key in _keyed(parties.suppliers)),
        *((no, "platform.core_enterprise", key, "NONE") for no, key in _keyed(parties.cores)),
        *((no, "tax.taxpayer", no, "NONE") for no in parties.suppliers.numbers[parties.has_tax].tolist()),
    ]
    for (number, account), holder in zip(firms, holder_records(world), strict=True):
        rows.append((number, "bank.account", account, holder.trouble))
    trading, dormant = vendor_numbers(history).to_pylist(), dormant_records(world)
    first_versions = ((edge, record) for edge, record in trading_records(world) if record.day == 0)
    for edge, record in first_versions:
        rows.append((record.true_party_no, "erp.vendor", f"{codes[record.core]}:{trading[edge]}", record.trouble))
    for number, record in zip(dormant_numbers(dormant).to_pylist(), dormant, strict=True):
        rows.append((record.true_party_no, "erp.vendor", f"{codes[record.core]}:{number}", record.trouble))
    columns = zip(*rows, strict=True)
    return pa.table(dict(zip(("party_no", "system", "key", "trouble"), map(list, columns), strict=True)))


def _keyed(firms: Firms) -> Iterator[tuple[str, str]]:
    return zip(firms.numbers.tolist(), firms.ids.tolist(), strict=True)
