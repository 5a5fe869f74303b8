{#- What evidence and decisions offer each number and each record without one. Evidence that rests on a number which is
    not believed counts only while it was. -#}
{%- set forever = "cast('9999-12-31' as date)" %}

with doubts as (
    select
        record_kind,
        record_key,
        valid_from as doubted_from,
        valid_to as doubted_to,
        lead(valid_from) over (partition by record_kind, record_key order by valid_from) as doubted_again
    from {{ merged_intervals(ref('int_identity_doubt'), ['record_kind', 'record_key']) }} as merged
),

believed as (
    select
        record_kind,
        record_key,
        doubted_to as valid_from,
        doubted_again as valid_to
    from doubts
    where doubted_to is not null
    union all
    select
        record_kind,
        record_key,
        cast('0001-01-01' as date) as valid_from,
        min(doubted_from) as valid_to
    from doubts
    group by record_kind, record_key
),

evidence as (
    select
        evidence.*,
        greatest(
            evidence.valid_from,
            coalesce(own_believed.valid_from, evidence.valid_from),
            coalesce(other_believed.valid_from, evidence.valid_from)
        ) as from_date,
        least(
            coalesce(evidence.valid_to, {{ forever }}),
            coalesce(own_believed.valid_to, {{ forever }}),
            coalesce(other_believed.valid_to, {{ forever }})
        ) as end_date
    from {{ ref('int_identity_evidence') }} as evidence
    left join believed as own_believed
        on evidence.own_kind = own_believed.record_kind and evidence.own_key = own_believed.record_key
    left join believed as other_believed
        on evidence.other_kind = other_believed.record_kind and evidence.other_key = other_believed.record_key
    where
        evidence.evidence_type = 'NUMBER_FOR_RECORD'
        or (evidence.evidence_type = 'TWO_SCHEMES' and evidence.is_worth_a_look)
        or (evidence.evidence_type = 'EARLIER_RECORD' and evidence.is_match)
)

select
    own_node_id as from_node_id,
    other_node_id as to_node_id,
    evidence_type <> 'TWO_SCHEMES' as is_for_record,
    from_date as valid_from,
    nullif(end_date, {{ forever }}) as valid_to,
    false as is_decided,
    is_match,
    is_worth_a_look,
    score,
    -- several records without a number may be one firm: the best of them need not beat the next
    case when evidence_type = 'EARLIER_RECORD' then 0.0 else margin_score end as margin_score,
    rule,
    name_similarity,
    address_similarity,
    is_same_account,
    other_kind,
    other_key
from evidence
where from_date < end_date
union all
select
    from_node_id,
    other_node_id as to_node_id,
    from_node_id <> own_node_id or own_number_party_id is null as is_for_record,
    valid_from,
    valid_to,
    true as is_decided,
    true as is_match,
    true as is_worth_a_look,
    1.0 as score,
    0.0 as margin_score,
    'DECISION' as rule,
    cast(null as double) as name_similarity,
    cast(null as double) as address_similarity,
    cast(null as boolean) as is_same_account,
    'platform.identity_decision' as other_kind,
    decision_id as other_key
from {{ ref('int_identity_decision') }}
where verdict = 'SAME' and goes_to_other and own_node_id <> other_node_id
