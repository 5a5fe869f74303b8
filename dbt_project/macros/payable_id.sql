{#- Our identifier of an accounts-payable document: its number is unique only within company code and fiscal year. -#}
{% macro payable_id(relation=none) -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    substr(
        md5(
            {{ prefix }}company_code || ':' || {{ prefix }}ap_document_no || ':'
            || cast({{ prefix }}fiscal_year as string)
        ), 1, 16
    )
{%- endmacro %}
