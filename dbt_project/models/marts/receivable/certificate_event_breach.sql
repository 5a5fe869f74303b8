{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='root_certificate_id',
        pre_hook='{{ drop_touched(is_touched_root()) }}'
    )
}}

{#- rule, severity, condition, what was allowed, first known, sentence -#}
{%- set passes_on = "event_type in ('SPLIT', 'TRANSFERRED')" %}
{%- set releases = "event_type in ('UNFROZEN', 'FINANCE_REPAID', 'DISPUTE_RESOLVED')" %}
{%- set rules = [
    (
        'EVENT_AFTER_END', 'HARD', "held_before <= 0 and not " ~ releases, '0', 'history_posted_date',
        "'the certificate had ended'",
    ),
    (
        'EVENT_BEFORE_ACCEPTANCE', 'HARD',
        "is_root and accepted_before = 0 and (" ~ passes_on ~ " or event_type in ('FINANCED', 'REDEEMED'))", 'null',
        'history_posted_date', "'no acceptance of the certificate is known by then'",
    ),
    (
        'CANCELLED_AFTER_ACCEPTANCE', 'HARD', "event_type = 'CANCELLED' and (accepted_before > 0 or not is_root)", '0',
        'history_posted_date', "'a promise can be cancelled before its acceptance only'",
    ),
    (
        'AMOUNT_ABOVE_PART', 'HARD', 'act_amount > part_amount and (held_before > 0 or ' ~ releases ~ ')',
        'part_amount', 'history_posted_date',
        "'with what happened at the same instant it moves ' || cast(act_amount as string) || ' of '"
        " || cast(part_amount as string)",
    ),
    (
        'NOT_FROM_HOLDER', 'HARD', "event_type <> 'ISSUED' and from_holder_id <> holder_id", 'null', 'posted_date',
        "'it names ' || from_holder_id || ' as holder, who is ' || holder_id",
    ),
    (
        'NOT_TO_HOLDER', 'HARD', "child_certificate_id is not null and to_holder_id <> child_holder_id", 'null',
        'posted_date', "'it names ' || to_holder_id || ' as taker; holder of the part is ' || child_holder_id",
    ),
    (
        'PART_DIFFERS', 'HARD', passes_on ~ ' and amount <> child_face_amount', 'child_face_amount', 'posted_date',
        "'the part that it makes has ' || cast(child_face_amount as string)",
    ),
    (
        'CURRENCY_DIFFERS', 'HARD', 'currency <> certificate_currency', 'null', 'posted_date',
        "'the certificate is in ' || certificate_currency",
    ),
    (
        'EVENT_REPEATED', 'FLAG',
        "(event_type in ('ISSUED', 'ACCEPTED') and occurrence_no > 1) or (event_type = 'ISSUED' and not is_root)",
        'null', 'history_posted_date', "'a promise is issued and accepted once'",
    ),
    (
        'EXTENSION_NOT_LATER', 'FLAG',
        "event_type = 'EXTENDED' and (new_due_date is null or new_due_date <= first_due_date)", 'null', 'posted_date',
        "'it puts off ' || cast(first_due_date as string) || ' to '"
        " || coalesce(cast(new_due_date as string), 'no day that it names')",
    ),
    (
        'BOOKED_BEFORE_IT_HAPPENED', 'FLAG', 'booked_at < occurred_at', 'null', 'posted_date',
        "'the platform booked it at ' || cast(booked_at as string)",
    ),
] %}

with events as (
    select
        events.*,
        certificates.certificate_id = certificates.root_certificate_id as is_root,
        certificates.core_enterprise_id,
        certificates.holder_id,
        certificates.face_amount,
        certificates.currency as certificate_currency,
        children.holder_id as child_holder_id,
        children.face_amount as child_face_amount,
        terms.first_due_date,
        -- what happens at one instant happens in this order; the parts of a division are made together
        case events.event_type
            when 'ISSUED' then 1
            when 'ACCEPTED' then 2
            when 'FROZEN' then 3
            when 'UNFROZEN' then 4
            when 'DISPUTED' then 5
            when 'DISPUTE_RESOLVED' then 6
            when 'EXTENDED' then 7
            when 'SPLIT' then 8
            when 'TRANSFERRED' then 8
            when 'FINANCED' then 9
            when 'FINANCE_REPAID' then 10
            when 'REDEEMED' then 11
            when 'OVERDUE' then 12
            else 13
        end as act_rank
    from {{ ref('int_certificate_event') }} as events
    inner join {{ ref('int_certificate') }} as certificates on events.certificate_id = certificates.certificate_id
    inner join {{ ref('int_certificate_term_interval') }} as terms
        on events.certificate_id = terms.certificate_id and terms.valid_to is null
    left join {{ ref('int_certificate') }} as children on events.child_certificate_id = children.certificate_id
    where
        events.valid_to is null
        and events.posted_date is not null
        and {{ is_touched_root('events.root_certificate_id') }}
),

signed as (
    select
        *,
        case when event_type in ('SPLIT', 'TRANSFERRED', 'REDEEMED', 'WRITTEN_OFF', 'CANCELLED') then amount else 0 end
            as taken,
        case event_type when 'FROZEN' then amount when 'UNFROZEN' then -amount else 0 end as frozen,
        case event_type when 'FINANCED' then amount when 'FINANCE_REPAID' then -amount else 0 end as financed,
        case event_type when 'DISPUTED' then amount when 'DISPUTE_RESOLVED' then -amount else 0 end as disputed,
        case when event_type = 'ACCEPTED' then 1 else 0 end as accepted
    from events
),

running as (
    select
        *,
        {%- for leg in ['taken', 'frozen', 'financed', 'disputed', 'accepted'] %}
        sum({{ leg }}) over history - sum({{ leg }}) over act as {{ leg }}_before,
        {%- endfor %}
        sum(amount) over act as act_amount,
        max(posted_date) over history as history_posted_date,
        row_number() over (partition by certificate_id, event_type order by occurred_at, certificate_event_id)
            as occurrence_no
    from signed
    window
        history as (
            partition by certificate_id order by occurred_at, act_rank
            range between unbounded preceding and current row
        ),
        act as (partition by certificate_id, occurred_at, act_rank)
),

held as (
    select
        *,
        face_amount - taken_before as held_before
    from running
),

divided as (
    select
        *,
        greatest(least(financed_before, held_before), 0) as still_financed,
        greatest(least(frozen_before, held_before - greatest(least(financed_before, held_before), 0)), 0)
            as still_frozen
    from held
),

checked as (
    select
        *,
        case
            when event_type in ('FROZEN', 'FINANCED', 'SPLIT', 'TRANSFERRED')
                then held_before - still_financed - still_frozen
            when event_type = 'UNFROZEN' then frozen_before
            when event_type = 'FINANCE_REPAID' then financed_before
            when event_type = 'DISPUTE_RESOLVED' then disputed_before
            when event_type in ('REDEEMED', 'WRITTEN_OFF', 'CANCELLED', 'DISPUTED') then held_before
        end as part_amount,
        case
            when held_before <= 0 then 'ENDED'
            when is_root and accepted_before = 0 then 'ISSUED'
            when still_frozen = held_before then 'FROZEN'
            when still_financed > 0 then 'FINANCED'
            else 'HELD'
        end as state_before
    from divided
),

breaches as (
    {%- for rule, severity, condition, allowed, first_known, sentence in rules %}
    select
        '{{ rule }}' as rule_id,
        '{{ severity }}' as severity,
        certificate_event_id,
        certificate_id,
        root_certificate_id,
        core_enterprise_id,
        holder_id,
        event_type,
        state_before,
        currency,
        amount,
        cast({{ allowed }} as decimal(18, 2)) as allowed_amount,
        cast(occurred_at as date) as happened_date,
        {{ first_known }} as first_known_date,
        event_type || ' of ' || cast(amount as string) || ' ' || currency || ' on certificate ' || certificate_id
        || ': ' || {{ sentence }} || '.' as explanation
    from checked
    where {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    substr(md5(rule_id || ':' || certificate_event_id), 1, 16) as breach_id,
    rule_id,
    severity,
    'CERTIFICATE_EVENT' as subject_kind,
    certificate_event_id as subject_id,
    certificate_id,
    root_certificate_id,
    core_enterprise_id,
    holder_id,
    event_type,
    state_before,
    currency,
    amount,
    allowed_amount,
    happened_date,
    first_known_date,
    explanation
from breaches
