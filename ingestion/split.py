"""Judged rows -> accepted, quarantined and duplicate Parquet, each row in exactly one of them.

Belongs here: the streaming split, the reasons of quarantined rows, duplicate keys, and the account that must add
up. Does not belong here: judging (`rules`, `resolution`) or where the files finally lie (`warehouse.lake`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.contract import Contract
from ingestion.readers.features import HASH
from ingestion.readers.table import ROW, SHEET, RawTable
from ingestion.rules import VALUE_COLUMN, Flag, Judged, target

ROW_GROUP_SIZE = 1_000_000
REASON = pl.Struct({"rule": pl.String, "column_name": pl.String, "value": pl.String})
QUARANTINE_SCHEMA: dict[str, pl.DataType] = {
    "extract_id": pl.String(),
    SHEET: pl.String(),
    ROW: pl.Int64(),
    "source_text": pl.String(),
    "reasons": pl.List(REASON),
}
_RAW = "__raw|"
_GOOD, _FAILED, _REPEATED = 0, 1, 2


@dataclass(frozen=True)
class RowAccount:
    """What became of the rows of one file."""

    read: int
    accepted: int
    quarantined: int
    duplicate: int
    skipped: int

    def verify(self, where: str) -> None:
        """Raise AssertionError when a row was lost or counted twice."""
        total = self.accepted + self.quarantined + self.duplicate
        if self.read != total:
            raise AssertionError(
                f"{where}: read {self.read} rows, but accepted {self.accepted} + quarantined {self.quarantined}"
                f" + duplicate {self.duplicate} = {total}"
            )


@dataclass(frozen=True)
class SplitFiles:
    """Where the three parts of a file were written; a part without rows has no file, `accepted` always has one.

    `accepted_once_more` holds the accepted rows that other rows of the file say again; `cells` the cells of accepted
    rows, where the contract has a geometry.
    """

    accepted: Path
    accepted_once_more: Path
    quarantined: Path
    duplicate: Path
    cells: Path | None = None

    @property
    def accepted_files(self) -> list[Path]:
        """The files of accepted rows that there are."""
        return [path for path in (self.accepted, self.accepted_once_more) if path.exists()]

    @property
    def parts(self) -> dict[str, list[Path]]:
        """The files of each part of the lake that there are."""
        others = {"quarantined": self.quarantined, "duplicate": self.duplicate, "cells": self.cells}
        found = {part: [path] for part, path in others.items() if path is not None and path.exists()}
        return {"accepted": self.accepted_files, **found}


def split(
    judged: Judged, raw: RawTable, contract: Contract, extract_id: str, work: Path
) -> tuple[SplitFiles, RowAccount]:
    """Write the three parts into `work` and return them with their account, which is asserted.

    Rows stream twice: once for the hash of their key, which tells the few that may be said twice, and once into
    Parquet. Memory is bounded by the hashes and by the rows that repeat a key.
    """
    files = SplitFiles(
        work / "accepted.parquet",
        work / "accepted_once_more.parquet",
        work / "quarantined.parquet",
        work / "duplicate.parquet",
    )
    failed_path, repeated_path = work / "failed.parquet", work / "repeated.parquet"
    rows = raw.rows if raw.rows is not None else _count(judged.frame)
    key = _key_hash(contract, judged.constants)
    repeated = repeated_hashes(judged.frame.select(key), rows)
    bad = pl.any_horizontal([flag.name for flag in judged.flags]) if judged.flags else pl.lit(False)
    is_repeated = key.is_in(repeated.implode()) if len(repeated) else pl.lit(False)
    fate = pl.when(bad).then(_FAILED).when(is_repeated).then(_REPEATED).otherwise(_GOOD)
    frame = judged.frame.with_columns(fate.cast(pl.Int8).alias("__fate"))
    contract_columns: list[pl.Expr | str] = [
        *(pl.col(target(c.name)).alias(c.name) for c in contract.columns),
        pl.lit(extract_id).alias("extract_id"),
        SHEET,
        ROW,
    ]
    good = frame.filter(pl.col("__fate") == _GOOD).select(contract_columns)
    failed = frame.filter(pl.col("__fate") == _FAILED).select(
        SHEET,
        ROW,
        *(pl.col(name).alias(_RAW + name) for name in raw.columns),
        *_unpivoted(judged.flags),
        *(flag.name for flag in judged.flags),
    )
    sinks = [_sink(good, files.accepted), failed.sink_parquet(failed_path, lazy=True)]
    if len(repeated):
        again = frame.filter(pl.col("__fate") == _REPEATED).select(*contract_columns, *_hidden(contract))
        sinks.append(_sink(again, repeated_path))
    pl.collect_all(sinks, engine="streaming")
    reasons = _reasons(failed_path, raw.columns, judged.flags, extract_id)
    reasons = pl.concat([reasons, _ragged_reasons(raw.ragged, extract_id)])
    once, conflicts, duplicates = _resolve_repeated(repeated_path, contract)
    quarantined = pl.concat([reasons, conflicts]).sort(SHEET, ROW, "source_text", nulls_last=True)
    for part, path in (
        (once, files.accepted_once_more),
        (quarantined, files.quarantined),
        (duplicates, files.duplicate),
    ):
        if part.height:
            part.write_parquet(path)
    account = RowAccount(
        read=rows + raw.ragged.height,
        accepted=_count(pl.scan_parquet(files.accepted)) + once.height,
        quarantined=quarantined.height,
        duplicate=duplicates.height,
        skipped=raw.skipped,
    )
    account.verify(extract_id)
    return files, account


def _sink(frame: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    return frame.sink_parquet(path, lazy=True, row_group_size=ROW_GROUP_SIZE, compression_level=1)


def _count(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect(engine="streaming").item())


def _unpivoted(flags: list[Flag]) -> list[str]:
    """Columns that an unpivot made and a flag needs to say what stood where; empty when there are none."""
    made = sorted({str(flag.source) for flag in flags if flag.is_unpivoted})
    return [*made, VALUE_COLUMN] if made else []


def _told(flag: Flag, raw_columns: list[str]) -> tuple[pl.Expr, pl.Expr]:
    """The column of the file that broke a rule, and the text that stood there, if one column alone did."""
    if flag.is_unpivoted:
        return pl.col(VALUE_COLUMN), pl.col(str(flag.source))
    value = pl.col(_RAW + flag.source) if flag.source in raw_columns else pl.lit(None, pl.String)
    return pl.lit(flag.source or flag.column), value


def _reasons(failed: Path, raw_columns: list[str], flags: list[Flag], extract_id: str) -> pl.DataFrame:
    """Quarantined rows with the text as received and every rule each breaks."""
    if not flags:
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    reasons = []
    for flag in flags:
        column, value = _told(flag, raw_columns)
        # Programs that show a NUL as nothing, or as the end, would show another value than the one that is wrong.
        shown = value.str.replace_all("\0", "␀", literal=True)
        reason = pl.struct(rule=pl.lit(flag.rule), column_name=column, value=shown)
        reasons.append(pl.when(flag.name).then(reason))
    text = pl.struct([pl.col(_RAW + name).alias(name) for name in raw_columns]).struct.json_encode()
    return (
        pl.scan_parquet(failed)
        .select(
            pl.lit(extract_id).alias("extract_id"),
            SHEET,
            ROW,
            text.alias("source_text"),
            pl.concat_list(reasons).list.drop_nulls().alias("reasons"),
        )
        .collect(engine="streaming")
        .cast(QUARANTINE_SCHEMA)  # type: ignore[arg-type]
    )


def _ragged_reasons(ragged: pl.DataFrame, extract_id: str) -> pl.DataFrame:
    reason = pl.struct(
        rule=pl.lit("wrong_field_count"), column_name=pl.lit(None, pl.String), value=pl.lit(None, pl.String)
    )
    return ragged.select(
        pl.lit(extract_id).alias("extract_id"),
        pl.lit(None, pl.String).alias(SHEET),
        ROW,
        pl.col("text").alias("source_text"),
        pl.concat_list(reason).alias("reasons"),
    ).cast(QUARANTINE_SCHEMA)  # type: ignore[arg-type]


def _key_hash(contract: Contract, constants: Collection[str]) -> pl.Expr:
    """A hash of the contract's key over judged rows; rows of a contract without a key have no hash."""
    telling = [name for name in contract.key if name not in constants]
    key = [target(name) for name in telling or contract.key]
    return (pl.struct(key).hash(0) if key else pl.lit(None, pl.UInt64)).alias("__key")


