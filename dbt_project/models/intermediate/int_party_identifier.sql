{{ config(materialized='incremental', incremental_strategy='append') }}

{%- set numbers = [
    ('stg_platform__core_enterprise', 'party_no'),
    ('stg_platform__supplier', 'party_no'),
    ('stg_platform__party_relation', 'from_party_no'),
    ('stg_platform__party_relation', 'to_party_no'),
    ('stg_erp__vendor', 'party_no'),
    ('stg_tax__taxpayer', 'taxpayer_no'),
    ('stg_tax__vat_invoice', 'seller_no'),
    ('stg_tax__vat_invoice', 'buyer_no'),
    ('stg_tax__vat_return', 'taxpayer_no'),
    ('stg_bank__account', 'holder_no'),
    ('stg_external__public_record', 'party_no'),
    ('stg_external__financial_statement', 'party_no'),
    ('stg_external__agency_rating', 'party_no'),
] %}

with delivered as (
    {%- for model, number in numbers %}
    select
        {{ number }}_scheme as party_no_scheme,
        {{ number }} as party_no,
        known_date
    from {{ ref(model) }}
    where
        {{ number }} is not null
        and {{ number }}_scheme is not null
        {%- if is_night() %}
        and batch_date > {{ since_date() }}
        {%- endif %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    delivered.party_no_scheme,
    delivered.party_no,
    {{ party_id('delivered.party_no_scheme', 'delivered.party_no') }} as party_id,
    min(delivered.known_date) as first_known_date
from delivered
{%- if is_night() %}
left join {{ this }} as known
    on
        delivered.party_no_scheme = known.party_no_scheme
        and delivered.party_no = known.party_no
where known.party_no is null
{%- endif %}
group by delivered.party_no_scheme, delivered.party_no
