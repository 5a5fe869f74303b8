{{ config(meta={'dagster': {'ref': {'name': 'party_identifier'}}}) }}

{#- Two official numbers of one scheme are one party only where a person said so. -#}
select
    party_id,
    party_no_scheme,
    count(*) as numbers
from {{ ref('int_party_number') }}
where valid_to is null
group by party_id, party_no_scheme
having count(*) > 1 and max(case when status = 'DECIDED' then 1 else 0 end) = 0
