{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='root_certificate_id',
        pre_hook='{{ drop_touched(is_touched_root()) }}'
    )
}}

with positions as (
    select
        certificate_id,
        valid_from,
        valid_to,
        face_amount,
        available_amount + frozen_amount + financed_amount as held_amount,
        frozen_amount,
        financed_amount,
        passed_on_amount,
        redeemed_amount,
        written_off_amount
    from {{ ref('int_certificate_position_interval') }}
    where {{ is_touched_root() }}
),

terms as (
    select * from {{ ref('int_certificate_term_interval') }}
    where {{ is_touched_root() }}
),

marks as (
    select
        certificate_id,
        event_type,
        amount,
        occurred_at,
        posted_date as valid_from,
        valid_to
    from {{ ref('int_certificate_event') }}
    where
        event_type in ('ACCEPTED', 'SPLIT', 'TRANSFERRED', 'DISPUTED', 'DISPUTE_RESOLVED', 'REDEEMED')
        and posted_date is not null
        and (valid_to is null or valid_to > posted_date)
        and {{ is_touched_root() }}
),

change_days as (
    select certificate_id, valid_from from positions
    union
    select certificate_id, valid_from from terms
    union
    select certificate_id, valid_from from marks
    union
    select certificate_id, valid_to as valid_from from marks where valid_to is not null
),

marked as (
    select
        change_days.certificate_id,
        change_days.valid_from,
        count(case when marks.event_type = 'ACCEPTED' then 1 end) > 0 as is_accepted,
        count(case when marks.event_type in ('SPLIT', 'TRANSFERRED') then 1 end) as part_count,
        sum(
            case marks.event_type
                when 'DISPUTED' then marks.amount
                when 'DISPUTE_RESOLVED' then -marks.amount
                else 0
            end
        ) > 0 as is_disputed,
        max(case when marks.event_type = 'REDEEMED' then cast(marks.occurred_at as date) end) as last_redeemed_date
    from change_days
    left join marks
        on change_days.certificate_id = marks.certificate_id and {{ valid_on('marks', 'change_days.valid_from') }}
    group by change_days.certificate_id, change_days.valid_from
),

states as (
    select
        marked.certificate_id,
        marked.valid_from,
        terms.root_certificate_id,
        terms.core_enterprise_id,
        terms.holder_id,
        terms.tier,
        terms.instrument_type,
        terms.currency,
        terms.due_date,
        terms.first_due_date,
        terms.is_extended,
        marked.is_disputed and positions.held_amount > 0 as is_disputed,
        case
            when positions.face_amount = 0 then 'WITHDRAWN'
            when positions.held_amount > 0 then case
                when marked.certificate_id = terms.root_certificate_id and not marked.is_accepted then 'ISSUED'
                when positions.frozen_amount = positions.held_amount then 'FROZEN'
                when positions.financed_amount > 0 then 'FINANCED'
                else 'HELD'
            end
            when positions.passed_on_amount > 0 then case when marked.part_count > 1 then 'SPLIT' else 'TRANSFERRED' end
            when positions.written_off_amount > 0 then 'WRITTEN_OFF'
            when positions.redeemed_amount > 0 then case
                when marked.last_redeemed_date > {{ add_days('terms.due_date', 'rules.value') }} then 'RECOVERED'
                else 'REDEEMED'
            end
            else 'CANCELLED'
        end as state
    from marked
    inner join positions
        on marked.certificate_id = positions.certificate_id and {{ valid_on('positions', 'marked.valid_from') }}
    inner join terms on marked.certificate_id = terms.certificate_id and {{ valid_on('terms', 'marked.valid_from') }}
    left join {{ ref('rule_parameter') }} as rules
        on {{ rule_in_force('rules', 'technical_delay_days', 'terms.due_date') }}
),

described as (
    select
        *,
        concat_ws(
            '|', core_enterprise_id, holder_id, cast(tier as string), instrument_type, currency,
            cast(due_date as string), cast(is_extended as string), cast(is_disputed as string), state
        ) as description
    from states
),

changes as (
    select * from described
    qualify
        lag(description) over (partition by certificate_id order by valid_from) is null
        or lag(description) over (partition by certificate_id order by valid_from) <> description
)

select
    certificate_id,
    root_certificate_id,
    valid_from,
    lead(valid_from) over (partition by certificate_id order by valid_from) as valid_to,
    core_enterprise_id,
    holder_id,
    tier,
    instrument_type,
    currency,
    due_date,
    first_due_date,
    is_extended,
    is_disputed,
    state
from changes
