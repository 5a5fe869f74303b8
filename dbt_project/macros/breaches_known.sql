{#- Select: the end of a model that finds breaches and has them in `breaches`: the columns of all finders, for what is
    shown by the night. A finder whose breaches lack a column says what stands in it. A breach without a date stays, for
    the contract of rule_breach to stop the night. -#}
{% macro breaches_known(
    subject_kind='subject_kind', subject_id='subject_id', supplier_id='supplier_id', counterpart_id='counterpart_id'
) -%}
    select
        rule_id,
        {{ subject_kind }} as subject_kind,
        {{ subject_id }} as subject_id,
        core_enterprise_id,
        {{ supplier_id }} as supplier_id,
        {{ counterpart_id }} as counterpart_id,
        cast(amount as decimal(18, 2)) as amount,
        currency,
        first_known_date,
        explanation
    from breaches
    where first_known_date is null or first_known_date <= {{ as_of_date() }}
{%- endmacro %}
