with spine as (
    select * from {{ ref('int_feature_spine') }} where has_tax_authorisation
),

first_sales as (
    select
        seller_party_id as party_id,
        min(known_date) as first_date
    from {{ ref('int_vat_invoice_daily') }}
    group by seller_party_id
),

first_tax_rows as (
    select party_id, min(first_date) as first_date
    from (
        select party_id, first_date from first_sales
        union all
        select party_id, min(known_date) as first_date from {{ ref('int_vat_return_daily') }} group by party_id
    ) as rows_of_party
    group by party_id
),

reached as (
    select
        spine.*,
        first_sales.first_date as first_sale_date
    from spine
    inner join first_tax_rows
        on spine.party_id = first_tax_rows.party_id and first_tax_rows.first_date <= spine.as_of_date
    left join first_sales on spine.party_id = first_sales.party_id and first_sales.first_date <= spine.as_of_date
),

customers as (
    select
        spine.as_of_date,
        spine.supplier_id,
        ledger.buyer_party_id,
        {{ window_sum('net_amount', 30) }} as sales_30d,
        {{ window_sum('net_amount', 90) }} as sales_90d,
        {{ window_sum('net_amount', 90, 90) }} as sales_90d_before,
        {{ window_sum('net_amount', 90, 365) }} as sales_90d_last_year,
        {{ window_sum('net_amount', 180) }} as sales_180d,
        {{ window_sum('net_amount', 180, 180) }} as sales_180d_before,
        {{ window_sum('net_amount', 365) }} as sales_365d,
        {{ window_sum('red_letter_amount', 180) }} as red_letter_180d,
        {{ window_sum('issued_count', 180) }} as issued_180d,
        {{ window_sum('void_count', 180) }} as void_180d,
        {{ window_sum('sale_count', 180) }} as sale_count_180d,
        {{ window_sum('round_count', 180) }} as round_count_180d,
        max(case when ledger.sale_count > 0 then ledger.known_date end) as last_sale_date
    from reached as spine
    inner join {{ ref('int_vat_invoice_daily') }} as ledger
        on
            spine.party_id = ledger.seller_party_id
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_455d
    group by spine.as_of_date, spine.supplier_id, ledger.buyer_party_id
),

core_enterprises as (
    select party_id, min(valid_from) as first_known_date
    from {{ ref('int_core_enterprise') }}
    group by party_id
),

ranked_customers as (
    select
        customers.*,
        core_enterprises.party_id is not null as is_core_enterprise,
        row_number() over (
            partition by customers.as_of_date, customers.supplier_id
            order by customers.sales_180d_before desc, customers.buyer_party_id asc
        ) <= 20 and customers.sales_180d_before > 0 as was_top_customer
    from customers
    left join core_enterprises
        on
            customers.buyer_party_id = core_enterprises.party_id
            and core_enterprises.first_known_date <= customers.as_of_date
),

