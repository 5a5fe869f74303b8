{{ config(materialized='incremental', incremental_strategy='append') }}

select
    left_kind,
    left_key,
    left_known_date,
    right_kind,
    right_key,
    right_known_date,
    is_same_number,
    is_same_record,
    is_same_account,
    name_similarity,
    address_similarity,
    known_date
from {{ source('lake', 'identity_pair') }}
where
    known_date <= {{ as_of_date() }}
    {%- if is_night() %}
    and batch_date > {{ since_date() }}
    and batch_date <= {{ as_of_date() }}
    {%- endif %}
