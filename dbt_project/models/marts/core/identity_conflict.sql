{%- set shown_candidates = 5 %}

with evidence as (
    select * from {{ ref('int_identity_evidence') }} where valid_to is null
),

links as (
    select * from {{ ref('int_party_link') }} where valid_to is null
),

decisions as (
    select distinct
        own_record_party_id,
        own_node_id,
        other_node_id
    from {{ ref('int_identity_decision') }}
    where valid_to is null
),

doubts as (
    select record_kind, record_key from {{ ref('int_identity_doubt') }} where valid_to is null
),

-- a record that could be several parties', or one party's but not surely
unplaced as (
    select
        'NO_NUMBER' as conflict_type,
        evidence.*
    from evidence
    inner join links
        on
            evidence.own_kind = links.record_kind
            and evidence.own_key = links.record_key
            and links.status = 'DOUBTFUL'
            and links.rule <> 'NUMBER'
    where evidence.evidence_type = 'NUMBER_FOR_RECORD' and evidence.is_worth_a_look
),

-- a number that name and account of its record belie
belied as (
    select
        'NUMBER_OF_ANOTHER' as conflict_type,
        evidence.*
    from evidence
    inner join links
        on
            evidence.own_kind = links.record_kind
            and evidence.own_key = links.record_key
            and links.status = 'DOUBTFUL'
            and links.rule = 'NUMBER'
    where evidence.evidence_type = 'TWO_NUMBERS' and evidence.is_match
),

-- one number under names that have little in common: an old name, or a wrong number
renamed as (
    select
        'ONE_NUMBER_TWO_NAMES' as conflict_type,
        evidence.*
    from evidence
    left join doubts as own on evidence.own_kind = own.record_kind and evidence.own_key = own.record_key
    left join doubts as other on evidence.other_kind = other.record_kind and evidence.other_key = other.record_key
    where
        evidence.evidence_type = 'ONE_NUMBER'
        and evidence.is_clash
        and own.record_key is null
        and other.record_key is null
        and case
            when evidence.own_is_kept_by_hand = evidence.other_is_kept_by_hand
                then evidence.own_kind || evidence.own_key > evidence.other_kind || evidence.other_key
            else evidence.own_is_kept_by_hand
        end
),

-- two numbers of one scheme whose records agree in name and account
doubled as (
    select
        'TWO_NUMBERS' as conflict_type,
        evidence.*
    from evidence
    left join doubts as own on evidence.own_kind = own.record_kind and evidence.own_key = own.record_key
    left join doubts as other on evidence.other_kind = other.record_kind and evidence.other_key = other.record_key
    where
        evidence.evidence_type = 'TWO_NUMBERS'
        and evidence.is_match
        and own.record_key is null
        and other.record_key is null
        and evidence.own_node_id > evidence.other_node_id
),

questions as (
    select * from unplaced
    union all
    select * from belied
    union all
    select * from renamed
    union all
    select * from doubled
),

-- What a person has decided is no longer asked, and of many candidates the best are shown, one a party.
open_questions as (
    select questions.*
    from questions
    left join decisions as on_nodes
        on questions.own_node_id = on_nodes.own_node_id and questions.other_node_id = on_nodes.other_node_id
    left join decisions as on_records
        on
            questions.own_record_party_id = on_records.own_record_party_id
            and questions.other_node_id = on_records.other_node_id
    where
        (on_nodes.own_node_id is null or questions.own_node_id = questions.other_node_id)
        and on_records.own_record_party_id is null
    qualify row_number() over (
        partition by
            questions.conflict_type,
            case
                when questions.conflict_type = 'TWO_NUMBERS' then questions.own_node_id
                else questions.own_record_party_id
            end,
            questions.other_node_id
        order by
            questions.score desc, questions.other_kind asc, questions.other_key asc, questions.own_kind asc,
            questions.own_key asc
    ) = 1
)

select
    substr(
        md5(
            concat_ws(
                ':', questions.conflict_type, questions.own_record_party_id, questions.other_node_id,
                questions.other_kind, questions.other_key
            )
        ), 1, 16
    ) as conflict_id,
    questions.conflict_type,
    questions.own_kind as record_kind,
    {{ shown_key('questions.own_kind', 'questions.own_key') }} as record_key,
    own_states.party_name,
    own_links.party_id,
    questions.other_kind as other_record_kind,
    {{ shown_key('questions.other_kind', 'questions.other_key') }} as other_record_key,
    other_states.party_name as other_party_name,
    other_links.party_id as other_party_id,
    questions.name_similarity,
    questions.address_similarity,
    questions.is_same_account,
    questions.score,
    questions.rule,
    own_links.status,
    questions.valid_from as known_since_date
from open_questions as questions
inner join links as own_links
    on questions.own_kind = own_links.record_kind and questions.own_key = own_links.record_key
inner join links as other_links
    on questions.other_kind = other_links.record_kind and questions.other_key = other_links.record_key
inner join {{ ref('int_party_state') }} as own_states
    on
        questions.own_kind = own_states.record_kind
        and questions.own_key = own_states.record_key
        and own_states.valid_to is null
inner join {{ ref('int_party_state') }} as other_states
    on
        questions.other_kind = other_states.record_kind
        and questions.other_key = other_states.record_key
        and other_states.valid_to is null
qualify row_number() over (
    partition by questions.conflict_type, questions.own_record_party_id
    order by questions.score desc, questions.other_kind asc, questions.other_key asc
) <= {{ shown_candidates }}
