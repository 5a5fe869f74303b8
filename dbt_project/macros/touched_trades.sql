{#- Select: the invoices whose evidence a night makes anew. Beside those on which something was delivered, or whose
    parties are known to be others, they are those on an order's line with a fresh order, receipt or invoice, and those
    whose number a fresh tax invoice has. Reads `trades`, the table of an earlier night. -#}
{% macro touched_trades(trades) -%}
    {%- set invoices, numbers = ref('stg_erp__ap_invoice'), ref('int_party_number') -%}
    {{ touched_receivables() }}
    union
    select promises.certificate_id as receivable_id
    from {{ ref('int_certificate') }} as promises
    where promises.core_enterprise_id in ({{ changed_core_enterprises() }})
    union
    select {{ payable_id("of_books") }} as receivable_id
    from {{ invoices }} as of_books
    where (of_books.company_code, of_books.po_no, of_books.po_line_no) in (
        select orders.company_code, orders.po_no, orders.po_line_no
        from {{ ref('stg_erp__purchase_order') }} as orders
        where orders.batch_date > {{ since_date() }}
        union all
        select receipts.company_code, receipts.po_no, receipts.po_line_no
        from {{ ref('stg_erp__goods_receipt') }} as receipts
        where receipts.batch_date > {{ since_date() }}
        union all
        select lines.company_code, lines.po_no, lines.po_line_no
        from {{ invoices }} as lines
        inner join {{ invoices }} as fresh
            on
                lines.company_code = fresh.company_code
                and lines.ap_document_no = fresh.ap_document_no
                and lines.fiscal_year = fresh.fiscal_year
        where fresh.batch_date > {{ since_date() }}
    )
    union
    select trades.trade_id as receivable_id
    from {{ trades }} as trades
    inner join {{ numbers }} as numbers on trades.seller_party_id = numbers.party_id
    inner join (
        select seller_no, seller_no_scheme, {{ invoice_key('invoice_no') }} as invoice_key
        from {{ ref('stg_tax__vat_invoice') }}
        where batch_date > {{ since_date() }}
        union
        select seller_no, seller_no_scheme, {{ invoice_key('original_invoice_no') }} as invoice_key
        from {{ ref('stg_tax__vat_invoice') }}
        where batch_date > {{ since_date() }} and original_invoice_no is not null
    ) as fresh
        on
            numbers.party_no = fresh.seller_no
            and numbers.party_no_scheme = fresh.seller_no_scheme
            and trades.invoice_key = fresh.invoice_key
    where numbers.valid_to is null
    union
    select trades.trade_id as receivable_id
    from {{ trades }} as trades
    where
        trades.seller_party_id in (select fresh.party_id from {{ numbers }} as fresh where {{ is_fresh('fresh') }})
        or trades.buyer_party_id in (select fresh.party_id from {{ numbers }} as fresh where {{ is_fresh('fresh') }})
{%- endmacro %}
