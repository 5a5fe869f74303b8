{#- Aggregate: the texts of all rows as one, in order and with commas between. -#}
{% macro joined_text(text, order_by) -%}
    {{ dbt.listagg(text, "', '", 'order by ' ~ order_by) }}
{%- endmacro %}
