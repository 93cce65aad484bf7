"""Every kind of bad input has its own outcome, says where and what to do, and leaves other files alone."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from unittest.mock import Mock

import polars as pl
import pytest
import xlsxwriter

from ingestion.faults import FILE_RULES, ROW_RULES
from ingestion.rules import remedy
from tests.unit.ingestion_kit import (
    CHANGE_LAYOUT,
    CHANGES,
    FILING,
    HEADER,
    KATO,
    ROW,
    YEARS,
    Warehouse,
    layout,
)
from warehouse import lake


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    made = Warehouse(tmp_path)
    monkeypatch.setattr("ingestion.pipeline.load_layouts", lambda: made.layouts)
    return made


def edited(**changes: str) -> str:
    """The good row with some fields replaced, named as in the header."""
    names = HEADER.split(";")
    return ";".join(
        changes.get(name.split(",")[0], value) for name, value in zip(names, ROW.split(";"), strict=True)
    )


def test_a_good_row_arrives_in_the_units_of_the_contract(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.outcome == "accepted", outcome.message
    row = warehouse.part("accepted", outcome).row(0, named=True)
    assert row["settlement_kato"] == "103230100"
    assert (row["technology"], row["connection_level"]) == ("fttp", 3)
    assert (row["max_download_mbps"], row["max_upload_mbps"]) == (100.0, 50.5)
    assert (row["households_passed"], row["households_connected"]) == (1140, 900)
    assert str(row["as_of_date"]) == "2025-12-31"
    assert row["source_row"] == 2


@pytest.mark.parametrize(
    ("changes", "rule", "column", "value"),
    [
        ({"КАТО": "999999999"}, "kato_unknown", "КАТО", "999999999"),
        ({"КАТО": "103230300"}, "kato_retired", "КАТО", "103230300"),
        ({"КАТО": "103200000"}, "kato_wrong_level", "КАТО", "103200000"),
        ({"Область": "Акмолинская область"}, "kato_region_mismatch", "КАТО", "103230100"),
        ({"Область": "Семипалатинская область"}, "region_unknown", "Область", "Семипалатинская область"),
        ({"Район": "Жарминский район"}, "kato_district_mismatch", "Район", "Жарминский район"),
        ({"Область": "", "Район": "Жарминский р-н"}, "kato_district_mismatch", "Район", "Жарминский р-н"),
        ({"КАТО": "", "Село": "ст.Карааул"}, "place_not_found", "Село", "ст.Карааул"),
        ({"КАТО": "", "Село": "с.Жамбыл"}, "place_ambiguous", "Село", "с.Жамбыл"),
        ({"КАТО": "", "Село": "с.Нигде"}, "place_not_found", "Село", "с.Нигде"),
        ({"КАТО": "", "Район": "", "Область": ""}, "place_context_missing", "Село", "с.Карааул"),
        ({"Скорость": "-5"}, "below_minimum", "Скорость, кбит/с", "-5"),
        ({"Скорость": "быстро"}, "not_a_number", "Скорость, кбит/с", "быстро"),
        ({"Уровень": "7"}, "above_maximum", "Уровень", "7"),
        ({"Уровень": "2,5"}, "not_an_integer", "Уровень", "2,5"),
        ({"Уровень": "н/д"}, "required_missing", "Уровень", "н/д"),
        ({"Отдача": "50500"}, "impossible_upload", "Отдача", "50500"),
        ({"Скорость": "100"}, "implausibly_slow", "Скорость, кбит/с", "100"),
        ({"Скорость": "50 000 000", "Отдача": ""}, "impossible_speed", "Скорость, кбит/с", "50 000 000"),
        ({"Технология": "4G/LTE", "Скорость": "25"}, "implausibly_slow", "Скорость, кбит/с", "25"),
        ({"Технология": "6G"}, "value_not_mapped", "Технология", "6G"),
        ({"Дата": "31.13.2025"}, "not_a_date", "Дата", "31.13.2025"),
        ({"Дата": "31.12.-0044"}, "not_a_date", "Дата", "31.12.-0044"),
        ({"Дата": "31.12.0025"}, "not_a_date", "Дата", "31.12.0025"),
        ({"Дата": "31.12.20255"}, "not_a_date", "Дата", "31.12.20255"),
        ({"Дата": "31.12.+262142"}, "not_a_date", "Дата", "31.12.+262142"),
        ({"Дата": "31.03.2026"}, "future_period", "Дата", "31.03.2026"),
        ({"Дата": "30.09.2025"}, "other_period", "Дата", "30.09.2025"),
        ({"Охвачено": "1e19"}, "not_an_integer", "Охвачено", "1e19"),
        ({"Охвачено": "9007199254740993"}, "not_an_integer", "Охвачено", "9007199254740993"),
        ({"Область": "ИТОГО"}, "total_row", "Область", "ИТОГО"),
        ({"Охвачено": "99000000"}, "above_maximum", "Охвачено", "99000000"),
    ],
)
def test_a_bad_row_is_quarantined_with_place_value_and_remedy(
    warehouse: Warehouse, changes: dict[str, str], rule: str, column: str, value: str
) -> None:
    warehouse.file(ROW, edited(**changes))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined) == (2, 1, 1)
    assert (3, rule, column, value) in warehouse.reasons(outcome)
    assert (
        f"{rule}, first in row 3, column {column!r}, value {value!r}: {remedy(layout(FILING), rule)}"
        in str(outcome.message)
    )
    kept = warehouse.part("quarantined", outcome)["source_text"][0]
    assert value in kept, "the text as received is kept"


@pytest.mark.parametrize("error", ["#N/A", "#Н/Д", "#REF!", "#ДЕЛ/0!"])
@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-16"])
def test_the_error_of_a_formula_is_no_text(warehouse: Warehouse, error: str, encoding: str) -> None:
    told = {"encoding": encoding, "delimiter": ";", "decimal": ","}
    warehouse.layouts["test/availability"] = layout(FILING, text=told)
    rows = [HEADER, ROW, edited(КАТО="103230200", Село=error), edited(Технология=error)]
    warehouse.put("dala_2025q4.csv", "\r\n".join(rows) + "\r\n", encoding)
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.reasons(outcome) == [
        (3, "formula_error", "Село", error),
        (4, "value_not_mapped", "Технология", error),
    ]
    assert f"value {error!r}: {ROW_RULES['formula_error']}" in str(outcome.message)


def test_the_error_of_a_formula_that_the_layout_marks_as_unknown_is_none(warehouse: Warehouse) -> None:
    warehouse.layouts["test/availability"] = layout(FILING, null_marks=["#Н/Д"])
    warehouse.file(edited(Село="#Н/Д"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.outcome == "accepted", outcome.message
    assert warehouse.part("accepted", outcome)["filed_settlement"].to_list() == [None]


def test_every_reason_of_a_row_is_kept(warehouse: Warehouse) -> None:
    warehouse.file(ROW, edited(КАТО="999999999", Уровень="9", Скорость="-1"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert {rule for _, rule, _, _ in warehouse.reasons(outcome)} == {
        "kato_unknown",
        "above_maximum",
        "below_minimum",
    }


def test_a_line_with_too_few_or_too_many_fields_is_quarantined_with_its_text(warehouse: Warehouse) -> None:
    warehouse.file(ROW, "31.12.2025;область Абай", ROW.replace("103230100", "103230200") + ";лишнее")
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert [(row, rule) for row, rule, _, _ in warehouse.reasons(outcome)] == [
        (3, "wrong_field_count"),
        (4, "wrong_field_count"),
    ]
    assert "лишнее" in warehouse.part("quarantined", outcome)["source_text"][1]


def test_long_and_short_lines_that_cancel_out_are_both_found(warehouse: Warehouse) -> None:
    warehouse.layouts["test/availability"] = layout(
        FILING, text={"encoding": "utf-8", "delimiter": ";", "decimal": ","}
    )
    short = ROW.rsplit(";", 1)[0]
    warehouse.put("dala_2025q4.csv", "\n".join([HEADER, ROW, short, ROW + ";1"]), "utf-8")
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert (outcome.rows_read, outcome.rows_accepted) == (3, 1)
    assert [(row, rule) for row, rule, _, _ in warehouse.reasons(outcome)] == [
        (3, "wrong_field_count"),
        (4, "wrong_field_count"),
    ]


def test_a_header_in_the_middle_is_quarantined(warehouse: Warehouse) -> None:
    warehouse.file(ROW, HEADER, edited(КАТО="103230200", Село="с.Шынгыс"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.rows_accepted == 2
    assert "header_repeated" in {rule for _, rule, _, _ in warehouse.reasons(outcome)}


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(HEADER.upper(), id="in_capitals"),
        pytest.param(HEADER.replace(", ", ",  ").replace(";", " ; "), id="other_spaces"),
        pytest.param(HEADER.replace(", ", ",\u00a0").replace(";", ";\u00ad"), id="spaces_and_marks_unseen"),
    ],
)
def test_a_header_in_the_middle_is_known_however_it_is_written(warehouse: Warehouse, again: str) -> None:
    warehouse.file(ROW, again, edited(КАТО="103230200", Село="с.Шынгыс"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.rows_accepted == 2
    assert (3, "header_repeated") in {(row, rule) for row, rule, _, _ in warehouse.reasons(outcome)}


def test_a_header_of_plain_letters_in_the_middle_is_known_in_capitals(warehouse: Warehouse) -> None:
    """Of such a file no byte is looked at twice unless the header's are seen again."""
    columns = {name: {"from": f"c{n}"} for n, name in enumerate(FILING["columns"]) if name != "operator_id"}
    columns = columns | {"operator_id": {"value": "dala"}, "as_of_date": {"from": "c0"}}
    warehouse.layouts["test/availability"] = layout(
        FILING, text={}, columns=columns, resolve=None, total_rows=None
    )
    header = ",".join(str(source["from"]) for source in columns.values() if "from" in source)
    fields = {
        "as_of_date": "2025-12-31",
        "settlement_kato": "103230100",
        "technology": "fttp",
        "connection_level": "3",
    }
    good = ",".join(fields.get(name, "") for name, source in columns.items() if "from" in source)
    warehouse.put("dala_2025q4.csv", f"{header}\n{good}\n{header.upper()}\n")
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert (3, "header_repeated", "c0", "C0") in warehouse.reasons(outcome), outcome.message


