{#- Subselect: intervals [valid_from, valid_to) of the same keys that overlap or touch, merged into one. An open
    interval has valid_to null. `relation` has the keys, valid_from and valid_to. -#}
{% macro merged_intervals(relation, keys) -%}
    {%- set by_keys = keys | join(', ') -%}
    {%- set forever = "cast('9999-12-31' as date)" -%}
    (
        select
            {{ by_keys }},
            min(valid_from) as valid_from,
            nullif(max(coalesce(valid_to, {{ forever }})), {{ forever }}) as valid_to
        from (
            select
                *,
                sum(case when valid_from <= covered_to then 0 else 1 end) over (
                    partition by {{ by_keys }} order by valid_from, coalesce(valid_to, {{ forever }})
                    rows between unbounded preceding and current row
                ) as island
            from (
                select
                    {{ by_keys }},
                    valid_from,
                    valid_to,
                    max(coalesce(valid_to, {{ forever }})) over (
                        partition by {{ by_keys }} order by valid_from, coalesce(valid_to, {{ forever }})
                        rows between unbounded preceding and 1 preceding
                    ) as covered_to
                from (
                    -- of two equal intervals each window could take another one as the first
                    select distinct
                        {{ by_keys }},
                        valid_from,
                        valid_to
                    from {{ relation }}
                ) as different
            ) as reached
        ) as islands
        group by {{ by_keys }}, island
    )
{%- endmacro %}
