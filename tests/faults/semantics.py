"""What any country's figures must satisfy, as properties: each place, date and technology is an example.

Belongs here: the properties, asked of a finished build, and arbitrary countries to ask them of. Does not belong here:
the project's own expectations, which guard some of them in every run: these are written without a look at those.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import hypothesis.strategies as st
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from ingestion.pipeline import ingest
from tests.faults.gates import clean_inbox
from warehouse.paths import Home

ROUNDING = 1e-6
_AREA = "as_of_date, geography_level, kato, area_type"


@dataclass
class Property:
    """A property and what was seen of it: examples looked at, and those that break it."""

    name: str
    examples: int = 0
    broken: list[str] = field(default_factory=list)
    seeds: str = ""


def _nested(better: str, worse: str) -> str:
    return f"""
        select better.*, better.population_covered <= worse.population_covered
            and better.settlements_covered <= worse.settlements_covered
            and coalesce(better.villages_covered <= worse.villages_covered, true) as holds
        from marts.fct_coverage_by_technology as better
        inner join marts.fct_coverage_by_technology as worse using ({_AREA})
        where better.technology = '{better}' and worse.technology = '{worse}'
            and better.population_covered is not null and worse.population_covered is not null
    """


def _parts_make_whole(table: str, keys: str, numbers: tuple[str, ...], part: str, whole: str, of: str) -> str:
    """Parts of the wholes that all their parts are given of, in the numerator and the denominator alike."""
    sums = ", ".join(f"sum(parts.{name}) as {name}" for name in numbers)
    equal = " and ".join(f"added.{name} is not distinct from wholes.{name}" for name in numbers)
    return f"""
        with added as (
            select parts.as_of_date, {of} as kato, parts.area_type, {keys}, {sums}, count(*) as parts
            from marts.{table} as parts
            inner join marts.dim_region as regions
                on parts.kato = regions.region_kato and regions.is_current
            where parts.geography_level = '{part}'
            group by all
        )

        select wholes.as_of_date, wholes.kato, wholes.area_type, added.parts, {equal} as holds
        from marts.{table} as wholes
        inner join added using (as_of_date, kato, area_type, {keys})
        where wholes.geography_level = '{whole}'
    """


_COUNTS = (
    "population",
    "population_covered",
    "settlements",
    "settlements_covered",
    "villages",
    "villages_covered",
)

#: Each gives a row an example, with `holds`.
PROPERTIES: dict[str, str] = {
    "any operator covers no fewer than the largest and no more than the sum": f"""
        select any_operator.*, any_operator.population_covered between largest and together
            and any_operator.settlements_covered between largest_settlements and together_settlements as holds
        from marts.fct_coverage_by_technology as any_operator
        inner join (
            select {_AREA}, technology, max(population_covered) as largest, sum(population_covered) as together,
                max(settlements_covered) as largest_settlements, sum(settlements_covered) as together_settlements
            from marts.fct_coverage_by_operator group by all
        ) as operators using ({_AREA}, technology)
    """,
    "shares covered by exactly n operators make 100": f"""
        select {_AREA}, technology, abs(sum(population_exactly_pct) - 100) < {ROUNDING}
            and sum(population_exactly) = max(population) as holds
        from marts.fct_operator_overlap where population > 0 group by all
    """,
    "covered by none is what any operator leaves": f"""
        select overlap.*, overlap.population_exactly = covered.population - covered.population_covered as holds
        from marts.fct_operator_overlap as overlap
        inner join marts.fct_coverage_by_technology as covered using ({_AREA}, technology)
        where overlap.operators_exactly = 0
    """,
    "5G or better is within 4G or better": _nested("5g", "4g"),
    "4G or better is within 3G or better": _nested("4g", "3g"),
    "3G or better is within 2G or better": _nested("3g", "2g"),
    "covered are part of the population": """
        select *, population_covered between 0 and population and (
            population = 0 or abs(population_covered_pct - 100.0 * population_covered / population) < 1e-6
        ) as holds
        from marts.fct_coverage_by_technology where population is not null and population_covered is not null
    """,
    "regions make the nation": _parts_make_whole(
        "fct_coverage_by_technology", "technology", _COUNTS, "region", "national", "'000000000'"
    ),
    "districts make their region": _parts_make_whole(
        "fct_coverage_by_technology", "technology", _COUNTS, "district", "region", "regions.parent_kato"
    ),
    "villages covered are those of the filings": """
        with reached as (
            select filings.as_of_date, technologies.technology, filings.settlement_kato
            from intermediate.int_availability as filings
            inner join marts.dim_technology as filed on filings.technology = filed.technology
            inner join marts.dim_technology as technologies
                on filed.technology = technologies.technology
                or (filed.is_cumulative and technologies.is_cumulative and filed.rank > technologies.rank)
            where filings.connection_level >= 2
            group by all
        ),

        counted as (
            select reached.as_of_date, reached.technology, settlements.region_kato as kato, count(*) as villages
            from reached
            inner join intermediate.int_settlement as settlements using (settlement_kato)
            where settlements.is_programme
            group by all
        )

        select covered.as_of_date, covered.kato, covered.technology,
            covered.villages_covered = coalesce(counted.villages, 0) as holds
        from marts.fct_coverage_by_technology as covered
        left join counted using (as_of_date, technology, kato)
        where covered.geography_level = 'region' and covered.area_type = 'all' and covered.villages_covered is not null
    """,
}


def ask(connection: duckdb.DuckDBPyConnection) -> list[Property]:
    """Every property of a build."""
    found = []
    for name, query in PROPERTIES.items():
        (examples,) = connection.execute(f"select count(*) from ({query})").fetchall()[0]
        broken = connection.execute(
            f"select * from ({query}) where holds is distinct from true limit 5"
        ).fetchall()
        found.append(Property(name, examples, [str(row) for row in broken]))
    return found


# --- Arbitrary countries ----------------------------------------------------------------------------------------------


@st.composite
def claims_of_a_country(draw: st.DrawFn) -> dict[str, Any]:
    """How an operator's filing is drawn: for each region how many settlements it names and how far it has built."""
    share = st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0])
    return {
        "seed": draw(st.integers(0, 2**32 - 1)),
        "named": draw(st.lists(share, min_size=20, max_size=20)),
        "top_level": draw(st.lists(st.integers(0, 4), min_size=20, max_size=20)),
        "unknown": draw(share),
    }


