{#- A setting of the night: `as_of_date`, `since_date`, `code_version`. The pipelines hand them over as metadata
    variables (`DBT_ENV_CUSTOM_ENV_<name>`), which dbt does not count among what was parsed: with `--vars` every night
    would parse the whole project anew, twice. By hand and in tests `--vars` says the same. -#}
{% macro night_setting(name) -%}
    {{ return(dbt_metadata_envs.get(name, var(name))) }}
{%- endmacro %}

{#- The night that is built: rows with known_date <= as_of_date() and no others. -#}
{% macro as_of_date() -%}
    {%- if execute and not night_setting('as_of_date') -%}
        {{ exceptions.raise_compiler_error("No night is named: pass --vars '{as_of_date: YYYY-MM-DD}'.") }}
    {%- endif -%}
    cast('{{ night_setting("as_of_date") or "1970-01-01" }}' as date)
{%- endmacro %}

{#- True when a model adds this night's deliveries to what earlier nights built. -#}
{% macro is_night() -%}
    {{ return(is_incremental() and night_setting('since_date') != '') }}
{%- endmacro %}

{#- Condition for tables with one block of rows a night, on a night: true for the nights whose rows are made now. The
    night itself is among them even when it was finished before, so that to run it again makes the same rows. -#}
{% macro is_made_anew(column) -%}
    ({{ column }} > {{ since_date() }} or {{ column }} = {{ as_of_date() }})
{%- endmacro %}

{#- Last finished night; only to be used inside `{% if is_night() %}`. -#}
{% macro since_date() -%}
    cast('{{ night_setting("since_date") }}' as date)
{%- endmacro %}
