{#- A decision names two sides, each a record or a number. What it means for a side depends on the number that the
    record carries, so decisions are cut where that changes. -#}
{%- set forever = "cast('9999-12-31' as date)" %}

with versions as (
    select
        *,
        least(left_kind || ':' || left_key, right_kind || ':' || right_key) as one_side,
        greatest(left_kind || ':' || left_key, right_kind || ':' || right_key) as other_side
    from {{ version_intervals(ref('stg_platform__identity_decision'), ['decision_id']) }}
),

-- of two decisions on one pair the later one binds
decisions as (
    select
        *,
        least(
            coalesce(valid_to, {{ forever }}),
            coalesce(
                lead(valid_from) over (partition by one_side, other_side order by valid_from, decision_id),
                {{ forever }}
            )
        ) as end_date
    from versions
),

numbers as (
    select
        party_no_scheme as kind,
        party_no as key,
        cast(null as string) as record_party_id,
        party_id as number_party_id,
        false as is_kept_by_hand,
        {{ known_order('first_known_date', 'party_no_scheme', 'party_id') }} as known_order,
        first_known_date as valid_from,
        cast(null as date) as valid_to
    from {{ ref('int_party_identifier') }}
),

sides as (
    select * from numbers
    union all
    select
        records.record_kind as kind,
        records.record_key as key,
        records.record_party_id,
        records.number_party_id,
        records.is_kept_by_hand,
        {{ known_order('records.first_known_date', "''", 'records.record_party_id') }} as known_order,
        records.valid_from,
        records.valid_to
    from {{ ref('int_record_number') }} as records
),

seen as (
    {%- for own, other in [('left', 'right'), ('right', 'left')] %}
    select
        decisions.decision_id,
        decisions.verdict,
        decisions.decided_by,
        decisions.decided_date,
        decisions.reason,
        own.record_party_id as own_record_party_id,
        own.number_party_id as own_number_party_id,
        own.is_kept_by_hand as own_is_kept_by_hand,
        own.known_order as own_known_order,
        coalesce(own.number_party_id, own.record_party_id) as own_node_id,
        other.record_party_id as other_record_party_id,
        other.number_party_id as other_number_party_id,
        other.is_kept_by_hand as other_is_kept_by_hand,
        other.known_order as other_known_order,
        coalesce(other.number_party_id, other.record_party_id) as other_node_id,
        greatest(decisions.valid_from, own.valid_from, other.valid_from) as valid_from,
        least(
            decisions.end_date, coalesce(own.valid_to, {{ forever }}), coalesce(other.valid_to, {{ forever }})
        ) as end_date
    from decisions
    inner join sides as own on decisions.{{ own }}_kind = own.kind and decisions.{{ own }}_key = own.key
    inner join sides as other on decisions.{{ other }}_kind = other.kind and decisions.{{ other }}_key = other.key
    where decisions.verdict in ('SAME', 'DIFFERENT')
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Which of the two goes to the other: a record to a number, what is kept by hand to what a register or the platform
-- keeps, what became known later to what was known.
directed as (
    select
        *,
        case
            when own_record_party_id is null and other_record_party_id is null then own_known_order > other_known_order
            when own_record_party_id is null or other_record_party_id is null then own_record_party_id is not null
            when (own_number_party_id is null) <> (other_number_party_id is null) then own_number_party_id is null
            when own_is_kept_by_hand <> other_is_kept_by_hand then own_is_kept_by_hand
            else own_known_order > other_known_order
        end as goes_to_other
    from seen
)

select
    decision_id,
    verdict,
    decided_by,
    decided_date,
    reason,
    own_record_party_id,
    own_number_party_id,
    own_node_id,
    other_node_id,
    -- Two registered records under two numbers: the numbers are one, not the records alone.
    case
        when own_record_party_id is null or (not own_is_kept_by_hand and own_number_party_id is not null)
            then own_node_id
        else own_record_party_id
    end as from_node_id,
    goes_to_other,
    own_record_party_id is not null
    and own_number_party_id is not null
    and own_number_party_id = other_number_party_id
    and goes_to_other as is_own_number_denied,
    valid_from,
    nullif(end_date, {{ forever }}) as valid_to
from directed
where end_date > valid_from
