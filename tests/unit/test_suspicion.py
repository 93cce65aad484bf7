"""Suspicious deliveries are held, by counts alone; acceptances and corrected files release them."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.acceptances import VARIABLE, Acceptance, load_acceptances
from ingestion.check import check_files
from ingestion.contract import Contract, Suspicious, load_contracts
from ingestion.decisions import accept
from ingestion.suspicion import in_force, suspects, suspicions
from tests.unit.ingestion_kit import ROW, Warehouse
from warehouse import lake
from warehouse.lake import Outcome, ProfileCell

WATCH = Suspicious(50, 80, region_of="settlement_kato", category="technology", sums=("households_passed",))
NORTH, SOUTH = "590000000", "610000000"
REASON = "The operator sold its network in the region."


def delivery(
    name: str, day: str, cells: dict[tuple[str, str], int], *, order: int = 1, households: float = 1000
) -> Outcome:
    """A filing of `day` with so many covering rows by region and technology."""
    profile = tuple(
        ProfileCell(region, technology, rows, rows, (households / len(cells),))
        for (region, technology), rows in cells.items()
    )
    return Outcome(
        extract_id=name, sender="dala", extract_kind="operator_availability", layout_id="dala/availability",
        file_name=f"{name}.csv", sha256=sha256(name.encode()).hexdigest(), size_bytes=1, received_order=order,
        outcome="accepted",
        series=f"dala/operator_availability/a/{day}", as_of_date=day, rows_accepted=sum(cells.values()),
        profile=profile,
    )  # fmt: skip


WHOLE = {(NORTH, "4g"): 40, (SOUTH, "4g"): 60, (SOUTH, "dsl"): 20}
Q3, Q4 = "2025-09-30", "2025-12-31"


def rules(after: dict[tuple[str, str], int], **changes: float) -> list[tuple[str, str | None, str | None]]:
    before, now = delivery("a", Q3, WHOLE), delivery("b", Q4, after, **changes)  # type: ignore[arg-type]
    return [(s.rule, s.region_kato, s.category) for s in suspicions(WATCH, before, now)]


def test_what_grew_or_stayed_is_not_suspicious() -> None:
    assert rules(WHOLE) == []
    assert rules({part: rows * 3 for part, rows in WHOLE.items()}) == []
    assert rules({**WHOLE, (NORTH, "4g"): 32}) == []


def test_a_filing_of_half_the_rows_shrank() -> None:
    assert ("shrunk", None, None) in rules({part: rows // 3 for part, rows in WHOLE.items()})


def test_a_filing_of_half_the_households_shrank() -> None:
    assert rules(WHOLE, households=499) == [("shrunk", None, None)]
    assert rules(WHOLE, households=500) == []


def test_a_region_that_no_row_names_any_more_is_missing() -> None:
    assert rules({(SOUTH, "4g"): 80, (SOUTH, "dsl"): 20}) == [("missing", NORTH, None)]


def test_a_technology_switched_off_without_a_word_is_missing() -> None:
    assert rules({(NORTH, "4g"): 40, (SOUTH, "4g"): 80}) == [("missing", None, "dsl")]


def test_coverage_of_a_region_that_falls_by_more_than_a_fifth_has_fallen() -> None:
    assert rules({**WHOLE, (NORTH, "4g"): 31}) == [("fallen", NORTH, None)]


def test_a_handful_of_rows_may_come_and_go() -> None:
    before = delivery("a", Q3, {(NORTH, "4g"): 4, (SOUTH, "4g"): 60})
    assert suspicions(WATCH, before, delivery("b", Q4, {(SOUTH, "4g"): 60})) == ()


def contracts(watch: Suspicious | None = WATCH) -> dict[str, Contract]:
    known = load_contracts()
    return known | {
        "operator_availability": replace(known["operator_availability"], suspicious=watch),
    }


def held(*deliveries: Outcome, acceptances: dict[str, Acceptance] | None = None) -> dict[str, str]:
    """Standing of each delivery: current, superseded or held."""
    marked = in_force(deliveries, suspects(deliveries, contracts(), acceptances or {}))
    return {
        o.extract_id: "held"
        if o.held_for
        else "current"
        if o.is_current
        else f"superseded by {o.superseded_by}"
        for o in marked
    }


HALF = {(NORTH, "4g"): 20, (SOUTH, "4g"): 20}


def test_a_held_resubmission_leaves_the_filing_before_it_in_use() -> None:
    first, again = delivery("first", Q4, WHOLE), delivery("again", Q4, HALF, order=2)
    assert held(first, again) == {"first": "current", "again": "held"}


def test_a_held_filing_of_a_new_period_leaves_the_period_without() -> None:
    q3, q4 = delivery("q3", Q3, WHOLE), delivery("q4", Q4, HALF, order=2)
    assert held(q3, q4) == {"q3": "current", "q4": "held"}


def test_a_corrected_file_releases() -> None:
    q3, q4 = delivery("q3", Q3, WHOLE), delivery("q4", Q4, HALF, order=2)
    mended = delivery("mended", Q4, WHOLE, order=3)
    assert held(q3, q4, mended) == {"q3": "current", "q4": "superseded by mended", "mended": "current"}


def test_the_next_period_is_compared_with_the_last_good_one() -> None:
    q2, q3 = delivery("q2", "2025-06-30", WHOLE), delivery("q3", Q3, HALF, order=2)
    assert held(q2, q3, delivery("q4", Q4, HALF, order=3))["q4"] == "held"
    assert held(q2, q3, delivery("q4", Q4, WHOLE, order=3)) == {
        "q2": "current",
        "q3": "held",
        "q4": "current",
    }


def test_who_takes_back_what_only_the_replaced_filing_claimed_corrects_it() -> None:
    q3 = delivery("q3", Q3, WHOLE)
    overstated = delivery("overstated", Q4, {part: rows * 4 for part, rows in WHOLE.items()}, order=2)
    again = delivery("again", Q4, WHOLE, order=3)
    assert held(q3, overstated, again)["again"] == "current"


def test_a_kind_whose_contract_says_nothing_is_never_held() -> None:
    deliveries = [delivery("q3", Q3, WHOLE), delivery("q4", Q4, {(NORTH, "4g"): 1}, order=2)]
    assert suspects(deliveries, contracts(None), {}) == {}


def acceptance(of: Outcome, *found: str, **changes: str) -> dict[str, Acceptance]:
    values = {
        "extract_id": of.extract_id, "sha256": of.sha256, "file_name": of.file_name, "found": found,
        "reason": REASON, "author": "A. Analyst", "date": dt.date(2026, 1, 20),
    }  # fmt: skip
    return {of.extract_id: Acceptance.model_validate(values | changes)}


def test_an_acceptance_covers_what_it_names_of_these_bytes() -> None:
    q3 = delivery("q3", Q3, WHOLE)
    q4 = delivery("q4", Q4, {(SOUTH, "4g"): 80, (SOUTH, "dsl"): 20}, order=2)
    key = f"missing covered_count {NORTH}"
    assert held(q3, q4, acceptances=acceptance(q4, key))["q4"] == "current"
    assert held(q3, q4, acceptances=acceptance(q4, key, sha256="f" * 64))["q4"] == "held"
    assert held(q3, q4, acceptances=acceptance(q4, f"missing covered_count {SOUTH}"))["q4"] == "held"


def test_what_was_accepted_is_what_the_next_period_is_compared_with() -> None:
    q3, q4 = delivery("q3", Q3, WHOLE), delivery("q4", Q4, {(SOUTH, "4g"): 80, (SOUTH, "dsl"): 20}, order=2)
    after = delivery("q1", "2026-03-31", {(SOUTH, "4g"): 80, (SOUTH, "dsl"): 20}, order=3)
    accepted = acceptance(q4, f"missing covered_count {NORTH}")
    assert held(q3, q4, after)["q1"] == "held"
    assert held(q3, q4, after, acceptances=accepted)["q1"] == "current"


SIZES = st.lists(st.integers(0, 200), min_size=1, max_size=6)


@settings(deadline=None)
@given(SIZES, st.randoms(use_true_random=False))
def test_what_is_held_depends_on_the_deliveries_alone(sizes: list[int], shuffler: object) -> None:
    """In whatever order they are looked at; and whatever comes, each period that had a good filing has one in force."""
    deliveries = [
        delivery(f"d{i}", (Q3, Q4)[i % 2], {(NORTH, "4g"): rows, (SOUTH, "dsl"): 30}, order=i + 1)
        for i, rows in enumerate(sizes)
    ]
    standing = held(*deliveries)
    shuffled = list(deliveries)
    shuffler.shuffle(shuffled)  # type: ignore[attr-defined]
    assert held(*shuffled) == standing
    assert standing["d0"] in ("current", "held") or standing["d0"].startswith("superseded")
    for series in {o.series for o in deliveries}:
        of_series = [standing[o.extract_id] for o in deliveries if o.series == series]
        assert of_series.count("current") == (0 if set(of_series) == {"held"} else 1)


# --- Through ingestion ------------------------------------------------------------------------------------------------

VILLAGES = ("103230100", "103230200", "103230500", "103230600", "103230700", "113220100")


def rows_of(*villages: str, day: str) -> list[str]:
    made = []
    for kato in villages:
        row = ROW.replace("31.12.2025", day).replace("103230100", kato).replace("с.Карааул", "")
        if kato.startswith("11"):
            row = row.replace("область Абай", "Акмолинская область").replace("Абайский район", "")
        made.append(row)
    return made


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    for module in ("pipeline", "check"):
        monkeypatch.setattr(f"ingestion.{module}.load_layouts", lambda: made.layouts)
    return made


@pytest.fixture
def filed(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A whole filing of the third quarter, and two rows of the fourth."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "acceptances"))
    warehouse.file(*rows_of(*VILLAGES, day="30.09.2025"), name="dala_2025q3.csv")
    warehouse.file(*rows_of(*VILLAGES[:2], day="31.12.2025"))
    return warehouse


def records(warehouse: Warehouse, name: str) -> pl.DataFrame:
    return pl.read_parquet(warehouse.home.lake / "meta" / f"{name}.parquet")


def answer(warehouse: Warehouse, outcome: Outcome) -> dict[str, object]:
    folder = warehouse.home.answers / outcome.extract_id
    told: dict[str, object] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return told


def test_a_filing_that_shrank_is_held_and_says_how_it_is_released(filed: Warehouse) -> None:
    outcome = filed.run()["dala_2025q4.csv"]
    (listed,) = records(filed, "extract").filter(pl.col("file_name") == "dala_2025q4.csv").to_dicts()
    assert (listed["outcome"], listed["rule"], listed["is_current"]) == ("held", "suspicious", False)
    assert "suspicious beside dala_2025q3.csv: shrunk: 33.3% of row_count" in listed["message"]
    assert "; dala_2025q3.csv stays in use until a corrected file comes" in listed["message"]
    assert f'qamtu accept {outcome.extract_id} --reason "..."' in listed["message"]
    assert answer(filed, outcome)["held_for"]
    page = (filed.home.answers / outcome.extract_id / "answer.ru.html").read_text(encoding="utf-8")
    assert "Задержан" in page
    assert filed.part("accepted", outcome).height == 2, "nothing received is lost"
    found = records(filed, "suspicion")
    assert set(found["extract_id"]) == {outcome.extract_id}
    assert not found["is_accepted"].any()


def test_an_accepted_filing_is_used_and_the_decision_shows(filed: Warehouse) -> None:
    outcome = filed.run()["dala_2025q4.csv"]
    day = dt.date(2026, 1, 20)
    entry, path = accept(filed.home, outcome.extract_id, REASON, "A. Analyst", day)
    assert load_acceptances() == {outcome.extract_id: entry}
    assert path.stem == outcome.extract_id
    again = filed.run()["dala_2025q4.csv"]
    assert (again.is_current, again.held_for) == (True, None)
    assert answer(filed, again)["held_for"] == []
    (decision,) = records(filed, "decision").to_dicts()
    assert (decision["decision"], decision["reason"], decision["author"]) == (
        "acceptance",
        REASON,
        "A. Analyst",
    )
    assert decision["decided_on"] == day
    assert records(filed, "suspicion")["is_accepted"].all()
    with pytest.raises(ValueError, match=r"not held in .*; held are: none"):
        accept(filed.home, outcome.extract_id, REASON, "A. Analyst", day)


def test_an_acceptance_that_says_nothing_is_refused(filed: Warehouse) -> None:
    outcome = filed.run()["dala_2025q4.csv"]
    with pytest.raises(ValueError, match="reason"):
        accept(filed.home, outcome.extract_id, "ok", "A. Analyst", dt.date(2026, 1, 20))
    with pytest.raises(ValueError, match=f"no delivery of that name.*held are: {outcome.extract_id}"):
        accept(filed.home, "dala.2099", REASON, "A. Analyst", dt.date(2026, 1, 20))


def test_a_malformed_acceptance_names_its_file(filed: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "acceptances").mkdir()
    (tmp_path / "acceptances" / "x.yaml").write_text("extract_id: x\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"acceptances/x\.yaml"):
        filed.run()


def test_a_corrected_file_takes_the_place_of_the_held_one(filed: Warehouse) -> None:
    filed.run()
    filed.file(*rows_of(*VILLAGES, day="31.12.2025"), name="dala_2025q4_rev1.csv")
    outcomes = filed.run()
    assert outcomes["dala_2025q4_rev1.csv"].is_current
    first = outcomes["dala_2025q4.csv"]
    assert (first.held_for, first.superseded_by) == (None, outcomes["dala_2025q4_rev1.csv"].extract_id)
    assert answer(filed, first)["held_for"] == []
    assert answer(filed, outcomes["dala_2025q4_rev1.csv"])["previous"] == "dala_2025q3.csv"


def test_the_last_good_filing_stands_in_where_others_have_filed(filed: Warehouse) -> None:
    filed.run()
    assert records(filed, "stand_in").is_empty(), "nobody else filed for the date: it is in no release yet"
    q3 = next(o for o in lake.read_outcomes(filed.home) if o.file_name == "dala_2025q3.csv")
    other = replace(
        q3,
        extract_id="other",
        series="other/operator_availability/a/2025q4",
        as_of_date="2025-12-31",
        file_name="other_2025q4.csv",
    )
    lake.record(filed.home, other)
    filed.run()
    assert records(filed, "stand_in").select("extract_id", "as_of_date").rows() == [
        (q3.extract_id, dt.date(2025, 12, 31))
    ]


def test_check_says_that_a_file_would_be_held(filed: Warehouse, tmp_path: Path) -> None:
    filed.run()
    for name, held_for in (("dala_2025q4_rev3.csv", True), ("dala_2025q4_rev4.csv", False)):
        villages = VILLAGES[:1] if held_for else VILLAGES
        path = filed.file(*rows_of(*villages, day="31.12.2025"), name=name)
        (found,) = check_files([path], filed.home)
        assert bool(found.suspicions) == held_for
        assert found.is_clean != held_for
    (found,) = check_files([path], previous=filed.inbox / "dala_2025q3.csv")
    assert found.suspicions == ()
    (found,) = check_files([filed.inbox / "dala_2025q4.csv"], previous=filed.inbox / "dala_2025q3.csv")
    assert found.suspicions
