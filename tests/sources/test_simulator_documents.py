"""Documents of one run agree to the cent: payables, certificates, statements, tax."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from sources.simulator import Portfolio, simulate
from sources.simulator.payables import match_payments
from sources.simulator.portfolio import default_go_live, documents, play
from sources.simulator.truth import party_table

START, UNTIL = date(2024, 1, 1), date(2024, 10, 8)


@pytest.fixture(scope="module")
def db() -> duckdb.DuckDBPyConnection:
    history = play(Portfolio(0.06, 3, START, UNTIL, default_go_live(START, UNTIL)))
    connection = duckdb.connect()
    for feed in documents(history):
        connection.register(feed.name.replace(".", "_"), feed.table)
    connection.register("true_party", party_table(history))
    return connection


def nothing(db: duckdb.DuckDBPyConnection, query: str) -> None:
    assert db.execute(query).fetchall() == []


def test_invoice_is_net_plus_tax_and_never_overpaid(db: duckdb.DuckDBPyConnection) -> None:
    nothing(db, "select * from erp_ap_invoice where gross_amount <> net_amount + tax_amount")
    nothing(
        db,
        """
        with paid as (
            select company_code, ap_document_no, fiscal_year, sum(amount) as amount from erp_ap_payment group by all),
        credited as (
            select company_code, reference_ap_document_no as ap_document_no, sum(gross_amount) as amount
            from erp_ap_invoice where document_type = 'CREDIT_NOTE' group by all)
        select p.* from paid as p
        left join erp_ap_invoice as i using (company_code, ap_document_no, fiscal_year)
        left join credited as c using (company_code, ap_document_no)
        where i.ap_document_no is null or p.amount + coalesce(c.amount, 0) > i.gross_amount
        """,
    )


def test_order_receipt_and_invoice_are_linked(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select i.* from erp_ap_invoice as i
        left join erp_purchase_order as o using (company_code, po_no, po_line_no)
        left join erp_goods_receipt as g using (company_code, po_no, po_line_no)
        where i.po_no is not null and i.document_type = 'INVOICE' and not coalesce(
            o.erp_vendor_no = i.erp_vendor_no and o.net_amount = i.net_amount and g.net_amount = i.net_amount
            and o.po_date <= g.receipt_date and g.receipt_date <= i.invoice_date
            and i.invoice_date <= i.posting_date, false)
        """,
    )


def test_certificates_conserve_their_face(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select p.certificate_id from platform_certificate as p
        join platform_certificate as c on c.parent_certificate_id = p.certificate_id
        group by p.certificate_id, p.face_amount having sum(c.face_amount) <> p.face_amount
        """,
    )
    nothing(
        db,
        """
        select c.certificate_id from platform_certificate as c
        join platform_certificate as p on p.certificate_id = c.parent_certificate_id
        where c.core_enterprise_id <> p.core_enterprise_id or c.due_date <> p.due_date or c.facility_id <> p.facility_id
            or c.root_certificate_id <> p.root_certificate_id
            or c.tier <> p.tier + case when c.holder_id <> p.holder_id then 1 else 0 end
        """,
    )


def test_a_root_is_a_confirmed_payable_cleared_by_certificate(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select c.certificate_id from platform_certificate as c
        left join erp_ap_invoice as i using (company_code, ap_document_no, fiscal_year)
        left join erp_ap_payment as p using (company_code, ap_document_no, fiscal_year)
        where c.parent_certificate_id is null and not coalesce(
            i.confirmed_date <= c.issue_date and c.face_amount = i.gross_amount - i.retention_amount
            and p.amount = c.face_amount, false) and coalesce(p.payment_method, '') <> 'BANK'
        """,
    )


