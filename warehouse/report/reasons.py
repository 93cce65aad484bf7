"""Why a figure is withheld, in the reader's language.

Belongs here: the sentences that the gate, the suppression and the marts make, told by their form. Does not belong here:
making them (`expectations.gate`, `open_tier`, `masking`, the models). What a check observed and its remedy stand as
they were written, in English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from warehouse.masking import NO_VERDICT
from warehouse.open_tier import REASON

#: Key of the text -> what the sentence looks like.
FORMS: Mapping[str, str] = {
    "no_extract": r"no (?P<extract>\w+) extract received",
    "check_failed": r"check (?P<failed>\S+) failed",
    "check_not_carried_out": r"check (?P<not_carried_out>\S+) could not be carried out",
    "stale": r"stale evidence: check (?P<stale_check>\S+) was carried out on other content; run the audit again",
    "missing": r"missing evidence: check (?P<missing_check>[^\s:]+)",
    "suppressed": re.sub(r"\d+", r"(?P<threshold>\\d+)", REASON),
    "no_verdict": re.escape(NO_VERDICT),
    "more": r"and (?P<more_count>\d+) more",
    "no_areas": "no areas of service in a vehicle were filed for the date",
    "nobody_filed": "nobody filed areas of service in a vehicle with this or a better technology for the date",
    "operator_filed_none": "the operator filed no areas of service in a vehicle with this or a better technology",
    "regions_lacking": r"of the regions on the map of its date the edition lacks (?P<lacking>\d+), "
    r"and has (?P<foreign>\d+) that are not on it",
    "few_tests": r"(?P<tests>\d+) tests, fewer than the (?P<needed>\d+) that a share needs",
}
# A sentence begins a part, perhaps after the metric that it is about: what a check observed may hold the same words.
_ANY = re.compile(
    r"(?:^|(?<=; )|(?<=\| ))(?P<about>(?:[a-z][a-z0-9_]*: )?)(?:"
    + "|".join(f"(?P<{key}>{form})" for key, form in FORMS.items())
    + r")(?!\w)"
)
_LETTER = re.compile(r"[^\W\d_]")


def in_words(text: str, code: str, texts: Mapping[str, Any]) -> Markup:
    """A reason as readers of a language read it; what has no known form stays, marked as English.

    Args:
        code: the language.
        texts: the tree of its texts, with `reason` and `extract`.
    """
    told, end = [], 0
    for found in _ANY.finditer(text):
        before = text[end : found.start()] + found["about"]
        told += [_as_it_is(before, code), _sentence(found, texts)]
        end = found.end()
    return Markup("").join([*told, _as_it_is(text[end:], code)])


def _sentence(found: re.Match[str], texts: Mapping[str, Any]) -> Markup:
    filled = {name: value for name, value in found.groupdict().items() if value is not None}
    (key,) = filled.keys() & FORMS.keys()
    if "extract" in filled:
        kind = filled["extract"]
        filled["extract"] = texts["extract"].get(kind, kind.replace("_", " "))
    return escape(texts["reason"][key]).format(**filled)


def _as_it_is(text: str, code: str) -> Markup:
    if code == "en" or not _LETTER.search(text):
        return escape(text)
    return Markup('<span lang="en">{}</span>').format(text)
