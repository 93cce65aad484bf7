"""What people decide about deliveries: taking an acceptance down, and the rows by which releases show decisions.

Belongs here: what joins deliveries, acceptances and corrections. Does not belong here: the form of either
(`acceptances`, `corrections`), or what is suspicious (`suspicion`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ingestion.acceptances import Acceptance, load_acceptances, write_acceptance
from ingestion.contract import load_contracts
from ingestion.corrections import load_corrections
from ingestion.suspicion import Suspect, in_force, suspects
from warehouse import lake
from warehouse.lake import Outcome
from warehouse.paths import Home

Row = tuple[Any, ...]


def accept(home: Home, extract_id: str, reason: str, author: str, date: dt.date) -> tuple[Acceptance, Path]:
    """Write the acceptance of a held delivery; returns it and its file. The next ingestion puts the delivery in force.

    Raises:
        ValueError: the home holds no such delivery, or not back; or reason or author is too short to say anything.
    """
    known = lake.read_outcomes(home)
    suspected = suspects(known, load_contracts(), load_acceptances())
    held = {o.extract_id: suspected[o.extract_id] for o in in_force(known, suspected) if o.held_for}
    if extract_id not in held:
        said = "no delivery of that name" if extract_id not in {o.extract_id for o in known} else "not held"
        listed = ", ".join(sorted(held)) or "none"
        raise ValueError(f"{extract_id}: {said} in {home.root}; held are: {listed}")
    suspect = held[extract_id]
    try:
        entry = Acceptance(
            extract_id=extract_id,
            sha256=suspect.outcome.sha256,
            file_name=suspect.outcome.file_name,
            found=tuple(each.key for each in suspect.found),
            reason=reason.strip(),
            author=author.strip(),
            date=date,
        )
    except ValidationError as error:
        told = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())
        raise ValueError(f"not accepted: {told}") from error
    return entry, write_acceptance(entry)


def suspicion_rows(outcomes: Iterable[Outcome], suspected: Mapping[str, Suspect]) -> list[Row]:
    """Rows of `warehouse.lake.SUSPICION_SCHEMA`: of each suspicious delivery that is held or in use, what was found."""
    return [
        (
            outcome.extract_id,
            suspect.before.extract_id,
            None if outcome.as_of_date is None else dt.date.fromisoformat(outcome.as_of_date),
            each.rule,
            each.region_kato,
            each.category,
            each.measure,
            each.kept_pct,
            not suspect.is_held,
        )
        for outcome, suspect in _standing(outcomes, suspected)
        for each in suspect.found
    ]


def stand_in_rows(outcomes: Iterable[Outcome], suspected: Mapping[str, Suspect]) -> list[Row]:
    """Rows of `warehouse.lake.STAND_IN_SCHEMA`: last good deliveries, and the later date they stand in for while the
    first one of that date is held; where nobody else filed for the date, nothing stands in.
    """
    held = [
        (suspected[outcome.extract_id].before, outcome.as_of_date)
        for outcome in outcomes
        if outcome.held_for is not None and suspected[outcome.extract_id].stands_in
    ]
    contracts = load_contracts().items()
    kinds = {kind for kind, contract in contracts if contract.suspicious and contract.suspicious.stands_in}
    filed_for = {o.as_of_date for o in outcomes if o.is_current and o.extract_kind in kinds}
    found = {
        (before.extract_id, dt.date.fromisoformat(date), before.content_fingerprint)
        for before, date in held
        if date is not None and date in filed_for
    }
    return sorted(found)


def decision_rows(outcomes: Iterable[Outcome], suspected: Mapping[str, Suspect]) -> list[Row]:
    """Rows of `warehouse.lake.DECISION_SCHEMA`: acceptances of deliveries in use, and corrections of their values."""
    outcomes = list(outcomes)
    accepted = [
        (outcome.extract_id, "acceptance", told, entry.reason.strip(), entry.author, entry.date)
        for outcome, suspect in _standing(outcomes, suspected)
        if (entry := suspect.acceptance) is not None
        for told in [", ".join(str(each) for each in suspect.found)]
    ]
    corrected = [
        (outcome.extract_id, "correction", entry.subject, entry.reason.strip(), entry.author, entry.date)
        for outcome in outcomes
        if outcome.is_current
        for entry in load_corrections()
        if entry.layout == outcome.layout_id
    ]
    return [*accepted, *corrected]


def _standing(
    outcomes: Iterable[Outcome], suspected: Mapping[str, Suspect]
) -> Iterable[tuple[Outcome, Suspect]]:
    """Suspicious deliveries that no later one has replaced."""
    return [
        (outcome, suspected[outcome.extract_id])
        for outcome in outcomes
        if outcome.extract_id in suspected and outcome.superseded_by is None
    ]
