with spine as (
    select
        spine.*,
        keys.source_key as account_no
    from {{ ref('int_feature_spine') }} as spine
    inner join {{ ref('int_party_source_key') }} as keys
        on
            keys.key_kind = 'BANK_ACCOUNT'
            and spine.party_id = keys.party_id
            and {{ valid_on('keys', 'spine.as_of_date') }}
    where spine.has_bank_authorisation
),

accounts as (
    select
        account_no,
        overdraft_limit_amount,
        status,
        valid_from,
        valid_to
    from {{ version_intervals(ref('stg_bank__account'), ['account_no']) }}
),

first_bookings as (
    select account_no, min(known_date) as first_date
    from {{ ref('int_bank_flow_daily') }}
    group by account_no
),

reached as (
    select
        spine.as_of_date,
        spine.supplier_id,
        spine.sector_code,
        spine.from_455d,
        spine.from_180d,
        min(first_bookings.first_date) as first_date,
        max(case when accounts.status = 'FROZEN' then 1 else 0 end) as has_frozen_account,
        sum(accounts.overdraft_limit_amount) as overdraft_limit_amount
    from spine
    inner join first_bookings
        on spine.account_no = first_bookings.account_no and first_bookings.first_date <= spine.as_of_date
    inner join accounts on spine.account_no = accounts.account_no and {{ valid_on('accounts', 'spine.as_of_date') }}
    group by 1, 2, 3, 4, 5
),

flows as (
    select
        spine.as_of_date,
        spine.supplier_id,
        spine.from_30d,
        spine.from_60d,
        spine.from_90d,
        {%- for measure, windows in {
            'inflow_amount': [[30, 0], [90, 0], [90, 90], [90, 365]],
            'outflow_amount': [[30, 0], [90, 0]],
            'trade_inflow_amount': [[90, 0], [180, 0]],
            'trade_outflow_amount': [[90, 0]],
            'loan_inflow_amount': [[180, 0]],
            'loan_outflow_amount': [[90, 0]],
            'salary_outflow_amount': [[90, 0], [90, 90]],
            'tax_outflow_amount': [[90, 0], [90, 90]],
            'cash_outflow_amount': [[90, 0]],
            'returned_count': [[90, 0]],
        }.items() %}
        {%- for days, skip in windows %}
        {{ window_sum(measure, days, skip) }}
            as {{ measure | replace('_amount', '') }}_{{ days }}d{{ '_' ~ skip ~ 'd_ago' if skip }},
        {%- endfor %}
        {%- endfor %}
        coalesce(
            sum(least(ledger.inflow_amount, ledger.outflow_amount)) filter (where ledger.known_date > spine.from_90d), 0
        ) as passed_through_90d,
        max(ledger.known_date) as last_bank_date
    from spine
    inner join {{ ref('int_bank_flow_daily') }} as ledger
        on
            spine.account_no = ledger.account_no
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_455d
    group by spine.as_of_date, spine.supplier_id, spine.from_30d, spine.from_60d, spine.from_90d
),

thirty_days as (
    select
        spine.as_of_date,
        spine.supplier_id,
        cast(floor({{ days_between('ledger.known_date', 'spine.as_of_date') }} / 30.0) as integer) as block,
        greatest(sum(ledger.trade_inflow_amount), 0) as inflow_amount,
        sum(ledger.salary_outflow_amount) as salary_amount,
        sum(ledger.tax_outflow_amount) as tax_amount
    from spine
    inner join {{ ref('int_bank_flow_daily') }} as ledger
        on
            spine.account_no = ledger.account_no
            and ledger.known_date <= spine.as_of_date
            and ledger.known_date > spine.from_180d
    group by 1, 2, 3
),

months as (
    select
        as_of_date,
        supplier_id,
        cast(sum(inflow_amount) as double) as inflow_180d,
        cast(sum({{ squared('inflow_amount') }}) as double) as squared_inflow_180d,
        sum(case when salary_amount > 0 then 1 else 0 end) as months_with_salary,
        sum(case when tax_amount > 0 then 1 else 0 end) as months_with_tax
    from thirty_days
    group by as_of_date, supplier_id
),

closing as (
    select
        spine.as_of_date,
        spine.supplier_id,
        spine.account_no,
        ledger.balance_date,
        sum(ledger.closing_amount) as closing_amount
    from spine
    inner join {{ ref('int_bank_balance_daily') }} as ledger
        on
            spine.account_no = ledger.account_no
            and ledger.known_date <= spine.as_of_date
            and ledger.balance_date > spine.from_180d
            and ledger.balance_date <= spine.as_of_date
    group by spine.as_of_date, spine.supplier_id, spine.account_no, ledger.balance_date
    having sum(ledger.entry_count) > 0
),

changes as (
    select
        as_of_date,
        supplier_id,
        balance_date,
        closing_amount - lag(closing_amount, 1, 0) over (
            partition by as_of_date, supplier_id, account_no order by balance_date
        ) as change_amount
    from closing
),

-- Banks deliver a balance on days with entries; it holds until the next one.
levels as (
    select
        as_of_date,
        supplier_id,
        balance_date,
        sum(sum(change_amount)) over (partition by as_of_date, supplier_id order by balance_date) as balance_amount,
        lead(balance_date) over (partition by as_of_date, supplier_id order by balance_date) as next_date
    from changes
    group by as_of_date, supplier_id, balance_date
),

