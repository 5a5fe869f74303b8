{{ config(materialized='incremental', incremental_strategy='append') }}

select
    source,
    feed,
    business_date,
    batch_date,
    file,
    file_id,
    mapping,
    event,
    column_name,
    policy,
    earlier_type,
    delivered_type,
    loaded_at
from {{ source('lake', 'schema_event') }}
where
    batch_date <= {{ as_of_date() }}
    {%- if is_night() %}
    and batch_date > {{ since_date() }}
    {%- endif %}
