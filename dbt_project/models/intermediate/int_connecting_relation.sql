{%- set relations = latest_version(ref('stg_platform__party_relation'), ['relation_id']) %}

select
    from_numbers.party_id as from_party_id,
    to_numbers.party_id as to_party_id
from {{ relations }} as relations
inner join {{ ref('int_party_number') }} as from_numbers
    on
        relations.from_party_no = from_numbers.party_no
        and relations.from_party_no_scheme = from_numbers.party_no_scheme
        and from_numbers.valid_to is null
inner join {{ ref('int_party_number') }} as to_numbers
    on
        relations.to_party_no = to_numbers.party_no
        and relations.to_party_no_scheme = to_numbers.party_no_scheme
        and to_numbers.valid_to is null
where
    relations.valid_from <= {{ as_of_date() }}
    and (relations.valid_to is null or relations.valid_to > {{ as_of_date() }})
    and (
        relations.relation_type in ('OFFICER', 'GUARANTOR', 'DEPENDENCE')
        or (
            relations.relation_type = 'SHAREHOLDER'
            and relations.share_ratio >= {{ rule_value('connected_min_share_ratio') }}
        )
    )
