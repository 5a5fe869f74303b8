with measured as (
    select
        measures.as_of_date,
        measures.core_enterprise_id,
        factors.factor_id,
        factors.pillar,
        factors.label,
        factors.unit,
        factors.weight,
        case factors.factor_id
            {%- for factor in core_enterprise_factors() %}
            when '{{ factor }}' then cast(measures.{{ factor }} as double)
            {%- endfor %}
        end as factor_value
    from {{ ref('int_feature_core_enterprise') }} as measures
    inner join {{ ref('core_enterprise_factor') }} as factors on {{ valid_on('factors', 'measures.as_of_date') }}
)

select
    measured.*,
    ranges.points
from measured
left join {{ ref('core_enterprise_points') }} as ranges
    on
        measured.factor_id = ranges.factor_id
        and {{ valid_on('ranges', 'measured.as_of_date') }}
        and (ranges.from_value is null or measured.factor_value >= ranges.from_value)
        and (ranges.below_value is null or measured.factor_value < ranges.below_value)
        -- without a bound on either side a missing value would earn points
        and measured.factor_value is not null
