{{ config(materialized='incremental', incremental_strategy='append', on_schema_change='append_new_columns') }}

select
    source,
    feed,
    business_date,
    batch_date,
    file,
    file_id,
    sha256,
    is_history,
    status,
    message,
    delivered_rows,
    loaded_rows,
    quarantined_rows,
    duplicate_rows,
    loaded_at,
    restates_file_id,
    absent_rows,
    withdrawn_rows,
    controls
from {{ source('lake', 'receipt') }}
where
    batch_date <= {{ as_of_date() }}
    {%- if is_night() %}
    and batch_date > {{ since_date() }}
    {%- endif %}
