{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='financing_id') }}

with financings as (
    select *
    from {{ ref('stg_platform__financing') }}
    where {{ is_touched_financing() }}
),

versions as (
    select * from {{ version_intervals('financings', ['financing_id']) }}
),

repayment_versions as (
    select *
    from {{ ref('stg_platform__repayment') }}
    where {{ is_touched_financing() }}
),

entries as (
    select
        financing_id,
        valid_from as entry_date,
        0 as amount,
        0 as buy_back
    from versions
    union all
    select
        financing_id,
        valid_to as entry_date,
        0 as amount,
        0 as buy_back
    from versions
    where valid_to is not null
    union all
    select
        financing_id,
        entry_date,
        entry_sign * amount as amount,
        case when payer_type = 'SUPPLIER' then entry_sign * amount else 0 end as buy_back
    from {{ version_entries('repayment_versions', ['repayment_id']) }} as repayments
    where financing_id in (select versions.financing_id from versions)
),

daily as (
    select
        financing_id,
        entry_date,
        sum(amount) as amount,
        sum(buy_back) as buy_back
    from entries
    group by financing_id, entry_date
),

balances as (
    select
        financing_id,
        entry_date as valid_from,
        lead(entry_date) over (partition by financing_id order by entry_date) as valid_to,
        sum(amount) over (
            partition by financing_id order by entry_date rows between unbounded preceding and current row
        ) as repaid,
        sum(buy_back) over (
            partition by financing_id order by entry_date rows between unbounded preceding and current row
        ) as bought_back
    from daily
)

select
    versions.financing_id,
    versions.certificate_id,
    versions.supplier_id,
    versions.core_enterprise_id,
    versions.funder_id,
    versions.facility_id,
    versions.financing_date,
    versions.due_date,
    versions.currency,
    versions.has_recourse,
    versions.registry_no,
    balances.valid_from,
    balances.valid_to,
    versions.principal_amount,
    cast(balances.repaid as decimal(18, 2)) as repaid_amount,
    cast(balances.bought_back as decimal(18, 2)) as bought_back_amount,
    cast(versions.principal_amount - balances.repaid as decimal(18, 2)) as outstanding_amount
from balances
inner join versions
    on
        balances.financing_id = versions.financing_id
        and balances.valid_from >= versions.valid_from
        and (versions.valid_to is null or balances.valid_from < versions.valid_to)
