{#- Text that orders numbers and records by the day on which they were first known; of one day, national registers come
    before others. A party is known by its first number. -#}
{% macro known_order(first_known_date, scheme, node_id) -%}
    cast({{ first_known_date }} as string)
    || case {{ scheme }} when 'CN-USCC' then ':1:' when 'VAT' then ':2:' when 'LEI' then ':3:' else ':4:' end
    || {{ node_id }}
{%- endmacro %}

{#- Subselect: what each node (a number, or a record that no number stands for) belongs to, by intervals
    [valid_from, valid_to) from the first day on which anything was known of it. Outside of what is listed a node
    stands alone.

    `candidates` has from_node_id, to_node_id, to_is_number, valid_from, valid_to, is_decided, is_match,
    is_worth_a_look, score, margin_score, rule, name_similarity, address_similarity, is_same_account and the keys
    other_kind, other_key of the record behind it; `blocks` has from_node_id, to_node_id, valid_from, valid_to: what a
    person has ruled out. A decision beats a number, a number beats a record without one, and the best beats the
    next only by the margin. -#}
{% macro chosen_candidates(candidates, blocks) -%}
    (
        select
            from_node_id,
            valid_from,
            valid_to,
            to_node_id,
            to_is_number,
            case
                when is_decided then 'DECIDED'
                when is_match and (next_score is null or score - next_score >= margin_score) then 'MATCHED'
                when is_worth_a_look then 'DOUBTFUL'
                else 'SEPARATE'
            end as status,
            rule,
            score,
            name_similarity,
            address_similarity,
            is_same_account,
            other_kind,
            other_key
        from (
            select
                *,
                lead(score) over (
                    partition by from_node_id, valid_from, to_is_number order by is_decided desc, score desc, to_node_id
                ) as next_score,
                row_number() over (
                    partition by from_node_id, valid_from, to_is_number order by is_decided desc, score desc, to_node_id
                ) as place
            from (
                select
                    spans.from_node_id,
                    spans.valid_from,
                    spans.valid_to,
                    candidates.to_node_id,
                    candidates.to_is_number,
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
                from (
                    select
                        from_node_id,
                        changed_date as valid_from,
                        lead(changed_date) over (partition by from_node_id order by changed_date) as valid_to
                    from (
                        select from_node_id, valid_from as changed_date from {{ candidates }}
                        union
                        select from_node_id, valid_to as changed_date from {{ candidates }} where valid_to is not null
                        union
                        select from_node_id, valid_from as changed_date from {{ blocks }}
                        union
                        select from_node_id, valid_to as changed_date from {{ blocks }} where valid_to is not null
                    ) as changes
                ) as spans
                inner join {{ candidates }} as candidates
                    on
                        spans.from_node_id = candidates.from_node_id
                        and candidates.valid_from <= spans.valid_from
                        and (candidates.valid_to is null or candidates.valid_to > spans.valid_from)
                left join {{ blocks }} as blocks
                    on
                        candidates.from_node_id = blocks.from_node_id
                        and candidates.to_node_id = blocks.to_node_id
                        and blocks.valid_from <= spans.valid_from
                        and (blocks.valid_to is null or blocks.valid_to > spans.valid_from)
                where blocks.from_node_id is null or candidates.is_decided
                qualify row_number() over (
                    partition by spans.from_node_id, spans.valid_from, candidates.to_node_id
                    order by
                        candidates.is_decided desc, candidates.is_match desc, candidates.score desc,
                        candidates.other_kind, candidates.other_key
                ) = 1
            ) as in_force
        ) as ranked
        where place = 1
    )
{%- endmacro %}
