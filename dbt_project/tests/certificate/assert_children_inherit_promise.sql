-- A child promises what its parent promised: same root, obligor, currency and due date, and one tier more exactly
-- where the holder changed.
select
    children.certificate_id,
    parents.certificate_id as parent_certificate_id
from {{ ref('int_certificate') }} as children
inner join {{ ref('int_certificate') }} as parents on children.parent_certificate_id = parents.certificate_id
where
    children.root_certificate_id <> parents.root_certificate_id
    or children.core_enterprise_id <> parents.core_enterprise_id
    or children.currency <> parents.currency
    or children.due_date <> parents.due_date
    or children.tier <> parents.tier + case when children.holder_id = parents.holder_id then 0 else 1 end
