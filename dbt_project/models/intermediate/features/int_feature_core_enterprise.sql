with nights as (
    select
        as_of_date,
        {%- for days in window_days() %}
        min(from_{{ days }}d) as from_{{ days }}d{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_feature_spine') }}
    group by as_of_date
),

spine as (
    select
        nights.*,
        core_enterprises.core_enterprise_id,
        core_enterprises.party_id,
        core_enterprises.company_code,
        core_enterprises.sector_code
    from nights
    inner join {{ ref('int_core_enterprise') }} as core_enterprises
        on {{ valid_on('core_enterprises', 'nights.as_of_date') }}
),

certificates as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        sum(ledger.issued_amount - ledger.redeemed_amount) as outstanding_amount,
        sum(case when ledger.due_date < spine.as_of_date then ledger.issued_amount - ledger.redeemed_amount else 0 end)
            as overdue_amount,
        {{ window_sum('issued_amount', 180) }} as issued_180d,
        {{ window_sum('issued_amount', 180, 180) }} as issued_180d_before,
        sum(
            case
                when ledger.due_date > spine.from_90d and ledger.due_date < spine.as_of_date then ledger.issued_amount
                else 0
            end
        ) as due_90d,
        sum(
            case
                when ledger.due_date > spine.from_90d and ledger.due_date < spine.as_of_date
                    then ledger.redeemed_on_time_amount
                else 0
            end
        ) as redeemed_on_time_90d
    from spine
    inner join {{ ref('int_core_enterprise_certificate_daily') }} as ledger
        on
            spine.core_enterprise_id = ledger.core_enterprise_id
            and ledger.known_date <= spine.as_of_date
    group by spine.as_of_date, spine.core_enterprise_id
),

limits as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        sum(facilities.limit_amount) as limit_amount
    from spine
    inner join {{ ref('int_facility_interval') }} as facilities
        on
            spine.core_enterprise_id = facilities.core_enterprise_id
            and {{ valid_on('facilities', 'spine.as_of_date') }}
    group by spine.as_of_date, spine.core_enterprise_id
),

payments as (
    select
        company_code,
        known_date,
        {%- for measure in ['bank_amount', 'certificate_amount', 'bill_amount', 'late_days_amount', 'cash_count',
            'late_days', 'late_days_squared'] %}
        sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_erp_payment_daily') }}
    where document_type = 'INVOICE' and not is_retention
    group by company_code, known_date
),

lateness as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        {{ window_sum('bank_amount', 90) }} as paid_90d,
        {{ window_sum('bank_amount', 180, 90) }} as paid_180d_before,
        {{ window_sum('late_days_amount', 90) }} as late_days_90d,
        {{ window_sum('late_days_amount', 180, 90) }} as late_days_180d_before,
        {%- for measure in ['bank_amount', 'certificate_amount', 'bill_amount', 'cash_count', 'late_days',
            'late_days_squared'] %}
        {{ window_sum(measure, 365) }} as {{ measure | replace('_amount', '') }}_365d{{ ',' if not loop.last }}
        {%- endfor %}
    from spine
    inner join payments as ledger
        on
            spine.company_code = ledger.company_code
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_365d
    group by spine.as_of_date, spine.core_enterprise_id
),

orders as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        {{ window_sum('ordered_amount', 180) }} as ordered_180d,
        {{ window_sum('ordered_amount', 180, 180) }} as ordered_180d_before
    from spine
    inner join {{ ref('int_erp_order_daily') }} as ledger
        on
            spine.company_code = ledger.company_code
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_365d
    group by spine.as_of_date, spine.core_enterprise_id
),

vendors as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        ledger.erp_vendor_no,
        {{ window_sum('invoiced_amount', 90) }} as invoiced_90d,
        {{ window_sum('invoiced_amount', 90, 90) }} as invoiced_90d_before,
        sum(ledger.invoiced_amount) as invoiced_365d,
        sum(ledger.credit_note_amount) as credit_note_365d
    from spine
    inner join {{ ref('int_erp_invoice_daily') }} as ledger
        on
            spine.company_code = ledger.company_code
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_365d
    group by spine.as_of_date, spine.core_enterprise_id, ledger.erp_vendor_no
),

