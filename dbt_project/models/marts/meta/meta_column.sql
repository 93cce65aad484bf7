select
    declared.table_name,
    declared.column_name,
    cast(declared.ordinal_position as bigint) as ordinal_position,
    declared.data_type,
    declared.description_en,
    declared.unit,
    declared.access
from (
    values
    {{ mart_columns() | indent(4) }}
) as declared (table_name, ordinal_position, column_name, data_type, description_en, unit, access)
