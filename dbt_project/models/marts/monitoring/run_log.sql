{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    tags=['after_scoring']
) }}

{%- set is_night = adds_a_night() %}

with receipts as (
    select
        source || '.' || feed as feed_name,
        count(*) as file_count,
        sum(delivered_rows) as delivered_rows,
        sum(loaded_rows) as loaded_rows,
        sum(quarantined_rows) as quarantined_rows,
        sum(duplicate_rows) as duplicate_rows
    from {{ ref('int_receipt') }}
    where
        batch_date <= {{ as_of_date() }}
        {%- if is_night %}
        and batch_date > {{ since_date() }}
        {%- endif %}
    group by source || '.' || feed
),

loads as (
    select
        coalesce(sum(file_count), 0) as delivered_files,
        coalesce(sum(delivered_rows), 0) as delivered_rows,
        coalesce(sum(loaded_rows), 0) as loaded_rows,
        coalesce(sum(quarantined_rows), 0) as quarantined_rows,
        coalesce(sum(duplicate_rows), 0) as duplicate_rows,
        {{ dbt.listagg("feed_name || '=' || cast(loaded_rows as " ~ dbt.type_string() ~ ")", "', '", 'order by feed_name') }}
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
    {% if is_night %}{{ since_date() }}{% else %}cast(null as date){% endif %} as since_date,
    '{{ var("code_version") }}' as code_version,
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
