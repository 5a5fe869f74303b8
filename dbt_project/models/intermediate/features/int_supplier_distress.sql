with rules as (
    select * from {{ ref('rule_parameter') }}
),

suppliers as (
    select supplier_id, party_id, status, valid_from, valid_to from {{ ref('int_supplier') }}
),

-- The due date first agreed counts: an extension granted to a supplier in arrears is not a payment.
terms as (
    select
        financing_id,
        certificate_id,
        supplier_id,
        min(financing_date) as financing_date,
        min_by(due_date, valid_from) as due_date,
        min(valid_from) as first_known_date
    from {{ ref('int_financing_interval') }}
    where has_recourse
    group by financing_id, certificate_id, supplier_id
),

settled as (
    select
        financing_id,
        min(valid_from) as settled_date
    from {{ ref('int_financing_interval') }}
    where outstanding_amount <= 0
    group by financing_id
),

demanded as (
    select
        terms.financing_id,
        terms.supplier_id,
        min(greatest(events.known_date, terms.first_known_date)) as demanded_date
    from terms
    inner join {{ first_version(ref('stg_platform__certificate_event'), ['certificate_event_id']) }} as events
        on terms.certificate_id = events.certificate_id
    where
        events.event_type in ('DISPUTED', 'CANCELLED', 'WRITTEN_OFF')
        and cast(events.occurred_at as date) >= terms.financing_date
    group by terms.financing_id, terms.supplier_id
),

obligations as (
    select
        terms.financing_id,
        terms.supplier_id,
        'RECOURSE_OVERDUE' as cause,
        greatest({{ add_days('terms.due_date', 'rules.value') }}, terms.first_known_date) as valid_from
    from terms
    inner join rules on {{ rule_in_force('rules', 'distress_dpd_days', 'terms.due_date') }}
    union all
    select
        demanded.financing_id,
        demanded.supplier_id,
        'BUY_BACK_NOT_HONOURED' as cause,
        {{ add_days('demanded.demanded_date', 'rules.value') }} as valid_from
    from demanded
    inner join rules on {{ rule_in_force('rules', 'buy_back_deadline_days', 'demanded.demanded_date') }}
),

broken as (
    select
        obligations.supplier_id,
        obligations.cause,
        obligations.valid_from,
        settled.settled_date as valid_to
    from obligations
    left join settled on obligations.financing_id = settled.financing_id
),

frozen as (
    select supplier_id, 'PLATFORM_FROZEN' as cause, valid_from, valid_to
    from suppliers
    where status = 'FROZEN'
),

facts as (
    select
        party_id,
        case when status in ('ABNORMAL', 'CANCELLED') then 'TAX_STATUS_' || status else 'TAX_GRADE_D' end as cause,
        valid_from,
        valid_to
    from {{ ref('int_taxpayer') }}
    where status in ('ABNORMAL', 'CANCELLED') or tax_credit_grade = 'D'
    union all
    select
        records.party_id,
        records.record_type as cause,
        records.valid_from,
        case
            when records.closed_date is null then records.valid_to
            else least(
                greatest(records.closed_date, records.valid_from),
                coalesce(records.valid_to, cast('9999-12-31' as date))
            )
        end as valid_to
    from {{ ref('int_public_record') }} as records
    inner join rules on {{ rule_in_force('rules', 'enforcement_floor_amount', 'records.published_date') }}
    where
        records.record_type in ('DISHONEST_DEBTOR', 'INSOLVENCY')
        or (records.record_type = 'ENFORCEMENT' and records.amount >= rules.value)
),

stated as (
    select
        suppliers.supplier_id,
        facts.cause,
        greatest(facts.valid_from, suppliers.valid_from) as valid_from,
        nullif(
            least(
                coalesce(facts.valid_to, cast('9999-12-31' as date)),
                coalesce(suppliers.valid_to, cast('9999-12-31' as date))
            ),
            cast('9999-12-31' as date)
        ) as valid_to
    from facts
    inner join suppliers on facts.party_id = suppliers.party_id
),

causes as (
    select * from broken
    union all
    select * from frozen
    union all
    select * from stated
),

lasting as (
    select *
    from causes
    where
        valid_from <= {{ as_of_date() }}
        and (valid_to is null or valid_to > valid_from)
)

select
    supplier_id,
    valid_from as distress_date,
    cause,
    valid_to as cured_date
from {{ merged_intervals('lasting', ['supplier_id', 'cause']) }} as merged
