{#- Of an open payable, the part that is quality retention: what is paid last is the retention. -#}
{% macro open_retention(payables) -%}
    cast(
        least(greatest({{ payables }}.open_amount, 0), coalesce({{ payables }}.retention_amount, 0))
        as decimal(18, 2)
    )
{%- endmacro %}

{#- The day on which the retention of a payable is due; where the books do not say, as the rule in force on the day of
    posting says. `rules` is rule_parameter joined under that alias. -#}
{% macro retention_due_date(payables, rules) -%}
    coalesce(
        {{ payables }}.retention_due_date,
        {{ add_days(payables ~ '.posting_date', 'cast(' ~ rules ~ '.value as integer)') }}
    )
{%- endmacro %}

{#- The day on which a payable is due: as its payment term says, or else as the books stated first. A later statement of
    theirs does not make what is late punctual. -#}
{% macro payable_due_date(payables) -%}
    coalesce({{ payables }}.terms_due_date, {{ payables }}.first_due_date, {{ payables }}.due_date)
{%- endmacro %}

{#- Select: what was open of confirmed payables on each of some dates (a relation with `as_of_date`), as known then. The
    retention is a row of its own (`is_retention`), for it falls due later than the rest. -#}
{% macro payables_on(dates) -%}
    select
        dates.as_of_date,
        payables.payable_id as receivable_id,
        {{ keeper_of_books() }} as core_enterprise_id,
        case when roles.supplier_known_date <= dates.as_of_date then roles.supplier_id end as supplier_id,
        payables.currency,
        parts.is_retention,
        case
            when parts.is_retention then {{ retention_due_date('payables', 'rules') }}
            else {{ payable_due_date('payables') }}
        end as due_date,
        case
            when parts.is_retention then {{ open_retention('payables') }}
            else payables.open_amount - {{ open_retention('payables') }}
        end as open_amount
    from {{ dates }} as dates
    inner join {{ ref('int_payable_interval') }} as payables on {{ valid_on('payables', 'dates.as_of_date') }}
    cross join (select false as is_retention union all select true as is_retention) as parts
    left join {{ ref('rule_parameter') }} as rules
        on {{ rule_in_force('rules', 'retention_days', 'payables.posting_date') }}
    left join {{ ref('int_core_enterprise') }} as core_enterprises
        on
            payables.company_code = core_enterprises.company_code
            and {{ valid_on('core_enterprises', 'dates.as_of_date') }}
    left join {{ ref('int_vendor') }} as vendors
        on
            payables.company_code = vendors.company_code
            and payables.erp_vendor_no = vendors.erp_vendor_no
            and {{ valid_on('vendors', 'dates.as_of_date') }}
    left join {{ ref('int_party_role') }} as roles on vendors.party_id = roles.party_id
    where
        payables.confirmed_date is not null
        and case
            when parts.is_retention then {{ open_retention('payables') }} <> 0
            else payables.open_amount <> {{ open_retention('payables') }}
        end
{%- endmacro %}
