"""A proposal -> the text of a layout, with the reason beside each line and TODO where a person must decide.

Belongs here: the draft's YAML. Does not belong here: finding out what columns are (`propose`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ingestion.contract import Column, load_contracts
from ingestion.layout import UNDECIDED, Layout, load_layouts
from ingestion.onboard.look import Look, look
from ingestion.onboard.propose import (
    Match,
    Proposal,
    date_format,
    fillable,
    meaning,
    number_of,
    proposals,
    spoken,
)
from ingestion.units import factor_stated

TODO = UNDECIDED
_OTHERS = 2
#: How names tell what a file speaks of, the most telling first.
_PERIODS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<!\d)(?P<year>20\d\d)[-_.](?P<month>[01]\d)[-_.](?P<day>[0-3]\d)(?!\d)",
        r"(?<!\d)(?P<day>[0-3]\d)[-_.](?P<month>[01]\d)[-_.](?P<year>20\d\d)(?!\d)",
        r"(?<!\d)(?P<year>20\d\d)[-_ ]?(?:[qQкК]|кв)?[-_ ]?(?P<quarter>[1-4])(?!\d)",
        r"(?<!\d)(?P<quarter>[1-4])[-_. ]*(?:[qQкК]|кв|квартал|тоқсан)?[-_. ]*(?P<year>20\d\d)(?!\d)",
    )
)
_GROUPS = {"year": r"\d{4}", "month": r"\d{2}", "day": r"\d{2}", "quarter": "[1-4]"}
_YEAR_COLUMN = r"(?:19|20)\d{2}"
_LEAST_YEARS = 3
_YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")


def flow(value: Any) -> str:
    """A value as YAML on one line."""
    return yaml.safe_dump(
        [value], default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False
    ).strip()[1:-1]


def draft_layout(path: Path, sender: str, extract: str | None = None) -> str:
    """Look at a file and draft the layout of its sender.

    Args:
        path: the file.
        sender: id of the sender.
        extract: kind of extract it is; by default the one that fits best.

    Raises:
        FileRejected: the file is empty, or no table can be made out in it.
        ValueError: there is no such extract, or the id of the sender has other letters than a-z, 0-9 and _.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", sender):
        raise ValueError(f"{sender!r} is no id of a sender: small letters, digits and underscores")
    contracts = load_contracts()
    if extract is not None and extract not in contracts:
        raise ValueError(f"there is no extract {extract!r}; choose one of {', '.join(contracts)}")
    layouts = list(load_layouts().values())
    seen = look(path)
    chosen = contracts.values() if extract is None else [contracts[extract]]
    first, *others = proposals(seen, chosen, layouts)
    return draft(path, seen, first, sender, layouts, others[:_OTHERS])


def file_pattern(name: str, sender: str) -> str:
    """An expression for the paths of a sender's files like this one: its folder, and its period as groups."""
    found = next((told for period in _PERIODS if (told := period.search(name))), None)
    years = list(_YEAR.finditer(name))
    spans: list[tuple[int, int, str]] = []
    # Several years are a span, which names no period.
    if len(years) == 1 and found is not None:
        spans = sorted((found.start(group), found.end(group), group) for group in found.groupdict())
    elif len(years) == 1:
        spans = [(*years[0].span(), "year")]
    pattern, end = "", 0
    for start, stop, group in spans:
        pattern += re.escape(name[end:start]) + f"(?P<{group}>{_GROUPS[group]})"
        end = stop
    pattern += re.escape(name[end:])
    return rf"(?:.*/)?{re.escape(sender)}/" + pattern.replace(r"\-", "-").replace(r"\ ", " ")


