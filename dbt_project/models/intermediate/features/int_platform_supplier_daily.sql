{{ config(materialized='incremental', incremental_strategy='append') }}

with first_certificates as (
    select * from {{ first_version(ref('stg_platform__certificate'), ['certificate_id']) }}
),

made as (
    select
        entries.holder_id as supplier_id,
        parents.holder_id as from_holder_id,
        entries.core_enterprise_id,
        entries.entry_date as known_date,
        entries.tier,
        entries.entry_sign * entries.face_amount as face_amount,
        {{ days_between('entries.issue_date', 'entries.due_date') }} as tenor_days
    from {{ ledger_entries(ref('stg_platform__certificate'), ['certificate_id']) }} as entries
    left join first_certificates as parents
        on
            entries.parent_certificate_id = parents.certificate_id
            and parents.known_date <= entries.known_date
    where parents.holder_id is null or parents.holder_id <> entries.holder_id
),

passed_on as (
    select
        from_holder_id as supplier_id,
        core_enterprise_id,
        known_date,
        face_amount
    from made
    where from_holder_id is not null
),

extended as (
    select
        first_certificates.holder_id as supplier_id,
        first_certificates.core_enterprise_id,
        entries.entry_date as known_date,
        entries.entry_sign * entries.amount as face_amount
    from {{ ledger_entries(ref('stg_platform__certificate_event'), ['certificate_event_id']) }} as entries
    inner join first_certificates on entries.certificate_id = first_certificates.certificate_id
    where
        entries.event_type = 'EXTENDED'
        and first_certificates.known_date <= entries.entry_date
),

financed as (
    select
        entries.supplier_id,
        entries.core_enterprise_id,
        entries.entry_date as known_date,
        entries.entry_sign * entries.principal_amount as principal_amount,
        entries.annual_rate_pct,
        entries.registry_no is null as is_unregistered,
        {{ days_between('first_certificates.issue_date', 'entries.financing_date') }} <= 1 as is_instant
    from {{ ledger_entries(ref('stg_platform__financing'), ['financing_id']) }} as entries
    left join first_certificates
        on
            entries.certificate_id = first_certificates.certificate_id
            and first_certificates.known_date <= entries.known_date
),

{%- set measures = {
    'received_amount': ('made', 'face_amount'),
    'deep_received_amount': ('made', 'case when tier > 1 then face_amount else 0 end'),
    'tier_amount': ('made', 'face_amount * tier'),
    'tenor_days_amount': ('made', 'face_amount * tenor_days'),
    'long_tenor_amount': ('made', 'case when tenor_days > 180 then face_amount else 0 end'),
    'passed_on_amount': ('passed_on', 'face_amount'),
    'extended_amount': ('extended', 'face_amount'),
    'financed_amount': ('financed', 'principal_amount'),
    'instant_amount': ('financed', 'case when is_instant then principal_amount else 0 end'),
    'unregistered_amount': ('financed', 'case when is_unregistered then principal_amount else 0 end'),
    'priced_amount': ('financed', 'case when annual_rate_pct is not null then principal_amount else 0 end'),
    'rate_pct_amount': ('financed', 'cast(principal_amount as decimal(38, 2)) * coalesce(annual_rate_pct, 0)'),
} %}

flows as (
    {%- for step in ['made', 'passed_on', 'extended', 'financed'] %}
    select
        supplier_id,
        core_enterprise_id,
        known_date,
        {%- for measure, (from_step, expression) in measures.items() %}
        cast({{ expression if from_step == step else 0 }} as decimal(38, 2)) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ step }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select
    supplier_id,
    core_enterprise_id,
    known_date,
    {%- for measure in measures %}
    sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
from flows
group by supplier_id, core_enterprise_id, known_date
