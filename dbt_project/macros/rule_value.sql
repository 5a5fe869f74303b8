{#- Scalar subquery: the value of a rule that people tune, as valid on a date. The seed rule_parameter names unit and
    source of each value; a rule with a value for each of several kinds of things has them under the `scope` of the
    kind. -#}
{% macro rule_value(rule_id, on_date=none, scope='ALL') -%}
    (
        select value
        from {{ ref('rule_parameter') }}
        where
            rule_id = '{{ rule_id }}'
            and scope = '{{ scope }}'
            and valid_from <= {{ on_date or as_of_date() }}
            and (valid_to is null or valid_to > {{ on_date or as_of_date() }})
    )
{%- endmacro %}
