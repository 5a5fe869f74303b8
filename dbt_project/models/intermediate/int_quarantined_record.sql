{{ config(materialized='incremental', incremental_strategy='append') }}

select
    source,
    feed,
    business_date,
    batch_date,
    file,
    file_id,
    row_no,
    line_no,
    column_name,
    rule,
    message,
    loaded_at
from {{ source('lake', 'quarantine') }}
where
    batch_date <= {{ as_of_date() }}
    {%- if is_night() %}
    and batch_date > {{ since_date() }}
    {%- endif %}
