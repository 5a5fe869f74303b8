select
    numbers.party_id,
    taxpayers.taxpayer_no,
    taxpayers.taxpayer_no_scheme,
    taxpayers.tax_credit_grade,
    taxpayers.status,
    taxpayers.status_date,
    taxpayers.arrears_amount,
    taxpayers.currency,
    {{ common_interval('taxpayers', 'numbers') }}
from {{ version_intervals(ref('stg_tax__taxpayer'), ['taxpayer_no', 'taxpayer_no_scheme']) }} as taxpayers
inner join {{ ref('int_party_number') }} as numbers
    on
        taxpayers.taxpayer_no = numbers.party_no
        and taxpayers.taxpayer_no_scheme = numbers.party_no_scheme
        and {{ overlap('taxpayers', 'numbers') }}
