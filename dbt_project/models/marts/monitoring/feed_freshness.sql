{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='as_of_date') }}

with promises as (
    select * from {{ source('lake', 'feed_promise') }}
    where
        as_of_date <= {{ as_of_date() }}
        {%- if is_night() %}
        and {{ is_made_anew('as_of_date') }}
        {%- endif %}
),

-- The same file again is a delivery; a file that was refused, or is only read with others, is none of the feed.
delivered as (
    select
        source,
        feed,
        batch_date,
        max(business_date) as business_date
    from {{ ref('int_receipt') }}
    where status in ('LOADED', 'REPEATED_FILE')
    group by source, feed, batch_date
),

newest as (
    select
        promises.as_of_date,
        promises.source,
        promises.feed,
        promises.promise,
        promises.promised_date,
        max(delivered.business_date) as newest_delivery_date
    from promises
    left join delivered
        on
            promises.source = delivered.source
            and promises.feed = delivered.feed
            and promises.as_of_date >= delivered.batch_date
    group by promises.as_of_date, promises.source, promises.feed, promises.promise, promises.promised_date
)

select
    as_of_date,
    source,
    feed,
    promise,
    promised_date,
    newest_delivery_date,
    case
        when newest_delivery_date >= promised_date then 0
        else cast({{ days_between('newest_delivery_date', 'promised_date') }} as integer)
    end as late_days,
    case
        when newest_delivery_date is null then 'NEVER_DELIVERED'
        when promised_date is null then 'NO_PROMISE'
        when newest_delivery_date < promised_date then 'LATE'
        else 'FRESH'
    end as status
from newest
