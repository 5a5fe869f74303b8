with rates as (
    select
        base_currency as currency,
        max_by(rate, rate_date) as rate
    from {{ latest_version(ref('stg_external__fx_rate'), ['base_currency', 'quote_currency', 'rate_date']) }} as latest
    where quote_currency = '{{ var("reporting_currency") }}' and rate_date <= {{ as_of_date() }}
    group by base_currency
)

select currency, rate from rates
where currency <> '{{ var("reporting_currency") }}'
union all
select '{{ var("reporting_currency") }}' as currency, cast(1 as decimal(18, 6)) as rate
