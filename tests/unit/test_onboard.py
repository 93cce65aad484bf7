"""A strange file becomes a draft of a layout, and a changed one a diff of its layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import xlsxwriter
import yaml

from ingestion.check import check_files
from ingestion.contract import load_contracts
from ingestion.faults import FileRejected
from ingestion.layout import Layout, load_layouts, read_layout
from ingestion.onboard.changed import changed, proposal_for, proposed_change
from ingestion.onboard.draft import TODO, draft_layout, file_pattern
from ingestion.onboard.look import look
from ingestion.onboard.propose import aliases, date_format, meaning, number_of, proposals

STRANGE = (
    "Отчёт оператора за 4 квартал\r\n"
    ";;;;;;\r\n"
    "№;Регион;Район;Наименование СНП;Код КАТО;Вид сети;Скорость приёма, кбит/с;Статус подключения;Абонентов\r\n"
    "1;область Абай;Абайский район;с.Карааул;103230100;GPON;100 000,0;3;1 140\r\n"
    "2;область Абай;Абайский район;с.Шынгыс;103230200;LTE;20 000,0;2;н/д\r\n"
    "3;область Абай;Абайский район;с.Жамбыл;103230600;VSAT;8 000,0;4;15\r\n"
    ";Итого по области;;;;;;;1 155\r\n"
)
DALA_HEADER = (
    "Область;Район;Населённый пункт;КАТО;Технология;Уровень;Скорость загрузки, кбит/с;Скорость отдачи, Мбит/с;"
    "Охвачено домохозяйств;Подключено домохозяйств;Примечание"
)
DALA_ROW = "область Абай;Абайский район;с.Карааул;103230100;xDSL;4;8 000;1;832;179;"


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    path = tmp_path / "форма_2025-К4.csv"
    path.write_text(STRANGE, encoding="cp1251", newline="")
    return path


def finished(text: str, path: Path) -> Layout:
    """A draft after a person replaced what it could not know."""
    path.write_text(text.replace(TODO, "decided"), encoding="utf-8")
    return read_layout(path, in_place=False)


def test_a_text_is_described_as_it_is_written(strange: Path) -> None:
    seen = look(strange)
    assert seen.format == "text"
    assert seen.described == {"encoding": "cp1251", "delimiter": ";", "decimal": ",", "header_row": 3}
    assert seen.columns[:2] == ["№", "Регион"]
    assert seen.null_marks == ["н/д"]
    assert seen.totals == ("Регион", "(?i)итого")


def test_each_column_is_mapped_with_its_reason_and_the_rest_is_left_to_decide(strange: Path) -> None:
    text = draft_layout(strange, "newcomer", "operator_availability")
    drafted = yaml.safe_load(text)
    assert drafted["file_pattern"] == r"(?:.*/)?newcomer/форма_(?P<year>\d{4})-К(?P<quarter>[1-4])\.csv"
    assert drafted["columns"] == {
        "as_of_date": {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}},
        "operator_id": {"value": "newcomer"},
        "settlement_kato": {"from": "Код КАТО"},
        "technology": {"from": "Вид сети", "map": {"GPON": "fttp", "LTE": "4g", "VSAT": "geo_satellite"}},
        "connection_level": {"from": "Статус подключения"},
        "max_download_mbps": {"from": "Скорость приёма, кбит/с", "factor": 0.001},
        "households_connected": {"from": "Абонентов"},
        "filed_region": {"from": "Регион"},
        "filed_district": {"from": "Район"},
        "filed_settlement": {"from": "Наименование СНП"},
    }
    assert drafted["absent"] == ["max_upload_mbps", "households_passed"]
    assert drafted["ignore"] == ["№"]
    assert drafted["resolve"] == {"kato": "settlement_kato", "by": ["code", "name"], "level": "settlement"}
    lines = {line.split(":")[0].strip(): line for line in text.splitlines()}
    assert "# alias 'наименование снп'" in lines["filed_settlement"]
    assert TODO in lines["operator_id"]
    assert TODO in lines["ignore"]
    assert TODO not in lines["technology"]


def test_a_draft_that_a_person_finished_reads_the_file(strange: Path, tmp_path: Path) -> None:
    drafted = finished(draft_layout(strange, "newcomer", "operator_availability"), tmp_path / "draft.yaml")
    (answer,) = check_files([strange], layout=drafted)
    outcome = answer.outcome
    assert (outcome.layout_id, outcome.rows_accepted) == ("newcomer/operator_availability", 3)
    assert {fault.rule for fault in answer.faults if fault.row == 7} == {"total_row"}


def test_the_contract_that_fits_best_is_found(strange: Path, tmp_path: Path) -> None:
    assert yaml.safe_load(draft_layout(strange, "newcomer"))["extract"] == "operator_availability"
    sites = tmp_path / "bs.csv"
    sites.write_text(
        "БС,Стандарт,Широта,Долгота,Дата запуска\nA1,GSM,50.1,72.3,01.02.2024\nA2,LTE,51,73,02.02.2024\n"
    )
    drafted = yaml.safe_load(draft_layout(sites, "newcomer"))
    assert drafted["extract"] == "operator_sites"
    said = {line.split(":")[0]: line for line in draft_layout(sites, "newcomer").splitlines()}
    assert "or, with --extract: " in said["extract"]
    assert "no other name fits" in said["file_pattern"]
    assert drafted["columns"]["on_air_date"] == {"from": "Дата запуска", "date_format": "%d.%m.%Y"}
    assert drafted["columns"]["as_of_date"] == {"from": TODO}


def test_a_workbook_is_described_with_its_sheets_merged_header_and_footer(tmp_path: Path) -> None:
    path = tmp_path / "plan_2025q4.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Титул").write(0, 0, "План подключения")
        for first, name in enumerate(("Север", "Юг")):
            page = book.add_worksheet(name)
            page.write(0, 0, "Форма 1")
            page.merge_range(2, 0, 3, 0, "КАТО")
            page.merge_range(2, 1, 3, 1, "Технология")
            page.merge_range(2, 2, 2, 3, "Срок")
            page.write_row(3, 2, ["плановая дата", "фактическая дата"])
            for row in range(4, 8):
                page.write_row(row, 0, [f"10323{first}10{row}", "ВОЛС", "31.12.2025", "01.12.2025"])
            page.write(9, 0, "Ответственный исполнитель: Иванов")
    seen = look(path)
    assert seen.described == {
        "sheets": ["Север", "Юг"], "header_rows": [3, 4], "first_row": 5, "stop_at": "^Ответственный исполнитель:",
    }  # fmt: skip
    assert seen.columns == ["КАТО", "Технология", "Срок | плановая дата", "Срок | фактическая дата"]
    assert seen.notes == ["sheets not read: 'Титул'"]
    drafted = finished(draft_layout(path, "newcomer", "rural_connection_plan"), tmp_path / "draft.yaml")
    (answer,) = check_files([path], layout=drafted)
    assert answer.outcome.rows_accepted == 8


def test_features_are_described_by_their_fields(tmp_path: Path) -> None:
    path = tmp_path / "zones_2025q4.geojson"
    square = [[[70.0, 50.0], [70.1, 50.0], [70.1, 50.1], [70.0, 50.0]]]
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": square},
            "properties": {"zone": f"z{n}", "technology": word, "environment": "улица"},
        }
        for n, word in enumerate(("LTE", "NR"))
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    drafted = yaml.safe_load(draft_layout(path, "newcomer"))
    assert (drafted["extract"], drafted["format"]) == ("operator_coverage_areas", "features")
    assert drafted["columns"]["technology"] == {"from": "technology", "map": {"LTE": "4g", "NR": "5g"}}
    assert drafted["columns"]["environment"] == {"from": "environment", "map": {"улица": "outdoor"}}
    assert drafted["columns"]["area_id"] == {"from": "zone"}


def test_a_column_for_each_year_is_made_long(tmp_path: Path) -> None:
    path = tmp_path / "people_2000_2023.csv"
    path.write_text("Код,Регион,2021,2022,2023\n100000000,Абай,1,2,3\n110000000,Акмола,4,5,6\n")
    text = draft_layout(path, "newcomer", "population")
    assert yaml.safe_load(text)["unpivot"] == [
        {
            "columns_matching": r"(?P<year>(?:19|20)\d{2})",
            "set": {"as_of_date": "{year}-01-01"},
            "into": "population",
        }
    ]
    drafted = finished(text.replace("{from: TODO}", "{value: all}"), tmp_path / "draft.yaml")
    (answer,) = check_files([path], layout=drafted)
    assert (answer.outcome.rows_accepted, answer.outcome.as_of_date) == (6, "2023-01-01")


@pytest.mark.parametrize("bytes_", [b"", b"one column\nonly\n", b"\x98\xff\xfe,\x98\n"])
def test_a_file_in_which_no_table_can_be_made_out_is_told(tmp_path: Path, bytes_: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(bytes_)
    with pytest.raises(FileRejected, match=r"x\.csv"):
        look(path)


def test_the_sender_and_the_extract_must_be_named_well(strange: Path) -> None:
    with pytest.raises(ValueError, match="is no id of a sender"):
        draft_layout(strange, "../evil")
    with pytest.raises(ValueError, match="there is no extract 'villages'"):
        draft_layout(strange, "newcomer", "villages")


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("a_2025q4.csv", r"(?:.*/)?s/a_(?P<year>\d{4})q(?P<quarter>[1-4])\.csv"),
        ("a 2025-кв-1.xlsx", r"(?:.*/)?s/a (?P<year>\d{4})-кв-(?P<quarter>[1-4])\.xlsx"),
        ("a_2024.csv", r"(?:.*/)?s/a_(?P<year>\d{4})\.csv"),
        ("Желкен_4-2025.xlsx", r"(?:.*/)?s/Желкен_(?P<quarter>[1-4])-(?P<year>\d{4})\.xlsx"),
        ("отчет_4кв_2025.csv", r"(?:.*/)?s/отчет_(?P<quarter>[1-4])кв_(?P<year>\d{4})\.csv"),
        ("a-31.12.2025.tsv", r"(?:.*/)?s/a-(?P<day>\d{2})\.(?P<month>\d{2})\.(?P<year>\d{4})\.tsv"),
        ("a_2025-12-31.csv", r"(?:.*/)?s/a_(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})\.csv"),
        ("people_2000_2023.csv", r"(?:.*/)?s/people_2000_2023\.csv"),
        ("tariffs(1).csv", r"(?:.*/)?s/tariffs\(1\)\.csv"),
    ],
)
def test_the_period_of_a_file_s_name_becomes_groups(name: str, pattern: str) -> None:
    assert file_pattern(name, "s") == pattern


def test_words_numbers_and_dates_are_understood_as_senders_write_them() -> None:
    technology = load_contracts()["operator_availability"].column("technology")
    assert [meaning(technology, text, {}) for text in ("ВОЛС (FTTH)", "4G/LTE", "2G (GSM)", "4G+5G", "иное")] == [
        "fttp", "4g", "2g", None, None,
    ]  # fmt: skip
    assert [number_of(text) for text in ("1 234,5", "1\u00a0234", "-0.5", "нет")] == [
        1234.5,
        1234.0,
        -0.5,
        None,
    ]
    assert date_format(["01.02.2024", "31.12.2025"]) == "%d.%m.%Y"
    assert date_format(["2024-02-01", "2025-12-31 00:00:00"]) is None
    assert date_format(["завтра"]) == "none"


def test_aliases_name_columns_and_values_of_contracts() -> None:
    columns = [column for contract in load_contracts().values() for column in contract.columns]
    assert set(aliases()["columns"]) <= {column.name for column in columns}
    for name, values in aliases()["values"].items():
        assert set(values) <= {value for column in columns if column.name == name for value in column.allowed}


# --- A sender that changes its format -----------------------------------------------------------------------------


def test_a_changed_file_comes_with_the_diff_under_which_it_would_be_read(tmp_path: Path) -> None:
    file = tmp_path / "sample_dala" / "availability_2025q4.csv"
    file.parent.mkdir()
    header = DALA_HEADER.replace("КАТО", "Код КАТО").replace("Охвачено домохозяйств", "Охват, домохозяйств")
    file.write_text(f"{header};Новое\n{DALA_ROW};x\n", encoding="utf-8")
    (answer,) = check_files([file])
    assert answer.outcome.rule == "wrong_encoding"
    assert answer.proposal is not None
    changes = [
        line for line in answer.proposal.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert changes == [
        "-text: {encoding: cp1251, delimiter: ';', decimal: ','}",
        "+text: {encoding: utf-8, delimiter: ';', decimal: ','}",
        "-  settlement_kato: {from: КАТО}",
        "+  settlement_kato: {from: Код КАТО}",
        "-  households_passed: {from: Охвачено домохозяйств}",
        "+  households_passed: {from: 'Охват, домохозяйств'}",
        "-ignore: [Примечание]",
        "+ignore: [Примечание, Новое]",
    ]


def test_the_layout_with_the_proposed_change_reads_the_changed_file(tmp_path: Path) -> None:
    file = tmp_path / "availability_2025q4.csv"
    header = DALA_HEADER.replace("КАТО", "Код КАТО")
    file.write_text(f"{header}\n{DALA_ROW}\n", encoding="cp1251")
    layouts = load_layouts()
    layout = layouts["sample_dala/operator_availability"]
    before = Path("ingestion/layouts/sample_dala/operator_availability.yaml").read_text(encoding="utf-8")
    after = tmp_path / "after.yaml"
    after.write_text(changed(before, look(file), layout, list(layouts.values())), encoding="utf-8")
    (refused,) = check_files([file], layout=layout)
    (taken,) = check_files([file], layout=read_layout(after, in_place=False))
    assert (refused.outcome.rule, taken.outcome.rows_accepted) == ("missing_column", 1)


def test_a_column_whose_values_contradict_its_name_is_left_to_decide(tmp_path: Path) -> None:
    words = ("много", "мало", "нет", "почти все", "половина", "никто", "все")
    rows = [f"10103010{number};fttp;{word}" for number, word in enumerate(words)]
    file = tmp_path / "filing.csv"
    file.write_text("\n".join(["kato;technology;households_passed", *rows, ""]), encoding="utf-8")
    (found,) = proposals(look(file), [load_contracts()["operator_availability"]], [])
    assert "households_passed" in found.left_over
    assert "households_passed" in {column.name for column in found.missing}


def test_a_change_after_which_there_is_no_layout_is_not_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "availability_2025q4.csv"
    file.write_text(f"{DALA_HEADER.replace('КАТО', 'Код КАТО')}\n{DALA_ROW}\n", encoding="cp1251")
    layouts = load_layouts()
    layout = layouts["sample_dala/operator_availability"]
    assert proposed_change(file, layout, list(layouts.values())) is not None
    monkeypatch.setattr("ingestion.onboard.changed.changed", lambda text, *_: f"{text}\ncolumns: 3\n")
    assert proposed_change(file, layout, list(layouts.values())) is None


def test_a_sheet_that_was_renamed_is_proposed(tmp_path: Path) -> None:
    layout = load_layouts()["sample_arman/operator_sites"]
    path = tmp_path / "stations_2025-Q4.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("Станции")
        page.write(0, 0, "Перечень")
        page.write_row(3, 0, ["№", *layout.source_columns])
        page.write_row(4, 0, ["1", "A1", "GSM", "900", "50,1", "70,1", "01.02.2020", "01.03.2020", "макро"])
    text = Path("ingestion/layouts/sample_arman/operator_sites.yaml").read_text(encoding="utf-8")
    assert "sheets: [Станции]" in changed(text, look(path), layout, list(load_layouts().values()))


def test_nothing_is_proposed_where_the_layout_is_not_at_fault(tmp_path: Path) -> None:
    file = tmp_path / "sample_dala" / "availability_2025q4.csv"
    file.parent.mkdir()
    file.write_text(f"{DALA_HEADER}\n{DALA_ROW.replace(';4;', ';9;')}\n", encoding="cp1251")
    (answer,) = check_files([file])
    assert (answer.outcome.rule, answer.proposal) == ("no_rows_accepted", None)
    layout = load_layouts()["sample_dala/operator_availability"]
    assert proposal_for(file, layout, answer.outcome) is None


@pytest.mark.parametrize(
    "row",
    [
        pytest.param('"' + "х" * 200_000 + '";' + DALA_ROW, id="field_beyond_what_csv_reads"),
        pytest.param(DALA_ROW.replace(";", ";\r", 1), id="carriage_return_in_a_line"),
    ],
)
def test_a_refused_file_that_nothing_can_be_proposed_for_is_refused_all_the_same(
    tmp_path: Path, row: str
) -> None:
    file = tmp_path / "sample_dala" / "availability_2025q4.csv"
    file.parent.mkdir()
    header = DALA_HEADER.replace("КАТО", "Код КАТО")
    file.write_bytes(f"{header}\n{row}\n".encode("cp1251"))
    (answer,) = check_files([file])
    assert answer.outcome.rule == "missing_column"


def test_nothing_is_proposed_for_a_table_where_outlines_were_due(tmp_path: Path) -> None:
    file = tmp_path / "areas.csv"
    file.write_text("city,area\nАлматы,682\n", encoding="utf-8")
    outlines = next(o for o in load_layouts().values() if o.extract_kind == "urban_areas")
    assert proposed_change(file, outlines, list(load_layouts().values())) is None


def test_lines_that_carriage_returns_end_are_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "filing_2025q4.csv"
    file.write_bytes(f"{DALA_HEADER}\r{DALA_ROW}\r{DALA_ROW}\r".encode("cp1251"))
    assert look(file).columns == DALA_HEADER.split(";")
