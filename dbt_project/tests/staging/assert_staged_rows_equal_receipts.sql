{{ config(meta={'dagster': {'ref': {'name': 'int_receipt'}}}) }}

-- Every row that ingest loaded is staged once; versions that withdraw a row are no loaded rows. Of a history file,
-- rows that became known only after the night are left out. Looks at the files of the night; a full build looks at
-- all.
{%- set feeds = {
    'platform': [
        'certificate', 'certificate_event', 'core_enterprise', 'facility_event', 'financing', 'funder_tape',
        'identity_decision', 'party_relation', 'repayment', 'supplier',
    ],
    'erp': ['ap_invoice', 'ap_payment', 'goods_receipt', 'purchase_order', 'vendor'],
    'tax': ['taxpayer', 'vat_invoice', 'vat_return'],
    'bank': ['account', 'balance', 'transaction'],
    'external': ['agency_rating', 'financial_statement', 'fx_rate', 'industry_index', 'public_record'],
} %}
{%- set first_batch = since_date() if night_setting('since_date') else "cast('1970-01-01' as date)" %}

with staged as (
    {%- for source_name, names in feeds.items() %}
    {%- set source_loop = loop %}
    {%- for feed in names %}
    select
        file_id,
        count(*) as staged_rows
    from {{ ref('stg_' ~ source_name ~ '__' ~ feed) }}
    where batch_date > {{ first_batch }} and not {{ is_withdrawal() }}
    group by file_id
    {%- if not (loop.last and source_loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

receipts as (
    select
        source,
        feed,
        file,
        file_id,
        is_history,
        loaded_rows
    from {{ ref('int_receipt') }}
    where batch_date > {{ first_batch }}
)

select
    receipts.source,
    receipts.feed,
    receipts.file,
    coalesce(receipts.file_id, staged.file_id) as file_id,
    receipts.loaded_rows,
    staged.staged_rows
from receipts
full join staged on receipts.file_id = staged.file_id
where
    receipts.file_id is null
    or coalesce(staged.staged_rows, 0) > receipts.loaded_rows
    or (coalesce(staged.staged_rows, 0) < receipts.loaded_rows and not receipts.is_history)
