{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

{%- set buckets = [(1, 30), (31, 60), (61, 90), (91, 120)] %}

with payables as (
    select
        dates.as_of_date,
        core_enterprises.core_enterprise_id,
        case when roles.supplier_known_date <= dates.as_of_date then roles.supplier_id end as supplier_id,
        payables.currency,
        payables.due_date,
        payables.open_amount
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_payable_interval') }} as payables
        on
            dates.as_of_date >= payables.valid_from
            and (payables.valid_to is null or dates.as_of_date < payables.valid_to)
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on
            payables.company_code = core_enterprises.company_code
            and dates.as_of_date >= core_enterprises.valid_from
            and (core_enterprises.valid_to is null or dates.as_of_date < core_enterprises.valid_to)
    left join {{ ref('int_vendor') }} as vendors
        on
            payables.company_code = vendors.company_code
            and payables.erp_vendor_no = vendors.erp_vendor_no
            and dates.as_of_date >= vendors.valid_from
            and (vendors.valid_to is null or dates.as_of_date < vendors.valid_to)
    left join {{ ref('int_party_role') }} as roles on vendors.party_id = roles.party_id
    where payables.confirmed_date is not null and payables.open_amount <> 0
),

certificates as (
    select
        dates.as_of_date,
        terms.core_enterprise_id,
        terms.holder_id as supplier_id,
        terms.currency,
        terms.due_date,
        positions.available_amount + positions.frozen_amount + positions.financed_amount as open_amount
    from {{ snapshot_dates() }} as dates
    inner join {{ ref('int_certificate_position_interval') }} as positions
        on
            dates.as_of_date >= positions.valid_from
            and (positions.valid_to is null or dates.as_of_date < positions.valid_to)
    inner join {{ ref('int_certificate_term_interval') }} as terms
        on positions.certificate_id = terms.certificate_id and {{ valid_on('terms', 'dates.as_of_date') }}
    where positions.available_amount + positions.frozen_amount + positions.financed_amount <> 0
),

receivables as (
    select
        *,
        {{ days_between('due_date', 'as_of_date') }} as days_past_due
    from (
        select * from payables
        union all
        select * from certificates
    ) as both_kinds
)

select
    as_of_date,
    core_enterprise_id,
    supplier_id,
    currency,
    cast(sum(open_amount) as decimal(18, 2)) as open_amount,
    cast(sum(case when days_past_due <= 0 then open_amount else 0 end) as decimal(18, 2)) as not_due_amount,
    {%- for first_day, last_day in buckets %}
    cast(
        sum(case when days_past_due between {{ first_day }} and {{ last_day }} then open_amount else 0 end)
        as decimal(18, 2)
    ) as overdue_{{ first_day }}_{{ last_day }}_amount,
    {%- endfor %}
    cast(sum(case when days_past_due > {{ buckets[-1][1] }} then open_amount else 0 end) as decimal(18, 2))
        as overdue_over_{{ buckets[-1][1] }}_amount,
    cast(greatest(max(days_past_due), 0) as integer) as max_days_past_due,
    cast(count(*) as bigint) as receivable_count
from receivables
group by as_of_date, core_enterprise_id, supplier_id, currency
