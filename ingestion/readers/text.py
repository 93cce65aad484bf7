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
from ingestion.progress import Stage, counter
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
    line stands somewhere else too, in letters of any case.
    """

    lines: int
    lines_by_return: int
    delimiters: int
    quotes: int
    is_ascii: bool
    is_tight: bool
    has_nul: bool
    has_hash: bool
    repeats_first_line: bool


def verify_encoding(path: Path, fmt: TextFormat) -> TextProfile:
    """Read the bytes once and refuse a file that is not in the encoding its layout states.

    Raises:
        FileRejected: empty_file, too_large, or wrong_encoding naming the line, the byte and what the file looks like.
    """
    _verify_mark(path, fmt.encoding)
    counts, letters, first_line = _Counts(ord(fmt.delimiter)), _Letters(path.name, fmt.encoding), _FirstLine()
    count = counter(Stage.READING, path.stat().st_size)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            if count is not None:
                count(len(chunk))
            lines_before = counts.lines
            counts.look(chunk)
            if counts.line_bytes > LONGEST_LINE_BYTES:
                raise FileRejected(
                    "too_large",
                    f"{path.name}: the line after {lines_before} others is longer than {LONGEST_LINE_BYTES >> 20} MB",
                )
            first_line.look(chunk)
            letters.look(chunk, lines_before)
    letters.verify_end()
    return TextProfile(
        lines=counts.lines + (counts.last != b"\n"),
        lines_by_return=0 if counts.lines else counts.returns + (counts.last != b"\r"),
        delimiters=counts.delimiters,
        quotes=counts.quotes,
        is_ascii=letters.is_ascii,
        is_tight=letters.is_ascii and not counts.has_space,
        has_nul=letters.has_nul,
        has_hash=letters.has_hash,
        repeats_first_line=first_line.is_repeated,
    )


def _verify_mark(path: Path, encoding: str) -> None:
    """Refuse a file without bytes, and one whose byte order mark is not that of the encoding."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if not head:
        raise FileRejected("empty_file", f"{path.name} has no bytes")
    marked = next((name for bom, name in BYTE_ORDER_MARKS.items() if head.startswith(bom)), None)
    if marked != encoding and (marked is not None or encoding in BYTE_ORDER_MARKS.values()):
        found = f"a byte order mark of {marked}" if marked else "no byte order mark"
        raise FileRejected(
            "wrong_encoding", f"{path.name}: layout says {encoding}, the file begins with {found}"
        )


class _Counts:
    """Bytes of a file that are counted, chunk by chunk. `line_bytes`: how long the line is that was begun last."""

    def __init__(self, delimiter: int) -> None:
        self._delimiter = delimiter
        self.lines = self.returns = self.delimiters = self.quotes = self.line_bytes = 0
        self.has_space = False
        self.last = b""

    def look(self, chunk: bytes) -> None:
        # numpy compares bytes several times faster than bytes.count where hits are dense.
        octets = np.frombuffer(chunk, np.uint8)
        self.lines += int(np.count_nonzero(octets == _NEWLINE))
        self.delimiters += int(np.count_nonzero(octets == self._delimiter))
        self.returns += chunk.count(b"\r")
        self.quotes += chunk.count(b'"')
        self.has_space = self.has_space or any(space in chunk for space in (b" ", b"\t", b"\r", b"\v", b"\f"))
        end = chunk.rfind(b"\n")
        self.line_bytes = len(chunk) - 1 - end if end >= 0 else self.line_bytes + len(chunk)
        self.last = chunk[-1:]


class _FirstLine:
    """Whether what stands in the first line of a file stands somewhere else too, in letters of any case."""

    def __init__(self) -> None:
        self.is_repeated = False
        self._line: bytes | None = None
        self._end = b""

    def look(self, chunk: bytes) -> None:
        if self.is_repeated:
            return
        chunk = chunk.lower()
        begin = 0
        if self._line is None:
            self._line = chunk.split(b"\n", 1)[0].rstrip(b"\r")
            begin = len(self._line)
            self.is_repeated = begin == len(chunk)
        # A line may lie across two chunks.
        seam = self._end + chunk[: len(self._line)]
        self.is_repeated = self.is_repeated or chunk.find(self._line, begin) >= 0 or self._line in seam[1:]
        self._end = chunk[-len(self._line) :]


class _Letters:
    """Whether the bytes of a file are letters of its encoding, and which characters fields may hold."""

    def __init__(self, name: str, encoding: str) -> None:
        self._name, self._encoding = name, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._as_utf8 = codecs.getincrementaldecoder("utf-8")()
        self._could_be_utf8 = True
        self.is_ascii = True
        self.has_nul = self.has_hash = False

    def look(self, chunk: bytes, lines_before: int) -> None:
        is_ascii = chunk.isascii() and self._encoding != "utf-16"
        self.is_ascii &= is_ascii
        if is_ascii and not self._decoder.getstate()[0]:
            self._find(b"\0" in chunk, b"#" in chunk)
            return
        try:
            text = self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise self._refused(chunk, error, lines_before) from error
        self._find("\0" in text, "#" in text)
        if self._encoding == "cp1251" and self._could_be_utf8:
            try:
                self._as_utf8.decode(chunk)
            except UnicodeDecodeError:
                self._could_be_utf8 = False

    def verify_end(self) -> None:
        """Refuse a file that ends inside a character, or whose letters are all those of another encoding."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise FileRejected("wrong_encoding", f"{self._name} ends in the middle of a character") from error
        if self._encoding == "cp1251" and not self.is_ascii and self._could_be_utf8:
            raise FileRejected(
                "wrong_encoding", f"{self._name}: layout says cp1251, every byte reads as utf-8"
            )

    def _find(self, nul: bool, hash_mark: bool) -> None:
        self.has_nul = self.has_nul or nul
        self.has_hash = self.has_hash or hash_mark

    def _refused(self, chunk: bytes, error: UnicodeDecodeError, lines_before: int) -> FileRejected:
        line = lines_before + chunk[: error.start].count(b"\n") + 1
        told = (
            f"{self._name}: line {line} holds byte 0x{error.object[error.start]:02x}, "
            f"which {self._encoding} does not have there"
        )
        begin = chunk.rfind(b"\n", 0, error.start) + 1
        if self._encoding == "cp1251" and _is_utf8(chunk[begin:].split(b"\n", 1)[0]):
            told += "; that line reads as utf-8"
        return FileRejected("wrong_encoding", told)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


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
            # Arrow's own way from an array imports pandas, which takes longer than most files.
            told = pl.Series(numbers).to_arrow()
            table = pa.Table.from_arrays([told, *batch.columns], schema=schema)
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
            is_ascii=profile.is_ascii,
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
        is_ascii=profile.is_ascii,
    )