def draft(
    path: Path,
    look: Look,
    proposal: Proposal,
    sender: str,
    layouts: Sequence[Layout],
    others: Sequence[Proposal] = (),
) -> str:
    """The text of a layout for files like one.

    Args:
        path: the file.
        sender: id of the sender, which names the folder of its layouts.
        layouts: existing ones, whose words for values are proposed again.
        others: what else the file might be, the likelier first.
    """
    contract = proposal.contract
    pattern = file_pattern(path.name, sender)
    told = spoken(contract, layouts)
    lines = [
        f"# Draft from {path.name}. Look at each line, and replace every {TODO}; then",
        f"# qamtu check --layout THIS_FILE {path.name}; then put it under ingestion/layouts/ as its first line says.",
        *(f"# Note: {note}." for note in look.notes),
        f"layout: {sender}/{contract.id}",
        f"sender: {sender}",
        f"sender_title: {TODO} who sends it",
        f"extract: {contract.id}{_instead(others)}",
        f"description: {TODO} one sentence on how it is written.",
        f"file_pattern: {flow(pattern)}{_one_file(pattern)}",
        f"format: {look.format}",
        *_described(look),
    ]
    if look.null_marks:
        lines.append(f"null_marks: {flow(['', *look.null_marks])}")
    lines.append("columns:")
    resolved = _resolve(proposal)
    years = [name for name in proposal.left_over if re.fullmatch(_YEAR_COLUMN, name)]
    counted = _counted(proposal) if len(years) >= _LEAST_YEARS else None
    absent: list[str] = []
    for column in fillable(contract):
        match = next((m for m in proposal.matches if m.column == column.name), None)
        if match is not None:
            source = _source(column, match, look.samples.get(match.source, []), told[column.name])
            lines.append(f"  {column.name}: {flow(source)}  # {match.reason}")
        elif counted is not None and (column.role == "as_of" or column is counted):
            continue
        elif column.role == "as_of" and "(?P<quarter>" in pattern:
            quarter = {"quarter_end": {"year": "{year}", "quarter": "{quarter}"}}
            lines.append(f"  {column.name}: {flow(quarter)}  # the file's name tells it")
        elif column.role == "as_of" and "(?P<day>" in pattern:
            lines.append(
                f"  {column.name}: {flow({'value': '{year}-{month}-{day}'})}  # the file's name tells it"
            )
        elif column.role == "as_of" and "(?P<year>" in pattern and contract.cadence != "quarterly":
            lines.append(
                f"  {column.name}: {flow({'value': '{year}-12-31'})}  # {TODO} the file's name tells the year"
            )
        elif column.role == "as_of" and "(?P<year>" in pattern:
            lines.append(f"  {column.name}: {flow({'value': TODO})}  # nothing tells the quarter")
        elif column.name == "operator_id":
            lines.append(f"  {column.name}: {flow({'value': sender})}  # {TODO} key of dim_operator")
        elif column.required and not (resolved and column.name == resolved["kato"]):
            lines.append(
                f"  {column.name}: {flow({'from': TODO})}  # nothing fits: {_first(column.description)}"
            )
        elif not column.required:
            absent.append(column.name)
    if counted is not None:
        unpivot = {
            "columns_matching": f"(?P<year>{_YEAR_COLUMN})",
            "set": {c.name: "{year}-01-01" for c in contract.columns if c.role == "as_of"},
            "into": counted.name,
        }
        lines.append(f"unpivot: {flow([unpivot])}  # {TODO} a column for each year: is it its first day?")
    if absent:
        lines.append(f"absent: {flow(absent)}  # the file has nothing like them")
    ignored = [name for name in proposal.left_over if counted is None or name not in years]
    if ignored:
        lines.append(f"ignore: {flow(ignored)}  # {TODO} nothing in the contract fits these")
    if look.totals is not None:
        lines.append(f"total_rows: {flow(dict(zip(('column', 'pattern'), look.totals, strict=True)))}")
    if resolved:
        lines.append(f"resolve: {flow(resolved)}")
    return "\n".join(lines) + "\n"


def _instead(others: Sequence[Proposal]) -> str:
    """A remark on what else a file might be, with how many of its columns would be told."""
    said = ", ".join(f"{one.contract.id} ({len(one.matches)} columns)" for one in others if one.matches)
    return f"  # or, with --extract: {said}" if said else ""


def _one_file(pattern: str) -> str:
    return (
        ""
        if "(?P<" in pattern
        else f"  # {TODO} no other name fits; write what changes from file to file as a pattern"
    )


def _counted(proposal: Proposal) -> Column | None:
    """The one column of numbers that a table with a column for each year must be about."""
    found = [c for c in proposal.missing if c.required and c.physical_type in ("BIGINT", "DOUBLE")]
    return found[0] if len(found) == 1 else None


def _described(look: Look) -> list[str]:
    if look.format == "features":
        return [f"geometry: {flow(look.described)}"] if look.described else []
    return [f"{look.format}: {flow(look.described)}"]


def _first(description: str) -> str:
    return re.split(r"(?<=[.;:])\s", description, maxsplit=1)[0].rstrip(".;:")


def _source(column: Column, match: Match, values: Sequence[str], told: Mapping[str, str]) -> dict[str, Any]:
    """How a column is read: its header, and what turns its words, unit or date into the contract's."""
    source: dict[str, Any] = {"from": match.source}
    if column.physical_type == "DATE":
        form = date_format(values) if values else None
        source |= {"date_format": form} if form else {}
    elif column.physical_type in ("BIGINT", "DOUBLE"):
        words = sorted({value for value in values if number_of(value) is None})
        if words and len(words) <= 10:
            source["map"] = {word: told.get(word, TODO) for word in words}
        factor = factor_stated(match.source, column.unit)
        if factor not in (None, 1.0):
            source["factor"] = factor
    elif column.allowed:
        found = sorted(set(values))
        if not set(found) <= set(column.allowed) and len(found) <= 30:
            source["map"] = {word: meaning(column, word, told) or TODO for word in found}
    return source


def _resolve(proposal: Proposal) -> dict[str, Any] | None:
    """How places become codes: by the code where the file has one, and by name inside the district."""
    place = next((c for c in proposal.contract.columns if (c.role or "").startswith("kato_")), None)
    if place is None:
        return None
    matched = {match.column for match in proposal.matches}
    roles = {column.role for column in proposal.contract.columns if column.name in matched}
    by = [
        *(["code"] if place.name in matched else []),
        *(["name"] if {"filed_district", "filed_settlement"} <= roles else []),
    ]
    level = "settlement" if place.role == "kato_settlement" else "place"
    return {"kato": place.name, "by": by or ["code"], "level": level}
