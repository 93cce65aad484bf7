"""The same job as the checked floor, by what users would pick instead: one way each, written as one would by hand.

Belongs here: reading the filing, judging every row, setting faulty ones aside with their reasons, finding repeated
keys, and the coverage table; the answer as JSON. Does not belong here: measuring, comparing, or where a peer is
installed (`environments`). Imports nothing of the project and, at the top, nothing but Python's own: each peer has its
libraries in an environment of its own.

    python -m benchmarks.peers NAME FILING SETTLEMENTS FOLDER

NAME: one of PEERS. FILING: the CSV of `sample_dala`. SETTLEMENTS: CSV of settlement_kato, region_kato, population,
is_inhabited (1 or 0). FOLDER: for files. Peers on PostgreSQL find an empty database by libpq's variables.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

TECHNOLOGIES = ("dsl", "cable", "fttp", "fwa", "2g", "3g", "4g", "5g", "geo_satellite", "leo_satellite")
COLUMNS = ("location_id", "kato", "technology", "level", "down", "up")
SLOW, FAST = ("2g", "3g", "dsl", "geo_satellite"), ("5g", "cable", "fttp", "leo_satellite")
MAXIMA = {"level": 4, "down": 100_000, "up": 100_000}
NUMBER = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$"
_BATCH = 500_000

# --- The job in SQL that PostgreSQL, SQLite and Spark all run -----------------------------------------------------


def rules(is_id: str) -> list[tuple[str, str, str]]:
    """Rule, column, and SQL of when a row breaks it. `is_id`: SQL of whether location_id is 1 to 12 digits."""
    listed = ", ".join(f"'{technology}'" for technology in TECHNOLOGIES)
    found = [
        ("required_missing", "location_id", "location_id is null"),
        ("pattern_mismatch", "location_id", f"location_id is not null and not ({is_id})"),
        ("required_missing", "kato", "kato is null"),
        ("kato_unknown", "kato", "kato is not null and known is null"),
        ("required_missing", "technology", "technology is null"),
        ("not_allowed", "technology", f"technology not in ({listed})"),
        ("required_missing", "level", "level is null"),
        # Guarded: no number that PostgreSQL cannot hold as an integer is cast.
        (
            "not_an_integer",
            "level",
            "case when abs(level_n) < 1e9 then level_n <> cast(level_n as bigint) end",
        ),
    ]
    for name, maximum in MAXIMA.items():
        found += [
            ("not_a_number", name, f"{name} is not null and {name}_n is null"),
            ("below_minimum", name, f"{name}_n < 0"),
            ("above_maximum", name, f"{name}_n > {maximum}"),
        ]
    slow, fast = (", ".join(f"'{technology}'" for technology in each) for each in (SLOW, FAST))
    found += [
        (
            rule,
            name,
            f"({name}_n > 10000 and technology <> '5g') or ({name}_n > 1000 and technology in ({slow}))",
        )
        for name, rule in (("down", "impossible_speed"), ("up", "impossible_upload"))
    ]
    found.append(("implausibly_slow", "down", f"down_n > 0 and down_n < 1 and technology in ({fast})"))
    return found


def steps(number: Callable[[str], str], is_id: str) -> dict[str, str]:
    """SELECT of each table in order, from `raw` (source_row and text) and `settlements`. `number`: text as a number."""
    numbers = ", ".join(f"{number('raw.' + name)} as {name}_n" for name in MAXIMA)
    reasons = " || ".join(
        f"case when {broken} then '{rule}:{column};' else '' end" for rule, column, broken in rules(is_id)
    )
    return {
        "judged": f"""
            select found.*, {reasons} as reasons
            from (
                select raw.*, settlements.settlement_kato as known, {numbers}
                from raw left join settlements on raw.kato = settlements.settlement_kato
            ) as found""",
        "accepted": """
            select source_row, location_id, kato, technology, level_n, down_n, up_n from judged where reasons = ''""",
        "quarantined": f"select source_row, {', '.join(COLUMNS)}, reasons from judged where reasons <> ''",
        **COUNTED,
    }


#: From the accepted rows on.
COUNTED = {
    "repeated": """
        select
            location_id, technology,
            min(kato) <> max(kato) or min(level_n) <> max(level_n)
                or min(coalesce(down_n, -1)) <> max(coalesce(down_n, -1))
                or min(coalesce(up_n, -1)) <> max(coalesce(up_n, -1)) as is_conflict
        from accepted group by location_id, technology having count(*) > 1""",
    "removed": """
        select source_row, is_conflict
        from (
            select
                accepted.source_row, repeated.is_conflict,
                row_number() over (
                    partition by accepted.location_id, accepted.technology order by accepted.source_row
                ) as place
            from accepted
            inner join repeated
                on accepted.location_id = repeated.location_id and accepted.technology = repeated.technology
        ) as candidates
        where is_conflict or place > 1""",
    "reach": """
        select accepted.kato, accepted.technology, count(*) as households_passed
        from accepted left join removed on accepted.source_row = removed.source_row
        where accepted.level_n >= 2 and removed.source_row is null
        group by accepted.kato, accepted.technology""",
    "coverage": """
        select coalesce(region_kato, '000000000') as kato, technology, settlements_covered, population_covered,
            households_passed
        from (
            select settlements.region_kato, reach.technology, sum(settlements.is_inhabited) as settlements_covered,
                sum(settlements.population) as population_covered, sum(reach.households_passed) as households_passed
            from reach inner join settlements on reach.kato = settlements.settlement_kato
            group by settlements.region_kato, reach.technology
            union all
            select null as region_kato, reach.technology, sum(settlements.is_inhabited) as settlements_covered,
                sum(settlements.population) as population_covered, sum(reach.households_passed) as households_passed
            from reach inner join settlements on reach.kato = settlements.settlement_kato
            group by reach.technology
        ) as summed""",
}
_ANSWERS = {
    "coverage": "select kato, technology, settlements_covered, population_covered, households_passed from coverage",
    "removed": "select count(*), sum(case when is_conflict then 1 else 0 end) from removed",
    "accepted": "select count(*) from accepted",
    "quarantined": "select count(*) from quarantined",
}


def answer(query: Callable[[str], list[tuple[Any, ...]]]) -> dict[str, Any]:
    """The coverage table and the account of rows, as the checked floor tells them."""
    coverage = sorted(
        tuple(row[:2]) + tuple(int(value) for value in row[2:]) for row in query(_ANSWERS["coverage"])
    )
    ((removed, conflicts),) = query(_ANSWERS["removed"])
    conflicts = int(conflicts or 0)
    ((kept,),), ((bad,),) = query(_ANSWERS["accepted"]), query(_ANSWERS["quarantined"])
    by_rule: dict[str, int] = {}
    for rule, column, _ in rules(""):
        ((count,),) = query(f"select count(*) from quarantined where reasons like '%{rule}:{column};%'")
        if count:
            by_rule[rule] = by_rule.get(rule, 0) + int(count)
    names = ("kato", "technology", "settlements_covered", "population_covered", "households_passed")
    return {
        "coverage": [dict(zip(names, row, strict=True)) for row in coverage],
        "account": {
            "rows_read": kept + bad,
            "rows_accepted": kept - removed,
            "rows_quarantined": bad + conflicts,
            "rows_duplicate": removed - conflicts,
        },
        "reasons": dict(sorted(by_rule.items())) | ({"key_conflict": conflicts} if conflicts else {}),
    }


# --- The peers ----------------------------------------------------------------------------------------------------

_POSTGRES_NUMBER = f"case when {{0}} ~ '{NUMBER}' then cast({{0}} as double precision) end"
_POSTGRES_ID = "location_id ~ '^[0-9]{1,12}$'"


def pandas_postgres(filing: Path, settlements: Path, folder: Path) -> dict[str, Any]:
    """pandas reads and judges a part of the file at a time, PostgreSQL takes the rows by COPY and counts."""
    import psycopg2

    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    _load_settlements(cursor, settlements)
    known = {row["settlement_kato"] for row in _rows_of(settlements)}
    numbers = ", ".join(f"{name}_n double precision" for name in MAXIMA)
    cursor.execute(
        f"create unlogged table accepted (source_row bigint, location_id text, kato text, technology text, {numbers})"
    )
    texts = ", ".join(f"{name} text" for name in COLUMNS)
    cursor.execute(f"create unlogged table quarantined (source_row bigint, {texts}, reasons text)")
    for accepted, quarantined in _judged_by_pandas(filing, known):
        _copy_frame(cursor, "accepted", accepted)
        _copy_frame(cursor, "quarantined", quarantined)
    cursor.execute("analyze accepted")
    for name, select in COUNTED.items():
        cursor.execute(f"create unlogged table {name} as {select}")
        cursor.execute(f"analyze {name}")
    return answer(_asking(cursor))


def _judged_by_pandas(filing: Path, known: set[str]) -> Iterator[tuple[Any, Any]]:
    import pandas as pd

    first = 2
    for frame in pd.read_csv(filing, dtype="str", keep_default_na=False, na_values=[""], chunksize=_BATCH):
        frame.insert(0, "source_row", range(first, first + len(frame)))
        first += len(frame)
        number = {
            name: pd.to_numeric(frame[name].where(frame[name].str.match(NUMBER, na=False)), errors="coerce")
            for name in MAXIMA
        }
        broken = {
            "required_missing:location_id": frame["location_id"].isna(),
            "pattern_mismatch:location_id": ~frame["location_id"].str.match("^[0-9]{1,12}$", na=True),
            "required_missing:kato": frame["kato"].isna(),
            "kato_unknown:kato": frame["kato"].notna() & ~frame["kato"].isin(known),
            "required_missing:technology": frame["technology"].isna(),
            "not_allowed:technology": frame["technology"].notna() & ~frame["technology"].isin(TECHNOLOGIES),
            "required_missing:level": frame["level"].isna(),
            "not_an_integer:level": number["level"] % 1 > 0,
        }
        for name, maximum in MAXIMA.items():
            broken |= {
                f"not_a_number:{name}": frame[name].notna() & number[name].isna(),
                f"below_minimum:{name}": number[name] < 0,
                f"above_maximum:{name}": number[name] > maximum,
            }
        technology = frame["technology"]
        is_slow, is_fast = technology.isin(SLOW), technology.isin(FAST)
        for name, rule in (("down", "impossible_speed"), ("up", "impossible_upload")):
            too_fast = (number[name] > 10_000) & technology.notna() & (technology != "5g")
            broken[f"{rule}:{name}"] = too_fast | ((number[name] > 1_000) & is_slow)
        broken["implausibly_slow:down"] = (number["down"] > 0) & (number["down"] < 1) & is_fast
        reasons = pd.Series("", index=frame.index)
        for rule, where in broken.items():
            if where.any():
                reasons[where] += f"{rule};"
        good = reasons == ""
        accepted = frame.loc[good, ["source_row", "location_id", "kato", "technology"]]
        accepted = accepted.assign(**{f"{name}_n": number[name][good] for name in MAXIMA})
        yield accepted, frame[~good].assign(reasons=reasons[~good])


def _copy_frame(cursor: Any, table: str, frame: Any) -> None:
    import io

    stream = io.StringIO()
    frame.to_csv(stream, index=False, header=False)
    stream.seek(0)
    cursor.copy_expert(f"copy {table} from stdin (format csv)", stream)


def dbt_postgres(filing: Path, settlements: Path, folder: Path) -> dict[str, Any]:
    """COPY takes the file as text, dbt builds the tables by the same SQL."""
    import psycopg2

    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    _load_settlements(cursor, settlements)
    texts = ", ".join(f"{name} text" for name in COLUMNS)
    cursor.execute(
        f"create unlogged table raw (source_row bigint generated always as identity (start 2), {texts})"
    )
    with filing.open(encoding="utf-8") as stream:
        cursor.copy_expert(f"copy raw ({', '.join(COLUMNS)}) from stdin (format csv, header)", stream)
    cursor.execute("analyze raw")
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "name: peer\nversion: '1.0'\nprofile: peer\nmodels: {peer: {+materialized: table, +unlogged: true}}\n"
    )
    target = {
        "type": "postgres", "host": os.environ["PGHOST"], "port": int(os.environ["PGPORT"]), "schema": "public",
        "user": os.environ["PGUSER"], "password": os.environ.get("PGPASSWORD", ""), "dbname": os.environ["PGDATABASE"],
        "threads": 2,
    }  # fmt: skip
    (folder / "profiles.yml").write_text(json.dumps({"peer": {"target": "d", "outputs": {"d": target}}}))
    selects = steps(_POSTGRES_NUMBER.format, _POSTGRES_ID)
    for name, select in selects.items():
        for other in selects:
            # Only where a table is meant, not a column of the same name.
            for before in ("from", "join"):
                select = select.replace(
                    f"{before} {other}\n", f"{before} {{{{ ref('{other}') }}}} as {other}\n"
                )
                select = select.replace(
                    f"{before} {other} ", f"{before} {{{{ ref('{other}') }}}} as {other} "
                )
        (folder / "models" / f"{name}.sql").write_text(select)
    subprocess.run(
        [
            str(Path(sys.executable).with_name("dbt")),
            "--quiet",
            "run",
            "--project-dir",
            folder,
            "--profiles-dir",
            folder,
        ],
        check=True,
        stdout=sys.stderr,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )
    return answer(_asking(cursor))


def pyspark(filing: Path, settlements: Path, folder: Path) -> dict[str, Any]:
    """Spark on both cores reads the file as text and runs the same SQL; accepted and quarantined rows are Parquet."""
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.ansi.enabled", "false")
        .config("spark.driver.memory", "6g")
        .config("spark.sql.shuffle.partitions", "16")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.local.dir", str(folder / "local"))
        .getOrCreate()
    )
    texts = ", ".join(f"{name} string" for name in COLUMNS)
    filed = spark.read.csv(str(filing), schema=texts, header=True)
    # Rows are numbered in the order of the file: parts of a file are numbered upwards, and rows in each.
    filed.selectExpr("monotonically_increasing_id() as source_row", *COLUMNS).createOrReplaceTempView("raw")
    whole = "settlement_kato string, region_kato string, population long, is_inhabited long"
    spark.read.csv(str(settlements), schema=whole, header=True).createOrReplaceTempView("settlements")
    selects = steps("try_cast({0} as double)".format, "location_id rlike '^[0-9]{1,12}$'")
    for name, select in selects.items():
        found = spark.sql(select)
        if name == "judged":
            found.createOrReplaceTempView(name)
            continue
        found.write.parquet(str(folder / name))
        spark.read.parquet(str(folder / name)).createOrReplaceTempView(name)
    try:
        return answer(lambda sql: [tuple(row) for row in spark.sql(sql).collect()])
    finally:
        spark.stop()


def sqlite(filing: Path, settlements: Path, folder: Path) -> dict[str, Any]:
    """Python reads the file and SQLite does the rest, in one file."""
    import sqlite3

    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / "peer.db", isolation_level=None)
    for setting in (
        "journal_mode = off",
        "synchronous = off",
        "cache_size = -1000000",
        "temp_store = memory",
    ):
        connection.execute(f"pragma {setting}")
    connection.execute(
        "create table settlements (settlement_kato text primary key, region_kato text, population integer, "
        "is_inhabited integer) without rowid"
    )
    connection.executemany(
        "insert into settlements values (:settlement_kato, :region_kato, :population, :is_inhabited)",
        _rows_of(settlements),
    )
    connection.execute(
        f"create table raw (source_row integer primary key, {', '.join(f'{n} text' for n in COLUMNS)})"
    )
    with filing.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        connection.execute("begin")
        connection.executemany(
            "insert into raw values (?, ?, ?, ?, ?, ?, ?)",
            ((number, *(value or None for value in row)) for number, row in enumerate(rows, start=2)),
        )
        connection.execute("commit")
    is_number = "{0} glob '[0-9.+-]*' and {0} not glob '*[^0-9.eE+-]*'"
    selects = steps(
        f"case when {is_number} then cast({{0}} as real) end".format,
        "location_id not glob '*[^0-9]*' and length(location_id) between 1 and 12",
    )
    for name, select in selects.items():
        connection.execute(f"create table {name} as {select}")
        if name == "accepted":
            connection.execute("create index accepted_key on accepted (location_id, technology)")
        if name == "removed":
            connection.execute("create index removed_row on removed (source_row)")
    return answer(lambda sql: connection.execute(sql).fetchall())


PEERS: Mapping[str, Callable[[Path, Path, Path], dict[str, Any]]] = {
    "pandas-postgres": pandas_postgres, "dbt-postgres": dbt_postgres, "pyspark": pyspark, "sqlite": sqlite,
}  # fmt: skip


def _load_settlements(cursor: Any, settlements: Path) -> None:
    cursor.execute(
        "create table settlements (settlement_kato text primary key, region_kato text, population bigint, "
        "is_inhabited integer)"
    )
    with settlements.open(encoding="utf-8") as stream:
        cursor.copy_expert("copy settlements from stdin (format csv, header)", stream)
    cursor.execute("analyze settlements")


def _rows_of(settlements: Path) -> Iterable[dict[str, Any]]:
    with settlements.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _asking(cursor: Any) -> Callable[[str], list[tuple[Any, ...]]]:
    def ask(sql: str) -> list[tuple[Any, ...]]:
        cursor.execute(sql)
        return list(cursor.fetchall())

    return ask


def main(arguments: list[str]) -> None:
    """Run one peer and print its answer as JSON."""
    name, filing, settlements, folder = arguments
    Path(folder).mkdir(parents=True, exist_ok=True)
    print(json.dumps(PEERS[name](Path(filing), Path(settlements), Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1:])
