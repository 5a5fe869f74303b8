"""Settled invoices whose days late are known: from the file by YAML alone, through landing and lake, to the marts."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from tiny_warehouse import Warehouse, WarehouseFactory

from sources.deliver import deliver
from sources.ingest import ingest_feed
from sources.lake import Lake

SAMPLE = Path(__file__).resolve().parents[3] / "shared/data/receivables/ibm_accounts_receivable.csv"
DELIVERED = date(2014, 1, 31)
FEEDS = ("platform.core_enterprise", "platform.supplier", "erp.vendor", "erp.ap_invoice", "erp.ap_payment")


@pytest.fixture(scope="module")
def loaded(warehouses: WarehouseFactory, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A lake with the file, delivered once as history."""
    if not SAMPLE.is_file():
        pytest.skip("../shared/data/receivables/ibm_accounts_receivable.csv (IBM's sample) is not beside this checkout")
    warehouse = warehouses.empty()
    landing = tmp_path_factory.mktemp("ibm") / "landing"
    deliver("ibm_receivables", SAMPLE.parent, landing, DELIVERED)
    for feed in FEEDS:
        (receipt,) = ingest_feed(feed, landing, Lake(warehouse.folder / "lake"), DELIVERED, None)
        assert (receipt.status, receipt.quarantined_rows, receipt.delivered_rows) == ("LOADED", 0, 2466), receipt
    return warehouse


def oracle() -> list[tuple[object, ...]]:
    """Invoice, settled date, days late and days to settle, as the file states them."""
    return duckdb.execute(
        "select invoiceNumber, strptime(SettledDate, '%m/%d/%Y')::date, DaysLate::integer, DaysToSettle::integer "
        "from read_csv(?, header = true, all_varchar = true) order by invoiceNumber",
        [str(SAMPLE)],
    ).fetchall()


def test_the_marts_reproduce_days_late_and_days_to_settle_of_every_invoice(loaded: Warehouse) -> None:
    loaded.build(DELIVERED)
    receivables = loaded.query(
        """
        select
            r.ap_document_no, r.settled_date, r.days_late,
            date_diff('day', p.invoice_date, r.settled_date)
        from receivable.fct_receivable r
        join intermediate.int_payable_interval p on p.payable_id = r.receivable_id and p.valid_to is null
        order by r.ap_document_no
        """
    )
    assert len(receivables) == 2466
    assert receivables == oracle()
    ((late, open_amount),) = loaded.query(
        "select count(*) filter (days_late > 0), sum(open_amount) from receivable.fct_receivable"
    )
    assert (late, open_amount) == (sum(int(str(days)) > 0 for _, _, days, _ in oracle()), 0)


def test_a_night_in_between_knows_only_what_was_settled_by_then(loaded: Warehouse, tmp_path: Path) -> None:
    night = date(2013, 3, 31)
    earlier = loaded.copy(tmp_path / "earlier")
    earlier.path.unlink(missing_ok=True)
    earlier.build(night, with_tests=False)
    found = dict(earlier.query("select ap_document_no, days_late from receivable.fct_receivable"))
    # the mapping's lag: a payment of the night itself is known on the day after
    settled = {number: late for number, on, late, _ in oracle() if on <= night - timedelta(days=1)}
    assert {number: late for number, late in found.items() if late is not None} == settled
    assert 0 < len(settled) < len(found) < 2466
