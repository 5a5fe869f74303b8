{{ config(meta={'dagster': {'ref': {'name': 'certificate_state'}}}) }}

-- On each day on which a position began, the certificate has one state, and it says what the position says: a state of
-- the living where something is held, of the ended where nothing is; FINANCED and FROZEN only where such a part stands.
-- Looks at the trees on which something was delivered since the last finished night; a full build looks at all.
with positions as (
    select
        certificate_id,
        valid_from,
        available_amount + frozen_amount + financed_amount as held_amount,
        frozen_amount,
        financed_amount
    from {{ ref('int_certificate_position_interval') }}
    where root_certificate_id in (select touched.root_certificate_id from {{ ref('int_touched_root') }} as touched)
)

select
    positions.certificate_id,
    positions.valid_from,
    positions.held_amount,
    states.state
from positions
left join {{ ref('certificate_state') }} as states
    on positions.certificate_id = states.certificate_id and {{ valid_on('states', 'positions.valid_from') }}
where
    states.state is null
    or (states.state in {{ open_states() }}) <> (positions.held_amount > 0)
    or (states.state = 'FINANCED' and positions.financed_amount <= 0)
    or (states.state = 'FROZEN' and positions.frozen_amount <> positions.held_amount)