def test_a_header_in_the_middle_of_a_wide_table_is_no_number_of_people(warehouse: Warehouse) -> None:
    warehouse.layouts["test/years"] = layout(YEARS)
    warehouse.put("years.csv", "КАТО,2024\n103230100,5\nКАТО,2024\n")
    outcome = warehouse.run()["years.csv"]
    assert (3, "header_repeated", "КАТО", "КАТО") in warehouse.reasons(outcome)
    assert outcome.rows_accepted == 1


def test_rows_of_another_encoding_inside_a_file_are_set_aside(warehouse: Warehouse) -> None:
    """Two branches' files, put one behind the other by a program that does not look at letters."""
    other = edited(КАТО="103230200", Село="с.Шынгыс", Технология="4G/LTE").replace("\u00a0", " ")
    bytes_of_both = "\r\n".join([HEADER, ROW, ""]).encode("cp1251") + f"{other}\r\n".encode()
    warehouse.put("dala_2025q4.csv", bytes_of_both)
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert (outcome.rows_read, outcome.rows_accepted) == (2, 1), outcome.message
    told = {(row, column) for row, rule, column, _ in warehouse.reasons(outcome) if rule == "mixed_encoding"}
    assert told == {(3, "Область"), (3, "Район"), (3, "Село")}
    assert ROW_RULES["mixed_encoding"] in str(outcome.message)


