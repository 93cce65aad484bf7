"""Numbers are taken in the form that the layout states, and in no other."""

from __future__ import annotations

import datetime as dt
import math
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.layout import Layout
from ingestion.readers.table import ROW, SHEET, RawTable
from ingestion.rules import judge, target
from tests.unit.ingestion_kit import FILING, HEADER, Warehouse, layout
from tests.unit.ingestion_kit import ROW as GOOD_ROW

COLUMN = "Отдача"


def text_layout(**text: object) -> Layout:
    return layout(FILING, text={"delimiter": ";", **text}, resolve=None)


COMMA = text_layout(decimal=",")
COMMA_UNGROUPED = text_layout(decimal=",", thousands=False)
POINT = text_layout()
POINT_GROUPED = text_layout(thousands=True)
WORKBOOK_COMMA = layout(
    FILING,
    format="workbook",
    text=None,
    workbook={"sheets": ["1"], "header_rows": [1], "first_row": 2, "decimal": ","},
    resolve=None,
)


def judged(how: Layout, texts: list[str], column: str = COLUMN) -> tuple[list[float | None], list[bool]]:
    """Values of one column's texts, and which of them are flagged as no number."""
    rows = dict(zip(HEADER.split(";"), GOOD_ROW.split(";"), strict=True))
    frame = pl.DataFrame([rows | {column: text} for text in texts]).with_row_index(ROW)
    frame = frame.with_columns(pl.lit(None, pl.String).alias(SHEET))
    raw = RawTable(frame.lazy(), list(rows))
    result = judge(how, raw, {"year": "2025", "quarter": "4"}, dt.date(2025, 12, 31))
    (name,) = (n for n, source in how.columns.items() if source.source == column)
    (flag,) = (f.name for f in result.flags if (f.rule, f.column) == ("not_a_number", name))
    found = result.frame.select(target(name), flag).collect()
    return found[target(name)].to_list(), found[flag].to_list()


@pytest.mark.parametrize(
    ("how", "text", "value"),
    [
        pytest.param(COMMA, "12", 12, id="whole"),
        pytest.param(COMMA, "12,5", 12.5, id="decimal_comma"),
        pytest.param(COMMA, "+12,5", 12.5, id="plus"),
        pytest.param(COMMA, "-0,25", -0.25, id="minus"),
        pytest.param(COMMA, "17 918 214", 17_918_214, id="statgov_groups"),
        pytest.param(COMMA, "17\u00a0918\u00a0214,5", 17_918_214.5, id="no_break_space"),
        pytest.param(COMMA, "1\u202f140", 1140, id="narrow_no_break_space"),
        pytest.param(COMMA, "3,7e+006", 3_700_000, id="exponent"),
        pytest.param(COMMA, "123456789012345678901", 123456789012345678901.0, id="beyond_64_bits"),
        pytest.param(COMMA_UNGROUPED, "1140,5", 1140.5, id="ungrouped"),
        pytest.param(POINT, "12.5", 12.5, id="decimal_point"),
        pytest.param(POINT, "3.7e+006", 3_700_000, id="itu_exponent"),
        pytest.param(POINT_GROUPED, "17 918 214", 17_918_214, id="point_and_groups"),
        pytest.param(POINT_GROUPED, "1 140.5", 1140.5, id="point_in_groups"),
        pytest.param(WORKBOOK_COMMA, "100,5", 100.5, id="cell_as_its_program_shows_it"),
        pytest.param(WORKBOOK_COMMA, "1 100,5", 1100.5, id="cell_that_is_text"),
    ],
)
def test_a_number_in_the_form_of_the_layout(how: Layout, text: str, value: float) -> None:
    assert judged(how, [text]) == ([value], [False])


@pytest.mark.parametrize(
    ("how", "text"),
    [
        pytest.param(COMMA, "12.5", id="point_where_the_comma_rules"),
        pytest.param(COMMA, "1.140,5", id="points_as_group_marks"),
        pytest.param(COMMA, "1 2 345", id="group_of_one"),
        pytest.param(COMMA, "12 34", id="group_of_two"),
        pytest.param(COMMA, "1234 567", id="first_group_of_four"),
        pytest.param(COMMA, "1 2345", id="last_group_of_four"),
        pytest.param(COMMA, "1,23,456", id="two_commas"),
        pytest.param(COMMA, "1  234", id="two_spaces"),
        pytest.param(COMMA, "1\t234", id="tab_in_a_number"),
        pytest.param(COMMA, "- 5", id="space_behind_the_sign"),
        pytest.param(COMMA, ",", id="mark_alone"),
        pytest.param(COMMA, "inf", id="infinity"),
        pytest.param(COMMA_UNGROUPED, "1 140", id="groups_not_stated"),
        pytest.param(POINT, "12,5", id="comma_where_the_point_rules"),
        pytest.param(POINT, "1,23,456", id="commas_as_group_marks"),
        pytest.param(POINT, "1 140", id="groups_not_stated_with_point"),
        pytest.param(POINT, "nan", id="not_a_number_at_all"),
        pytest.param(POINT_GROUPED, "12 34", id="group_of_two_with_point"),
        pytest.param(WORKBOOK_COMMA, "1.234", id="point_in_a_cell_that_is_text"),
        pytest.param(WORKBOOK_COMMA, "1 2 345", id="group_of_one_in_a_cell"),
    ],
)
def test_a_number_in_another_form_is_no_number(how: Layout, text: str) -> None:
    assert judged(how, [text]) == ([None], [True])