supply as (
    select
        as_of_date,
        core_enterprise_id,
        count(*) filter (where invoiced_90d > 0) as active_vendors,
        count(*) filter (where invoiced_90d_before > 0) as active_vendors_before,
        sum(invoiced_365d) as invoiced_365d,
        sum(case when size_rank <= 10 then greatest(invoiced_365d, 0) else 0 end) as top10_invoiced_365d,
        sum(credit_note_365d) as credit_note_365d
    from (
        select
            *,
            row_number() over (
                partition by as_of_date, core_enterprise_id order by invoiced_365d desc, erp_vendor_no asc
            ) as size_rank
        from vendors
    ) as ranked
    group by as_of_date, core_enterprise_id
),

open_payables as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        sum(ledger.open_amount + ledger.retention_amount) as open_amount
    from spine
    inner join {{ ref('int_erp_open_item_daily') }} as ledger
        on spine.company_code = ledger.company_code and ledger.known_date <= spine.as_of_date
    group by spine.as_of_date, spine.core_enterprise_id
),

index_values as (
    select *
    from {{ version_intervals(ref('stg_external__industry_index'), ['index_code', 'segment_code', 'period_end_date']) }}
    where index_code = 'SECTOR_ACTIVITY'
),

sectors as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        max_by(index_values.index_value, index_values.period_end_date) as activity
    from spine
    inner join index_values
        on spine.sector_code = index_values.segment_code and {{ valid_on('index_values', 'spine.as_of_date') }}
    group by spine.as_of_date, spine.core_enterprise_id
),

statement_versions as (
    select
        {{ party_id('party_no_scheme', 'party_no') }} as party_id,
        versions.*
    from {{ version_intervals(
        ref('stg_external__financial_statement'), ['party_no', 'party_no_scheme', 'period_end_date']
    ) }} as versions
),

statement_history as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        statements.period_end_date,
        statements.published_date,
        statements.filing_due_date,
        statements.audit_opinion,
        {%- for amount in ['revenue', 'cost_of_sales', 'ebitda', 'interest_expense', 'net_income',
            'operating_cash_flow', 'total_assets', 'current_assets', 'cash', 'restricted_cash', 'receivables',
            'contract_assets', 'inventory', 'total_liabilities', 'current_liabilities', 'short_term_debt',
            'total_debt', 'equity', 'guarantees_given'] %}
        statements.{{ amount }}_amount as {{ amount }},
        {%- endfor %}
        row_number() over (
            partition by spine.as_of_date, spine.core_enterprise_id order by statements.period_end_date desc
        ) as recency
    from spine
    inner join statement_versions as statements
        on spine.party_id = statements.party_id and {{ valid_on('statements', 'spine.as_of_date') }}
),

-- the newest statement, unless it is too old to say anything, beside the one of a year before
statements as (
    select
        newest.*,
        newest.cash - coalesce(newest.restricted_cash, 0) + newest.operating_cash_flow as free_cash_flow,
        year_ago.revenue as revenue_year_ago,
        year_ago.cost_of_sales as cost_of_sales_year_ago
    from statement_history as newest
    left join statement_history as year_ago
        on
            newest.as_of_date = year_ago.as_of_date
            and newest.core_enterprise_id = year_ago.core_enterprise_id
            and {{ days_between('year_ago.period_end_date', 'newest.period_end_date') }} between 350 and 380
    where newest.recency = 1 and {{ days_between('newest.period_end_date', 'newest.as_of_date') }} <= 550
    qualify
        row_number() over (
            partition by newest.as_of_date, newest.core_enterprise_id order by year_ago.period_end_date desc
        ) = 1
),

rating_versions as (
    select
        {{ party_id('party_no_scheme', 'party_no') }} as party_id,
        rating_notch,
        rating_date,
        -- of two agencies on one day the worse rating counts
        {{ days_between("cast('2000-01-01' as date)", 'rating_date') }} * 100 + rating_notch as recency,
        valid_from,
        valid_to
    from {{ version_intervals(
        ref('stg_external__agency_rating'), ['party_no', 'party_no_scheme', 'agency', 'rating_date']
    ) }}
),

