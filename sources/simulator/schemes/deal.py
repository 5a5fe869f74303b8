"""A financed certificate that a scheme makes, and the trade that is presented behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ADVANCE_RATE = Decimal("0.9")
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Seller:
    """Who holds a certificate that a scheme makes; ``erp_vendor_no`` is its number in the books of the core."""

    supplier_id: str
    party_no: str
    name: str
    account_no: str
    erp_vendor_no: str


@dataclass(frozen=True)
class Trade:
    """The invoice that is presented as the trade behind a certificate, by what the actor says of it."""

    invoice_no: str
    invoice_date: date
    amount: Decimal


@dataclass(frozen=True)
class Deal:
    """A certificate that is issued, accepted and financed on one day, and paid on another. ``repaid`` may be late.

    ``payer_type`` and ``payer_account_no`` say who repays the funder, ``ap_document_no`` names a payable in the books.
    """

    key: str
    seller: Seller
    bank: int
    day: int
    due: int
    repaid: int
    face: Decimal
    trade: Trade
    channel: str
    payer_type: str
    payer_account_no: str
    ap_document_no: str | None = None

    @property
    def certificate_id(self) -> str:
        """The certificate; also its number as collateral."""
        return f"CT-{self.key}"

    @property
    def financing_id(self) -> str:
        """The financing of the certificate."""
        return f"FN-{self.key}"

    @property
    def repayment_id(self) -> str:
        """The repayment of the financing."""
        return f"RP-{self.key}"

    @property
    def principal(self) -> Decimal:
        """What the funder lends on the certificate."""
        return (self.face * ADVANCE_RATE).quantize(CENT)
