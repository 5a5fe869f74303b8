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

{#- Joins: the keeper of the books and the vendor of `payables`, as known on a date. -#}
{% macro parties_of_payables(on_date) -%}
    left join {{ ref('int_core_enterprise') }} as core_enterprises
        on
            payables.company_code = core_enterprises.company_code
            and {{ valid_on('core_enterprises', on_date) }}
    left join {{ ref('int_vendor') }} as vendors
        on
            payables.company_code = vendors.company_code
            and payables.erp_vendor_no = vendors.erp_vendor_no
            and {{ valid_on('vendors', on_date) }}
    left join {{ ref('int_party_role') }} as roles on vendors.party_id = roles.party_id
{%- endmacro %}

{#- The supplier of a payable after these joins; none before the platform knew it. -#}
{% macro seller_of_payable(on_date) -%}
    case when roles.supplier_known_date <= {{ on_date }} then roles.supplier_id end
{%- endmacro %}

{#- Select: what was open of payables on each of some dates (a relation with `as_of_date`), as known then; of confirmed
    ones, unless those that are not are asked for too. The retention is a row of its own (`is_retention`), for it falls
    due later than the rest. -#}
{% macro payables_on(dates, with_unconfirmed=false) -%}
    select
        dates.as_of_date,
        payables.payable_id as receivable_id,
        {{ keeper_of_books() }} as core_enterprise_id,
        {{ seller_of_payable('dates.as_of_date') }} as supplier_id,
        payables.currency,
        parts.is_retention,
        payables.confirmed_date is not null as is_confirmed,
        coalesce(payables.is_disputed, false) as is_disputed,
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
    {{ parties_of_payables('dates.as_of_date') }}
    where
        case
            when parts.is_retention then {{ open_retention('payables') }} <> 0
            else payables.open_amount <> {{ open_retention('payables') }}
        end
        {%- if not with_unconfirmed %}
        and payables.confirmed_date is not null
        {%- endif %}
{%- endmacro %}

{#- Select: what was open of certificates on each of some dates, as known then, with the parts that a funder holds or
    that are frozen. -#}
{% macro certificates_on(dates) -%}
    select
        dates.as_of_date,
        terms.certificate_id as receivable_id,
        terms.core_enterprise_id,
        terms.holder_id as supplier_id,
        terms.instrument_type,
        terms.currency,
        terms.due_date,
        positions.financed_amount,
        positions.frozen_amount,
        positions.available_amount + positions.frozen_amount + positions.financed_amount as open_amount
    from {{ dates }} as dates
    inner join {{ ref('int_certificate_position_interval') }} as positions
        on {{ valid_on('positions', 'dates.as_of_date') }}
    inner join {{ ref('int_certificate_term_interval') }} as terms
        on positions.certificate_id = terms.certificate_id and {{ valid_on('terms', 'dates.as_of_date') }}
    where positions.available_amount + positions.frozen_amount + positions.financed_amount <> 0
{%- endmacro %}

{#- Select: what was open of both kinds on each of some dates. -#}
{% macro receivables_on(dates) -%}
    select
        as_of_date,
        receivable_id,
        'PAYABLE' as receivable_type,
        core_enterprise_id,
        supplier_id,
        currency,
        is_retention,
        due_date,
        open_amount
    from ({{ payables_on(dates) }}) as payables
    union all
    select
        as_of_date,
        receivable_id,
        'CERTIFICATE' as receivable_type,
        core_enterprise_id,
        supplier_id,
        currency,
        false as is_retention,
        due_date,
        open_amount
    from ({{ certificates_on(dates) }}) as certificates
{%- endmacro %}

{#- Days past due between which an ageing bucket lies; before the first an amount is not due, after the last it is in
    the bucket that has no end. They are names of columns that readers know, and therefore no rule to tune. -#}
{% macro ageing_buckets() -%}
    {{ return([(1, 30), (31, 60), (61, 90), (91, 120)]) }}
{%- endmacro %}

{#- The name of the ageing bucket of an amount. -#}
{% macro ageing_bucket(days_past_due) -%}
    case
        {%- for first_day, last_day in ageing_buckets() %}
        when {{ days_past_due }} between {{ first_day }} and {{ last_day }}
            then 'OVERDUE_{{ first_day }}_{{ last_day }}'
        {%- endfor %}
        when {{ days_past_due }} > {{ ageing_buckets()[-1][1] }} then 'OVERDUE_OVER_{{ ageing_buckets()[-1][1] }}'
        else 'NOT_DUE'
    end
{%- endmacro %}
