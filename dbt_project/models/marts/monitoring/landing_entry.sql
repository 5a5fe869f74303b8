with entries as (
    select
        *,
        min(as_of_date) over (partition by source, feed, entry, state) as first_seen_date
    from {{ source('lake', 'landing_entry') }}
    where as_of_date <= {{ as_of_date() }}
)

select
    as_of_date,
    source,
    feed,
    business_date,
    entry,
    state,
    first_seen_date,
    message
from entries