sales as (
    select
        as_of_date,
        supplier_id,
        {%- for column in ['sales_30d', 'sales_90d', 'sales_90d_before', 'sales_90d_last_year', 'sales_180d',
            'sales_365d', 'red_letter_180d', 'issued_180d', 'void_180d', 'sale_count_180d', 'round_count_180d'] %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        sum(case when sales_180d > 0 then sales_180d else 0 end) as positive_sales_180d,
        sum(case when sales_180d > 0 then {{ squared('sales_180d') }} else 0 end) as squared_sales_180d,
        sum(case when is_core_enterprise and sales_180d > 0 then sales_180d else 0 end) as core_enterprise_sales_180d,
        sum(case when was_top_customer then 1 else 0 end) as top_customers,
        sum(case when was_top_customer and sales_180d <= 0 then 1 else 0 end) as lost_top_customers,
        max(last_sale_date) as last_sale_date
    from ranked_customers
    group by as_of_date, supplier_id
),

purchases_by_seller as (
    select
        spine.as_of_date,
        spine.supplier_id,
        ledger.seller_party_id,
        {{ window_sum('net_amount', 90) }} as purchases_90d,
        {{ window_sum('net_amount', 90, 365) }} as purchases_90d_last_year,
        {{ window_sum('net_amount', 180) }} as purchases_180d,
        {{ window_sum('net_amount', 365) }} as purchases_365d
    from reached as spine
    inner join {{ ref('int_vat_invoice_daily') }} as ledger
        on
            spine.party_id = ledger.buyer_party_id
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_455d
    group by spine.as_of_date, spine.supplier_id, ledger.seller_party_id
),

purchases as (
    select
        as_of_date,
        supplier_id,
        sum(purchases_90d) as purchases_90d,
        sum(purchases_90d_last_year) as purchases_90d_last_year,
        sum(purchases_180d) as purchases_180d,
        sum(purchases_365d) as purchases_365d
    from purchases_by_seller
    group by as_of_date, supplier_id
),

reciprocal as (
    select
        customers.as_of_date,
        customers.supplier_id,
        sum(least(customers.sales_365d, purchases_by_seller.purchases_365d)) as reciprocal_365d
    from customers
    inner join purchases_by_seller
        on
            customers.as_of_date = purchases_by_seller.as_of_date
            and customers.supplier_id = purchases_by_seller.supplier_id
            and customers.buyer_party_id = purchases_by_seller.seller_party_id
    where customers.sales_365d > 0 and purchases_by_seller.purchases_365d > 0
    group by customers.as_of_date, customers.supplier_id
),

thirty_days as (
    select
        spine.as_of_date,
        spine.supplier_id,
        cast(floor({{ days_between('ledger.known_date', 'spine.as_of_date') }} / 30.0) as integer) as block,
        greatest(sum(ledger.net_amount), 0) as sales_amount,
        sum(ledger.sale_count) as sale_count
    from reached as spine
    inner join {{ ref('int_vat_invoice_daily') }} as ledger
        on
            spine.party_id = ledger.seller_party_id
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_360d
    group by 1, 2, 3
),

months as (
    select
        spine.as_of_date,
        spine.supplier_id,
        least(floor({{ days_between('spine.first_sale_date', 'spine.as_of_date') }} / 30.0) + 1, 12) as months_known,
        cast(sum(thirty_days.sales_amount) as double) as sales_amount,
        cast(sum({{ squared('thirty_days.sales_amount') }}) as double) as squared_sales_amount,
        sum(case when thirty_days.sale_count > 0 then 1 else 0 end) as months_with_sales
    from reached as spine
    left join thirty_days
        on spine.as_of_date = thirty_days.as_of_date and spine.supplier_id = thirty_days.supplier_id
    where spine.first_sale_date is not null
    group by 1, 2, 3
),

returns as (
    select
        spine.as_of_date,
        spine.supplier_id,
        {{ window_sum('declared_sales_amount', 180) }} as declared_180d,
        {{ window_sum('tax_payable_amount', 180) }} as payable_180d,
        {{ window_sum('tax_paid_amount', 180) }} as paid_180d,
        {{ window_sum('tax_paid_amount', 365) }} as paid_365d,
        {{ window_sum('late_count', 365) }} as late_365d,
        {{ window_sum('filed_count', 365) }} as filed_365d,
        max(ledger.known_date) as last_return_date
    from reached as spine
    inner join {{ ref('int_vat_return_daily') }} as ledger
        on
            spine.party_id = ledger.party_id
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_455d
    group by spine.as_of_date, spine.supplier_id
),

invoiced_months as (
    select
        seller_party_id as party_id,
        invoice_month,
        known_date,
        sum(net_amount) as net_amount
    from {{ ref('int_vat_invoice_daily') }}
    group by seller_party_id, invoice_month, known_date
),

declared_periods as (
    select
        spine.as_of_date,
        spine.supplier_id,
        spine.party_id,
        ledger.period_start_date,
        ledger.period_end_month,
        sum(ledger.declared_sales_amount) as declared_amount
    from reached as spine
    inner join {{ ref('int_vat_return_daily') }} as ledger
        on
            spine.party_id = ledger.party_id
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_180d
    where spine.first_sale_date < ledger.period_start_date
    group by 1, 2, 3, 4, 5
),

compared_periods as (
    select
        periods.as_of_date,
        periods.supplier_id,
        periods.period_start_date,
        periods.declared_amount,
        coalesce(sum(invoiced.net_amount), 0) as invoiced_amount
    from declared_periods as periods
    left join invoiced_months as invoiced
        on
            periods.party_id = invoiced.party_id
            and invoiced.invoice_month >= periods.period_start_date
            and invoiced.invoice_month < periods.period_end_month
            and invoiced.known_date <= periods.as_of_date
    group by 1, 2, 3, 4
),

compared as (
    select
        as_of_date,
        supplier_id,
        sum(declared_amount) as declared_amount,
        sum(greatest(invoiced_amount, 0)) as invoiced_amount
    from compared_periods
    group by as_of_date, supplier_id
),

joined as (
    select
        reached.as_of_date,
        reached.supplier_id,
        reached.sector_code,
        reached.first_sale_date,
        reached.first_sale_date <= reached.from_455d as has_last_year,
        reached.first_sale_date <= reached.from_180d as has_two_quarters,
        coalesce(sales.sales_30d, 0) as sales_30d,
        coalesce(sales.sales_90d, 0) as sales_90d,
        coalesce(sales.sales_90d_before, 0) as sales_90d_before,
        coalesce(sales.sales_90d_last_year, 0) as sales_90d_last_year,
        coalesce(sales.sales_180d, 0) as sales_180d,
        coalesce(sales.sales_365d, 0) as sales_365d,
        coalesce(sales.core_enterprise_sales_180d, 0) as core_enterprise_sales_180d,
        sales.positive_sales_180d,
        sales.squared_sales_180d,
        sales.red_letter_180d,
        sales.issued_180d,
        sales.void_180d,
        sales.sale_count_180d,
        sales.round_count_180d,
        sales.top_customers,
        sales.lost_top_customers,
        sales.last_sale_date,
        months.months_known,
        months.months_with_sales,
        months.sales_amount as sales_360d,
        months.squared_sales_amount as squared_sales_360d,
        coalesce(purchases.purchases_90d, 0) as purchases_90d,
        coalesce(purchases.purchases_90d_last_year, 0) as purchases_90d_last_year,
        coalesce(purchases.purchases_180d, 0) as purchases_180d,
        coalesce(purchases.purchases_365d, 0) as purchases_365d,
        coalesce(reciprocal.reciprocal_365d, 0) as reciprocal_365d,
        returns.declared_180d,
        returns.payable_180d,
        returns.paid_180d,
        returns.paid_365d,
        returns.late_365d,
        returns.filed_365d,
        returns.last_return_date,
        compared.declared_amount as compared_declared_amount,
        compared.invoiced_amount as compared_invoiced_amount,
        taxpayers.tax_credit_grade,
        taxpayers.arrears_amount,
        {{ ratio('returns.payable_180d', 'returns.declared_180d', floor=10000, cap=1) }} as vat_burden
    from reached
    left join sales on reached.as_of_date = sales.as_of_date and reached.supplier_id = sales.supplier_id
    left join months on reached.as_of_date = months.as_of_date and reached.supplier_id = months.supplier_id
    left join purchases on reached.as_of_date = purchases.as_of_date and reached.supplier_id = purchases.supplier_id
    left join reciprocal on reached.as_of_date = reciprocal.as_of_date and reached.supplier_id = reciprocal.supplier_id
    left join returns on reached.as_of_date = returns.as_of_date and reached.supplier_id = returns.supplier_id
    left join compared on reached.as_of_date = compared.as_of_date and reached.supplier_id = compared.supplier_id
    left join {{ ref('int_taxpayer') }} as taxpayers
        on reached.party_id = taxpayers.party_id and {{ valid_on('taxpayers', 'reached.as_of_date') }}
    -- a party may be registered under numbers of several schemes: the record that changed last speaks for it
    qualify row_number() over (
        partition by reached.as_of_date, reached.supplier_id
        order by taxpayers.valid_from desc nulls last, taxpayers.taxpayer_no_scheme asc, taxpayers.taxpayer_no asc
    ) = 1
),

sectors as (
    select
        as_of_date,
        sector_code,
        median(vat_burden) as median_vat_burden
    from joined
    group by as_of_date, sector_code
)

select
    joined.as_of_date,
    joined.supplier_id,
    greatest(joined.last_sale_date, joined.last_return_date) as last_tax_date,
    case when joined.first_sale_date is not null then joined.sales_180d end as vat_sales_180d,
    case when joined.first_sale_date is not null then joined.sales_365d end as vat_sales_365d,
    case when joined.first_sale_date is not null then joined.core_enterprise_sales_180d end
        as core_enterprise_sales_180d,
    case when joined.has_last_year then {{ growth('joined.sales_90d', 'joined.sales_90d_last_year') }} end
        as vat_sales_yoy_3m,
    case when joined.has_two_quarters then {{ growth('joined.sales_90d', 'joined.sales_90d_before') }} end
        as vat_sales_change_3m,
    case
        when joined.has_two_quarters then {{ growth('joined.sales_30d * 3', 'joined.sales_90d') }}
    end as vat_sales_last_month_pace,
    case
        when joined.months_known >= 6 and joined.sales_360d > 0
            then least(
                sqrt(
                    greatest(
                        joined.squared_sales_360d / joined.months_known
                        - (joined.sales_360d / joined.months_known) * (joined.sales_360d / joined.months_known), 0
                    )
                ) / greatest(joined.sales_360d / joined.months_known, 1000), 4
            )
    end as vat_sales_cv_12m,
    case when joined.months_known >= 6 then joined.months_known - joined.months_with_sales end
        as zero_invoice_months_12m,
    case
        when joined.first_sale_date is not null
            then least(coalesce({{ days_between('joined.last_sale_date', 'joined.as_of_date') }}, 455), 455)
    end as days_since_last_invoice,
    case joined.tax_credit_grade when 'A' then 1 when 'B' then 2 when 'M' then 3 when 'C' then 4 when 'D' then 5 end
        as tax_credit_grade,
    {{ share_of_both('coalesce(joined.arrears_amount, 0)', 'coalesce(joined.paid_365d, 0)') }} as tax_arrears_share,
    case when joined.filed_365d > 0 then joined.late_365d end as late_filings_12m,
    {{ ratio('joined.payable_180d - joined.paid_180d', 'joined.payable_180d', floor=1000, cap=1) }}
        as unpaid_tax_share_6m,
    {{ relative_gap('joined.compared_declared_amount', 'joined.compared_invoiced_amount') }}
        as declared_vs_invoiced_gap,
    abs(joined.vat_burden - sectors.median_vat_burden) as vat_burden_deviation,
    case
        when joined.first_sale_date is not null
            then {{ share_of_both('joined.purchases_180d', 'joined.sales_180d') }}
    end as input_output_share_6m,
    case
        when joined.has_last_year then {{ growth('joined.purchases_90d', 'joined.purchases_90d_last_year') }}
    end as vat_purchases_yoy_3m,
    case
        when joined.purchases_365d > 0
            then 1 - {{ ratio('joined.purchases_365d', 'joined.sales_365d', floor=10000, cap=2) }}
    end as vat_gross_margin_12m,
    {{ ratio(
        'joined.red_letter_180d', 'joined.red_letter_180d + joined.positive_sales_180d', floor=10000, cap=1
    ) }} as red_letter_ratio_6m,
    {{ ratio('joined.void_180d', 'joined.issued_180d', floor=5, cap=1) }} as void_ratio_6m,
    {{ ratio('joined.core_enterprise_sales_180d', 'joined.positive_sales_180d', cap=1) }} as anchor_dependence_6m,
    case
        when joined.positive_sales_180d > 0
            then cast(joined.squared_sales_180d as double)
                / (cast(joined.positive_sales_180d as double) * cast(joined.positive_sales_180d as double))
    end as customer_hhi_6m,
    {{ ratio('joined.lost_top_customers', 'joined.top_customers', cap=1) }} as customer_churn_6m,
    {{ ratio('joined.round_count_180d', 'joined.sale_count_180d', floor=5, cap=1) }} as round_amount_share_6m,
    {{ ratio('joined.reciprocal_365d', 'joined.sales_365d', floor=10000, cap=1) }} as reciprocal_trade_share_12m
from joined
left join sectors on joined.as_of_date = sectors.as_of_date and joined.sector_code = sectors.sector_code
