"""Valid files to mutate, by format, made by the builders of the readers' own tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from io import BytesIO

import pyarrow.parquet as pq

from tests.sources import test_reader_bai2 as bai2
from tests.sources import test_reader_camt as camt
from tests.sources import test_reader_cii as cii
from tests.sources import test_reader_efapiao as efapiao
from tests.sources import test_reader_mt940 as mt940
from tests.sources import test_reader_saft as saft
from tests.sources import test_reader_ubl as ubl
from tests.sources import test_reader_xlsx as xlsx
from tests.sources.hostile.archives import zipped
from tests.sources.hostile.case import BANK, RATES, TAX, VENDOR
from tests.sources.hostile.tables import rates
from tests.sources.landing_zone import RATE_HEADER

BALANCE = "bank.balance"


@dataclass(frozen=True)
class FileFormat:
    """A format: the suffix of its files, the feeds that take them, and valid ones."""

    suffix: str
    feeds: tuple[str, ...]
    valid: Callable[[], tuple[bytes, ...]]

    @property
    @cache  # noqa: B019  (there are ten of them)
    def seeds(self) -> tuple[bytes, ...]:
        return self.valid()


def _encoded(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


def _camt() -> tuple[bytes, ...]:
    split = camt.entry("R2", "30.00", details=camt.details("10.00", "20.00"))
    batch = camt.entry("R4", "7.00", details=camt.details(None, None))
    newest = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
    return _encoded(
        camt.statement(camt.entry("R1"), split, camt.entry("R3", status="PDNG")),
        camt.statement(batch, camt.entry("R5", extra="<RvslInd>true</RvslInd>"), namespace=newest),
    )


def _mt940() -> tuple[bytes, ...]:
    structured = (
        ":86:166?00GUTSCHRIFT?20EREF+E-1?21PURP+SUPP?22SVWZ+Invoice 7 of M?23arch\n"
        "?30BANKDEFF?31DE89370400440532013000?32Payer ?33GmbH"
    )
    slashes = ":86:/EREF/E-2//REMI/USTD//Invoice 8/\nsecond line"
    envelope = "{{1:F01BANKDEFFAXXX0000000000}}{{2:I940BANKDEFFXXXXN}}{{4:\n{}-}}\n"
    return _encoded(
        mt940.message(mt940.LINE, structured, ":61:2603020302D7,NMSCNONREF//B2\nsupplement", slashes),
        mt940.interim(mt940.LINE, ":86:free text"),
        envelope.format(mt940.message(mt940.LINE).removesuffix("-\n")),
    )


def _bai2() -> tuple[bytes, ...]:
    return _encoded(
        bai2.simple(
            "16,195,12345,V,260302,,REF1,CREF1,Invoice 7/",
            "16,475,2345,,REF2,,paid",
            "88,and more text/",
            "16,399,1000,D,2,0,600,1,400,REF3,,split/",
            amount=15_690,
        )
    )


def _tabular() -> tuple[bytes, ...]:
    rows = [f"EUR,{code},2026-03-{day:02d},{day}.0{day}" for day, code in enumerate(("USD", "CNY", "GBP", "JPY"), 1)]
    quoted = [f'"EUR","{code}","2026-02-{day:02d}","1.{day}"' for day, code in enumerate(("USD", "CNY", "GBP"), 1)]
    return _encoded("\n".join([RATE_HEADER, *rows]) + "\n", "\r\n".join([f"{RATE_HEADER},note", *quoted]) + "\r\n")


def _jsonl() -> tuple[bytes, ...]:
    line = '{"base_currency": "EUR", "quote_currency": "USD", "rate_date": "2026-03-02", "rate": 1.08, "a": {"b": [1]}}'
    return _encoded("\n".join([line, line.replace("USD", "CNY").replace("1.08", '"7.8"')]) + "\n")


def _saft() -> tuple[bytes, ...]:
    two = saft.supplier() + saft.supplier("S2", days=0)
    return _encoded(
        saft.audit_file(saft.ledger(saft.BOUGHT, saft.PAID, debit="250"), suppliers=two),
        saft.audit_file(saft.SOURCE_DOCUMENTS, country="RO", namespace="mfp:anaf:dgti:d406:declaratie:v1"),
    )


def _parquet() -> tuple[bytes, ...]:
    target = BytesIO()
    pq.write_table(rates(), target)
    return (target.getvalue(),)


FORMATS = {
    "camt": FileFormat(".xml", (BANK, BALANCE), _camt),
    "ubl": FileFormat(".xml", (TAX,), lambda: _encoded(ubl.invoice(), ubl.invoice(root="CreditNote", code="381"))),
    "cii": FileFormat(".xml", (TAX,), lambda: _encoded(cii.invoice(), cii.invoice(code="381"))),
    "efapiao": FileFormat(".xml", (TAX,), lambda: _encoded(efapiao.invoice(), efapiao.invoice(sign="-"))),
    "saft": FileFormat(".xml", (VENDOR, "erp.ap_invoice", "erp.ap_payment"), _saft),
    "mt940": FileFormat(".sta", (BANK, BALANCE), _mt940),
    "bai2": FileFormat(".bai2", (BANK, BALANCE), _bai2),
    "delimited": FileFormat(".csv", (RATES,), _tabular),
    "jsonl": FileFormat(".jsonl", (RATES,), _jsonl),
    "zip": FileFormat(".zip", (RATES,), lambda: (zipped(("r.csv", _tabular()[0])),)),
    "xlsx": FileFormat(
        ".xlsx", (RATES,), lambda: (xlsx.workbook(xlsx.HEADER, xlsx.GOOD, ("EUR", "USD", date(2026, 3, 1), "1.08")),)
    ),
    "parquet": FileFormat(".parquet", (RATES,), _parquet),
}
