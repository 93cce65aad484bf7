"""Which places of a release have counts too small for everyone to see, and which others must be hidden with them.

Belongs here: the rule, and the choice of the places. Does not belong here: which columns are internal, or writing the
open tier (`open_tier`). Decision 0018 gives the reasons.

A count of people, households or stations is too small from 1 to one less than THRESHOLD. A place that has one is
hidden as a block: everything counted in it on the dates of that census, in every table at once, so that no other table,
kind of area, technology or operator tells what one hides. Its region's totals would still give it away, so further
places of the region are hidden beside it, the fewest and smallest that do: in every sum that holds a count too small
another hidden place must have a part, and the hidden parts must come to the threshold together. What everything is held
against (the people and households of a place) stays, unless it is too small itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

#: Statistical offices ask for at least three or five respondents in a cell (Glossary of Statistical Disclosure Control,
#: UNECE/Eurostat 2005, "threshold rule"); this is the stricter one.
THRESHOLD = 5
NATION = "000000000"
PEOPLE, STATIONS = "people", "stations"

#: A sum: table, column and keys of the rows that it adds up, by place.
Line = tuple[str, ...]


@dataclass(frozen=True)
class CountTable:
    """A table of counts by place. All of it is SQL over the table's columns.

    `counts` are hidden with their place; `wholes` only when one of them is too small; `shares` maps a share, which is
    hidden too, to the count it is a share of. `keys` tell rows of one place and date apart. `family`: what is hidden
    together. `level` and `place` say where a row stands, from columns named in `stands`; districts are parts of
    regions, regions (or cities) of the nation. `rows`: which rows are meant.
    """

    table: str
    keys: tuple[str, ...]
    counts: tuple[str, ...]
    wholes: tuple[str, ...] = ()
    shares: Mapping[str, str] | None = None
    family: str = PEOPLE
    level: str = "geography_level"
    place: str = "kato"
    stands: tuple[str, ...] = ("geography_level", "kato")
    rows: str = "true"

    @property
    def columns(self) -> set[str]:
        """Columns that the rule reads."""
        shares = self.shares or {}
        return {"as_of_date", *self.keys, *self.counts, *self.wholes, *shares, *shares.values(), *self.stands}

    @property
    def hidden_columns(self) -> tuple[str, ...]:
        """Columns that a hidden place loses, wholes apart."""
        return (*self.counts, *(self.shares or {}))


_EVIDENCE = {
    f"evidence_{grade}_pct": "population_covered"
    for grade in ("claimed", "corroborated", "measured", "disputed")
}


def _coverage(table: str, *keys: str) -> CountTable:
    shares = {"population_covered_pct": "population", "households_passed_pct": "households", **_EVIDENCE}
    counts, wholes = ("population_covered", "households_passed"), ("population", "households")
    return CountTable(table, ("area_type", *keys), counts, wholes, shares)


#: Metrics of `fct_metric` whose figures count people or households.
METRICS = (
    "fibre_households_connected", "fibre_households_orderable", "fibre_households_passed", "fibre_people",
    "households_passed_pct", "population_covered_cell_pct", "population_covered_pct", "population_evidenced_pct",
    "population_speed_tier_pct",
)  # fmt: skip
_OF_CENSUS = "fct_coverage_by_technology"
#: Metrics that are the people and households themselves.
WHOLE_METRICS = ("households", "population")
_METRIC = f"metric_id in ({', '.join(repr(name) for name in METRICS)})"
_WHOLE_METRIC = f"metric_id in ({', '.join(repr(name) for name in WHOLE_METRICS)})"

TABLES = (
    _coverage("fct_coverage_by_technology", "technology"),
    _coverage("fct_coverage_by_operator", "operator_id", "technology"),
    _coverage("fct_coverage_by_speed_tier", "speed_tier"),
    CountTable(
        "fct_operator_overlap",
        ("area_type", "technology", "operators_exactly"),
        ("population_exactly",),
        ("population",),
        {"population_exactly_pct": "population"},
    ),
    CountTable(
        "fct_coverage_by_method",
        ("area_type", "technology", "union_method"),
        ("population_covered", "population_without_cells"),
        ("population",),
        {
            "population_covered_pct": "population",
            "population_covered_low_pct": "population",
            "population_covered_high_pct": "population",
        },
    ),
    CountTable(
        "fct_rural_connection",
        ("connection_level",),
        ("population_at_level", "population_at_or_above"),
        ("population",),
    ),
    CountTable(
        "fct_fibre_rollout",
        ("contractor",),
        (
            "households_planned",
            "households_passed",
            "households_orderable",
            "households_connected",
            "people_planned",
            "people_connected",
        ),
        ("households_in_plan", "people"),
    ),
    CountTable(
        "fct_metric",
        ("area_type", "metric_id", "technology"),
        ("numerator",),
        ("denominator",),
        # Of a metric that is a count the value is no share, but hidden as one would be.
        {"value": "denominator"},
        rows=_METRIC,
    ),
    CountTable("fct_metric", ("area_type", "metric_id", "technology"), (), ("value",), rows=_WHOLE_METRIC),
    CountTable(
        "fct_urban_5g",
        ("operator_id",),
        ("stations_5g", "population_covered"),
        ("population",),
        {"population_pct": "population"},
        family=STATIONS,
        level="case city_kato when 'all' then 'national' else 'region' end",
        place=f"case city_kato when 'all' then '{NATION}' else city_kato end",
        stands=("city_kato",),
    ),
)


@dataclass(frozen=True)
class Hidden:
    """What is hidden: how many places (a place and the dates of a census) for their own counts, and beside these.

    The temporary table `hidden_place` lists them: family, level, place, period (the census of a date, else the date),
    has_small_whole; `hidden_row` lists rows of the nation: table_name, row_id. `unread`: tables of counts that lack a
    column the rule reads, so that nothing can be said of them.
    """

    too_small: int
    beside: int
    rows_of_nation: int
    unread: frozenset[str]


def find_hidden(connection: duckdb.DuckDBPyConnection, schema: str, threshold: int = THRESHOLD) -> Hidden:
    """Choose what must be hidden, and leave it in `hidden_place` and `hidden_row`.

    Args:
        connection: can read the tables; temporary tables are made in it.
        schema: catalogue and schema of the tables, as SQL. A table that it lacks is passed over.
        threshold: counts from 1 to one less than this are too small.
    """
    standing = _standing(connection, schema)
    tables = [table for table in TABLES if table.columns <= standing.get(table.table, set())]
    unread = {table.table for table in TABLES if table not in tables and table.table in standing}
    _make_periods(connection, tables, schema)
    connection.execute(
        """
        create or replace temp table hidden_place (
            family varchar, level varchar, place varchar, period date, is_small boolean, has_small_whole boolean
        );
        create or replace temp table hidden_row (table_name varchar, row_id bigint)
        """
    )
    for table in tables:
        connection.execute(_small_rows(table, schema, threshold))
    connection.execute(
        """
        create or replace temp table hidden_place as
        select family, level, place, period, bool_or(is_small) as is_small, bool_or(has_small_whole) as has_small_whole
        from hidden_place group by all
        """
    )
    # From the bottom up: where a region's parts do not suffice, the region is hidden, and others beside it.
    for level in ("district", "region"):
        _hide_beside(connection, tables, schema, level, threshold)
    _hide_rows_of_nation(connection, tables, schema, threshold)
    too_small, beside = connection.execute(
        "select count(*) filter (is_small), count(*) filter (not is_small) from hidden_place"
    ).fetchall()[0]
    rows = connection.execute("select count(distinct (table_name, row_id)) from hidden_row").fetchall()[0][0]
    return Hidden(too_small, beside, rows, frozenset(unread))


def places_beside(
    lines: Mapping[Line, Mapping[str, int]], small: Iterable[str], sizes: Mapping[str, int], threshold: int
) -> set[str] | None:
    """Places to hide beside `small` ones so that no sum of `lines` gives a count too small away.

    Args:
        lines: the parts of each published sum, by place; parts of 0 left out.
        small: places hidden for their own counts; not empty.
        sizes: the people of every place that could be hidden.
        threshold: counts from 1 to one less than this are too small.

    Returns:
        The places, or None when all together do not suffice: then the sums must be hidden.
    """
    own = set(small)
    hidden = set(own)
    while True:
        weak = [line for line, parts in lines.items() if _is_weak(parts, own, hidden, threshold)]
        if not weak and len(hidden) > 1:
            return hidden - own
        left = sorted(set(sizes) - hidden)
        if not left:
            return None
        mends = {place: sum(place in lines[line] for line in weak) for place in left}
        if weak and not max(mends.values()):
            return None
        # Counts that are not too small are still told by sums without another hidden part: the fewer the better.
        bare = [parts for parts in lines.values() if len(hidden & parts.keys()) == 1 and own & parts.keys()]
        tells = {place: sum(place not in parts for parts in bare) for place in left}
        hidden.add(min(left, key=lambda place: (-mends[place], tells[place], sizes[place], place)))


def _is_weak(parts: Mapping[str, int], own: set[str], hidden: set[str], threshold: int) -> bool:
    """Whether a sum gives away that a hidden place has a count too small, or how many it has."""
    out = [parts[place] for place in hidden & parts.keys()]
    if not any(parts.get(place, threshold) < threshold for place in own):
        return False
    return len(out) < 2 or sum(out) < threshold


def _standing(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, set[str]]:
    """Columns of every table of the schema."""
    rows = connection.execute(
        """
        select table_name, list(column_name) from duckdb_columns()
        where database_name || '.' || schema_name = $1 group by table_name
        """,
        [schema],
    ).fetchall()
    return {table: set(columns) for table, columns in rows}


def _make_periods(connection: duckdb.DuckDBPyConnection, tables: Iterable[CountTable], schema: str) -> None:
    """Temporary table `period`: the census that a date's people are of; quarters of one census tell of each other."""
    if any(table.table == _OF_CENSUS for table in tables):
        query = f"""
            select as_of_date, coalesce(max(denominator_as_of), as_of_date) as period
            from {schema}.{_OF_CENSUS} group by as_of_date
        """
    else:
        query = "select null::date as as_of_date, null::date as period where false"
    connection.execute(f"create or replace temp table period as {query}")


