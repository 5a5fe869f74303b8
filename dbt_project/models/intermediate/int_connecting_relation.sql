select
    {{ party_id('from_party_no_scheme', 'from_party_no') }} as from_party_id,
    {{ party_id('to_party_no_scheme', 'to_party_no') }} as to_party_id
from {{ latest_version(ref('stg_platform__party_relation'), ['relation_id']) }}
where
    valid_from <= {{ as_of_date() }}
    and (valid_to is null or valid_to > {{ as_of_date() }})
    and (
        relation_type in ('OFFICER', 'GUARANTOR', 'DEPENDENCE')
        or (relation_type = 'SHAREHOLDER' and share_ratio >= {{ rule_value('connected_min_share_ratio') }})
    )
