{#- Subselect: the dates for which a `*_daily` model is built. A night adds itself and any month-end that was passed
    without a night; a full build adds every month-end, for the days between cannot be had back from what was
    published. -#}
{% macro snapshot_dates() -%}
    (
        select calendar_date as as_of_date
        from {{ ref('dim_date') }}
        where
            calendar_date = {{ as_of_date() }}
            or (
                is_month_end
                and calendar_date < {{ as_of_date() }}
                {%- if is_night() %}
                and calendar_date > {{ since_date() }}
                {%- endif %}
            )
    )
{%- endmacro %}

{#- Select: the snapshot dates, each with the values of rules that were in force on it. A rule is its name, or a triple
    of name, scope and the column that holds its value. -#}
{% macro snapshot_dates_with(rules) -%}
    select
        nights.as_of_date,
        {%- for rule in rules %}
        {%- set rule_id, scope, column = (rule, 'ALL', rule) if rule is string else rule %}
        max(case when rules.rule_id = '{{ rule_id }}' and rules.scope = '{{ scope }}' then rules.value end)
            as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ snapshot_dates() }} as nights
    inner join {{ ref('rule_parameter') }} as rules on {{ valid_on('rules', 'nights.as_of_date') }}
    group by nights.as_of_date
{%- endmacro %}

{#- Post-hook of `*_daily` models: what is older than the retention goes, month-ends stay. -#}
{% macro drop_expired_snapshots() -%}
    delete from {{ this }}
    where
        as_of_date < {{ add_days(as_of_date(), '-' ~ rule_value('daily_retention_days')) }}
        and as_of_date <> last_day(as_of_date)
{%- endmacro %}
