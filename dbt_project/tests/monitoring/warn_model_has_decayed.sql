{{ config(severity='warn', tags=['after_scoring'], meta={'dagster': {'ref': {'name': 'drift_diagnosis'}}}) }}

-- Outcomes of a quarter ago are not what the champion's PDs said: train a challenger and judge it.
select
    as_of_date,
    model_version,
    evidence
from {{ ref('drift_diagnosis') }}
where as_of_date = {{ as_of_date() }} and model_role = 'champion' and kind = 'MODEL_DECAY'
