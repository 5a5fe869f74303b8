select
    records.public_record_id,
    numbers.party_id,
    records.record_type,
    records.amount,
    records.currency,
    records.published_date,
    records.closed_date,
    {{ common_interval('records', 'numbers') }}
from {{ version_intervals(ref('stg_external__public_record'), ['public_record_id']) }} as records
inner join {{ ref('int_party_number') }} as numbers
    on
        records.party_no = numbers.party_no
        and records.party_no_scheme = numbers.party_no_scheme
        and {{ overlap('records', 'numbers') }}