def repeated_hashes(hashes: pl.LazyFrame, rows: int, rows_per_pass: int = 50_000_000) -> pl.Series:
    """Hashes that occur more than once, each once: two rows may share a key, or, by chance, only its hash.

    Holds at most about `rows_per_pass` hashes of 8 bytes at a time; more rows are looked through in several passes,
    each over the hashes of one residue class.

    Args:
        hashes: one column.
        rows: how many there are.
    """
    passes = max(1, -(-rows // rows_per_pass))
    found = []
    for residue in range(passes):
        part = hashes if passes == 1 else hashes.filter(pl.first() % passes == residue)
        ordered = part.collect(engine="streaming").to_series().drop_nulls().sort()
        found.append(ordered.filter(ordered == ordered.shift(1)).unique())
    return pl.concat(found)


def _hidden(contract: Contract) -> list[str]:
    """What tells rows apart beside the contract's columns, and does not go into the lake: their geometry."""
    return [] if contract.geometry is None else [HASH]


def _resolve_repeated(path: Path, contract: Contract) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Decide what becomes of rows whose key may stand in several of them.

    Rows that agree in every column and in their geometry are one row said again: the first stays, the others become
    duplicates. Rows that share a key and disagree are all quarantined, because choosing one would be a guess.

    Args:
        path: Parquet of good rows; need not exist.

    Returns:
        Rows that stay, quarantined conflicts, and duplicates with the row they repeat.
    """
    columns = [c.name for c in contract.columns]
    if not path.exists():
        return (
            pl.DataFrame(schema=contract.lake_schema),
            pl.DataFrame(schema=QUARANTINE_SCHEMA),
            pl.DataFrame(schema=contract.lake_schema | {"duplicate_of_row": pl.Int64()}),
        )
    key = list(contract.key)
    # One row of a wide table becomes several records, so a record is told by its place in the file.
    rows = pl.read_parquet(path).with_row_index("__record").sort(SHEET, ROW, "__record", nulls_last=True)
    disagreeing = (
        rows.unique([*columns, *_hidden(contract)]).group_by(key).len().filter(pl.col("len") > 1).select(key)
    )
    conflicting = rows.join(disagreeing, on=key, how="semi", nulls_equal=True, maintain_order="left")
    agreeing = rows.join(disagreeing, on=key, how="anti", nulls_equal=True, maintain_order="left")
    first = agreeing.unique(key, keep="first", maintain_order=True)
    later = agreeing.join(first.select("__record"), on="__record", how="anti", maintain_order="left")
    duplicates = later.join(
        first.select(*key, duplicate_of_row=ROW), on=key, how="left", nulls_equal=True, maintain_order="left"
    )
    reason = pl.struct(
        rule=pl.lit("key_conflict"),
        column_name=pl.lit(", ".join(key)),
        value=pl.concat_str(
            [pl.col(name).cast(pl.String) for name in key], separator=", ", ignore_nulls=True
        ),
    )
    conflicts = conflicting.select(
        "extract_id",
        SHEET,
        ROW,
        pl.struct([pl.col(name).cast(pl.String) for name in columns])
        .struct.json_encode()
        .alias("source_text"),
        pl.concat_list(reason).alias("reasons"),
    ).cast(QUARANTINE_SCHEMA)  # type: ignore[arg-type]
    own = ["__record", *_hidden(contract)]
    return first.drop(own), conflicts, duplicates.drop(own)
