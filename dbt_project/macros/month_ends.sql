{#- Subselect: the month-ends for which a `*_monthly` model is built, with the one before and that of a year ago. A full
    build takes all of them, a night those that were passed since the last one. -#}
{% macro month_ends() -%}
    (
        select
            as_of_date as month_end_date,
            {{ add_days('as_of_date', '-extract(day from as_of_date)') }} as previous_date,
            last_day(
                make_date(
                    cast(extract(year from as_of_date) as integer) - 1,
                    cast(extract(month from as_of_date) as integer),
                    1
                )
            ) as year_ago_date
        from {{ snapshot_dates() }} as dates
        where as_of_date = last_day(as_of_date)
    )
{%- endmacro %}