@pytest.mark.parametrize(
    ("how", "text"), [(COMMA, "-0"), (COMMA, "-0,0"), (POINT, "-0"), (POINT, "-0.0"), (POINT, "-1e-400")]
)
@pytest.mark.parametrize("column", [COLUMN, "Скорость, кбит/с"])
def test_zero_has_no_sign(how: Layout, text: str, column: str) -> None:
    (value,), _ = judged(how, [text], column)
    assert value == 0
    assert math.copysign(1, value) == 1


GROUPS = "[ \u00a0\u2007\u2009\u202f]"


@given(st.lists(st.text("0123456789+-,.eE \u00a0\u202f", min_size=1, max_size=9), min_size=1, max_size=30))
def test_whatever_is_taken_has_the_form_and_the_value_of_the_layout(texts: list[str]) -> None:
    stripped = [text.strip() for text in texts]
    form = re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:{GROUPS}\d{{3}})+|(?=,\d))(?:,\d*)?(?:[eE][+-]?\d+)?")
    expected = []
    for text in stripped:
        value = float(re.sub(GROUPS, "", text).replace(",", ".")) if form.fullmatch(text) else math.nan
        expected.append(value if math.isfinite(value) else None)
    values, flagged = judged(COMMA, texts)
    assert values == expected
    marked_unknown = {"", *COMMA.null_marks}
    assert flagged == [
        value is None and text not in marked_unknown for text, value in zip(stripped, expected, strict=True)
    ]


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    return made


def test_the_outcome_says_how_the_layout_writes_numbers(warehouse: Warehouse) -> None:
    warehouse.file(GOOD_ROW, GOOD_ROW.replace(";50,5;", ";12.5;"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.reasons(outcome) == [(3, "not_a_number", COLUMN, "12.5")]
    told = "row 3, column 'Отдача', value '12.5': write a number in the form of the layout, such as 1234567,8"
    assert f"{told} or 1 234 567,8" in str(outcome.message)


def summed(required: bool) -> dict[str, object]:
    """A layout whose figure is the sum of two columns; the contract demands the level, but not the homes."""
    into, other = (
        ("connection_level", "households_passed") if required else ("households_passed", "connection_level")
    )
    columns = FILING["columns"] | {into: {"sum_of": ["Город", "Село, дворов"]}, other: {"from": "Прочее"}}
    return FILING | {"columns": columns, "text": {"delimiter": ";"}}


@pytest.mark.parametrize(
    ("required", "fields", "reasons"),
    [
        pytest.param(True, ";2", [("required_missing", "Город", "")], id="part_missing_where_required"),
        pytest.param(
            True,
            ";",
            [("required_missing", "Город", ""), ("required_missing", "Село, дворов", "")],
            id="all_parts_missing",
        ),
        pytest.param(False, "н/д;2", [], id="part_unknown_where_allowed"),
        pytest.param(
            False, ";два", [("not_a_number", "Село, дворов", "два")], id="part_no_number_beside_a_missing_one"
        ),
        pytest.param(True, "1;два", [("not_a_number", "Село, дворов", "два")], id="part_no_number"),
        pytest.param(True, "4;4", [("above_maximum", "Город + Село, дворов", None)], id="sum_too_large"),
        pytest.param(
            False,
            "1e308;1e308",
            [("not_a_number", "Город + Село, дворов", None)],
            id="sum_beyond_all_numbers",
        ),
    ],
)
def test_a_sum_says_which_part_is_wrong(
    warehouse: Warehouse,
    required: bool,
    fields: str,
    reasons: list[tuple[str, str, str | None]],
) -> None:
    warehouse.layouts["test/availability"] = layout(summed(required))
    header = HEADER.replace("Уровень", "Прочее").replace("Охвачено", "Город;Село, дворов")
    good = "31.12.2025;область Абай;Абайский район;с.Карааул;103230100;ВОЛС;3;100000.0;50.5;1;2;900"
    bad = good.replace(";1;2;", f";{fields};").replace("ВОЛС", "4G/LTE")
    warehouse.put("dala_2025q4.csv", "\n".join([header, good, bad]))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert sorted(warehouse.reasons(outcome)) == [(3, *reason) for reason in reasons], outcome.message
    rows = warehouse.part("accepted", outcome).sort("technology", descending=True)
    column = "connection_level" if required else "households_passed"
    assert rows[column].to_list() == [3] + [None] * (not reasons)


def test_a_number_that_its_unit_makes_infinite_is_none() -> None:
    columns = FILING["columns"] | {"max_upload_mbps": {"from": COLUMN, "factor": 1000}}  # type: ignore[operator]
    large = layout(FILING, text={"delimiter": ";"}, resolve=None, columns=columns)
    assert judged(large, ["1e300", "1e307"]) == ([1e303, None], [False, True])
