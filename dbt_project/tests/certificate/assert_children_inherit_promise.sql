{{ config(meta={'dagster': {'ref': {'name': 'int_certificate'}}}) }}

-- A child promises what its parent promised: same root, obligor, currency and due date, and one tier more exactly
-- where the holder changed. A child that was extended on its own falls due later. Due dates of a tree that is restated
-- may come in several files: they are held against each other once both have stood for reconciliation_grace_days;
-- longer means that a part of the restatement is lost.
select
    children.certificate_id,
    parents.certificate_id as parent_certificate_id
from {{ ref('int_certificate') }} as children
inner join {{ ref('int_certificate') }} as parents on children.parent_certificate_id = parents.certificate_id
left join {{ ref('int_certificate_term_interval') }} as child_terms
    on children.certificate_id = child_terms.certificate_id and child_terms.valid_to is null
left join {{ ref('int_certificate_term_interval') }} as parent_terms
    on parents.certificate_id = parent_terms.certificate_id and parent_terms.valid_to is null
where
    children.withdrawn_date is null
    and parents.withdrawn_date is null
    and (
        children.root_certificate_id <> parents.root_certificate_id
        or children.core_enterprise_id <> parents.core_enterprise_id
        or children.currency <> parents.currency
        or children.tier <> parents.tier + case when children.holder_id = parents.holder_id then 0 else 1 end
        or (
            child_terms.due_date <> parent_terms.due_date
            and not child_terms.is_extended
            and {{ days_between('greatest(child_terms.valid_from, parent_terms.valid_from)', as_of_date()) }}
            >= {{ rule_value('reconciliation_grace_days') }}
        )
    )
