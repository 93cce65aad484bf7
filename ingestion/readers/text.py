"""Delimited text -> raw table, streaming.

Belongs here: verifying encoding and delimiter against the bytes, and splitting lines into fields.
Plain UTF-8 without quotes, whose field count is provably even, is scanned by polars as it lies; everything else
goes once through Arrow's reader, which knows quotes and encodings and hands back ragged rows with their text.
"""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ingestion.faults import FileRejected
from ingestion.layout import Layout, TextFormat
from ingestion.limits import LONGEST_LINE_BYTES
from ingestion.readers.table import (
    ASIDE,
    ROW,
    SHEET,
    RawTable,
    header_name,
    is_blank,
    unique_names,
    verify_header,
)

_CHUNK = 1 << 20
_NEWLINE = ord("\n")
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class TextProfile:
    """What one pass over the bytes tells: counts of line ends, delimiters and quotes, and what fields may hold.

    `lines_by_return` counts lines where only carriage returns end them, as old programs for the Mac do, and is else 0.
    `is_tight` is true when the file is ASCII and its only white space is line ends; `has_nul` when a character is NUL,
    `has_hash` when one is #, with which errors of formulas begin; `repeats_first_line` when what stands in the first
    line stands somewhere else too.
    """

    lines: int
    lines_by_return: int
    delimiters: int
    quotes: int
    is_tight: bool
    has_nul: bool
    has_hash: bool
    repeats_first_line: bool


def verify_encoding(path: Path, fmt: TextFormat) -> TextProfile:
    """Read the bytes once and refuse a file that is not in the encoding its layout states.

    Raises:
        FileRejected: empty_file, too_large, or wrong_encoding naming the line, the byte and what the file looks like.
    """
    head = path.open("rb").read(4)
    if not head:
        raise FileRejected("empty_file", f"{path.name} has no bytes")
    marked = next((name for bom, name in BYTE_ORDER_MARKS.items() if head.startswith(bom)), None)
    if marked != fmt.encoding and (marked is not None or fmt.encoding in BYTE_ORDER_MARKS.values()):
        found = f"a byte order mark of {marked}" if marked else "no byte order mark"
        raise FileRejected(
            "wrong_encoding", f"{path.name}: layout says {fmt.encoding}, the file begins with {found}"
        )
    decoder = codecs.getincrementaldecoder(fmt.encoding)()
    as_utf8 = codecs.getincrementaldecoder("utf-8")()
    delimiter = ord(fmt.delimiter)
    lines = returns = delimiters = quotes = 0
    ends_with_newline = is_ascii = could_be_utf8 = is_tight = True
    ends_with_return = has_nul = has_hash = repeats_first_line = False
    first_line: bytes | None = None
    searched = b""
    begun = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            begun = len(chunk) - 1 - last if (last := chunk.rfind(b"\n")) >= 0 else begun + len(chunk)
            if begun > LONGEST_LINE_BYTES:
                raise FileRejected(
                    "too_large",
                    f"{path.name}: the line after {lines} others is longer than {LONGEST_LINE_BYTES >> 20} MB",
                )
            begin = 0
            if first_line is None:
                first_line = chunk.split(b"\n", 1)[0].rstrip(b"\r")
                begin = len(first_line)
                repeats_first_line = begin == len(chunk)
            # A line may lie across two chunks.
            seam = searched[-len(first_line) :] + chunk[: len(first_line)]
            repeats_first_line = (
                repeats_first_line or chunk.find(first_line, begin) >= 0 or first_line in seam[1:]
            )
            searched = chunk
            ascii_chunk = chunk.isascii()
            is_ascii &= ascii_chunk
            if fmt.encoding != "utf-16":
                has_nul = has_nul or b"\0" in chunk
                has_hash = has_hash or b"#" in chunk
            if not ascii_chunk or fmt.encoding == "utf-16" or decoder.getstate()[0]:
                try:
                    decoded = decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    line = lines + chunk[: error.start].count(b"\n") + 1
                    raise FileRejected(
                        "wrong_encoding",
                        f"{path.name}: line {line} holds byte 0x{error.object[error.start]:02x}, "
                        f"which {fmt.encoding} does not have there",
                    ) from error
                has_nul = has_nul or "\0" in decoded
                has_hash = has_hash or "#" in decoded
                if fmt.encoding == "cp1251" and could_be_utf8:
                    try:
                        as_utf8.decode(chunk)
                    except UnicodeDecodeError:
                        could_be_utf8 = False
            # numpy compares bytes several times faster than bytes.count where hits are dense.
            octets = np.frombuffer(chunk, np.uint8)
            lines += int(np.count_nonzero(octets == _NEWLINE))
            delimiters += int(np.count_nonzero(octets == delimiter))
            returns += chunk.count(b"\r")
            quotes += chunk.count(b'"')
            is_tight = (
                is_tight
                and ascii_chunk
                and not any(space in chunk for space in (b" ", b"\t", b"\r", b"\v", b"\f"))
            )
            ends_with_newline = chunk.endswith(b"\n")
            ends_with_return = chunk.endswith(b"\r")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise FileRejected("wrong_encoding", f"{path.name} ends in the middle of a character") from error
    if fmt.encoding == "cp1251" and not is_ascii and could_be_utf8:
        raise FileRejected("wrong_encoding", f"{path.name}: layout says cp1251, every byte reads as utf-8")
    return TextProfile(
        lines=lines + (not ends_with_newline),
        lines_by_return=0 if lines else returns + (not ends_with_return),
        delimiters=delimiters,
        quotes=quotes,
        is_tight=is_tight,
        has_nul=has_nul,
        has_hash=has_hash,
        repeats_first_line=repeats_first_line,
    )


