"""What the tiny portfolio lacks of receivables: books of nobody known, retention, terms, disputes.

Company code 9000 keeps books from the first night; the master of its core enterprise CE9 comes on 04-02. Nobody ever
claims company code 8000.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tiny_portfolio import DELIVERIES, NIGHTS, Delivery


def like(feed: str, **changes: Any) -> dict[str, Any]:
    """The first delivered row of a feed, with other content."""
    first = next(delivery.rows[0] for delivery in DELIVERIES if delivery.feed == feed)
    return {**first, **changes}


def payable(company: str, document: str, gross: int, due: date, **others: Any) -> dict[str, Any]:
    """An invoice of vendor V1 in the books of a company code, confirmed on 2026-01-10."""
    amounts = {"net_amount": Decimal(gross), "gross_amount": Decimal(gross)}
    return like("erp.ap_invoice", company_code=company, ap_document_no=document, due_date=due, **amounts, **others)


RECEIVABLES = [
    Delivery(
        NIGHTS[0],
        "erp.ap_invoice",
        [
            payable("9000", "U1", 500, date(2026, 3, 1)),
            payable("8000", "U2", 70, date(2026, 6, 30), currency="USD"),
        ],
    ),
    Delivery(
        NIGHTS[3],
        "platform.core_enterprise",
        [like("platform.core_enterprise", core_enterprise_id="CE9", party_no="C9", company_code="9000")],
    ),
]
