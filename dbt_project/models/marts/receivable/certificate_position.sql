{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='root_certificate_id') }}

{%- set amounts = [
    'received', 'available', 'frozen', 'financed', 'passed_on', 'redeemed', 'written_off', 'cancelled'
] %}

-- What a holder keeps after a split is a new certificate: it is neither received from another nor passed on to
-- another.
with certificates as (
    select
        certificates.certificate_id,
        certificates.parent_certificate_id,
        coalesce(certificates.holder_id = parents.holder_id, false) as is_kept_part
    from {{ ref('int_certificate') }} as certificates
    left join {{ ref('int_certificate') }} as parents on certificates.parent_certificate_id = parents.certificate_id
    where {{ is_touched_root('certificates.root_certificate_id') }}
),

intervals as (
    select
        intervals.*,
        case when certificates.is_kept_part then 0 else intervals.face_amount end as received_amount
    from {{ ref('int_certificate_position_interval') }} as intervals
    inner join certificates on intervals.certificate_id = certificates.certificate_id
),

kept_parts as (
    select
        certificates.parent_certificate_id,
        intervals.root_certificate_id,
        intervals.holder_id,
        intervals.valid_from,
        intervals.valid_to,
        intervals.face_amount
    from intervals
    inner join certificates on intervals.certificate_id = certificates.certificate_id
    where certificates.is_kept_part
),

changes as (
    {%- for sign, opposite, date in [('', '-', 'valid_from'), ('-', '', 'valid_to')] %}
    select
        root_certificate_id,
        holder_id,
        {{ date }} as change_date,
        {%- for amount in amounts %}
        {{ sign }}{{ amount }}_amount as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from intervals
    where {{ date }} is not null
    union all
    select
        root_certificate_id,
        holder_id,
        {{ date }} as change_date,
        {%- for amount in amounts %}
        {{ opposite ~ 'face_amount' if amount == 'passed_on' else '0' }} as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from kept_parts
    where {{ date }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- The due date of the promise is one of the things that change.
terms as (
    select
        certificate_id as root_certificate_id,
        core_enterprise_id,
        currency,
        due_date,
        valid_from,
        valid_to
    from {{ ref('int_certificate_term_interval') }}
    where certificate_id = root_certificate_id and {{ is_touched_root() }}
),

held_since as (
    select
        root_certificate_id,
        holder_id,
        min(change_date) as since_date
    from changes
    group by root_certificate_id, holder_id
),

restated as (
    select
        held_since.root_certificate_id,
        held_since.holder_id,
        terms.valid_from as change_date,
        {%- for amount in amounts %}
        0 as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from held_since
    inner join terms
        on
            held_since.root_certificate_id = terms.root_certificate_id
            and held_since.since_date < terms.valid_from
),

daily as (
    select
        root_certificate_id,
        holder_id,
        change_date,
        {%- for amount in amounts %}
        sum({{ amount }}) as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        select * from changes
        union all
        select * from restated
    ) as all_changes
    group by root_certificate_id, holder_id, change_date
),

running as (
    select
        root_certificate_id,
        holder_id,
        change_date as valid_from,
        lead(change_date) over (partition by root_certificate_id, holder_id order by change_date) as valid_to,
        {%- for amount in amounts %}
        sum({{ amount }}) over (
            partition by root_certificate_id, holder_id
            order by change_date rows between unbounded preceding and current row
        ) as {{ amount }}{{ ',' if not loop.last }}
        {%- endfor %}
    from daily
)

select
    running.root_certificate_id,
    running.holder_id,
    running.valid_from,
    running.valid_to,
    terms.core_enterprise_id,
    terms.currency,
    terms.due_date,
    {%- for amount in amounts %}
    cast(running.{{ amount }} as decimal(18, 2)) as {{ amount }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
from running
inner join terms
    on running.root_certificate_id = terms.root_certificate_id and {{ valid_on('terms', 'running.valid_from') }}
