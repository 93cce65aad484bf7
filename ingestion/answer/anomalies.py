"""What a filing says otherwise than the one before it, so that its sender can confirm that it was meant.

Belongs here: comparing accepted rows of two filings of one kind. Does not belong here: finding the earlier filing, or
holding a filing back: an anomaly is a question, no fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from ingestion.contract import Contract

MOST_PLACES = 20
CHANGE_TOLD_PCT = 10.0


@dataclass(frozen=True)
class Anomaly:
    """One question: `kind` is a key of the anomalies in `texts/*.yaml`, `values` fill its words."""

    kind: str
    values: dict[str, str | int | float] = field(default_factory=dict)


def compare(
    contract: Contract, place: str | None, before: pl.LazyFrame, after: pl.LazyFrame
) -> tuple[Anomaly, ...]:
    """What `after` lost or changed against `before`: places, categories of the key, counted households and people.

    Args:
        contract: of both filings.
        place: column of the contract that holds the place's code, if its layout resolves places.
        before: accepted rows of the earlier filing.
        after: accepted rows of this one.

    Returns:
        Anomalies in a fixed order; none for a filing that says what the earlier one said.
    """
    categories = [c.name for c in contract.columns if c.primary_key and c.allowed]
    counted = [
        c.name for c in contract.columns if c.physical_type == "BIGINT" and c.name.startswith(_COUNTED)
    ]
    queries = [_totals(frame, counted) for frame in (before, after)]
    queries += [_lost_categories(column, before, after) for column in categories]
    queries += [] if place is None else [_lost_places(contract, place, before, after)]
    totals_before, totals_after, *lost = pl.collect_all(queries, engine="streaming")
    if not totals_before[_ROWS].item():
        return ()
    found = _halved(totals_before[_ROWS].item(), totals_after[_ROWS].item())
    for column, values in zip(categories, lost, strict=False):
        found += [
            Anomaly("category_lost", {"column": column, "value": value, "count": count})
            for value, count in values.iter_rows()
        ]
    found += [] if place is None else _places(lost[-1])
    found += [
        anomaly
        for name in counted
        for anomaly in _changed(name, totals_before[name].item(), totals_after[name].item())
    ]
    return tuple(found)


_COUNTED = ("households", "population")
_ROWS = "__rows"


def _totals(frame: pl.LazyFrame, counted: list[str]) -> pl.LazyFrame:
    return frame.select(pl.len().alias(_ROWS), *(pl.col(name).sum() for name in counted))


def _halved(before: int, after: int) -> list[Anomaly]:
    return [Anomaly("rows_halved", {"before": before, "after": after})] if after * 2 < before else []


def _lost_categories(column: str, before: pl.LazyFrame, after: pl.LazyFrame) -> pl.LazyFrame:
    """Values of a column that no row says any more, with the rows that said them."""
    kept = after.select(column).unique()
    return before.group_by(column).len().join(kept, on=column, how="anti").sort(column)


def _lost_places(contract: Contract, place: str, before: pl.LazyFrame, after: pl.LazyFrame) -> pl.LazyFrame:
    """Codes of places that no row says any more, with the name they were filed under."""
    named = contract.with_role("filed_settlement")
    name = pl.col(named.name) if named else pl.lit(None, pl.String)
    return (
        before.filter(pl.col(place).is_not_null())
        .group_by(place)
        .agg(name.drop_nulls().min().alias("__name"))
        .join(after.select(place).unique(), on=place, how="anti")
        .sort(place)
    )


def _places(lost: pl.DataFrame) -> list[Anomaly]:
    shown = [
        Anomaly("place_lost", {"place": f"{code} {said}" if said else code})
        for code, said in lost.head(MOST_PLACES).iter_rows()
    ]
    return (
        [*shown, Anomaly("place_lost_more", {"count": lost.height})] if lost.height > MOST_PLACES else shown
    )


def _changed(name: str, before: int, after: int) -> list[Anomaly]:
    change_pct = (after - before) * 100 / before if before else 0.0
    if abs(change_pct) <= CHANGE_TOLD_PCT:
        return []
    told: dict[str, str | int | float] = {
        "column": name,
        "before": before,
        "after": after,
        "change": round(change_pct, 1),
    }
    return [Anomaly("sum_changed", told)]
