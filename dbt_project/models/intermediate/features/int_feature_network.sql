with spine as (
    select * from {{ ref('int_feature_spine') }}
),

stricken as (
    select
        spine.as_of_date,
        spine.supplier_id,
        min(spine.party_id) as party_id,
        max(
            case when episodes.cured_date is null or episodes.cured_date > spine.as_of_date then 1 else 0 end
        ) as is_in_distress,
        max(case when episodes.distress_date > spine.from_365d then 1 else 0 end) as fell_in_a_year
    from spine
    inner join {{ ref('int_supplier_distress_episode') }} as episodes
        on spine.supplier_id = episodes.supplier_id and episodes.distress_date <= spine.as_of_date
    group by spine.as_of_date, spine.supplier_id
),

in_distress as (
    select * from stricken where is_in_distress = 1
),

{%- for segment in ['sector', 'region'] %}
{{ segment }}s as (
    select
        spine.as_of_date,
        spine.{{ segment }}_code,
        cast(sum(coalesce(stricken.fell_in_a_year, 0)) as double) / count(*) as distress_rate
    from spine
    left join stricken on spine.as_of_date = stricken.as_of_date and spine.supplier_id = stricken.supplier_id
    where spine.{{ segment }}_code is not null
    group by spine.as_of_date, spine.{{ segment }}_code
),
{%- endfor %}

claims as (
    select
        claims.as_of_date,
        claims.supplier_id,
        claims.core_enterprise_id,
        claims.claim_amount,
        case when in_distress.supplier_id is not null then claims.claim_amount else 0 end as distress_amount,
        sum(claims.claim_amount) over (partition by claims.as_of_date, claims.core_enterprise_id) as owed_amount,
        sum(case when in_distress.supplier_id is not null then claims.claim_amount else 0 end)
            over (partition by claims.as_of_date, claims.core_enterprise_id) as owed_in_distress_amount
    from {{ ref('int_feature_claim') }} as claims
    left join in_distress
        on claims.as_of_date = in_distress.as_of_date and claims.supplier_id = in_distress.supplier_id
),

-- The supplier itself is left out of its neighbours. Amounts are brought to a common precision before they are added:
-- a sum of doubles depends on the order of its rows.
co_suppliers as (
    select
        as_of_date,
        supplier_id,
        cast(sum(claim_amount * neighbour_share) as double) / cast(sum(claim_amount) as double) as distress_share
    from (
        select
            as_of_date,
            supplier_id,
            claim_amount,
            cast(
                cast(owed_in_distress_amount - distress_amount as double) / cast(owed_amount - claim_amount as double)
                as decimal(10, 9)
            ) as neighbour_share
        from claims
        where owed_amount > claim_amount
    ) as neighbours
    group by as_of_date, supplier_id
),

sales as (
    select
        spine.as_of_date,
        spine.supplier_id,
        ledger.buyer_party_id,
        sum(ledger.net_amount) as net_amount
    from spine
    inner join {{ ref('int_vat_invoice_daily') }} as ledger
        on
            spine.party_id = ledger.seller_party_id
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_365d
    where spine.has_tax_authorisation
    group by spine.as_of_date, spine.supplier_id, ledger.buyer_party_id
    having sum(ledger.net_amount) > 0
),

parties_in_distress as (
    select distinct as_of_date, party_id
    from in_distress
),

customers as (
    select
        sales.as_of_date,
        sales.supplier_id,
        sum(sales.net_amount) as net_amount,
        sum(case when parties_in_distress.party_id is not null then sales.net_amount else 0 end) as distress_amount
    from sales
    left join parties_in_distress
        on
            sales.as_of_date = parties_in_distress.as_of_date
            and sales.buyer_party_id = parties_in_distress.party_id
    group by sales.as_of_date, sales.supplier_id
),

tied_groups as (
    select
        members.as_of_date,
        members.connected_group_id,
        count(*) as members_in_distress
    from {{ ref('int_connected_group_daily') }} as members
    inner join parties_in_distress
        on members.as_of_date = parties_in_distress.as_of_date and members.party_id = parties_in_distress.party_id
    where members.connected_group_id is not null
    group by members.as_of_date, members.connected_group_id
)

select
    spine.as_of_date,
    spine.supplier_id,
    sectors.distress_rate as sector_distress_rate_12m,
    regions.distress_rate as region_distress_rate_12m,
    co_suppliers.distress_share as co_supplier_distress_share,
    {{ ratio('customers.distress_amount', 'customers.net_amount', floor=10000, cap=1) }}
        as customer_distress_share_12m,
    case
        when tied_groups.members_in_distress is null then 0
        when in_distress.supplier_id is not null then tied_groups.members_in_distress - 1
        else tied_groups.members_in_distress
    end as connected_distress_count
from spine
left join in_distress on spine.as_of_date = in_distress.as_of_date and spine.supplier_id = in_distress.supplier_id
left join sectors on spine.as_of_date = sectors.as_of_date and spine.sector_code = sectors.sector_code
left join regions on spine.as_of_date = regions.as_of_date and spine.region_code = regions.region_code
left join co_suppliers on spine.as_of_date = co_suppliers.as_of_date and spine.supplier_id = co_suppliers.supplier_id
left join customers on spine.as_of_date = customers.as_of_date and spine.supplier_id = customers.supplier_id
left join {{ ref('int_connected_group_daily') }} as members
    on spine.as_of_date = members.as_of_date and spine.party_id = members.party_id
left join tied_groups
    on
        members.as_of_date = tied_groups.as_of_date
        and members.connected_group_id = tied_groups.connected_group_id
