"""What the tiny portfolio lacks of receivables: books of nobody known, retention, terms, disputes.

Of T1 over 9,000 in the books of CE1, overdue since 03-20, 400 are retention due on 04-02; 8,800 are paid on 04-02.
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


def cash(document: str, amount: int, on: date, number: str) -> dict[str, Any]:
    """Cash for an invoice of company code 1000."""
    paid = {"amount": Decimal(amount), "payment_date": on, "payment_method": "BANK"}
    return like("erp.ap_payment", ap_document_no=document, payment_no=number, **paid)


RECEIVABLES = [
    Delivery(
        NIGHTS[0],
        "erp.ap_invoice",
        [
            payable("9000", "U1", 500, date(2026, 3, 1)),
            payable("8000", "U2", 70, date(2026, 6, 30), currency="USD"),
            payable(
                "1000",
                "T1",
                9_000,
                date(2026, 3, 20),
                retention_amount=Decimal(400),
                retention_due_date=date(2026, 4, 2),
            ),
        ],
    ),
    Delivery(
        NIGHTS[3],
        "platform.core_enterprise",
        [like("platform.core_enterprise", core_enterprise_id="CE9", party_no="C9", company_code="9000")],
    ),
    Delivery(NIGHTS[3], "erp.ap_payment", [cash("T1", 8_800, NIGHTS[3], "PT1")]),
]
