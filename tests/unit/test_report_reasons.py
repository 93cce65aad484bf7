"""Reasons of the gate, of the suppression and of the marts are told in the reader's language."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from expectations.gate import describe
from warehouse.masking import NO_VERDICT
from warehouse.open_tier import REASON
from warehouse.paths import PROJECT_DIR
from warehouse.report.language import load_languages
from warehouse.report.reasons import FORMS
from warehouse.verdicts import CheckOutcome

LANGUAGES = {language.code: language for language in load_languages()}
ENGLISH = re.compile(r'<span lang="en">.*?</span>')


def outcome(status: str) -> CheckOutcome:
    return CheckOutcome(
        "totals.regions", "gx", "blocking", status, "2 of 20 rows", 2, (), "1", "f", "", "Ask the sender."
    )


#: What makes a sentence -> the sentences, whole.
MADE = {
    "the gate, of what was not received": ["no highways extract received; no drive_tests extract received"],
    "the gate, of checks": [describe(outcome(status)) for status in ("fail", "error", "stale", "missing")],
    "the gate, of many": [f"{describe(outcome('fail'))} | and 3 more"],
    "the suppression": [REASON],
    "whoever has no verdict": [NO_VERDICT],
}
#: Sentences of models, as their SQL says them.
OF_MODELS = {
    "highways/fct_highway_coverage.sql": ("no_areas", "nobody_filed", "operator_filed_none"),
    "geography/fct_region_area.sql": ("regions_lacking",),
    "evidence/fct_reliability.sql": ("few_tests",),
}


@pytest.mark.parametrize("code", ["kk", "ru"])
@pytest.mark.parametrize("made", MADE)
def test_a_reason_is_told_in_the_reader_s_language(made: str, code: str) -> None:
    for reason in MADE[made]:
        told = LANGUAGES[code].reason(reason)
        own = ENGLISH.sub("", told).replace("totals.regions", "")
        assert not re.search(r"[A-Za-z]", own), (reason, own)
        assert re.search(r"[а-яәіңғүұқөһ]", own), (reason, own)
        # What a check found, and what is to be done, is not lost.
        if "2 of 20 rows" in reason:
            assert "2 of 20 rows" in told
        if "ask the sender" in reason:
            assert "ask the sender" in told


def test_every_form_is_a_sentence_that_something_makes() -> None:
    said = [sentence for made in MADE.values() for sentence in made]
    of_models = {form for forms in OF_MODELS.values() for form in forms}
    for key in FORMS.keys() - of_models:
        assert any(re.search(FORMS[key], sentence) for sentence in said), key
    for path, forms in OF_MODELS.items():
        sql = (PROJECT_DIR / "dbt_project" / "models" / "marts" / path).read_text(encoding="utf-8")
        texts = " ".join("".join(re.findall(r"'([^']*)'", sql)).split())
        for form in forms:
            # Numbers come between the quoted parts.
            for part in re.split(r"\(\?P<\w+>\\d\+\)", FORMS[form]):
                assert " ".join(part.split()) in texts, (path, part)


def test_english_readers_are_told_kinds_by_their_names() -> None:
    told = LANGUAGES["en"].reason("no itu_indicators extract received")
    assert told == "nothing received: ITU indicators"


def test_a_reason_of_no_known_form_stays_in_english_and_says_so() -> None:
    assert LANGUAGES["ru"].reason("<b>odd") == Markup('<span lang="en">&lt;b&gt;odd</span>')
    assert LANGUAGES["en"].reason("<b>odd") == Markup("&lt;b&gt;odd")


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_withheld_figure_bears_its_reason_as_text(code: str) -> None:
    shown = LANGUAGES[code].absent('check "x"<y failed: 1 row')
    assert "<y" not in shown
    assert shown.count('"') == 4


@pytest.mark.parametrize(
    "observed",
    [
        "thousand 3 more",
        "check A1 failed in 3 rows",
        "no such extract received",
        "3 tests, fewer than the 5 that",
    ],
)
def test_what_a_check_observed_is_told_as_it_is(observed: str) -> None:
    told = LANGUAGES["ru"].reason(f"check roads failed: {observed} rows; and so on")
    assert told == Markup(f'проверка roads не пройдена<span lang="en">: {observed} rows; and so on</span>')
