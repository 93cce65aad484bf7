"""What statistics services answer, from the service to rows of the lake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.layout import Layout
from ingestion.pipeline import ingest
from tests.integration.pull_kit import Resource, WebServer, landed, pulled
from tests.integration.test_pull_services import COLUMNS, DATASET, ELEMENT, KEY, STATIC, TREE, egov, taldau
from tests.unit.ingestion_kit import Warehouse, layout
from warehouse.lake import Outcome

POPULATION: dict[str, Any] = {
    "sender": "test_bureau", "sender_title": "Test bureau", "extract": "population", "description": "Of a service.",
    "absent": ["filed_district", "filed_settlement"],
    "resolve": {"kato": "kato", "by": ["name"], "level": "region", "language": "ru"},
}  # fmt: skip
# "2025 год" is the start of 2025, whatever day stands beside it.
AS_OF = {"extract": r"(\d{4}) год", "date_format": "%Y"}
AREA_TYPES = {"Всего": "all", "Город": "urban", "Село": "rural"}


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.stop()


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    monkeypatch.setattr("ingestion.pull.session.load_layouts", lambda: made.layouts)
    return made


def read(warehouse: Warehouse, by: Layout) -> Outcome:
    warehouse.layouts[by.layout_id] = by
    (found,) = [
        o for o in ingest(warehouse.home, warehouse.inbox).extracts if o.file_name.startswith("test_dala/")
    ]
    return found


def people(warehouse: Warehouse, outcome: Outcome) -> list[tuple[str, str, str, int]]:
    rows = warehouse.part("accepted", outcome).sort("as_of_date", "kato", "area_type")
    return [
        (str(day), kato, area, n)
        for day, kato, area, n in rows.select("as_of_date", "kato", "area_type", "population").rows()
    ]


def test_an_element_of_stat_gov_becomes_rows(warehouse: Warehouse, web: WebServer) -> None:
    rows = [
        COLUMNS,
        ["Численность населения", "31.12.2025", "2025 год", "РЕСПУБЛИКА КАЗАХСТАН", "Всего", "20 283 399"],
        ["Численность населения", "31.12.2025", "2025 год", "ОБЛАСТЬ АБАЙ", "Всего", "602 832"],
        ["Численность населения", "31.12.2025", "2025 год", "ОБЛАСТЬ АБАЙ", "Село", "232 110"],
    ]
    text = "\ufeff" + "\r\n".join("\t".join(f'"{cell}"' for cell in row) for row in rows) + "\r\n"
    web.answers[ELEMENT] = lambda query: (302, b"", {"Location": STATIC})
    web.files[STATIC] = Resource(text.encode())
    api = {"kind": "stat_gov_element", "element": 6584, "format": "csv", "fields": COLUMNS}
    pulled(warehouse.home, {"uri": web.uri, "name": "element_6584.csv", "api": api})
    outcome = read(
        warehouse,
        layout(
            POPULATION, layout="test/element", file_pattern=".*/element_6584.csv", format="text",
            text={"encoding": "utf-8-sig", "delimiter": "\t", "thousands": True}, ignore=["NAM", "DAT"],
            total_rows={"column": COLUMNS[3], "pattern": "РЕСПУБЛИКА КАЗАХСТАН"},
            columns={
                "filed_region": {"from": COLUMNS[3]}, "as_of_date": {"from": "PERIOD"} | AS_OF,
                "area_type": {"from": COLUMNS[4], "map": AREA_TYPES}, "population": {"from": "VAL"},
            },
        ),
    )  # fmt: skip
    assert outcome.message is None or "total_row" in outcome.message
    assert people(warehouse, outcome) == [
        ("2025-01-01", "100000000", "all", 602_832), ("2025-01-01", "100000000", "rural", 232_110),
    ]  # fmt: skip


def test_series_within_json_of_an_element_become_rows(warehouse: Warehouse, web: WebServer) -> None:
    periods = [{"date": "31.12.2024", "value": "610 189"}, {"date": "31.12.2025", "value": "602 832"}]
    series = [
        {"terms": ["247783", "741917"], "termNames": ["ОБЛАСТЬ АБАЙ", "Всего"], "periods": periods},
        {"terms": ["247783", "741918"], "termNames": ["ОБЛАСТЬ АБАЙ", "Село"], "periods": []},
    ]
    path = "/api/iblock/element/6584/json/file/ru/"
    web.files[path] = Resource(json.dumps(series).encode(), headers={"Content-Type": "application/json"})
    api = {"kind": "stat_gov_element", "element": 6584, "format": "json"}
    pulled(warehouse.home, {"uri": web.uri, "name": "element_6584.json", "api": api})
    outcome = read(
        warehouse,
        layout(
            POPULATION, layout="test/element", file_pattern=".*/element_6584.json", format="records",
            ignore=["terms.1", "terms.2"],
            columns={
                "filed_region": {"from": "termNames.1"},
                "as_of_date": {"from": "periods.date", "extract": r"31\.12\.(\d{4})", "date_format": "%Y"},
                "area_type": {"from": "termNames.2", "map": AREA_TYPES}, "population": {"from": "periods.value"},
            },
        ),
    )  # fmt: skip
    assert people(warehouse, outcome) == [
        ("2024-01-01", "100000000", "all", 610_189), ("2025-01-01", "100000000", "all", 602_832),
    ]  # fmt: skip
    # The series without a value is accounted for, with its place.
    assert {(row, rule) for row, rule, _, _ in warehouse.reasons(outcome)} == {(3, "required_missing")}


def test_pages_of_a_dataset_become_rows(warehouse: Warehouse, web: WebServer) -> None:
    records = [
        {"region": "область Абай", "men": "300000", "women": 302832},
        {"region": "Акмолинская область", "men": "390000", "women": 397263},
        {"region": "г.Алматы", "men": "1", "women": 2},
    ]
    web.answers[DATASET] = egov(records)
    api = {
        "kind": "egov_dataset",
        "dataset": "halkyny",
        "version": "v4",
        "page_rows": 2,
        "fields": list(records[0]),
    }
    source = {"uri": web.uri, "name": "halkyny.zip", "api": api, "credentials": {"api_key": "EGOV_KEY"}}
    pulled(warehouse.home, source, environment={"EGOV_KEY": KEY})
    outcome = read(
        warehouse,
        layout(
            POPULATION, layout="test/halkyny", file_pattern=".*/halkyny.zip", format="records",
            columns={
                "filed_region": {"from": "region"}, "as_of_date": {"value": "2025-01-01"},
                "area_type": {"value": "all"}, "population": {"sum_of": ["men", "women"]},
            },
        ),
    )  # fmt: skip
    assert [(kato, n) for _, kato, _, n in people(warehouse, outcome)] == [
        ("100000000", 602_832), ("110000000", 787_263), ("750000000", 3),
    ]  # fmt: skip
    rows = warehouse.part("accepted", outcome).sort("kato")
    assert rows.select("source_sheet", "source_row").rows() == [
        ("00000.json", 1),
        ("00000.json", 2),
        ("00001.json", 1),
    ]


def test_a_tree_of_taldau_becomes_rows(warehouse: Warehouse, web: WebServer) -> None:
    nodes = {"": [("741880", "РЕСПУБЛИКА КАЗАХСТАН", False)], "741880": [("77208978", "область Абай", True)]}
    web.answers[TREE] = taldau(nodes)
    api = {"kind": "taldau_tree", "index": 703831, "fields": ["id", "text", "leaf"]}
    pulled(warehouse.home, {"uri": web.uri, "name": "index.zip", "api": api})
    assert len(landed(warehouse.home)) == 1
    outcome = read(
        warehouse,
        layout(
            POPULATION, layout="test/tree", file_pattern=".*/index.zip", format="records", ignore=["id", "leaf"],
            total_rows={"column": "text", "pattern": "РЕСПУБЛИКА КАЗАХСТАН"},
            columns={"filed_region": {"from": "text"}, "area_type": {"value": "all"}},
            unpivot=[{
                "columns_matching": r"y12(?P<year>\d{4})", "set": {"as_of_date": "{year}-01-01"},
                "into": "population",
            }],
        ),
    )  # fmt: skip
    assert people(warehouse, outcome) == [
        ("2024-01-01", "100000000", "all", 1),
        ("2025-01-01", "100000000", "all", 2),
    ]


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b'{"error": 1}', "unreadable_file"),
        (b"[]", "empty_file"),
        (b'[{"region": 1}', "unreadable_file"),
        (b'[{"region": 1, " region": 2}]', "duplicate_header"),
        (b'[{"REGION": 1}]', "missing_column"),
        (b'[{"region": 1, "new": 2}]', "unmapped_column"),
        ('\ufeff[{"\ufeffregion ": "x"}]'.encode(), "no_rows_accepted"),
    ],
)
def test_records_that_do_not_fit_are_an_outcome(body: bytes, rule: str, warehouse: Warehouse) -> None:
    (warehouse.inbox / "test_dala").mkdir()
    warehouse.put("test_dala/x.json", body)
    columns = {
        "filed_region": {"from": "region"},
        "as_of_date": {"value": "2025-01-01"},
        "area_type": {"value": "all"},
    }
    outcome = read(
        warehouse,
        layout(
            POPULATION, layout="test/x", file_pattern=".*/x.json", format="records",
            columns=columns | {"population": {"from": "region"}},
        ),
    )  # fmt: skip
    assert (outcome.outcome, outcome.rule) == ("rejected", rule)
