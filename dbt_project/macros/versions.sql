{#- Which of two versions of a row came later. The lake may deliver several versions of a key in one night and even in
    one file, so the knowledge date alone does not decide. -#}
{% macro version_order(direction='') -%}
    known_date {{ direction }}, batch_date {{ direction }}, file_id {{ direction }}, row_no {{ direction }}
{%- endmacro %}

{#- Condition: the version ends its key. Ingest writes it, with the content of the row that it ends, where a corrected
    file no longer holds that row; its row number is negative, since no record stands behind it. -#}
{% macro is_withdrawal(versions='') -%}
    {%- set row_no = versions ~ '.row_no' if versions else 'row_no' -%}
    ({{ row_no }} is not null and {{ row_no }} < 0)
{%- endmacro %}

{#- Subselect: the latest version of each key among the rows of `relation`, keys that are withdrawn left out. `keys` is
    a list of columns. -#}
{% macro latest_version(relation, keys) -%}
    (
        select *
        from {{ last_content(relation, keys) }}
        where not {{ is_withdrawal() }}
    )
{%- endmacro %}

{#- Subselect: the latest content of each key, with that of withdrawn keys, for which `is_withdrawal()` holds. -#}
{% macro last_content(relation, keys) -%}
    (
        select *
        from {{ relation }}
        qualify row_number() over (partition by {{ keys | join(', ') }} order by {{ version_order('desc') }}) = 1
    )
{%- endmacro %}

{#- Subselect: all versions with the days on which each was the latest we knew, as [valid_from, valid_to). A version
    that was replaced on the day it came was never the latest at the end of a night and is left out. A withdrawal ends
    the version before it and is none itself. -#}
{% macro version_intervals(relation, keys) -%}
    (
        select
            *,
            known_date as valid_from,
            lead(known_date) over (partition by {{ keys | join(', ') }} order by {{ version_order() }}) as valid_to
        from {{ relation }}
        qualify (valid_to is null or valid_to > valid_from) and not {{ is_withdrawal() }}
    )
{%- endmacro %}

{#- Subselect for ledgers of flows: every version enters with entry_sign 1 on the day we knew it, and leaves again
    with entry_sign -1 on the day a later version replaced it or a withdrawal ended it. Sums of
    `entry_sign * amount` by `entry_date` therefore restate a flow by the difference, on the day of the correction. -#}
{% macro version_entries(relation, keys) -%}
    (
        select
            versions.*,
            signs.entry_sign,
            case when signs.entry_sign = 1 then versions.valid_from else versions.valid_to end as entry_date
        from {{ version_intervals(relation, keys) }} as versions
        cross join (select 1 as entry_sign union all select -1 as entry_sign) as signs
        where signs.entry_sign = 1 or versions.valid_to is not null
    )
{%- endmacro %}
