{%- set years_back = 12 %}
{%- set years_ahead = 3 %}
{%- set first_day = 'make_date(cast(extract(year from ' ~ as_of_date() ~ ') as integer) - ' ~ years_back ~ ', 1, 1)' %}

with digits as (
    {%- for digit in range(10) %}
    select {{ digit }} as digit
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

numbers as (
    select thousands.digit * 1000 + hundreds.digit * 100 + tens.digit * 10 + ones.digit as number
    from digits as thousands
    cross join digits as hundreds
    cross join digits as tens
    cross join digits as ones
),

days as (
    select
        {{ add_days(first_day, 'number') }} as calendar_date
    from numbers
)

select
    calendar_date,
    cast(extract(year from calendar_date) as integer) as calendar_year,
    cast(extract(quarter from calendar_date) as integer) as calendar_quarter,
    cast(extract(month from calendar_date) as integer) as calendar_month,
    calendar_date = last_day(calendar_date) as is_month_end,
    calendar_date = {{ as_of_date() }} as is_as_of_date
from days
where extract(year from calendar_date) < extract(year from {{ as_of_date() }}) + {{ years_ahead }}