def with_period(relation: str) -> str:
    """SQL of a table's rows with `row_id`, DuckDB's own, and `period`: that of the date's census where one is known."""
    return f"""(
        select rows.rowid as row_id, rows.*, coalesce(period.period, rows.as_of_date) as period
        from {relation} as rows left join period on rows.as_of_date = period.as_of_date
    )"""


def _small_rows(table: CountTable, schema: str, threshold: int) -> str:
    """INSERT of places of which a row has a count too small."""
    shares = [f"{share} * {base} / 100" for share, base in (table.shares or {}).items()]

    def is_small(counts: Iterable[str]) -> str:
        listed = [f"coalesce(round({count}) between 1 and {threshold - 1}, false)" for count in counts]
        return f"({' or '.join(listed)})" if listed else "false"

    return f"""
        insert into hidden_place
        select distinct '{table.family}', level, place, period, true, whole_is_small
        from (
            select period, {table.level} as level, {table.place} as place,
                {is_small(table.wholes)} as whole_is_small, {is_small((*table.counts, *shares))} as is_small
            from {with_period(f"{schema}.{table.table}")}
            where {table.rows}
        )
        where level <> 'national' and (is_small or whole_is_small)
    """


def _hide_beside(
    connection: duckdb.DuckDBPyConnection, tables: list[CountTable], schema: str, level: str, threshold: int
) -> None:
    """Add to `hidden_place` the places of a level that must go with those hidden there, and parents that must."""
    affected = connection.execute(
        f"""
        select family, case level when 'district' then left(place, 2) || '0000000' else '{NATION}' end as parent,
            period, list(place order by place), bool_or(has_small_whole)
        from hidden_place where level = $1
        group by all order by all
        """,
        [level],
    ).fetchall()
    groups = [
        (number, family, "" if parent == NATION else parent[:2], period, has_small_whole)
        for number, (family, parent, period, _, has_small_whole) in enumerate(affected)
    ]
    found = _sums(connection, tables, schema, level, groups)
    for number, (family, parent, period, small, has_small_whole) in enumerate(affected):
        lines, sizes = found[number]
        beside = places_beside(lines, small, sizes, threshold)
        # A city that is region and district at once is hidden as both.
        up = beside is None or parent in small
        if beside:
            rows = [(family, level, place, period, False, has_small_whole) for place in sorted(beside)]
            connection.executemany("insert into hidden_place values (?, ?, ?, ?, ?, ?)", rows)
        if up and level == "district":
            connection.execute(
                """
                insert into hidden_place
                select $1, 'region', $2, $3, $4, $5
                where not exists (
                    select 1 from hidden_place where family = $1 and level = 'region' and place = $2 and period = $3
                )
                """,
                [family, parent, period, parent in small, has_small_whole],
            )


