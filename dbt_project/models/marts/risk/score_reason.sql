{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    on_schema_change='append_new_columns',
    tags=['after_scoring']
) }}

select
    as_of_date,
    supplier_id,
    model_role,
    model_version,
    reason_rank,
    feature_name,
    indicator_id,
    family,
    feature_value,
    peer_value,
    contribution,
    reason_text,
    reason_text_zh,
    coalesce(direction, 'AGAINST') as direction
from {{ source('lake', 'score_reason') }}
where
    as_of_date <= {{ as_of_date() }}
    {%- if is_night_of_release_with('direction') %}
    and {{ is_made_anew('as_of_date') }}
    {%- endif %}
