"""Names and codes of places: what resolves, what stays ambiguous, and how codes follow the editions."""

from __future__ import annotations

import polars as pl
import pytest

from ingestion.places import bare_name, build_gazetteer, clean_name, level_of, place_kind, region_key

EDITION = {"edition": pl.String, "kato": pl.String, "name_ru": pl.String, "name_kk": pl.String}
CHANGE = {"retired_kato": pl.String, "current_kato": pl.String, "effective_from": pl.Date}


def one(expression: pl.Expr, text: str) -> str:
    """Value of an expression over the column `name` for one text."""
    return str(pl.DataFrame({"name": [text]}).select(expression).item())


def changes(*rows: tuple[str, str | None, str]) -> pl.DataFrame:
    """A frame of changes, dates as ISO text."""
    frame = pl.DataFrame(rows, schema=CHANGE | {"effective_from": pl.String}, orient="row")
    return frame.with_columns(pl.col("effective_from").str.to_date("%Y-%m-%d"))


@pytest.mark.parametrize(
    ("written", "kind", "bare"),
    [
        ("с.Жамбыл", "village", "жамбыл"),
        ("Жамбыл а.", "village", "жамбыл"),
        ("Семей Г.А.", "administration", "семей"),
        ("Семей қ.ә.", "administration", "семей"),
        ("Семей қаласы", "city", "семей"),
        ("г.Семей", "city", "семей"),
        ("Аккольский р-н", "district", "аккольский"),
        ("Ақкөл ауданы", "district", "ақкөл"),
        ("район Біржан сал", "district", "біржан сал"),
        ("г.а.Алтай", "administration", "алтай"),
        ("п.а. Качар", "sub_district", "качар"),
        ("с.о.Әйет", "sub_district", "әйет"),
        ("п.Бестобе", "town", "бестобе"),
        ("рзд.103", "station", "103"),
        ("Карааульский с.о.", "sub_district", "карааульский"),
        ("Жамбыл", "", "жамбыл"),
        # As KATO of 2026 has them.
        ("с.им.Крупской", "village", "крупской"),
        ("Крупская атын.а.", "village", "крупская"),
        ("И.Ф.Павлов атындағы а.", "village", "и.ф.павлов"),
        ("Рахым Сәбденов ат.а", "village", "рахым сәбденов"),
        ("с.о.им. Ш.Берсиева", "sub_district", "ш.берсиева"),
        ("Ш.Берсиев атын. а.о.", "sub_district", "ш.берсиев"),
        ("Район им.Габита Мусрепова", "district", "габита мусрепова"),
        ("Ғабит Мүсірепов атын.ауданы", "district", "ғабит мүсірепов"),
        ("с.а.Тайтобе", "sub_district", "тайтобе"),
        ("Карабулакская с.а.", "sub_district", "карабулакская"),
        ("Тайтөбе а.ә.", "sub_district", "тайтөбе"),
        ("зимовка Жанабаз", "winter_camp", "жанабаз"),
        ("Жаңабаз қыстауы", "winter_camp", "жаңабаз"),
        ("уч. Талды", "section", "талды"),
        ("Талды уч.", "section", "талды"),
        # What only looks like a kind.
        ("кр.хоз. «Ногайбаева А.А.»", "", "кр.хоз. ногайбаева а.а"),
        ("Әлихан Бөкейхан р.а.", "", "әлихан бөкейхан р.а"),
        ("Аққыстау а.", "village", "аққыстау"),
    ],
)
def test_kind_and_bare_name(written: str, kind: str, bare: str) -> None:
    cleaned = clean_name(pl.col("name"))
    assert one(place_kind(cleaned), written) == kind
    assert one(bare_name(cleaned), written) == bare


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Hово-Ахмирово", "Ново-Ахмирово"),
        ("Aршалынский", "Аршалынский"),
        ("Форт-Шевченко ќ.", "Форт-Шевченко қ."),
        ("Зелёный  Гай", "Зеленый\u00a0Гай"),
        ("МАЌАНШЫ АУДАНЫ", "Мақаншы ауданы"),
        # As the address registry of 2008 has them.
        ("БЎЛАНДЫ АУДАНЫ", "Бұланды ауданы"),
        ("ЕЅБЕКШІЌАЗАЌ АУДАНЫ", "Еңбекшіқазақ ауданы"),
        ("ЈЙТЕКЕ БИ АУДАНЫ", "Әйтеке би ауданы"),
        ("МАРЌАКҐЛ АУДАНЫ", "Марқакөл ауданы"),
        ("Аи\u0306ыртау", "Айыртау"),
        ("с.\u200bКара\u00adул\ufeff", "с.Караул"),
    ],
)
def test_letters_that_only_look_alike_are_one(written: str, meant: str) -> None:
    assert one(clean_name(pl.col("name")), written) == one(clean_name(pl.col("name")), meant)


def test_english_names_keep_their_latin_letters() -> None:
    assert one(clean_name(pl.col("name")), "East_Kazakhstan") == "east kazakhstan"


@pytest.mark.parametrize(
    ("written", "same_as"),
    [
        ("Акмолинская область", "Акмолинская"),
        ("Акмолинская обл.", "Акмолинская"),
        ("область Абай", "Абай"),
        ("Түркістан облысы", "Түркістан"),
        ("Астана қ.", "Астана қаласы"),
        ("город Нур-Султан", "г.Нур-Султан"),
    ],
)
def test_region_names_written_differently_are_one(written: str, same_as: str) -> None:
    assert one(region_key(pl.col("name")), written) == one(region_key(pl.col("name")), same_as)


