"""What the tiny portfolio lacks of misconduct: each rule is broken, with what only looks like a breach beside it.

* A2 is paid in part from the account of S3, which no control ties to CE1, and so is A1, until the payment is corrected.
  A repayment of CE1 comes from an account that no bank names, two days after S1, which owns S2, had paid CE1 that much.
  REP4 comes from S1's account in nobody's name; REP5 is S1's own repurchase.
* 9,000 go from CE1 by S3 and S2 back to CE1; the last leg becomes known on the last night. 500 never come back.
* R5 was confirmed by e-mail; it is extended before it is due, J1 four days after. R6 runs for 400 days, R7 for 200. R8
  comes back to S1, and a part of it to S2, which S1 owns. CE2, which owes R9, holds the half of S3, as becomes known on
  04-01.
* RA is unpaid since February and nobody reports it overdue; the tape of March has it current again, after 18 days.
  That it is redeemed at last makes neither known later. The tape of February comes in a corrected version, without a
  line that never was.
* E1, E2 and E3 of CE2 and S1 mature and a new one of the same amount follows on each, the last on 04-01.
* FX of R6 takes 900 of a facility F2 of 500, whose funder reports 800; nothing of it reaches S1. G1 is redeemed on a
  day around which CE1 pays nothing. H1 promises 102,000 of invoice T1 over 100,000.
* S2 is young, has no insured staff and hardly any capital, and has drawn more than that bears.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from tiny_portfolio import DELIVERIES, NIGHTS, Delivery


def _like(feed: str, **changes: Any) -> dict[str, Any]:
    """The first delivered row of a feed, with other content."""
    return {**next(delivery.rows[0] for delivery in DELIVERIES if delivery.feed == feed), **changes}


def _account(number: str, holder: str) -> dict[str, Any]:
    return {
        "account_no": number,
        "bank_code": "B",
        "holder_no": holder,
        "holder_no_scheme": "LOCAL",
        "holder_name": holder,
        "account_type": "SETTLEMENT",
        "currency": "CNY",
        "status": "ACTIVE",
        "updated_date": date(2026, 1, 1),
    }


def _transfer(number: int, payer: str, payee: str, amount: int, on: date, side: str = "DBIT") -> dict[str, Any]:
    return {
        "account_no": payer if side == "DBIT" else payee,
        "transaction_ref": f"X{number}{side}",
        "booking_date": on,
        "credit_debit": side,
        "amount": Decimal(amount),
        "currency": "CNY",
        "is_return": False,
        "counterparty_account_no": payee if side == "DBIT" else payer,
        "end_to_end_id": f"E2E{number}",
    }


def _root(name: str, issued: date, due: date, core: str = "CE1", holder: str = "S1", **others: Any) -> dict[str, Any]:
    terms = {"certificate_id": name, "root_certificate_id": name[:2], "core_enterprise_id": core, "holder_id": holder}
    document = {"ap_document_no": None, "fiscal_year": None, "company_code": None}
    days = {"issue_date": issued, "due_date": due, "face_amount": Decimal(1_000)}
    return _like("platform.certificate", **{**terms, **document, **days, **others})


def _event(name: str, kind: str, on: date, **others: Any) -> dict[str, Any]:
    return {
        "certificate_event_id": f"{name}-{kind}",
        "certificate_id": name,
        "root_certificate_id": name[:2],
        "event_type": kind,
        "amount": Decimal(1_000),
        "currency": "CNY",
        "occurred_at": datetime.combine(on, time(10)),
        **others,
    }


def _payment(number: str, document: str, payer: str) -> dict[str, Any]:
    return _like(
        "erp.ap_payment", payment_no=number, ap_document_no=document, amount=Decimal(100), payer_account_no=payer
    )


def _tape(on: date, status: str, late: int, *, collateral: str = "RA", financed: int = 900) -> dict[str, Any]:
    return {
        "funder_id": "BANK1",
        "tape_date": on,
        "collateral_id": collateral,
        "seller_no": "P1",
        "seller_no_scheme": "LOCAL",
        "debtor_no": "C1",
        "debtor_no_scheme": "LOCAL",
        "financed_amount": Decimal(financed),
        "currency": "CNY",
        "due_date": date(2026, 2, 10),
        "reported_status": status,
        "reported_dpd_days": late,
    }


def _supplier(number: int, **changes: Any) -> dict[str, Any]:
    names = {"supplier_id": f"S{number}", "party_no": f"P{number}", "supplier_name": f"Supplier {number}"}
    return _like("platform.supplier", **names, currency="CNY", **changes)


def _facility(number: int, kind: str, amount: int) -> dict[str, Any]:
    event = {"facility_event_id": f"F2-{number}", "facility_id": "F2", "event_type": kind, "amount": Decimal(amount)}
    return _like("platform.facility_event", **event)


_HELD = {"from_party_no": "C2", "to_party_no": "P3", "relation_id": "NEW1", "share_ratio": Decimal("0.5")}
_ISSUED = date(2026, 1, 15)
_T1 = {"company_code": "1000", "ap_document_no": "T1", "fiscal_year": 2026}
_FX = {"financing_id": "FX", "certificate_id": "R6", "supplier_id": "S1", "facility_id": "F2", "has_recourse": False}
_LAST_REPAYMENT = {"repayment_id": "REP3", "financing_id": "FIN1", "repayment_date": NIGHTS[3]}
_OWN = {"financing_id": "FIN1", "repayment_date": NIGHTS[3], "amount": Decimal(5_050), "payer_account_no": "AS1"}
_BY_ITS_SELLER, _BOUGHT_BACK = {**_OWN, "repayment_id": "REP4"}, {**_OWN, "repayment_id": "REP5"}
_FEBRUARY = date(2026, 2, 28)
_NEVER_FINANCED = _tape(_FEBRUARY, "CURRENT", 0, collateral="RZ")
_WITHDRAWN = [Delivery(NIGHTS[2], "platform.funder_tape", [], withdrawn=[_NEVER_FINANCED])]
_ADDED: list[tuple[int, str, list[dict[str, Any]]]] = [
    (
        0,
        "bank.account",
        [_account("AC1", "C1"), _account("AS1", "P1"), _account("AS2", "P2"), _account("AS3", "P3")],
    ),
    (
        0,
        "bank.transaction",
        [
            _transfer(1, "AC1", "AS3", 9_000, date(2026, 3, 28)),
            _transfer(1, "AC1", "AS3", 9_000, date(2026, 3, 29), "CRDT"),
            _transfer(2, "AC1", "AS3", 500, date(2026, 3, 29)),
            _transfer(3, "AS3", "AS2", 8_900, date(2026, 3, 30)),
            _transfer(6, "AC1", "AS3", 1, date(2026, 3, 1)),
            _transfer(7, "AS1", "AS3", 2, date(2026, 3, 5)),
        ],
    ),
    (2, "bank.transaction", [_transfer(4, "AS1", "AC1", 5_050, NIGHTS[2])]),
    (4, "bank.transaction", [_transfer(5, "AS2", "AC1", 8_800, NIGHTS[3])]),
    (1, "erp.ap_payment", [_payment("OTHER", "A2", "AS3"), _payment("WRONG", "A1", "AS3")]),
    (3, "erp.ap_payment", [_payment("WRONG", "A1", "AC1")]),
    (
        4,
        "platform.repayment",
        [
            _like("platform.repayment", amount=Decimal(5_000), payer_account_no="NOBODY", **_LAST_REPAYMENT),
            _like("platform.repayment", **_BY_ITS_SELLER, payer_type="OTHER"),
            _like("platform.repayment", **_BOUGHT_BACK, payer_type="SUPPLIER"),
        ],
    ),
    (
        0,
        "platform.certificate",
        [
            _root("R5", _ISSUED, date(2026, 5, 1), confirmation_channel="EMAIL"),
            _root("R6", _ISSUED, date(2027, 2, 19), confirmation_channel="ERP_API"),
            _root("R7", _ISSUED, date(2026, 8, 3)),
            _root("R8", _ISSUED, date(2026, 5, 1)),
            _root("R9", _ISSUED, date(2026, 5, 1), "CE2", "S3"),
            _root("RA", date(2025, 12, 1), date(2026, 2, 10)),
            _root("G1", date(2025, 10, 1), date(2026, 3, 10)),
            _root("J1", date(2025, 12, 1), date(2026, 3, 28)),
            _root("H1", _ISSUED, date(2026, 5, 1), face_amount=Decimal(102_000), **_T1),
            _root("E1", date(2025, 10, 1), date(2025, 12, 1), "CE2"),
            _root("E2", date(2025, 12, 1), date(2026, 1, 15), "CE2"),
            _root("E3", date(2026, 1, 16), date(2026, 2, 20), "CE2"),
        ],
    ),
    (
        0,
        "platform.certificate_event",
        [
            _event("E1", "REDEEMED", date(2025, 12, 1)),
            _event("E2", "REDEEMED", date(2026, 1, 15)),
            _event("E3", "REDEEMED", date(2026, 2, 20)),
            _event("G1", "REDEEMED", date(2026, 3, 10)),
        ],
    ),
    (
        1,
        "platform.certificate",
        [
            _root("R8A", _ISSUED, date(2026, 5, 1), holder="S3", tier=2, parent_certificate_id="R8"),
            _root("R8B", _ISSUED, date(2026, 5, 1), tier=3, parent_certificate_id="R8A"),
        ],
    ),
    (1, "platform.certificate_event", [_event("R8", "TRANSFERRED", NIGHTS[0], child_certificate_id="R8A")]),
    (
        2,
        "platform.certificate_event",
        [
            _event("R8A", "TRANSFERRED", NIGHTS[1], child_certificate_id="R8B"),
            _event("R8A", "SPLIT", NIGHTS[1], child_certificate_id="R8C"),
        ],
    ),
    (2, "platform.certificate", [_root("E4", date(2026, 2, 22), date(2026, 8, 1), "CE2")]),
    (4, "platform.certificate_event", [_event("RA", "REDEEMED", NIGHTS[3])]),
    (
        3,
        "platform.certificate_event",
        [_event(name, "EXTENDED", NIGHTS[2], new_due_date=date(2026, 6, 1)) for name in ("R5", "J1")],
    ),
    (
        2,
        "platform.certificate",
        [_root("R8C", _ISSUED, date(2026, 5, 1), holder="S2", tier=3, parent_certificate_id="R8A")],
    ),
    (2, "platform.party_relation", [_like("platform.party_relation", **_HELD)]),
    (
        1,
        "platform.supplier",
        [
            _supplier(1, size_class="SMALL"),
            _supplier(
                2,
                registered_date=date(2025, 8, 1),
                registered_capital_amount=Decimal(1_000),
                paid_in_capital_amount=Decimal(10),
                insured_headcount=0,
            ),
        ],
    ),
    (1, "platform.funder_tape", [_tape(_FEBRUARY, "PAST_DUE", 18, financed=1_000), _NEVER_FINANCED]),
    (2, "platform.funder_tape", [_tape(_FEBRUARY, "PAST_DUE", 18)]),
    (3, "platform.funder_tape", [_tape(date(2026, 3, 31), "CURRENT", 0)]),
    (1, "platform.facility_event", [_facility(1, "LIMIT_SET", 500), _facility(2, "UTILISE", 800)]),
    (
        1,
        "platform.financing",
        [_like("platform.financing", **_FX, financing_date=date(2026, 3, 10), principal_amount=Decimal(900))],
    ),
    (1, "erp.ap_invoice", [_like("erp.ap_invoice", ap_document_no="T1", payment_terms_days=90)]),
    (
        3,
        "erp.ap_invoice",
        [
            _like(
                "erp.ap_invoice",
                company_code="2000",
                gross_amount=Decimal(3_000),
                net_amount=Decimal(3_000),
                due_date=date(2026, 6, 30),
            )
        ],
    ),
]


def misconduct() -> list[Delivery]:
    """The tiny portfolio with these; one delivery a feed and night, as the lake keeps them."""
    parts: dict[tuple[date, str], list[Delivery]] = {}
    added = [Delivery(NIGHTS[night], feed, rows) for night, feed, rows in _ADDED]
    for delivery in [*DELIVERIES, *added, *_WITHDRAWN]:
        parts.setdefault((delivery.batch_date, delivery.feed), []).append(delivery)
    return [
        Delivery(
            night,
            feed,
            [row for part in found for row in part.rows],
            found[0].unknown_columns,
            [row for part in found for row in part.withdrawn],
        )
        for (night, feed), found in parts.items()
    ]