def _sums(
    connection: duckdb.DuckDBPyConnection,
    tables: list[CountTable],
    schema: str,
    level: str,
    groups: list[tuple[int, str, str, object, bool]],
) -> dict[int, tuple[dict[Line, dict[str, int]], dict[str, int]]]:
    """The sums over places of one parent in one period with their parts, and the size of each place.

    `groups`: number, family, first digits of the places, period, whether wholes count too; the answer is by number.
    """
    found: dict[int, tuple[dict[Line, dict[str, int]], dict[str, int]]] = {
        number: ({}, defaultdict(int)) for number, *_ in groups
    }
    if not groups:
        return found
    connection.execute(
        "create or replace temp table summed "
        "(number integer, family varchar, prefix varchar, period date, with_wholes boolean)"
    )
    connection.executemany("insert into summed values (?, ?, ?, ?, ?)", groups)
    for table in tables:
        shares = {share: f"{share} * {base} / 100" for share, base in (table.shares or {}).items()}
        parts = {name: name for name in (*table.counts, *table.wholes)} | shares
        size = table.wholes[-1] if table.wholes else table.counts[0]
        connection.execute(
            f"""
            create or replace temp table part as
            select summed.number, summed.with_wholes, {table.place} as place,
                concat_ws('|', as_of_date, {", ".join(table.keys)}) as keys, coalesce({size}, 0)::bigint as size,
                {", ".join(f"round({sql})::bigint as part_{at}" for at, sql in enumerate(parts.values()))}
            from {with_period(f"{schema}.{table.table}")} as rows
            inner join summed
                on summed.family = '{table.family}' and summed.period = rows.period
                    and starts_with({table.place}, summed.prefix)
            where ({table.rows}) and ({table.level}) = '{level}'
            """
        )
        for number, place, people in connection.execute(
            "select number, place, max(size) from part group by number, place"
        ).fetchall():
            sizes = found[number][1]
            sizes[place] = max(sizes[place], people)
        for at, name in enumerate(parts):
            meant = "with_wholes" if name in table.wholes else "true"
            for number, keys, places, values in connection.execute(
                f"""
                select number, keys, list(place), list(part_{at})
                from part where part_{at} <> 0 and {meant} group by number, keys
                """
            ).fetchall():
                found[number][0][table.table, name, keys] = dict(zip(places, values, strict=True))
    return found


