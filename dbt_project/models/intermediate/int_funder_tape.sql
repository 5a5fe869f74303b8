{%- set fresh_lines = is_touched_tape() -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        pre_hook='{{ drop_touched(is_touched_tape()) }}'
    )
}}

with tape_lines as (
    select *
    from {{ ref('stg_platform__funder_tape') }}
    where {{ fresh_lines }}
)

select
    funder_id,
    tape_date,
    collateral_id,
    seller_no,
    seller_no_scheme,
    debtor_no,
    debtor_no_scheme,
    invoice_no,
    invoice_date,
    invoice_amount,
    financed_amount,
    currency,
    due_date,
    reported_status,
    reported_dpd_days,
    known_date
from {{ latest_version('tape_lines', ['funder_id', 'tape_date', 'collateral_id']) }} as latest
