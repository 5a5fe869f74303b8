with islands as (
    select
        record_kind,
        record_key,
        record_party_id,
        is_kept_by_hand,
        first_known_date,
        number_party_id,
        party_no_scheme,
        party_no,
        coalesce(number_valid_to, cast('9999-12-31' as date)) as end_date,
        min(valid_from) as valid_from
    from {{ ref('int_party_state') }}
    group by all
)

select
    record_kind,
    record_key,
    record_party_id,
    is_kept_by_hand,
    first_known_date,
    number_party_id,
    party_no_scheme,
    party_no,
    valid_from,
    nullif(end_date, cast('9999-12-31' as date)) as valid_to
from islands
