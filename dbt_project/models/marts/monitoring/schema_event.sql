select
    source,
    feed,
    business_date,
    batch_date,
    file,
    file_id,
    column_name,
    event,
    policy,
    earlier_type,
    delivered_type,
    mapping,
    loaded_at
from {{ ref('int_schema_event') }}
