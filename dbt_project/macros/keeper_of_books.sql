{#- The core enterprise that keeps its books under the company code of a payable. Books of which the platform knows no
    core enterprise have a key of their own, so that nothing in them is dropped or becomes another's. Reads rows
    aliased `core_enterprises`, outer-joined to rows aliased `payables`. -#}
{% macro keeper_of_books() -%}
    coalesce(core_enterprises.core_enterprise_id, 'UNKNOWN:' || payables.company_code)
{%- endmacro %}
