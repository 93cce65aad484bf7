"""Layouts: how one sender writes one extract, read from YAML.

Belongs here: the model of a layout file, its validation against the contract, and matching files to layouts.
Does not belong here: reading the file (`readers`) or judging its rows (`rules`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ingestion.contract import COMPUTED_ROLES, Contract, load_contracts
from ingestion.units import factor_stated
from warehouse.yaml_file import read_yaml

LAYOUTS_DIR = Path(__file__).parent / "layouts"
#: What a draft says where a person must decide.
UNDECIDED = "TODO"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextFormat(_Strict):
    """Delimited text. `header_row` is the row of the header, 0 when there is none.

    Rows are counted as a spreadsheet program shows them: a line break inside quotes begins none. `thousands` says that
    digits may be grouped in threes by spaces, plain or non-breaking; by default so with a decimal comma.
    """

    encoding: Literal["utf-8", "utf-8-sig", "utf-16", "cp1251"] = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    thousands: bool | None = None
    header_row: int = Field(default=1, ge=0)
    quote: str | None = Field(default='"', max_length=1)


class WorkbookFormat(_Strict):
    """Sheets of a workbook that share one shape.

    `sheets` lists names, or holds one regular expression; rows are numbered as the program shows them. `set` adds
    columns that hold what only the sheet's name tells.
    """

    sheets: list[str] | str
    header_rows: list[int] = Field(min_length=1)
    first_row: int = Field(ge=1)
    stop_at: str | None = None
    decimal: Literal[".", ","] = "."
    set_values: dict[str, str] = Field(default_factory=dict, alias="set")


# Columns of degrees that a table's `x` and `y` become.
POSITION = ("longitude", "latitude")


class GeometrySource(_Strict):
    """How geometry is written: by itself in a file of features, as text in a column of a table, or as two coordinates.

    `crs` is what coordinates refer to, as EPSG:<number>. A file of features may say it itself; both must then agree.
    `x` and `y` are columns of a table: east and north. They become the columns `longitude` and `latitude`, in degrees.
    """

    wkt: str | None = None
    x: str | None = None
    y: str | None = None
    crs: str | None = Field(default=None, pattern=r"^EPSG:\d+$")
    layer: str | None = None
    encoding: str | None = None


class QuarterEnd(_Strict):
    """A date given as year and quarter, each a group of the file pattern or a number."""

    year: str
    quarter: str


class ColumnSource(_Strict):
    """Where a contract column comes from: a column of the file, a constant, or the file's name."""

    source: str | None = Field(default=None, alias="from")
    value: str | None = None
    quarter_end: QuarterEnd | None = None
    map: dict[str, str] | None = None
    factor: float | None = None
    date_format: str | None = None
    extract: str | None = None
    end_of: Literal["quarter"] | None = None
    sum_of: list[str] | None = None

    @field_validator("map", mode="before")
    @classmethod
    def _numbers_are_written_bare(cls, value: Any) -> Any:
        # YAML reads `нет: 0` as a number.
        if not isinstance(value, dict):
            return value
        return {
            word: str(meant) if isinstance(meant, int | float) and not isinstance(meant, bool) else meant
            for word, meant in value.items()
        }

    @model_validator(mode="after")
    def _exactly_one_origin(self) -> ColumnSource:
        given = [o is not None for o in (self.source, self.value, self.quarter_end, self.sum_of)]
        if sum(given) != 1:
            raise ValueError("a column takes exactly one of 'from', 'sum_of', 'value' and 'quarter_end'")
        return self


class Unpivot(_Strict):
    """Wide value columns that become rows: named one by one, or all that match a pattern."""

    into: str
    columns: dict[str, dict[str, str]] | None = None
    columns_matching: str | None = None
    set_values: dict[str, str] = Field(default_factory=dict, alias="set")

    @model_validator(mode="after")
    def _one_form(self) -> Unpivot:
        if (self.columns is None) == (self.columns_matching is None):
            raise ValueError("unpivot takes exactly one of 'columns' and 'columns_matching'")
        return self

    @property
    def dimensions(self) -> set[str]:
        """Contract columns that the unpivot fills, besides the value."""
        if self.columns is not None:
            return {name for values in self.columns.values() for name in values}
        return set(self.set_values)


class TotalRows(_Strict):
    """Rows that sum others and must not be counted with them."""

    column: str
    pattern: str


class Resolve(_Strict):
    """How places become KATO codes."""

    kato: str
    by: list[Literal["code", "name", "label"]] = Field(default_factory=lambda: ["code"], min_length=1)  # type: ignore[arg-type]
    level: Literal["settlement", "place", "region"] = "settlement"
    language: Literal["ru", "kk", "en"] = "ru"


