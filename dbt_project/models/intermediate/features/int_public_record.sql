select
    public_record_id,
    {{ party_id('party_no_scheme', 'party_no') }} as party_id,
    record_type,
    amount,
    currency,
    published_date,
    closed_date,
    valid_from,
    valid_to
from {{ version_intervals(ref('stg_external__public_record'), ['public_record_id']) }}
