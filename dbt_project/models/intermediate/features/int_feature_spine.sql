{#- The nights for which features are built now: the night itself and the month-ends from three months after the first
    flow was known; of those, a night adds only the ones that passed without a night. -#}
with first_flows as (
    {%- for ledger in ['int_vat_invoice_daily', 'int_bank_flow_daily', 'int_erp_invoice_daily',
        'int_platform_supplier_daily'] %}
    select min(known_date) as known_date from {{ ref(ledger) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

nights as (
    select calendar_date as as_of_date
    from {{ ref('dim_date') }}
    where
        calendar_date = {{ as_of_date() }}
        or (
            is_month_end
            and calendar_date < {{ as_of_date() }}
            and calendar_date >= (select {{ add_days('min(known_date)', 90) }} from first_flows)
            {%- if adds_a_night() %}
            and calendar_date > {{ since_date() }}
            {%- endif %}
        )
)

select
    nights.as_of_date,
    suppliers.supplier_id,
    suppliers.party_id,
    suppliers.sector_code,
    suppliers.size_class,
    suppliers.status,
    coalesce(suppliers.has_tax_authorisation, true) as has_tax_authorisation,
    coalesce(suppliers.has_bank_authorisation, true) as has_bank_authorisation,
    suppliers.registered_date,
    suppliers.registered_capital_amount,
    suppliers.paid_in_capital_amount,
    suppliers.insured_headcount,
    suppliers.address,
    suppliers.region_code,
    suppliers.kyc_date,
    {%- for days in window_days() %}
    {{ add_days('nights.as_of_date', -days) }} as from_{{ days }}d{{ ',' if not loop.last }}
    {%- endfor %}
from nights
inner join {{ ref('int_supplier') }} as suppliers on {{ valid_on('suppliers', 'nights.as_of_date') }}
