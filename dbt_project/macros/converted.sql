{#- An amount in the reporting currency, not yet rounded. Money and a rate have 18 digits each; so has their product,
    which is too few for ten billion at six decimals, were the amount not made wider first. -#}
{% macro converted(amount, rate='rates.rate') -%}
    cast({{ amount }} as decimal(38, 2)) * {{ rate }}
{%- endmacro %}