held as (
    select
        levels.as_of_date,
        levels.supplier_id,
        levels.balance_amount,
        cast(flows.outflow_90d as double) / 3 as monthly_outflow,
        {%- for name, first_edge, last_edge in [
            ('days_30d', 'flows.from_30d', 'levels.as_of_date'),
            ('days_60d_ago', 'flows.from_90d', 'flows.from_60d'),
            ('days_90d', 'flows.from_90d', 'levels.as_of_date'),
        ] %}
        greatest(
            {{ days_between(
                'greatest(levels.balance_date, ' ~ add_days(first_edge, 1) ~ ')',
                'least(coalesce(levels.next_date, ' ~ add_days('levels.as_of_date', 1) ~ '), '
                ~ add_days(last_edge, 1) ~ ')'
            ) }}, 0
        ) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from levels
    inner join flows on levels.as_of_date = flows.as_of_date and levels.supplier_id = flows.supplier_id
),

balances as (
    select
        as_of_date,
        supplier_id,
        cast(sum(balance_amount * days_30d) as double) / nullif(sum(days_30d), 0) as balance_30d,
        cast(sum(balance_amount * days_60d_ago) as double) / nullif(sum(days_60d_ago), 0) as balance_60d_ago,
        cast(min(case when days_30d > 0 then balance_amount end) as double) as lowest_balance_30d,
        sum(case when balance_amount < 0.05 * monthly_outflow then days_90d else 0 end) as low_balance_days_90d
    from held
    group by as_of_date, supplier_id
),

variation as (
    select
        reached.as_of_date,
        reached.supplier_id,
        reached.sector_code,
        case
            when reached.first_date <= reached.from_180d and months.inflow_180d > 0
                then sqrt(
                    greatest(months.squared_inflow_180d / 6 - (months.inflow_180d / 6) * (months.inflow_180d / 6), 0)
                )
                    / greatest(months.inflow_180d / 6, 1000)
        end as inflow_cv
    from reached
    inner join months on reached.as_of_date = months.as_of_date and reached.supplier_id = months.supplier_id
),

sectors as (
    select
        as_of_date,
        sector_code,
        median(inflow_cv) as median_inflow_cv
    from variation
    group by as_of_date, sector_code
)

select
    reached.as_of_date,
    reached.supplier_id,
    flows.last_bank_date,
    coalesce(flows.trade_inflow_180d, 0) as trade_inflow_180d,
    {{ clamped('balances.balance_30d / greatest(cast(flows.outflow_90d as double) / 90, 100)', 0, 365) }}
        as cash_buffer_days,
    balances.low_balance_days_90d,
    {{ clamped('balances.lowest_balance_30d / greatest(cast(flows.outflow_90d as double) / 3, 3000)', -5, 5) }}
        as lowest_balance_to_outflow_30d,
    {{ growth('balances.balance_30d', 'balances.balance_60d_ago') }} as balance_change_60d,
    {{ ratio(
        'flows.trade_inflow_90d - flows.trade_outflow_90d', 'flows.trade_inflow_90d + flows.trade_outflow_90d',
        floor=10000, cap=1
    ) }} as net_operating_cash_90d,
    case
        when reached.first_date <= reached.from_455d
            then {{ growth('flows.inflow_90d', 'flows.inflow_90d_365d_ago') }}
    end
        as inflow_yoy_3m,
    case
        when reached.first_date <= reached.from_180d
            then {{ growth('flows.inflow_90d', 'flows.inflow_90d_90d_ago') }}
    end
        as inflow_change_3m,
    {{ ratio('flows.outflow_30d', 'flows.outflow_30d + flows.inflow_30d', floor=3000, cap=1) }} as outflow_share_30d,
    coalesce(flows.returned_count_90d, 0) as returned_payments_90d,
    {{ clamped(ratio('-balances.lowest_balance_30d', 'reached.overdraft_limit_amount', floor=1000), 0, 2) }}
        as overdraft_utilisation_30d,
    {{ ratio('flows.passed_through_90d', 'flows.inflow_90d', floor=10000, cap=1) }} as same_day_pass_through_share_90d,
    case when reached.first_date <= reached.from_180d then coalesce(months.months_with_salary, 0) / 6.0 end
        as salary_regularity_6m,
    case when reached.first_date <= reached.from_180d then coalesce(months.months_with_tax, 0) / 6.0 end
        as tax_payment_regularity_6m,
    case
        when reached.first_date <= reached.from_180d
            then {{ growth('flows.salary_outflow_90d', 'flows.salary_outflow_90d_90d_ago', floor=3000) }}
    end as payroll_change_3m,
    {{ ratio('flows.loan_inflow_180d', 'flows.loan_inflow_180d + flows.trade_inflow_180d', floor=10000, cap=1) }}
        as loan_inflow_share_180d,
    {{ ratio('flows.loan_outflow_90d', 'flows.outflow_90d', floor=10000, cap=1) }} as debt_service_share_90d,
    {{ ratio('flows.cash_outflow_90d', 'flows.outflow_90d', floor=10000, cap=1) }} as cash_withdrawal_share_90d,
    case
        when variation.inflow_cv is not null and sectors.median_inflow_cv is not null
            then least(sectors.median_inflow_cv / greatest(variation.inflow_cv, 0.05), 10)
    end as inflow_smoothness_6m,
    reached.has_frozen_account as account_frozen
from reached
left join flows on reached.as_of_date = flows.as_of_date and reached.supplier_id = flows.supplier_id
left join months on reached.as_of_date = months.as_of_date and reached.supplier_id = months.supplier_id
left join balances on reached.as_of_date = balances.as_of_date and reached.supplier_id = balances.supplier_id
left join variation on reached.as_of_date = variation.as_of_date and reached.supplier_id = variation.supplier_id
left join sectors on reached.as_of_date = sectors.as_of_date and reached.sector_code = sectors.sector_code
