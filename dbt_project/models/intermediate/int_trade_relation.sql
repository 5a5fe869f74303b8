{{ config(materialized='incremental', incremental_strategy='append') }}

with invoices as (
    select
        {{ party_id('seller_no_scheme', 'seller_no') }} as seller_party_id,
        {{ party_id('buyer_no_scheme', 'buyer_no') }} as buyer_party_id,
        known_date,
        invoice_date
    from {{ ref('stg_tax__vat_invoice') }}
    where
        invoice_status = 'VALID'
        and net_amount > 0
        and not {{ is_withdrawal() }}
        {%- if is_night() %}
        and batch_date > {{ since_date() }}
        {%- endif %}
)

select
    seller_party_id,
    buyer_party_id,
    known_date,
    min(invoice_date) as first_invoice_date,
    max(invoice_date) as last_invoice_date
from invoices
group by seller_party_id, buyer_party_id, known_date
