"""What is known of one file when its sender is answered: outcome, faults, what to confirm.

Belongs here: the answer as plain data, made from what judging left behind. Does not belong here: judging, or any form
that the answer is put in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.answer.anomalies import Anomaly, compare
from ingestion.layout import Layout
from ingestion.rules import remedy
from ingestion.suspicion import Suspicion
from warehouse.lake import Outcome, read_accepted
from warehouse.paths import Home

# So many cells are shown for one rule of one column; the outcome has the true totals.
MOST_OF_A_KIND = 1000


@dataclass(frozen=True)
class Fault:
    """One broken rule of one row."""

    sheet: str | None
    row: int
    column: str | None
    value: str | None
    rule: str
    remedy: str


@dataclass(frozen=True)
class Answer:
    """What a file becomes when it is filed, or became.

    Attributes:
        layout: how its sender writes it; None when no layout takes it.
        outcome: what becomes of it, with the account of its rows and the true total of each fault.
        faults: by rule and column the first MOST_OF_A_KIND, in the order of the file.
        anomalies: what it says otherwise than the filing before it.
        suspicions: for what it is held, or would be.
        previous: name of the filing before it, when there was one to compare with.
        proposal: a diff of the layout under which a file with another header or encoding could be read.
        places_were_checked: false when no edition of KATO was at hand.
    """

    layout: Layout | None
    outcome: Outcome
    faults: tuple[Fault, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    previous: str | None = None
    proposal: str | None = None
    places_were_checked: bool = True
    suspicions: tuple[Suspicion, ...] = ()

    @property
    def is_clean(self) -> bool:
        """True when every row would be accepted, and used."""
        return self.outcome.outcome == "accepted" and not self.suspicions


def anomalies_of(home: Home, layout: Layout, before: Outcome, after: pl.LazyFrame) -> tuple[Anomaly, ...]:
    """What accepted rows say otherwise than those of an earlier filing in the lake."""
    assert before.extract_kind is not None
    earlier = read_accepted(home, before.extract_kind, [before.extract_id])
    return compare_filings(layout, earlier, after)


def compare_filings(layout: Layout, before: pl.LazyFrame, after: pl.LazyFrame) -> tuple[Anomaly, ...]:
    """What accepted rows of a layout say otherwise than earlier ones."""
    return compare(layout.contract, layout.resolve.kato if layout.resolve else None, before, after)


def faults_of(quarantined: Sequence[Path], layout: Layout, outcome: Outcome) -> tuple[Fault, ...]:
    """Faults of quarantined rows: by rule and column the first MOST_OF_A_KIND, in the order of the file.

    Args:
        quarantined: Parquet as `split` writes it, in the file's order.
        outcome: tells which rules were broken in which columns.
    """
    if not quarantined:
        return ()
    reasons = (
        pl.scan_parquet(list(quarantined))
        .select("source_sheet", "source_row", "reasons")
        .explode("reasons")
        .unnest("reasons")
    )
    # The few faults that most filings have are read at once; of many, each kind is read no further than it is shown.
    if sum(count for _, _, count in outcome.quarantine_reasons) <= MOST_OF_A_KIND:
        parts = [reasons.collect()]
    else:
        parts = [
            reasons.filter(
                pl.col("rule") == rule, pl.col("column_name").eq_missing(pl.lit(column, pl.String))
            )
            .head(MOST_OF_A_KIND)
            .collect(engine="streaming")
            for rule, column, _ in outcome.quarantine_reasons
        ]
    rows = pl.concat(parts).sort(
        "source_sheet", "source_row", "rule", "column_name", nulls_last=True, maintain_order=True
    )
    return tuple(
        Fault(sheet, row, column, value, rule, remedy(layout, rule))
        for sheet, row, rule, column, value in rows.iter_rows()
    )
