with ordered as (
    select
        *,
        case
            when is_withdrawn then '-'
            when party_no is not null then party_no_scheme || ':' || party_no
            else ''
        end as official_number,
        min(known_date) over (partition by record_kind, record_key) as first_known_date,
        first_value(party_name) over (partition by record_kind, record_key order by known_date) as first_name,
        lead(known_date) over (partition by record_kind, record_key order by known_date) as valid_to
    from {{ ref('int_identity_record') }}
),

numbered as (
    select
        *,
        case
            when
                official_number <> coalesce(
                    lag(official_number) over (partition by record_kind, record_key order by known_date), ''
                )
                then known_date
        end as number_changed_date
    from ordered
),

states as (
    select
        *,
        min(number_changed_date) over (
            partition by record_kind, record_key order by known_date rows between 1 following and unbounded following
        ) as number_valid_to
    from numbered
)

select
    record_kind,
    record_key,
    known_date as valid_from,
    valid_to,
    -- An account number must not be told from an identifier, so its holder's name is mixed in.
    substr(
        md5(
            record_kind || ':' || record_key
            || case when record_kind = 'bank.account' then ':' || first_name else '' end
        ), 1, 16
    ) as record_party_id,
    party_no_scheme,
    party_no,
    {{ party_id('party_no_scheme', 'party_no') }} as number_party_id,
    party_name,
    first_known_date,
    record_kind in ('erp.vendor', 'bank.account') as is_kept_by_hand,
    number_valid_to
from states
where not is_withdrawn
