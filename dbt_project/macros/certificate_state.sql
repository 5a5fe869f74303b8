{#- Text literals of the states in which something of a certificate is still held. -#}
{% macro open_states() -%}
    ('ISSUED', 'HELD', 'FROZEN', 'FINANCED')
{%- endmacro %}

{#- State of a certificate on a date, of its state by events and of its due date: what is still held matures, is overdue
    and, unpaid after the days that a payment may be delayed by technical causes, in default. No delivery says so, it
    follows from the calendar; hence no table of intervals holds it. `delay_days` is the rule technical_delay_days. -#}
{% macro state_on(state, due_date, on_date, delay_days) -%}
    case
        when {{ state }} not in {{ open_states() }} then {{ state }}
        when {{ on_date }} > {{ add_days(due_date, delay_days) }} then 'DEFAULTED'
        when {{ on_date }} > {{ due_date }} then 'OVERDUE'
        when {{ on_date }} = {{ due_date }} then 'MATURED'
        else {{ state }}
    end
{%- endmacro %}
