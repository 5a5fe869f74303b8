{%- set forever = "cast('9999-12-31' as date)" %}

with doubts as (
    select
        clashes.own_kind as record_kind,
        clashes.own_key as record_key,
        clashes.own_record_party_id as record_party_id,
        'DOUBTFUL' as status,
        greatest(clashes.valid_from, others.valid_from) as valid_from,
        nullif(
            least(coalesce(clashes.valid_to, {{ forever }}), coalesce(others.valid_to, {{ forever }})), {{ forever }}
        ) as valid_to
    from {{ ref('int_identity_evidence') }} as clashes
    inner join {{ ref('int_identity_evidence') }} as others
        on
            clashes.own_record_party_id = others.own_record_party_id
            and clashes.own_node_id = others.own_node_id
            and others.evidence_type = 'TWO_NUMBERS'
            and others.is_match
            and (clashes.valid_to is null or others.valid_from < clashes.valid_to)
            and (others.valid_to is null or others.valid_to > clashes.valid_from)
    where
        clashes.evidence_type = 'ONE_NUMBER'
        and clashes.is_clash
        and clashes.own_kind in ('erp.vendor', 'bank.account')
    union all
    select
        records.record_kind,
        records.record_key,
        records.record_party_id,
        'DECIDED' as status,
        greatest(decisions.valid_from, records.valid_from) as valid_from,
        nullif(
            least(coalesce(decisions.valid_to, {{ forever }}), coalesce(records.valid_to, {{ forever }})), {{ forever }}
        ) as valid_to
    from {{ ref('int_identity_decision') }} as decisions
    inner join {{ ref('int_record_number') }} as records
        on
            decisions.own_record_party_id = records.record_party_id
            and decisions.own_node_id = records.number_party_id
            and (decisions.valid_to is null or records.valid_from < decisions.valid_to)
            and (records.valid_to is null or records.valid_to > decisions.valid_from)
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
