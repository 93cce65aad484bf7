"""Which column of a file is which column of a contract, each with the reason for thinking so.

Belongs here: comparing names and values, and choosing pairs. Does not belong here: looking at the file (`look`), or
writing a layout (`draft`).
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from ingestion.contract import COMPUTED_ROLES, Column, Contract
from ingestion.layout import Layout
from ingestion.onboard.look import Look
from warehouse.yaml_file import read_yaml

ALIASES = Path(__file__).with_name("aliases.yaml")
DATE_FORMATS = (None, "%d.%m.%Y", "%d/%m/%Y", "%d.%m.%y", "%Y")
_STEM = 5
_MOST_DATES = 40
_MOST_WORDS = 5
_MOSTLY = 0.8


@dataclass(frozen=True)
class Match:
    """A column of the file that is thought to be one of the contract, how surely (0-1) and why."""

    source: str
    column: str
    score: float
    reason: str


@dataclass(frozen=True)
class Proposal:
    """A contract for a file: the pairs, columns of the contract that nothing fits, columns of the file left over."""

    contract: Contract
    matches: tuple[Match, ...]
    missing: tuple[Column, ...]
    left_over: tuple[str, ...]

    @property
    def score(self) -> float:
        """How well the contract fits: sureness of its columns, and of how much of the file they tell."""
        wanted = len(self.matches) + sum(column.required for column in self.missing)
        read = len(self.matches) + len(self.left_over)
        sure = sum(match.score for match in self.matches)
        return sure / wanted + sure / read if wanted and read else 0.0


def fillable(contract: Contract) -> list[Column]:
    """Columns of a contract that a sender can fill."""
    return [column for column in contract.columns if column.role not in COMPUTED_ROLES]


def words(text: str) -> list[str]:
    """Words of a name in lower case, without punctuation."""
    return re.findall(r"[^\W_]+", text.casefold())


@cache
def aliases() -> Mapping[str, Mapping[str, Any]]:
    """What senders call columns (`columns`) and the values in them (`values`), by the contract's names."""
    found: Mapping[str, Mapping[str, Any]] = read_yaml(ALIASES)
    return found


def meaning(column: Column, text: str, told: Mapping[str, str]) -> str | None:
    """The value of a contract column that a sender's text means; None when nothing says so.

    Args:
        told: what existing layouts say, text -> value.
    """
    known = {word.casefold(): value for word, value in told.items()}
    if text.casefold() in known:
        return known[text.casefold()]
    said = set(words(text))
    values = aliases()["values"].get(column.name, {})
    meant = [v for v, names in values.items() if v in column.allowed and not said.isdisjoint(names)]
    return str(meant[0]) if len(meant) == 1 else None


def spoken(contract: Contract, layouts: Iterable[Layout]) -> dict[str, dict[str, str]]:
    """Words that existing layouts of an extract map to a contract column's values: column -> word -> value."""
    found: dict[str, dict[str, str]] = {}
    for layout in layouts:
        if layout.extract_kind == contract.id:
            for name, source in layout.columns.items():
                found.setdefault(name, {}).update(source.map or {})
    for column in contract.columns:
        found.setdefault(column.name, {}).update({value: value for value in column.allowed})
    return found


def proposals(look: Look, contracts: Iterable[Contract], layouts: Sequence[Layout]) -> list[Proposal]:
    """The contracts that could take a file with their pairs, that which fits best first.

    Args:
        look: what was seen of the file.
        contracts: those it may be, in an order that settles ties.
        layouts: existing ones, whose headers and words tell what senders call things.

    Raises:
        ValueError: there is no contract to choose from.
    """
    found = [_pairs(look, contract, layouts) for contract in contracts if _can_hold(look, contract)]
    if not found:
        raise ValueError("no contract could take such a file")
    return sorted(found, key=lambda proposal: -proposal.score)


def _can_hold(look: Look, contract: Contract) -> bool:
    return look.format == "features" or contract.geometry is None


def _pairs(look: Look, contract: Contract, layouts: Sequence[Layout]) -> Proposal:
    told = spoken(contract, layouts)
    scored = [
        match
        for column in fillable(contract)
        for source in dict.fromkeys(look.columns)
        if (
            match := _match(
                column, source, look.samples.get(source, []), contract, told[column.name], layouts
            )
        )
    ]
    chosen: list[Match] = []
    for match in sorted(scored, key=lambda m: -m.score):
        if not any(match.source == c.source or match.column == c.column for c in chosen):
            chosen.append(match)
    named = {match.column for match in chosen}
    read = {match.source for match in chosen}
    order = [column.name for column in contract.columns]
    return Proposal(
        contract,
        tuple(sorted(chosen, key=lambda m: order.index(m.column))),
        tuple(column for column in fillable(contract) if column.name not in named),
        tuple(name for name in dict.fromkeys(look.columns) if name not in read),
    )


