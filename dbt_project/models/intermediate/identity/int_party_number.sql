{%- set forever = "cast('9999-12-31' as date)" %}

with numbers as (
    select
        *,
        {{ known_order('first_known_date', 'party_no_scheme', 'party_id') }} as known_order
    from {{ ref('int_party_identifier') }}
),

candidates as (
    select
        *,
        true as to_is_number
    from {{ ref('int_identity_candidate') }}
    where not is_for_record
),

blocks as (
    select distinct
        own_node_id as from_node_id,
        other_node_id as to_node_id,
        valid_from,
        valid_to
    from {{ ref('int_identity_decision') }}
    where verdict = 'DIFFERENT'
),

pointers as (
    select * from {{ chosen_candidates('candidates', 'blocks') }} as chosen
    where status in ('MATCHED', 'DECIDED')
),

changes as (
    select party_id, first_known_date as changed_date from numbers
    union
    select from_node_id as party_id, valid_from as changed_date from pointers
    union
    select from_node_id as party_id, valid_to as changed_date from pointers where valid_to is not null
),

hop_0 as (
    select
        spans.party_id as node_id,
        coalesce(pointers.to_node_id, spans.party_id) as root_id,
        spans.valid_from,
        spans.end_date,
        coalesce(pointers.status, 'EXACT') as status,
        coalesce(pointers.rule, 'NUMBER') as rule,
        pointers.score,
        pointers.name_similarity,
        pointers.address_similarity,
        pointers.is_same_account
    from (
        select
            party_id,
            changed_date as valid_from,
            coalesce(lead(changed_date) over (partition by party_id order by changed_date), {{ forever }}) as end_date
        from changes
    ) as spans
    left join pointers
        on
            spans.party_id = pointers.from_node_id
            and pointers.valid_from <= spans.valid_from
            and (pointers.valid_to is null or pointers.valid_to > spans.valid_from)
),

-- A number belongs to what the number it was matched to belongs to. Pointers lead to what was known earlier, so the
-- hops end; numbers of more than three schemes in a row stay apart.
{% for hop in (1, 2) -%}
hop_{{ hop }} as (
    select
        numbers.node_id,
        roots.root_id,
        greatest(numbers.valid_from, roots.valid_from) as valid_from,
        least(numbers.end_date, roots.end_date) as end_date,
        numbers.status,
        numbers.rule,
        numbers.score,
        numbers.name_similarity,
        numbers.address_similarity,
        numbers.is_same_account
    from hop_{{ hop - 1 }} as numbers
    inner join hop_0 as roots
        on
            numbers.root_id = roots.node_id
            and numbers.valid_from < roots.end_date
            and roots.valid_from < numbers.end_date
),

{% endfor -%}
-- Two numbers of one scheme are never one party unless a person says so: who joined first stays.
members as (
    select
        hops.root_id,
        hops.node_id,
        row_number() over (
            partition by hops.root_id, numbers.party_no_scheme
            order by
                max(case when hops.node_id = hops.root_id or hops.status = 'DECIDED' then 1 else 0 end) desc,
                min(hops.valid_from), numbers.known_order
        ) as place,
        max(case when hops.status = 'DECIDED' then 1 else 0 end) = 1 as is_decided
    from hop_2 as hops
    inner join numbers on hops.node_id = numbers.party_id
    group by hops.root_id, hops.node_id, numbers.party_no_scheme, numbers.known_order
),

settled as (
    select
        hops.node_id,
        case when members.place = 1 or members.is_decided then hops.root_id else hops.node_id end as root_id,
        hops.valid_from,
        hops.end_date,
        case when members.place = 1 or members.is_decided then hops.status else 'EXACT' end as status,
        case when members.place = 1 or members.is_decided then hops.rule else 'NUMBER' end as rule,
        case when members.place = 1 or members.is_decided then hops.score end as score,
        case when members.place = 1 or members.is_decided then hops.name_similarity end as name_similarity,
        case when members.place = 1 or members.is_decided then hops.address_similarity end as address_similarity,
        case when members.place = 1 or members.is_decided then hops.is_same_account end as is_same_account
    from hop_2 as hops
    inner join members on hops.root_id = members.root_id and hops.node_id = members.node_id
)

select
    settled.node_id as number_party_id,
    numbers.party_no_scheme,
    numbers.party_no,
    settled.root_id as party_id,
    settled.status,
    settled.rule,
    settled.score,
    settled.name_similarity,
    settled.address_similarity,
    settled.is_same_account,
    numbers.first_known_date,
    settled.valid_from,
    nullif(settled.end_date, {{ forever }}) as valid_to
from settled
inner join numbers on settled.node_id = numbers.party_id
