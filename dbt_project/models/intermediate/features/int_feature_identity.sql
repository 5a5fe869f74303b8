with spine as (
    select * from {{ ref('int_feature_spine') }}
),

addresses as (
    select
        as_of_date,
        address,
        count(*) as suppliers
    from spine
    where address is not null
    group by as_of_date, address
),

relations as (
    select
        {{ party_id('from_party_no_scheme', 'from_party_no') }} as from_party_id,
        {{ party_id('to_party_no_scheme', 'to_party_no') }} as to_party_id,
        relation_type,
        valid_from as relation_from,
        valid_to as relation_to,
        known_from,
        known_to
    from (
        select
            *,
            known_date as known_from,
            lead(known_date) over (partition by relation_id order by {{ version_order() }}) as known_to
        from {{ ref('stg_platform__party_relation') }}
        qualify (known_to is null or known_to > known_from) and not {{ is_withdrawal() }}
    ) as versions
),

ends as (
    select
        from_party_id as party_id,
        to_party_id as other_party_id,
        relation_type,
        relation_from,
        relation_to,
        known_from,
        known_to
    from relations
    union all
    select
        to_party_id as party_id,
        from_party_id as other_party_id,
        relation_type,
        relation_from,
        relation_to,
        known_from,
        known_to
    from relations
),

linked as (
    select
        spine.as_of_date,
        spine.supplier_id,
        count(distinct case when ends.relation_type = 'PHONE' then ends.other_party_id end) as shared_contacts,
        count(distinct case when ends.relation_type = 'GUARANTOR' then ends.other_party_id end) as guarantee_links,
        count(distinct case when ends.relation_type in ('SHAREHOLDER', 'OFFICER') then ends.other_party_id end)
            as control_links
    from spine
    inner join ends
        on
            spine.party_id = ends.party_id
            and ends.relation_from <= spine.as_of_date
            and (ends.relation_to is null or ends.relation_to > spine.as_of_date)
            and ends.known_from <= spine.as_of_date
            and (ends.known_to is null or ends.known_to > spine.as_of_date)
    group by spine.as_of_date, spine.supplier_id
)

select
    spine.as_of_date,
    spine.supplier_id,
    {{ days_between('spine.registered_date', 'spine.as_of_date') }} / 30.4375 as company_age_months,
    {{ ratio('spine.paid_in_capital_amount', 'spine.registered_capital_amount', floor=10000, cap=1) }}
        as paid_in_to_registered,
    spine.insured_headcount,
    {{ days_between('spine.kyc_date', 'spine.as_of_date') }} as kyc_age_days,
    addresses.suppliers - 1 as address_cluster_size,
    coalesce(linked.shared_contacts, 0) as shared_contact_count,
    coalesce(linked.guarantee_links, 0) as guarantee_link_count,
    coalesce(linked.control_links, 0) as control_link_count
from spine
left join addresses on spine.as_of_date = addresses.as_of_date and spine.address = addresses.address
left join linked on spine.as_of_date = linked.as_of_date and spine.supplier_id = linked.supplier_id
