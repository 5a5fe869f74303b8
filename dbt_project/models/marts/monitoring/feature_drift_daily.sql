{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='as_of_date',
    tags=['after_scoring']
) }}

select
    as_of_date,
    model_role,
    model_version,
    feature_name,
    family,
    psi,
    psi_critical,
    missing_ratio,
    reference_missing_ratio,
    reference_rows,
    current_rows,
    is_drifted
from {{ source('lake', 'feature_drift') }}
where
    as_of_date <= {{ as_of_date() }}
    {%- if is_night() %}
    and {{ is_made_anew('as_of_date') }}
    {%- endif %}