ratings as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        max_by(ratings.rating_notch, ratings.recency) as notch,
        max_by(ratings.rating_notch, ratings.recency) filter (where ratings.rating_date <= spine.from_180d)
            as notch_180d_ago
    from spine
    inner join rating_versions as ratings
        on spine.party_id = ratings.party_id and {{ valid_on('ratings', 'spine.as_of_date') }}
    group by spine.as_of_date, spine.core_enterprise_id
),

records as (
    select
        spine.as_of_date,
        spine.core_enterprise_id,
        max(case when records.record_type = 'BILL_OVERDUE' and {{ is_open_record() }} then 1 else 0 end)
            as bill_overdue,
        sum(case when records.record_type = 'LAWSUIT' and records.published_date > spine.from_365d then 1 else 0 end)
            as lawsuits
    from spine
    inner join {{ ref('int_public_record') }} as records
        on spine.party_id = records.party_id and {{ valid_on('records', 'spine.as_of_date') }}
    group by spine.as_of_date, spine.core_enterprise_id
)

select
    spine.as_of_date,
    spine.core_enterprise_id,
    spine.company_code,
    {{ ratio('certificates.redeemed_on_time_90d', 'certificates.due_90d', floor=10000, cap=1) }}
        as redemption_on_time_rate,
    {{ ratio('certificates.overdue_amount', 'certificates.outstanding_amount', floor=10000, cap=1) }}
        as certificate_overdue_share,
    {{ growth('certificates.issued_180d', 'certificates.issued_180d_before') }} as issuance_growth,
    {{ ratio('certificates.outstanding_amount', 'limits.limit_amount', floor=10000, cap=2) }} as limit_utilisation,
    {{ ratio('lateness.late_days_90d', 'lateness.paid_90d', floor=1000, cap=365) }} as payment_days_late,
    {{ ratio('lateness.late_days_90d', 'lateness.paid_90d', floor=1000, cap=365) }}
    - {{ ratio('lateness.late_days_180d_before', 'lateness.paid_180d_before', floor=1000, cap=365) }}
        as payment_days_late_change,
    {{ ratio('statements.total_liabilities', 'statements.total_assets', cap=2) }} as liability_to_assets,
    case
        when statements.ebitda is null or statements.total_debt is null then null
        when statements.ebitda <= 0
            then case when statements.total_debt > coalesce(statements.cash, 0) then 20 else 0 end
        else greatest(
            least(
                (cast(statements.total_debt as double) - cast(coalesce(statements.cash, 0) as double))
                / cast(statements.ebitda as double), 20
            ), -5
        )
    end as net_debt_to_ebitda,
    {{ ratio('statements.ebitda', 'statements.interest_expense', cap=30) }} as interest_cover,
    {{ ratio('statements.current_assets', 'statements.current_liabilities', cap=5) }} as current_ratio,
    {{ ratio(
        'statements.cash - coalesce(statements.restricted_cash, 0)', 'statements.short_term_debt', cap=5
    ) }} as cash_to_short_debt,
    {{ ratio('statements.operating_cash_flow', 'statements.revenue', cap=1) }} as ocf_to_revenue,
    {{ ratio(
        'statements.receivables + coalesce(statements.contract_assets, 0) + coalesce(statements.inventory, 0)',
        'statements.revenue', cap=3
    ) }} as two_assets_share,
    {{ ratio('statements.net_income - statements.operating_cash_flow', 'statements.total_assets', cap=1) }}
        as accruals_ratio,
    {{ ratio('statements.guarantees_given', 'statements.equity', cap=5) }} as guarantees_to_equity,
    case
        when statements.filing_due_date is not null
            then greatest(least({{ days_between('statements.filing_due_date', 'statements.published_date') }}, 180), 0)
    end as report_delay_days,
    case
        when statements.audit_opinion in ('QUALIFIED', 'ADVERSE', 'DISCLAIMER') then 1
        when statements.audit_opinion = 'UNQUALIFIED' then 0
    end as audit_opinion_modified,
    ratings.notch as rating_notch,
    ratings.notch - ratings.notch_180d_ago as rating_notches_down,
    coalesce(records.bill_overdue, 0) as bill_overdue,
    coalesce(records.lawsuits, 0) as lawsuits,
    {{ growth('orders.ordered_180d', 'orders.ordered_180d_before') }} as order_growth,
    {{ ratio('statements.revenue - statements.revenue_year_ago', 'statements.revenue_year_ago', floor=10000, cap=3) }}
        as revenue_growth,
    {{ ratio('statements.revenue - statements.cost_of_sales', 'statements.revenue', cap=1) }}
    - {{ ratio(
        'statements.revenue_year_ago - statements.cost_of_sales_year_ago', 'statements.revenue_year_ago', cap=1
    ) }} as gross_margin_change,
    sectors.activity as sector_activity,
    {{ ratio('statements.restricted_cash', 'statements.cash', cap=1) }} as restricted_cash_share,
    case when supply.active_vendors_before >= 5 then supply.active_vendors / supply.active_vendors_before - 1 end
        as active_vendors_change,
    {{ ratio('supply.top10_invoiced_365d', 'supply.invoiced_365d', floor=10000, cap=1) }} as top10_vendor_share,
    {{ ratio('supply.credit_note_365d', 'supply.invoiced_365d', floor=10000, cap=1) }} as deduction_rate,
    {{ ratio(
        'certificates.outstanding_amount', 'certificates.outstanding_amount + open_payables.open_amount', cap=1
    ) }} as certificate_share_of_payables,
    {{ standard_deviation(
        'lateness.late_days_365d', 'lateness.late_days_squared_365d', 'lateness.cash_count_365d', cap=180
    ) }} as payment_promise_std,
    {{ ratio(
        'lateness.certificate_365d + lateness.bill_365d',
        'lateness.certificate_365d + lateness.bill_365d + lateness.bank_365d', floor=10000, cap=1
    ) }} as non_cash_payment_share,
    {{ ratio(
        'certificates.outstanding_amount', 'statements.total_debt + certificates.outstanding_amount', cap=1
    ) }} as hidden_leverage,
    case
        when
            statements.short_term_debt is null
            or certificates.outstanding_amount is null
            or statements.free_cash_flow is null
            then null
        when statements.short_term_debt + certificates.outstanding_amount <= 0 then 0
        when statements.free_cash_flow <= 0 then 20
        else least(
            cast(statements.short_term_debt + certificates.outstanding_amount as double)
            / greatest(cast(statements.free_cash_flow as double), 10000), 20
        )
    end as maturity_wall
from spine
left join certificates
    on spine.as_of_date = certificates.as_of_date and spine.core_enterprise_id = certificates.core_enterprise_id
left join limits on spine.as_of_date = limits.as_of_date and spine.core_enterprise_id = limits.core_enterprise_id
left join lateness on spine.as_of_date = lateness.as_of_date and spine.core_enterprise_id = lateness.core_enterprise_id
left join statements
    on spine.as_of_date = statements.as_of_date and spine.core_enterprise_id = statements.core_enterprise_id
left join orders on spine.as_of_date = orders.as_of_date and spine.core_enterprise_id = orders.core_enterprise_id
left join supply on spine.as_of_date = supply.as_of_date and spine.core_enterprise_id = supply.core_enterprise_id
left join open_payables
    on spine.as_of_date = open_payables.as_of_date and spine.core_enterprise_id = open_payables.core_enterprise_id
left join sectors on spine.as_of_date = sectors.as_of_date and spine.core_enterprise_id = sectors.core_enterprise_id
left join ratings on spine.as_of_date = ratings.as_of_date and spine.core_enterprise_id = ratings.core_enterprise_id
left join records on spine.as_of_date = records.as_of_date and spine.core_enterprise_id = records.core_enterprise_id
