{{ config(meta={'dagster': {'ref': {'name': 'dim_party'}}}) }}

{#- Records that name a party and that no link places: the lake's identity datasets were not written for the night. -#}
with records as (
    select 'erp.vendor' as record_kind, company_code || ':' || erp_vendor_no as record_key
    from {{ ref('stg_erp__vendor') }}
    union
    select 'platform.supplier' as record_kind, supplier_id as record_key from {{ ref('stg_platform__supplier') }}
    union
    select 'platform.core_enterprise' as record_kind, core_enterprise_id as record_key
    from {{ ref('stg_platform__core_enterprise') }}
    union
    select 'bank.account' as record_kind, account_no as record_key from {{ ref('stg_bank__account') }}
    union
    select 'tax.taxpayer' as record_kind, taxpayer_no as record_key from {{ ref('stg_tax__taxpayer') }}
)

select
    records.record_kind,
    records.record_key
from records
left join {{ ref('int_party_link') }} as links
    on records.record_kind = links.record_kind and records.record_key = links.record_key and links.valid_to is null
where links.party_id is null