def test_almaty_the_region_and_almaty_the_city_differ_in_every_language() -> None:
    regions = build_gazetteer(pl.DataFrame(schema=EDITION), changes()).regions

    def found(language: str, name: str) -> str:
        key = one(region_key(pl.col("name")), name)
        return str(regions.filter((pl.col("language") == language) & (pl.col("key") == key))["kato"].item())

    assert (found("kk", "Алматы"), found("kk", "Алматы қаласы")) == ("190000000", "750000000")
    assert (found("ru", "Алматинская область"), found("ru", "г. Алматы")) == ("190000000", "750000000")
    assert (found("en", "Almaty Region"), found("en", "Almaty")) == ("190000000", "750000000")


@pytest.mark.parametrize(
    ("kato", "level"),
    [
        ("000000000", "nation"),
        ("100000000", "region"),
        ("750000000", "region"),
        ("751910000", "district"),
        ("103200000", "district"),
        ("103230000", "sub_district"),
        ("103230100", "settlement"),
    ],
)
def test_level_of_a_code(kato: str, level: str) -> None:
    assert one(level_of(pl.col("name")), kato) == level


def editions(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Editions from (edition, code, Russian name)."""
    return pl.DataFrame([(*row, None) for row in rows], schema=EDITION, orient="row")


DISTRICT = [
    ("2022-10-17", "103200000", "Абайский район"),
    ("2022-10-17", "103230000", "Карааульский с.о."),
    ("2026-07-17", "103200000", "Абайский район"),
    ("2026-07-17", "103230000", "Карааульский с.о."),
]


def status(frame: pl.DataFrame, code: str) -> tuple[str | None, str]:
    """Successor and status of a filed code."""
    row = frame.filter(pl.col("filed_code") == code).row(0, named=True)
    return row["kato"], row["code_status"]


def test_published_changes_are_followed_through_several_steps() -> None:
    places = build_gazetteer(
        editions(*DISTRICT, ("2026-07-17", "103230300", "с.Новое")),
        changes(("632810000", "103230200", "2022-06-08"), ("103230200", "103230300", "2024-01-01")),
    )
    assert status(places.codes, "632810000") == ("103230300", "mapped")


def test_an_abolished_code_has_no_successor() -> None:
    places = build_gazetteer(editions(*DISTRICT, ("2022-10-17", "103230200", "с.Брошенное")), changes())
    assert status(places.codes, "103230200") == (None, "retired")


def test_a_new_code_of_the_same_name_in_the_district_is_the_successor() -> None:
    places = build_gazetteer(
        editions(*DISTRICT, ("2022-10-17", "103230200", "с.Аксу"), ("2026-07-17", "103230900", "с.Аксу")),
        changes(),
    )
    assert status(places.codes, "103230200") == ("103230900", "mapped")
    assert "same district" in places.crosswalk["method"][0]


def test_two_candidates_are_no_successor() -> None:
    places = build_gazetteer(
        editions(
            *DISTRICT,
            ("2022-10-17", "103230200", "с.Аксу"),
            ("2026-07-17", "103230900", "с.Аксу"),
            ("2026-07-17", "103230800", "с.Аксу"),
        ),
        changes(),
    )
    assert status(places.codes, "103230200") == (None, "retired")


def name(places: pl.DataFrame, parent: str, key: str) -> tuple[str | None, bool]:
    """Code and ambiguity of a name inside a parent."""
    row = places.filter(
        (pl.col("level") == "settlement") & (pl.col("parent") == parent) & (pl.col("key") == key)
    )
    return row["kato"].item(), row["is_ambiguous"].item()


def test_a_name_resolves_by_the_newest_edition_that_knows_it_and_twins_stay_open() -> None:
    places = build_gazetteer(
        editions(
            *DISTRICT,
            ("2022-10-17", "103230200", "с.Чингис"),
            ("2026-07-17", "103230200", "с.Шынгыс"),
            ("2026-07-17", "103230600", "с.Жамбыл"),
            ("2026-07-17", "103230700", "с.Жамбыл"),
        ),
        changes(),
    ).names
    assert name(places, "103200000", "village|чингис") == ("103230200", False)
    assert name(places, "103200000", "village|шынгыс") == ("103230200", False)
    assert name(places, "103200000", "village|жамбыл") == (None, True)


def test_a_kind_that_is_no_populated_place_is_never_taken_for_one() -> None:
    places = build_gazetteer(
        editions(
            *DISTRICT,
            ("2026-07-17", "103230600", "ст.Аксу"),
            ("2026-07-17", "103230700", "с.Копа"),
            ("2026-07-17", "103230800", "зимовка Копа"),
            ("2026-07-17", "103230900", "уч.Достык"),
        ),
        changes(),
    ).names
    of_district = places.filter(pl.col("level") == "settlement", pl.col("parent") == "103200000")
    assert set(of_district["key"]) == {
        "station|аксу", "|аксу", "village|копа", "populated|копа", "winter_camp|копа", "|копа",
        "section|достык",
    }  # fmt: skip
    assert name(places, "103200000", "|аксу") == ("103230600", False)
    assert name(places, "103200000", "|копа") == ("103230700", False), (
        "nobody means the camp by its name alone"
    )


def test_a_name_that_went_to_another_village_is_not_guessed() -> None:
    places = build_gazetteer(
        editions(
            *DISTRICT,
            ("2022-10-17", "103230600", "с.Косак"),
            ("2022-10-17", "103230700", "с.Кокбастау"),
            ("2026-07-17", "103230500", "с.Косак"),
            ("2026-07-17", "103230600", "с.Кокбастау"),
            ("2026-07-17", "103230700", "с.Аксу"),
        ),
        changes(),
    ).names
    assert name(places, "103200000", "village|косак") == (None, True)
    assert name(places, "103200000", "village|кокбастау") == (None, True)
    assert name(places, "103200000", "village|аксу") == ("103230700", False)
