with spine as (
    select
        spine.*,
        keys.source_key
    from {{ ref('int_feature_spine') }} as spine
    inner join {{ ref('int_party_source_key') }} as keys
        on
            keys.key_kind = 'ERP_VENDOR'
            and spine.party_id = keys.party_id
            and {{ valid_on('keys', 'spine.as_of_date') }}
),

invoices as (
    select
        spine.as_of_date,
        spine.supplier_id,
        {%- for measure, windows in {
            'invoiced_amount': [[90, 0], [90, 90], [180, 0], [365, 0]],
            'invoiced_net_amount': [[180, 0]],
            'credit_note_amount': [[90, 0], [365, 0]],
            'retention_amount': [[365, 0]],
            'disputed_amount': [[180, 0]],
            'confirmed_amount': [[180, 0]],
            'confirmed_without_receipt_amount': [[180, 0]],
            'confirm_days_amount': [[180, 0]],
            'term_excess_days_amount': [[180, 0]],
            'invoice_count': [[180, 0]],
            'matched_count': [[180, 0]],
            'out_of_order_count': [[365, 0]],
        }.items() %}
        {%- for days, skip in windows %}
        {{ window_sum(measure, days, skip) }}
            as {{ measure | replace('_amount', '') }}_{{ days }}d{{ '_' ~ skip ~ 'd_ago' if skip }},
        {%- endfor %}
        {%- endfor %}
        max(ledger.known_date) as last_invoice_date
    from spine
    inner join {{ ref('int_erp_invoice_daily') }} as ledger
        on
            spine.source_key = ledger.company_code || ':' || ledger.erp_vendor_no
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_365d
    group by spine.as_of_date, spine.supplier_id
),

payments as (
    select
        spine.as_of_date,
        spine.supplier_id,
        {%- for measure, windows in {
            'bank_amount': [[180, 0], [365, 0]],
            'certificate_amount': [[365, 0]],
            'bill_amount': [[365, 0]],
            'offset_amount': [[90, 0], [365, 0]],
            'late_days_amount': [[180, 0]],
            'cash_count': [[365, 0]],
            'late_days': [[365, 0]],
            'late_days_squared': [[365, 0]],
        }.items() %}
        {%- for days, skip in windows %}
        {{ window_sum(measure, days, skip) }} as {{ measure | replace('_amount', '') }}_{{ days }}d,
        {%- endfor %}
        {%- endfor %}
        max(ledger.known_date) as last_payment_date
    from spine
    inner join {{ ref('int_erp_payment_daily') }} as ledger
        on
            spine.source_key = ledger.company_code || ':' || ledger.erp_vendor_no
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_365d
    where ledger.document_type = 'INVOICE' and not ledger.is_retention
    group by spine.as_of_date, spine.supplier_id
),

orders as (
    select
        spine.as_of_date,
        spine.supplier_id,
        {{ window_sum('ordered_amount', 90) }} as ordered_90d,
        {{ window_sum('ordered_amount', 90, 90) }} as ordered_90d_90d_ago,
        max(ledger.known_date) as last_order_date
    from spine
    inner join {{ ref('int_erp_order_daily') }} as ledger
        on
            spine.source_key = ledger.company_code || ':' || ledger.erp_vendor_no
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_365d
    group by spine.as_of_date, spine.supplier_id
),

open_items as (
    select
        spine.as_of_date,
        spine.supplier_id,
        ledger.company_code,
        {{ days_between('ledger.due_date', 'spine.as_of_date') }} as dpd,
        sum(ledger.open_amount) as open_amount
    from spine
    inner join {{ ref('int_erp_open_item_daily') }} as ledger
        on
            spine.source_key = ledger.company_code || ':' || ledger.erp_vendor_no
            and ledger.known_date <= spine.as_of_date
    group by 1, 2, 3, 4
    having sum(ledger.open_amount) > 0
),

open_by_debtor as (
    select
        as_of_date,
        supplier_id,
        company_code,
        sum(open_amount) as open_amount,
        sum(case when dpd between 1 and 30 then open_amount else 0 end) as overdue_1_30_amount,
        sum(case when dpd between 31 and 90 then open_amount else 0 end) as overdue_31_90_amount,
        sum(case when dpd > 90 then open_amount else 0 end) as overdue_90_plus_amount
    from open_items
    group by as_of_date, supplier_id, company_code
),

receivables as (
    select
        as_of_date,
        supplier_id,
        sum(open_amount) as open_amount,
        max(open_amount) as largest_open_amount,
        sum(overdue_1_30_amount) as overdue_1_30_amount,
        sum(overdue_31_90_amount) as overdue_31_90_amount,
        sum(overdue_90_plus_amount) as overdue_90_plus_amount
    from open_by_debtor
    group by as_of_date, supplier_id
),

first_ledger_rows as (
    select
        company_code || ':' || erp_vendor_no as source_key,
        min(known_date) as first_date
    from {{ ref('int_erp_invoice_daily') }}
    group by company_code, erp_vendor_no
),

first_invoices as (
    select
        spine.as_of_date,
        spine.supplier_id,
        spine.from_180d,
        min(ledger.first_date) as first_date
    from spine
    inner join first_ledger_rows as ledger
        on spine.source_key = ledger.source_key and ledger.first_date <= spine.as_of_date
    group by spine.as_of_date, spine.supplier_id, spine.from_180d
),

