{#- Conditions that keep a night to what it brought: true for the certificate trees, payables or financings on which
    something was delivered since the last finished night. A full build takes everything. -#}
{% macro is_touched_root(column='root_certificate_id') -%}
    {%- set touched_roots = ref('int_touched_root') -%}
    {%- if is_night() -%}
    {{ column }} in (select touched.root_certificate_id from {{ touched_roots }} as touched)
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{% macro is_touched_financing(column='financing_id') -%}
    {%- set financings, repayments = ref('stg_platform__financing'), ref('stg_platform__repayment') -%}
    {%- if is_night() -%}
    {{ column }} in (
        select fresh.financing_id from {{ financings }} as fresh
        where fresh.batch_date > {{ since_date() }}
        union all
        select fresh.financing_id from {{ repayments }} as fresh
        where fresh.batch_date > {{ since_date() }}
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{% macro is_touched_payable() -%}
    {%- set touched_payables = ref('int_touched_payable') -%}
    {%- if is_night() -%}
    (company_code, ap_document_no) in (
        select
            touched.company_code,
            touched.ap_document_no
        from {{ touched_payables }} as touched
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook of models keyed by what was touched: on a night the rows that are made anew go first. delete+insert takes
    out the keys that come again and no others, so the rows of a tree that lost all it had would stay. `condition` is
    one of the conditions above. -#}
{% macro drop_touched(condition) -%}
    {%- if is_night() -%}
    delete from {{ this }} where {{ condition }}
    {%- endif -%}
{%- endmacro %}

{#- Select: the receivables that a night makes anew. Beside those on which something was delivered they are those whose
    owner or debtor is known to be another since: a vendor, supplier or core enterprise is another party, or a core
    enterprise keeps other books. -#}
{% macro touched_receivables() -%}
    {%- set payables, certificates = ref('int_payable_interval'), ref('int_certificate') -%}
    {%- set vendors, suppliers = ref('int_vendor'), ref('int_supplier') -%}
    {%- set core_enterprises = ref('int_core_enterprise') -%}
    {%- set changed_suppliers = changed_states(suppliers, ['supplier_id'], ['party_id']) -%}
    select payable_id as receivable_id
    from {{ payables }}
    where
        {{ is_touched_payable() }}
        or company_code in (
            select known.company_code from {{ core_enterprises }} as known
            where known.core_enterprise_id in ({{ changed_core_enterprises() }})
        )
        or (company_code, erp_vendor_no) in (
            {{ changed_states(vendors, ['company_code', 'erp_vendor_no'], ['party_id']) }}
        )
        or (company_code, erp_vendor_no) in (
            select
                known.company_code,
                known.erp_vendor_no
            from {{ vendors }} as known
            inner join {{ suppliers }} as owners on known.party_id = owners.party_id
            where owners.supplier_id in ({{ changed_suppliers }})
        )
    union
    select certificate_id as receivable_id
    from {{ certificates }}
    where
        {{ is_touched_root() }}
        or holder_id in ({{ changed_suppliers }})
{%- endmacro %}

{#- Select, on a night: the keys of what has `columns` that say something else than on the last finished night, or is
    new or gone. Other columns may have changed: on the day of the annual reports every supplier has another headcount,
    which no receivable would show. -#}
{% macro changed_states(intervals, keys, columns) -%}
    select
        {%- for key in keys %}
        states.{{ key }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ intervals }} as states
    where states.valid_to is null or states.valid_to > {{ since_date() }}
    group by
        {%- for key in keys %}
        states.{{ key }}{{ ',' if not loop.last }}
        {%- endfor %}
    having
        {%- for column in columns %}
        {{ 'or ' if not loop.first }}max(
            case when states.valid_from <= {{ since_date() }} then states.{{ column }} end
        ) is distinct from max(case when states.valid_to is null then states.{{ column }} end)
        {%- endfor %}
{%- endmacro %}

{#- Select, on a night: the core enterprises that are another party or keep other books than on the last finished
    one. -#}
{% macro changed_core_enterprises() -%}
    {{ changed_states(ref('int_core_enterprise'), ['core_enterprise_id'], ['party_id', 'company_code']) }}
{%- endmacro %}

{#- Condition, on a night: an interval began or ended since the last finished one. -#}
{% macro is_fresh(intervals) -%}
    ({{ intervals }}.valid_from > {{ since_date() }} or {{ intervals }}.valid_to > {{ since_date() }})
{%- endmacro %}

{#- Pre-hook of fct_receivable: on a night the receivables that are made anew go first, for a certificate that was split
    or withdrawn comes back as none. -#}
{% macro drop_touched_receivables() -%}
    {%- if is_night() -%}
    delete from {{ this }}
    {%- if is_night_of_release_with('lifecycle_state') %}
    where receivable_id in ({{ touched_receivables() }})
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- True on a night that continues a table which has the column, or all of several. One that an earlier release made
    without them is made anew as a whole, for its rows would miss what they say. -#}
{% macro is_night_of_release_with(columns) -%}
    {%- set wanted = [columns] if columns is string else columns -%}
    {{ return(
        is_night()
        and not (wanted | reject('in', adapter.get_columns_in_relation(this) | map(attribute='name') | list) | list)
    ) }}
{%- endmacro %}

{#- Condition, on a night: the bank entry was delivered since the last finished one, or names an account that was
    first. -#}
{% macro is_touched_transfer() -%}
    {%- set entries, accounts = ref('stg_bank__transaction'), ref('stg_bank__account') -%}
    {%- if is_night() -%}
    (account_no, transaction_ref) in (
        with first_delivered as (
            select delivered.account_no
            from {{ accounts }} as delivered
            group by delivered.account_no
            having min(delivered.batch_date) > {{ since_date() }}
        )

        select
            fresh.account_no,
            fresh.transaction_ref
        from {{ entries }} as fresh
        where
            fresh.batch_date > {{ since_date() }}
            or fresh.account_no in (select first_delivered.account_no from first_delivered)
            or fresh.counterparty_account_no in (select first_delivered.account_no from first_delivered)
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#- Condition, on a night: the line of a funder's tape was delivered since the last finished one. -#}
{% macro is_touched_tape() -%}
    {%- set tapes = ref('stg_platform__funder_tape') -%}
    {%- if is_night() -%}
    (funder_id, tape_date, collateral_id) in (
        select
            fresh.funder_id,
            fresh.tape_date,
            fresh.collateral_id
        from {{ tapes }} as fresh
        where fresh.batch_date > {{ since_date() }}
    )
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook of trade_verification: on a night the rows of what is no claim any more go, for what says the same as
    before does not come again. -#}
{% macro drop_ended_claims() -%}
    {%- set evidence = ref('int_trade_evidence') -%}
    {%- set payables, certificates = ref('int_payable_interval'), ref('int_certificate') -%}
    {%- set terms = ref('int_certificate_term_interval') -%}
    {%- if is_night() -%}
    delete from {{ this }}
    where receivable_id not in (
        select payables.payable_id
        from {{ payables }} as payables
        inner join {{ evidence }} as evidence on payables.payable_id = evidence.trade_id
        where payables.valid_to is null and payables.confirmed_date is not null and not evidence.is_withdrawn
        union all
        select certificates.certificate_id
        from {{ certificates }} as certificates
        inner join {{ terms }} as terms
            on certificates.certificate_id = terms.certificate_id and terms.valid_to is null
        inner join {{ evidence }} as evidence on certificates.certificate_id = evidence.trade_id
        where
            certificates.parent_certificate_id is null
            and certificates.withdrawn_date is null
            and not evidence.is_withdrawn
    )
    {%- endif -%}
{%- endmacro %}