def _hide_rows_of_nation(
    connection: duckdb.DuckDBPyConnection, tables: list[CountTable], schema: str, threshold: int
) -> None:
    """Add to `hidden_row` rows of the nation: too small, or of the same date and technology as one that is."""
    for table in tables:
        listed = " or ".join(
            f"coalesce(round({sql}) between 1 and {threshold - 1}, false)"
            for sql in (
                *table.counts,
                *table.wholes,
                *(f"{share} * {base} / 100" for share, base in (table.shares or {}).items()),
            )
        )
        connection.execute(
            f"""
            insert into hidden_row
            select '{table.table}', rowid from {schema}.{table.table}
            where ({table.rows}) and ({table.level}) = 'national' and ({listed})
            """
        )
    by_technology = [table for table in tables if "technology" in table.keys]
    if not by_technology or not connection.execute("select count(*) from hidden_row").fetchall()[0][0]:
        return
    told = " union ".join(
        f"select as_of_date, technology from {schema}.{table.table} as rows "
        f"inner join hidden_row on hidden_row.table_name = '{table.table}' and hidden_row.row_id = rows.rowid"
        for table in by_technology
    )
    connection.execute(f"create or replace temp table hidden_technology as {told}")
    for table in by_technology:
        connection.execute(
            f"""
            insert into hidden_row
            select '{table.table}', rows.rowid
            from {schema}.{table.table} as rows
            semi join hidden_technology
                on rows.as_of_date = hidden_technology.as_of_date
                    and rows.technology is not distinct from hidden_technology.technology
            where ({table.rows}) and ({table.level}) = 'national'
            """
        )
