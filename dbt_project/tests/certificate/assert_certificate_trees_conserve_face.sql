{{ config(meta={'dagster': {'ref': {'name': 'certificate_position'}}}) }}

-- At every instant the face of a root is what its holders hold, plus what was redeemed, written off or cancelled:
-- whatever changes in the positions of a tree on a day must equal the change of the root's own face on that day.
-- Days are looked at of the trees on which something was delivered since the last finished night, and on a full build
-- of all; what stands on the night, of every tree.
with touched as (
    select root_certificate_id from {{ ref('int_touched_root') }}
),

held as (
    select
        root_certificate_id,
        holder_id,
        valid_from,
        available_amount
        + frozen_amount
        + financed_amount
        + redeemed_amount
        + written_off_amount
        + cancelled_amount as amount
    from {{ ref('certificate_position') }}
    where root_certificate_id in (select root_certificate_id from touched)
),

position_changes as (
    select
        root_certificate_id,
        valid_from as change_date,
        amount
        - coalesce(lag(amount) over (partition by root_certificate_id, holder_id order by valid_from), 0) as amount
    from held
),

face_changes as (
    select
        root_certificate_id,
        posted_date as change_date,
        -opened_amount as amount
    from {{ ref('int_certificate_movement') }}
    where
        certificate_id = root_certificate_id
        and root_certificate_id in (select root_certificate_id from touched)
),

changes as (
    select * from position_changes
    union all
    select * from face_changes
),

standing as (
    select
        root_certificate_id,
        available_amount
        + frozen_amount
        + financed_amount
        + redeemed_amount
        + written_off_amount
        + cancelled_amount as amount
    from {{ ref('certificate_position') }}
    where valid_to is null
    union all
    select
        root_certificate_id,
        -face_amount as amount
    from {{ ref('int_certificate_position_interval') }}
    where valid_to is null and certificate_id = root_certificate_id
)

select
    root_certificate_id,
    change_date,
    sum(amount) as missing_amount
from changes
group by root_certificate_id, change_date
having sum(amount) <> 0
union all
select
    root_certificate_id,
    {{ as_of_date() }} as change_date,
    sum(amount) as missing_amount
from standing
group by root_certificate_id
having sum(amount) <> 0
