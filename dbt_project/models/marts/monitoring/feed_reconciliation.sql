select
    source,
    feed,
    business_date,
    file,
    sha256,
    delivered_rows,
    loaded_rows,
    quarantined_rows,
    duplicate_rows,
    loaded_at,
    batch_date,
    is_history,
    status,
    message
from {{ ref('int_receipt') }}
