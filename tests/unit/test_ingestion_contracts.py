"""Contracts and layouts as shipped: valid, described, and each layout true to its contract."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
import yaml

from ingestion.contract import CONTRACTS_DIR, Contract, load_contracts
from ingestion.layout import (
    LAYOUTS_DIR,
    ColumnSource,
    Layout,
    LayoutError,
    as_dict,
    load_layouts,
    nearest,
    read_layout,
)
from ingestion.rules import is_free_text
from ingestion.suspicion import profile_query
from ingestion.units import factor_stated

CONTRACTS = load_contracts()
LAYOUTS = load_layouts()


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS.keys())
def test_contract_is_complete(contract: Contract) -> None:
    assert contract.key, "a contract without a key cannot find duplicates"
    assert all([contract.owner, contract.grain, contract.purpose])
    for column in contract.columns:
        assert len(column.description) > 3, column.name
        assert column.access in ("open", "internal"), column.name
        if re.search(r"_(mbps|km|pct)$", column.name):
            assert column.unit, f"{column.name} carries a unit in its name, and must state it"


WATCHED = {name: contract for name, contract in CONTRACTS.items() if contract.suspicious}


@pytest.mark.parametrize("contract", WATCHED.values(), ids=WATCHED.keys())
def test_what_is_suspicious_is_said_of_columns_that_there_are(contract: Contract) -> None:
    watch = contract.suspicious
    assert watch is not None
    assert 0 < watch.shrunk_below_pct < watch.fallen_below_pct < 100
    assert watch.category or watch.region_of, "with neither only the whole is compared"
    counted = profile_query(pl.LazyFrame(schema=contract.lake_schema), contract)
    assert counted is not None
    assert counted.collect().columns == ["region_kato", "category", "row_count", "covered_count", *watch.sums]


def test_every_contract_file_is_named_as_its_id() -> None:
    assert [p.stem for p in sorted(CONTRACTS_DIR.glob("*.yaml"))] == list(CONTRACTS)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layout_fits_its_contract(layout: Layout) -> None:
    assert layout.problems() == []
    assert layout.description


def test_every_kind_has_a_layout() -> None:
    assert {layout.extract_kind for layout in LAYOUTS.values()} == set(CONTRACTS)


GOOD = (LAYOUTS_DIR / "itu" / "itu_indicators.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  value: {from: dataValue}\n", "", "required column 'value' is not filled"),
        (
            "  value_note: {from: dataNote}\n",
            "",
            "column 'value_note' is neither filled nor listed as absent",
        ),
        (
            "  value: {from: dataValue}\n",
            "  value: {from: dataValue}\n  nonsense: {from: x}\n",
            "'nonsense' is no column",
        ),
        ("format: text\n", "format: text\nsurprise: 1\n", "surprise"),
        ("{from: dataValue}", "{from: dataValue, value: '1'}", "exactly one of"),
        ("layout: itu/itu_indicators", "layout: itu/other", "'layout' says 'itu/other'"),
        ("population_coverage_mobile_network\\.csv", "(", "file_pattern"),
    ],
)
def test_a_layout_that_cannot_work_says_why(tmp_path: Path, old: str, new: str, told: str) -> None:
    folder = tmp_path / "itu"
    folder.mkdir()
    path = folder / "itu_indicators.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(LayoutError, match=re.escape(told)):
        read_layout(path)


def test_a_draft_that_nobody_has_looked_at_is_no_layout(tmp_path: Path) -> None:
    folder = tmp_path / "itu"
    folder.mkdir()
    path = folder / "itu_indicators.yaml"
    path.write_text(
        GOOD.replace("{from: dataValue}", "{from: dataValue, map: {none: TODO}}"), encoding="utf-8"
    )
    with pytest.raises(LayoutError, match=r"'columns.value.map.none' still says TODO"):
        read_layout(path)


def test_a_quarterly_filing_named_by_its_year_alone_would_replace_the_one_before() -> None:
    for pattern, is_right in (
        (r"a_(?P<year>\d{4})\.csv", False),
        (r"a_(?P<year>\d{4})q(?P<quarter>\d)\.csv", True),
        (r"a_(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)\.csv", True),
        (r"a\.csv", True),
    ):
        values = as_dict(load_layouts()["sample_dala/operator_availability"]) | {"file_pattern": pattern}
        problems = Layout.model_validate(values).problems()
        assert any("tells the year alone" in problem for problem in problems) is not is_right, pattern


def test_a_number_in_a_map_needs_no_quotes() -> None:
    assert ColumnSource.model_validate({"from": "x", "map": {"нет": 0, "есть": 2}}).map == {
        "нет": "0",
        "есть": "2",
    }


def test_the_nearest_layout_of_a_misnamed_file_comes_first() -> None:
    assert nearest("itu_datahub/population_coverage_mobile_networks.csv", LAYOUTS)[0] == "itu/itu_indicators"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("settlement_positions", "place_name"),
        ("kato_classifier", "name_ru"),
        ("kato_classifier", "name_kk"),
        ("programme_targets", "metric_id"),
        ("public_statements", "unit"),
        ("government_systems", "agency"),
        ("rural_connection_plan", "contractor"),
    ],
)
def test_what_is_looked_up_or_listed_is_no_free_text(kind: str, name: str) -> None:
    assert not is_free_text(load_contracts()[kind].column(name))
    assert is_free_text(load_contracts()["kato_changes"].column("note"))


@pytest.mark.parametrize(
    ("header", "factor", "needed"),
    [
        ("Скорость загрузки, кбит/с", None, "0.001"),
        ("Скорость загрузки, кбит/с", 0.001, None),
        ("Скорость загрузки, Мбит/с", 0.001, "1"),
        ("down_kbps", None, "0.001"),
        ("Жылдамдық, Гбит/с", None, "1000"),
        ("Скорость, Мбит/с", None, None),
        ("Скорость", 0.001, None),
        ("Скорость, кбит/с (бывш. Мбит/с)", None, None),
    ],
)
def test_a_header_whose_unit_the_layout_does_not_convert_is_a_problem(
    header: str, factor: float | None, needed: str | None
) -> None:
    values = yaml.safe_load(
        (LAYOUTS_DIR / "sample_dala/operator_availability.yaml").read_text(encoding="utf-8")
    )
    values["columns"]["max_download_mbps"] = {"from": header, "factor": factor}
    told = [
        f"the header {header!r} states another unit than 'max_download_mbps', which is in Mbit/s: "
        f"set 'factor: {needed}'"
    ]
    assert Layout.model_validate(values).problems() == (told if needed else [])


def test_thousands_of_people_are_a_unit_of_their_own() -> None:
    assert factor_stated("Численность, тыс. человек", "people") == 1000
    assert factor_stated("Тысменица", "people") is None