account_changes as (
    select
        company_code || ':' || erp_vendor_no as source_key,
        valid_from as changed_date
    from (
        select
            *,
            lag(bank_account_no) over (partition by company_code, erp_vendor_no order by valid_from)
                as previous_account_no
        from {{ version_intervals(ref('stg_erp__vendor'), ['company_code', 'erp_vendor_no']) }}
    ) as vendors
    where bank_account_no <> previous_account_no
),

changed_accounts as (
    select
        spine.as_of_date,
        spine.supplier_id,
        count(*) as changes
    from spine
    inner join account_changes
        on
            spine.source_key = account_changes.source_key
            and account_changes.changed_date <= spine.as_of_date
            and account_changes.changed_date > spine.from_90d
    group by spine.as_of_date, spine.supplier_id
)

select
    reached.as_of_date,
    reached.supplier_id,
    greatest(invoices.last_invoice_date, payments.last_payment_date, orders.last_order_date) as last_erp_date,
    coalesce(invoices.invoiced_net_180d, 0) as erp_invoiced_net_180d,
    case
        when reached.first_date <= reached.from_180d
            then {{ growth('invoices.invoiced_90d', 'invoices.invoiced_90d_90d_ago') }}
    end as erp_invoiced_change_3m,
    case
        when reached.first_date <= reached.from_180d
            then {{ growth('orders.ordered_90d', 'orders.ordered_90d_90d_ago') }}
    end
        as order_intake_change_3m,
    {{ ratio('invoices.matched_count_180d', 'invoices.invoice_count_180d', cap=1) }} as three_way_match_rate_6m,
    {{ ratio('invoices.confirmed_without_receipt_180d', 'invoices.confirmed_180d', floor=10000, cap=1) }}
        as receipt_missing_share_6m,
    coalesce(invoices.out_of_order_count_365d, 0) as date_order_violations_12m,
    {{ ratio('invoices.confirm_days_180d', 'invoices.confirmed_180d', floor=1000, cap=180) }} as confirm_days_6m,
    {{ ratio(
        'invoices.credit_note_365d + coalesce(payments.offset_365d, 0)', 'invoices.invoiced_365d', floor=10000, cap=1
    ) }} as dilution_ratio_12m,
    {{ ratio(
        'invoices.credit_note_90d + coalesce(payments.offset_90d, 0)', 'invoices.invoiced_90d', floor=10000, cap=1
    ) }} - {{ ratio(
        'invoices.credit_note_365d + coalesce(payments.offset_365d, 0)', 'invoices.invoiced_365d', floor=10000, cap=1
    ) }} as dilution_spike_3m,
    {{ ratio('invoices.disputed_180d', 'invoices.invoiced_180d', floor=10000, cap=1) }} as disputed_share_6m,
    {{ ratio('invoices.retention_365d', 'invoices.invoiced_365d', floor=10000, cap=1) }} as retention_share_12m,
    {{ ratio('invoices.term_excess_days_180d', 'invoices.invoiced_180d', floor=1000, cap=365) }}
        as statutory_term_excess_days,
    {{ ratio('payments.late_days_180d', 'payments.bank_180d', floor=1000, cap=365) }} as days_late_weighted_6m,
    {{ standard_deviation(
        'payments.late_days_365d', 'payments.late_days_squared_365d', 'payments.cash_count_365d', cap=180
    ) }} as payment_promise_std_12m,
    {{ ratio(
        'payments.certificate_365d + payments.bill_365d',
        'payments.certificate_365d + payments.bill_365d + payments.bank_365d', floor=10000, cap=1
    ) }} as non_cash_payment_share_12m,
    {{ ratio('receivables.overdue_1_30_amount', 'receivables.open_amount', floor=10000, cap=1) }} as overdue_share_1_30,
    {{ ratio('receivables.overdue_31_90_amount', 'receivables.open_amount', floor=10000, cap=1) }}
        as overdue_share_31_90,
    {{ ratio('receivables.overdue_90_plus_amount', 'receivables.open_amount', floor=10000, cap=1) }}
        as overdue_share_90_plus,
    {{ ratio('receivables.largest_open_amount', 'receivables.open_amount', cap=1) }} as debtor_concentration_top1,
    {{ ratio('coalesce(receivables.open_amount, 0) * 180', 'invoices.invoiced_180d', floor=10000, cap=365) }}
        as dso_days,
    case when coalesce(changed_accounts.changes, 0) > 0 then 1 else 0 end as payee_account_changed_90d
from first_invoices as reached
left join invoices on reached.as_of_date = invoices.as_of_date and reached.supplier_id = invoices.supplier_id
left join payments on reached.as_of_date = payments.as_of_date and reached.supplier_id = payments.supplier_id
left join orders on reached.as_of_date = orders.as_of_date and reached.supplier_id = orders.supplier_id
left join receivables on reached.as_of_date = receivables.as_of_date and reached.supplier_id = receivables.supplier_id
left join changed_accounts
    on reached.as_of_date = changed_accounts.as_of_date and reached.supplier_id = changed_accounts.supplier_id
