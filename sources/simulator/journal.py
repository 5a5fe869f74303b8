"""What happened, for the documents: rows of the run, kept as columns. Forks keep no journal."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]

_AMOUNT_KINDS = {
    "supplier": (
        "customer_receipt",
        "vendor_payment",
        "wage",
        "wage_bounced",
        "rent",
        "tax",
        "interest",
        "loan_repaid",
        "owner_in",
        "owner_out",
    ),
    "core": ("core_income", "core_overhead", "core_support"),
    "edge": ("edge_payment", "redeem_cash", "redeem_funder", "buy_back"),
}
_CHANGE = {"supplier": int, "old": int, "new": int, "amount": float, "arrears": float}
# kind -> columns beside ``day``; amounts are CNY, days are day numbers, parties and edges are positions
KINDS: dict[str, dict[str, type]] = {
    **{kind: {who: int, "amount": float} for who, kinds in _AMOUNT_KINDS.items() for kind in kinds},
    "order": {"edge": int, "net": float},
    "invoice": {
        "edge": int,
        "net": float,
        "tax": float,
        "posted": int,
        "due": int,
        "pay_day": int,
        "disputed": bool,
        "credit": float,
        "retention": float,
        "by_certificate": bool,
    },
    "outside_sale": {"supplier": int, "net": float, "tax": float},
    "outside_purchase": {"supplier": int, "net": float, "tax": float},
    "issue": {"edge": int, "due": int, "amount": float},
    "transfer": {"edge": int, "due": int, "amount": float},
    "finance": {"edge": int, "issued": int, "due": int, "amount": float, "interest": float, "fee": float},
    "redeem": {"core": int},
    "core_default": {"core": int},
    "vat_return": {"supplier": int, "sales": float, "output": float, "input": float, "payable": float, "paid": float},
    "distress": {"supplier": int, "cause": int, "known": int, "cash": float, "overdue": float},
    "cure": {"supplier": int},
    "legal_change": _CHANGE,
    "tax_change": _CHANGE,
    "freeze_change": _CHANGE,
}


class Journal:
    """Collects rows by kind; within a kind, rows stand in the order of happening."""

    def __init__(self) -> None:
        self._parts: dict[str, list[dict[str, Column]]] = defaultdict(list)

    def add(self, kind: str, day: int, **columns: Column) -> None:
        """Add rows of one kind that happened on ``day``; KeyError when the columns are not those of the kind."""
        if set(columns) != set(KINDS[kind]):
            raise KeyError(f"rows of kind {kind} have {sorted(KINDS[kind])}, not {sorted(columns)}")
        count = len(next(iter(columns.values())))
        if count:
            self._parts[kind].append({"day": np.full(count, day, dtype=np.int64), **columns})

    def add_nonzero(self, kind: str, day: int, who: str, amounts: Column) -> None:
        """Add a row for each entry of an (n, 1) array that is not zero."""
        index = np.flatnonzero(amounts[:, 0])
        self.add(kind, day, **{who: index, "amount": amounts[index, 0]})

    def table(self, kind: str) -> dict[str, Column]:
        """All rows of a kind as columns, ``day`` first; empty columns when nothing of the kind happened."""
        none: dict[str, Column] = {"day": np.zeros(0, dtype=np.int64)}
        none |= {name: np.zeros(0, dtype=kind_of) for name, kind_of in KINDS[kind].items()}
        parts = self._parts.get(kind, [])
        return {name: np.concatenate([part[name] for part in parts]) for name in none} if parts else none
