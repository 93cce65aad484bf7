"""The files of the sample: the same bytes each time, the formats they claim, and the faults put into them."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import fastexcel
import openpyxl
import polars as pl
import pytest

from sample_country import PERIODS, Summary, expected, generate

FEW = (PERIODS[0], PERIODS[5], PERIODS[-1])


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return generate(tmp_path_factory.mktemp("sample"), periods=FEW)


@pytest.fixture(scope="module")
def faultless(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return generate(tmp_path_factory.mktemp("faultless"), periods=FEW, faults=False)


def test_two_runs_give_the_same_bytes_and_another_seed_others(sample: Summary, tmp_path: Path) -> None:
    again = generate(tmp_path / "again", periods=FEW)
    assert digests(again.root) == digests(sample.root)
    other = generate(tmp_path / "other", periods=FEW, seed=3)
    assert digests(other.root) != digests(sample.root)


def test_the_summary_names_every_file_with_its_size(sample: Summary) -> None:
    on_disk = {path: (sample.root / path).stat().st_size for path in digests(sample.root)}
    assert {file.path: file.size_bytes for file in sample.files} == on_disk
    assert [file.path for file in sample.files] == sorted(on_disk)


def test_without_faults_every_row_is_good(faultless: Summary) -> None:
    accounts = expected.row_accounts(faultless)
    assert expected.injected_faults(faultless).is_empty()
    assert set(accounts["outcome"]) == {"accepted"}
    assert accounts["is_current"].all()


def test_faults_leave_the_good_rows_as_they_are(sample: Summary, faultless: Summary) -> None:
    def accepted(summary: Summary) -> dict[tuple[str, str | None], int]:
        rows = expected.row_accounts(summary).filter("is_current")
        counted = rows.group_by("sender", "extract_kind").agg(pl.sum("rows_accepted"))
        return {(sender, kind): count for sender, kind, count in counted.rows()}

    # Two systems stand twice in the last two registers: rows good in themselves, which a check warns of.
    twice = {("sample_qaztech", "government_systems"): 4}
    assert accepted(sample) == {key: rows + twice.get(key, 0) for key, rows in accepted(faultless).items()}
    assert sample.totals.equals(faultless.totals)


def test_dala_writes_code_page_1251_with_commas_and_grouped_thousands(faultless: Summary) -> None:
    text = (faultless.root / "sample_dala/availability_2021q4.csv").read_bytes().decode("cp1251")
    header, *lines = text.splitlines()
    assert header.startswith(
        "Область;Район;Населённый пункт;КАТО;Технология;Уровень;Скорость загрузки, кбит/с"
    )
    assert any("100\u00a0000" in line for line in lines)
    assert {len(line.split(";")) for line in lines} == {11}
    # Before the split of 2022 the places of Abai stood under East Kazakhstan, with other codes.
    assert not any(line.startswith("область Абай") for line in lines)


def test_arman_heads_its_columns_in_two_merged_rows(sample: Summary) -> None:
    book = openpyxl.load_workbook(sample.root / "sample_arman/2025/arman_2025-Q4.xlsx")
    assert book.sheetnames == ["Титул", "2G-3G", "4G-5G"]
    sheet = book["4G-5G"]
    assert "H4:I4" in {str(area) for area in sheet.merged_cells.ranges}
    assert sheet["A4"].value == "№"
    assert isinstance(sheet["G6"].value, int)
    assert isinstance(sheet["E6"].value, str)
    assert sheet.cell(sheet.max_row - 3, 2).value == "Барлығы / Итого"
    assert str(sheet.cell(sheet.max_row, 1).value).startswith("Қол қойылған")


def test_sayran_writes_utf_16_with_names_that_need_mending(sample: Summary) -> None:
    raw = (sample.root / "sample_sayran/sayran_coverage_2025_4.txt").read_bytes()
    assert raw.startswith(b"\xff\xfe")
    header, *lines = raw.decode("utf-16").splitlines()
    assert "КАТО" not in header
    names = [line.split("\t")[2] for line in lines]
    mixed = [
        name for name in names if any("a" <= c <= "z" for c in name) and any("а" <= c <= "я" for c in name)
    ]
    assert mixed
    assert any(name.startswith("село ") for name in names)
    assert any("р-н" in line for line in lines)


def test_tulpar_changed_from_an_old_workbook_to_quoted_text(sample: Summary) -> None:
    book = sample.root / "sample_tulpar/tulpar_2021q4.xls"
    assert book.read_bytes()[:8] == bytes.fromhex("d0cf11e0a1b11ae1")
    assert fastexcel.read_excel(book).sheet_names == ["Отчет"]
    text = (sample.root / "sample_tulpar/tulpar-2025-q4.csv").read_bytes()
    assert text.startswith(b'\xef\xbb\xbf"report_date","kato_code"')


def test_what_is_filed_by_address_is_left_out_by_settlement(faultless: Summary) -> None:
    addresses = pl.read_csv(faultless.root / "sample_dala/addresses_2025q4.csv", infer_schema=False)
    text = (faultless.root / "sample_dala/availability_2025q4.csv").read_bytes().decode("cp1251")
    fibre = {line.split(";")[3] for line in text.splitlines()[1:] if "ВОЛС" in line}
    assert fibre.isdisjoint(addresses["kato"].unique().to_list())
    assert addresses["location_id"].is_unique().all()


@pytest.mark.parametrize("rows", [1, 999, 250_000])
def test_a_national_filing_has_exactly_the_addresses_asked_for(tmp_path: Path, rows: int) -> None:
    summary = generate(tmp_path, periods=PERIODS[-1:], addresses=rows, faults=False)
    path = tmp_path / "sample_dala/addresses_2025q4.csv"
    frame = pl.read_csv(path, schema_overrides={"kato": pl.String})
    assert frame.height == rows
    assert frame["location_id"].n_unique() == rows
    assert frame.columns == ["location_id", "kato", "technology", "level", "down", "up"]
    assert rows < 1000 or 33 < path.stat().st_size / rows < 40
    last = summary.totals.row(-1, named=True)
    assert {name: last[name] for name in expected.PUBLISHED} == expected.PUBLISHED


def test_chunks_do_not_show_in_the_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "sample_dala/addresses_2025q4.csv"
    generate(tmp_path / "whole", periods=PERIODS[-1:], addresses=5_000, faults=False)
    monkeypatch.setattr("sample_country.addresses.CHUNK", 777)
    generate(tmp_path / "pieces", periods=PERIODS[-1:], addresses=5_000, faults=False)
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "pieces" / name).read_bytes()


def test_the_plan_counts_as_many_as_the_ministry_and_disagrees_about_some(sample: Summary) -> None:
    book = fastexcel.read_excel(sample.root / "sample_ministry/plan/plan_2024q3.xlsx")
    rows = book.load_sheet(0, header_row=3, dtypes="string").to_polars()
    villages = rows.filter(pl.col("КАТО").str.contains(r"^\d{9}$"))
    assert villages["КАТО"].n_unique() == 6_179
    planned = villages["Жоспарлы мерзім / Плановый срок"].str.to_date("%d.%m.%Y")
    in_2026 = villages.filter(planned.dt.year() == 2026)
    assert in_2026.height == 1_900
    done = villages["Нақты мерзім / Фактический срок"].drop_nulls().str.to_date("%d.%m.%Y")
    assert done.max() <= dt.date(2024, 9, 30)


def test_periods_and_addresses_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no filings are known for 2020-12-31"):
        generate(tmp_path, periods=[dt.date(2020, 12, 31)])
    with pytest.raises(ValueError, match="positive"):
        generate(tmp_path, addresses=0)
    assert not any(tmp_path.iterdir())


def test_filings_over_a_real_geography_use_its_codes(tmp_path: Path, faultless: Summary) -> None:
    edition = next((faultless.root / "sample_bureau/kato").glob("sample_kato_2026*.csv"))
    (tmp_path / "data/kato_2026").mkdir(parents=True)
    (tmp_path / "data/kato_2026/kato.csv").write_bytes(edition.read_bytes())
    summary = generate(tmp_path / "out", geography=tmp_path / "data", periods=FEW)
    last = summary.totals.row(-1, named=True)
    assert {name: last[name] for name in expected.PUBLISHED} == expected.PUBLISHED
    assert summary.totals["as_of_date"].min() >= dt.date(2023, 12, 31)
    senders = {file.sender for file in summary.files}
    assert "sample_itu" not in senders
    assert {f.extract_kind for f in summary.files if f.sender == "sample_bureau"} == {"households"}
    codes = set(pl.read_csv(edition, infer_schema=False)["kato"])
    filed = pl.read_csv(summary.root / "sample_koktem/satellite_2024q3.csv", infer_schema=False).drop_nulls(
        "kato"
    )
    assert filed.filter(~pl.col("kato").is_in(codes)).height == 1  # the unknown code put in


def test_a_geography_without_an_edition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"kato\.csv"):
        generate(tmp_path / "out", geography=tmp_path)
