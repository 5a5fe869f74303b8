{{ config(materialized='incremental', incremental_strategy='append') }}

{%- set keys = ['seller_no', 'seller_no_scheme', 'buyer_no', 'buyer_no_scheme', 'invoice_no', 'invoice_year'] %}

with entries as (
    select
        {{ party_id('seller_no_scheme', 'seller_no') }} as seller_party_id,
        {{ party_id('buyer_no_scheme', 'buyer_no') }} as buyer_party_id,
        make_date(year(invoice_date), month(invoice_date), 1) as invoice_month,
        entry_date as known_date,
        entry_sign,
        net_amount,
        invoice_status = 'VOID' as is_void
    from {{ ledger_entries(ref('stg_tax__vat_invoice'), keys) }}
)

select
    seller_party_id,
    buyer_party_id,
    invoice_month,
    known_date,
    cast(sum(case when is_void then 0 else entry_sign * net_amount end) as decimal(18, 2)) as net_amount,
    cast(sum(case when is_void or net_amount >= 0 then 0 else -entry_sign * net_amount end) as decimal(18, 2))
        as red_letter_amount,
    sum(entry_sign) as issued_count,
    sum(case when is_void then entry_sign else 0 end) as void_count,
    sum(case when not is_void and net_amount > 0 then entry_sign else 0 end) as sale_count,
    sum(case when not is_void and net_amount > 0 and mod(net_amount, 10000) = 0 then entry_sign else 0 end)
        as round_count
from entries
group by seller_party_id, buyer_party_id, invoice_month, known_date
