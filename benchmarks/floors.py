"""The floors: what a plain script needs for the same coverage table from the same filing by address.

`bare` reads the file and counts. `checked` also applies every rule of the contract
`ingestion/contracts/operator_address_availability.yaml`, sets faulty rows aside with their reasons, and finds
repeated keys. Both are written as one would write them by hand for this one file, and import nothing of the
project. Does not belong here: measuring, or anything that would make a floor slower than it has to be.

    python -m benchmarks.floors bare|checked FILING SETTLEMENTS FOLDER

FILING is the CSV of `sample_dala`; SETTLEMENTS is Parquet with settlement_kato, region_kato, population and
is_inhabited; FOLDER receives Parquet. Prints JSON: `coverage`, rows of kato (000000000 the nation), technology,
settlements_covered, population_covered, households_passed; and from `checked` also `account` and `reasons`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

TECHNOLOGIES = ["dsl", "cable", "fttp", "fwa", "2g", "3g", "4g", "5g", "geo_satellite", "leo_satellite"]
MAX_MBPS = 100_000
# Technologies that sell no gigabit, and those that sell nothing below one megabit.
SLOW, FAST = ["2g", "3g", "dsl", "geo_satellite"], ["5g", "cable", "fttp", "leo_satellite"]
_COVERAGE = """
    select
        coalesce(settlements.region_kato, '000000000') as kato,
        reach.technology,
        count(*) filter (settlements.is_inhabited) as settlements_covered,
        cast(sum(settlements.population) as bigint) as population_covered,
        cast(sum(reach.households_passed) as bigint) as households_passed
    from reach
    inner join settlements on reach.kato = settlements.settlement_kato
    group by grouping sets ((reach.technology), (reach.technology, settlements.region_kato))
    order by kato, technology
