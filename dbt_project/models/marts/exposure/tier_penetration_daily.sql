{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        on_schema_change='append_new_columns',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

with held as (
    select
        dates.as_of_date,
        states.core_enterprise_id,
        states.holder_id as supplier_id,
        states.tier,
        states.currency,
        positions.root_certificate_id,
        positions.available_amount,
        positions.frozen_amount,
        positions.financed_amount,
        positions.available_amount + positions.frozen_amount + positions.financed_amount as held_amount,
        states.is_disputed,
        {{ state_on('states.state', 'states.due_date', 'dates.as_of_date', 'rules.value') }} as state
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_certificate_position_interval') }} as positions
        on {{ valid_on('positions', 'dates.as_of_date') }}
    inner join {{ ref('certificate_state') }} as states
        on positions.certificate_id = states.certificate_id and {{ valid_on('states', 'dates.as_of_date') }}
    left join {{ ref('rule_parameter') }} as rules
        on {{ rule_in_force('rules', 'technical_delay_days', 'states.due_date') }}
    where positions.available_amount + positions.frozen_amount + positions.financed_amount <> 0
),

holders as (
    select
        as_of_date,
        core_enterprise_id,
        supplier_id,
        tier,
        currency,
        cast(sum(held_amount) as decimal(18, 2)) as held_amount,
        cast(sum(available_amount) as decimal(18, 2)) as available_amount,
        cast(sum(frozen_amount) as decimal(18, 2)) as frozen_amount,
        cast(sum(financed_amount) as decimal(18, 2)) as financed_amount,
        cast(sum(case when is_disputed then held_amount else 0 end) as decimal(18, 2)) as disputed_amount,
        cast(sum(case when state in ('OVERDUE', 'DEFAULTED') then held_amount else 0 end) as decimal(18, 2))
            as overdue_amount,
        cast(sum(case when state = 'DEFAULTED' then held_amount else 0 end) as decimal(18, 2)) as defaulted_amount,
        cast(count(*) as bigint) as certificate_count,
        cast(count(distinct root_certificate_id) as bigint) as root_count
    from held
    group by as_of_date, core_enterprise_id, supplier_id, tier, currency
),

totals as (
    select
        *,
        sum(held_amount) over (partition by as_of_date, core_enterprise_id, currency) as core_held_amount
    from holders
)

select
    totals.as_of_date,
    totals.core_enterprise_id,
    totals.supplier_id,
    totals.tier,
    totals.currency,
    totals.held_amount,
    totals.available_amount,
    totals.frozen_amount,
    totals.financed_amount,
    totals.disputed_amount,
    totals.overdue_amount,
    totals.defaulted_amount,
    totals.certificate_count,
    totals.root_count,
    {{ ratio('totals.held_amount', 'totals.core_held_amount') }} as share_of_core_ratio,
    cast({{ converted('totals.held_amount') }} as decimal(18, 2)) as reporting_amount,
    '{{ var("reporting_currency") }}' as reporting_currency
from totals
left join {{ ref('int_reporting_rate_daily') }} as rates
    on totals.as_of_date = rates.as_of_date and totals.currency = rates.currency
