"""Judged rows -> accepted, quarantined and duplicate Parquet, each row in exactly one of them.

Belongs here: the streaming split, the reasons of quarantined rows, duplicate keys, and the account that must add
up. Does not belong here: judging (`rules`, `resolution`) or where the files finally lie (`warehouse.lake`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.contract import Contract
from ingestion.readers.table import ROW, SHEET, RawTable
from ingestion.rules import Flag, Judged, target

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
    """Where the three parts of a file were written; a part without rows has no file."""

    accepted: Path
    quarantined: Path
    duplicate: Path


def split(
    judged: Judged, raw: RawTable, contract: Contract, extract_id: str, work: Path
) -> tuple[SplitFiles, RowAccount]:
    """Write the three parts into `work` and return them with their account, which is asserted.

    Memory is bounded: rows stream once into two Parquet files; only the key's hash is held to find duplicates.
    """
    files = SplitFiles(work / "accepted.parquet", work / "quarantined.parquet", work / "duplicate.parquet")
    failed_path = work / "failed.parquet"
    bad = pl.any_horizontal([flag.name for flag in judged.flags]) if judged.flags else pl.lit(False)
    frame = judged.frame.with_columns(bad.alias("__bad"))
    accepted = frame.filter(~pl.col("__bad")).select(
        *(pl.col(target(c.name)).alias(c.name) for c in contract.columns),
        pl.lit(extract_id).alias("extract_id"),
        SHEET,
        ROW,
    )
    failed = frame.filter("__bad").select(
        SHEET,
        ROW,
        *(pl.col(name).alias(_RAW + name) for name in raw.columns),
        *(flag.name for flag in judged.flags),
    )
    sinks = [
        accepted.sink_parquet(files.accepted, lazy=True, row_group_size=ROW_GROUP_SIZE, compression_level=1),
        failed.sink_parquet(failed_path, lazy=True),
    ]
    if raw.rows is None:
        counted = pl.collect_all([*sinks, judged.frame.select(pl.len())], engine="streaming")[-1]
        read = int(counted.item()) + raw.ragged.height
    else:
        pl.collect_all(sinks, engine="streaming")
        read = raw.rows + raw.ragged.height
    reasons = _reasons(failed_path, raw.columns, judged.flags, extract_id)
    reasons = pl.concat([reasons, _ragged_reasons(raw.ragged, extract_id)])
    conflicts, duplicates = _resolve_duplicates(files.accepted, contract, extract_id)
    quarantined = pl.concat([reasons, conflicts]).sort(SHEET, ROW, "source_text", nulls_last=True)
    if quarantined.height:
        quarantined.write_parquet(files.quarantined)
    if duplicates.height:
        duplicates.write_parquet(files.duplicate)
    account = RowAccount(
        read=read,
        accepted=int(pl.scan_parquet(files.accepted).select(pl.len()).collect().item()),
        quarantined=quarantined.height,
        duplicate=duplicates.height,
        skipped=raw.skipped,
    )
    account.verify(extract_id)
    failed_path.unlink()
    return files, account


def _reasons(failed: Path, raw_columns: list[str], flags: list[Flag], extract_id: str) -> pl.DataFrame:
    """Quarantined rows with the text as received and every rule each breaks."""
    if not flags:
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    reasons = [
        pl.when(flag.name).then(
            pl.struct(
                rule=pl.lit(flag.rule),
                column_name=pl.lit(flag.source or flag.column),
                value=pl.col(_RAW + flag.source) if flag.source in raw_columns else pl.lit(None, pl.String),
            )
        )
        for flag in flags
    ]
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


def has_repeated_keys(path: Path, key: list[str], rows_per_pass: int = 50_000_000) -> bool:
    """True when two rows may share a key: a hash of the key occurs twice (a false alarm costs a look, never a row).

    Holds at most `rows_per_pass` hashes of 8 bytes at a time; a larger file is looked through in several passes,
    each over the hashes of one residue class.
    """
    lazy = pl.scan_parquet(path)
    rows = int(lazy.select(pl.len()).collect().item())
    passes = max(1, -(-rows // rows_per_pass))
    hashes = lazy.select(h=pl.struct(key).hash(0))
    for residue in range(passes):
        part = hashes if passes == 1 else hashes.filter(pl.col("h") % passes == residue)
        ordered = part.collect(engine="streaming")["h"].sort()
        if bool((ordered == ordered.shift(1)).any()):
            return True
    return False


def _resolve_duplicates(path: Path, contract: Contract, extract_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take repeated keys out of the accepted file.

    Rows that agree in every column are one row said again: the first stays, the others become duplicates. Rows that
    share a key and disagree are all quarantined, because choosing one would be a guess.

    Returns:
        Quarantined conflicts, and duplicates with the row they repeat.
    """
    columns = [c.name for c in contract.columns]
    no_conflicts = pl.DataFrame(schema=QUARANTINE_SCHEMA)
    no_duplicates = pl.DataFrame(schema=contract.lake_schema | {"duplicate_of_row": pl.Int64()})
    key = list(contract.key)
    if not key or not has_repeated_keys(path, key):
        return no_conflicts, no_duplicates
    # One row of a wide table becomes several records, so a record is told by its place in the accepted file.
    lazy = pl.scan_parquet(path).with_row_index("__record")
    repeated = (
        lazy.select(key).group_by(key).len().filter(pl.col("len") > 1).select(key).collect(engine="streaming")
    )
    rows = lazy.join(repeated.lazy(), on=key, how="semi", nulls_equal=True).collect(engine="streaming")
    rows = rows.sort(SHEET, ROW, "__record", nulls_last=True)
    disagreeing = rows.unique(columns).group_by(key).len().filter(pl.col("len") > 1).select(key)
    conflicting = rows.join(disagreeing, on=key, how="semi", nulls_equal=True)
    agreeing = rows.join(disagreeing, on=key, how="anti", nulls_equal=True)
    first = agreeing.unique(key, keep="first", maintain_order=True)
    later = agreeing.join(first.select("__record"), on="__record", how="anti")
    duplicates = later.join(
        first.select(*key, duplicate_of_row=ROW), on=key, how="left", nulls_equal=True, maintain_order="left"
    ).select(no_duplicates.columns)
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
    removed = pl.concat([later.select("__record"), conflicting.select("__record")])
    rest = path.with_suffix(".rest.parquet")
    kept = lazy.join(removed.lazy(), on="__record", how="anti", maintain_order="left").drop("__record")
    kept.sink_parquet(rest, row_group_size=ROW_GROUP_SIZE, compression_level=1)
    rest.replace(path)
    return conflicts, duplicates