def _header(path: Path, fmt: TextFormat) -> tuple[list[str], int]:
    """Column names, and how many lines of the file end with the header: more than rows where a field breaks."""
    with path.open(encoding=fmt.encoding, newline="") as stream:
        reader = (
            csv.reader(stream, delimiter=fmt.delimiter, quotechar=fmt.quote)
            if fmt.quote
            else csv.reader(stream, delimiter=fmt.delimiter, quoting=csv.QUOTE_NONE)
        )
        for number, fields in enumerate(reader, start=1):
            if number == max(fmt.header_row, 1):
                if fmt.header_row == 0:
                    return [f"#{i}" for i in range(1, len(fields) + 1)], 0
                return [header_name(text, i) for i, text in enumerate(fields, start=1)], reader.line_num
    raise FileRejected("empty_file", f"{path.name} ends before its header in row {fmt.header_row}")


def _through_arrow(
    path: Path, fmt: TextFormat, columns: list[str], header_lines: int, work: Path
) -> tuple[Path, pl.DataFrame, int]:
    """Split the file with Arrow's reader into Parquet of text; returns the file, rows set aside, and blank rows."""
    ragged: list[tuple[int, str]] = []

    def keep(row: pacsv.InvalidRow) -> str:
        # Arrow counts what it skips in lines, and what it reads in rows.
        ragged.append((row.number - header_lines + fmt.header_row, row.text))
        return "skip"

    target = work / "raw.parquet"
    schema = pa.schema([(ROW, pa.int64())] + [(name, pa.string()) for name in columns])
    blank = 0
    position = fmt.header_row + 1
    quoted = fmt.quote or False
    # Arrow transcodes only what Python can decode as a stream; utf-8-sig would keep its mark in the first header.
    encoding = "utf-8" if fmt.encoding == "utf-8-sig" else fmt.encoding
    with path.open("rb") as stream, pq.ParquetWriter(target, schema, compression="zstd") as writer:
        reader = pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(
                use_threads=False,
                encoding=encoding,
                column_names=columns,
                skip_rows=header_lines,
                block_size=LONGEST_LINE_BYTES,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=fmt.delimiter,
                quote_char=quoted,
                newlines_in_values=bool(quoted),
                ignore_empty_lines=False,
                invalid_row_handler=keep,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in columns}, strings_can_be_null=False
            ),
        )
        for batch in reader:
            count = batch.num_rows
            # Arrow reads ahead: ragged rows of later batches may be known already, so each batch takes only the
            # numbers it needs and leaves the others where they are.
            skipped = np.array([number for number, _ in ragged], dtype=np.int64)
            numbers = np.arange(position, position + count + len(skipped), dtype=np.int64)
            numbers = numbers[~np.isin(numbers, skipped)][:count]
            position = int(numbers[-1]) + 1 if count else position
            table = pa.Table.from_arrays([pa.array(numbers), *batch.columns], schema=schema)
            rows = pl.from_arrow(table)
            assert isinstance(rows, pl.DataFrame)
            filled = rows.filter(~is_blank(columns))
            blank += count - filled.height
            writer.write_table(filled.to_arrow().cast(schema))
    aside = pl.DataFrame(
        [(number, None, text, "wrong_field_count") for number, text in ragged], schema=ASIDE, orient="row"
    )
    return target, aside, blank


