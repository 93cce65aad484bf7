"""Rules about a row as a whole, as contracts state them: each takes its row out, and names column, value and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.contract import RowRule, load_contracts
from tests.unit.ingestion_kit import Warehouse, layout

MILESTONES = {
    "project_id": "cable", "milestone_id": "laid", "project_name": "Cable", "milestone_name": "Laid",
    "planned_date": "2026-06-30", "forecast_date": "", "actual_date": "2026-06-20", "evidence": "act 9",
    "status": "completed",
}  # fmt: skip
EXPORTS = {
    "contract_id": "EO-1", "buyer_country": "XA", "satellites_contracted": "2", "satellites_delivered": "1",
    "contracted_revenue": "1000", "received_revenue": "10", "currency": "KZT", "usd_rate": "510.5",
    "usd_rate_date": "2026-06-30", "status": "signed",
}  # fmt: skip
SYSTEMS = {
    "system_id": "GS-1", "system_name_ru": "ИС «Учёт»", "agency": "Agency", "approval_date": "2026-06-30",
    "platform": "other", "is_exempt": "1", "exemption_reason": "decision 3",
}  # fmt: skip
PLAN = {
    "settlement_kato": "103230100", "technology": "fttp", "planned_date": "2026-09-30", "actual_date": "",
    "planned_level": "2", "contractor": "Builder", "planned_households": "240", "households_passed": "",
    "households_orderable": "", "households_connected": "", "filed_region": "", "filed_district": "",
    "filed_settlement": "",
}  # fmt: skip
GOOD = {
    "infrastructure_milestones": MILESTONES,
    "satellite_exports": EXPORTS,
    "government_systems": SYSTEMS,
    "rural_connection_plan": PLAN,
}


def register(kind: str) -> dict[str, Any]:
    """A layout that writes every column under its own name."""
    return {
        "layout": f"test/{kind}",
        "sender": "test_agency",
        "sender_title": "Test agency",
        "extract": kind,
        "description": "A register as plain text.",
        "file_pattern": rf"{kind}_(?P<year>\d{{4}})q(?P<quarter>\d)\.csv",
        "format": "text",
        "text": {},
        "columns": {"as_of_date": {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}}}
        | {name: {"from": name} for name in GOOD[kind]},
    }


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    made.layouts |= {f"test/{kind}": layout(register(kind)) for kind in GOOD}
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    return made


def file(warehouse: Warehouse, kind: str, **changes: str) -> str:
    """Leave a filing of a good row and a changed one, of another key, in the inbox; return its name."""
    key = [name for name in load_contracts()[kind].key if name != "as_of_date"][-1]
    rows = [GOOD[kind], GOOD[kind] | {key: "other"} | changes]
    name = f"{kind}_2026q2.csv"
    warehouse.put(name, pl.DataFrame(rows).write_csv(null_value=""))
    return name


CASES = [
    ("infrastructure_milestones", {"evidence": ""}, "actual_without_evidence", "actual_date", "2026-06-20"),
    ("infrastructure_milestones", {"actual_date": "2026-07-01"}, "actual_date_in_future", "actual_date", "2026-07-01"),
    (
        "infrastructure_milestones", {"actual_date": "", "evidence": ""}, "status_contradicts_actual_date", "status",
        "completed",
    ),
    ("infrastructure_milestones", {"status": "planned"}, "status_contradicts_actual_date", "status", "planned"),
    ("satellite_exports", {"usd_rate": "", "usd_rate_date": ""}, "currency_without_rate", "usd_rate", ""),
    ("satellite_exports", {"usd_rate_date": ""}, "rate_without_date", "usd_rate_date", ""),
    ("satellite_exports", {"usd_rate_date": "2026-07-01"}, "rate_date_in_future", "usd_rate_date", "2026-07-01"),
    ("satellite_exports", {"currency": "USD"}, "dollar_with_rate", "usd_rate", "510.5"),
    ("satellite_exports", {"satellites_delivered": "3"}, "delivered_beyond_contract", "satellites_delivered", "3"),
    ("government_systems", {"approval_date": "2026-07-01"}, "approval_in_future", "approval_date", "2026-07-01"),
    ("government_systems", {"exemption_reason": ""}, "exemption_without_reason", "is_exempt", "1"),
    ("government_systems", {"agency": "all"}, "agency_named_all", "agency", "all"),
    ("rural_connection_plan", {"technology": "4g", "contractor": "all"}, "contractor_named_all", "contractor", "all"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "changes", "rule", "column", "value"), CASES, ids=[case[2] for case in CASES]
)
def test_a_row_that_contradicts_itself_is_quarantined(
    warehouse: Warehouse, kind: str, changes: dict[str, str], rule: str, column: str, value: str
) -> None:
    name = file(warehouse, kind, **changes)
    outcome = warehouse.run()[name]
    assert outcome.outcome == "accepted_with_quarantine", outcome.message
    ((row, found, told, shown),) = warehouse.reasons(outcome)
    assert (row, found, told, shown or "") == (3, rule, column, value)
    (remedy,) = (r.remedy for r in load_contracts()[kind].row_rules if r.name == rule)
    assert f"{rule}, first in row 3, column {column!r}, value {value!r}: {remedy}" in str(outcome.message)
    assert warehouse.part("accepted", outcome)["source_row"].to_list() == [2]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("infrastructure_milestones", {"actual_date": "", "evidence": "", "status": "in_progress"}),
        ("infrastructure_milestones", {"actual_date": "", "evidence": "", "status": "cancelled"}),
        ("satellite_exports", {"currency": "USD", "usd_rate": "", "usd_rate_date": ""}),
        ("satellite_exports", {"currency": "USD", "usd_rate": "1"}),
        ("satellite_exports", {"satellites_delivered": "2"}),
        ("government_systems", {"is_exempt": "0", "exemption_reason": ""}),
        ("rural_connection_plan", {"technology": "4g", "contractor": ""}),
    ],
)
def test_a_row_that_agrees_with_itself_is_accepted(
    warehouse: Warehouse, kind: str, changes: dict[str, str]
) -> None:
    name = file(warehouse, kind, **changes)
    outcome = warehouse.run()[name]
    assert (outcome.outcome, outcome.message) == ("accepted", None)


def test_every_rule_has_a_row_that_breaks_it() -> None:
    stated = {(kind, rule.name) for kind in GOOD for rule in load_contracts()[kind].row_rules}
    assert {(kind, rule) for kind, _, rule, _, _ in CASES} == stated


def test_text_in_quotes_is_no_column() -> None:
    rule = RowRule("r", "status", "status = 'evidence' AND evidence IS NULL", "mend it")
    frame = pl.DataFrame({"=status": ["evidence", "x"], "=evidence": [None, None]})
    names = {"status": "=status", "evidence": "=evidence"}
    assert frame.select(found=rule.broken(names))["found"].to_list() == [True, False]


@pytest.mark.parametrize(
    ("technology", "download_mbps", "upload_mbps", "rules"),
    [
        ("fttp", 1000, 500, set()),
        ("dsl", 0.5, 0.1, set()),
        ("fttp", 100_000, 100, {"impossible_speed"}),
        ("dsl", 8000, 1000, {"impossible_speed"}),
        ("dsl", 8, 1024, {"impossible_upload"}),
        ("fttp", 0.1, 50, {"implausibly_slow"}),
        ("fttp", 0, 0, set()),
        ("fttp", None, None, set()),
    ],
)
@pytest.mark.parametrize("kind", ["operator_availability", "operator_address_availability"])
def test_a_speed_in_another_unit_is_none_that_the_technology_sells(
    kind: str, technology: str, download_mbps: float | None, upload_mbps: float | None, rules: set[str]
) -> None:
    row = {"technology": technology, "max_download_mbps": download_mbps, "max_upload_mbps": upload_mbps}
    types = {"max_download_mbps": pl.Float64, "max_upload_mbps": pl.Float64}
    frame = pl.DataFrame([row], schema_overrides=types)
    names = {name: name for name in row}
    assert {
        rule.name
        for rule in load_contracts()[kind].row_rules
        if frame.select(rule.broken(names).fill_null(False)).item()
    } == rules
