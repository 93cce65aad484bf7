"""Small counts: the rule against an attacker who solves the published sums, and the open tier it makes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog  # type: ignore[import-untyped]

from tests.unit.release_kit import export, open_tier_of
from tests.unit.report_kit import contracted_tables
from warehouse.exports import ReleasedTable, TableColumn
from warehouse.open_tier import OpenTier
from warehouse.paths import PROJECT_DIR
from warehouse.small_cells import METRICS, TABLES, THRESHOLD, WHOLE_METRICS, Line, places_beside

DATE, CENSUS = "2025-12-31", "2026-01-01"
TECHNOLOGIES = ("2g", "4g")
OPERATORS = ("arman", "dala")
#: People of a district: kind of area -> technology -> by whom covered (nobody, one of the two, both).
Group = tuple[int, int, int, int]
Country = Mapping[str, Mapping[str, Mapping[str, Group]]]

COLUMNS = {
    "fct_coverage_by_technology": "technology varchar, population bigint, population_covered bigint, "
    "population_covered_pct double, households bigint, households_passed bigint, households_passed_pct double, "
    "evidence_claimed_pct double, evidence_corroborated_pct double, evidence_measured_pct double, "
    "evidence_disputed_pct double, denominator_as_of date",
    "fct_coverage_by_operator": "operator_id varchar, technology varchar, population bigint, "
    "population_covered bigint, population_covered_pct double, households bigint, households_passed bigint, "
    "households_passed_pct double, "
    "evidence_claimed_pct double, evidence_corroborated_pct double, evidence_measured_pct double, "
    "evidence_disputed_pct double",
    "fct_operator_overlap": "technology varchar, operators_exactly bigint, population bigint, "
    "population_exactly bigint, population_exactly_pct double",
}
PLACED = "as_of_date date, geography_level varchar, kato varchar, area_type varchar"


def areas_of(country: Country) -> Iterator[tuple[str, str, str, dict[str, Group]]]:
    """Level, code, kind of area and people by technology, of every place: the sums that a release publishes."""
    totals: dict[tuple[str, str, str], dict[str, np.ndarray]] = {}
    for district, areas in country.items():
        for area, technologies in areas.items():
            for level, kato in (
                ("district", district),
                ("region", f"{district[:2]}0000000"),
                ("national", "0" * 9),
            ):
                for kind in (area, "all"):
                    own = totals.setdefault((level, kato, kind), {})
                    for technology, people in technologies.items():
                        own[technology] = own.get(technology, np.zeros(4, int)) + np.array(people)
    for (level, kato, area), counted in sorted(totals.items()):
        yield level, kato, area, {name: _group(people) for name, people in counted.items()}


def _group(people: np.ndarray) -> Group:
    nobody, first, second, both = (int(count) for count in people)
    return nobody, first, second, both


def share(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None


def rows_of(country: Country) -> dict[str, list[tuple[object, ...]]]:
    """Rows of the tables, as the warehouse would compute them."""
    rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in COLUMNS}
    for level, kato, area, technologies in areas_of(country):
        place = (DATE, level, kato, area)
        for technology, (nobody, first, second, both) in technologies.items():
            people = nobody + first + second + both
            nothing = (people * 2, 0, 0.0, None, None, None, None)
            covered = first + second + both
            rows["fct_coverage_by_technology"].append(
                (*place, technology, people, covered, share(covered, people), *nothing, CENSUS)
            )
            for operator, own in zip(OPERATORS, (first + both, second + both), strict=True):
                rows["fct_coverage_by_operator"].append(
                    (*place, operator, technology, people, own, share(own, people), *nothing)
                )
            for count, exactly in enumerate((nobody, first + second, both)):
                rows["fct_operator_overlap"].append(
                    (*place, technology, count, people, exactly, share(exactly, people))
                )
    return rows


def open_tier_of_country(folder: Path, country: Country) -> OpenTier:
    """Write a release of the country and its open tier."""
    tables = []
    with duckdb.connect() as connection:
        for name, rows in rows_of(country).items():
            connection.execute(
                f"create table {name} ({PLACED}, {COLUMNS[name]}, status varchar, withheld_reason varchar)"
            )
            marks = ", ".join("?" for _ in rows[0])
            connection.executemany(f"insert into {name} values ({marks}, 'published', null)", rows)
            columns = tuple(
                TableColumn(column, kind, "")
                for column, kind, *_ in connection.execute(f"describe {name}").fetchall()
            )
            tables.append(ReleasedTable(name, "", columns, f"select * from {name}"))
        export(folder, tables, source=connection)
    return open_tier_of(folder, tables)


class Attacker:
    """Knows every table of the open tier and every way in which its figures add up; solves for what is not shown."""

    def __init__(self, folder: Path) -> None:
        self.names: dict[tuple[str, ...], int] = {}
        self.known: dict[int, float] = {}
        self.sums: list[dict[int, int]] = []
        with duckdb.connect(str(folder / "open" / "coverage.duckdb"), read_only=True) as connection:
            for table, value, keys in (
                ("fct_coverage_by_technology", "population_covered", ("technology",)),
                ("fct_coverage_by_operator", "population_covered", ("technology", "operator_id")),
                ("fct_operator_overlap", "population_exactly", ("technology", "operators_exactly")),
            ):
                rows = connection.execute(
                    f"""
                    select geography_level, kato, area_type, {keys[0]}, {keys[1] if len(keys) > 1 else "'any'"},
                        {value}, population, {value}_pct
                    from marts.{table}
                    """
                ).fetchall()
                for level, kato, area, technology, key, count, people, pct in rows:
                    cell = self.cell(level, kato, area, technology, str(key))
                    whole = self.cell(level, kato, area, technology, "people")
                    if people is not None:
                        self.known[whole] = people
                    if count is not None:
                        self.known[cell] = count
                    elif pct is not None and people is not None:
                        self.known[cell] = pct * people / 100
        self._add_up()

    def cell(self, *name: str) -> int:
        return self.names.setdefault(name, len(self.names))

    def _add_up(self) -> None:
        for level, kato, area, technology, key in list(self.names):
            cell = self.names[level, kato, area, technology, key]
            if level == "national":
                self._sum(
                    cell, [n for n in self.names if n[0] == "region" and n[2:] == (area, technology, key)]
                )
            if level == "region":
                parts = [
                    n
                    for n in self.names
                    if n[0] == "district" and n[1][:2] == kato[:2] and n[2:] == (area, technology, key)
                ]
                self._sum(cell, parts)
            if area == "all":
                kinds = [(level, kato, kind, technology, key) for kind in ("urban", "rural")]
                self._sum(cell, [name for name in kinds if name in self.names])
            if key == "people":
                here = (level, kato, area, technology)
                counts = [self.names[*here, str(count)] for count in range(3)]
                operators = [self.names[*here, operator] for operator in OPERATORS]
                self.sums.append({cell: -1} | dict.fromkeys(counts, 1))
                self.sums.append({cell: -1, counts[0]: 1, self.names[*here, "any"]: 1})
                self.sums.append(dict.fromkeys(operators, -1) | {counts[1]: 1, counts[2]: 2})

    def _sum(self, whole: int, parts: list[tuple[str, ...]]) -> None:
        self.sums.append({whole: -1} | {self.names[part]: 1 for part in parts})

    def bounds(self, *name: str) -> tuple[float, float]:
        """Least and most that a figure can be, given all that is published; nothing is negative."""
        matrix = np.zeros((len(self.sums), len(self.names)))
        for row, factors in enumerate(self.sums):
            for cell, factor in factors.items():
                matrix[row, cell] = factor
        limits = [
            (self.known[cell], self.known[cell]) if cell in self.known else (0, None)
            for cell in range(len(self.names))
        ]
        found = []
        for sign in (1, -1):
            aim = np.zeros(len(self.names))
            aim[self.names[name]] = sign
            answer = linprog(aim, A_eq=matrix, b_eq=np.zeros(len(self.sums)), bounds=limits, method="highs")
            assert answer.status in (0, 3), answer.message
            found.append(sign * answer.fun if answer.status == 0 else np.inf)
        return found[0], found[1]


groups = st.tuples(*(st.sampled_from((0, 0, 1, 2, 3, 4, 7, 40, 900)) for _ in range(4)))
districts = st.fixed_dictionaries(
    {"rural": st.fixed_dictionaries(dict.fromkeys(TECHNOLOGIES, groups))},
    optional={"urban": st.fixed_dictionaries(dict.fromkeys(TECHNOLOGIES, groups))},
)
countries = st.fixed_dictionaries(
    {f"{region}{number}000000": districts for region in ("10", "11") for number in (1, 2, 3)}
)


def with_equal_people(country: Country) -> Country:
    """The country with as many people under one technology as under the other; nobody covers who is left over."""
    evened: dict[str, dict[str, dict[str, Group]]] = {}
    for district, areas in country.items():
        for area, technologies in areas.items():
            most = max(sum(people) for people in technologies.values()) + 50
            evened.setdefault(district, {})[area] = {
                name: (people[0] + most - sum(people), *people[1:]) for name, people in technologies.items()
            }
    return evened


@given(country=countries)
# Without shrinking: each example writes a release.
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_no_small_count_can_be_reconstructed(
    tmp_path_factory: pytest.TempPathFactory, country: Country
) -> None:
    country = with_equal_people(country)
    folder = tmp_path_factory.mktemp("release")
    open_tier_of_country(folder, country)
    attacker = Attacker(folder)
    for level, kato, area, technologies in areas_of(country):
        if level == "national":
            continue
        for technology, (nobody, first, second, both) in technologies.items():
            counts = {
                "any": first + second + both, OPERATORS[0]: first + both, OPERATORS[1]: second + both,
                "0": nobody, "1": first + second, "2": both,
            }  # fmt: skip
            for key, count in counts.items():
                if 0 < count < THRESHOLD:
                    least, most = attacker.bounds(level, kato, area, technology, key)
                    assert most - least >= 1, (level, kato, area, technology, key, count, least, most)


def test_an_internal_column_is_empty_and_a_table_of_nothing_else_is_left_out(tmp_path: Path) -> None:
    key = TableColumn("kato", "VARCHAR", "Place.")
    secret = TableColumn("site", "VARCHAR", "Site.", None, is_internal=True)
    people = TableColumn("people", "BIGINT", "People.", "people", is_internal=True)
    tables = [
        ReleasedTable("mixed", "", (key, secret), "select '1' as kato, 'MARKER-7' as site", ("kato",)),
        ReleasedTable(
            "counts", "", (key, people), "select '1' as kato, 7654321::bigint as people", ("kato",)
        ),
        ReleasedTable("plain", "", (key,), "select '1' as kato", ("kato",)),
    ]
    export(tmp_path, tables)
    opened = open_tier_of(tmp_path, tables)
    assert opened.left_out == ("counts",)
    assert opened.internal_columns == ("mixed.site", "counts.people")
    with duckdb.connect(str(tmp_path / "open" / "coverage.duckdb"), read_only=True) as connection:
        assert connection.execute("select * from marts.mixed").fetchall() == [("1", None)]
    for path in sorted(path for path in (tmp_path / "open").rglob("*") if path.is_file()):
        assert b"MARKER-7" not in path.read_bytes(), path
        assert b"7654321" not in path.read_bytes(), path
    assert (tmp_path / "csv" / "plain.csv").samefile(tmp_path / "open" / "csv" / "plain.csv")
    assert b"MARKER-7" in (tmp_path / "csv" / "mixed.csv").read_bytes()


SIZES = {"a": 100, "b": 200, "c": 300, "d": 400}


def test_the_smallest_place_with_a_part_goes_beside_a_count_too_small() -> None:
    lines: dict[Line, dict[str, int]] = {("t", "4g"): {"a": 3, "b": 50, "c": 60, "d": 70}}
    assert places_beside(lines, ["a"], SIZES, THRESHOLD) == {"b"}


def test_a_place_without_a_part_in_the_sum_hides_nothing() -> None:
    # b has no 5G at all, as anybody can see: beside it the sum would still say 3.
    lines: dict[Line, dict[str, int]] = {
        ("t", "5g"): {"a": 3, "c": 60},
        ("t", "4g"): {"a": 80, "b": 50, "c": 60, "d": 70},
    }
    assert places_beside(lines, ["a"], SIZES, THRESHOLD) == {"c"}


def test_hidden_parts_come_to_the_threshold_together() -> None:
    lines: dict[Line, dict[str, int]] = {("t", "5g"): {"a": 1, "b": 2, "c": 60}}
    assert places_beside(lines, ["a", "b"], SIZES, THRESHOLD) == {"c"}


def test_where_no_place_suffices_the_sum_must_go() -> None:
    lines: dict[Line, dict[str, int]] = {("t", "5g"): {"a": 3}}
    assert places_beside(lines, ["a"], SIZES, THRESHOLD) is None


def meta_of(name: str) -> dict[str, dict[str, str]]:
    """Meta of a mart's columns."""
    for path in sorted((PROJECT_DIR / "dbt_project" / "models" / "marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
            if model["name"] == name:
                return {
                    each["name"]: (each.get("config") or {}).get("meta") or {} for each in model["columns"]
                }
    raise AssertionError(name)


@pytest.mark.parametrize("name", sorted(contracted_tables()))
def test_every_count_of_people_households_and_stations_is_ruled_or_internal(name: str) -> None:
    ruled = {column for table in TABLES if table.table == name for column in table.columns}
    counts = {
        column
        for column, meta in meta_of(name).items()
        if meta.get("unit") in ("people", "households", "stations") and meta.get("access") != "internal"
    }
    assert counts <= ruled


def test_every_metric_that_counts_people_or_households_is_ruled() -> None:
    with (PROJECT_DIR / "dbt_project" / "seeds" / "coverage" / "metric.csv").open(encoding="utf-8") as rows:
        metrics = [row["metric_id"] for row in csv.DictReader(rows)]
    begin = ("population", "households", "fibre_people", "fibre_households")
    # Those stand in tables of their own, not in fct_metric.
    elsewhere = {
        "population_covered_bounds_pct", "population_covered_largest_pct", "population_operator_covered_pct",
    }  # fmt: skip
    counting = {metric for metric in metrics if metric.startswith(begin)} - elsewhere
    assert counting == {*METRICS, *WHOLE_METRICS}
