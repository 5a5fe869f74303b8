{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    tags=['after_scoring']
) }}

-- The night before is read from the log itself, so that a finished night that is run again says the same.
with night_before as (
    {%- if is_incremental() %}
    select max(as_of_date) as as_of_date from {{ this }} where as_of_date < {{ as_of_date() }}
    {%- else %}
    select cast(null as date) as as_of_date
    {%- endif %}
),

receipts as (
    select
        receipts.source || '.' || receipts.feed as feed_name,
        count(*) as file_count,
        sum(receipts.delivered_rows) as delivered_rows,
        sum(receipts.loaded_rows) as loaded_rows,
        sum(receipts.quarantined_rows) as quarantined_rows,
        sum(receipts.duplicate_rows) as duplicate_rows
    from {{ ref('int_receipt') }} as receipts
    cross join night_before
    where
        receipts.batch_date <= {{ as_of_date() }}
        and (night_before.as_of_date is null or receipts.batch_date > night_before.as_of_date)
    group by receipts.source || '.' || receipts.feed
),

loads as (
    select
        coalesce(sum(file_count), 0) as delivered_files,
        coalesce(sum(delivered_rows), 0) as delivered_rows,
        coalesce(sum(loaded_rows), 0) as loaded_rows,
        coalesce(sum(quarantined_rows), 0) as quarantined_rows,
        coalesce(sum(duplicate_rows), 0) as duplicate_rows,
        {{ joined_text("feed_name || '=' || cast(loaded_rows as string)", 'feed_name') }}
            as loaded_rows_by_feed
    from receipts
),

models as (
    select
        max(case when model_role = 'champion' then model_version end) as champion_version,
        max(case when model_role = 'challenger' then model_version end) as challenger_version,
        sum(case when model_role = 'champion' then 1 else 0 end) as supplier_count,
        sum(case when model_role = 'champion' and status = 'SCORED' then 1 else 0 end) as scored_count
    from {{ source('lake', 'supplier_score') }}
    where as_of_date = {{ as_of_date() }}
)

select
    {{ as_of_date() }} as as_of_date,
    night_before.as_of_date as since_date,
    '{{ night_setting("code_version") }}' as code_version,
    models.champion_version,
    models.challenger_version,
    cast(loads.delivered_files as bigint) as delivered_files,
    cast(loads.delivered_rows as bigint) as delivered_rows,
    cast(loads.loaded_rows as bigint) as loaded_rows,
    cast(loads.quarantined_rows as bigint) as quarantined_rows,
    cast(loads.duplicate_rows as bigint) as duplicate_rows,
    loads.loaded_rows_by_feed,
    cast(coalesce(models.supplier_count, 0) as bigint) as supplier_count,
    cast(coalesce(models.scored_count, 0) as bigint) as scored_count
from loads
cross join models
cross join night_before
