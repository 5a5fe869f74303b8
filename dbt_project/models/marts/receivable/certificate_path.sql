{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='root_certificate_id',
        pre_hook='{{ drop_touched(is_touched_root()) }}'
    )
}}

{#- A contract bounds the tier by 20; a holder may divide a part once more at each. -#}
{%- set longest_path = 40 %}

with recursive certificates as (
    select
        certificate_id,
        root_certificate_id,
        parent_certificate_id,
        core_enterprise_id,
        holder_id
    from {{ ref('int_certificate') }}
    where opened_date is not null and withdrawn_date is null and {{ is_touched_root() }}
),

paths as (
    select
        certificate_id,
        certificate_id as ancestor_certificate_id,
        root_certificate_id,
        core_enterprise_id,
        holder_id,
        holder_id as ancestor_holder_id,
        parent_certificate_id as next_certificate_id,
        0 as distance,
        0 as holder_distance,
        holder_id as holder_path,
        false as returns_to_prior_holder
    from certificates
    union all
    select
        paths.certificate_id,
        ancestors.certificate_id as ancestor_certificate_id,
        paths.root_certificate_id,
        paths.core_enterprise_id,
        paths.holder_id,
        ancestors.holder_id as ancestor_holder_id,
        ancestors.parent_certificate_id as next_certificate_id,
        paths.distance + 1 as distance,
        paths.holder_distance + case when ancestors.holder_id = paths.ancestor_holder_id then 0 else 1 end
            as holder_distance,
        case
            when ancestors.holder_id = paths.ancestor_holder_id then paths.holder_path
            else ancestors.holder_id || '>' || paths.holder_path
        end as holder_path,
        paths.returns_to_prior_holder
        or (
            ancestors.holder_id <> paths.ancestor_holder_id
            and position('>' || ancestors.holder_id || '>' in '>' || paths.holder_path || '>') > 0
        ) as returns_to_prior_holder
    from paths
    inner join certificates as ancestors on paths.next_certificate_id = ancestors.certificate_id
    where paths.distance < {{ longest_path }}
)

select
    certificate_id,
    ancestor_certificate_id,
    root_certificate_id,
    core_enterprise_id,
    holder_id,
    ancestor_holder_id,
    distance,
    holder_distance,
    holder_path,
    returns_to_prior_holder
from paths
