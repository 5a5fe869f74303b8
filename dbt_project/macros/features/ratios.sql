{#- A value held within bounds; null stays null, where bare `least` and `greatest` would answer with the bound. -#}
{% macro clamped(value, lowest, highest) -%}
    case when ({{ value }}) is not null then least(greatest({{ value }}, {{ lowest }}), {{ highest }}) end
{%- endmacro %}

{#- Guarded quotient as a double: null unless both terms are known and the denominator is positive; a denominator
    below `floor` counts as `floor`, so that a tiny base does not make a huge ratio, and the result stays within
    [-cap, cap]. -#}
{% macro ratio(numerator, denominator, floor=none, cap=none) -%}
    {%- set base = 'cast(' ~ denominator ~ ' as double)' -%}
    {%- if floor is not none -%}{%- set base = 'greatest(' ~ base ~ ', ' ~ floor ~ ')' -%}{%- endif -%}
    {%- set quotient = 'cast(' ~ numerator ~ ' as double) / ' ~ base -%}
    {%- if cap is not none -%}
        {%- set quotient = 'greatest(least(' ~ quotient ~ ', ' ~ cap ~ '), -' ~ cap ~ ')' -%}
    {%- endif -%}
    case when {{ denominator }} > 0 and {{ numerator }} is not null then {{ quotient }} end
{%- endmacro %}

{#- Relative change from `before` to `now`, floored and capped as `ratio`; null where nothing was there before. -#}
{% macro growth(now, before, floor=10000, cap=3) -%}
    case
        when {{ before }} > 0 and {{ now }} is not null
            then least(
                greatest(cast({{ now }} as double), 0) / greatest(cast({{ before }} as double), {{ floor }}) - 1,
                {{ cap }}
            )
    end
{%- endmacro %}

{#- Part of the sum of two amounts, in [0, 1]; negative amounts count as nothing. Null where one is not known or both
    are nothing. -#}
{% macro share_of_both(part, other) -%}
    case
        when
            {{ part }} is not null and {{ other }} is not null
            and (greatest({{ part }}, 0) + greatest({{ other }}, 0)) > 0
            then cast(greatest({{ part }}, 0) as double)
                / cast(greatest({{ part }}, 0) + greatest({{ other }}, 0) as double)
    end
{%- endmacro %}

{#- Gap between two amounts as a part of the larger, in [0, 1]; null unless both are known and one is positive. -#}
{% macro relative_gap(first, second, floor=10000) -%}
    case
        when {{ first }} is not null and {{ second }} is not null and greatest({{ first }}, {{ second }}) > 0
            then least(
                cast(abs({{ first }} - {{ second }}) as double)
                / greatest(cast(greatest({{ first }}, {{ second }}) as double), {{ floor }}),
                1
            )
    end
{%- endmacro %}

{#- Sum of a ledger column over the window that ends with the night; 0 where the ledger holds nothing in it. The
    ledger row is aliased `ledger`, the spine row with its window edges `spine`. -#}
{% macro window_sum(column, days, skip_days=0) -%}
    coalesce(
        sum(ledger.{{ column }}) filter (
            where ledger.known_date > spine.from_{{ days + skip_days }}d
            {%- if skip_days %} and ledger.known_date <= spine.from_{{ skip_days }}d{% endif %}
        ), 0
    )
{%- endmacro %}

{#- Square of an amount of money as an exact number: a sum of doubles depends on the order of its rows in the last bits,
    and a night that is replayed must give the same. -#}
{% macro squared(amount) -%}
    cast({{ amount }} as decimal(38, 2)) * cast({{ amount }} as decimal(38, 2))
{%- endmacro %}

{#- Standard deviation from a sum, a sum of squares and a count, exact until the last step; null below five values. -#}
{% macro standard_deviation(total, squares, number, cap) -%}
    case
        when {{ number }} >= 5
            then least(
                sqrt(
                    greatest(
                        cast({{ squares }} as double) / {{ number }}
                        - (cast({{ total }} as double) / {{ number }})
                        * (cast({{ total }} as double) / {{ number }}), 0
                    )
                ), {{ cap }}
            )
    end
{%- endmacro %}
