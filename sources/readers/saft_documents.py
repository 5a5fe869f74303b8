"""What the spooled elements of a SAF-T file mean as suppliers, purchase invoices and payments, worked out by DuckDB.

A line of the general ledger that names a supplier is a document of that supplier; of a transaction all of whose lines
name it, only those on its own account (of the master file) are. Its columns beside those of source
documents:

- ``origin``: ``document`` of the source documents, ``ledger`` of the general ledger
- ``document_no``: of the ledger the transaction (with the record where it has several suppliers' lines, and the journal
  where two transactions share a number), of source documents supplier and invoice number
- ``counter``: ``bank`` where the transaction also moves a bank or cash account, else ``other``
- ``cleared_document_no``, ``cleared_fiscal_year``: the only invoice of that supplier with the number that a payment
  names (CrossReference, or else ReferenceNumber); missing where the file has none or several
- ``tax_amount``: of a transaction with one supplier's line, all tax that its lines state; missing where it could belong
  to several
- ``due_date``: as stated, or by the supplier's payment terms
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sources.readers import Records, Workspace, quoted, scalar, sql_path, sql_text

SUPPLIERS = "supplier"
DOCUMENTS = ("purchase_invoice", "payment")

_HEADER = ("company_no", "company_name", "file_country", "ledger_currency", "file_date", "file_year")
_SUPPLIER_COLUMNS = (
    *("supplier_id", "supplier_name", "registration_no", "tax_registration_no", "country", "address", "account_no"),
    *("account_id", "opening_balance", "closing_balance", "terms_days", "terms_months", "status"),
)
_DOCUMENT_COLUMNS = (
    *("document_id", "supplier_id", "debit_credit", "amount", "tax_amount", "fiscal_year", "document_date"),
    *("posting_date", "due_date", "order_no", "account_id", "payment_method", "reference_no", "cross_reference"),
    "description",
)
_LINE_COLUMNS = ("owner_no", "journal_id", "record_id", "owner_supplier_id", "standard_account_id")
SPOOLED = tuple(dict.fromkeys(("kind", *_HEADER, *_SUPPLIER_COLUMNS, *_DOCUMENT_COLUMNS, *_LINE_COLUMNS)))
"""Columns of all elements that are spooled; ``kind`` says of which."""

_READ = (
    *("origin", *_HEADER[:5], "document_no", "cleared_document_no", "cleared_fiscal_year", "counter", "net_amount"),
    *_DOCUMENT_COLUMNS,
)

_BANK_ACCOUNTS = {"NO": ("19",), "RO": ("512", "531"), "PT": ("11", "12"), "LU": ("513", "516"), "BG": ("50",)}
"""Country -> how the numbers of bank and cash accounts begin in its standard chart of accounts."""


def suppliers(records: Records, workspace: Workspace) -> Records:
    """The suppliers among the spooled records."""
    return _selected(
        records, (*_HEADER, *_SUPPLIER_COLUMNS), f"from {_named(records)} where kind = 'supplier'", workspace
    )


def documents(
    records: Records, kind: str, sections: frozenset[str], notes: Sequence[str], workspace: Workspace
) -> Records:
    """The purchase invoices or payments among the spooled records; of the ledger where the file has no others."""
    spooled = _named(records)
    own, section = ("invoice", "PurchaseInvoices") if kind == "purchase_invoice" else ("payment", "Payments")
    is_document = section in sections
    if own == "payment" and is_document:
        of_suppliers = f"select count(*) from {spooled} where kind = 'payment' and supplier_id is not null"
        is_document = scalar(workspace.connection, of_suppliers) > 0 or "GeneralLedgerEntries" not in sections
    source = _source_documents(own) if is_document else _LEDGER
    common = _COMMON.format(spooled=spooled, is_bank=_is_bank())
    # With their type, as a column without any value would have another one than in the files that load with this one.
    selected = ", ".join(f"{quoted(name)}::varchar as {quoted(name)}" for name in _READ)
    target = workspace.scratch / "documents.parquet"
    workspace.connection.execute(
        f"copy ({common}{source} select row_no, {selected} from found order by row_no) "
        f"to {sql_text(str(target))} (format parquet, compression lz4)"
    )
    total, what = (own, "payment lines") if is_document else ("line", "ledger lines")
    others = scalar(workspace.connection, f"select count(*) from {spooled} where kind = {sql_text(total)}")
    kept = scalar(workspace.connection, f"select count(*) from read_parquet({sql_path(target)})")
    notes = [*notes, f"{others - kept:,} {what} of no supplier were left out."] if others > kept else [*notes]
    return replace(_selected(records, _READ, f"from read_parquet({sql_path(target)})", workspace), notes=tuple(notes))


def _selected(records: Records, columns: Sequence[str], source: str, workspace: Workspace) -> Records:
    """Records of ``source``, whose other rows are no records of the file."""
    all_rows = scalar(workspace.connection, f"select count(*) from {records.relation}")
    kept = scalar(workspace.connection, f"select count(*) {source}")
    return replace(
        records,
        relation=f"(select * {source})",
        columns={name: (quoted(name), "VARCHAR") for name in columns},
        locate=lambda row_nos, read: records.locate(row_nos, read + all_rows - kept),
    )


def _named(records: Records) -> str:
    names = ", ".join(f"{sql} as {quoted(name)}" for name, (sql, _) in records.columns.items())
    return f"(select {records.row_no} as row_no, {names} from {records.relation})"


def _is_bank() -> str:
    of_country = " ".join(
        f"when {sql_text(country)} then {' or '.join(f'starts_with(number, {sql_text(start)})' for start in starts)}"
        for country, starts in _BANK_ACCOUNTS.items()
    )
    return f"case file_country {of_country} else false end"


def _source_documents(kind: str) -> str:
    return f"""
        found as (
            select
                s.*, 'document' as origin, s.supplier_id || '/' || s.document_id as document_no,
                coalesce(i.document_no, s.supplier_id || '/' || s.cross_reference) as cleared_document_no,
                coalesce(i.fiscal_year, s.fiscal_year) as cleared_fiscal_year, null as counter,
                (try_cast(s.amount as decimal(24, 6)) - try_cast(s.tax_amount as decimal(24, 6)))::varchar as net_amount
            from s left join invoices i on s.supplier_id = i.supplier_id and s.cross_reference = i.reference_no
            where s.kind = {sql_text(kind)} and (s.kind = 'invoice' or s.supplier_id is not null)
        )"""


_COMMON = """
    with s as (from {spooled}),
    accounts as (
        select account_id, any_value(standard_account_id) as standard_account_id from s where kind = 'account'
        group by account_id
    ),
    banks as (select distinct account_id from s where kind = 'bank'),
    suppliers as (
        select
            supplier_id, any_value(account_id) as account_id, any_value(terms_days) as terms_days,
            any_value(terms_months) as terms_months
        from s where kind = 'supplier' group by supplier_id
    ),
    numbered as (
        select l.* exclude (standard_account_id), coalesce(a.standard_account_id, l.account_id) as number,
            b.account_id is not null as is_own_bank, c.supplier_id is not null as is_of_control_account
        from s l left join accounts a on l.account_id = a.account_id left join banks b on l.account_id = b.account_id
            left join suppliers c on l.supplier_id = c.supplier_id and l.account_id = c.account_id
        where l.kind = 'line'
    ),
    lines as (
        select l.* exclude (supplier_id), is_own_bank or {is_bank} as is_bank, o.account_id as control_account_id,
            case when l.is_of_control_account or not bool_or(l.is_of_control_account) over of_supplier then coalesce(
                l.supplier_id, case when o.account_id = l.account_id then l.owner_supplier_id end
            ) end as supplier_id
        from numbered l left join suppliers o on l.owner_supplier_id = o.supplier_id
        window of_supplier as (partition by l.owner_no, l.supplier_id)
    ),
    transactions as (
        select owner_no, any_value(document_id) as document_id, bool_or(is_bank) as has_bank,
            count(supplier_id) as supplier_lines, sum(try_cast(tax_amount as decimal(24, 6))) as tax,
            count(*) over (partition by any_value(document_id)) as of_that_number
        from lines group by owner_no
    ),
    ledger as (
        select l.*, t.has_bank,
            case when t.of_that_number > 1 then coalesce(l.journal_id || '/', '') else '' end || l.document_id
            || case when t.supplier_lines > 1 then '-' || coalesce(l.record_id, '') else '' end as document_no,
            case
                when t.supplier_lines = 1 then case l.debit_credit when 'C' then t.tax else -t.tax end
                when t.tax = 0 then 0
            end as tax
        from lines l join transactions t on l.owner_no = t.owner_no
        where l.supplier_id is not null
    ),
    referenced as (
        select supplier_id, reference_no, document_no, fiscal_year from ledger
        where debit_credit = 'C' and not has_bank
          and not exists (select 1 from s where kind = 'invoice')
        union all
        select supplier_id, document_id, supplier_id || '/' || document_id, fiscal_year from s where kind = 'invoice'
    ),
    invoices as (
        select supplier_id, reference_no, any_value(document_no) as document_no, any_value(fiscal_year) as fiscal_year
        from referenced where reference_no is not null group by supplier_id, reference_no having count(*) = 1
    ),
"""

_LEDGER = """
    found as (
        select
            l.* exclude (tax_amount, due_date, tax), 'ledger' as origin, i.document_no as cleared_document_no,
            coalesce(i.fiscal_year, l.fiscal_year) as cleared_fiscal_year,
            case when l.has_bank then 'bank' else 'other' end as counter, l.tax::varchar as tax_amount,
            (try_cast(l.amount as decimal(24, 6)) - l.tax)::varchar as net_amount,
            coalesce(
                l.due_date,
                case when o.supplier_id is not null then (
                    try_cast(l.document_date as date) + to_months(coalesce(try_cast(o.terms_months as smallint), 0))
                    + to_days(coalesce(try_cast(o.terms_days as smallint), 0))
                )::date::varchar end
            ) as due_date
        from ledger l
        left join invoices i
            on l.supplier_id = i.supplier_id and coalesce(l.cross_reference, l.reference_no) = i.reference_no
        left join suppliers o on l.supplier_id = o.supplier_id
            and (o.terms_months is not null or o.terms_days is not null)
    )
"""