def test_no_slice_is_financed_twice_and_events_stand_in_order(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select certificate_id from platform_financing join platform_certificate using (certificate_id)
        group by certificate_id, face_amount having sum(principal_amount) > face_amount
        """,
    )
    nothing(
        db,
        """
        select e.* from platform_certificate_event as e join platform_certificate as c using (certificate_id)
        where e.occurred_at < c.issue_date
            or (e.event_type = 'FINANCED' and e.occurred_at::date > c.due_date)
            or (e.event_type = 'REDEEMED' and (e.occurred_at::date < c.due_date or e.amount <> c.face_amount))
            or (e.event_type = 'ACCEPTED' and e.occurred_at <= (
                select i.occurred_at from platform_certificate_event as i
                where i.certificate_id = e.certificate_id and i.event_type = 'ISSUED'))
        """,
    )
    nothing(
        db,
        """
        select certificate_id from platform_certificate_event
        group by certificate_id
        having max(occurred_at) filter (where event_type in ('SPLIT', 'TRANSFERRED'))
            < max(occurred_at) filter (where event_type in ('FINANCED', 'REDEEMED', 'OVERDUE', 'FINANCE_REPAID'))
        """,
    )


def test_financings_match_their_events_and_repayments(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with f as (select certificate_id, sum(principal_amount) as amount from platform_financing group by all),
        e as (select certificate_id, sum(amount) as amount from platform_certificate_event
              where event_type = 'FINANCED' group by all)
        select * from f full join e using (certificate_id) where f.amount is distinct from e.amount
        """,
    )
    nothing(
        db,
        """
        select r.* from platform_repayment as r left join platform_financing as f using (financing_id)
        where f.principal_amount is distinct from r.amount or (r.payer_type = 'SUPPLIER' and not f.has_recourse)
        """,
    )


def test_limits_cover_what_is_outstanding_and_blocked(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with moves as (
            select facility_id, issue_date as day, face_amount as issued, 0 as redeemed, 0 as blocked, null as new_limit
            from platform_certificate where parent_certificate_id is null
            union all
            select c.facility_id, e.occurred_at::date, 0, e.amount, 0, null
            from platform_certificate_event as e join platform_certificate as c using (certificate_id)
            where e.event_type = 'REDEEMED'
            union all
            select facility_id, event_at::date, 0, 0,
                case event_type when 'BLOCK' then amount when 'UNBLOCK' then -amount else 0 end,
                case event_type when 'LIMIT_SET' then amount end
            from platform_facility_event
        ), daily as (
            select facility_id, day, sum(issued) as issued, sum(redeemed) as redeemed, sum(blocked) as blocked,
                max(new_limit) as new_limit
            from moves group by all
        ), running as (
            select facility_id, day,
                sum(issued - redeemed + blocked) over (partition by facility_id order by day) as used,
                max(new_limit) over (partition by facility_id order by day) as highest_limit
            from daily
        )
        select * from running where used > highest_limit or highest_limit is null or used < 0
        """,
    )


def test_bank_receipts_from_core_enterprises_are_the_cash_payments(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with paid as (
            select b.key as account_no, p.payment_date as day, sum(p.amount) as amount
            from erp_ap_payment as p
            join erp_ap_invoice as i using (company_code, ap_document_no, fiscal_year)
            join true_party as v on v.system = 'erp.vendor' and v.key = i.company_code || ':' || i.erp_vendor_no
            join true_party as b on b.system = 'bank.account' and b.party_no = v.party_no
            where p.payment_method = 'BANK' and i.confirmed_date is not distinct from case
                when i.is_disputed then null else i.confirmed_date end
                and not exists (
                    select 1 from erp_ap_invoice as o where o.company_code = i.company_code
                    and o.ap_document_no = i.ap_document_no and o.is_disputed and not i.is_disputed)
            group by all),
        received as (
            select t.account_no, t.booking_date as day, sum(t.amount) as amount
            from bank_transaction as t join bank_account as a on a.account_no = t.counterparty_account_no
            join platform_core_enterprise as c on c.party_no = a.holder_no and c.updated_date = date '2024-01-01'
            where t.credit_debit = 'CRDT' and t.end_to_end_id like 'PAY%' and a.updated_date = date '2024-01-01'
            group by all)
        select * from received left join paid using (account_no, day) where received.amount is distinct from paid.amount
        """,
    )


