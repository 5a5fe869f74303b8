select
    batch_date,
    source,
    feed,
    coalesce(column_name, '(file)') as column_name,
    rule,
    cast(count(*) as bigint) as refused_rows,
    cast(count(distinct file_id) as bigint) as file_count,
    min(file) as example_file
from {{ ref('int_quarantined_record') }}
group by batch_date, source, feed, coalesce(column_name, '(file)'), rule
