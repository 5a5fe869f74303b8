"""A portfolio of two core enterprises and three suppliers over five nights, with the faults that deliveries have.

The nights, all of 2026:

* 03-30 brings masters, a facility of 1,000,000, two payables of core enterprise CE1 and one of CE2, and certificate R1
  of 100,000 made of the first payable; its second payable is overdue. R2 of 10,000 was financed, and is redeemed late.
* 03-31 R1 is split: S1 keeps 60,000 as R1A, S2 receives 40,000 as R1B. Half of the second payable is paid.
* 04-01 R1B is financed with 30,000. R1A is transferred whole to S3 as R1A1, but the events' file is late.
* 04-02 brings the late file, a credit note, and the payment of 03-31 again with another amount.
* 04-03 20,000 of the financing is repaid, in a file with two columns that nobody knows; a redelivered vendor master
  moves V2 to another supplier.

Account N1: an entry of 03-30 comes two days late; the closing balance of 04-01 comes a day after its entries; the one
of 03-31 is wrong until 04-03, when an entry of that day and both balances are changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from sources.contract import load_contracts

LAKE_SOURCES = Path(__file__).parents[2] / "dbt_project/models/staging/lake/_lake__sources.yml"
ARROW_TYPES = {
    "varchar": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
}

NIGHTS = [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 3)]


@dataclass(frozen=True)
class Delivery:
    """The rows of one feed that one night may use first; columns that are not named are missing.

    ``withdrawn`` are rows of earlier deliveries that end with this one.
    """

    batch_date: date
    feed: str
    rows: Sequence[Mapping[str, Any]]
    unknown_columns: Sequence[str] = ()
    withdrawn: Sequence[Mapping[str, Any]] = ()

    @property
    def file_id(self) -> str:
        """Identifier of the delivered file."""
        return f"{self.feed}-{self.batch_date}"


def write_lake(lake: Path, deliveries: Sequence[Delivery]) -> None:
    """Write the lake as ingest does: an empty ``_schema.parquet`` per dataset, a file and a receipt per delivery."""
    contracts, own = load_contracts(), _own_datasets()
    if not lake.exists():
        shutil.copytree(_empty_lake().name, lake)
    for delivery in deliveries:
        contract = contracts[delivery.feed]
        lineage = {"known_date": delivery.batch_date, "batch_date": delivery.batch_date, "file_id": delivery.file_id}
        rows = [{**row, **lineage, "row_no": number} for number, row in enumerate(delivery.rows, start=1)]
        ends = [{**row, **lineage, "row_no": -number} for number, row in enumerate(delivery.withdrawn, start=1)]
        folder = lake / "raw" / contract.source / contract.feed / f"batch_date={delivery.batch_date}"
        _write(folder / f"{delivery.file_id}.parquet", [*ends, *rows], contract.raw_schema)
        receipt = {
            "source": contract.source,
            "feed": contract.feed,
            "business_date": delivery.batch_date,
            "batch_date": delivery.batch_date,
            "file": f"{contract.feed}.csv",
            "file_id": delivery.file_id,
            "sha256": delivery.file_id,
            "is_history": False,
            "status": "LOADED",
            "delivered_rows": len(rows),
            "loaded_rows": len(rows),
            "quarantined_rows": 0,
            "duplicate_rows": 0,
            "loaded_at": _instant(delivery.batch_date, 2),
            "withdrawn_rows": len(ends) or None,
        }
        receipts = lake / "receipts" / f"batch_date={delivery.batch_date}"
        _write(receipts / f"{delivery.feed}.{delivery.file_id}.parquet", [receipt], own["receipts"])
        event = {**receipt, "mapping": "identity", "event": "COLUMN_UNKNOWN", "policy": "warn"}
        events = [{**event, "column_name": name} for name in delivery.unknown_columns]
        folder = lake / "schema_events" / contract.source / contract.feed / f"batch_date={delivery.batch_date}"
        _write(folder / f"{delivery.file_id}.parquet", events, own["schema_events"])


@cache
def _empty_lake() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    raw = {f"raw/{contract.source}/{contract.feed}": contract.raw_schema for contract in load_contracts().values()}
    for dataset, schema in {**raw, **_own_datasets()}.items():
        _write(Path(folder.name) / dataset / "_schema.parquet", [], schema)
    return folder


@cache
def _own_datasets() -> dict[str, pa.Schema]:
    """Datasets of the lake that no feed delivers."""
    tables = yaml.safe_load(LAKE_SOURCES.read_text())["sources"][0]["tables"]
    return {table["identifier"]: _schema(table) for table in tables}


def _instant(on: date, hour: int) -> datetime:
    """The lake keeps instants as UTC without a zone."""
    return datetime.combine(on, time(hour))


def _schema(table: Mapping[str, Any]) -> pa.Schema:
    return pa.schema([(column["name"], ARROW_TYPES[column["data_type"]]) for column in table["columns"]])


def _write(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    pq.write_table(pa.table(columns, schema=schema), path)


def _certificate(
    certificate_id: str, holder: str, face: int, tier: int, issued: date, due: date, **others: Any
) -> dict[str, Any]:
    return {
        "certificate_id": certificate_id,
        "root_certificate_id": certificate_id[:2],
        "core_enterprise_id": "CE1",
        "facility_id": "F1",
        "holder_id": holder,
        "tier": tier,
        "instrument_type": "VOUCHER",
        "face_amount": Decimal(face),
        "currency": "CNY",
        "issue_date": issued,
        "due_date": due,
        **others,
    }


def _event(certificate_id: str, event_type: str, amount: int, on: date, child: str | None = None) -> dict[str, Any]:
    return {
        "certificate_event_id": f"{certificate_id}-{event_type}-{child or on}",
        "certificate_id": certificate_id,
        "root_certificate_id": certificate_id[:2],
        "event_type": event_type,
        "amount": Decimal(amount),
        "currency": "CNY",
        "child_certificate_id": child,
        "occurred_at": _instant(on, 10),
    }


def _invoice(company: str, document: str, vendor: str, gross: int, due: date, **others: Any) -> dict[str, Any]:
    return {
        "company_code": company,
        "ap_document_no": document,
        "fiscal_year": 2026,
        "document_type": "INVOICE",
        "erp_vendor_no": vendor,
        "supplier_invoice_no": f"INV-{document}",
        "invoice_date": date(2026, 1, 5),
        "posting_date": date(2026, 1, 6),
        "confirmed_date": date(2026, 1, 10),
        "due_date": due,
        "net_amount": Decimal(gross),
        "tax_amount": Decimal(0),
        "gross_amount": Decimal(gross),
        "currency": "CNY",
        **others,
    }


def _payment(payment_no: str, document: str, amount: int, method: str = "BANK") -> dict[str, Any]:
    return {
        "company_code": "1000",
        "payment_no": payment_no,
        "ap_document_no": document,
        "fiscal_year": 2026,
        "payment_date": date(2026, 3, 30),
        "amount": Decimal(amount),
        "currency": "CNY",
        "payment_method": method,
    }


def _vendor(company: str, vendor: str, party_no: str) -> dict[str, Any]:
    return {
        "company_code": company,
        "erp_vendor_no": vendor,
        "vendor_name": party_no,
        "party_no": party_no,
        "party_no_scheme": "LOCAL",
        "updated_date": date(2026, 1, 1),
    }


def _financing(
    financing_id: str, certificate: str, supplier: str, principal: int, on: date, due: date
) -> dict[str, Any]:
    return {
        "financing_id": financing_id,
        "certificate_id": certificate,
        "supplier_id": supplier,
        "core_enterprise_id": "CE1",
        "funder_id": "BANK1",
        "facility_id": "F1",
        "financing_date": on,
        "due_date": due,
        "principal_amount": Decimal(principal),
        "interest_amount": Decimal(0),
        "fee_amount": Decimal(0),
        "currency": "CNY",
        "has_recourse": True,
    }


def _repayment(repayment_id: str, financing_id: str, amount: int, on: date, payer: str) -> dict[str, Any]:
    return {
        "repayment_id": repayment_id,
        "financing_id": financing_id,
        "repayment_date": on,
        "amount": Decimal(amount),
        "currency": "CNY",
        "payer_type": payer,
    }


def _facility(event_id: str, event_type: str, amount: int, on: date) -> dict[str, Any]:
    return {
        "facility_event_id": event_id,
        "facility_id": "F1",
        "core_enterprise_id": "CE1",
        "funder_id": "BANK1",
        "event_type": event_type,
        "amount": Decimal(amount),
        "currency": "CNY",
        "event_at": _instant(on, 0),
    }


def _balance(on: date, balance_type: str, amount: str) -> dict[str, Any]:
    return {
        "account_no": "N1",
        "balance_date": on,
        "balance_type": balance_type,
        "amount": Decimal(amount),
        "currency": "CNY",
    }


def _booking(reference: str, on: date, credit_debit: str, amount: str) -> dict[str, Any]:
    return {
        "account_no": "N1",
        "transaction_ref": reference,
        "booking_date": on,
        "credit_debit": credit_debit,
        "amount": Decimal(amount),
        "currency": "CNY",
    }


_LONG_AGO = date(2025, 9, 1)
_DUE = date(2026, 6, 30)

DELIVERIES = [
    Delivery(
        NIGHTS[0],
        "platform.core_enterprise",
        [
            {
                "core_enterprise_id": f"CE{number}",
                "party_no": f"C{number}",
                "party_no_scheme": "LOCAL",
                "party_name": f"Core {number}",
                "company_code": f"{number}000",
                "sector_code": "E",
                "region_code": "BJ",
                "programme_start_date": date(2025, 1, 1),
                "status": "ACTIVE",
                "updated_date": date(2025, 1, 1),
            }
            for number in (1, 2)
        ],
    ),
    Delivery(
        NIGHTS[0],
        "platform.supplier",
        [
            {
                "supplier_id": f"S{number}",
                "party_no": f"P{number}",
                "party_no_scheme": "LOCAL",
                "supplier_name": f"Supplier {number}",
                "contact_phone": "010-1",
                "status": "ACTIVE",
            }
            for number in (1, 2, 3)
        ],
    ),
    Delivery(
        NIGHTS[0],
        "platform.party_relation",
        [
            {
                "relation_id": f"REL{number}",
                "from_party_no": f"P{number}",
                "from_party_no_scheme": "LOCAL",
                "to_party_no": f"P{number + 1}",
                "to_party_no_scheme": "LOCAL",
                "relation_type": "SHAREHOLDER",
                "share_ratio": share,
                "valid_from": date(2025, 1, 1),
            }
            for number, share in ((1, Decimal("0.6")), (2, Decimal("0.1")), (8, Decimal("0.5")), (9, Decimal("0.5")))
        ],
    ),
    Delivery(
        NIGHTS[0], "erp.vendor", [_vendor("1000", "V1", "P1"), _vendor("1000", "V2", "P2"), _vendor("2000", "V1", "P3")]
    ),
    Delivery(
        NIGHTS[0],
        "platform.facility_event",
        [
            _facility("F1-1", "LIMIT_SET", 900_000, _LONG_AGO),
            _facility("F1-2", "LIMIT_SET", 1_000_000, date(2026, 1, 1)),
            _facility("F1-3", "BLOCK", 100_000, date(2026, 1, 1)),
        ],
    ),
    Delivery(
        NIGHTS[0],
        "erp.ap_invoice",
        [
            _invoice("1000", "A1", "V1", 100_000, _DUE),
            _invoice("1000", "A2", "V2", 50_000, date(2026, 2, 20)),
            _invoice("1000", "A3", "V2", 7_000, _DUE, confirmed_date=None),
            _invoice("2000", "A1", "V1", 3_000, date(2026, 3, 30)),
        ],
    ),
    Delivery(
        NIGHTS[0],
        "platform.certificate",
        [
            _certificate(
                "R1",
                "S1",
                100_000,
                1,
                date(2026, 1, 15),
                _DUE,
                company_code="1000",
                ap_document_no="A1",
                fiscal_year=2026,
            ),
            _certificate("R2", "S2", 10_000, 1, _LONG_AGO, date(2026, 3, 20)),
        ],
    ),
    Delivery(
        NIGHTS[0],
        "platform.certificate_event",
        [
            _event("R1", "ISSUED", 100_000, date(2026, 1, 15)),
            _event("R1", "ACCEPTED", 100_000, date(2026, 1, 16)),
            _event("R2", "ISSUED", 10_000, _LONG_AGO),
            _event("R2", "ACCEPTED", 10_000, _LONG_AGO),
            _event("R2", "FINANCED", 8_000, date(2025, 9, 2)),
        ],
    ),
    Delivery(
        NIGHTS[0], "platform.financing", [_financing("FIN2", "R2", "S2", 8_000, date(2025, 9, 2), date(2026, 3, 20))]
    ),
    Delivery(
        NIGHTS[1],
        "platform.certificate",
        [
            _certificate("R1A", "S1", 60_000, 1, NIGHTS[0], _DUE, parent_certificate_id="R1"),
            _certificate("R1B", "S2", 40_000, 2, NIGHTS[0], _DUE, parent_certificate_id="R1"),
        ],
    ),
    Delivery(
        NIGHTS[1],
        "platform.certificate_event",
        [
            _event("R1", "SPLIT", 60_000, NIGHTS[0], "R1A"),
            _event("R1", "TRANSFERRED", 40_000, NIGHTS[0], "R1B"),
            _event("R2", "FINANCE_REPAID", 8_000, NIGHTS[0]),
            _event("R2", "REDEEMED", 10_000, NIGHTS[0]),
        ],
    ),
    Delivery(NIGHTS[1], "platform.repayment", [_repayment("REP1", "FIN2", 8_000, NIGHTS[0], "CORE_ENTERPRISE")]),
    Delivery(
        NIGHTS[1], "erp.ap_payment", [_payment("PAY1", "A2", 25_000), _payment("PAY2", "A1", 100_000, "CERTIFICATE")]
    ),
    Delivery(NIGHTS[2], "platform.financing", [_financing("FIN1", "R1B", "S2", 30_000, NIGHTS[1], _DUE)]),
    Delivery(
        NIGHTS[2],
        "platform.certificate",
        [_certificate("R1A1", "S3", 60_000, 2, NIGHTS[1], _DUE, parent_certificate_id="R1A")],
    ),
    Delivery(NIGHTS[2], "platform.facility_event", [_facility("F1-4", "UNBLOCK", 60_000, NIGHTS[1])]),
    Delivery(
        NIGHTS[3],
        "platform.certificate_event",
        [_event("R1A", "TRANSFERRED", 60_000, NIGHTS[1], "R1A1"), _event("R1B", "FINANCED", 30_000, NIGHTS[1])],
    ),
    Delivery(
        NIGHTS[3],
        "erp.ap_invoice",
        [_invoice("1000", "A9", "V2", 5_000, _DUE, document_type="CREDIT_NOTE", reference_ap_document_no="A2")],
    ),
    Delivery(NIGHTS[3], "erp.ap_payment", [_payment("PAY1", "A2", 20_000)]),
    Delivery(
        NIGHTS[4], "platform.repayment", [_repayment("REP2", "FIN1", 20_000, NIGHTS[3], "SUPPLIER")], ["note", "user"]
    ),
    Delivery(NIGHTS[4], "erp.vendor", [_vendor("1000", "V2", "P3")]),
    Delivery(
        NIGHTS[0],
        "bank.balance",
        [_balance(date(2026, 3, 29), "OPBD", "100.00"), _balance(date(2026, 3, 29), "CLBD", "150.25")],
    ),
    Delivery(NIGHTS[0], "bank.transaction", [_booking("T1", date(2026, 3, 29), "CRDT", "50.25")]),
    Delivery(NIGHTS[1], "bank.balance", [_balance(NIGHTS[0], "CLBD", "120.25")]),
    Delivery(NIGHTS[1], "bank.transaction", [_booking("T2", NIGHTS[0], "DBIT", "20.00")]),
    Delivery(
        NIGHTS[2],
        "bank.transaction",
        [_booking("T4", NIGHTS[1], "CRDT", "5.00"), _booking("T5", NIGHTS[2], "CRDT", "1.00")],
    ),
    Delivery(NIGHTS[2], "bank.balance", [_balance(NIGHTS[1], "CLBD", "999.00")]),
    Delivery(NIGHTS[3], "bank.transaction", [_booking("T3", NIGHTS[0], "DBIT", "10.00")]),
    Delivery(NIGHTS[3], "bank.balance", [_balance(NIGHTS[2], "CLBD", "126.25")]),
    Delivery(NIGHTS[4], "bank.transaction", [_booking("T4", NIGHTS[1], "CRDT", "6.00")]),
    Delivery(NIGHTS[4], "bank.balance", [_balance(NIGHTS[1], "CLBD", "126.25"), _balance(NIGHTS[2], "CLBD", "127.25")]),
]
