{#- The night that is built: rows with known_date <= as_of_date() and no others. -#}
{% macro as_of_date() -%}
    {%- if execute and not var('as_of_date') -%}
        {{ exceptions.raise_compiler_error("No night is named: pass --vars '{as_of_date: YYYY-MM-DD}'.") }}
    {%- endif -%}
    cast('{{ var("as_of_date") or "1970-01-01" }}' as date)
{%- endmacro %}

{#- True when a model adds this night's deliveries to what earlier nights built. -#}
{% macro is_night() -%}
    {{ return(is_incremental() and var('since_date') != '') }}
{%- endmacro %}

{#- Last finished night; only to be used inside `{% if is_night() %}`. -#}
{% macro since_date() -%}
    cast('{{ var("since_date") }}' as date)
{%- endmacro %}
