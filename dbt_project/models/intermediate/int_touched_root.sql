select root_certificate_id from {{ ref('stg_platform__certificate') }}
{%- if night_setting('since_date') %}
where batch_date > {{ since_date() }}
{%- endif %}
union
select root_certificate_id from {{ ref('stg_platform__certificate_event') }}
{%- if night_setting('since_date') %}
where batch_date > {{ since_date() }}
{%- endif %}
