{#- A text without any of the characters that a pattern matches. -#}
{% macro replaced_all(text, pattern) -%}
    {{ return(adapter.dispatch('replaced_all', 'anchorwatch')(text, pattern)) }}
{%- endmacro %}

{% macro default__replaced_all(text, pattern) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '')
{%- endmacro %}

{% macro duckdb__replaced_all(text, pattern) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '', 'g')
{%- endmacro %}
