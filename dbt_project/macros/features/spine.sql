{#- Join condition: the version of a row that was the latest we knew on the night. -#}
{% macro valid_on(versions, as_of_date) -%}
    {{ versions }}.valid_from <= {{ as_of_date }}
    and ({{ versions }}.valid_to is null or {{ versions }}.valid_to > {{ as_of_date }})
{%- endmacro %}

{#- Lengths in days of the windows whose first edges the feature spine carries. -#}
{% macro window_days() -%}
    {{ return([30, 60, 90, 180, 270, 360, 365, 455]) }}
{%- endmacro %}

{#- Condition that a dated rule of the seed was in force on a date; `rules` is rule_parameter joined under that alias,
    `scope` an expression. -#}
{% macro rule_in_force(rules, rule_id, on_date, scope="'ALL'") -%}
    {{ rules }}.rule_id = '{{ rule_id }}'
    and {{ rules }}.scope = {{ scope }}
    and {{ rules }}.valid_from <= {{ on_date }}
    and ({{ rules }}.valid_to is null or {{ rules }}.valid_to > {{ on_date }})
{%- endmacro %}

{#- Condition that a public record still stands on the night. Reads aliases `records` and `spine`. -#}
{% macro is_open_record() -%}
    (records.closed_date is null or records.closed_date > spine.as_of_date)
{%- endmacro %}

{#- True when the run adds a night to what earlier nights built; for tables that are made anew each night. -#}
{% macro adds_a_night() -%}
    {{ return(night_setting('since_date') != '' and not flags.FULL_REFRESH) }}
{%- endmacro %}
