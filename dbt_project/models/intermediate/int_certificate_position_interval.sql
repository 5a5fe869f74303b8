{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='root_certificate_id') }}

{%- set legs = ['opened', 'passed_on', 'frozen', 'financed', 'redeemed', 'written_off', 'cancelled'] %}

with totals as (
    select
        certificate_id,
        root_certificate_id,
        holder_id,
        posted_date as valid_from,
        lead(posted_date) over (partition by certificate_id order by posted_date) as valid_to,
        {%- for leg in legs %}
        sum({{ leg }}_amount) over (
            partition by certificate_id order by posted_date rows between unbounded preceding and current row
        ) as {{ leg }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_certificate_movement') }}
    where {{ is_touched_root() }}
),

held as (
    select
        *,
        opened - passed_on - redeemed - written_off - cancelled as held
    from totals
),

-- What is redeemed comes off the free part first and off the financed part last: the funder is paid only by cash.
-- Where the event that financed or froze a part was refused, its release finds nothing to release and must not make
-- the rest larger.
financed as (
    select
        *,
        greatest(least(financed, held), 0) as still_financed
    from held
),

divided as (
    select
        *,
        greatest(least(frozen, held - still_financed), 0) as still_frozen
    from financed
)

select
    divided.certificate_id,
    divided.root_certificate_id,
    divided.holder_id,
    divided.valid_from,
    divided.valid_to,
    cast(divided.opened as decimal(18, 2)) as face_amount,
    cast(divided.held - divided.still_financed - divided.still_frozen as decimal(18, 2)) as available_amount,
    cast(divided.still_frozen as decimal(18, 2)) as frozen_amount,
    cast(divided.still_financed as decimal(18, 2)) as financed_amount,
    cast(divided.passed_on as decimal(18, 2)) as passed_on_amount,
    cast(divided.redeemed as decimal(18, 2)) as redeemed_amount,
    cast(divided.written_off as decimal(18, 2)) as written_off_amount,
    cast(divided.cancelled as decimal(18, 2)) as cancelled_amount
from divided
