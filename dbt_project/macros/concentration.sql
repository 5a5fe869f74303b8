{#- What exposures are looked at by, and the column that names its members: the one who must pay is the core enterprise,
    so that groups, sector and region are those of it. -#}
{% macro concentration_dimensions() -%}
    {{ return([
        ('CORE_ENTERPRISE', 'core_enterprise_id'),
        ('SUPPLIER', 'supplier_id'),
        ('FUNDER', 'funder_id'),
        ('CONTROL_GROUP', 'control_group_id'),
        ('CONNECTED_GROUP', 'connected_group_id'),
        ('SECTOR', 'sector_code'),
        ('REGION', 'region_code'),
    ]) }}
{%- endmacro %}
