"""What changed between two releases, why, and what a change is made of: sums that can be done by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.release_kit import CLAIMS, EAST, NATION, PLACES, Q3, Q4, WEST, SmallRelease
from warehouse.paths import Home
from warehouse.revision import COMPONENTS, REVISION_COLUMNS, compare_releases

SHARE = "population_covered_pct"
FIRST = {key: claim for key, claim in CLAIMS.items() if key[0] == Q3}
Rows = dict[tuple[str, str, str | None, dt.date], dict[str, Any]]
Compare = Callable[..., Rows]


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Rows by place, area type, technology and date, of the share of people unless another metric is asked for."""

    def comparing(older: SmallRelease, newer: SmallRelease, metric: str = SHARE) -> Rows:
        newer.publication_id = "pub-000000000002"
        folders = [release.write(Home(tmp_path / "home"), with_lake=False) for release in (older, newer)]
        table = compare_releases(*folders)
        assert table.column_names == [column.name for column in REVISION_COLUMNS]
        rows = table.to_pylist()
        for row in rows:
            if row["difference"] is not None:
                assert sum(row[name] for name in COMPONENTS) == row["difference"], row
        return {
            (row["kato"], row["area_type"], row["technology"], row["as_of_date"]): row
            for row in rows
            if row["metric_id"] == metric
        }

    return comparing


def parts(row: dict[str, Any]) -> dict[str, float]:
    """The components that are not nought, as numbers."""
    return {name: float(row[name]) for name in COMPONENTS if row[name]}


def changed(extract: str) -> dict[str, dict[str, Any]]:
    """A delivery of the same name with other content: the same bytes read otherwise."""
    return {extract: {"content_fingerprint": "other"}}


def test_equal_releases_have_no_revisions(compare: Compare) -> None:
    assert compare(SmallRelease(), SmallRelease(code_version="tree-2")) == {}


def test_a_filing_that_says_other_than_it_did_is_a_correction_and_never_building(compare: Compare) -> None:
    claims = {**CLAIMS, (Q3, "102000200", "arman", "4g"): (2, 9.0, 1.0)}
    rows = compare(SmallRelease(), SmallRelease(claims=claims, extracts=changed("arman.2025-09-30")))
    row = rows[WEST, "all", "4g", Q3]
    assert (row["change"], row["cause"], row["old_value"], row["new_value"]) == (
        "revised",
        "correction",
        90.0,
        100.0,
    )
    assert parts(row) == {"correction": 10.0}
    assert (EAST, "all", "4g", Q3) not in rows


def test_a_filing_that_a_sender_replaced_is_a_resubmission(compare: Compare) -> None:
    claims = {key: claim for key, claim in CLAIMS.items() if key != (Q3, "102000100", "arman", "5g")}
    extracts = {
        "arman.2025-09-30.again": {
            "sender": "arman", "extract_kind": "operator_availability", "as_of_date": Q3, "file_name": "again.csv",
        },
        "arman.2025-09-30": {"is_current": False, "superseded_by": "arman.2025-09-30.again"},
    }  # fmt: skip
    row = compare(SmallRelease(), SmallRelease(claims=claims, extracts=extracts))[WEST, "all", "4g", Q3]
    assert (row["cause"], parts(row)) == ("resubmission", {"correction": -30.0})


def test_a_filing_that_was_missing_is_late(compare: Compare) -> None:
    claims = {**CLAIMS, (Q3, "102000200", "tulpar", "4g"): (2, 9.0, 1.0)}
    row = compare(SmallRelease(), SmallRelease(claims=claims))[WEST, "all", "4g", Q3]
    assert (row["cause"], parts(row)) == ("late_filing", {"correction": 10.0})


def test_a_census_moves_the_whole_and_what_is_covered_of_it(compare: Compare) -> None:
    """West 900 of 1000; then 1500 people in the village that is not covered: 900 of 2400."""
    places = {**PLACES, "102000200": (WEST, "102000000", True, 1500)}
    row = compare(SmallRelease(), SmallRelease(places=places, extracts=changed("census.2025")))[
        WEST, "all", "4g", Q3
    ]
    assert (row["cause"], parts(row)) == ("census", {"denominator": -52.5})


