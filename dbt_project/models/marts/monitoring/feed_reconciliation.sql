with receipts as (
    select * from {{ ref('int_receipt') }}
),

restating as (
    select
        source,
        feed,
        restates_file_id as file_id,
        max(file_id) as restated_by_file_id
    from receipts
    where restates_file_id is not null
    group by source, feed, restates_file_id
)

select
    receipts.source,
    receipts.feed,
    receipts.business_date,
    receipts.file,
    receipts.sha256,
    receipts.delivered_rows,
    receipts.loaded_rows,
    receipts.quarantined_rows,
    receipts.duplicate_rows,
    receipts.loaded_at,
    receipts.batch_date,
    receipts.is_history,
    receipts.status,
    receipts.message,
    receipts.file_id,
    receipts.restates_file_id,
    restating.restated_by_file_id,
    receipts.absent_rows,
    receipts.withdrawn_rows,
    receipts.controls
from receipts
left join restating
    on
        receipts.source = restating.source
        and receipts.feed = restating.feed
        and receipts.file_id = restating.file_id
