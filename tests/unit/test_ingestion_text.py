"""Reading delimited text: every way of writing one table gives the same rows, numbered as people number them."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.faults import FileRejected
from ingestion.layout import ColumnSource, Layout
from ingestion.readers.table import RawTable
from ingestion.readers.text import read_text, verify_encoding
from tests.unit.ingestion_kit import FILING, layout

COLUMNS = ["a", "b", "c"]


def plain(encoding: str = "utf-8", **text: object) -> Layout:
    """A layout that reads three text columns."""
    values = FILING | {
        "text": {"encoding": encoding, **text},
        "columns": {
            "as_of_date": {"value": "2025-12-31"},
            "operator_id": {"from": "a"},
            "settlement_kato": {"from": "b"},
            "technology": {"from": "c"},
            "connection_level": {"value": "1"},
        },
        "absent": [
            "max_download_mbps", "max_upload_mbps", "households_passed", "households_connected",
            "filed_region", "filed_district", "filed_settlement",
        ],
        "total_rows": None,
    }  # fmt: skip
    return layout(values)


def rows(table: pl.LazyFrame) -> list[tuple[object, ...]]:
    """Row numbers and fields, collected."""
    return table.select("source_row", *COLUMNS).collect().rows()


def set_aside(table: RawTable) -> list[tuple[int, str]]:
    """Number and text of rows with too few or too many fields."""
    return [(number, text) for number, _, text, rule in table.aside.rows() if rule == "wrong_field_count"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("final_newline", [True, False])
def test_the_same_table_in_every_encoding(
    tmp_path: Path, encoding: str, newline: str, final_newline: bool
) -> None:
    text = newline.join(["a;b;c", "Шу;2;", "x;\u00a05;я"]) + (newline if final_newline else "")
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    table = read_text(path, plain(encoding, delimiter=";"), tmp_path)
    assert [tuple((f or "").strip() if isinstance(f, str) else f for f in r) for r in rows(table.frame)] == [
        (2, "Шу", "2", ""),
        (3, "x", "5", "я"),
    ]
    assert table.aside.is_empty()


def test_a_short_line_that_a_carriage_return_ends_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b,c\rshort\r")
    assert set_aside(read_text(path, plain(), tmp_path)) == [(2, "short")]


def test_quotes_line_breaks_and_blank_lines_keep_the_count_of_records(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a,b,c\n"x,1","line\nbreak","say ""hi"""\n\n1,2\n4,5,6\n', encoding="utf-8")
    table = read_text(path, plain(), tmp_path)
    assert rows(table.frame) == [(2, "x,1", "line\nbreak", 'say "hi"'), (5, "4", "5", "6")]
    assert set_aside(table) == [(4, "1,2")]
    assert table.skipped == 2


