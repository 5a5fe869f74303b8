{#- Our identifier of a legal entity, made of the official number and its scheme; null where either is missing. -#}
{% macro party_id(scheme, number) -%}
    substr(md5({{ scheme }} || ':' || {{ number }}), 1, 16)
{%- endmacro %}

{#- The key of a record as readers see it: account numbers are personal, so only their last digits are shown. -#}
{% macro shown_key(kind, key) -%}
    case
        when {{ kind }} = 'bank.account' then '…' || substr({{ key }}, greatest(length({{ key }}) - 3, 1))
        else {{ key }}
    end
{%- endmacro %}
