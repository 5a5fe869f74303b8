{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    tags=['after_scoring']
) }}

select
    as_of_date,
    supplier_id,
    model_role,
    model_version,
    family,
    contribution
from {{ source('lake', 'score_family') }}
where
    as_of_date <= {{ as_of_date() }}
    {%- if is_night() %}
    and {{ is_made_anew('as_of_date') }}
    {%- endif %}
