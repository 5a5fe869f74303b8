"""A vendor's record in somebody's books, with what is wrong in it and the firm that it really means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VendorRecord:
    """One version of a vendor's master record. ``core`` is the position of the core enterprise that keeps the books."""

    core: int
    name: str
    party_no: str | None
    scheme: str | None
    account_no: str | None
    day: int
    trouble: str
    true_party_no: str
