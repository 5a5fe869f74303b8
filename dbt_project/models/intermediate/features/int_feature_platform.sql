with spine as (
    select * from {{ ref('int_feature_spine') }}
),

flows as (
    select
        spine.as_of_date,
        spine.supplier_id,
        {%- for measure, windows in {
            'received_amount': [[90, 0], [90, 90], [180, 0], [365, 0]],
            'tier_amount': [[180, 0]],
            'tenor_days_amount': [[180, 0]],
            'long_tenor_amount': [[180, 0]],
            'passed_on_amount': [[180, 0]],
            'extended_amount': [[365, 0]],
            'financed_amount': [[90, 0], [90, 90], [180, 0], [365, 0]],
            'instant_amount': [[180, 0]],
            'unregistered_amount': [[365, 0]],
            'priced_amount': [[180, 0]],
            'rate_pct_amount': [[180, 0]],
        }.items() %}
        {%- for days, skip in windows %}
        {{ window_sum(measure, days, skip) }}
            as {{ measure | replace('_amount', '') }}_{{ days }}d{{ '_' ~ skip ~ 'd_ago' if skip }},
        {%- endfor %}
        {%- endfor %}
        max(ledger.known_date) as last_platform_date
    from spine
    inner join {{ ref('int_platform_supplier_daily') }} as ledger
        on
            spine.supplier_id = ledger.supplier_id
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_365d
    group by spine.as_of_date, spine.supplier_id
),

first_flows as (
    select supplier_id, min(known_date) as first_date
    from {{ ref('int_platform_supplier_daily') }}
    group by supplier_id
),

financings as (
    select
        spine.as_of_date,
        spine.supplier_id,
        sum(financings.outstanding_amount) as outstanding_amount,
        sum(case when financings.due_date < spine.as_of_date then financings.outstanding_amount else 0 end)
            as overdue_amount,
        max(
            case
                when financings.outstanding_amount > 0
                    then greatest({{ days_between('financings.due_date', 'spine.as_of_date') }}, 0)
                else 0
            end
        ) as longest_dpd,
        sum(case when financings.has_recourse then financings.outstanding_amount else 0 end) as recourse_amount,
        sum(case when financings.due_date > spine.from_365d then financings.bought_back_amount else 0 end)
            as bought_back_amount,
        sum(
            case
                when financings.due_date > spine.from_365d and financings.due_date <= spine.as_of_date
                    then financings.principal_amount
                else 0
            end
        ) as matured_amount
    from spine
    inner join {{ ref('int_financing_interval') }} as financings
        on spine.supplier_id = financings.supplier_id and {{ valid_on('financings', 'spine.as_of_date') }}
    group by spine.as_of_date, spine.supplier_id
),

rates as (
    select
        as_of_date,
        supplier_id,
        {{ ratio('rate_pct_180d', 'priced_180d') }} as rate_pct
    from flows
),

markets as (
    select
        as_of_date,
        median(rate_pct) as median_rate_pct
    from rates
    group by as_of_date
)

select
    spine.as_of_date,
    spine.supplier_id,
    flows.last_platform_date,
    coalesce(flows.financed_365d, 0) as financed_365d,
    case
        when first_flows.first_date <= spine.from_180d
            then {{ growth('flows.received_90d', 'flows.received_90d_90d_ago') }}
    end
        as certificates_received_change_3m,
    case
        when first_flows.first_date <= spine.from_180d
            then {{ growth('flows.financed_90d', 'flows.financed_90d_90d_ago') }}
    end
        as financing_change_3m,
    {{ ratio('flows.financed_180d', 'flows.received_180d', floor=10000, cap=1) }} as financed_share_6m,
    {{ ratio('flows.instant_180d', 'flows.financed_180d', floor=10000, cap=1) }} as instant_financing_rate_6m,
    {{ ratio('flows.passed_on_180d', 'flows.received_180d', floor=10000, cap=1) }} as passed_on_share_6m,
    {{ ratio('flows.tier_180d', 'flows.received_180d', floor=1, cap=20) }} as tier_depth_6m,
    {{ ratio('flows.tenor_days_180d', 'flows.received_180d', floor=1, cap=730) }} as tenor_days_6m,
    {{ ratio('flows.long_tenor_180d', 'flows.received_180d', floor=10000, cap=1) }} as tenor_over_180_share_6m,
    {{ ratio('flows.extended_365d', 'flows.received_365d', floor=10000, cap=1) }} as rollover_rate_12m,
    {{ ratio('flows.unregistered_365d', 'flows.financed_365d', floor=10000, cap=1) }}
        as unregistered_financing_share_12m,
    rates.rate_pct - markets.median_rate_pct as discount_premium_6m,
    {{ ratio('financings.overdue_amount', 'financings.outstanding_amount', floor=10000, cap=1) }}
        as financing_overdue_share,
    {{ clamped('financings.longest_dpd', 0, 365) }} as financing_longest_dpd,
    {{ ratio('financings.recourse_amount', 'financings.outstanding_amount', floor=10000, cap=1) }} as recourse_share,
    {{ ratio('financings.bought_back_amount', 'financings.matured_amount', floor=10000, cap=1) }} as buy_back_share_12m
from spine
inner join first_flows on spine.supplier_id = first_flows.supplier_id and first_flows.first_date <= spine.as_of_date
left join flows on spine.as_of_date = flows.as_of_date and spine.supplier_id = flows.supplier_id
left join financings on spine.as_of_date = financings.as_of_date and spine.supplier_id = financings.supplier_id
left join rates on spine.as_of_date = rates.as_of_date and spine.supplier_id = rates.supplier_id
left join markets on spine.as_of_date = markets.as_of_date
