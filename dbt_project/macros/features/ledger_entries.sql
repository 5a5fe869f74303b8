{#- Subselect: the signed entries (`entry_sign`, `entry_date`) of a feed's versions that a daily ledger still has to
    book. A full build books all of them; a night reads just the keys that were delivered since the last finished one.
    -#}
{% macro ledger_entries(relation, keys) -%}
    {%- if is_night() -%}
    (
        select *
        from {{ version_entries(delivered_keys(relation, keys), keys) }}
        where entry_date > {{ since_date() }}
    )
    {%- else -%}
    {{ version_entries(relation, keys) }}
    {%- endif -%}
{%- endmacro %}

{#- Subselect: every version of the keys that were delivered after the last finished night. -#}
{% macro delivered_keys(relation, keys) -%}
    (
        select versions.*
        from {{ relation }} as versions
        where exists (
            select 1
            from {{ relation }} as delivered
            where
                delivered.known_date > {{ since_date() }}
                {%- for key in keys %}
                and delivered.{{ key }} = versions.{{ key }}
                {%- endfor %}
        )
    )
{%- endmacro %}

{#- Subselect: the first version of each key. Contract terms are read from it where a later change must not make a late
    payment look punctual. -#}
{% macro first_version(relation, keys) -%}
    (
        select *
        from {{ relation }}
        qualify row_number() over (partition by {{ keys | join(', ') }} order by {{ version_order() }}) = 1
    )
{%- endmacro %}
