"""What the tiny portfolio lacks of exposures: another funder, another currency, and relations that come and go.

* R3 of 1,000 US dollars is held by S1 and financed with 500 by BANK2 under facility F2.
* The repayment of R1B, which the tiny portfolio knows from the funder alone, is an event of the platform too.
* A dollar is 7.00 on 03-29. The rates of 03-31 and 04-01, 7.10 and 7.20, come a day later each; then none comes until
  that of 04-30, 7.30, on 05-04.
* S1 and S3 share an address, S2 one with eleven others. That S1 holds S2 ends on 04-15, as becomes known on 04-02, when
  a holding of core enterprise CE1 in CE2 becomes known too.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from receivable_portfolio import BUILT
from tiny_portfolio import DELIVERIES, NIGHTS, Delivery

_USD = {"currency": "USD", "facility_id": "F2"}


def _like(feed: str, **changes: Any) -> dict[str, Any]:
    """The first delivered row of a feed, with other content."""
    first = next(delivery.rows[0] for delivery in DELIVERIES if delivery.feed == feed)
    return {**first, **changes}


def _rate(on: date, rate: str) -> dict[str, Any]:
    return {"base_currency": "USD", "quote_currency": "CNY", "rate_date": on, "rate": Decimal(rate)}


def _relation(number: int, owner: str, other: str, kind: str, **others: Any) -> dict[str, Any]:
    parties = {"relation_id": f"NEW{number}", "from_party_no": owner, "to_party_no": other, "relation_type": kind}
    return _like("platform.party_relation", **{"share_ratio": None, **parties, **others})


_R3 = {"certificate_id": "R3", "root_certificate_id": "R3", **_USD}
_ADDED = [
    Delivery(
        NIGHTS[0],
        "platform.facility_event",
        [_like("platform.facility_event", facility_event_id="F2-1", funder_id="BANK2", amount=Decimal(2_000), **_USD)],
    ),
    Delivery(
        NIGHTS[0],
        "platform.certificate",
        [_like("platform.certificate", face_amount=Decimal(1_000), ap_document_no=None, fiscal_year=None, **_R3)],
    ),
    Delivery(
        NIGHTS[0],
        "platform.certificate_event",
        [
            _like(
                "platform.certificate_event", certificate_event_id=f"R3-{kind}", event_type=kind, amount=amount, **_R3
            )
            for kind, amount in (("ISSUED", Decimal(1_000)), ("FINANCED", Decimal(500)))
        ],
    ),
    Delivery(
        NIGHTS[0],
        "platform.financing",
        [
            _like(
                "platform.financing",
                financing_id="FIN3",
                certificate_id="R3",
                supplier_id="S1",
                funder_id="BANK2",
                principal_amount=Decimal(500),
                due_date=date(2026, 6, 30),
                has_recourse=False,
                **_USD,
            )
        ],
    ),
    Delivery(
        NIGHTS[0],
        "platform.party_relation",
        [
            _relation(1, "P1", "P3", "ADDRESS"),
            *(_relation(number, "P2", f"T{number}", "ADDRESS") for number in range(10, 21)),
        ],
    ),
    Delivery(
        NIGHTS[3],
        "platform.party_relation",
        [
            _like("platform.party_relation", valid_to=date(2026, 4, 15)),
            _relation(2, "C1", "C2", "SHAREHOLDER", share_ratio=Decimal("0.5")),
        ],
    ),
    Delivery(
        BUILT[-1],
        "platform.certificate_event",
        [
            _like(
                "platform.certificate_event",
                certificate_event_id="R1B-FINANCE_REPAID",
                certificate_id="R1B",
                event_type="FINANCE_REPAID",
                amount=Decimal(20_000),
                occurred_at=datetime.combine(date(2026, 4, 1), time(10)),
            )
        ],
    ),
    Delivery(NIGHTS[0], "external.fx_rate", [_rate(date(2026, 3, 29), "7.00")]),
    Delivery(NIGHTS[2], "external.fx_rate", [_rate(NIGHTS[1], "7.10")]),
    Delivery(NIGHTS[3], "external.fx_rate", [_rate(NIGHTS[2], "7.20")]),
    Delivery(BUILT[-1], "external.fx_rate", [_rate(date(2026, 4, 30), "7.30")]),
]


def exposures() -> list[Delivery]:
    """The tiny portfolio with these; one delivery a feed and night, as the lake keeps them."""
    parts: dict[tuple[date, str], list[Delivery]] = {}
    for delivery in [*DELIVERIES, *_ADDED]:
        parts.setdefault((delivery.batch_date, delivery.feed), []).append(delivery)
    return [
        Delivery(night, feed, [row for part in found for row in part.rows], found[0].unknown_columns)
        for (night, feed), found in parts.items()
    ]
