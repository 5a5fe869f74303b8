{#- Our identifier of a legal entity, made of the official number and its scheme; null where either is missing. -#}
{% macro party_id(scheme, number) -%}
    substr(md5({{ scheme }} || ':' || {{ number }}), 1, 16)
{%- endmacro %}
