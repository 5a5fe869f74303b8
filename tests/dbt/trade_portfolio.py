"""Trade for the four-way match, beside the tiny portfolio: sellers S7 and S8 (whose tax data may be read) to CE7.

Invoices of S7, each of 100 net and 113 gross, dated 2026-02-10, with certificates of the same number:

* `0001` is complete: order, receipt, tax invoice, certificate C1. On 04-02 the tax office takes it back.
* `0002` has no receipt until 04-02, when one dated after its financing comes late. Its order comes late too.
* `0003` was submitted with C3 as 1,130, ten times what the books have.
* `0004` was submitted with C4, but neither the debtor nor the tax office knows it.
* `0005` was put to finance twice, as C5 and, delivered on 04-01, C6, written `INV-0005`.
* `0007` was submitted with C7, written `0007a`, and with C8 two days later as `0007B`; no books have it.
* `0009` stands on the tapes of two funders.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from tiny_portfolio import DELIVERIES, NIGHTS, Delivery

BUILT = (NIGHTS[0], NIGHTS[2], NIGHTS[3], date(2026, 5, 4))
MONTH_ENDS = (NIGHTS[1], date(2026, 4, 30))
_DATED, _DUE = date(2026, 2, 10), date(2026, 8, 1)
_NET, _TAX, _GROSS = Decimal(100), Decimal(13), Decimal(113)


def _like(feed: str, **changes: Any) -> dict[str, Any]:
    """The first delivered row of a feed, with other content."""
    first = next(delivery.rows[0] for delivery in DELIVERIES if delivery.feed == feed)
    return {**first, **changes}


def _order(number: int) -> dict[str, Any]:
    return {
        "company_code": "7000",
        "po_no": f"P{number}",
        "po_line_no": 10,
        "erp_vendor_no": "V7",
        "po_date": date(2025, 1, 15),
        "quantity": Decimal(1),
        "net_amount": _NET,
        "currency": "CNY",
    }


def _receipt(number: int, received: date) -> dict[str, Any]:
    return {
        "company_code": "7000",
        "receipt_no": f"G{number}",
        "po_no": f"P{number}",
        "po_line_no": 10,
        "receipt_type": "GOODS",
        "receipt_date": received,
        "quantity": Decimal(1),
        "net_amount": _NET,
        "currency": "CNY",
    }


def _invoice(number: int) -> dict[str, Any]:
    return _like(
        "erp.ap_invoice",
        company_code="7000",
        ap_document_no=f"D{number}",
        erp_vendor_no="V7",
        supplier_invoice_no=f"INV-000{number}",
        po_no=f"P{number}",
        po_line_no=10,
        invoice_date=_DATED,
        posting_date=_DATED,
        confirmed_date=_DATED,
        due_date=_DUE,
        net_amount=_NET,
        tax_amount=_TAX,
        gross_amount=_GROSS,
    )


def _tax_invoice(number: str, gross: Decimal = _GROSS, **others: Any) -> dict[str, Any]:
    dated = others.pop("invoice_date", _DATED)
    return {
        "seller_no": "L7",
        "seller_no_scheme": "LOCAL",
        "buyer_no": "C7",
        "buyer_no_scheme": "LOCAL",
        "invoice_no": number,
        "invoice_year": dated.year,
        "invoice_date": dated,
        "net_amount": gross - _TAX if gross > 0 else gross + _TAX,
        "tax_amount": _TAX if gross > 0 else -_TAX,
        "gross_amount": gross,
        "currency": "CNY",
        "invoice_status": "VALID",
        **others,
    }


def _certificate(number: int, submitted: str, amount: Decimal = _GROSS, **others: Any) -> dict[str, Any]:
    return _like(
        "platform.certificate",
        certificate_id=f"C{number}",
        root_certificate_id=f"C{number}",
        core_enterprise_id="CE7",
        holder_id="S7",
        face_amount=_GROSS,
        issue_date=_DATED,
        due_date=_DUE,
        company_code=None,
        ap_document_no=None,
        fiscal_year=None,
        **{"submitted_invoice_no": submitted, "submitted_invoice_date": _DATED, "submitted_invoice_amount": amount}
        | others,
    )


def _financing(number: int) -> dict[str, Any]:
    return _like(
        "platform.financing",
        financing_id=f"FT{number}",
        certificate_id=f"C{number}",
        supplier_id="S7",
        core_enterprise_id="CE7",
        financing_date=date(2026, 2, 12),
        due_date=_DUE,
        principal_amount=_GROSS,
        currency="CNY",
    )


def _events(number: int) -> list[dict[str, Any]]:
    certificate = {"certificate_id": f"C{number}", "root_certificate_id": f"C{number}", "amount": _GROSS}
    return [
        _like("platform.certificate_event", certificate_event_id=f"C{number}-{kind}", event_type=kind, **certificate)
        for kind in ("ISSUED", "ACCEPTED", "FINANCED")
    ]


def _collateral(funder: str) -> dict[str, Any]:
    return {
        "funder_id": funder,
        "tape_date": NIGHTS[1],
        "collateral_id": f"{funder}-9",
        "seller_no": "L7",
        "seller_no_scheme": "LOCAL",
        "debtor_no": "C7",
        "debtor_no_scheme": "LOCAL",
        "invoice_no": "inv 0009",
        "invoice_date": _DATED,
        "invoice_amount": _GROSS,
        "financed_amount": Decimal(100),
        "currency": "CNY",
        "due_date": _DUE,
        "reported_status": "CURRENT",
        "reported_dpd_days": 0,
    }


_MASTERS = [
    Delivery(
        NIGHTS[0],
        "platform.core_enterprise",
        [_like("platform.core_enterprise", core_enterprise_id="CE7", party_no="C7", company_code="7000")],
    ),
    Delivery(
        NIGHTS[0],
        "platform.supplier",
        [_like("platform.supplier", supplier_id="S7", party_no="L7", has_tax_authorisation=True)],
    ),
    Delivery(
        NIGHTS[0],
        "erp.vendor",
        [_like("erp.vendor", company_code="7000", erp_vendor_no="V7", vendor_name="L7", party_no="L7")],
    ),
]
_FINANCED = (1, 2, 3, 5)
_TRADE = [
    Delivery(NIGHTS[0], "erp.purchase_order", [_order(number) for number in (1, 3, 5)]),
    Delivery(NIGHTS[0], "erp.goods_receipt", [_receipt(number, date(2026, 2, 8)) for number in (1, 3, 5)]),
    Delivery(NIGHTS[0], "erp.ap_invoice", [_invoice(number) for number in (1, 2, 3, 5)]),
    Delivery(
        NIGHTS[0],
        "tax.vat_invoice",
        [
            _tax_invoice("00000000", invoice_date=date(2026, 1, 2)),
            *(_tax_invoice(f"0000000{number}") for number in (1, 2, 3, 5)),
        ],
    ),
    Delivery(
        NIGHTS[0],
        "platform.certificate",
        [
            *(_certificate(number, f"INV-000{number}") for number in (1, 2, 5)),
            _certificate(3, "INV-0003", Decimal(1_130)),
            _certificate(4, "INV-0004"),
            _certificate(7, "0007a"),
        ],
    ),
    Delivery(NIGHTS[0], "platform.certificate_event", [row for number in _FINANCED for row in _events(number)]),
    Delivery(NIGHTS[0], "platform.financing", [_financing(number) for number in _FINANCED]),
    Delivery(
        NIGHTS[2],
        "platform.certificate",
        [
            _certificate(6, "inv 0005"),
            _certificate(8, "0007B", Decimal(114), submitted_invoice_date=date(2026, 2, 12)),
        ],
    ),
    Delivery(NIGHTS[2], "platform.certificate_event", _events(6)),
    Delivery(NIGHTS[2], "platform.financing", [_financing(6)]),
    Delivery(NIGHTS[3], "erp.purchase_order", [_order(2)]),
    Delivery(NIGHTS[3], "erp.goods_receipt", [_receipt(2, date(2026, 3, 1))]),
    Delivery(
        NIGHTS[3],
        "tax.vat_invoice",
        [_tax_invoice("00000010", -_GROSS, invoice_date=date(2026, 3, 1), original_invoice_no="00000001")],
    ),
    Delivery(NIGHTS[3], "platform.funder_tape", [_collateral("BANK1"), _collateral("BANK2")]),
]


def trades() -> list[Delivery]:
    """The tiny portfolio and this one; files of one night and feed are one."""
    joined: dict[tuple[date, str], Delivery] = {}
    for delivery in [*DELIVERIES, *_MASTERS, *_TRADE]:
        key = (delivery.batch_date, delivery.feed)
        before = joined.get(key)
        joined[key] = (
            delivery
            if before is None
            else Delivery(*key, [*before.rows, *delivery.rows], before.unknown_columns, before.withdrawn)
        )
    return list(joined.values())
