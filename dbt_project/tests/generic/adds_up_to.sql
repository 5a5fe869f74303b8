{#- On every row the parts add up to the total, to the cent. -#}
{% test adds_up_to(model, total, parts) %}
select *
from {{ model }}
where {{ total }} <> {{ parts | join(' + ') }}
{% endtest %}
