{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='as_of_date',
        post_hook='{{ drop_expired_snapshots() }}',
        tags=['after_scoring']
    )
}}

{%- set key = ['as_of_date', 'certificate_id', 'funder_id', 'currency'] %}
{%- set rules = [
    'unrated_12m_pd', 'risk_floor_days', 'recourse_lgd_factor', 'dilution_floor_ratio',
    'performance_given_distress_ratio', 'stage2_dpd_days', 'stage3_dpd_days', 'sicr_notches',
] %}
{%- for grade in ['SPECIAL_MENTION', 'SUBSTANDARD', 'DOUBTFUL', 'LOSS'] %}
{%- do rules.append(('five_grade_dpd_days', grade, grade | lower ~ '_dpd_days')) %}
{%- endfor %}

with dates as (
    {{ snapshot_dates_with(rules) }}
),

-- The due date first agreed counts: an extension is not a payment.
first_terms as (
    select
        financing_id,
        min_by(due_date, valid_from) as due_date
    from {{ ref('int_financing_interval') }}
    group by financing_id
),

exposures as (
    select
        dates.as_of_date,
        case
            when dates.as_of_date = last_day(dates.as_of_date) then dates.as_of_date
            else {{ add_days('dates.as_of_date', '-extract(day from dates.as_of_date)') }}
        end as month_end_date,
        financings.certificate_id,
        financings.funder_id,
        financings.currency,
        max(financings.core_enterprise_id) as core_enterprise_id,
        max(financings.supplier_id) as supplier_id,
        min(first_terms.due_date) as due_date,
        cast(sum(financings.outstanding_amount) as decimal(18, 2)) as outstanding_amount,
        cast(sum(case when financings.has_recourse then financings.outstanding_amount else 0 end) as decimal(18, 2))
            as recourse_outstanding_amount
    from dates
    inner join {{ ref('int_financing_interval') }} as financings on {{ valid_on('financings', 'dates.as_of_date') }}
    inner join first_terms on financings.financing_id = first_terms.financing_id
    where financings.outstanding_amount <> 0
    group by dates.as_of_date, financings.certificate_id, financings.funder_id, financings.currency
),

-- Both sides of a loss: who promised to pay, and who sold. A supplier without score has no probability of distress.
-- The engine takes the exposures for few and keeps them in one join after the other: what every date has in common
-- is joined last, so that the rows it keeps are narrow.
looked_up as (
    select
        exposures.*,
        certificates.instrument_type,
        core_enterprises.default_cause,
        core_enterprises.pd_12m as stated_pd_12m,
        core_enterprises.rating_notch - core_enterprises.rating_notch_year_ago as notches_down,
        cast(core_enterprise_lgds.value as double) as core_enterprise_lgd,
        cast(performance_lgds.value as double) as performance_lgd,
        case when scores.watch_state = 'RESTRICTED' then 1 else scores.pd_90d end as supplier_pd_90d,
        coalesce(scores.watch_state in ('WATCH', 'RESTRICTED'), false) as is_watched,
        dilutions.dilution_12m_ratio as seen_dilution,
        rates.rate
    from exposures
    left join {{ ref('int_certificate_term_interval') }} as certificates
        on
            exposures.certificate_id = certificates.certificate_id
            and {{ valid_on('certificates', 'exposures.as_of_date') }}
    left join {{ ref('int_core_enterprise_pd_daily') }} as core_enterprises
        on
            exposures.as_of_date = core_enterprises.as_of_date
            and exposures.core_enterprise_id = core_enterprises.core_enterprise_id
    left join {{ ref('supplier_score_daily') }} as scores
        on
            exposures.as_of_date = scores.as_of_date
            and exposures.supplier_id = scores.supplier_id
            and scores.model_role = 'champion'
    left join {{ ref('dilution_monthly') }} as dilutions
        on
            exposures.month_end_date = dilutions.month_end_date
            and exposures.core_enterprise_id = dilutions.core_enterprise_id
            and exposures.supplier_id = dilutions.supplier_id
            and exposures.currency = dilutions.currency
    left join {{ ref('rule_parameter') }} as core_enterprise_lgds
        on {{ rule_in_force('core_enterprise_lgds', 'core_enterprise_lgd_ratio', 'exposures.as_of_date',
            'certificates.instrument_type') }}
    left join {{ ref('rule_parameter') }} as performance_lgds
        on {{ rule_in_force('performance_lgds', 'performance_lgd_ratio', 'exposures.as_of_date',
            'certificates.instrument_type') }}
    left join {{ ref('int_reporting_rate_daily') }} as rates
        on exposures.as_of_date = rates.as_of_date and exposures.currency = rates.currency
),

