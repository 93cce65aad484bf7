"""Judged rows -> accepted, quarantined and duplicate Parquet, each row in exactly one of them.

Belongs here: the streaming split, the reasons of quarantined rows, duplicate keys, and the account that must add
up. Does not belong here: judging (`rules`, `resolution`) or where the files finally lie (`warehouse.lake`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, fields
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from ingestion.contract import Contract
from ingestion.faults import NO_DATA_RULES, FileRejected
from ingestion.progress import Stage, counter
from ingestion.readers.table import HASH, INVISIBLE_CHARACTERS, ROW, SHEET, RawTable, as_received
from ingestion.rules import VALUE_COLUMN, Flag, Judged, target
from warehouse.sql import literal, quoted

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
_TEXT = "__text"
_SHOWN = {"\0": "␀"} | {hidden: f"<U+{ord(hidden):04X}>" for hidden in INVISIBLE_CHARACTERS}
# Rows that repeat a key are looked through in this much memory, and on disk beyond it.
_SPILL_OVER = "1GB"
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
        """Refuse a file of which a row was lost or counted twice; raises FileRejected(rows_unaccounted)."""
        total = self.accepted + self.quarantined + self.duplicate
        if self.read != total:
            raise FileRejected(
                "rows_unaccounted",
                f"{where}: {self.read} rows were read, but {self.accepted} accepted + {self.quarantined} quarantined + "
                f"{self.duplicate} duplicate are {total}",
            )


@dataclass(frozen=True)
class SplitFiles:
    """Where the parts of a file were written, each in one or several files; a part without rows has none.

    Good rows lie in one file, those that other rows say again in another. Quarantined rows lie by what befell them:
    a rule broken, no row of the table, a key that contradicts another row. `cells` are those of accepted rows,
    where the contract has a geometry.
    """

    accepted: list[Path]
    quarantined: list[Path]
    duplicate: list[Path]
    cells: list[Path] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, list[Path]]:
        """The files of each part of the lake that has any."""
        return {part.name: files for part in fields(self) if (files := getattr(self, part.name))}


def split(
    judged: Judged, raw: RawTable, contract: Contract, extract_id: str, work: Path
) -> tuple[SplitFiles, RowAccount]:
    """Write the parts of a file into `work` and return them with their account.

    Rows stream twice: once for the hash of their key, which tells the few that may be said twice, and once into
    Parquet. Memory is bounded by the hashes, however many rows are faulty or repeat a key.
    """
    good_path, failed_path, repeated_path = (
        work / f"{name}.parquet" for name in ("good", "failed", "repeated")
    )
    rows = raw.rows if raw.rows is not None else _count(judged.frame)
    key = _key_hash(contract, judged.constants)
    repeated = repeated_hashes(judged.frame.select(key), rows)
    bad = pl.any_horizontal([flag.name for flag in judged.flags]) if judged.flags else pl.lit(False)
    is_repeated = key.is_in(repeated.implode()) if len(repeated) else pl.lit(False)
    fate = pl.when(bad).then(_FAILED).when(is_repeated).then(_REPEATED).otherwise(_GOOD)
    frame = _watched(judged.frame, rows).with_columns(fate.cast(pl.Int8).alias("__fate"))
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
    sinks = [_sink(good, good_path), failed.sink_parquet(failed_path, lazy=True)]
    if len(repeated):
        text = as_received({name: name for name in raw.columns}).alias(_TEXT)
        again = frame.filter(pl.col("__fate") == _REPEATED).select(
            *contract_columns, *_hidden(contract), text
        )
        sinks.append(_sink(again, repeated_path))
    pl.collect_all(sinks, engine="streaming")
    resolved = resolve_repeated(repeated_path, contract, work) if len(repeated) else _NONE_REPEATED
    files = SplitFiles(
        # A delivery whose every row was set aside still has a file of accepted rows, with none in it.
        accepted=[good_path, *resolved.first],
        quarantined=[
            *_quarantined(
                _reasons(failed_path, raw.columns, judged.flags, extract_id), work / "faulty.parquet"
            ),
            *_quarantined(_aside_reasons(raw.aside, extract_id), work / "aside.parquet"),
            *(
                path
                for conflicts in resolved.conflicting
                for path in _quarantined(_conflict_reasons(conflicts, contract), work / "conflicts.parquet")
            ),
        ],
        duplicate=resolved.later,
    )
    account = RowAccount(
        read=rows + raw.aside.height,
        accepted=_rows_in(files.accepted),
        quarantined=_rows_in(files.quarantined),
        duplicate=_rows_in(files.duplicate),
        skipped=raw.skipped,
    )
    return files, account


def _watched(frame: pl.LazyFrame, rows: int) -> pl.LazyFrame:
    """The same rows, counted as they stream by when somebody waits for them."""
    count = counter(Stage.JUDGING, rows)
    if count is None:
        return frame

    def see(numbers: pl.Series) -> pl.Series:
        count(len(numbers))
        return numbers

    return frame.with_columns(pl.col(ROW).map_batches(see, return_dtype=pl.Int64, is_elementwise=True))


def _rows_in(files: list[Path]) -> int:
    return sum(pq.read_metadata(file).num_rows for file in files)


def _quarantined(rows: pl.LazyFrame | None, path: Path) -> list[Path]:
    """Write quarantined rows; no file where there are none."""
    if rows is None:
        return []
    rows.cast(QUARANTINE_SCHEMA).sink_parquet(path)  # type: ignore[arg-type]
    return [path] if _rows_in([path]) else []


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


def _reasons(failed: Path, raw_columns: list[str], flags: list[Flag], extract_id: str) -> pl.LazyFrame | None:
    """Quarantined rows with the text as received and every rule each breaks; of one that is no data only that."""
    if not flags:
        return None
    broken = pl.scan_parquet(failed).select(pl.col(flag.name).any() for flag in flags).collect()
    reasons = []
    # A filing breaks a few rules, perhaps in every row: the others are not looked at again.
    found = [flag for flag in flags if broken.item(0, flag.name)]
    is_no_data = pl.any_horizontal(
        pl.lit(False), *(flag.name for flag in found if flag.rule in NO_DATA_RULES)
    )
    for flag in found:
        column, value = _told(flag, raw_columns)
        # Programs that show a character as nothing, or a NUL as the end, would show another value than the one that is
        # wrong.
        shown = value.str.replace_many(_SHOWN)
        reason = pl.struct(rule=pl.lit(flag.rule), column_name=column, value=shown)
        # What is asked of data does not concern a total or a header: its sender would mend what is not wrong.
        counts = pl.col(flag.name) if flag.rule in NO_DATA_RULES else pl.col(flag.name) & ~is_no_data
        reasons.append(pl.when(counts).then(reason))
    if not reasons:
        return None
    text = as_received({name: _RAW + name for name in raw_columns})
    return pl.scan_parquet(failed).select(
        pl.lit(extract_id).alias("extract_id"),
        SHEET,
        ROW,
        text.alias("source_text"),
        pl.concat_list(reasons).list.drop_nulls().alias("reasons"),
    )


def _aside_reasons(aside: pl.DataFrame, extract_id: str) -> pl.LazyFrame:
    reason = pl.struct("rule", column_name=pl.lit(None, pl.String), value=pl.lit(None, pl.String))
    return aside.lazy().select(
        pl.lit(extract_id).alias("extract_id"),
        SHEET,
        ROW,
        pl.col("text").alias("source_text"),
        pl.concat_list(reason).alias("reasons"),
    )


def _conflict_reasons(conflicts: Path, contract: Contract) -> pl.LazyFrame:
    """Rows that contradict another of their key, with the key as the value that is wrong."""
    key = pl.concat_str(
        [pl.col(name).cast(pl.String) for name in contract.key], separator=", ", ignore_nulls=True
    )
    reason = pl.struct(rule=pl.lit("key_conflict"), column_name=pl.lit(", ".join(contract.key)), value=key)
    return pl.scan_parquet(conflicts).select(
        "extract_id", SHEET, ROW, pl.col(_TEXT).alias("source_text"), pl.concat_list(reason).alias("reasons")
    )


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


@dataclass(frozen=True)
class RepeatedFiles:
    """Rows whose key stands in several of them, by what becomes of them; a kind without rows has no file."""

    first: list[Path]
    later: list[Path]
    conflicting: list[Path]


_NONE_REPEATED = RepeatedFiles([], [], [])


def resolve_repeated(path: Path, contract: Contract, work: Path) -> RepeatedFiles:
    """Decide what becomes of rows whose key may stand in several of them.

    Rows that agree in every column and in their geometry are one row said again: the first stays, the others become
    duplicates, with the row they repeat. Rows that share a key and disagree are all quarantined, because choosing one
    would be a guess. DuckDB does it, which spills to disk when a filing says all its rows twice.

    Args:
        path: Parquet of good rows, with the text of each as it was received.
        work: a folder for the results and for what is spilled.
    """
    names = [quoted(column.name) for column in contract.columns]
    key = ", ".join(quoted(name) for name in contract.key)
    same_key = " and ".join(f"rows.{name} is not distinct from conflicts.{name}" for name in key.split(", "))
    lake_columns = ", ".join([*names, "extract_id", SHEET, ROW])
    with duckdb.connect(
        config={"memory_limit": _SPILL_OVER, "temp_directory": str(work / "spill")}
    ) as connection:
        # One row of a wide table becomes several records, so a record is told by its place in the file.
        connection.execute(
            f"""
            create temp table told as
            with rows as (
                select *, file_row_number as record from read_parquet({literal(path)}, file_row_number = true)
            ),

            said as (
                select distinct {", ".join([*names, *map(quoted, _hidden(contract))])} from rows
            ),

            conflicts as (
                select {key}, true as is_conflict from said group by all having count(*) > 1
            )

            select
                {", ".join(f"rows.{name}" for name in [*names, "extract_id", SHEET, ROW, _TEXT])},
                record,
                case
                    when is_conflict then 'conflicting'
                    when row_number() over of_key = 1 then 'first'
                    else 'later'
                end as fate,
                first_value({ROW}) over of_key as duplicate_of_row
            from rows
            left join conflicts on {same_key}
            window of_key as (
                partition by {", ".join(f"rows.{name}" for name in key.split(", "))}
                order by {SHEET} nulls last, {ROW}, record
            )
            """
        )
        found = {}
        for fate in ("first", "later", "conflicting"):
            file = work / f"repeated_{fate}.parquet"
            more = {"later": ", duplicate_of_row", "conflicting": f", {_TEXT}"}.get(fate, "")
            (count,) = connection.execute(
                f"copy (select {lake_columns}{more} from told where fate = '{fate}' "
                f"order by {SHEET} nulls last, {ROW}, record) to {literal(file)} (format parquet, compression zstd)"
            ).fetchone() or (0,)
            found[fate] = [file] if count else []
    return RepeatedFiles(**found)
