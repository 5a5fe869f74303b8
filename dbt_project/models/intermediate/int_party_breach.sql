with rules as (
    select
        cast({{ rule_value('new_party_days') }} as integer) as new_party_days,
        {{ rule_value('advance_to_capital_ratio') }} as advance_to_capital_ratio,
        {{ rule_value('shell_min_signs') }} as shell_min_signs,
        {{ rule_value('shell_headcount') }} as shell_headcount,
        {{ rule_value('shell_paid_in_ratio') }} as shell_paid_in_ratio
),

suppliers as (
    select *
    from {{ ref('int_supplier') }}
    where valid_to is null
),

financings as (
    select
        financing_id,
        supplier_id,
        core_enterprise_id,
        currency,
        financing_date,
        principal_amount
    from {{ ref('int_financing_interval') }}
    where valid_to is null
),

first_financings as (
    select
        financing_id,
        min(valid_from) as known_date
    from {{ ref('int_financing_interval') }}
    group by financing_id
),

-- What a supplier had drawn in its first year, day by day.
drawn as (
    select
        financings.*,
        first_financings.known_date,
        suppliers.registered_date,
        suppliers.paid_in_capital_amount,
        sum(financings.principal_amount) over (
            partition by financings.supplier_id, financings.currency
            order by first_financings.known_date, financings.financing_date, financings.financing_id
            rows between unbounded preceding and current row
        ) as drawn_amount,
        greatest(first_financings.known_date, suppliers.valid_from) as shown_date
    from financings
    cross join rules
    inner join first_financings on financings.financing_id = first_financings.financing_id
    inner join suppliers on financings.supplier_id = suppliers.supplier_id
    where
        financings.currency = suppliers.currency
        and financings.financing_date < {{ add_days('suppliers.registered_date', 'rules.new_party_days') }}
),

addresses as (
    select
        address,
        min(supplier_id) as supplier_id,
        max(supplier_id) as other_supplier_id,
        max(valid_from) as known_date
    from suppliers
    where address is not null
    group by address
    having count(*) > 1
),

first_drawings as (
    select
        financings.supplier_id,
        min(financings.financing_date) as financing_date,
        min(first_financings.known_date) as known_date
    from financings
    inner join first_financings on financings.financing_id = first_financings.financing_id
    group by financings.supplier_id
),

first_large as (
    select
        drawn.supplier_id,
        min(drawn.shown_date) as known_date
    from drawn
    cross join rules
    where drawn.drawn_amount > drawn.paid_in_capital_amount * rules.advance_to_capital_ratio
    group by drawn.supplier_id
),

signs as (
    select
        suppliers.supplier_id,
        'it was registered on ' || cast(suppliers.registered_date as string) || ' and first financed on '
        || cast(first_drawings.financing_date as string) as sign_text,
        1 as sign_rank,
        greatest(suppliers.valid_from, first_drawings.known_date) as known_date
    from suppliers
    cross join rules
    inner join first_drawings on suppliers.supplier_id = first_drawings.supplier_id
    where first_drawings.financing_date < {{ add_days('suppliers.registered_date', 'rules.new_party_days') }}
    union all
    select
        suppliers.supplier_id,
        cast(suppliers.insured_headcount as string) || ' persons are insured' as sign_text,
        2 as sign_rank,
        suppliers.valid_from as known_date
    from suppliers
    cross join rules
    where suppliers.insured_headcount <= rules.shell_headcount
    union all
    select
        suppliers.supplier_id,
        cast(suppliers.paid_in_capital_amount as string)
        || ' of ' || cast(suppliers.registered_capital_amount as string)
        || ' ' || suppliers.currency || ' of capital are paid in' as sign_text,
        3 as sign_rank,
        suppliers.valid_from as known_date
    from suppliers
    cross join rules
    where suppliers.paid_in_capital_amount <= suppliers.registered_capital_amount * rules.shell_paid_in_ratio
    union all
    select
        suppliers.supplier_id,
        'its address is that of ' || case
            when suppliers.supplier_id = addresses.supplier_id then addresses.other_supplier_id
            else addresses.supplier_id
        end as sign_text,
        4 as sign_rank,
        addresses.known_date
    from suppliers
    inner join addresses on suppliers.address = addresses.address
    union all
    select
        supplier_id,
        'in its first year it drew more than its capital bears' as sign_text,
        5 as sign_rank,
        known_date
    from first_large
),

numbered_signs as (
    select
        *,
        row_number() over (partition by supplier_id order by known_date, sign_rank) as sign_no
    from signs
),

shells as (
    select
        numbered_signs.supplier_id,
        min(case when numbered_signs.sign_no = rules.shell_min_signs then numbered_signs.known_date end) as known_date,
        {{ joined_text('numbered_signs.sign_text', 'numbered_signs.sign_rank') }} as sign_texts
    from numbered_signs
    cross join rules
    group by numbered_signs.supplier_id
    having count(*) >= min(rules.shell_min_signs)
),

breaches as (
    select
        'NEW_PARTY_LARGE_ADVANCE' as rule_id,
        'FINANCING' as subject_kind,
        drawn.financing_id as subject_id,
        drawn.core_enterprise_id,
        drawn.supplier_id,
        cast(null as string) as counterpart_id,
        drawn.principal_amount as amount,
        drawn.currency,
        drawn.shown_date as first_known_date,
        drawn.supplier_id || ', registered on ' || cast(drawn.registered_date as string) || ' with '
        || cast(drawn.paid_in_capital_amount as string) || ' ' || drawn.currency || ' paid in, has drawn '
        || cast(drawn.drawn_amount as string) || ' by ' || cast(drawn.financing_date as string) || '.' as explanation
    from drawn
    cross join rules
    where drawn.drawn_amount > drawn.paid_in_capital_amount * rules.advance_to_capital_ratio
    union all
    select
        'SHELL_SUPPLIER' as rule_id,
        'SUPPLIER' as subject_kind,
        supplier_id as subject_id,
        cast(null as string) as core_enterprise_id,
        supplier_id,
        cast(null as string) as counterpart_id,
        cast(null as decimal(18, 2)) as amount,
        cast(null as string) as currency,
        known_date as first_known_date,
        'Supplier ' || supplier_id || ' has the signs of a shell: ' || sign_texts || '.' as explanation
    from shells
)

{{ breaches_known() }}
