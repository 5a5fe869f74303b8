select
    {{ party_id('taxpayer_no_scheme', 'taxpayer_no') }} as party_id,
    tax_credit_grade,
    status,
    status_date,
    arrears_amount,
    currency,
    valid_from,
    valid_to
from {{ version_intervals(ref('stg_tax__taxpayer'), ['taxpayer_no', 'taxpayer_no_scheme']) }}
