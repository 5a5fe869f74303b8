{{ config(meta={'dagster': {'ref': {'name': 'dim_party'}}}) }}

{#- Records that name a party and that no link places: the lake's identity datasets were not written for the night. -#}
{%- set feeds = [
    ('erp', 'vendor', ['company_code', 'erp_vendor_no'], "company_code || ':' || erp_vendor_no"),
    ('platform', 'supplier', ['supplier_id'], 'supplier_id'),
    ('platform', 'core_enterprise', ['core_enterprise_id'], 'core_enterprise_id'),
    ('bank', 'account', ['account_no'], 'account_no'),
    ('tax', 'taxpayer', ['taxpayer_no', 'taxpayer_no_scheme'], 'taxpayer_no'),
] %}

with records as (
    {%- for source_name, feed, keys, record_key in feeds %}
    select
        '{{ source_name }}.{{ feed }}' as record_kind,
        {{ record_key }} as record_key
    from {{ latest_version(ref('stg_' ~ source_name ~ '__' ~ feed), keys) }} as latest
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
)

select
    records.record_kind,
    records.record_key
from records
left join {{ ref('int_party_link') }} as links
    on records.record_kind = links.record_kind and records.record_key = links.record_key and links.valid_to is null
where links.party_id is null
