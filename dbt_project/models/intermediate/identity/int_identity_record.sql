{{ config(materialized='incremental', incremental_strategy='append') }}

select
    record_kind,
    record_key,
    known_date,
    is_withdrawn,
    party_no_scheme,
    party_no,
    party_name
from {{ source('lake', 'identity_record') }}
where
    known_date <= {{ as_of_date() }}
    {%- if is_night() %}
    and batch_date > {{ since_date() }}
    and batch_date <= {{ as_of_date() }}
    {%- endif %}