def test_a_village_that_moves_to_another_region_is_geography_in_both(compare: Compare) -> None:
    """West 900 of 1000 loses 300 of 300: 600 of 700. East gains them: 300 of 800. The nation stays as it is."""
    places = {**PLACES, "102000100": (EAST, "111000000", True, 300)}
    rows = compare(SmallRelease(), SmallRelease(places=places, extracts=changed("kato.2025")))
    west, east = rows[WEST, "all", "4g", Q3], rows[EAST, "all", "4g", Q3]
    assert (west["cause"], east["cause"]) == ("boundary", "boundary")
    assert parts(west) == {"geography": pytest.approx(600 / 7 - 90, abs=1e-6)}
    assert parts(east) == {"geography": 37.5}
    assert not [key for key in rows if key[0] == NATION]


def test_an_abolished_village_leaves_both_parts(compare: Compare) -> None:
    places = {kato: where for kato, where in PLACES.items() if kato != "102000200"}
    claims = {key: claim for key, claim in CLAIMS.items() if key[1] != "102000200"}
    row = compare(SmallRelease(), SmallRelease(places=places, claims=claims, extracts=changed("kato.2025")))[
        WEST, "all", "4g", Q3
    ]
    assert row["new_value"] == 100.0
    assert (row["cause"], parts(row)) == ("boundary", {"geography": 10.0})


def test_a_rule_that_changes_is_method_on_the_same_filings(compare: Compare) -> None:
    rows = compare(
        SmallRelease(), SmallRelease(presence_level=1, method_version="2.0", code_version="tree-2")
    )
    row = rows[EAST, "all", "4g", Q4]
    assert (row["old_value"], row["new_value"], row["cause"]) == (0.0, 100.0, "method")
    assert parts(row) == {"method": 100.0}
    assert row["causes"] == "method,code"


def test_a_rule_that_changes_without_saying_so_is_code(compare: Compare) -> None:
    row = compare(SmallRelease(), SmallRelease(presence_level=1, code_version="tree-2"))[
        EAST, "all", "4g", Q4
    ]
    assert (row["cause"], parts(row)) == ("code", {"method": 100.0})


def test_what_a_model_reads_besides_is_code_and_no_new_delivery(compare: Compare) -> None:
    """The census was there before; that the share rests on it now is the doing of the code."""
    older = SmallRelease(share_needs="operator_availability")
    newer = SmallRelease(presence_level=1, code_version="tree-2", extracts=changed("census.2025"))
    row = compare(older, newer)[EAST, "all", "4g", Q4]
    assert (row["cause"], row["causes"]) == ("code", "code")


def test_what_nothing_explains_is_called_so(compare: Compare) -> None:
    """The same deliveries, read alike by the same code, cannot give another number: somebody should ask."""
    claims = {**CLAIMS, (Q3, "102000200", "arman", "4g"): (2, 9.0, 1.0)}
    row = compare(SmallRelease(), SmallRelease(claims=claims))[WEST, "all", "4g", Q3]
    assert (row["cause"], row["causes"], parts(row)) == ("unexplained", "unexplained", {"correction": 10.0})


def test_several_causes_are_parted(compare: Compare) -> None:
    """More people and a correction at once: 900 of 1000 -> 900 of 1400 -> 1400 of 1400."""
    places = {**PLACES, "102000200": (WEST, "102000000", True, 500)}
    claims = {**CLAIMS, (Q3, "102000200", "arman", "4g"): (2, 9.0, 1.0)}
    extracts = {**changed("census.2025"), **changed("arman.2025-09-30")}
    row = compare(SmallRelease(), SmallRelease(places=places, claims=claims, extracts=extracts))[
        WEST, "all", "4g", Q3
    ]
    assert parts(row) == {
        "denominator": pytest.approx(900 / 14 - 90, abs=1e-6),
        "correction": pytest.approx(100 - 900 / 14, abs=1e-6),
    }
    assert (row["cause"], row["causes"]) == ("correction", "correction,census")


def test_a_new_quarter_is_building_and_retirement(compare: Compare) -> None:
    """West 4G: 600 + 300 of 1000 in Q3; in Q4 the village of 300 is gone and that of 100 new."""
    rows = compare(SmallRelease(claims=FIRST), SmallRelease())
    row = rows[WEST, "all", "4g", Q4]
    assert (row["change"], row["cause"], row["previous_as_of_date"]) == ("new_period", "new_period", Q3)
    assert (row["old_value"], row["new_value"]) == (90.0, 70.0)
    assert parts(row) == {"new_build": 10.0, "retirement": -30.0}
    assert {row["as_of_date"] for row in rows.values()} == {Q4}, "what was published of Q3 stands"


