"""Shares of one in a column of percentages: a file that says 0.85 throughout where the contract means 85.

Belongs here: telling by the size of all values together, where no single one is wrong. Does not belong here: cells of
workbooks that show percentages, which are read as they show (`readers.percentages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ingestion.faults import FileRejected
from ingestion.layout import Layout

# So many small percentages may well stand together.
_MOST_SMALL = 4


def verify_percentages(accepted: Sequence[Path], layout: Layout, file_name: str) -> None:
    """Refuse a file whose percentages all lie between 0 and 1.

    Args:
        accepted: Parquet of accepted rows.

    Raises:
        FileRejected: shares_of_one, naming the column.
    """
    percentages = [column.name for column in layout.contract.columns if column.unit == "%"]
    if not percentages:
        return
    positive = pl.scan_parquet(list(accepted)).select(
        pl.struct(
            pl.col(name).filter(pl.col(name) > 0).len().alias("n"), pl.col(name).max().alias("largest")
        ).alias(name)
        for name in percentages
    )
    for name, told in positive.collect().row(0, named=True).items():
        if told["n"] > _MOST_SMALL and told["largest"] <= 1:
            source = layout.columns[name].source if name in layout.columns else None
            raise FileRejected(
                "shares_of_one",
                f"{file_name}, column {source or name!r}: all {told['n']} values lie between 0 and 1, "
                f"the largest is {told['largest']:g}",
            )
