"""Cells of settlements of the small country, readings of its coverage by method, and the faults their suite finds."""

from __future__ import annotations

CELLS = """
create table intermediate.int_settlement_cell as
select date '2025-12-31' as as_of_date, settlement_kato, 'c' || cell as h3_cell, 1 as weight, 4 as settlement_weight
from intermediate.int_settlement, (values (1), (2), (3), (4)) as cells (cell);
create table intermediate.int_cell_coverage as
select date '2025-12-31' as as_of_date, 'all' as area_type, '4g' as technology, * from (values
    ('national', '000000000', 600.0e0), ('region', '100000000', 400.0e0), ('region', '710000000', 200.0e0),
    ('district', '101000000', 250.0e0), ('district', '102000000', 150.0e0), ('district', '710000000', 200.0e0)
) as t (geography_level, kato, population_covered_low);
create table marts.fct_coverage_by_method as
select date '2025-12-31' as as_of_date, 'all' as area_type, '4g' as technology, places.*, methods.* from (values
    ('national', '000000000'), ('region', '100000000'), ('region', '710000000'), ('district', '101000000')
) as places (geography_level, kato)
cross join (values
    ('exact_settlement', 80.0e0, 80.0e0, 80.0e0), ('exact_cell', 70.0e0, 70.0e0, 70.4e0),
    ('itu_max', 60.0e0, 60.0e0, null), ('bounds', null, 60.0e0, 100.0e0)
) as methods (
    union_method, population_covered_pct, population_covered_low_pct, population_covered_high_pct
);
"""

_CELLS, _SUMS = "intermediate.int_settlement_cell", "intermediate.int_cell_coverage"
_METHODS = "marts.fct_coverage_by_method"

CELL_FAULTS: dict[str, dict[str, str]] = {
    "cells.shares_make_a_settlement": {
        "a cell less": f"delete from {_CELLS} where settlement_kato = '710000000' and h3_cell = 'c1'",
        "a cell twice": f"insert into {_CELLS} select * from {_CELLS} where h3_cell = 'c1' limit 1",
    },
    "cells.places_make_the_whole": {
        "a region less": f"delete from {_SUMS} where kato = '710000000' and geography_level = 'region'",
        "a district": f"update {_SUMS} set population_covered_low = 251 where kato = '101000000'",
    },
    "cells.readings_lie_within_their_bounds": {
        "more than all": f"update {_METHODS} set population_covered_high_pct = 101 where union_method = 'bounds'",
        "below its low": f"update {_METHODS} set population_covered_pct = 69 where union_method = 'exact_cell'",
        "above its high": f"update {_METHODS} set population_covered_pct = 71 where union_method = 'exact_cell'",
        "bounds turned round": f"update {_METHODS} set population_covered_high_pct = 59 where union_method = 'bounds'",
    },
    "cells.the_union_lies_within_the_bounds_of_operators": {
        "less than the largest": f"update {_METHODS} set population_covered_pct = 59 "
        "where union_method = 'exact_settlement' and kato = '101000000'",
        "more than the sum": f"update {_METHODS} set population_covered_high_pct = 75 "
        "where union_method = 'bounds' and kato = '101000000'",
    },
    "cells.areas_do_not_reach_beyond_claims": {
        "a wrong projection": f"update {_METHODS} set population_covered_pct = 91 "
        "where union_method = 'exact_cell' and kato = '710000000'",
    },
}
