{#- Whole days from one date to a later one; negative when `to_date` is earlier. -#}
{% macro days_between(from_date, to_date) -%}
    {{ return(adapter.dispatch('days_between', 'anchorwatch')(from_date, to_date)) }}
{%- endmacro %}

{% macro default__days_between(from_date, to_date) -%}
    datediff({{ to_date }}, {{ from_date }})
{%- endmacro %}

{% macro duckdb__days_between(from_date, to_date) -%}
    date_diff('day', {{ from_date }}, {{ to_date }})
{%- endmacro %}

{#- The date `days` days after a date; `days` is any integer expression and may be negative. -#}
{% macro add_days(from_date, days) -%}
    {{ return(adapter.dispatch('add_days', 'anchorwatch')(from_date, days)) }}
{%- endmacro %}

{% macro default__add_days(from_date, days) -%}
    date_add({{ from_date }}, {{ days }})
{%- endmacro %}

{% macro duckdb__add_days(from_date, days) -%}
    ({{ from_date }} + cast({{ days }} as integer))
{%- endmacro %}
