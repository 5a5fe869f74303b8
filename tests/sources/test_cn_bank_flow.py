"""The worked example of a bank's own export: Chinese account flows, read by a mapping alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.sources.landing_zone import Zone, counts

FEED = "bank.transaction"
HEADER = "账号,户名,交易时间,交易流水号,币种,借方发生额,贷方发生额,余额,对方账号,对方户名,对方开户行,摘要,附言,交易渠道"
ACCOUNT = "\t6222 0212 3456 7890"


def flow(
    number: str, time: str, debit: str, credit: str, summary: str = "货款", currency: str = "人民币", text: str = "三月"
) -> str:
    other = '\t1100223344,"中铁三局, 一公司",工行北京分行'
    amounts = f'{debit},{credit},"1,000.00"'
    return f"{ACCOUNT},华建材料有限公司,{time},{number},{currency},{amounts},{other},{summary},{text},网银"


def test_a_chinese_account_flow_becomes_transactions(zone: Zone) -> None:
    lines = [
        HEADER,
        flow("A1", "2026-03-02 09:15:00", '"12,345.60"', "", text=""),
        flow("A2", "20260302 10:00:00", "0.00", "500.00", "工资"),
        flow("A3", "20260302", "", "7.25", "结息", "美元"),
        flow("A4", "2026年3月2日", "-500.00", "", "冲正"),
        flow("A5", "2026-03-02 11:00:00", "1.00", "2.00"),
        flow("A6", "2026-03-02 11:00:00", "", ""),
        flow("A7", "2026-03-02 25:00:00", "1.00", ""),
        flow("A8", "2026-03-02 11:00:00", "1.00", "", currency="卢比"),
    ]
    zone.deliver(FEED, "_delivery.yaml", "mapping: cn_bank_flow/bank_transaction")
    zone.deliver(FEED, "flow.csv", ("\r\n".join(lines) + "\r\n").encode("gb18030"))
    (receipt,) = zone.ingest(FEED)
    assert counts(receipt) == {"delivered": 8, "loaded": 4, "quarantined": 4, "duplicate": 0}
    assert receipt.message is None
    columns = "transaction_ref, booking_date, credit_debit, amount, currency, is_return, purpose_code, remittance_text"
    day = date(2026, 3, 2)
    assert zone.rows("raw/bank/transaction", columns) == [
        ("A1", day, "DBIT", Decimal("12345.60"), "CNY", False, "SUPP", "货款"),
        ("A2", day, "CRDT", Decimal("500.00"), "CNY", False, "SALA", "工资 三月"),
        ("A3", day, "CRDT", Decimal("7.25"), "USD", False, "INTE", "结息 三月"),
        ("A4", day, "CRDT", Decimal("500.00"), "CNY", True, "冲正", "冲正 三月"),
    ]
    parties = "distinct account_no, counterparty_account_no, counterparty_name"
    assert zone.rows("raw/bank/transaction", parties, order="1") == [
        ("6222021234567890", "1100223344", "中铁三局, 一公司")
    ]
    assert zone.refused("row_no, column_name, rule") == [
        (5, "credit_debit", "type"),
        (6, "amount", "required"),
        (7, "booking_date", "type"),
        (8, "currency", "code"),
    ]
