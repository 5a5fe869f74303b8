{#- Which sources reach a supplier with fresh rows, and whether it belongs to those that are scored, with the sentence
    for those that are not. -#}
{%- set sources = {
    'platform': ('int_feature_platform', 'last_platform_date'),
    'erp': ('int_feature_erp', 'last_erp_date'),
    'tax': ('int_feature_tax', 'last_tax_date'),
    'bank': ('int_feature_bank', 'last_bank_date'),
} %}
{%- set cause_texts = {
    'RECOURSE_OVERDUE': 'a financing it is liable for was not repaid in time',
    'BUY_BACK_NOT_HONOURED': 'it did not buy back a financed certificate',
    'PLATFORM_FROZEN': 'the platform froze it',
    'TAX_STATUS_ABNORMAL': 'its tax status is abnormal',
    'TAX_STATUS_CANCELLED': 'its tax registration was cancelled',
    'TAX_GRADE_D': 'its tax credit grade is D',
    'DISHONEST_DEBTOR': 'it is listed as a dishonest debtor',
    'ENFORCEMENT': 'a large enforcement case is open against it',
    'INSOLVENCY': 'insolvency proceedings are open',
} %}

with spine as (
    select * from {{ ref('int_feature_spine') }}
),

rules as (
    select * from {{ ref('rule_parameter') }}
),

causes as (
    select
        spine.as_of_date,
        spine.supplier_id,
        distress.distress_date,
        distress.cause
    from spine
    inner join {{ ref('int_supplier_distress') }} as distress
        on
            spine.supplier_id = distress.supplier_id
            and distress.distress_date <= spine.as_of_date
            and (distress.cured_date is null or distress.cured_date > spine.as_of_date)
    qualify row_number() over (
        partition by spine.as_of_date, spine.supplier_id order by distress.distress_date, distress.cause
    ) = 1
),

freshness as (
    select
        spine.as_of_date,
        spine.supplier_id,
        spine.status,
        causes.distress_date,
        causes.cause,
        {%- for source, (model, column) in sources.items() %}
        {{ days_between(model ~ '.' ~ column, 'spine.as_of_date') }} as {{ source }}_age_days,
        {%- endfor %}
        fresh.value as fresh_days,
        recent.value as recent_days
    from spine
    {%- for source, (model, column) in sources.items() %}
    left join {{ ref(model) }} as {{ model }}
        on spine.as_of_date = {{ model }}.as_of_date and spine.supplier_id = {{ model }}.supplier_id
    {%- endfor %}
    left join causes on spine.as_of_date = causes.as_of_date and spine.supplier_id = causes.supplier_id
    inner join rules as fresh on {{ rule_in_force('fresh', 'data_depth_fresh_days', 'spine.as_of_date') }}
    inner join rules as recent on {{ rule_in_force('recent', 'population_recent_days', 'spine.as_of_date') }}
),

counted as (
    select
        *,
        {%- for source in sources %}
        case when {{ source }}_age_days <= fresh_days then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %} as fresh_sources,
        least(
            {%- for source in sources %}
            coalesce({{ source }}_age_days, 99999){{ ',' if not loop.last }}
            {%- endfor %}
        ) <= recent_days as has_recent_data
    from freshness
),

classified as (
    select
        *,
        case
            when status = 'EXITED' then 'EXITED'
            when distress_date is not null then 'IN_DISTRESS'
            when not has_recent_data then 'NO_RECENT_DATA'
            else 'ELIGIBLE'
        end as population_status
    from counted
)

select
    as_of_date,
    supplier_id,
    population_status,
    case population_status
        when 'EXITED' then 'The supplier has left the platform.'
        when 'IN_DISTRESS'
            then 'In distress since ' || cast(distress_date as string) || ': '
                || case cause
                {%- for cause, text in cause_texts.items() %}
                    when '{{ cause }}' then '{{ text }}'
                {%- endfor %}
                end || '.'
        when 'NO_RECENT_DATA'
            then 'No ERP, tax, bank or certificate row was known in the last '
                || cast(cast(recent_days as integer) as string) || ' days.'
    end as not_scored_reason,
    case when fresh_sources >= 4 then 'A' when fresh_sources = 3 then 'B' when fresh_sources = 2 then 'C' else 'D' end
        as data_depth
from classified
