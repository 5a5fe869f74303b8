{%- set forever = "cast('9999-12-31' as date)" %}

with records as (
    select * from {{ ref('int_record_number') }}
),

-- A number stands for the party that it belongs to, so that two numbers of one party are one candidate.
candidates as (
    select
        candidates.from_node_id,
        coalesce(numbers.party_id, candidates.to_node_id) as to_node_id,
        numbers.party_id is not null as to_is_number,
        greatest(candidates.valid_from, coalesce(numbers.valid_from, candidates.valid_from)) as valid_from,
        nullif(
            least(
                coalesce(candidates.valid_to, {{ forever }}),
                coalesce(numbers.valid_to, {{ forever }})
            ),
            {{ forever }}
        ) as valid_to,
        candidates.is_decided,
        candidates.is_match,
        candidates.is_worth_a_look,
        candidates.score,
        candidates.margin_score,
        candidates.rule,
        candidates.name_similarity,
        candidates.address_similarity,
        candidates.is_same_account,
        candidates.other_kind,
        candidates.other_key
    from {{ ref('int_identity_candidate') }} as candidates
    left join {{ ref('int_party_number') }} as numbers
        on
            candidates.to_node_id = numbers.number_party_id
            and {{ overlap('candidates', 'numbers') }}
    where candidates.is_for_record
),

-- What is ruled out for a number is ruled out for the party that it belongs to.
blocks as (
    select distinct
        decisions.own_record_party_id as from_node_id,
        coalesce(numbers.party_id, decisions.other_node_id) as to_node_id,
        greatest(decisions.valid_from, coalesce(numbers.valid_from, decisions.valid_from)) as valid_from,
        nullif(
            least(
                coalesce(decisions.valid_to, {{ forever }}),
                coalesce(numbers.valid_to, {{ forever }})
            ),
            {{ forever }}
        ) as valid_to
    from {{ ref('int_identity_decision') }} as decisions
    left join {{ ref('int_party_number') }} as numbers
        on
            decisions.other_node_id = numbers.number_party_id
            and {{ overlap('decisions', 'numbers') }}
    where decisions.verdict = 'DIFFERENT' and decisions.own_record_party_id is not null
),

chosen as (
    select * from {{ chosen_candidates('candidates', 'blocks') }} as best
),

doubted as (
    select
        record_party_id,
        status,
        valid_from,
        coalesce(valid_to, {{ forever }}) as end_date
    from {{ ref('int_identity_doubt') }}
),

changes as (
    select record_party_id, valid_from as changed_date from records
    union
    select record_party_id, valid_to as changed_date from records where valid_to is not null
    union
    select from_node_id as record_party_id, valid_from as changed_date from chosen
    union
    select from_node_id as record_party_id, valid_to as changed_date from chosen where valid_to is not null
    union
    select record_party_id, valid_from as changed_date from doubted
    union
    select record_party_id, end_date as changed_date from doubted where end_date < {{ forever }}
),

spans as (
    select
        records.*,
        days.from_date,
        days.end_date
    from (
        select
            record_party_id,
            changed_date as from_date,
            coalesce(
                lead(changed_date) over (partition by record_party_id order by changed_date), {{ forever }}
            ) as end_date
        from changes
    ) as days
    inner join records
        on
            days.record_party_id = records.record_party_id
            and records.valid_from <= days.from_date
            and (records.valid_to is null or records.valid_to > days.from_date)
),

doubts as (
    select
        spans.record_party_id,
        spans.from_date,
        min(doubted.status) as status
    from spans
    inner join doubted
        on
            spans.record_party_id = doubted.record_party_id
            and doubted.valid_from <= spans.from_date
            and doubted.end_date > spans.from_date
    group by spans.record_party_id, spans.from_date
),