def read_text(path: Path, layout: Layout, work: Path, *, as_it_lies: bool = True) -> RawTable:
    """Read delimited text as its layout describes.

    The count of delimiters proves rows even only together with the scan itself, which fails on a longer row: a file
    whose long and short rows cancel out must be read again with `as_it_lies` false.

    Args:
        path: the landed file.
        layout: a layout of format text.
        work: an empty folder for intermediate Parquet, which the table's frame reads from.

    Raises:
        FileRejected: wrong_encoding, empty_file, or a header that does not fit.
    """
    fmt = layout.text
    assert fmt is not None
    profile = verify_encoding(path, fmt)
    header, header_lines = _header(path, fmt)
    lines = profile.lines_by_return or profile.lines
    if lines <= header_lines:
        raise FileRejected("empty_file", f"{path.name} has {lines} lines, data begins after {header_lines}")
    where = path.name if fmt.header_row == 0 else f"{path.name}, row {fmt.header_row}"
    if len(header) == 1 and len(layout.source_columns) > 1:
        raise FileRejected(
            "missing_column",
            f"{where}: no delimiter {fmt.delimiter!r} in the header; it reads {header[0][:200]!r}",
        )
    verify_header(layout, header, where)
    columns = unique_names(header)
    even = (
        as_it_lies
        and fmt.encoding == "utf-8"
        and profile.quotes == 0
        and not profile.lines_by_return
        and fmt.header_row <= 1
        and profile.delimiters == (len(columns) - 1) * profile.lines
        and len(columns) > 1
    )
    if even:
        frame = pl.scan_csv(
            path,
            separator=fmt.delimiter,
            quote_char=None,
            has_header=False,
            skip_lines=fmt.header_row,
            schema={name: pl.String() for name in columns},
            row_index_name=ROW,
            row_index_offset=fmt.header_row + 1,
            truncate_ragged_lines=False,
            empty_string_is_null=False,
        ).with_columns(pl.col(ROW).cast(pl.Int64), pl.lit(None, pl.String).alias(SHEET))
        return RawTable(
            frame,
            columns,
            skipped=fmt.header_row,
            is_trimmed=profile.is_tight,
            may_hold_nul=profile.has_nul,
            # Without white space or quotes, a row that says what the header says has the header's bytes.
            may_repeat_header=profile.repeats_first_line or not profile.is_tight,
            may_hold_formula_error=profile.has_hash,
            rows=profile.lines - fmt.header_row,
        )
    parquet, aside, blank = _through_arrow(path, fmt, columns, header_lines, work)
    frame = pl.scan_parquet(parquet).with_columns(pl.lit(None, pl.String).alias(SHEET))
    return RawTable(
        frame,
        columns,
        aside=aside,
        skipped=fmt.header_row + blank,
        may_hold_nul=profile.has_nul,
        may_hold_formula_error=profile.has_hash,
    )
