"""Whether a delivery as a whole can be meant: counted, and compared with the delivery before it.

Belongs here: the profile of a delivery, what is suspicious about one beside another, and which deliveries are therefore
held. Does not belong here: rows (`rules`), questions that hold nothing back (`answer.anomalies`), or comparing places
one by one and figures, which the audit does.

A held delivery is not in force: the last good one of its period stays, and a period that had none stays without. What
is suspicious of a kind its contract says (`suspicious`); of a kind without, nothing is. A person's acceptance, or a
later delivery that is not suspicious, ends it. Which are held follows from the deliveries and acceptances alone, in
whatever order they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import polars as pl

from ingestion.acceptances import Acceptance
from ingestion.contract import Contract, Suspicious
from warehouse.lake import Outcome, ProfileCell, with_currency

# So few rows less are never a fall, however few there were.
_MOST_LOST = 2
# A region or category of fewer rows may come and go.
_FEWEST = 5
_NAMED = 3


@dataclass(frozen=True)
class Suspicion:
    """One thing that is suspicious about a delivery: what of it is left, in which region and category.

    `rule`: shrunk, missing or fallen. Region and category are None where all of them together are meant. `measure`: of
    what, row_count, covered_count or a column of the contract that is summed.
    """

    rule: str
    region_kato: str | None
    category: str | None
    measure: str
    kept_pct: float

    @property
    def key(self) -> str:
        """What it is about, without how much: an acceptance covers what it names."""
        return " ".join(text for text in (self.rule, self.measure, self.category, self.region_kato) if text)

    def __str__(self) -> str:
        where = " in ".join(text for text in (self.category, self.region_kato) if text)
        return f"{self.rule}: {self.kept_pct:.1f}% of {self.measure}{where and f' of {where}'} is left"


def profile_query(accepted: pl.LazyFrame, contract: Contract) -> pl.LazyFrame | None:
    """What is counted of a delivery, by region and category, one row each; None for a kind that is never held.

    Args:
        accepted: rows with the contract's columns.

    Returns:
        Columns region_kato, category, row_count, covered_count, and one a column that is summed, in that order.
    """
    watch = contract.suspicious
    if watch is None:
        return None
    region = pl.lit(None, pl.String)
    if watch.region_of is not None:
        region = pl.col(watch.region_of).str.slice(0, 2) + pl.lit("0000000")
    category = pl.lit(None, pl.String) if watch.category is None else pl.col(watch.category)
    covered = pl.lit(True) if watch.covered_where is None else pl.sql_expr(watch.covered_where)
    return (
        accepted.group_by(region.alias("region_kato"), category.alias("category"))
        .agg(
            pl.len().cast(pl.Int64).alias("row_count"),
            covered.fill_null(False).sum().cast(pl.Int64).alias("covered_count"),
            *(pl.col(name).sum().cast(pl.Float64).round(3) for name in watch.sums),
        )
        .sort("region_kato", "category", nulls_last=True)
    )


def profile_of(counted: pl.DataFrame) -> tuple[ProfileCell, ...]:
    """The profile as an outcome keeps it."""
    return tuple(
        ProfileCell(region, category, rows, covered, tuple(sums))
        for region, category, rows, covered, *sums in counted.iter_rows()
    )


def suspicions(watch: Suspicious, before: Outcome, after: Outcome) -> tuple[Suspicion, ...]:
    """What is suspicious about one delivery beside the one before it, in a fixed order; empty when nothing is.

    shrunk: less than `shrunk_below_pct` of the rows or of a sum is left. fallen: of the covering rows of a region, or
    of a category, less than `fallen_below_pct` is left. missing: none is.
    """
    profiled = bool(before.profile and after.profile)
    wholes = [("row_count", float(before.rows_accepted), float(after.rows_accepted))]
    wholes += [
        (name, sum(cell.sums[i] for cell in before.profile), sum(cell.sums[i] for cell in after.profile))
        for i, name in enumerate(watch.sums)
        if profiled
    ]
    shrunk = [
        Suspicion("shrunk", None, None, measure, _pct(new, old))
        for measure, old, new in wholes
        if new * 100 < old * watch.shrunk_below_pct
    ]
    if not profiled:
        return tuple(shrunk)
    parts = [
        Suspicion("fallen" if new else "missing", region, category, "covered_count", _pct(new, old))
        for region, category, old, new in _parts(before, after)
        if old >= _FEWEST and old - new > _MOST_LOST and new * 100 < old * watch.fallen_below_pct
    ]
    return (*shrunk, *parts)


@dataclass(frozen=True)
class Suspect:
    """A delivery that is suspicious: beside which other, why, and the acceptance that covers it, if any does.

    `stands_in`: whether the other one is used on its date, while it is held.
    """

    outcome: Outcome
    before: Outcome
    found: tuple[Suspicion, ...]
    acceptance: Acceptance | None
    stands_in: bool

    @property
    def is_held(self) -> bool:
        """Whether nobody has accepted it."""
        return self.acceptance is None


def suspects(
    outcomes: Iterable[Outcome],
    contracts: Mapping[str, Contract],
    acceptances: Mapping[str, Acceptance],
) -> dict[str, Suspect]:
    """Every suspicious delivery by its id, held or accepted.

    Of each line (a sender's extract over its periods) the first delivery of a period is compared with the last good one
    of the periods before. One that is to replace a good one of its own period must fall behind that one as well: who
    takes back what only the filing it replaces claimed corrects it.
    """
    watched = [
        outcome
        for outcome in outcomes
        if outcome.is_accepted
        and (contract := contracts.get(str(outcome.extract_kind))) is not None
        and contract.suspicious is not None
    ]
    suspected: dict[str, Suspect] = {}
    for _, line in groupby(
        sorted(watched, key=lambda outcome: outcome.line), key=lambda outcome: outcome.line
    ):
        good: Outcome | None = None
        for _, series in groupby(_by_period(line), key=lambda outcome: outcome.series):
            standing: Outcome | None = None
            for outcome in series:
                suspect = _suspect_of(outcome, standing, good, contracts, acceptances)
                if suspect is not None:
                    suspected[outcome.extract_id] = suspect
                if suspect is None or not suspect.is_held:
                    standing = outcome
            good = standing or good
    return suspected


def in_force(outcomes: Iterable[Outcome], suspected: Mapping[str, Suspect]) -> list[Outcome]:
    """The outcomes with what is current marked, and with what is held the reason and what ends it."""
    return with_currency(outcomes, {name: why_held(v) for name, v in suspected.items() if v.is_held})


def why_held(suspect: Suspect) -> str:
    """Why a delivery is held and what ends it, in words that may be published: shares, nothing of what was filed."""
    named = [str(suspicion) for suspicion in suspect.found[:_NAMED]]
    more = len(suspect.found) - len(named)
    told = ", ".join([*named, *([f"and {more} more"] if more else [])])
    used = suspect.stands_in or suspect.outcome.series == suspect.before.series
    meanwhile = f"{suspect.before.file_name} stays in use" if used else "its period stays without it"
    return (
        f"held, suspicious beside {suspect.before.file_name}: {told}; {meanwhile} until a corrected file comes, or: "
        f'qamtu accept {suspect.outcome.extract_id} --reason "..."'
    )


def _suspect_of(
    outcome: Outcome,
    standing: Outcome | None,
    earlier: Outcome | None,
    contracts: Mapping[str, Contract],
    acceptances: Mapping[str, Acceptance],
) -> Suspect | None:
    watch = contracts[str(outcome.extract_kind)].suspicious
    before = standing or earlier
    if watch is None or before is None:
        return None
    found = suspicions(watch, before, outcome)
    if standing is not None and earlier is not None:
        behind_both = {each.key for each in suspicions(watch, earlier, outcome)}
        found = tuple(each for each in found if each.key in behind_both)
    if not found:
        return None
    acceptance = acceptances.get(outcome.extract_id)
    covers = acceptance is not None and acceptance.covers(outcome.sha256, [each.key for each in found])
    return Suspect(
        outcome, before, found, acceptance if covers else None, standing is None and watch.stands_in
    )


def _by_period(line: Iterable[Outcome]) -> list[Outcome]:
    """Deliveries of a line, its series in the order of the dates they speak of, in each the one that counts last."""
    line = list(line)
    latest: dict[str, str] = {}
    for outcome in line:
        latest[outcome.series] = max(latest.get(outcome.series, ""), outcome.as_of_date or "")
    return sorted(
        line, key=lambda o: (latest[o.series], o.series, o.revision, o.received_order, o.extract_id)
    )


def _parts(before: Outcome, after: Outcome) -> Iterator[tuple[str | None, str | None, int, int]]:
    """Covering rows of both deliveries by region, then by category, for each that the earlier one had."""
    old, new = before.covered_by_region, after.covered_by_region
    for region in sorted(filter(None, old)):
        yield region, None, old[region], new[region]
    old, new = before.covered_by_category, after.covered_by_category
    for category in sorted(filter(None, old)):
        yield None, category, old[category], new[category]


def _pct(part: float, whole: float) -> float:
    return round(part * 100 / whole, 1)
