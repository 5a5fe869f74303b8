{#- The number of the block of `days` days in which a date lies: for joins of what is near in time by equal blocks,
    whose cost grows with the rows and not with their pairs. What is fewer than `days` days after a date is in the
    date's block or in the next. -#}
{% macro day_block(on_date, days) -%}
    cast(floor({{ days_between("cast('2000-01-01' as date)", on_date) }} / cast({{ days }} as double)) as bigint)
{%- endmacro %}