class Layout(_Strict):
    """One layout file."""

    # Both become parts of paths.
    layout_id: str = Field(alias="layout", pattern=r"^[a-z0-9_]+/[a-z0-9_]+$")
    sender: str = Field(pattern=r"^[a-z0-9_]+$")
    sender_title: str
    extract_kind: str = Field(alias="extract")
    description: str
    owner: str = "data-engineering@qamtu.kz"
    is_sample: bool = Field(default=False, alias="sample")
    file_pattern: str
    series: str | None = None
    source_title: str | None = None
    source_rank: int = Field(default=1, ge=1)
    data_maturity: Literal["provisional", "final"] = "final"
    format: Literal["text", "workbook", "features", "records"]
    geometry: GeometrySource | None = None
    text: TextFormat | None = None
    workbook: WorkbookFormat | list[WorkbookFormat] | None = None
    null_marks: list[str] = Field(default_factory=lambda: [""])
    columns: dict[str, ColumnSource]
    absent: list[str] = Field(default_factory=list)
    ignore: list[str] = Field(default_factory=list)
    unpivot: list[Unpivot] = Field(default_factory=list)
    total_rows: TotalRows | None = None
    resolve: Resolve | None = None

    @field_validator("file_pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _format_is_described(self) -> Layout:
        if self.format == "text" and self.text is None:
            raise ValueError("format 'text' needs a 'text' section")
        if self.format == "workbook" and self.workbook is None:
            raise ValueError("format 'workbook' needs a 'workbook' section")
        return self

    @cached_property
    def contract(self) -> Contract:
        """The contract this layout writes."""
        return load_contracts()[self.extract_kind]

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(self.file_pattern)

    def match(self, file_name: str) -> dict[str, str] | None:
        """Groups of the file pattern when the inbox path matches, else None."""
        found = self._regex.fullmatch(file_name)
        return {k: v for k, v in found.groupdict().items() if v is not None} if found else None

    @property
    def operator_id(self) -> str | None:
        """The one operator whose filings these are; None where rows or file names tell it, or there is none."""
        source = self.columns.get("operator_id")
        return source.value if source and source.value and "{" not in source.value else None

    @property
    def is_quarterly(self) -> bool:
        """True when file names tell the quarter, so that the layout's asset is partitioned by it."""
        return {"year", "quarter"} <= set(self._regex.groupindex)

    @property
    def decimals(self) -> tuple[str, ...]:
        """Decimal marks of numbers: one, or several where the shapes of a workbook differ in it."""
        if self.text is not None:
            return (self.text.decimal,)
        return tuple(dict.fromkeys(shape.decimal for shape in self.workbooks)) or (".",)

    @property
    def workbooks(self) -> list[WorkbookFormat]:
        """The shapes of a workbook's sheets, in the order they are read; empty for other formats."""
        if self.workbook is None:
            return []
        return self.workbook if isinstance(self.workbook, list) else [self.workbook]

    @property
    def has_thousands(self) -> bool:
        """True when spaces inside a number group its digits."""
        if self.text is None:
            return True
        return self.text.decimal == "," if self.text.thousands is None else self.text.thousands

    @property
    def source_columns(self) -> list[str]:
        """Columns of the file that the layout reads, in order, each once."""
        names = [c.source for c in self.columns.values() if c.source is not None]
        if self.geometry is not None and self.geometry.x is not None and self.geometry.y is not None:
            names = [*(n for n in names if n not in POSITION), self.geometry.x, self.geometry.y]
        names += [name for c in self.columns.values() for name in c.sum_of or []]
        for unpivot in self.unpivot:
            names += list(unpivot.columns or {})
        if self.total_rows:
            names.append(self.total_rows.column)
        if self.geometry is not None and self.geometry.wkt is not None:
            names.append(self.geometry.wkt)
        return list(dict.fromkeys(names))

    def problems(self) -> list[str]:
        """What is wrong with the layout as seen from its contract; empty when it can be used."""
        contract = load_contracts().get(self.extract_kind)
        if contract is None:
            return [f"no contract for extract {self.extract_kind!r}"]
        filled = set(self.columns) | {u.into for u in self.unpivot}
        for unpivot in self.unpivot:
            filled |= unpivot.dimensions
        if self.resolve:
            filled.add(self.resolve.kato)
        known = {c.name for c in contract.columns}
        found = [f"{name!r} is no column of contract {contract.id}" for name in sorted(filled - known)]
        found += [
            f"absent column {n!r} is no column of contract {contract.id}"
            for n in self.absent
            if n not in known
        ]
        for column in contract.columns:
            if column.name in filled or column.role in COMPUTED_ROLES:
                continue
            if column.required:
                found.append(f"required column {column.name!r} is not filled")
            elif column.name not in self.absent:
                found.append(f"column {column.name!r} is neither filled nor listed as absent")
        found += self._period_problems(contract)
        return found + self._unit_problems(contract) + self._geometry_problems(contract)

    def undecided(self) -> list[str]:
        """Places of a draft at which nobody has decided yet."""

        def places(value: Any, where: str) -> Iterator[str]:
            if isinstance(value, dict):
                for name, part in value.items():
                    yield from places(part, f"{where}.{name}" if where else str(name))
            elif isinstance(value, list):
                for number, part in enumerate(value):
                    yield from places(part, f"{where}[{number}]")
            elif isinstance(value, str) and value.split(" ")[0] == UNDECIDED:
                yield where

        return [f"{where!r} still says {UNDECIDED}: decide it" for where in places(as_dict(self), "")]

    def _period_problems(self, contract: Contract) -> list[str]:
        told = set(self._regex.groupindex)
        if contract.cadence == "quarterly" and "year" in told and not told & {"quarter", "month", "date"}:
            return [
                "'file_pattern' tells the year alone, so that each quarter would replace the one before: give the "
                "quarter, or month and day, a group too"
            ]
        return []

    def _unit_problems(self, contract: Contract) -> list[str]:
        units = {column.name: column.unit for column in contract.columns}
        found = []
        for name, column in self.columns.items():
            stated = factor_stated(column.source or "", units.get(name))
            if stated is not None and stated != (column.factor or 1.0):
                found.append(
                    f"the header {column.source!r} states another unit than {name!r}, which is in {units[name]}: "
                    f"set 'factor: {stated:g}'"
                )
        return found

    def _geometry_problems(self, contract: Contract) -> list[str]:
        wkt = self.geometry.wkt if self.geometry else None
        found = self._position_problems() if self.geometry is not None else []
        if contract.geometry is not None and self.format != "features" and wkt is None:
            found.append(
                "the contract asks for a geometry: use format 'features', or name a column in 'geometry: wkt'"
            )
        if wkt is not None and self.format != "text":
            found.append("'geometry: wkt' is for format 'text'")
        if wkt is not None and contract.geometry is None:
            found.append(f"contract {contract.id} has no geometry that 'geometry: wkt' could fill")
        if wkt is not None and self.geometry is not None and self.geometry.crs is None:
            found.append("text does not say what its coordinates refer to: add 'crs' to 'geometry'")
        return found

    def _position_problems(self) -> list[str]:
        assert self.geometry is not None
        x, y = self.geometry.x, self.geometry.y
        if x is None and y is None:
            return []
        found = []
        if x is None or y is None:
            found.append("'geometry: x' and 'geometry: y' name two columns: give both")
        if self.format == "features" or self.geometry.wkt is not None:
            found.append("'geometry: x, y' is for tables whose positions stand in two columns, without 'wkt'")
        if self.geometry.crs is None:
            found.append("the table does not say what its coordinates refer to: add 'crs' to 'geometry'")
        sources = {name: column.source for name, column in self.columns.items()}
        if [sources.get(name) for name in ("longitude", "latitude")] != list(POSITION):
            found.append(
                "'geometry: x, y' gives columns of degrees: fill 'longitude: {from: longitude}' and "
                "'latitude: {from: latitude}' with them"
            )
        return found


class LayoutError(Exception):
    """A layout file that cannot be used; names the file and what to mend."""


def read_layout(path: Path, *, in_place: bool = True) -> Layout:
    """Read and validate one layout file; raises LayoutError naming the file, the place and the remedy.

    Args:
        in_place: whether it lies among the layouts, where its path says what it is for.
    """
    try:
        layout = Layout.model_validate(read_yaml(path))
    except (ValueError, yaml.YAMLError) as error:
        raise LayoutError(f"{path}: {error}") from error
    expected = f"{path.parent.name}/{path.stem}"
    problems = [*(layout.undecided() if in_place else ()), *layout.problems()]
    if in_place and layout.layout_id != expected:
        problems.insert(0, f"'layout' says {layout.layout_id!r}, the file is {expected!r}")
    if problems:
        raise LayoutError(f"{path}: " + "; ".join(problems))
    return layout


@cache
def load_layouts(folder: Path = LAYOUTS_DIR) -> dict[str, Layout]:
    """All layouts by layout id, in alphabetical order; raises LayoutError on the first unusable one."""
    layouts = [read_layout(path) for path in sorted(folder.glob("*/*.yaml"))]
    return {layout.layout_id: layout for layout in layouts}


def matching(file_name: str, layouts: Iterable[Layout]) -> list[tuple[Layout, dict[str, str]]]:
    """Layouts whose pattern matches an inbox path, each with the groups it found."""
    found = []
    for layout in layouts:
        groups = layout.match(file_name)
        if groups is not None:
            found.append((layout, groups))
    return found


def nearest(file_name: str, layouts: Mapping[str, Layout], count: int = 3) -> list[str]:
    """Layout ids whose pattern looks most like a file name that none matched, best first."""

    def likeness(layout: Layout) -> float:
        plain = re.sub(r"\(\?P<\w+>|\(\?:|[\\^$()?*+{}\[\]|]", "", layout.file_pattern)
        return difflib.SequenceMatcher(None, plain.lower(), file_name.lower(), autojunk=False).ratio()

    ranked = sorted(layouts.values(), key=lambda layout: (-likeness(layout), layout.layout_id))
    return [layout.layout_id for layout in ranked[:count]]


def fill(template: str, groups: Mapping[str, str]) -> str:
    """Replace `{group}` by the text the file pattern found; raises KeyError when the group is missing."""
    return re.sub(r"\{(\w+)\}", lambda m: groups[m.group(1)], template)


def as_dict(layout: Layout) -> dict[str, Any]:
    """The layout as plain data, for fingerprints and reports."""
    return layout.model_dump(mode="json", by_alias=True)