def availability(kato: list[str], technologies: list[str], drawn: dict[str, Any]) -> bytes:
    """A filing of the satellite operator's form, with any technology its layout knows."""
    rng = np.random.default_rng(drawn["seed"])
    regions = sorted({code[:2] for code in kato})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["kato", "technology", "level", "down_mbps", "up_mbps"])
    for code in kato:
        region = regions.index(code[:2]) % 20
        for technology in technologies:
            if rng.random() < drawn["named"][region]:
                level = int(rng.integers(0, drawn["top_level"][region] + 1))
                speed = "" if rng.random() < drawn["unknown"] else str(round(float(rng.uniform(0, 400)), 1))
                writer.writerow([code, technology, level, speed, speed])
    return out.getvalue().encode()


def mobile(template: bytes, drawn: dict[str, Any]) -> bytes:
    """The mobile operator's filing of a quarter, thinned out and with its levels drawn anew."""
    rng = np.random.default_rng([drawn["seed"], 1])
    lines = template.decode("utf-16").split("\n")
    regions = sorted({line.split("\t")[0] for line in lines[1:] if line})
    kept = [lines[0]]
    for line in lines[1:]:
        if line:
            cells = line.split("\t")
            region = regions.index(cells[0]) % 20
            if rng.random() < max(drawn["named"][region], 0.02):
                cells[4] = str(int(rng.integers(0, drawn["top_level"][region] + 1)))
                kept.append("\t".join(cells))
    return ("\n".join(kept) + "\n").encode("utf-16")


def on_arbitrary_countries(folder: Path, countries: int, say: Callable[[str], None]) -> Iterator[Property]:
    """Build countries whose operators claim what hypothesis draws, and ask every property of each.

    Each country replaces two operators' filings for the last quarter: so the quarter before must stay as it was.
    """
    from orchestration import dbt_engine

    home, inbox = Home(folder / "home"), clean_inbox(folder / "clean")
    satellite, cells = (
        inbox / "sample_koktem/satellite_2025q4.csv",
        inbox / "sample_sayran/sayran_coverage_2025_4.txt",
    )
    template = cells.read_bytes()
    places = list(
        csv.DictReader((inbox / "sample_bureau/sample_settlement_positions.csv").open(encoding="utf-8"))
    )
    kato = [row["kato"] for row in places if row["kato"]]
    totals = {name: Property(name) for name in (*PROPERTIES, "a filing changes no other quarter")}
    before: list[str] = []

    def build() -> None:
        ingest(home, inbox)
        dbt_engine.ensure_manifest(home)
        dbt_engine.build(home)

    def earlier(connection: duckdb.DuckDBPyConnection) -> str:
        tables = ("fct_coverage_by_technology", "fct_coverage_by_operator", "fct_operator_overlap")
        return " ".join(
            str(connection.execute(
                f"select count(*), bit_xor(hash({table})) from marts.{table} where as_of_date = date '2025-09-30'"
            ).fetchall())
            for table in tables
        )  # fmt: skip

    @seeded(0)
    @settings(
        max_examples=countries,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(claims_of_a_country(), claims_of_a_country())
    def one(first: dict[str, Any], second: dict[str, Any]) -> None:
        satellite.write_bytes(availability(kato, ["GEO", "LEO"], first))
        cells.write_bytes(mobile(template, second))
        build()
        with duckdb.connect(str(home.build_file), read_only=True) as connection:
            for found in ask(connection):
                totals[found.name].examples += found.examples
                totals[found.name].broken += [
                    f"{first['seed']}, {second['seed']}: {row}" for row in found.broken
                ]
            before.append(earlier(connection))
        kept = totals["a filing changes no other quarter"]
        kept.examples += 1
        kept.broken += [f"{first['seed']}, {second['seed']}"] if before[-1] != before[0] else []
        say(f"country {kept.examples}: {sum(len(p.broken) for p in totals.values())} broken")

    build()
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        before.append(earlier(connection))
    one()
    for found in totals.values():
        found.seeds = "hypothesis 0"
        yield found
