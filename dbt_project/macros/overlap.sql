{#- Join condition: two intervals [valid_from, valid_to) have a day in common. -#}
{% macro overlap(one, other) -%}
    ({{ one }}.valid_to is null or {{ other }}.valid_from < {{ one }}.valid_to)
    and ({{ other }}.valid_to is null or {{ one }}.valid_from < {{ other }}.valid_to)
{%- endmacro %}

{#- The days that two overlapping intervals have in common, as two columns. -#}
{% macro common_interval(one, other) -%}
    greatest({{ one }}.valid_from, {{ other }}.valid_from) as valid_from,
    nullif(
        least(
            coalesce({{ one }}.valid_to, cast('9999-12-31' as date)),
            coalesce({{ other }}.valid_to, cast('9999-12-31' as date))
        ),
        cast('9999-12-31' as date)
    ) as valid_to
{%- endmacro %}
