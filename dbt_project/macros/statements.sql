{#- Pre-hook of statement_proof: on a night the statements that are made anew go first. They go by range and not by key,
    since what was open, with no closing balance yet, is none of its own any more once that balance is delivered. -#}
{% macro drop_touched_statements() -%}
    {%- set touched_statements = ref('int_touched_statement') -%}
    {%- if is_night() -%}
    delete from {{ this }} as statements
    where
        statements.account_no in (select touched.account_no from {{ touched_statements }} as touched)
        and not exists (
            select 1
            from {{ touched_statements }} as touched
            where
                touched.account_no = statements.account_no
                and touched.currency = statements.currency
                and statements.balance_date <= touched.after_date
        )
    {%- endif -%}
{%- endmacro %}
