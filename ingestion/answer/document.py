"""The answer as data, and where all its forms are written.

Belongs here: the JSON document, and one folder with the answer in every form. Does not belong here: how pages and
workbooks look.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ingestion.answer.model import Answer
from ingestion.answer.page import render_page
from warehouse.files import writable_name
from warehouse.languages import Language

_LONGEST_NAME_BYTES = 200


def document(answer: Answer) -> dict[str, Any]:
    """The answer as plain data: rows, true totals of each fault, cells, and what to confirm."""
    outcome = answer.outcome
    return {
        "file": outcome.file_name,
        "sha256": outcome.sha256,
        "sender": outcome.sender,
        "extract": outcome.extract_kind,
        "layout": outcome.layout_id,
        "outcome": outcome.outcome,
        "rule": outcome.rule,
        "message": outcome.message,
        "rows": {
            "read": outcome.rows_read,
            "accepted": outcome.rows_accepted,
            "quarantined": outcome.rows_quarantined,
            "duplicate": outcome.rows_duplicate,
            "skipped": outcome.rows_skipped,
        },
        "is_sample": outcome.is_sample,
        "places_were_checked": answer.places_were_checked,
        "totals": [
            {"rule": rule, "column": column, "rows": count}
            for rule, column, count in outcome.quarantine_reasons
        ],
        "faults": [asdict(fault) for fault in answer.faults],
        "held_for": [asdict(suspicion) for suspicion in answer.suspicions],
        "previous": answer.previous,
        "proposed_change": answer.proposal,
        "to_confirm": [{"kind": anomaly.kind, **anomaly.values} for anomaly in answer.anomalies],
    }


def write_answer(answer: Answer, file: Path, folder: Path, language: Language) -> list[Path]:
    """Write the answer in every form into a folder; returns the page of the language, the workbook and the JSON.

    Args:
        file: as its sender has it, which the workbook is made from.

    A file without a fault has no workbook, as there is nothing to mark in it. Answers of an earlier call to files of
    the same name are replaced.
    """
    name = f"{_fitting(writable_name(Path(file.name)), answer.outcome.sha256)}.answer"
    pages = write_pages(answer, folder, name)
    written = [path for path in pages if path.name.endswith((f".{language}.html", ".json"))]
    if answer.faults:
        from ingestion.answer.workbook import write_workbook

        path = folder / f"{name}.xlsx"
        write_workbook(answer, file, path, language)
        written.append(path)
    return written


def _fitting(name: str, sha256: str) -> str:
    """A name to which endings can be added: file systems take no more than 255 bytes."""
    whole = name.encode()
    if len(whole) <= _LONGEST_NAME_BYTES:
        return name
    return f"{whole[:_LONGEST_NAME_BYTES].decode(errors='ignore')}-{sha256[:8]}"


def write_pages(answer: Answer, folder: Path, name: str) -> list[Path]:
    """Write the answer as JSON and as a page in each language into a folder; returns the files.

    Args:
        name: how the files' names begin.
    """
    folder.mkdir(parents=True, exist_ok=True)
    links: dict[Language, str] = {language: f"{name}.{language}.html" for language in Language}
    texts = {f"{name}.json": json.dumps(document(answer), ensure_ascii=False, indent=1, default=str) + "\n"}
    # What is a part of a link's grammar, such as #, may stand in the name of a file.
    quoted = {language: quote(link) for language, link in links.items()}
    texts |= {links[language]: render_page(answer, language, quoted) for language in Language}
    return list(_written(folder, texts.items()))


def _written(folder: Path, texts: Iterable[tuple[str, str]]) -> Iterable[Path]:
    for name, text in texts:
        temporary = folder / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        yield temporary.replace(folder / name)
