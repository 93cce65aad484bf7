select
    table_name,
    column_name,
    cast(ordinal_position as bigint) as ordinal_position,
    data_type,
    description_en,
    unit,
    access
from (
    {{ mart_columns() | indent(4) }}
) as declared
