"""Texts of the report: nothing is missing in any language, formats are those of the language."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from babel import Locale

from warehouse.paths import PROJECT_DIR
from warehouse.report.charts import TILES, Line, lines_over_time, road_strip, share_class
from warehouse.report.language import TEXTS, Language, load_languages
from warehouse.report.read import LEADING_TARGETS, MEASURES
from warehouse.revision import COMPONENTS

LANGUAGES = {language.code: language for language in load_languages()}
SEEDS = PROJECT_DIR / "dbt_project" / "seeds"


def seed(name: str) -> list[dict[str, str]]:
    with next(SEEDS.rglob(f"{name}.csv")).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def leaves(texts: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(texts, dict):
        for key, value in texts.items():
            yield from leaves(value, f"{path}.{key}")
    elif isinstance(texts, list):
        for place, value in enumerate(texts):
            yield from leaves(value, f"{path}[{place}]")
    else:
        yield path, texts


def keys_of(language: Language) -> set[str]:
    """Keys of texts; forms of plurals differ by language, quotes are in English in the release."""
    return {path for path, _ in leaves(language.texts) if not path.startswith((".unit.", ".quote"))}


@pytest.mark.parametrize("code", ["kk", "ru"])
def test_no_key_is_missing_in_any_language(code: str) -> None:
    assert keys_of(LANGUAGES[code]) == keys_of(LANGUAGES["en"])
    assert set(LANGUAGES[code].texts["unit"]) == set(LANGUAGES["en"].texts["unit"])


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_says_something_and_asks_for_the_same_figures(code: str) -> None:
    english = dict(leaves(LANGUAGES["en"].texts))
    for path, text in leaves(LANGUAGES[code].texts):
        assert isinstance(text, str), f"{path} is no text: quote it"
        # English pages need no word on what stands in English.
        assert text or path in (".statements.english", ".method.english"), path
        if path in english:
            assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", english[path])), path


@pytest.mark.parametrize("code", LANGUAGES)
def test_units_have_the_forms_that_the_language_needs(code: str) -> None:
    needed = set(Locale.parse(code).plural_form.rules) | {"other"}
    for unit, forms in LANGUAGES[code].texts["unit"].items():
        assert set(forms) == needed, unit


@pytest.mark.parametrize("code", LANGUAGES)
def test_terms_of_the_project_have_words(code: str) -> None:
    texts = LANGUAGES[code].texts
    technologies = {row["technology"] for row in seed("technology")} | {
        row["speed_tier"] for row in seed("speed_tier")
    }
    assert technologies | {row["connection_level"] for row in seed("connection_rung")} <= set(
        texts["technology"]
    )
    assert {row["technology"] for row in seed("programme_target")} - {""} <= set(texts["technology"])
    assert set(MEASURES) <= set(texts["technology_short"])
    assert {row["evidence_grade"] for row in seed("evidence_grade")} == set(texts["grade"])
    assert {row["unit"] for row in seed("programme_target")} <= set(texts["unit"])
    assert set(COMPONENTS) == set(texts["component"])
    needed = {kind for row in seed("metric") for kind in re.split(r"[,|] *", row["required_extracts"])}
    assert needed == set(texts["extract"])
    current = {row["region_kato"] for row in seed("region") if not row["valid_to"]}
    assert current == set(texts["region_short"]) == set(TILES)


@pytest.mark.parametrize("code", ["kk", "ru"])
def test_every_statement_is_told_in_the_reader_s_language(code: str) -> None:
    assert {row["statement_id"] for row in seed("public_statement")} == set(LANGUAGES[code].texts["quote"])


def test_the_leading_targets_are_targets_of_the_nine_systems() -> None:
    systems = {row["target_id"]: row["system"] for row in seed("programme_target")}
    assert [systems[target] for target in LEADING_TARGETS] == [f"S{number}" for number in range(1, 10)]


def test_no_two_tiles_share_a_place() -> None:
    assert len(set(TILES.values())) == len(TILES) == 20


@pytest.mark.parametrize(
    ("value", "digits", "kk", "ru", "en"),
    [
        (95.25, 1, "95,2%", "95,2\N{NO-BREAK SPACE}%", "95.2%"),
        (99.99, 1, "99,9%", "99,9\N{NO-BREAK SPACE}%", "99.9%"),
        (99.6, 0, "99%", "99\N{NO-BREAK SPACE}%", "99%"),
        (100.0, 1, "100,0%", "100,0\N{NO-BREAK SPACE}%", "100.0%"),
        (0.004, 1, "0,1%", "0,1\N{NO-BREAK SPACE}%", "0.1%"),
        (0.0, 1, "0,0%", "0,0\N{NO-BREAK SPACE}%", "0.0%"),
    ],
)
def test_percentages(value: float, digits: int, kk: str, ru: str, en: str) -> None:
    told = [LANGUAGES[code].percent(value, digits) for code in ("kk", "ru", "en")]
    assert told == [kk, ru, en]


@pytest.mark.parametrize(
    ("value", "words"),
    [(1, "1 село"), (3, "3 села"), (2606, "2 606 сёл"), (3951, "3 951 село"), (11, "11 сёл")],
)
def test_russian_villages_are_counted_right(value: float, words: str) -> None:
    told = LANGUAGES["ru"].value(value, "settlements").striptags()
    assert told.replace("\N{NO-BREAK SPACE}", " ") == words


def test_money_and_minus() -> None:
    assert LANGUAGES["en"].value(35_389_274.0, "US dollars").striptags() == "US$35.4m"
    assert LANGUAGES["ru"].number(-11) == "\N{MINUS SIGN}11"
    assert LANGUAGES["en"].number(-0.01, 1) == "0.0"


def test_a_share_at_the_end_of_a_class_belongs_to_the_next() -> None:
    assert [share_class(value) for value in (0, 24.9, 25, 89.99, 90, 97, 100)] == [0, 0, 1, 3, 4, 5, 5]


def test_drawings_hold_no_markup_of_names() -> None:
    points = [(dt.date(2025, 3, 31), 10.0), (dt.date(2025, 6, 30), None), (dt.date(2025, 9, 30), 30.0)]
    drawn = lines_over_time([Line("g4", points)], '"><script>', "30 %")
    assert "<script>" not in drawn
    assert drawn.count("h0") == 2, "an unknown value breaks the line"
    assert lines_over_time([Line("g4", [(dt.date(2025, 3, 31), None)])], "nothing", "") == ""
    strip = road_strip(100, [("none", 10, 10.01)], 200, "<b>")
    assert "<b>" not in strip
    assert 'width="1.5"' in strip


def test_colours_have_the_contrast_that_axe_cannot_see() -> None:
    """Text on hatching and in drawings: at least 4.5 to 1 (WCAG 1.4.3); neighbouring steps of the scale differ."""
    css = (TEXTS.parent / "assets" / "report.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{3,6});", css))
    hatch = re.findall(r"\.withheld \{.*?(#fff) 0 4px, (#[0-9a-f]{6})", css)[0]
    on_text = {f"c{step}": "#ffffff" if step > 3 else colours["ink"] for step in range(6)}
    pairs = [(colours[step], text) for step, text in on_text.items()]
    pairs += [(ground, colours["ink"]) for ground in hatch] + [
        ("#fff", colours[name]) for name in ("soft", "accent")
    ]
    assert min(contrast(ground, text) for ground, text in pairs) >= 4.5
    steps = [luminance(colours[f"c{step}"]) for step in range(6)]
    assert all(lighter / darker > 1.15 for lighter, darker in pairwise(steps))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2), with the flare of 0.05 that contrast adds."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return lighter / darker
