"""Reading delimited text: every way of writing one table gives the same rows, numbered as people number them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.faults import FileRejected
from ingestion.layout import Layout
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
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
    assert table.ragged.is_empty()


def test_quotes_line_breaks_and_blank_lines_keep_the_count_of_records(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text('a,b,c\n"x,1","line\nbreak","say ""hi"""\n\n1,2\n4,5,6\n', encoding="utf-8")
    table = read_text(path, plain(), tmp_path)
    assert rows(table.frame) == [(2, "x,1", "line\nbreak", 'say "hi"'), (5, "4", "5", "6")]
    assert table.ragged.rows() == [(4, "1,2")]
    assert table.skipped == 2


def test_rows_that_are_ragged_in_opposite_ways_are_both_found(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b,c\n1,2\n1,2,3,4\n7,8,9\n", encoding="utf-8")
    with pytest.raises(pl.exceptions.PolarsError):
        rows(read_text(path, plain(), tmp_path).frame)
    table = read_text(path, plain(), tmp_path, as_it_lies=False)
    assert [number for number, _ in table.ragged.rows()] == [2, 3]
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
    assert read.ragged.is_empty()


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


def test_another_delimiter_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a;b;c\n1;2;3\n", encoding="utf-8")
    with pytest.raises(FileRejected, match="no delimiter ','"):
        read_text(path, plain(), tmp_path)
