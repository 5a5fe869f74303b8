{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='month_end_date') }}

{%- set key = ['month_end_date', 'core_enterprise_id', 'currency'] %}

with months as (
    select * from {{ month_ends() }}
),

dates as (
    select month_end_date as as_of_date from months
    union
    select previous_date as as_of_date from months
),

certificates as (
    {{ certificates_on('dates') }}
),

payables as (
    {{ payables_on('(select month_end_date as as_of_date from months)') }}
),

-- A term runs from the day on which the books posted the invoice, or from the issue where a certificate names none.
certificate_terms as (
    select
        months.month_end_date,
        certificates.core_enterprise_id,
        certificates.currency,
        certificates.open_amount,
        certificates.financed_amount,
        {{ days_between('coalesce(payables.posting_date, roots.issue_date)', 'certificates.due_date') }} as term_days
    from months
    inner join certificates on months.month_end_date = certificates.as_of_date
    inner join {{ ref('int_certificate') }} as leaves on certificates.receivable_id = leaves.certificate_id
    inner join {{ ref('int_certificate') }} as roots on leaves.root_certificate_id = roots.certificate_id
    left join {{ ref('int_payable_interval') }} as payables
        on {{ payable_id('roots') }} = payables.payable_id and {{ valid_on('payables', 'months.month_end_date') }}
),

liabilities as (
    select
        {{ key | join(', ') }},
        sum(open_amount) as liability,
        sum(financed_amount) as paid_to_suppliers,
        min(term_days) as shortest_term_days,
        max(term_days) as longest_term_days
    from certificate_terms
    group by {{ key | join(', ') }}
),

openings as (
    select
        months.month_end_date,
        certificates.core_enterprise_id,
        certificates.currency,
        sum(certificates.open_amount) as opening
    from months
    inner join certificates on months.previous_date = certificates.as_of_date
    group by months.month_end_date, certificates.core_enterprise_id, certificates.currency
),

changes as (
    select
        months.month_end_date,
        certificates.core_enterprise_id,
        certificates.currency,
        sum(movements.opened_amount - movements.passed_on_amount) as issued,
        sum(movements.redeemed_amount) as redeemed,
        sum(movements.written_off_amount) as written_off,
        sum(movements.cancelled_amount) as cancelled
    from months
    inner join {{ ref('int_certificate_movement') }} as movements
        on movements.posted_date > months.previous_date and movements.posted_date <= months.month_end_date
    inner join {{ ref('int_certificate') }} as certificates on movements.certificate_id = certificates.certificate_id
    group by months.month_end_date, certificates.core_enterprise_id, certificates.currency
),

comparable_terms as (
    select
        payables.as_of_date as month_end_date,
        payables.core_enterprise_id,
        payables.currency,
        min({{ days_between('intervals.posting_date', 'payables.due_date') }}) as shortest_term_days,
        max({{ days_between('intervals.posting_date', 'payables.due_date') }}) as longest_term_days
    from payables
    inner join {{ ref('int_payable_interval') }} as intervals
        on payables.receivable_id = intervals.payable_id and {{ valid_on('intervals', 'payables.as_of_date') }}
    where not payables.is_retention
    group by payables.as_of_date, payables.core_enterprise_id, payables.currency
),

programmes as (
    select {{ key | join(', ') }} from liabilities
    union
    select {{ key | join(', ') }} from openings
    union
    select {{ key | join(', ') }} from changes
)

select
    programmes.month_end_date,
    programmes.core_enterprise_id,
    programmes.currency,
    {%- for relation, amount in [
        ('openings', 'opening'), ('changes', 'issued'), ('changes', 'redeemed'), ('changes', 'written_off'),
        ('changes', 'cancelled'), ('liabilities', 'liability'), ('liabilities', 'paid_to_suppliers'),
    ] %}
    cast(coalesce({{ relation }}.{{ amount }}, 0) as decimal(18, 2)) as {{ amount }}_amount,
    {%- endfor %}
    cast(liabilities.shortest_term_days as integer) as shortest_term_days,
    cast(liabilities.longest_term_days as integer) as longest_term_days,
    cast(comparable_terms.shortest_term_days as integer) as comparable_shortest_term_days,
    cast(comparable_terms.longest_term_days as integer) as comparable_longest_term_days
from programmes
{%- for relation in ['openings', 'changes', 'liabilities', 'comparable_terms'] %}
left join {{ relation }}
    on
        programmes.month_end_date = {{ relation }}.month_end_date
        and programmes.core_enterprise_id = {{ relation }}.core_enterprise_id
        and programmes.currency = {{ relation }}.currency
{%- endfor %}
