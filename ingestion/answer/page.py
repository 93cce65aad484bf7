"""The answer as a page: one file a language, with no need of a network.

Belongs here: what `page.html.j2` shows, in the reader's words and numbers. Does not belong here: any judgement.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ingestion.answer.model import Answer, Fault
from ingestion.answer.words import Words, load_words
from warehouse.lake import Outcome
from warehouse.languages import Language

# Thousands are parted by a space at which no line breaks where the language writes so, else by a comma.
_THOUSANDS = {"kk": "\u00a0", "ru": "\u00a0", "en": ","}
_LONGEST_VALUE = 300
_MOST_PERIODS = 3


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def number(value: float, language: Language) -> str:
    """A number as readers of a language write it."""
    text = f"{value:,}".replace(",", _THOUSANDS[language])
    return text if language == "en" else text.replace(".", ",")


def periods(outcome: Outcome, language: Language) -> str | None:
    """The dates that accepted rows speak of, as readers of a language write them: the first and the last of many."""
    dates = [dt.date.fromisoformat(each) for each in outcome.periods]
    told = [date.isoformat() if language == "en" else f"{date:%d.%m.%Y}" for date in sorted(dates)]
    if len(told) > _MOST_PERIODS:
        return f"{told[0]} – {told[-1]} ({len(told)})"
    return ", ".join(told) or None


def verdict(answer: Answer, words: Words) -> tuple[str, str]:
    """What becomes of the file in one line, and its tone: good, warn or bad."""
    outcome = answer.outcome
    if answer.suspicions:
        return words.ui["held"], "bad"
    if answer.is_clean:
        return words.ui["clean"], "good"
    if outcome.is_accepted:
        return words.ui["some"].format(count=number(outcome.rows_quarantined, words.language)), "warn"
    if outcome.outcome == "ignored":
        return words.ui["ignored"], "warn"
    return words.ui["refused"], "bad"


def anomalies(answer: Answer, words: Words) -> list[str]:
    """Questions to confirm, in words."""
    return [
        words.anomalies[anomaly.kind].format(
            **{
                name: value if isinstance(value, str) else number(value, words.language)
                for name, value in anomaly.values.items()
            }
        )
        for anomaly in answer.anomalies
    ]


def suspicions(answer: Answer, words: Words) -> list[str]:
    """For what a filing is held, in words."""
    told = []
    for suspicion in answer.suspicions:
        where = " ".join(text for text in (suspicion.category, suspicion.region_kato) if text)
        measure = words.measures.get(suspicion.measure, suspicion.measure)
        kept = number(suspicion.kept_pct, words.language)
        told.append(f"{f'{where}: ' if where else ''}{words.ui['kept'].format(measure=measure, kept=kept)}")
    return told


def render_page(answer: Answer, language: Language, links: Mapping[Language, str]) -> str:
    """The page of one language.

    Args:
        links: where the pages of all languages lie, relative to this one.
    """
    words = load_words(language)
    ui, outcome, layout = words.ui, answer.outcome, answer.layout
    told, tone = verdict(answer, words)
    rows = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate", "rows_skipped")
    facts = [
        (ui["file"], outcome.file_name),
        (ui["sender"], layout.sender_title if layout else None),
        (ui["operator"], layout.operator_id if layout else None),
        (ui["extract"], words.extract(layout.contract) if layout else None),
        (ui["period"], periods(outcome, language)),
        (ui["layout"], outcome.layout_id),
        (ui["fingerprint"], outcome.sha256),
    ]
    return _template().render(
        words=words,
        ui=ui,
        title=ui["title"].format(file=Path(outcome.file_name).name),
        languages=[load_words(other) for other in Language],
        links=links,
        is_sample=outcome.is_sample,
        verdict=told,
        tone=tone,
        counts=[(ui[name], number(getattr(outcome, name), language)) for name in rows],
        facts=[(label, text) for label, text in facts if text],
        places_were_checked=answer.places_were_checked,
        refusal=None if outcome.is_accepted else _refusal(answer, words),
        proposal=answer.proposal,
        suspicions=suspicions(answer, words),
        anomalies=anomalies(answer, words),
        comparison=ui["to_confirm_why"].format(previous=answer.previous),
        kinds=_kinds(answer, words),
        has_sheets=any(fault.sheet for fault in answer.faults),
    )


def _refusal(answer: Answer, words: Words) -> dict[str, str]:
    rule = answer.outcome.rule or ""
    return {
        "name": words.file_rule(rule),
        "remedy": words.file_remedy(rule),
        "detail": answer.outcome.message or "",
    }


def _kinds(answer: Answer, words: Words) -> list[dict[str, Any]]:
    """Faults by rule and column, the commonest first, each with its true total and the cells that are shown."""
    if answer.layout is None:
        return []

    def kind(fault: Fault) -> tuple[str, str]:
        return fault.rule, fault.column or ""

    totals = {(rule, column or ""): count for rule, column, count in answer.outcome.quarantine_reasons}
    found = []
    for (rule, column), faults in groupby(sorted(answer.faults, key=kind), key=kind):
        cells = [
            {"sheet": f.sheet, "row": f.row, "value": None if f.value is None else f.value[:_LONGEST_VALUE]}
            for f in faults
        ]
        total, shown = (number(n, words.language) for n in (totals[rule, column], len(cells)))
        found.append(
            {
                "name": words.rule(rule, answer.layout),
                "column": column,
                "remedy": words.remedy(rule, answer.layout),
                "total": total,
                "shown": total if total == shown else words.ui["first_of"].format(shown=shown, total=total),
                "cells": cells,
                "order": (-totals[rule, column], rule, column),
            }
        )
    return sorted(found, key=lambda entry: entry["order"])