def _match(
    column: Column,
    source: str,
    values: Sequence[str],
    contract: Contract,
    told: Mapping[str, str],
    layouts: Sequence[Layout],
) -> Match | None:
    by_name = _by_name(column, source, contract, layouts)
    score, reason = max(by_name, _by_value(column, values, told))
    # A name alone proves nothing against what stands below it: a person decides.
    if not score or _fits(column, values, told) is False:
        return None
    return Match(source, column.name, score, reason)


def _by_name(column: Column, source: str, contract: Contract, layouts: Sequence[Layout]) -> tuple[float, str]:
    said = words(source)
    if said == words(column.name):
        return 1.0, "exact"
    for layout in layouts:
        known = layout.columns.get(column.name)
        if layout.extract_kind == contract.id and known and known.source and words(known.source) == said:
            return 0.95, f"layout {layout.layout_id} calls it so"
    best = (0.0, "")
    stems = {word[:_STEM] for word in said}
    for alias in (*aliases()["columns"].get(column.name, ()), column.name):
        wanted = words(alias)
        if wanted == said:
            best = max(best, (0.9, f"alias {alias!r}"))
        elif f" {' '.join(wanted)} " in f" {' '.join(said)} ":
            best = max(best, (0.7 + 0.01 * len(wanted), f"alias {alias!r} in it"))
        elif len(wanted) > 1 and {word[:_STEM] for word in wanted} <= stems:
            best = max(best, (0.65, f"words of alias {alias!r} in it"))
        elif difflib.SequenceMatcher(None, " ".join(wanted), " ".join(said)).ratio() >= 0.8:
            best = max(best, (0.6, f"spelled like {alias!r}"))
    return best


def _by_value(column: Column, values: Sequence[str], told: Mapping[str, str]) -> tuple[float, str]:
    if not values:
        return 0.0, ""
    if (column.role or "").startswith("kato") and _share(values, lambda v: re.fullmatch(r"\d{9}", v)) > 0.9:
        return 0.6, "its values are codes of nine digits"
    said = set(values)
    if column.allowed and len(said) > 1 and _share(said, lambda v: meaning(column, v, told)) > _MOSTLY:
        return 0.75, "its values are words of this column"
    return 0.0, ""


def _fits(column: Column, values: Sequence[str], told: Mapping[str, str]) -> bool | None:
    """Whether values can be what the column holds; None when they say nothing about it."""
    if not values:
        return None
    if (column.role or "").startswith("kato"):
        return _share(values, lambda v: re.fullmatch(r"\d{9}(\.0)?", v)) > 0.5
    if column.physical_type == "DATE":
        # The date that figures describe is one for many rows; a date for each row is that of what the row tells.
        return date_format(values) is not _NO_FORMAT and (
            column.role != "as_of" or len(values) <= _MOST_DATES
        )
    if column.physical_type in ("BIGINT", "DOUBLE"):
        if len(values) <= _MOST_WORDS and not any(map(number_of, values)):
            # Yes and no, or the rungs of a ladder in words: a map makes numbers of them.
            return None
        return _share(values, lambda v: number_of(v) is not None or v in told) > 0.5
    if column.allowed:
        return None
    return not (column.role or "").startswith("filed") or _share(values, lambda v: number_of(v) is None) > 0.5


def _share(values: Collection[str], holds: Callable[[str], object]) -> float:
    return sum(bool(holds(value)) for value in values) / len(values)


def number_of(text: str) -> float | None:
    """The number a text is in any of the forms senders write; None when it is none."""
    bare = re.sub(r"[ \u00a0\u202f]", "", text).replace(",", ".")
    try:
        return float(bare)
    except ValueError:
        return None


_NO_FORMAT = "none"


def date_format(values: Sequence[str]) -> str | None:
    """The format that most of the values are dates in, None for ISO; the text `none` when there is no such format."""

    def parses(text: str, form: str | None) -> bool:
        try:
            dt.datetime.strptime(text[:10] if form is None else text, form or "%Y-%m-%d")
        except ValueError:
            return False
        return True

    for form in DATE_FORMATS:
        if _share(values, partial(parses, form=form)) > _MOSTLY:
            return form
    return _NO_FORMAT