"""


def bare(filing: Path, settlements: Path, folder: Path) -> dict[str, Any]:
    """Read the file as it is and count.

    Lines that cannot be meant are passed over without a word, and an address counts once.
    """
    schema: dict[str, type[pl.DataType]] = {
        "location_id": pl.Int64,
        "kato": pl.String,
        "technology": pl.String,
        "level": pl.Int8,
        "down": pl.Float32,
        "up": pl.Float32,
    }
    rows = folder / "rows.parquet"
    pl.scan_csv(filing, schema=schema).sink_parquet(rows, compression="zstd", compression_level=1)
    connection = _connect(folder, settlements)
    connection.execute(
        """
        create temp table reach as
        select kato, technology, count(distinct location_id) as households_passed
        from read_parquet(?)
        where technology is not null and level between 2 and 4 and down >= 0
        group by all
        """,
        [str(rows)],
    )
    return {"coverage": _dictionaries(connection.sql(_COVERAGE))}


def checked(filing: Path, settlements: Path, folder: Path) -> dict[str, Any]:
    """Read the file as text, judge every row, keep what was set aside and why, find repeated keys, and count."""
    accepted, quarantined = folder / "accepted.parquet", folder / "quarantined.parquet"
    known = pl.scan_parquet(settlements).select(kato="settlement_kato", is_known=pl.lit(True))
    text = pl.scan_csv(filing, infer_schema=False, row_index_name="source_row", row_index_offset=2)
    columns = text.collect_schema().names()[1:]
    numbers = ["level", "down", "up"]
    rules = _rules()
    judged = (
        text.join(known, on="kato", how="left")
        .with_columns(pl.col(name).cast(pl.Float64, strict=False).alias(f"{name}_number") for name in numbers)
        .with_columns(broken.fill_null(False).alias(f"{rule}|{column}") for rule, column, broken in rules)
        .with_columns(is_bad=pl.any_horizontal(f"{rule}|{column}" for rule, column, _ in rules))
    )
    reasons = [
        pl.when(f"{rule}|{column}").then(
            pl.struct(rule=pl.lit(rule), column_name=pl.lit(column), value=pl.col(column))
        )
        for rule, column, _ in rules
    ]
    pl.collect_all(
        [
            judged.filter(~pl.col("is_bad"))
            .select(
                "source_row",
                "location_id",
                "kato",
                "technology",
                level=pl.col("level_number").cast(pl.Int64),
                down="down_number",
                up="up_number",
            )
            .sink_parquet(accepted, compression="zstd", compression_level=1, lazy=True),
            judged.filter("is_bad")
            .select("source_row", *columns, reasons=pl.concat_list(reasons).list.drop_nulls())
            .sink_parquet(quarantined, lazy=True),
        ],
        engine="streaming",
    )
    connection = _connect(folder, settlements)
    _find_repeated(connection, accepted)
    connection.execute(
        """
        create temp table reach as
        select kato, technology, count(*) as households_passed
        from read_parquet(?)
        where level >= 2 and source_row not in (select source_row from removed)
        group by all
        """,
        [str(accepted)],
    )
    coverage = _dictionaries(connection.sql(_COVERAGE))
    connection.execute(f"copy removed to '{folder / 'removed.parquet'}'")
    return {"coverage": coverage, **_account(connection, accepted, quarantined)}


def _rules() -> list[tuple[str, str, pl.Expr]]:
    """Rule, column, and where a row breaks it; unknown counts as kept."""
    location, technology = pl.col("location_id"), pl.col("technology")
    rules = [
        ("required_missing", "location_id", location.is_null()),
        ("pattern_mismatch", "location_id", ~location.str.contains(r"^[0-9]{1,12}$")),
        ("required_missing", "kato", pl.col("kato").is_null()),
        ("kato_unknown", "kato", pl.col("kato").is_not_null() & pl.col("is_known").is_null()),
        ("required_missing", "technology", technology.is_null()),
        ("not_allowed", "technology", ~technology.is_in(TECHNOLOGIES)),
        ("required_missing", "level", pl.col("level").is_null()),
        ("not_an_integer", "level", pl.col("level_number") % 1 != 0),
    ]
    for name, maximum in (("level", 4), ("down", MAX_MBPS), ("up", MAX_MBPS)):
        number = pl.col(f"{name}_number")
        rules += [
            ("not_a_number", name, pl.col(name).is_not_null() & ~number.is_finite().fill_null(False)),
            ("below_minimum", name, number < 0),
            ("above_maximum", name, number > maximum),
        ]
    for name, rule in (("down", "impossible_speed"), ("up", "impossible_upload")):
        number = pl.col(f"{name}_number")
        too_fast = (number > 10_000) & (technology != "5g") | (number > 1_000) & technology.is_in(SLOW)
        rules.append((rule, name, too_fast))
    down = pl.col("down_number")
    rules.append(("implausibly_slow", "down", (down > 0) & (down < 1) & technology.is_in(FAST)))
    return rules


def _find_repeated(connection: duckdb.DuckDBPyConnection, accepted: Path) -> None:
    """Make `removed`: rows that say an earlier one again, and all rows of a key that contradict each other."""
    connection.execute(
        """
        create temp table repeated as
        select location_id, technology from read_parquet(?) group by all having count(*) > 1
        """,
        [str(accepted)],
    )
    connection.execute(
        """
        create temp table removed as
        with candidates as (
            select
                source_row,
                row_number() over key_rows as place,
                count(distinct (kato, level, down, up)) over all_key_rows > 1 as is_conflict
            from read_parquet(?)
            semi join repeated using (location_id, technology)
            window
                key_rows as (partition by location_id, technology order by source_row),
                all_key_rows as (partition by location_id, technology)
        )
        select source_row, is_conflict from candidates where is_conflict or place > 1
        """,
        [str(accepted)],
    )


def _account(connection: duckdb.DuckDBPyConnection, accepted: Path, quarantined: Path) -> dict[str, Any]:
    conflicts, duplicates = connection.execute(
        "select count(*) filter (is_conflict), count(*) filter (not is_conflict) from removed"
    ).fetchone() or (0, 0)
    kept = int(pl.scan_parquet(accepted).select(pl.len()).collect().item())
    rules = pl.read_parquet(quarantined, columns=["reasons"])
    counted = rules["reasons"].explode().struct.field("rule").drop_nulls().value_counts().sort("rule").rows()
    reasons = dict(counted) | ({"key_conflict": conflicts} if conflicts else {})
    account = {
        "rows_read": kept + rules.height,
        "rows_accepted": kept - conflicts - duplicates,
        "rows_quarantined": rules.height + conflicts,
        "rows_duplicate": duplicates,
    }
    return {"account": account, "reasons": reasons}


def _connect(folder: Path, settlements: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"memory_limit": "3GB", "temp_directory": str(folder / "spill")})
    connection.execute(f"create view settlements as select * from read_parquet('{settlements}')")
    return connection


def _dictionaries(relation: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def main(arguments: list[str]) -> None:
    """Run one floor and print its answer as JSON."""
    name, filing, settlements, folder = arguments
    floor = {"bare": bare, "checked": checked}[name]
    Path(folder).mkdir(parents=True, exist_ok=True)
    print(json.dumps(floor(Path(filing), Path(settlements), Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1:])