judged as (
    select
        looked_up.*,
        cast(dates.recourse_lgd_factor as double) as recourse_lgd_factor,
        cast(dates.performance_given_distress_ratio as double) as performance_given_distress_ratio,
        greatest({{ days_between('looked_up.due_date', 'looked_up.as_of_date') }}, 0) as days_past_due,
        greatest({{ days_between('looked_up.as_of_date', 'looked_up.due_date') }}, dates.risk_floor_days)
            as days_at_risk,
        coalesce(looked_up.stated_pd_12m, cast(dates.unrated_12m_pd as double)) as pd_12m,
        greatest(
            coalesce(looked_up.seen_dilution, cast(dates.dilution_floor_ratio as double)),
            cast(dates.dilution_floor_ratio as double)
        ) as dilution,
        coalesce(looked_up.notches_down >= dates.sicr_notches, false) as is_downgraded,
        dates.stage2_dpd_days,
        dates.stage3_dpd_days,
        dates.special_mention_dpd_days,
        dates.substandard_dpd_days,
        dates.doubtful_dpd_days,
        dates.loss_dpd_days
    from looked_up
    inner join dates on looked_up.as_of_date = dates.as_of_date
),

-- What is lost of an amount, with recourse of a part of it to the supplier.
probabilities as (
    select
        *,
        case
            when default_cause is not null then 1
            else 1 - power(1 - pd_12m, cast(days_at_risk as double) / 365)
        end as core_enterprise_pd,
        case
            when supplier_pd_90d is not null
                then least(dilution + supplier_pd_90d * performance_given_distress_ratio, 1)
        end as performance_pd,
        cast(outstanding_amount as double)
        - cast(recourse_outstanding_amount as double) * (1 - recourse_lgd_factor) as amount_at_risk
    from judged
),

losses as (
    select
        *,
        cast(amount_at_risk * core_enterprise_pd * core_enterprise_lgd as decimal(18, 2))
            as core_enterprise_loss_amount,
        case
            when performance_pd is not null
                then cast(amount_at_risk * performance_pd * performance_lgd as decimal(18, 2))
        end as performance_loss_amount
    from probabilities
)

select
    {{ key | join(',
    ') }},
    core_enterprise_id,
    supplier_id,
    instrument_type,
    outstanding_amount,
    recourse_outstanding_amount,
    due_date as first_due_date,
    cast(days_past_due as integer) as days_past_due,
    core_enterprise_pd,
    core_enterprise_lgd as core_enterprise_lgd_ratio,
    core_enterprise_loss_amount,
    dilution as dilution_12m_ratio,
    supplier_pd_90d,
    performance_pd,
    performance_lgd as performance_lgd_ratio,
    performance_loss_amount,
    cast(core_enterprise_loss_amount + performance_loss_amount as decimal(18, 2)) as expected_loss_amount,
    cast({{ converted('core_enterprise_loss_amount + performance_loss_amount', 'rate') }} as decimal(18, 2))
        as reporting_amount,
    '{{ var("reporting_currency") }}' as reporting_currency,
    case
        when days_past_due >= stage3_dpd_days or default_cause is not null then 3
        when days_past_due >= stage2_dpd_days or is_watched or is_downgraded then 2
        else 1
    end as ifrs9_stage,
    case
        when days_past_due >= stage3_dpd_days then 'stage3_dpd_days'
        when default_cause is not null then 'core enterprise in default: ' || default_cause
        when days_past_due >= stage2_dpd_days then 'stage2_dpd_days'
        when is_watched then 'supplier on the watch list'
        when is_downgraded then 'sicr_notches'
    end as ifrs9_rule,
    case
        when days_past_due > loss_dpd_days then 'LOSS'
        when days_past_due > doubtful_dpd_days then 'DOUBTFUL'
        when days_past_due > substandard_dpd_days or default_cause is not null then 'SUBSTANDARD'
        when days_past_due > special_mention_dpd_days or is_watched then 'SPECIAL_MENTION'
        else 'PASS'
    end as cn_five_grade,
    case
        when days_past_due > substandard_dpd_days then 'five_grade_dpd_days'
        when default_cause is not null then 'core enterprise in default: ' || default_cause
        when days_past_due > special_mention_dpd_days then 'five_grade_dpd_days'
        when is_watched then 'supplier on the watch list'
    end as cn_five_grade_rule
from losses
