"""What the tiny portfolio lacks of receivables: books of nobody known, retention, terms. Most have their own currency.

* U1, CNY, of company code 9000, whose core enterprise CE9 is delivered on 04-02; U2, JPY, of 8000, which nobody claims.
* T1, USD, of 9,000, due on 03-20; 400 are retention due on 04-02. 8,800 are paid on 04-02.
* M1, EUR, of 100, 60 days from booking, which is 03-07; on 04-02 the books state that it is due on 06-30.
* D1, GBP, of 50, 30 days from delivery, stated as due on 06-30; that it was delivered on 02-10 becomes known on 04-02.

After 04-03 a night is built on 05-04, with a month-end passed in between.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tiny_portfolio import DELIVERIES, NIGHTS, Delivery

BUILT = (NIGHTS[0], NIGHTS[3], date(2026, 5, 4))
MONTH_ENDS = (NIGHTS[1], date(2026, 4, 30))
_IN_JUNE = date(2026, 6, 30)


def _like(feed: str, **changes: Any) -> dict[str, Any]:
    """The first delivered row of a feed, with other content."""
    first = next(delivery.rows[0] for delivery in DELIVERIES if delivery.feed == feed)
    return {**first, **changes}


def _payable(company: str, document: str, gross: int, currency: str, due: date, **others: Any) -> dict[str, Any]:
    """An invoice of vendor V1 in the books of a company code, booked on 2026-01-06 and confirmed on 2026-01-10."""
    amounts = {"net_amount": Decimal(gross), "gross_amount": Decimal(gross), "currency": currency}
    return _like("erp.ap_invoice", company_code=company, ap_document_no=document, due_date=due, **amounts, **others)


_RETENTION = {"retention_amount": Decimal(400), "retention_due_date": NIGHTS[3]}
_FROM_BOOKING = {"term_start_basis": "BOOKING", "payment_terms_days": 60}
_FROM_DELIVERY = {"term_start_basis": "DELIVERY", "payment_terms_days": 30, "po_no": "PO1", "po_line_no": 10}
_RECEIPT = {
    "company_code": "1000",
    "receipt_no": "GR1",
    "po_no": "PO1",
    "po_line_no": 10,
    "receipt_type": "GOODS",
    "receipt_date": date(2026, 2, 10),
    "net_amount": Decimal(50),
    "currency": "GBP",
}
_CASH = {
    "ap_document_no": "T1",
    "payment_no": "PT1",
    "amount": Decimal(8_800),
    "currency": "USD",
    "payment_date": NIGHTS[3],
    "payment_method": "BANK",
}
_ADDED = [
    Delivery(
        NIGHTS[0],
        "erp.ap_invoice",
        [
            _payable("9000", "U1", 500, "CNY", date(2026, 3, 1)),
            _payable("8000", "U2", 70, "JPY", _IN_JUNE),
            _payable("1000", "T1", 9_000, "USD", date(2026, 3, 20), **_RETENTION),
            _payable("1000", "M1", 100, "EUR", date(2026, 3, 7), **_FROM_BOOKING),
            _payable("1000", "D1", 50, "GBP", _IN_JUNE, **_FROM_DELIVERY),
        ],
    ),
    Delivery(
        NIGHTS[3],
        "platform.core_enterprise",
        [_like("platform.core_enterprise", core_enterprise_id="CE9", party_no="C9", company_code="9000")],
    ),
    Delivery(NIGHTS[3], "erp.ap_invoice", [_payable("1000", "M1", 100, "EUR", _IN_JUNE, **_FROM_BOOKING)]),
    Delivery(NIGHTS[3], "erp.goods_receipt", [_RECEIPT]),
    Delivery(NIGHTS[3], "erp.ap_payment", [_like("erp.ap_payment", **_CASH)]),
]


def receivables() -> list[Delivery]:
    """The tiny portfolio with these; one delivery a feed and night, as the lake keeps them."""
    parts: dict[tuple[date, str], list[Delivery]] = {}
    for delivery in [*DELIVERIES, *_ADDED]:
        parts.setdefault((delivery.batch_date, delivery.feed), []).append(delivery)
    return [
        Delivery(night, feed, [row for part in found for row in part.rows], found[0].unknown_columns)
        for (night, feed), found in parts.items()
    ]
