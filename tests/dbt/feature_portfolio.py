"""Eighteen months of a portfolio made for features: monthly deliveries, and corrections in the last of them.

* S1 allows tax and bank data and sells to core enterprise CE1 in the ERP. Its VAT sales are 100,000 a month and fall to
  50,000 in the last quarter; in the last month one old invoice is voided and one payment restated.
* S2 trades like S1 but allows neither tax nor bank data.
* S3 allows tax data, stops invoicing in October 2025, becomes insolvent on 2026-01-15 and is released on 2026-02-20.
* S4 left the platform; nothing was ever delivered about S5.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tiny_portfolio import Delivery

MONTH_ENDS = [
    date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    for year, month in [(2024, m) for m in range(10, 28)]
]
FIRST, BEFORE_LAST, LAST = MONTH_ENDS[0], MONTH_ENDS[-2], MONTH_ENDS[-1]
INSOLVENT, RELEASED = date(2026, 1, 15), date(2026, 2, 20)


def _party(number: int) -> dict[str, Any]:
    return {"party_no": f"P{number}", "party_no_scheme": "LOCAL"}


def _supplier(number: int, **others: Any) -> dict[str, Any]:
    return {
        "supplier_id": f"S{number}",
        **_party(number),
        "supplier_name": f"Supplier {number}",
        "sector_code": "E",
        "size_class": "SMALL",
        "registered_date": date(2015, 1, 1),
        "registered_capital_amount": Decimal(1_000_000),
        "paid_in_capital_amount": Decimal(250_000),
        "insured_headcount": 10,
        "kyc_date": date(2024, 1, 1),
        "address": f"Street {number}",
        "has_bank_authorisation": number == 1,
        "has_tax_authorisation": number != 2,
        "status": "EXITED" if number == 4 else "ACTIVE",
        **others,
    }


def _vat_invoice(seller: int, number: str, on: date, amount: int, buyer: str = "C1", **others: Any) -> dict[str, Any]:
    return {
        "seller_no": f"P{seller}",
        "seller_no_scheme": "LOCAL",
        "buyer_no": buyer,
        "buyer_no_scheme": "LOCAL",
        "invoice_no": number,
        "invoice_year": on.year,
        "invoice_date": on,
        "net_amount": Decimal(amount),
        "tax_amount": Decimal(0),
        "gross_amount": Decimal(amount),
        "currency": "CNY",
        "invoice_status": "VALID",
        **others,
    }


def _booking(reference: str, on: date, amount: int, purpose: str, is_credit: bool, **others: Any) -> dict[str, Any]:
    return {
        "account_no": "A1",
        "transaction_ref": reference,
        "booking_date": on,
        "credit_debit": "CRDT" if is_credit else "DBIT",
        "amount": Decimal(amount),
        "currency": "CNY",
        "is_return": False,
        "purpose_code": purpose,
        **others,
    }


def _ap_invoice(vendor: int, on: date, amount: int) -> dict[str, Any]:
    return {
        "company_code": "1000",
        "ap_document_no": f"{vendor}-{on:%y%m}",
        "fiscal_year": on.year,
        "document_type": "INVOICE",
        "erp_vendor_no": f"V{vendor}",
        "supplier_invoice_no": f"{vendor}-{on:%y%m}",
        "invoice_date": on,
        "posting_date": on,
        "confirmed_date": on + timedelta(days=4),
        "due_date": on + timedelta(days=30),
        "net_amount": Decimal(amount),
        "tax_amount": Decimal(0),
        "gross_amount": Decimal(amount),
        "retention_amount": Decimal(amount) / 10,
        "currency": "CNY",
    }


def _ap_payment(vendor: int, of: date, amount: int, paid: date) -> dict[str, Any]:
    return {
        "company_code": "1000",
        "payment_no": f"PAY{vendor}-{of:%y%m}",
        "ap_document_no": f"{vendor}-{of:%y%m}",
        "fiscal_year": of.year,
        "payment_date": paid,
        "amount": Decimal(amount),
        "currency": "CNY",
        "payment_method": "BANK",
    }


def _masters() -> list[Delivery]:
    core = {
        "core_enterprise_id": "CE1",
        "party_no": "C1",
        "party_no_scheme": "LOCAL",
        "party_name": "Core 1",
        "company_code": "1000",
        "sector_code": "E",
        "region_code": "BJ",
        "programme_start_date": date(2020, 1, 1),
        "status": "ACTIVE",
        "updated_date": date(2020, 1, 1),
    }
    vendors = [
        {"company_code": "1000", "erp_vendor_no": f"V{n}", "vendor_name": f"V{n}", **_party(n), "updated_date": FIRST}
        for n in (1, 2)
    ]
    account = {
        "account_no": "A1",
        "bank_code": "B",
        "holder_no": "P1",
        "holder_no_scheme": "LOCAL",
        "holder_name": "Supplier 1",
        "account_type": "SETTLEMENT",
        "currency": "CNY",
        "status": "ACTIVE",
        "updated_date": FIRST,
    }
    taxpayer = {
        "taxpayer_no": "P1",
        "taxpayer_no_scheme": "LOCAL",
        "taxpayer_name": "S1",
        "tax_credit_grade": "B",
        "status": "NORMAL",
    }
    statement = {
        "party_no": "C1",
        "party_no_scheme": "LOCAL",
        "period_end_date": date(2025, 12, 31),
        "published_date": BEFORE_LAST,
        "currency": "CNY",
        "total_assets_amount": Decimal(1_000),
        "total_liabilities_amount": Decimal(700),
    }
    return [
        Delivery(FIRST, "platform.core_enterprise", [core]),
        Delivery(FIRST, "platform.supplier", [_supplier(number) for number in range(1, 6)]),
        Delivery(FIRST, "erp.vendor", vendors),
        Delivery(FIRST, "bank.account", [account]),
        Delivery(FIRST, "tax.taxpayer", [taxpayer]),
        Delivery(BEFORE_LAST, "external.financial_statement", [statement]),
    ]


def _month(number: int, night: date) -> list[Delivery]:
    on = night.replace(day=10)
    last_quarter = number >= len(MONTH_ENDS) - 3
    sales = 50_000 if last_quarter else 100_000
    invoices = [_vat_invoice(seller, f"{seller}-{number}", on, sales) for seller in (1, 2)]
    invoices.append(_vat_invoice(9, f"9-{number}", on, sales // 2, buyer="P1"))
    if on < date(2025, 10, 1):
        invoices.append(_vat_invoice(3, f"3-{number}", on, 80_000))
    bookings = [
        _booking(f"IN{number}", on, sales, "SUPP", True),
        _booking(f"OUT{number}", on, 60_000, "SUPP", False),
        _booking(f"SAL{number}", on, 15_000, "SALA", False),
        _booking(f"RET{number}", on, 15_000, "SALA", True, is_return=True),
    ]
    balance = {
        "account_no": "A1",
        "balance_date": on,
        "balance_type": "CLBD",
        "amount": Decimal(30_000),
        "currency": "CNY",
    }
    deliveries = [
        Delivery(night, "tax.vat_invoice", invoices),
        Delivery(night, "bank.transaction", bookings),
        Delivery(night, "bank.balance", [balance]),
        Delivery(night, "erp.ap_invoice", [_ap_invoice(vendor, on, 40_000) for vendor in (1, 2)]),
    ]
    if number >= 2:
        of = MONTH_ENDS[number - 2].replace(day=10)
        paid = of + timedelta(days=40)
        deliveries.append(
            Delivery(night, "erp.ap_payment", [_ap_payment(vendor, of, 36_000, paid) for vendor in (1, 2)])
        )
    return deliveries


def _corrections() -> list[Delivery]:
    old = MONTH_ENDS[-4].replace(day=10)
    voided = _vat_invoice(1, f"1-{len(MONTH_ENDS) - 4}", old, 100_000, invoice_status="VOID")
    paid = MONTH_ENDS[-6].replace(day=10)
    return [
        Delivery(LAST - timedelta(days=1), "tax.vat_invoice", [voided]),
        Delivery(LAST - timedelta(days=1), "erp.ap_payment", [_ap_payment(1, paid, 30_000, paid + timedelta(days=60))]),
    ]


def _insolvency() -> list[Delivery]:
    record = {
        "public_record_id": "R1",
        **_party(3),
        "record_type": "INSOLVENCY",
        "published_date": INSOLVENT,
    }
    return [
        Delivery(INSOLVENT, "external.public_record", [record]),
        Delivery(RELEASED, "external.public_record", [{**record, "closed_date": RELEASED}]),
    ]


def _recourse() -> list[Delivery]:
    """S1 is liable for a financing due 2026-02-01 that nobody repays, and for one that was repaid in time."""
    terms = {
        "certificate_id": "CT1",
        "supplier_id": "S1",
        "core_enterprise_id": "CE1",
        "funder_id": "BANK1",
        "facility_id": "F1",
        "financing_date": date(2025, 12, 1),
        "due_date": date(2026, 2, 1),
        "principal_amount": Decimal(20_000),
        "interest_amount": Decimal(0),
        "fee_amount": Decimal(0),
        "currency": "CNY",
        "has_recourse": True,
    }
    repayment = {
        "repayment_id": "RP1",
        "financing_id": "FN2",
        "repayment_date": date(2026, 2, 1),
        "amount": Decimal(20_000),
        "currency": "CNY",
        "payer_type": "CORE_ENTERPRISE",
    }
    certificate = {
        "certificate_id": "CT1",
        "root_certificate_id": "CT1",
        "core_enterprise_id": "CE1",
        "facility_id": "F1",
        "holder_id": "S1",
        "tier": 1,
        "instrument_type": "VOUCHER",
        "face_amount": Decimal(50_000),
        "currency": "CNY",
        "issue_date": date(2025, 12, 1),
        "due_date": date(2026, 2, 1),
    }
    night = MONTH_ENDS[MONTH_ENDS.index(date(2025, 12, 31))]
    events = [
        {
            "certificate_event_id": f"CT1-{kind}",
            "root_certificate_id": "CT1",
            "certificate_id": "CT1",
            "event_type": kind,
            "occurred_at": datetime(on.year, on.month, on.day, 9, tzinfo=UTC).replace(tzinfo=None),
            "amount": Decimal(amount),
            "currency": "CNY",
        }
        for kind, amount, on in (
            ("ISSUED", 50_000, date(2025, 12, 1)),
            ("ACCEPTED", 50_000, date(2025, 12, 1)),
            ("FINANCED", 40_000, date(2025, 12, 1)),
            ("FINANCE_REPAID", 20_000, date(2026, 2, 1)),
        )
    ]
    return [
        Delivery(night, "platform.certificate", [certificate]),
        Delivery(night, "platform.certificate_event", events[:3]),
        Delivery(date(2026, 2, 2), "platform.certificate_event", events[3:]),
        Delivery(night, "platform.financing", [{**terms, "financing_id": f"FN{number}"} for number in (1, 2)]),
        Delivery(date(2026, 2, 2), "platform.repayment", [repayment]),
    ]


DELIVERIES = [
    *_masters(),
    *(delivery for number, night in enumerate(MONTH_ENDS) for delivery in _month(number, night)),
    *_corrections(),
    *_insolvency(),
    *_recourse(),
]
