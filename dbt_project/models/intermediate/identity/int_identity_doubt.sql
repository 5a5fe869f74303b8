{%- set forever = "cast('9999-12-31' as date)" %}

with doubts as (
    select
        clashes.own_kind as record_kind,
        clashes.own_key as record_key,
        clashes.own_record_party_id as record_party_id,
        'DOUBTFUL' as status,
        {{ common_interval('clashes', 'others') }}
    from {{ ref('int_identity_evidence') }} as clashes
    inner join {{ ref('int_identity_evidence') }} as others
        on
            clashes.own_record_party_id = others.own_record_party_id
            and clashes.own_node_id = others.own_node_id
            and others.evidence_type = 'TWO_NUMBERS'
            and others.is_match
            and {{ overlap('clashes', 'others') }}
    where
        clashes.evidence_type = 'ONE_NUMBER'
        and clashes.is_clash
        and clashes.own_is_kept_by_hand
    union all
    select
        records.record_kind,
        records.record_key,
        records.record_party_id,
        'DECIDED' as status,
        {{ common_interval('decisions', 'records') }}
    from {{ ref('int_identity_decision') }} as decisions
    inner join {{ ref('int_record_number') }} as records
        on
            decisions.own_record_party_id = records.record_party_id
            and decisions.own_node_id = records.number_party_id
            and {{ overlap('decisions', 'records') }}
    where decisions.verdict = 'DIFFERENT' and decisions.is_own_number_denied
)

select
    record_kind,
    record_key,
    record_party_id,
    status,
    valid_from,
    valid_to
from {{ merged_intervals('doubts', ['record_kind', 'record_key', 'record_party_id', 'status']) }} as merged
