"""Whatever changes between two releases, every changed number is told, and what it is made of adds up.

Countries, claims and changes are drawn: villages get other codes or are merged, people are counted anew, filings say
other than they did, a quarter comes.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.release_kit import EAST, NATION, Q3, Q4, WEST, SmallRelease
from warehouse.paths import Home
from warehouse.revision import COMPONENTS, compare_releases

DISTRICTS = {WEST: ("101000000", "102000000"), EAST: ("111000000", "112000000")}
OPERATORS, TECHNOLOGIES = ("arman", "dala"), ("fttp", "2g", "4g", "5g")
EXAMPLES = 12
#: Each component is rounded to six decimals once.
ROUNDING = Decimal("0.000006")

Claims = Mapping[tuple[dt.date, str, str, str], tuple[int, float, float]]
Place = tuple[str, str, bool, int]


@dataclass(frozen=True)
class Country:
    """Places by code, and what operators claim of them."""

    places: Mapping[str, Place]
    claims: Claims

    def with_codes(self, codes: Mapping[str, str]) -> Country:
        """The same places under other codes; several that get one code become one, with all their people and claims."""
        places: dict[str, Place] = {}
        for kato, place in self.places.items():
            people = places[codes[kato]][3] if codes[kato] in places else 0
            places[codes[kato]] = (*place[:3], place[3] + people)
        claims: dict[tuple[dt.date, str, str, str], tuple[int, float, float]] = {}
        for (date, kato, operator, technology), claim in sorted(self.claims.items()):
            key = (date, codes[kato], operator, technology)
            claims[key] = max(claims.get(key, claim), claim)
        return Country(places, claims)


def claims_of(places: Mapping[str, Place], dates: tuple[dt.date, ...]) -> st.SearchStrategy[Claims]:
    keys = [
        (date, kato, who, what)
        for date in dates
        for kato in places
        for who in OPERATORS
        for what in TECHNOLOGIES
    ]
    claim = st.builds(lambda level: (level, 10.0 * level, 1.0 * level), st.integers(0, 4))
    return st.dictionaries(st.sampled_from(keys), claim, max_size=len(keys))


@st.composite
def countries(draw: st.DrawFn, dates: tuple[dt.date, ...] = (Q3, Q4)) -> Country:
    places: dict[str, Place] = {}
    for number in range(draw(st.integers(2, 7))):
        region = draw(st.sampled_from((WEST, EAST)))
        district = draw(st.sampled_from(DISTRICTS[region]))
        people = draw(st.integers(1, 3000))
        places[f"{district[:4]}{number + 1:03d}00"] = (region, district, draw(st.booleans()), people)
    return Country(places, draw(claims_of(places, dates)))


def release(number: int, country: Country, **told: Any) -> SmallRelease:
    needs = "operator_availability|operator_address_availability,population,kato_classifier"
    return SmallRelease(f"pub-00000000000{number}", country.places, country.claims, share_needs=needs, **told)


def compared(
    older: SmallRelease, newer: SmallRelease
) -> tuple[list[dict[str, Any]], dict[tuple[Any, ...], Any]]:
    """Revisions, and by key every number of the same date that is other than it was: compared by other code."""
    key = "metric_id, as_of_date, geography_level, kato, area_type, technology"
    with tempfile.TemporaryDirectory() as folder:
        old, new = (one.write(Home(Path(folder) / "home"), with_lake=False) for one in (older, newer))
        rows = compare_releases(old, new).to_pylist()
        values: list[dict[tuple[Any, ...], float | None]] = []
        for place in (old, new):
            with duckdb.connect(str(place / "coverage.duckdb"), read_only=True) as connection:
                found = connection.execute(f"select {key}, round(value, 6) from marts.fct_metric").fetchall()
                values.append({tuple(row[:-1]): row[-1] for row in found})
    before, after = values
    other = {one: after[one] for one in before.keys() & after.keys() if before[one] != after[one]}
    return rows, other


def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("metric_id", "as_of_date", "geography_level", "kato", "area_type", "technology")
    return tuple(row[name] for name in names)


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_every_change_is_told_and_adds_up(data: st.DataObject) -> None:
    older = data.draw(countries((Q3,)))
    places = {
        kato: (*place[:3], data.draw(st.sampled_from((place[3], place[3] + 7, 1))))
        for kato, place in older.places.items()
    }
    dates = data.draw(st.sampled_from(((Q3,), (Q3, Q4))))
    newer = Country(places, data.draw(claims_of(places, dates)))
    changed = {"census.2025": {"content_fingerprint": "other"}, "kato.2025": {"content_fingerprint": "other"}}
    rows, other = compared(release(1, older), release(2, newer, extracts=changed))
    for row in rows:
        if row["difference"] is not None:
            assert sum(row[name] for name in COMPONENTS) == row["difference"]
            told = Decimal(str(round(row["new_value"], 6))) - Decimal(str(round(row["old_value"], 6)))
            assert abs(row["difference"] - told) <= ROUNDING
    revised = {key_of(row): row["new_value"] for row in rows if row["change"] == "revised"}
    assert {key: round(value, 6) for key, value in revised.items()} == other


@settings(max_examples=EXAMPLES)
@given(countries())
def test_a_village_under_another_code_changes_no_total(country: Country) -> None:
    renamed = country.with_codes({kato: f"{kato[:4]}9{kato[5:]}" for kato in country.places})
    rows, other = compared(
        release(1, country), release(2, renamed, extracts={"kato.2025": {"content_fingerprint": "other"}})
    )
    assert rows == []
    assert other == {}


@settings(max_examples=EXAMPLES)
@given(countries(), st.data())
def test_villages_that_are_merged_leave_the_nation_explained(country: Country, data: st.DataObject) -> None:
    """One takes in another of its district and kind; where figures are other, the map says why, and nothing is left."""
    pairs = [
        (into, gone)
        for into, one in country.places.items()
        for gone, another in country.places.items()
        if into != gone and one[:3] == another[:3]
    ]
    if not pairs:
        return
    into, gone = data.draw(st.sampled_from(pairs))
    # Operators go on saying of the one what they said of it; what they said of the other goes with it.
    left = replace(country, claims={key: claim for key, claim in country.claims.items() if key[1] != gone})
    merged = left.with_codes({kato: into if kato == gone else kato for kato in country.places})
    if not merged.claims or {key[0] for key in merged.claims} != {key[0] for key in country.claims}:
        return
    rows, other = compared(
        release(1, country), release(2, merged, extracts={"kato.2025": {"content_fingerprint": "other"}})
    )
    people = [row for row in rows if row["metric_id"] == "population_covered_pct"]
    assert {key_of(row) for row in people} == {key for key in other if key[0] == "population_covered_pct"}
    for row in people:
        assert abs(row["residual"]) <= ROUNDING, row
        assert row["correction"] == 0, "no filing said anything else of a village that is still there"
        assert row["cause"] == "boundary", row
        assert row["kato"] in (NATION, country.places[into][0], country.places[into][1])