@pytest.mark.parametrize("text", ["БЕРЁЗОВКА", "Р‑н «Север»", "У. С. Р. №5", "ТЦ “СССР”", "Р.С.Ф.С.Р."])
def test_no_word_of_the_language_is_taken_for_another_encoding(warehouse: Warehouse, text: str) -> None:
    warehouse.layouts["test/availability"] = layout(
        FILING, ignore=["Примечание"], text={"delimiter": ";", "decimal": ","}
    )
    warehouse.put("dala_2025q4.csv", f"{HEADER};Примечание\n{ROW};{text}\n")
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.outcome == "accepted", outcome.message


@pytest.mark.parametrize("mark", ["\u200b", "\ufeff", "\u00a0", "\u00ad", "\u2003"], ids=ascii)
def test_what_cannot_be_seen_at_the_end_of_a_value_is_no_part_of_it(warehouse: Warehouse, mark: str) -> None:
    warehouse.layouts["test/availability"] = layout(FILING, text={"delimiter": ";", "decimal": ","})
    marked = {
        name: f"{mark}{value}{mark}" for name, value in zip(HEADER.split(";"), ROW.split(";"), strict=True)
    }
    warehouse.put("dala_2025q4.csv", f"{HEADER}\n{';'.join(marked.values())}\n")
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.outcome == "accepted", outcome.message
    assert warehouse.part("accepted", outcome)["filed_settlement"].to_list() == ["с.Карааул"]


def test_what_cannot_be_seen_inside_a_value_is_shown(warehouse: Warehouse) -> None:
    warehouse.layouts["test/availability"] = layout(FILING, text={"delimiter": ";", "decimal": ","})
    warehouse.put("dala_2025q4.csv", f"{HEADER}\n{edited(КАТО=f'10323{chr(0x200B)}0100')}\n")
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.reasons(outcome) == [(2, "kato_unknown", "КАТО", "10323<U+200B>0100")]


