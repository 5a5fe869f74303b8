{#- An invoice number without what people add when they copy it: case, blanks, strokes and dots. -#}
{% macro normalised_invoice_no(number) -%}
    {{ replaced_all('upper(' ~ number ~ ')', '[^0-9A-Z]') }}
{%- endmacro %}

{#- The key by which invoice numbers of one seller, buyer and year are compared: the digits without leading zeros, or
    the normalised number where it has no other digit than 0. -#}
{% macro invoice_key(number) -%}
    coalesce(
        nullif(regexp_replace({{ replaced_all(number, '[^0-9]') }}, '^0+', ''), ''),
        {{ normalised_invoice_no(number) }}
    )
{%- endmacro %}
