{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        post_hook='{{ drop_expired_snapshots() }}'
    )
}}

-- Days of an earlier release, which converted no amount, are left out.
with exposures as (
    select
        exposures.as_of_date,
        exposures.core_enterprise_id,
        exposures.supplier_id,
        exposures.funder_id,
        exposures.reporting_amount,
        exposures.reporting_currency,
        core_enterprises.sector_code,
        core_enterprises.region_code,
        coalesce(groups.control_group_id, core_enterprises.party_id) as control_group_id,
        coalesce(groups.connected_group_id, core_enterprises.party_id) as connected_group_id
    from {{ ref('exposure_daily') }} as exposures
    inner join {{ snapshot_dates() }} as dates on exposures.as_of_date = dates.as_of_date
    left join {{ ref('int_core_enterprise') }} as core_enterprises
        on
            exposures.core_enterprise_id = core_enterprises.core_enterprise_id
            and {{ valid_on('core_enterprises', 'exposures.as_of_date') }}
    left join {{ ref('int_connected_group_daily') }} as groups
        on exposures.as_of_date = groups.as_of_date and core_enterprises.party_id = groups.party_id
    where exposures.reporting_currency is not null
),

summed as (
    {%- for dimension, member in concentration_dimensions() %}
    select
        as_of_date,
        '{{ dimension }}' as dimension,
        {{ member }} as member_id,
        reporting_currency,
        cast(sum(reporting_amount) as decimal(18, 2)) as exposure_amount,
        count(*) - count(reporting_amount) as unpriced_count
    from exposures
    group by as_of_date, {{ member }}, reporting_currency
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

totals as (
    select
        *,
        cast(sum(exposure_amount) over (partition by as_of_date, dimension) as decimal(18, 2)) as total_amount,
        row_number() over (
            partition by as_of_date, dimension order by exposure_amount desc nulls last, member_id asc nulls last
        ) as exposure_rank
    from summed
),

shares as (
    select
        *,
        cast(exposure_amount as double) / nullif(cast(total_amount as double), 0) as share_ratio
    from totals
),

-- Shares are rounded to what their sums are exact in, whatever the order in which they are added up.
compared as (
    select
        shares.*,
        {%- for top in (5, 10) %}
        round(
            sum(case when shares.exposure_rank <= {{ top }} then shares.share_ratio end) over (
                partition by shares.as_of_date, shares.dimension
            ), 6
        ) as top_{{ top }}_share_ratio,
        {%- endfor %}
        round(
            sum(shares.share_ratio * shares.share_ratio) over (partition by shares.as_of_date, shares.dimension), 6
        ) as hhi_ratio,
        caps.value as cap
    from shares
    left join {{ ref('rule_parameter') }} as caps
        on {{ rule_in_force('caps', 'concentration_cap_ratio', 'shares.as_of_date', 'shares.dimension') }}
)

select
    as_of_date,
    dimension,
    member_id,
    reporting_currency,
    exposure_amount,
    cast(unpriced_count as bigint) as unpriced_count,
    cast(exposure_rank as bigint) as exposure_rank,
    round(share_ratio, 6) as share_ratio,
    top_5_share_ratio,
    top_10_share_ratio,
    hhi_ratio,
    cast(cap as double) as cap_ratio,
    share_ratio > cast(cap as double) as is_above_cap,
    cast(total_amount * cap - exposure_amount as decimal(18, 2)) as headroom_amount
from compared
