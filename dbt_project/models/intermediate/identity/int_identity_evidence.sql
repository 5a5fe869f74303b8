{#- Each pair is looked at from both sides: `own` is the record to be placed, `other` what it may belong to. -#}
{%- set forever = "cast('9999-12-31' as date)" %}

with numbers as (
    select
        party_id,
        {{ known_order('first_known_date', 'party_no_scheme', 'party_id') }} as known_order
    from {{ ref('int_party_identifier') }}
),

states as (
    select
        states.*,
        coalesce(states.number_party_id, states.record_party_id) as node_id,
        coalesce(
            numbers.known_order, {{ known_order('states.first_known_date', "''", 'states.record_party_id') }}
        ) as known_order
    from {{ ref('int_party_state') }} as states
    left join numbers on states.number_party_id = numbers.party_id
),

directed as (
    {%- for own, other in [('left', 'right'), ('right', 'left')] %}
    select
        {{ own }}_kind as own_kind,
        {{ own }}_key as own_key,
        {{ own }}_known_date as own_known_date,
        {{ other }}_kind as other_kind,
        {{ other }}_key as other_key,
        {{ other }}_known_date as other_known_date,
        is_same_number,
        is_same_record or is_same_account as has_common_key,
        is_same_record,
        is_same_account,
        name_similarity,
        address_similarity,
        known_date
    from {{ ref('int_identity_pair') }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

placed as (
    select
        case
            when directed.is_same_number then 'ONE_NUMBER'
            when own.party_no_scheme = other.party_no_scheme then 'TWO_NUMBERS'
            when own.number_party_id is not null and other.number_party_id is not null then 'TWO_SCHEMES'
            when other.number_party_id is not null then 'NUMBER_FOR_RECORD'
            else 'EARLIER_RECORD'
        end as evidence_type,
        own.node_id as own_node_id,
        other.node_id as other_node_id,
        own.record_party_id as own_record_party_id,
        own.is_kept_by_hand as own_is_kept_by_hand,
        other.is_kept_by_hand as other_is_kept_by_hand,
        directed.*,
        greatest(directed.known_date, rules.valid_from) as valid_from,
        nullif(
            least(
                case
                    when directed.is_same_record then {{ forever }}
                    when own.number_party_id is null then coalesce(own.valid_to, {{ forever }})
                    else coalesce(own.number_valid_to, {{ forever }})
                end,
                case
                    when directed.is_same_record then {{ forever }}
                    else coalesce(other.number_valid_to, {{ forever }})
                end,
                coalesce(rules.valid_to, {{ forever }})
            ),
            {{ forever }}
        ) as valid_to,
        (
            rules.name_weight * coalesce(directed.name_similarity, rules.unknown_name_similarity)
            + case when directed.has_common_key then rules.account_weight else 0 end
            + rules.address_weight * coalesce(directed.address_similarity, 0)
        ) / (
            rules.name_weight
            + case when directed.has_common_key then rules.account_weight else 0 end
            + case when directed.address_similarity is not null then rules.address_weight else 0 end
        ) as exact_score,
        directed.has_common_key
        or coalesce(directed.address_similarity >= rules.agreeing_address_similarity, false) as is_supported,
        rules.match_score,
        rules.match_name_score,
        rules.doubtful_score,
        rules.margin_score,
        rules.clash_similarity
    from directed
    inner join states as own
        on
            directed.own_kind = own.record_kind
            and directed.own_key = own.record_key
            and directed.own_known_date = own.valid_from
    inner join states as other
        on
            directed.other_kind = other.record_kind
            and directed.other_key = other.record_key
            and directed.other_known_date = other.valid_from
    inner join {{ ref('int_identity_rule') }} as rules
        on
            rules.valid_to is null or rules.valid_to > directed.known_date
    where
        (own.number_party_id is null or other.number_party_id is not null)
        and (
            (own.number_party_id is null and other.number_party_id is not null)
            or own.party_no_scheme = other.party_no_scheme
            or own.known_order > other.known_order
        )
)

select
    evidence_type,
    own_node_id,
    other_node_id,
    own_record_party_id,
    own_is_kept_by_hand,
    other_is_kept_by_hand,
    own_kind,
    own_key,
    other_kind,
    other_key,
    valid_from,
    valid_to,
    name_similarity,
    address_similarity,
    is_same_account,
    case
        when is_same_record then 'SAME_RECORD'
        when is_same_account then 'NAME_ACCOUNT'
        when is_supported then 'NAME_ADDRESS'
        else 'NAME'
    end as rule,
    round(exact_score, 4) as score,
    round(exact_score, 4) >= case when is_supported then match_score else match_name_score end as is_match,
    round(exact_score, 4) >= doubtful_score as is_worth_a_look,
    margin_score,
    coalesce(name_similarity < clash_similarity, false) and not is_same_account as is_clash
from placed
where
    (valid_to is null or valid_to > valid_from)
    and valid_from <= {{ as_of_date() }}
