{#- A number that is the same for rows with the same values in the columns: of two tables, the rows that differ are
    found by it without the columns of one being held in memory. Types must be the same too. -#}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash', 'anchorwatch')(columns)) }}
{%- endmacro %}

{% macro duckdb__row_hash(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}
