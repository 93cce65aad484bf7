"""The answer in a terminal: what becomes of the file, the commonest faults, what to confirm.

Belongs here: what a person reads at once. Does not belong here: every fault, which the page and JSON tell.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ingestion.answer.model import Answer
from ingestion.answer.page import anomalies, number, periods, suspicions, verdict
from ingestion.answer.words import load_words
from warehouse.files import writable_name
from warehouse.languages import Language

_SHOWN_FAULTS = 20
_COLOURS = {"good": "green", "warn": "yellow", "bad": "red"}


def print_summary(answer: Answer, file: Path, language: Language, console: Console) -> None:
    """Print one file's answer."""
    words = load_words(language)
    ui, outcome = words.ui, answer.outcome
    told, tone = verdict(answer, words)
    sample = f" [bold red]{escape(ui['sample'])}[/]" if outcome.is_sample else ""
    console.print(f"[bold]{escape(writable_name(file))}[/]: [{_COLOURS[tone]}]{escape(told)}[/]{sample}")
    if outcome.layout_id:
        rows = ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")
        counts = ", ".join(f"{ui[name]} {number(getattr(outcome, name), language)}" for name in rows)
        dates = periods(outcome, language)
        when = f"{ui['period']} {dates}; " if dates else ""
        console.print(f"  {ui['layout']} {outcome.layout_id}; {when}{counts}")
    if not outcome.is_accepted:
        rule = outcome.rule or ""
        console.print(f"  [bold]{escape(words.file_rule(rule))}[/]: {escape(words.file_remedy(rule))}")
        console.print(f"  {escape(outcome.message or '')}")
    if answer.suspicions:
        console.print(f"  {ui['held_why']}")
        for line in suspicions(answer, words):
            console.print(f"    {escape(line)}")
    if answer.proposal is not None:
        console.print(f"  [bold]{ui['proposal']}[/]: {ui['proposal_why']}")
        console.print(escape(answer.proposal), soft_wrap=True)
    if answer.layout is not None and not answer.places_were_checked:
        console.print(f"  {ui['no_places']}")
    if answer.anomalies:
        console.print(
            f"  [bold]{ui['to_confirm']}[/] {ui['to_confirm_why'].format(previous=answer.previous)}"
        )
        for question in anomalies(answer, words):
            console.print(f"    {escape(question)}")
    if answer.layout is None or not answer.faults:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("sheet", "row", "column", "value", "fault", "what_to_do"):
        table.add_column(ui[name], overflow="fold")
    for fault in answer.faults[:_SHOWN_FAULTS]:
        cells = (
            fault.sheet, str(fault.row), fault.column, fault.value,
            words.rule(fault.rule, answer.layout), words.remedy(fault.rule, answer.layout),
        )  # fmt: skip
        table.add_row(*(escape(cell or "") for cell in cells))
    console.print(table)
    total = sum(count for _, _, count in outcome.quarantine_reasons)
    if total > _SHOWN_FAULTS:
        shown, of = (number(n, language) for n in (_SHOWN_FAULTS, total))
        console.print(f"  {ui['first_of'].format(shown=shown, total=of)}")
