"""What of the real project's tables a delivery makes due: its own period, what looks back on it, or everything."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from orchestration import dbt_engine, reuse
from orchestration.periods import Due
from warehouse.candidate import DELIVERIES_OF, Manifest, read_manifest
from warehouse.lake import Outcome, consolidate, partition
from warehouse.parts import seal
from warehouse.paths import Home

pytestmark = pytest.mark.integration

FILING, CENSUS, KATO, PLAN = "operator_availability", "population", "kato_classifier", "rural_connection_plan"
Q1, Q2, Q3, Q4, Q5 = "2024-12-31", "2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31"
BEFORE = [(FILING, day, "a") for day in (Q1, Q2, Q3, Q4)] + [(CENSUS, "2025-01-01", "c"), (KATO, None, "k")]
Delivery = tuple[str, str | None, str]


@pytest.fixture(scope="module")
def project() -> Manifest:
    return read_manifest(dbt_engine.ensure_manifest(Home.from_environment()))


def keys(folder: Path, project: Manifest, deliveries: list[Delivery]) -> dict[str, reuse.Keys]:
    """Keys of the project's tables over a lake of these deliveries: kind, date, content."""
    home = Home(folder)
    outcomes = []
    for kind, day, content in deliveries:
        extract_id = f"{kind}.{day}.{content}"
        rows = partition(home, "accepted", kind, extract_id)
        rows.mkdir(parents=True)
        pl.DataFrame({"extract_id": [extract_id]}).write_parquet(rows / "part-0.parquet")
        outcomes.append(
            Outcome(
                extract_id=extract_id,
                sender="s",
                extract_kind=kind,
                layout_id="l",
                file_name="f",
                sha256="0",
                size_bytes=1,
                received_order=1,
                outcome="accepted",
                series=extract_id,
                is_current=True,
                as_of_date=day,
                content_fingerprint=content,
                accepted_parts=seal(home.lake, rows),
                periods=(day,) if day else (),
            )
        )
    consolidate(home, outcomes)
    return reuse.node_keys(home, project, "settings")


def due_after(tmp_path: Path, project: Manifest, after: list[Delivery]) -> dict[str, Due | None]:
    """What of each table kept by period is due; None when all of it is. Tables that stand are left out."""
    before, now = (
        keys(tmp_path / name, project, deliveries)
        for name, deliveries in (("before", BEFORE), ("after", after))
    )
    due = [
        uid for uid in now if project.relations[uid].materialized == "by_period" and now[uid] != before[uid]
    ]
    parts = reuse.due_periods(project, now, before, due)
    return {project.relations[uid].name: parts.get(project.relations[uid].name) for uid in due}


def test_a_new_quarter_is_due_and_no_other(tmp_path: Path, project: Manifest) -> None:
    due = due_after(tmp_path, project, [*BEFORE, (FILING, Q5, "a")])
    assert due.keys() >= {
        "int_availability",
        "fct_coverage_by_technology",
        "fct_availability",
        "fct_operator_overlap",
    }
    assert set(due.values()) == {Due(dates=(Q5,)), Due(since="2025-10-01")}
    looking_back = {name for name, part in due.items() if part is not None and part.since}
    assert looking_back >= {"int_availability_evidence", "int_operator_reach", "fct_coverage_by_technology"}
    assert not looking_back & {"int_availability", "int_settlement_denominator", "int_area_denominator"}


def test_a_quarter_filed_again_is_due_and_what_looks_back_on_it(tmp_path: Path, project: Manifest) -> None:
    again = [(kind, day, "b" if (kind, day) == (FILING, Q4) else content) for kind, day, content in BEFORE]
    due = due_after(tmp_path, project, again)
    assert due["int_availability"] == due["int_area_denominator"] == Due(dates=(Q4,))
    assert due["int_availability_evidence"] == due["fct_coverage_by_technology"] == Due(since="2025-07-01")


def test_a_late_older_quarter_is_due_and_what_looks_back_on_it(tmp_path: Path, project: Manifest) -> None:
    due = due_after(tmp_path, project, [*BEFORE, (FILING, "2022-12-31", "a")])
    assert due["int_availability"] == due["int_settlement_denominator"] == Due(dates=("2022-12-31",))
    # Evidence of every later quarter may rest on it, and all that is made of the evidence.
    assert due["int_availability_evidence"] is None
    assert due["fct_coverage_by_technology"] is None


@pytest.mark.parametrize(
    "delivery", [(CENSUS, "2026-01-01", "c"), (KATO, None, "k2"), (PLAN, Q4, "p")], ids=lambda one: one[0]
)
def test_reference_data_make_all_periods_due(tmp_path: Path, project: Manifest, delivery: Delivery) -> None:
    due = due_after(tmp_path, project, [*BEFORE, delivery])
    reached = {
        "int_settlement_denominator",
        "int_area_denominator",
        "fct_coverage_by_technology",
        "fct_operator_overlap",
    }
    assert {due[name] for name in reached} == {None}
    assert "int_availability" not in due, "what operators filed stands as it was"


def test_a_register_of_disputes_makes_its_quarter_and_later_ones_due(
    tmp_path: Path, project: Manifest
) -> None:
    due = due_after(tmp_path, project, [*BEFORE, ("disputes", Q4, "a")])
    assert due["int_upheld_dispute"] == due["int_availability_evidence"] == Due(since="2025-07-01")
    assert "int_availability" not in due, "a dispute changes what a claim is worth, never the claim"


def test_a_model_says_truly_of_which_deliveries_it_reads_the_list() -> None:
    """Where it reads the list of deliveries it names the kinds, or takes those of rows that are of these kinds."""
    nodes = json.loads((Home.from_environment().dbt_target / "manifest.json").read_bytes())["nodes"].values()
    told = {node["name"]: (node["raw_code"], node["config"]["meta"].get(DELIVERIES_OF)) for node in nodes}
    named = {
        name: set(re.findall(r"extract_kind = '(\w+)'", sql)) | ({PLAN} if "village_list()" in sql else set())
        for name, (sql, kinds) in told.items()
        if kinds
    }
    assert named.pop("int_filing_maturity") == set(), "it takes the deliveries of its filings"
    assert named == {name: set(kinds) for name, (_, kinds) in told.items() if name in named}
    assert len(named) >= 4
