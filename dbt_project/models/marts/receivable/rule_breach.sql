{#- Models that find breaches of one family each, all of one shape. -#}
{%- set finders = [
    'int_trade_breach', 'int_money_breach', 'int_status_breach', 'int_party_breach', 'int_promise_breach',
    'int_limit_breach', 'int_settlement_breach', 'int_tape_breach',
] %}

with breaches as (
    select
        breach_id,
        rule_id,
        subject_kind,
        subject_id,
        core_enterprise_id,
        holder_id as supplier_id,
        cast(null as string) as counterpart_id,
        amount,
        currency,
        first_known_date,
        explanation
    from {{ ref('certificate_event_breach') }}
    {%- for finder in finders %}
    union all
    select
        substr(md5(rule_id || ':' || subject_kind || ':' || subject_id), 1, 16) as breach_id,
        rule_id,
        subject_kind,
        subject_id,
        core_enterprise_id,
        supplier_id,
        counterpart_id,
        amount,
        currency,
        first_known_date,
        explanation
    from {{ ref(finder) }}
    {%- endfor %}
)

-- A rule that the book lacks has no title, and the contract stops the night.
select
    breaches.breach_id,
    breaches.rule_id,
    book.title as rule_title,
    book.family as rule_family,
    book.severity,
    book.indicator_id,
    book.source as rule_source,
    breaches.subject_kind,
    breaches.subject_id,
    breaches.core_enterprise_id,
    breaches.supplier_id,
    breaches.counterpart_id,
    breaches.amount,
    breaches.currency,
    breaches.first_known_date,
    breaches.explanation
from breaches
left join {{ ref('rule_book') }} as book
    on breaches.rule_id = book.rule_id and {{ valid_on('book', 'breaches.first_known_date') }}
