with joined as (
    select
        spine.as_of_date,
        spine.supplier_id,
        spine.sector_code,
        tax.vat_sales_180d,
        tax.vat_sales_365d,
        tax.core_enterprise_sales_180d,
        bank.trade_inflow_180d,
        erp.erp_invoiced_net_180d,
        platform.financed_365d,
        external.enforcement_amount,
        case
            when spine.insured_headcount > 0 and tax.vat_sales_365d > 0
                then ln(greatest(cast(tax.vat_sales_365d as double), 10000) / spine.insured_headcount)
        end as log_revenue_per_head
    from {{ ref('int_feature_spine') }} as spine
    left join {{ ref('int_feature_tax') }} as tax
        on spine.as_of_date = tax.as_of_date and spine.supplier_id = tax.supplier_id
    left join {{ ref('int_feature_bank') }} as bank
        on spine.as_of_date = bank.as_of_date and spine.supplier_id = bank.supplier_id
    left join {{ ref('int_feature_erp') }} as erp
        on spine.as_of_date = erp.as_of_date and spine.supplier_id = erp.supplier_id
    left join {{ ref('int_feature_platform') }} as platform
        on spine.as_of_date = platform.as_of_date and spine.supplier_id = platform.supplier_id
    left join {{ ref('int_feature_external') }} as external
        on spine.as_of_date = external.as_of_date and spine.supplier_id = external.supplier_id
),

sectors as (
    select
        as_of_date,
        sector_code,
        median(log_revenue_per_head) as median_log_revenue_per_head
    from joined
    group by as_of_date, sector_code
)

select
    joined.as_of_date,
    joined.supplier_id,
    joined.log_revenue_per_head - sectors.median_log_revenue_per_head as revenue_per_insured_head,
    case
        when joined.vat_sales_365d is not null
            then coalesce({{ share_of_both('joined.enforcement_amount', 'joined.vat_sales_365d') }}, 0)
    end as enforcement_to_revenue,
    {{ relative_gap('joined.vat_sales_180d', 'joined.trade_inflow_180d') }} as invoice_cash_gap_6m,
    {{ relative_gap('joined.core_enterprise_sales_180d', 'joined.erp_invoiced_net_180d') }}
        as cross_source_revenue_gap_6m,
    {{ ratio('joined.financed_365d', 'joined.vat_sales_365d', floor=10000, cap=3) }} as capacity_ratio_12m
from joined
left join sectors on joined.as_of_date = sectors.as_of_date and joined.sector_code = sectors.sector_code
