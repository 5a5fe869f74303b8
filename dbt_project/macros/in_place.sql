{#- Tables are replaced, and continued, in place. A night works on a copy of the warehouse that nobody reads, and a
    failed model is rolled back, so that dbt's way over a second name, which renames two tables and drops one, guards
    nothing here. It sends four statements more for each table, and asks three times for the columns of one that is
    continued, which costs as much as most of the models. Comments are set in what is published, not here. -#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- do drop_unless_table(load_cached_relation(this)) -%}
    {% call statement('main') -%}
        {{ replace_table_as(target_relation, compiled_code) }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- Strategies are `append`, and `delete+insert` by `unique_key`. Columns are matched by name; what happens when they
    are others than before is said by `on_schema_change`, as in dbt. -#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if existing_relation is none or not existing_relation.is_table or should_full_refresh() -%}
        {%- do drop_unless_table(existing_relation) -%}
        {% call statement('main') -%}
            {{ replace_table_as(target_relation, compiled_code) }}
        {%- endcall %}
    {%- else -%}
        {%- set new_rows = make_temp_relation(target_relation).include(database=false, schema=false) -%}
        {% call statement('new_rows') -%}
            {{ temporary_table_as(new_rows, compiled_code) }}
        {%- endcall %}
        {%- if not have_same_columns(new_rows, target_relation) -%}
            {%- do process_schema_changes(config.get('on_schema_change'), new_rows, existing_relation) -%}
        {%- endif -%}
        {% call statement('main') -%}
            {{ continue_table(target_relation, new_rows) }}
        {%- endcall %}
    {%- endif -%}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro drop_unless_table(relation) -%}
    {%- if relation is not none and not relation.is_table -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endif -%}
{%- endmacro %}

{#- Statement: a table with the rows of a select, in the types of its contract where that is enforced. -#}
{% macro replace_table_as(relation, sql) -%}
    {%- if config.get('contract').enforced -%}
    {{ get_assert_columns_equivalent(sql) }}
    create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
    insert into {{ relation }} {{ get_column_names() }} ({{ get_select_subquery(sql) }})
    {%- else -%}
    create or replace table {{ relation }} as (
        {{ sql }}
    )
    {%- endif -%}
{%- endmacro %}

{#- Statement: the rows that continue a table; they meet its constraints when they are inserted. -#}
{% macro temporary_table_as(relation, sql) -%}
    {%- if config.get('contract').enforced -%}
    {{ get_assert_columns_equivalent(sql) }}
    {%- endif -%}
    create or replace temporary table {{ relation }} as (
        {{ sql }}
    )
{%- endmacro %}

{#- dbt's own check reads both sides' columns into tables of Python; it names the difference, where there is one. -#}
{% macro duckdb__get_assert_columns_equivalent(sql) -%}
    {%- set as_built = 'select * from (' ~ sql ~ ') as built where false' -%}
    {%- if not have_same_columns(as_built, get_empty_schema_sql(model['columns'])) -%}
        {{ assert_columns_equivalent(sql) }}
    {%- endif -%}
{%- endmacro %}

{#- Whether two relations or selects have columns of the same names and types, in any order. -#}
{% macro have_same_columns(one, other) -%}
    {% call statement('columns', fetch_result=true) -%}
        with ours as (select column_name, column_type from (describe {{ one }})),
        theirs as (select column_name, column_type from (describe {{ other }}))
        select not exists ((table ours except table theirs) union all (table theirs except table ours))
    {%- endcall %}
    {{ return(load_result('columns').data[0][0]) }}
{%- endmacro %}

{#- Statement: the rows of a table in the place of those with the same key, or added to them. -#}
{% macro continue_table(target, new_rows) -%}
    {%- set strategy, key = config.get('incremental_strategy'), config.get('unique_key') -%}
    {%- if strategy == 'delete+insert' and key -%}
    {%- set columns = key if key is string else key | join(', ') -%}
    delete from {{ target }} where ({{ columns }}) in (select ({{ columns }}) from {{ new_rows }});
    {%- elif strategy != 'append' or key -%}
        {%- do exceptions.raise_compiler_error(
            "A table is continued by append, or by delete+insert with a unique_key; not by " ~ strategy ~ "."
        ) -%}
    {%- endif %}
    insert into {{ target }} by name (select * from {{ new_rows }})
{%- endmacro %}
