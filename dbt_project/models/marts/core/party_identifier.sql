with official as (
    select
        party_id,
        party_no_scheme,
        party_no,
        case
            when party_no_scheme = 'VAT' then substr(party_no, 1, 2)
            when party_no_scheme = 'LEI' then substr(party_no, 1, 4)
            else party_no_scheme
        end as issuer,
        status,
        rule,
        score,
        name_similarity,
        address_similarity,
        is_same_account,
        cast(null as string) as matched_record_kind,
        cast(null as string) as matched_record_key,
        valid_from,
        valid_to
    from {{ ref('int_party_number') }}
),

-- Accounts and the tax office's records are left out: an account number is personal, a taxpayer's key is its number.
given as (
    select
        party_id,
        case record_kind
            when 'erp.vendor' then 'ERP_VENDOR'
            when 'platform.supplier' then 'PLATFORM_SUPPLIER'
            else 'PLATFORM_CORE_ENTERPRISE'
        end as party_no_scheme,
        case
            when record_kind = 'erp.vendor' then substr(record_key, position(':' in record_key) + 1)
            else record_key
        end as party_no,
        case
            when record_kind = 'erp.vendor' then substr(record_key, 1, position(':' in record_key) - 1)
            else 'PLATFORM'
        end as issuer,
        status,
        rule,
        score,
        name_similarity,
        address_similarity,
        is_same_account,
        matched_record_kind,
        {{ shown_key('matched_record_kind', 'matched_record_key') }} as matched_record_key,
        valid_from,
        valid_to
    from {{ ref('int_party_link') }}
    where record_kind in ('erp.vendor', 'platform.supplier', 'platform.core_enterprise')
)

select * from official
union all
select * from given