placed as (
    select
        spans.record_kind,
        spans.record_key,
        spans.record_party_id,
        spans.first_known_date,
        spans.from_date,
        spans.end_date,
        case
            when chosen.status = 'DECIDED' then chosen.to_node_id
            when spans.number_party_id is not null and doubts.status is null then spans.number_party_id
            when chosen.status = 'MATCHED' then chosen.to_node_id
            else spans.record_party_id
        end as node_id,
        case
            when chosen.status = 'DECIDED' then 'DECIDED'
            when spans.number_party_id is not null then coalesce(doubts.status, 'EXACT')
            else coalesce(chosen.status, 'SEPARATE')
        end as status,
        case
            when chosen.status = 'DECIDED' or doubts.status = 'DECIDED' then 'DECISION'
            when spans.number_party_id is not null then 'NUMBER'
            else chosen.rule
        end as rule,
        chosen.score,
        chosen.name_similarity,
        chosen.address_similarity,
        chosen.is_same_account,
        chosen.other_kind as matched_record_kind,
        chosen.other_key as matched_record_key
    from spans
    left join doubts
        on spans.record_party_id = doubts.record_party_id and spans.from_date = doubts.from_date
    left join chosen
        on
            spans.record_party_id = chosen.from_node_id
            and chosen.valid_from <= spans.from_date
            and (chosen.valid_to is null or chosen.valid_to > spans.from_date)
            and (spans.number_party_id is null or chosen.status = 'DECIDED')
    qualify row_number() over (
        partition by spans.record_party_id, spans.from_date
        order by
            case chosen.status when 'DECIDED' then 0 when 'MATCHED' then 1 when 'DOUBTFUL' then 2 else 3 end,
            case when chosen.to_is_number then 0 else 1 end
    ) = 1
),

-- A record that was joined to an earlier one goes wherever that one goes.
{% for hop in (1, 2) -%}
{%- set before = 'placed' if hop == 1 else 'hop_1' %}
hop_{{ hop }} as (
    select
        own.record_kind,
        own.record_key,
        own.record_party_id,
        own.first_known_date,
        greatest(own.from_date, coalesce(earlier.from_date, own.from_date)) as from_date,
        least(own.end_date, coalesce(earlier.end_date, own.end_date)) as end_date,
        coalesce(earlier.node_id, own.node_id) as node_id,
        own.status,
        own.rule,
        own.score,
        own.name_similarity,
        own.address_similarity,
        own.is_same_account,
        own.matched_record_kind,
        own.matched_record_key
    from {{ before }} as own
    left join placed as earlier
        on
            own.node_id = earlier.record_party_id
            and own.node_id <> own.record_party_id
            and own.from_date < earlier.end_date
            and earlier.from_date < own.end_date
),

{% endfor -%}
resolved as (
    select
        records.*,
        coalesce(numbers.party_id, records.node_id) as party_id,
        greatest(records.from_date, coalesce(numbers.valid_from, records.from_date)) as valid_from,
        least(records.end_date, coalesce(numbers.valid_to, records.end_date)) as last_date
    from hop_2 as records
    left join {{ ref('int_party_number') }} as numbers
        on
            records.node_id = numbers.number_party_id
            and numbers.valid_from < records.end_date
            and (numbers.valid_to is null or numbers.valid_to > records.from_date)
),

signed as (
    select
        *,
        concat_ws(
            '|', party_id, status, coalesce(rule, '-'), coalesce(cast(score as string), '-'),
            coalesce(matched_record_kind, '-'), coalesce(matched_record_key, '-')
        ) as signature
    from resolved
),

islands as (
    select
        *,
        sum(case when signature = last_signature and valid_from = last_end_date then 0 else 1 end) over (
            partition by record_kind, record_key order by valid_from rows between unbounded preceding and current row
        ) as island
    from (
        select
            *,
            lag(signature) over (partition by record_kind, record_key order by valid_from) as last_signature,
            lag(last_date) over (partition by record_kind, record_key order by valid_from) as last_end_date
        from signed
    ) as followed
)

select
    record_kind,
    record_key,
    party_id,
    record_party_id,
    status,
    rule,
    score,
    name_similarity,
    address_similarity,
    is_same_account,
    matched_record_kind,
    matched_record_key,
    first_known_date,
    min(valid_from) as valid_from,
    nullif(max(last_date), {{ forever }}) as valid_to
from islands
group by
    record_kind, record_key, party_id, record_party_id, status, rule, score, name_similarity, address_similarity,
    is_same_account, matched_record_kind, matched_record_key, first_known_date, island
