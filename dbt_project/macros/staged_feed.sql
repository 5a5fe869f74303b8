{#- All versions of a feed's rows that are known at as_of_date, in the names and types of its contract. The columns
    are read from the source definition, which is generated from the contract, so that they are written once. A night
    appends what was delivered after the last finished one. -#}
{% macro staged_feed(source_name, feed) -%}
    select
    {%- for column in staged_columns(source_name, feed) %}
        {{ column }},
    {%- endfor %}
        known_date,
        batch_date,
        file_id,
        row_no
    from {{ source(source_name, feed) }}
    where known_date <= {{ as_of_date() }}
    {%- if is_night() %}
        and batch_date > {{ since_date() }}
        and batch_date <= {{ as_of_date() }}
    {%- endif %}
{%- endmacro %}

{% macro staged_columns(source_name, feed) -%}
    {%- set lake_columns = ['known_date', 'batch_date', 'file_id', 'row_no', 'loaded_at'] -%}
    {%- set sources = graph.sources.values() if execute else [] -%}
    {%- for table in sources if table.source_name == source_name and table.name == feed -%}
        {{ return(table.columns.keys() | reject('in', lake_columns) | list) }}
    {%- endfor -%}
    {{ return([]) }}
{%- endmacro %}
