{%- set rules = [
    'name_weight', 'account_weight', 'address_weight', 'unknown_name_similarity', 'agreeing_address_similarity',
    'match_score', 'match_name_score', 'doubtful_score', 'margin_score', 'clash_similarity',
] %}

with rules as (
    select * from {{ ref('rule_parameter') }} where rule_id like 'identity_%'
),

dates as (
    select distinct valid_from as from_date from rules
),

spans as (
    select
        from_date,
        lead(from_date) over (order by from_date) as to_date
    from dates
)

select
    spans.from_date as valid_from,
    spans.to_date as valid_to,
    {%- for rule in rules %}
    cast(max(case when rules.rule_id = 'identity_{{ rule }}' then rules.value end) as double) as {{ rule }}
    {{- ',' if not loop.last }}
    {%- endfor %}
from spans
inner join rules
    on rules.valid_from <= spans.from_date and (rules.valid_to is null or rules.valid_to > spans.from_date)
group by spans.from_date, spans.to_date