def test_balances_prove(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with moved as (
            select account_no, booking_date as balance_date,
                sum(case credit_debit when 'CRDT' then amount else -amount end) as amount
            from bank_transaction group by all),
        chain as (
            select account_no, balance_date, amount,
                lag(amount) over (partition by account_no order by balance_date) as before
            from bank_balance)
        select * from chain left join moved using (account_no, balance_date)
        where before is not null and chain.amount is distinct from before + moved.amount
        """,
    )


def test_vat_invoice_numbers_are_those_of_the_books(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        select i.* from erp_ap_invoice as i
        join true_party as v on v.system = 'erp.vendor' and v.key = i.company_code || ':' || i.erp_vendor_no
        join platform_core_enterprise as c on c.company_code = i.company_code and c.updated_date = date '2024-01-01'
        join (select distinct taxpayer_no from tax_taxpayer) as t on t.taxpayer_no = v.party_no
        left join tax_vat_invoice as x on x.seller_no = v.party_no and x.buyer_no = c.party_no
            and x.invoice_no = i.supplier_invoice_no and x.invoice_date = i.invoice_date
        where i.document_type = 'INVOICE' and i.po_no is not null and x.gross_amount is distinct from i.gross_amount
        """,
    )


def test_declared_sales_are_the_months_invoices(db: duckdb.DuckDBPyConnection) -> None:
    nothing(
        db,
        """
        with invoiced as (
            select seller_no as taxpayer_no, date_trunc('month', invoice_date)::date as period_start_date,
                sum(net_amount) as amount
            from tax_vat_invoice where invoice_status = 'VALID' and net_amount > 0 group by all)
        select * from tax_vat_return as r left join invoiced using (taxpayer_no, period_start_date)
        where period_start_date >= date '2024-01-01' and abs(declared_sales_amount - coalesce(amount, 0)) > 0.01
        """,
    )


def test_statements_prove(tmp_path: Path) -> None:
    simulate(tmp_path, scale=0.03, seed=5, start=START, until=date(2024, 5, 20))
    messages = sorted((tmp_path / "landing" / "bank" / "transaction").rglob("*.xml"))
    assert messages
    for path in messages:
        root = etree.fromstring(path.read_bytes())
        space = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}
        assert root.nsmap[None] == space["c"]
        for statement in root.iterfind(".//c:Stmt", space):
            balances = {
                balance.findtext(".//c:Cd", namespaces=space): _signed(balance, space)
                for balance in statement.iterfind("c:Bal", space)
            }
            entries = sum((_signed(entry, space) for entry in statement.iterfind("c:Ntry", space)), Decimal(0))
            assert balances["OPBD"] + entries == balances["CLBD"], path.name


def _signed(element: etree._Element, space: dict[str, str]) -> Decimal:
    amount = Decimal(str(element.findtext("c:Amt", namespaces=space)))
    return amount if element.findtext("c:CdtDbtInd", namespaces=space) == "CRDT" else -amount


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_payments_meet_items_first_due_first(data: st.DataObject) -> None:
    items = data.draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(1, 50)), min_size=1, max_size=12), "items"
    )
    edge, due, cents = (np.array(column, dtype=np.int64) for column in zip(*items, strict=True))
    payments: list[tuple[int, int, int]] = []
    for number in sorted(set(edge.tolist())):
        budget = data.draw(st.integers(0, int(cents[edge == number].sum())), f"budget of {number}")
        day = 10
        while budget:
            part = data.draw(st.integers(1, budget), "payment")
            payments.append((number, day, part))
            budget, day = budget - part, day + 1
    if not payments:
        return
    paying, day_of, paid = (np.array(column, dtype=np.int64) for column in zip(*payments, strict=True))
    cleared = match_payments(edge, due, cents, paying, day_of, paid)
    assert (np.bincount(cleared.payment, cleared.cents, len(paid)) == paid).all()
    settled = np.bincount(cleared.document, cleared.cents, len(cents))
    assert (settled <= cents).all()
    assert (edge[cleared.document] == paying[cleared.payment]).all()
    for first in range(len(cents)):
        for second in range(len(cents)):
            if edge[first] == edge[second] and due[first] < due[second] and settled[second] > 0:
                assert settled[first] == cents[first]
