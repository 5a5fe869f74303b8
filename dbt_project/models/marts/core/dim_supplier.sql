select
    supplier_id,
    party_id,
    party_no,
    party_no_scheme,
    supplier_name,
    sector_code,
    region_code,
    size_class,
    registered_date,
    registered_capital_amount,
    paid_in_capital_amount,
    currency,
    insured_headcount,
    address,
    kyc_date,
    onboarded_date,
    has_bank_authorisation,
    has_tax_authorisation,
    status,
    status_date,
    updated_date
from {{ ref('int_supplier') }}
where valid_to is null