def test_rows_that_are_ragged_in_opposite_ways_are_both_found(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b,c\n1,2\n1,2,3,4\n7,8,9\n", encoding="utf-8")
    with pytest.raises(pl.exceptions.PolarsError):
        rows(read_text(path, plain(), tmp_path).frame)
    table = read_text(path, plain(), tmp_path, as_it_lies=False)
    assert [number for number, _ in set_aside(table)] == [2, 3]
    assert rows(table.frame) == [(4, "7", "8", "9")]


field_text = st.text(
    st.characters(codec="cp1251", exclude_characters="\r\0\x98", exclude_categories=["Cc"]), max_size=6
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(st.tuples(field_text, field_text, field_text), min_size=1, max_size=8),
    cyrillic=st.booleans(),
)
def test_whatever_csv_writes_is_read_back(
    tmp_path: Path, table: list[tuple[str, str, str]], cyrillic: bool
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([COLUMNS, *table])
    path = tmp_path / "file.csv"
    encoding = "utf-8-sig" if cyrillic else "utf-8"
    path.write_text(buffer.getvalue(), encoding=encoding, newline="")
    read = read_text(path, plain(encoding), tmp_path)
    filled = [(i, *row) for i, row in enumerate(table, start=2) if any(f.strip() for f in row)]
    got = [(r[0], *((f or "") for f in r[1:])) for r in rows(read.frame)]
    assert [r for r in got if any(str(f).strip() for f in r[1:])] == filled
    assert read.aside.is_empty()


def test_a_long_even_file_is_scanned_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b,c\n" + "1,2,3\n" * 50_000, encoding="utf-8")
    table = read_text(path, plain(), tmp_path)
    assert table.rows == 50_000
    assert table.is_trimmed
    assert not (tmp_path / "raw.parquet").exists()


def test_cp1251_that_is_really_utf8_is_refused_only_when_it_has_letters_to_tell(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,b,c\n1,2,3\n")
    verify_encoding(path, plain("cp1251").text)  # type: ignore[arg-type]
    path.write_bytes("a,b,c\nШу,2,3\n".encode())
    with pytest.raises(FileRejected, match="reads as utf-8"):
        verify_encoding(path, plain("cp1251").text)  # type: ignore[arg-type]


def test_a_line_of_utf8_that_code_page_1251_cannot_hold_is_told_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    # И is the bytes D0 98, of which the code page lacks the second.
    path.write_bytes("a,b,c\nШу,2,3\n".encode("cp1251") + "Иртышск,2,3\n".encode())
    with pytest.raises(FileRejected, match=r"line 3 holds byte 0x98, .*; that line reads as utf-8"):
        verify_encoding(path, plain("cp1251").text)  # type: ignore[arg-type]


def test_another_delimiter_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a;b;c\n1;2;3\n", encoding="utf-8")
    with pytest.raises(FileRejected, match="no delimiter ','"):
        read_text(path, plain(), tmp_path)


@pytest.mark.parametrize(
    ("text", "header_row"),
    [
        pytest.param('"a",b,"c"\n', 1, id="no_line_break"),
        pytest.param('"a\n",b,"\r\nc"\n', 1, id="line_break_in_the_header"),
        pytest.param('"Report of\nthe quarter",,\na,b,c\n', 2, id="line_break_before_the_header"),
        pytest.param('"Report\nof\nthree lines"\n"a\n","b",c\n', 2, id="line_breaks_in_both"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_quoted_line_break_above_the_data_moves_no_row(
    tmp_path: Path, text: str, header_row: int, encoding: str
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text + '1,"2\n2",3\nshort\n\n7,8,9\n', encoding=encoding, newline="")
    table = read_text(path, plain(encoding, header_row=header_row), tmp_path)
    first = header_row + 1
    assert rows(table.frame) == [(first, "1", "2\n2", "3"), (first + 3, "7", "8", "9")]
    assert set_aside(table) == [(first + 1, "short")]
    assert table.skipped == header_row + 1


def test_a_header_with_a_line_break_and_nothing_below_is_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a,b,"c\n"\n', encoding="utf-8")
    with pytest.raises(FileRejected, match="empty_file"):
        read_text(path, plain(), tmp_path)


def with_ignored(*names: str) -> Layout:
    return plain().model_copy(update={"ignore": list(names)})


RESERVED = [
    "source_row",
    "source_sheet",
    "__bad",
    "__kato",
    "=connection_level",
    "~technology",
    "?technology",
]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(["x", "x#2", "x", "#3 x"], id="suffix_of_a_repeated_name_is_a_column_too"),
        pytest.param(["x", "x", "x", "#5 x", "##5 x"], id="name_thrice"),
        pytest.param(RESERVED, id="names_of_the_pipeline"),
        pytest.param(["source_row", "source_row", "#4 source_row"], id="name_of_the_pipeline_twice"),
    ],
)
@pytest.mark.parametrize("as_it_lies", [True, False])
def test_no_column_that_nobody_reads_collides(tmp_path: Path, header: list[str], as_it_lies: bool) -> None:
    path = tmp_path / "file.csv"
    values = [f"v{i}" for i in range(len(header))]
    path.write_text(f"a,{','.join(header)},b,c\n1,{','.join(values)},2,3\n", encoding="utf-8")
    table = read_text(path, with_ignored(*header), tmp_path, as_it_lies=as_it_lies)
    assert rows(table.frame) == [(2, "1", "2", "3")]
    assert table.frame.select(table.columns).collect().row(0) == ("1", *values, "2", "3")


def test_a_name_of_the_pipeline_that_the_layout_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b,source_row\n1,2,3\n", encoding="utf-8")
    columns = {**plain().columns, "technology": ColumnSource.model_validate({"from": "source_row"})}
    with pytest.raises(FileRejected, match=r"reserved_column: file.csv, row 1: .* column 'source_row'"):
        read_text(path, plain().model_copy(update={"columns": columns}), tmp_path)


@pytest.mark.parametrize(
    ("encoding", "text", "expected"),
    [
        ("utf-8", "a,b,c\n1,2\0,3\n", True),
        ("utf-8", "a,b,c\nШу\0,2,3\n", True),
        ("cp1251", "a,b,c\nШу,2\0,3\n", True),
        ("utf-16", "a,b,c\nШу,2\0,3\n", True),
        ("utf-16", "a,b,c\nШу,2,3\n", False),
        ("utf-8", "a,b,c\nШу,2,3\n", False),
    ],
)
def test_a_nul_is_seen_in_every_encoding(tmp_path: Path, encoding: str, text: str, expected: bool) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding=encoding)
    assert read_text(path, plain(encoding), tmp_path).may_hold_nul == expected


@given(
    lines=st.lists(st.sampled_from(["a,b,c", "1,2,3", "a,b", "xa,b,cx", "A,b,C"]), min_size=1, max_size=12),
    chunk=st.integers(3, 9),
)
@settings(deadline=None)
def test_a_header_that_stands_again_is_never_overlooked(lines: list[str], chunk: int) -> None:
    """Wherever the chunks of reading end: to look once too often costs time, once too seldom a row that is none."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr("ingestion.readers.text._CHUNK", chunk)
        path = Path(folder) / "file.csv"
        path.write_text("\n".join(["a,b,c", *lines]), encoding="utf-8")
        profile = verify_encoding(path, plain().text)  # type: ignore[arg-type]
    assert profile.repeats_first_line or not {"a,b,c", "A,b,C"} & set(lines)


def test_a_header_that_stands_once_is_not_looked_for_in_every_row(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b,c\n" + "1,2,3\n" * 400_000, encoding="utf-8")
    assert not read_text(path, plain(), tmp_path).may_repeat_header
