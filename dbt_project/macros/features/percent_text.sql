{#- A ratio as text in per cent with one decimal. -#}
{% macro percent_text(ratio) -%}
    cast(cast(round(100 * {{ ratio }}, 1) as decimal(6, 1)) as string) || '%'
{%- endmacro %}