def test_a_new_quarter_upon_a_correction_is_both(compare: Compare) -> None:
    """Q3 was published as 90 and is 60 now; from there 10 were built."""
    claims = {key: claim for key, claim in CLAIMS.items() if key != (Q3, "102000100", "arman", "5g")}
    rows = compare(
        SmallRelease(claims=FIRST), SmallRelease(claims=claims, extracts=changed("arman.2025-09-30"))
    )
    assert parts(rows[WEST, "all", "4g", Q4]) == {"correction": -30.0, "new_build": 10.0}
    assert parts(rows[WEST, "all", "4g", Q3]) == {"correction": -30.0}


def test_an_operator_that_files_nothing_has_retired_nothing(compare: Compare) -> None:
    claims = {key: claim for key, claim in CLAIMS.items() if not (key[0] == Q4 and key[2] == "arman")}
    row = compare(SmallRelease(claims=FIRST), SmallRelease(claims=claims))[WEST, "all", "4g", Q4]
    assert (row["new_value"], parts(row)) == (0.0, {"residual": -90.0})


def test_an_operator_that_files_for_the_first_time_has_built_nothing(compare: Compare) -> None:
    claims = {**CLAIMS, (Q4, "111000100", "tulpar", "4g"): (2, 8.0, 1.0)}
    row = compare(SmallRelease(claims=FIRST), SmallRelease(claims=claims))[EAST, "all", "4g", Q4]
    assert parts(row) == {"residual": 100.0}


def test_a_place_that_is_new_is_added_and_in_a_new_quarter_that_is_why(compare: Compare) -> None:
    older = SmallRelease(
        places={kato: where for kato, where in PLACES.items() if where[0] == WEST},
        claims={key: claim for key, claim in FIRST.items() if PLACES[key[1]][0] == WEST},
    )
    again = {
        "sender": "bureau",
        "extract_kind": "population",
        "as_of_date": dt.date(2025, 1, 1),
        "file_name": "b.csv",
    }
    rows = compare(older, SmallRelease(extracts={"census.2025.again": again}))
    told = {date: rows[EAST, "all", "4g", date] for date in (Q3, Q4)}
    assert [(row["change"], row["cause"], row["difference"]) for row in told.values()] == [
        ("added", "census", None), ("added", "new_period", None),
    ]  # fmt: skip


def test_counts_of_villages_are_parted_too(compare: Compare) -> None:
    claims = {**CLAIMS, (Q3, "102000100", "dala", "fttp"): (4, 100.0, 50.0)}
    rows = compare(
        SmallRelease(),
        SmallRelease(claims=claims, extracts=changed("dala.2025-09-30")),
        "settlements_connected",
    )
    row = rows[NATION, "rural", "level_4", Q3]
    assert (row["old_value"], row["new_value"], parts(row)) == (0.0, 1.0, {"correction": 1.0})


def test_what_the_gate_withholds_is_told_without_its_number(compare: Compare) -> None:
    rows = compare(SmallRelease(), SmallRelease(withheld=frozenset({SHARE})))
    row = rows[WEST, "all", "4g", Q3]
    assert (row["change"], row["cause"], row["old_value"], row["new_value"]) == (
        "withheld",
        "gate",
        None,
        None,
    )
    assert row["difference"] is None


def test_what_the_gate_restores_is_told(compare: Compare) -> None:
    row = compare(SmallRelease(withheld=frozenset({SHARE})), SmallRelease())[WEST, "all", "4g", Q3]
    assert (row["change"], row["cause"], row["old_value"], row["new_value"]) == (
        "restored",
        "gate",
        None,
        90.0,
    )


@pytest.mark.parametrize(
    ("version", "cause", "part"), [("2.0", "method", "method"), ("1.0", "code", "method")]
)
def test_what_is_no_sum_over_places_is_named_after_its_cause(
    compare: Compare, version: str, cause: str, part: str
) -> None:
    newer = SmallRelease(itu_value=92.0, method_version=version, code_version="tree-2")
    row = compare(SmallRelease(), newer, "itu_population_covered_pct")[NATION, "all", "4g", Q3]
    assert (row["cause"], parts(row)) == (cause, {part: 0.5})


def test_components_are_decimals_that_add_up(compare: Compare) -> None:
    places = {**PLACES, "101000000": (WEST, "101000000", False, 601)}
    for row in compare(SmallRelease(), SmallRelease(places=places, extracts=changed("census.2025"))).values():
        assert isinstance(row["difference"], Decimal)