def test_the_same_row_again_is_a_duplicate_and_a_contradiction_is_quarantined(warehouse: Warehouse) -> None:
    other = edited(КАТО="103230200", Село="с.Шынгыс")
    warehouse.file(ROW, ROW, other, edited(КАТО="103230200", Село="с.Шынгыс", Уровень="1"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert (outcome.rows_accepted, outcome.rows_quarantined, outcome.rows_duplicate) == (1, 2, 1)
    assert warehouse.part("duplicate", outcome)["duplicate_of_row"].to_list() == [2]
    assert {rule for _, rule, _, _ in warehouse.reasons(outcome)} == {"key_conflict"}
    for text in warehouse.part("quarantined", outcome)["source_text"]:
        received = json.loads(text)
        assert list(received) == HEADER.split(";")
        assert (received["Дата"], received["Скорость, кбит/с"]) == ("31.12.2025", "100 000,0"), "as received"


def test_what_is_published_of_a_filing_shows_no_cell_of_it(warehouse: Warehouse) -> None:
    """A cell may equal a figure that is internal or withheld; the sender's own message shows it."""
    warehouse.file(ROW, edited(Охвачено="many 7654321"), edited(КАТО="998877665", Село="с.Шынгыс"))
    warehouse.file(edited(Охвачено="7654321x"), name="dala_2025q3.csv")
    warehouse.file(ROW, name="dala_2025q2.csv", header=HEADER.replace("Уровень", "7654321"))
    outcomes = warehouse.run()
    told = {name: str(outcome.message) for name, outcome in outcomes.items() if name.startswith("dala")}
    assert all("7654321" in message for message in told.values()), told
    frame = pl.read_parquet(warehouse.home.lake / "meta" / "extract.parquet")
    published = dict(
        frame.filter(pl.col("file_name").is_in(list(told))).select("file_name", "message").rows()
    )
    assert published == {
        "dala_2025q2.csv": "rejected: missing_column",
        "dala_2025q3.csv": "rejected: no_rows_accepted; 1 of 1 rows quarantined: future_period in Дата (1), "
        "not_a_number in Охвачено (1)",
        "dala_2025q4.csv": "2 of 3 rows quarantined: kato_unknown in КАТО (1), not_a_number in Охвачено (1)",
    }


def test_names_resolve_by_old_spelling_homoglyph_and_successor(warehouse: Warehouse) -> None:
    warehouse.file(
        edited(КАТО="", Село="с.Чингис"),
        edited(КАТО="", Село="с.Hово-Ахмирово"),
        edited(КАТО="632810000", Область="Восточно-Казахстанская обл."),
    )
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.outcome == "accepted", outcome.message
    assert warehouse.part("accepted", outcome)["settlement_kato"].to_list() == [
        "103230200",
        "103230500",
        "103230100",
    ]


def rejected(warehouse: Warehouse, name: str, rule: str, *told: str) -> None:
    """The file is refused by the rule and says the words; a good file beside it goes through."""
    warehouse.file(ROW, name="dala_2025q3.csv") if name != "dala_2025q3.csv" else None
    good = edited(Дата="30.09.2025")
    warehouse.file(good, name="dala_2025q3.csv")
    outcomes = warehouse.run()
    bad = outcomes[name]
    assert (bad.rule, bad.is_accepted, bad.rows_accepted) == (rule, False, 0)
    assert FILE_RULES[rule] in str(bad.message)
    for word in told:
        assert word in str(bad.message)
    assert outcomes["dala_2025q3.csv"].outcome == "accepted"
    landed = list((warehouse.home.landing / bad.sha256[:2]).glob(f"{bad.sha256}*"))
    assert len(landed) == 1, "what came is kept"


def test_an_abolished_village_is_not_taken_for_the_station_of_its_name(warehouse: Warehouse) -> None:
    warehouse.put("kato.csv", f"{KATO}2026-07-17,103230800,ст.Брошенное,Тасталған ст.,2\n")
    filed = {"КАТО": "", "Технология": "4G/LTE"}
    warehouse.file(edited(Село="с.Брошенное", **filed), edited(Село="ст.Брошенное", **filed))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.part("accepted", outcome)["settlement_kato"].to_list() == ["103230800"]
    assert warehouse.reasons(outcome) == [(2, "place_not_found", "Село", "с.Брошенное")]


def test_a_header_is_known_by_what_can_be_seen_of_it(warehouse: Warehouse) -> None:
    warehouse.layouts["test/availability"] = layout(FILING, text={"delimiter": ";", "decimal": ","})
    # й as a Mac writes it, and a space of no width behind a word.
    header = HEADER.replace("й", "и\u0306").replace("КАТО", "КАТО\u200b")
    warehouse.put("dala_2025q4.csv", f"{header}\n{ROW}\n")
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.outcome == "accepted", outcome.message


def test_a_value_under_no_header_is_not_dropped_unseen(warehouse: Warehouse) -> None:
    slipped = edited(Село="с.Шынгыс;", КАТО="103230200")
    warehouse.file(
        f"{ROW};; ", f"{edited(КАТО='103230200')};;не проверено", f"{slipped};", header=f"{HEADER};;"
    )
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.part("accepted", outcome)["settlement_kato"].to_list() == ["103230100"]
    reasons = warehouse.reasons(outcome)
    assert (3, "value_without_header", "#13", "не проверено") in reasons
    assert (4, "value_without_header", "#12", "900") in reasons


def test_a_value_under_no_header_that_the_layout_ignores_is_left_aside(warehouse: Warehouse) -> None:
    warehouse.layouts["test/availability"] = layout(FILING, ignore=["#12"])
    warehouse.file(f"{ROW};не проверено", header=f"{HEADER};")
    assert warehouse.run()["dala_2025q4.csv"].outcome == "accepted"


def test_a_code_that_was_dragged_down_past_its_names_is_refused(warehouse: Warehouse) -> None:
    dragged = [edited(КАТО=code, Село="с.Карааул") for code in ("103230100", "103230200", "103230500")]
    warehouse.file(*dragged, edited(КАТО="103230500", Село="с.Жамбыл", Технология="4G/LTE"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    # Of a name that several villages bear nothing can be said against the code.
    assert sorted(warehouse.part("accepted", outcome)["settlement_kato"]) == ["103230100", "103230500"]
    assert warehouse.reasons(outcome) == [
        (3, "kato_name_mismatch", "Село", "с.Карааул"),
        (4, "kato_name_mismatch", "Село", "с.Карааул"),
    ]


@pytest.mark.parametrize("names_district", [True, False])
def test_a_name_is_held_against_its_code_where_only_codes_are_looked_up(
    warehouse: Warehouse, names_district: bool
) -> None:
    how = layout(FILING, resolve={"kato": "settlement_kato", "by": ["code"]})
    if not names_district:
        columns = {name: how_read for name, how_read in FILING["columns"].items() if name != "filed_district"}
        how = layout(
            FILING, columns=columns, absent=["filed_district"], ignore=["Район"], resolve=how.resolve
        )
    warehouse.layouts["test/availability"] = how
    warehouse.file(
        ROW,
        edited(КАТО="103230200", Село="с.Карааул"),
        edited(КАТО="103230500", Село="с.Никому не известное"),
    )
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.reasons(outcome) == [(3, "kato_name_mismatch", "Село", "с.Карааул")]


def test_one_contradiction_of_a_place_is_told_once(warehouse: Warehouse) -> None:
    elsewhere = edited(Область="Акмолинская область", Район="Аккольский район", Село="г.Акколь")
    warehouse.file(elsewhere, edited(Район="Жарминский район"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert [(row, rule) for row, rule, _, _ in warehouse.reasons(outcome)] == [
        (2, "kato_region_mismatch"),
        (3, "kato_district_mismatch"),
    ]


def test_a_village_that_became_a_town_is_found_by_its_old_kind(warehouse: Warehouse) -> None:
    warehouse.file(edited(КАТО="", Село="п.Карааул"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert warehouse.part("accepted", outcome)["settlement_kato"].to_list() == ["103230100"]


def test_a_district_is_no_contradiction_where_codes_followed_a_reform(warehouse: Warehouse) -> None:
    """Filed by the old division throughout, or by the new; and people of a city are counted for the city."""
    warehouse.put(
        "kato.csv",
        f"{KATO}2021-12-01,630000000,Восточно-Казахстанская область,Шығыс Қазақстан облысы,0\n"
        "2021-12-01,633200000,район Оншокы,Оншоқы ауданы,2\n2021-12-01,633230300,с.Береке,Береке а.,2\n",
    )
    warehouse.put(
        "changes.csv",
        f"{CHANGES}633200000,103400000,2022-06-08,recoded,,\n633230300,103230600,2022-06-08,recoded,,moved on\n",
    )
    old = edited(КАТО="633230300", Область="Восточно-Казахстанская", Район="район Оншокы", Село="")
    new = edited(КАТО="633230300", Область="Абай", Район="Абайский район", Село="", Технология="4G/LTE")
    city = edited(КАТО="750000000", Область="г.Алматы", Район="Алмалинский район", Село="")
    warehouse.file(old, new, city)
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.outcome == "accepted", outcome.message


def test_unknown_file(warehouse: Warehouse) -> None:
    warehouse.put("письмо министру.docx", b"PK")
    rejected(warehouse, "письмо министру.docx", "unmatched", "письмо министру.docx", "nearest: ")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("LICENSE", "terms under which a source may be used"),
        ("kato/licence.TXT", "terms under which"),
        ("Readme.txt", "words about the files beside it"),
        ("kato/SOURCE.md", "notes in prose"),
        ("~$dala_2025q4.xlsx", "has a document open"),
        ("Thumbs.db", "showed the folder"),
    ],
)
def test_a_file_that_is_no_delivery_is_ignored_and_told_why(
    warehouse: Warehouse, name: str, reason: str
) -> None:
    (warehouse.inbox / "kato").mkdir()
    warehouse.put(name, "words")
    rejected(warehouse, name, "no_delivery", f"{name} is ignored: ", reason)
    assert warehouse.run()[name].outcome == "ignored"


@pytest.mark.parametrize(
    "name",
    ["licence_register.csv", "readme.csv", "notes.txt", "LICENSE.xlsx", "source.geojson", "license.zip"],
)
def test_what_a_sender_could_mean_as_data_is_never_ignored(warehouse: Warehouse, name: str) -> None:
    warehouse.put(name, "words")
    assert warehouse.run()[name].outcome == "unmatched"


def test_a_layout_comes_before_the_list_of_ignored_files(warehouse: Warehouse) -> None:
    warehouse.layouts["test/availability"] = layout(FILING, file_pattern=r"readme\.txt")
    warehouse.file(ROW, name="readme.txt")
    assert warehouse.run()["readme.txt"].outcome == "accepted"


def test_two_layouts_claim_a_file(warehouse: Warehouse) -> None:
    rival = layout(FILING, layout="test/rival", file_pattern=r"dala_2025q4.*")
    warehouse.layouts[rival.layout_id] = rival
    warehouse.file(ROW)
    rejected(warehouse, "dala_2025q4.csv", "ambiguous_layout", "test/availability", "test/rival")


def test_utf8_where_cp1251_is_stated(warehouse: Warehouse) -> None:
    warehouse.put("dala_2025q4.csv", f"{HEADER}\n{ROW}\n", "utf-8")
    rejected(warehouse, "dala_2025q4.csv", "wrong_encoding", "reads as utf-8")


def test_cp1251_where_utf8_is_stated_names_line_and_byte(warehouse: Warehouse) -> None:
    warehouse.layouts["test/availability"] = layout(
        FILING, text={"encoding": "utf-8", "delimiter": ";", "decimal": ","}
    )
    warehouse.put("dala_2025q4.csv", f"{HEADER}\n{ROW}\n", "cp1251")
    warehouse.put("dala_2025q3.csv", f"{HEADER}\n{edited(Дата='30.09.2025')}\n", "utf-8")
    bad = warehouse.run()["dala_2025q4.csv"]
    assert bad.rule == "wrong_encoding"
    assert "line 1 holds byte 0xc4" in str(bad.message)


def test_a_byte_order_mark_that_the_layout_does_not_state(warehouse: Warehouse) -> None:
    warehouse.put("dala_2025q4.csv", f"{HEADER}\n{ROW}\n", "utf-16")
    rejected(warehouse, "dala_2025q4.csv", "wrong_encoding", "byte order mark of utf-16")


def test_an_account_that_does_not_add_up_ends_its_file_and_no_other(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are set aside get lost by a defect of the code."""
    monkeypatch.setattr("ingestion.split._reasons", lambda *_: None)
    warehouse.file(ROW, edited(Уровень="9"))
    told = "2 rows were read, but 1 accepted + 0 quarantined + 0 duplicate are 1"
    rejected(warehouse, "dala_2025q4.csv", "rows_unaccounted", "dala_2025q4.csv", told)


def test_missing_column_names_the_likeliest(warehouse: Warehouse) -> None:
    warehouse.file(ROW, header=HEADER.replace("Уровень", "Уровен"))
    rejected(warehouse, "dala_2025q4.csv", "missing_column", "'Уровень' (the file has 'Уровен')", "row 1")


def test_unmapped_column(warehouse: Warehouse) -> None:
    warehouse.file(ROW + ";x", header=HEADER + ";Примечание")
    rejected(warehouse, "dala_2025q4.csv", "unmapped_column", "'Примечание'")


def test_a_column_twice(warehouse: Warehouse) -> None:
    warehouse.file(ROW + ";3", header=HEADER + ";Уровень")
    rejected(warehouse, "dala_2025q4.csv", "duplicate_header", "'Уровень'")


@pytest.mark.parametrize("content", [b"", HEADER.encode("cp1251") + b"\r\n"])
def test_empty_file(warehouse: Warehouse, content: bytes) -> None:
    warehouse.put("dala_2025q4.csv", content)
    rejected(warehouse, "dala_2025q4.csv", "empty_file", "dala_2025q4.csv")


def test_no_row_accepted(warehouse: Warehouse) -> None:
    warehouse.file(edited(КАТО="1"), edited(Уровень="9"))
    rejected(
        warehouse,
        "dala_2025q4.csv",
        "no_rows_accepted",
        "kato_unknown, first in row 2, column 'КАТО', value '1'",
    )


def workbook_layout() -> dict[str, object]:
    columns = {k: v for k, v in FILING["columns"].items() if not k.startswith("filed")}
    columns["max_download_mbps"] = {"from": "Скорость | Приём, Мбит/с"}
    columns["max_upload_mbps"] = {"from": "Скорость | Отдача, Мбит/с"}
    return FILING | {
        "layout": "test/book",
        "file_pattern": r"book_(?P<year>\d{4})q(?P<quarter>\d)\.xlsx",
        "format": "workbook",
        "text": None,
        "workbook": {"sheets": ["Данные"], "header_rows": [3, 4], "first_row": 5, "stop_at": "^Исп"},
        "columns": columns,
        "absent": ["filed_region", "filed_district", "filed_settlement"],
        "total_rows": {"column": "КАТО", "pattern": "(?i)итого"},
        "resolve": {"kato": "settlement_kato"},
    }


def book(sheet: str = "Данные") -> bytes:
    """A filing as a workbook: two title rows, a merged header of two rows, a total, a footer with a name."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        page = workbook.add_worksheet(sheet)
        page.write(0, 0, "Сведения об охвате")
        names = ["Дата", "КАТО", "Технология", "Уровень", "Скорость", "", "Охвачено", "Подключено"]
        page.merge_range(2, 4, 2, 5, "Скорость")
        for i, name in enumerate(names):
            if name and name != "Скорость":
                page.write(2, i, name)
        page.write(3, 4, "Приём, Мбит/с")
        page.write(3, 5, "Отдача, Мбит/с")
        for i, value in enumerate(["31.12.2025", "103230100", "ВОЛС", 3, 100.5, 50, 140, 90]):
            page.write(4, i, value)
        page.write(5, 1, "Итого")
        page.write(6, 0, "Исп. А. Б. В., тел. 00-00-00")
        page.write(7, 0, "31.12.2025")
    return buffer.getvalue()


def test_workbook_with_titles_merged_header_total_and_footer(warehouse: Warehouse) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout())  # type: ignore[arg-type]
    warehouse.put("book_2025q4.xlsx", book())
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (outcome.rows_read, outcome.rows_accepted) == (2, 1), outcome.message
    row = warehouse.part("accepted", outcome).row(0, named=True)
    assert (row["max_download_mbps"], row["max_upload_mbps"], row["source_sheet"], row["source_row"]) == (
        100.5, 50.0, "Данные", 5,
    )  # fmt: skip
    assert "total_row" in {rule for _, rule, _, _ in warehouse.reasons(outcome)}
    assert "sheet 'Данные', row 6" in str(outcome.message)


def test_truncated_workbook(warehouse: Warehouse) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout())  # type: ignore[arg-type]
    warehouse.put("book_2025q4.xlsx", book()[:3000])
    rejected(warehouse, "book_2025q4.xlsx", "unreadable_workbook", "book_2025q4.xlsx")


def test_missing_sheet(warehouse: Warehouse) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout())  # type: ignore[arg-type]
    warehouse.put("book_2025q4.xlsx", book("Лист1"))
    rejected(warehouse, "book_2025q4.xlsx", "missing_sheet", "Данные", "Лист1")


def test_a_link_in_the_inbox_is_not_followed(warehouse: Warehouse) -> None:
    (warehouse.inbox / "dala_2025q4.csv").symlink_to("/etc/hostname")
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.rule == "not_a_file"
    assert not list(warehouse.home.landing.rglob("*hostname*"))


def test_a_file_that_the_disk_did_not_give_is_taken_by_the_next_run(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.file(ROW)
    with monkeypatch.context() as failing:
        failing.setattr(
            "warehouse.landing.Landing.receive", Mock(side_effect=OSError(5, "Input/output error"))
        )
        refused = warehouse.run()["dala_2025q4.csv"]
    assert (refused.outcome, refused.rule) == ("rejected", "unreadable_file")
    assert warehouse.run()["dala_2025q4.csv"].is_accepted
    (left,) = [o for o in lake.read_outcomes(warehouse.home) if o.file_name == "dala_2025q4.csv"]
    assert left.is_accepted, "that it could once not be read is no outcome of the delivery"


def test_resubmission_supersedes_and_the_earlier_stays(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    warehouse.file(ROW, edited(КАТО="103230200", Село="с.Шынгыс"), name="dala_2025q4_rev2.csv")
    outcomes = warehouse.run()
    first, second = outcomes["dala_2025q4.csv"], outcomes["dala_2025q4_rev2.csv"]
    assert (first.is_current, first.superseded_by) == (False, second.extract_id)
    assert second.is_current
    assert warehouse.part("accepted", first).height == 1, "the earlier filing stays in the lake"


def test_a_rejected_resubmission_leaves_the_earlier_in_force(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    warehouse.file(ROW, name="dala_2025q4_rev2.csv", header=HEADER.replace("КАТО", "КОД"))
    outcomes = warehouse.run()
    assert outcomes["dala_2025q4.csv"].is_current
    assert outcomes["dala_2025q4_rev2.csv"].rule == "missing_column"


def test_the_same_bytes_again_are_one_delivery(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    warehouse.file(ROW, name="dala_2025q4_rev1.csv")
    outcomes = warehouse.run()
    assert len([o for o in outcomes.values() if o.extract_kind == "operator_availability"]) == 1


def test_two_lone_quotes_do_not_join_rows_into_one(warehouse: Warehouse) -> None:
    warehouse.file(edited(Село='"с.Карааул'), ROW, edited(Село='с.Чингис"', КАТО="103230200"))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.rows_accepted == 0
    assert "line_break_in_field" in {rule for _, rule, _, _ in warehouse.reasons(outcome)}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("column", ["note", "source_url"])
def test_two_lone_quotes_in_free_text_do_not_swallow_the_rows_between(
    warehouse: Warehouse, column: str, delimiter: str
) -> None:
    warehouse.layouts["test/changes"] = layout(CHANGE_LAYOUT, text={"delimiter": delimiter})
    names = CHANGES.split("\n")[0].split(",")
    rows = [
        {"retired_kato": f"63281000{n}", "current_kato": "103230100", "effective_from": "2022-06-08",
         "change_type": "recoded", "source_url": "", "note": text}
        for n, text in enumerate(["before", "", "between", "", '"the district\nmoved, and so did its people"'])
    ]  # fmt: skip
    rows[1][column] = rows[3][column] = '"see page 2'
    lines = [delimiter.join(names), *(delimiter.join(row[name] for name in names) for row in rows)]
    warehouse.put("changes.csv", "\n".join(lines) + "\n")
    outcome = warehouse.run()["changes.csv"]
    assert warehouse.part("accepted", outcome)["retired_kato"].to_list() == ["632810000", "632810004"]
    (reason,) = warehouse.reasons(outcome)
    assert reason[:3] == (3, "line_break_in_field", column)
    assert reason[3] is not None
    assert "632810002" in reason[3]


def test_rows_keep_their_numbers_behind_ragged_ones_in_a_long_file(warehouse: Warehouse) -> None:
    rows = [edited(КАТО="103230100", Охвачено=str(i)) for i in range(2, 120_002)]
    for line in (12, 60_001, 119_002):
        rows[line - 2] += ";лишнее"
    warehouse.file(*rows)
    outcome = warehouse.run()["dala_2025q4.csv"]
    found = warehouse.part("quarantined", outcome).with_columns(
        said=pl.col("source_text").str.extract(r'"households_passed":"(\d+)"').cast(pl.Int64)
    )
    assert (outcome.rows_read, outcome.rows_quarantined) == (120_000, 120_000)
    assert found.filter(pl.col("said") != pl.col("source_row")).is_empty()
    assert found["source_row"].n_unique() == 120_000


def test_content_that_comes_back_counts_again(warehouse: Warehouse) -> None:
    other = edited(КАТО="103230200", Село="с.Шынгыс")
    for rows in ((ROW,), (other,), (ROW,)):
        warehouse.file(*rows)
        outcomes = warehouse.run()
    assert warehouse.part("accepted", outcomes["dala_2025q4.csv"])["settlement_kato"].to_list() == [
        "103230100"
    ]
    assert outcomes["dala_2025q4.csv"].is_current
    warehouse.file(other, name="dala_2025q4_rev2.csv")
    warehouse.file(ROW, name="dala_2025q4_rev3.csv")
    again = {o.extract_id: o for o in warehouse.run().values()}
    assert again[outcomes["dala_2025q4.csv"].extract_id].is_current


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("dala_2025q5.csv", f"{HEADER}\n{ROW}\n".encode("cp1251"), "unreadable_file"),
        ("dala_2025q4.csv", HEADER.encode("cp1251"), "empty_file"),
    ],
)
def test_what_no_rule_foresaw_is_an_outcome_too(
    warehouse: Warehouse, name: str, content: bytes, rule: str
) -> None:
    warehouse.put(name, content)
    rejected(warehouse, name, rule)


def test_a_file_cut_inside_a_character_is_refused(warehouse: Warehouse) -> None:
    warehouse.layouts["test/availability"] = layout(
        FILING, text={"encoding": "utf-8", "delimiter": ";", "decimal": ","}
    )
    warehouse.put("dala_2025q4.csv", f"{HEADER}\n{ROW}".encode() + b"\xd1")
    assert warehouse.run()["dala_2025q4.csv"].rule == "wrong_encoding"


def test_two_unknown_files_of_the_same_bytes_have_an_outcome_each(warehouse: Warehouse) -> None:
    warehouse.put("a.bin", b"x")
    warehouse.put("b.bin", b"x")
    outcomes = warehouse.run()
    assert (outcomes["a.bin"].rule, outcomes["b.bin"].rule) == ("unmatched", "unmatched")


def test_a_second_run_does_nothing_and_says_the_same(warehouse: Warehouse) -> None:
    warehouse.file(ROW, edited(КАТО="999999999"))
    first = warehouse.run()
    files = {p: p.stat().st_mtime_ns for p in warehouse.home.lake.rglob("part-0.parquet")}
    assert warehouse.run() == first
    assert {p: p.stat().st_mtime_ns for p in warehouse.home.lake.rglob("part-0.parquet")} == files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
@pytest.mark.parametrize(
    ("column", "damaged"),
    [
        pytest.param("Село", "с.Кара\0аул", id="nul_in_a_name"),
        pytest.param("КАТО", "103230100\0", id="nul_behind_a_code"),
        pytest.param("Охвачено", "14\x000", id="nul_in_a_number"),
        pytest.param("Примечание", "\0", id="nul_in_an_ignored_column"),
    ],
)
def test_a_row_with_a_nul_is_quarantined_and_shows_it(
    warehouse: Warehouse, encoding: str, column: str, damaged: str
) -> None:
    text = {"encoding": encoding, "delimiter": ";", "decimal": ","}
    warehouse.layouts["test/availability"] = layout(FILING, text=text, ignore=["Примечание"])
    bad = edited(КАТО="103230200", Село="с.Шынгыс") + ";"
    bad = edited(**{column: damaged}) + ";" if column != "Примечание" else bad + damaged
    content = "\n".join([HEADER + ";Примечание", ROW + ";", bad])
    warehouse.put("dala_2025q4.csv", content.encode(encoding))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined) == (2, 1, 1)
    assert (3, "nul_character", column, damaged.replace("\0", "␀")) in warehouse.reasons(outcome)
    assert "\\u0000" in warehouse.part("quarantined", outcome)["source_text"][0]
    assert "\0" not in str(outcome.message)


def test_a_nul_in_a_workbook_is_seen_too(warehouse: Warehouse) -> None:
    warehouse.layouts["test/book"] = layout(workbook_layout())  # type: ignore[arg-type]
    content = io.BytesIO(book())
    damaged = io.BytesIO()
    with zipfile.ZipFile(content) as whole, zipfile.ZipFile(damaged, "w") as copy:
        for name in whole.namelist():
            # Excel's own way to write a character that XML cannot hold.
            copy.writestr(name, whole.read(name).replace("ВОЛС".encode(), "ВО_x0000_ЛС".encode()))
    warehouse.put("book_2025q4.xlsx", damaged.getvalue())
    outcome = warehouse.run()["book_2025q4.xlsx"]
    assert (5, "nul_character", "Технология", "ВО␀ЛС") in warehouse.reasons(outcome)


def test_columns_named_as_the_pipeline_names_its_own_change_nothing(warehouse: Warehouse) -> None:
    names = [
        "source_row",
        "source_sheet",
        "=technology",
        "~technology",
        "?technology",
        "__bad",
        "__kato",
        "__region",
    ]
    warehouse.layouts["test/availability"] = layout(FILING, ignore=names)
    extra = ";".join(f"x{i}" for i in range(len(names)))
    warehouse.file(f"{ROW};{extra}", f"{edited(КАТО='999999999')};{extra}", header=";".join([HEADER, *names]))
    outcome = warehouse.run()["dala_2025q4.csv"]
    assert outcome.rows_accepted == 1
    assert warehouse.reasons(outcome) == [(3, "kato_unknown", "КАТО", "999999999")]
    assert '"#12 source_row":"x0"' in warehouse.part("quarantined", outcome)["source_text"][0]


def test_a_year_that_stands_twice_is_refused_though_the_layout_names_no_year(warehouse: Warehouse) -> None:
    warehouse.layouts["test/years"] = layout(YEARS)
    warehouse.put("years.csv", "КАТО,2024,2025,2024\n103230100,5,6,7\n")
    outcome = warehouse.run()["years.csv"]
    assert (outcome.outcome, outcome.rule) == ("rejected", "duplicate_header")
    assert "'2024'" in str(outcome.message)


def test_a_date_that_ends_no_quarter_is_quarantined_where_the_file_s_name_tells_none(
    warehouse: Warehouse,
) -> None:
    warehouse.layouts["test/availability"] = layout(FILING, file_pattern=r"dala\.csv")
    warehouse.file(ROW, edited(КАТО="103230200", Село="с.Шынгыс", Дата="30.12.2025"), name="dala.csv")
    outcome = warehouse.run()["dala.csv"]
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (1, 1)
    assert (3, "not_quarter_end", "Дата", "30.12.2025") in warehouse.reasons(outcome)


def test_a_layout_that_names_files_otherwise_reads_them_anew_and_counts_them_once(
    warehouse: Warehouse,
) -> None:
    """Its series, and with it the outcome's id, is another; the delivery is the same."""
    warehouse.layouts["test/availability"] = layout(FILING, file_pattern=r"dala_(?P<year>\d{4})q\d\.csv")
    path = warehouse.file(ROW)
    first = warehouse.run()["dala_2025q4.csv"]
    warehouse.layouts["test/availability"] = layout(FILING)
    second = warehouse.run()["dala_2025q4.csv"]
    assert first.is_accepted
    assert second.is_accepted
    assert second.extract_id != first.extract_id
    path.unlink()
    for _ in range(2):
        warehouse.run()
        filings = [o for o in lake.read_outcomes(warehouse.home) if o.extract_kind == "operator_availability"]
        assert [one.extract_id for one in filings] == [second.extract_id]
        assert not lake.partition(
            warehouse.home, "accepted", "operator_availability", first.extract_id
        ).exists()


def test_a_layout_that_takes_a_filing_no_more_leaves_its_rows(warehouse: Warehouse) -> None:
    warehouse.file(ROW)
    first = warehouse.run()["dala_2025q4.csv"]
    del warehouse.layouts["test/availability"]
    warehouse.run()
    kept = {one.extract_id: one for one in lake.read_outcomes(warehouse.home)}
    assert kept[first.extract_id].is_accepted
    warehouse.layouts["test/availability"] = layout(FILING)
    warehouse.run()
    told = [one.outcome for one in lake.read_outcomes(warehouse.home) if one.file_name == "dala_2025q4.csv"]
    assert told == ["accepted"], "what nobody took for a while is no outcome of its own"
