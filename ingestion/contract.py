"""Contracts: what an extract must be, read from Open Data Contract Standard files.

Belongs here: the contract's columns and bounds as plain data, and the Arrow/Parquet types they mean.
Does not belong here: how one sender writes an extract (`layout`), or judging rows (`rules`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty

from warehouse.yaml_file import read_yaml

CONTRACTS_DIR = Path(__file__).parent / "contracts"

# Physical type of the one property of a contract that becomes cells and is no column of the lake's rows.
GEOMETRY = "GEOMETRY"
_POLARS_TYPES: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(),
    "DATE": pl.Date(),
}


_LINE_CELL: dict[str, pl.DataType] = {
    "length_km": pl.Float64(),
    "start_km": pl.Float64(),
    "latitude": pl.Float64(),
    "longitude": pl.Float64(),
}
_POLYGON_CELL: dict[str, pl.DataType] = {"share": pl.Float64()}
_RING_CELL: dict[str, pl.DataType] = {"ring": pl.Int64()}
# Roles of columns that no sender files, because ingestion computes them.
COMPUTED_ROLES = frozenset(
    {
        "h3_cell",
        "geometry_type",
        "geometry_area_km2",
        "geometry_cell_area_km2",
        "geometry_length_km",
        "geometry_outline",
        "geometry_vertices",
        "geometry_repair",
        "tile_latitude",
        "tile_longitude",
    }
)


@dataclass(frozen=True)
class Column:
    """One column of an extract.

    `minimum` and `maximum` are numbers, or ISO dates for DATE columns. `role` tells ingestion what the column is
    for: `as_of`, `kato_settlement`, `kato_place`, `filed_region`, `filed_district`, `filed_settlement`, `code` and
    `name` (text by which rows are looked up or listed, so that it is no free text), and `h3_cell`, which no sender
    files: it is computed from `latitude` and `longitude`. Nor does a sender file what has one of COMPUTED_ROLES: it is
    measured on the geometry, or told by a tile's quadkey.
    """

    name: str
    physical_type: str
    description: str
    required: bool
    primary_key: bool
    minimum: float | str | None
    maximum: float | str | None
    allowed: tuple[str, ...]
    pattern: str | None
    unit: str | None
    role: str | None
    access: str

    @property
    def dtype(self) -> pl.DataType:
        """Polars type of the column in the lake."""
        return _POLARS_TYPES[self.physical_type]


@dataclass(frozen=True)
class Geometry:
    """The geometry of each row, which becomes H3 cells of one resolution and is not kept as such.

    `kind` is `polygon` (cells whose centre lies inside) or `line` (cells with the length of line inside each).
    """

    name: str
    kind: str
    h3_resolution: int


@dataclass(frozen=True)
class Neighbourhood:
    """The cells about each row's position: rings 0 (the cell it lies in) to `rings`, of one H3 resolution."""

    rings: int
    h3_resolution: int


@dataclass(frozen=True)
class RowRule:
    """What the columns of one row may not say together; a row that says it is quarantined.

    Attributes:
        name: id of the rule, as reports show it.
        column: the column at fault.
        condition: SQL over the contract's columns, true where the row breaks the rule.
        remedy: what the sender is to do, in words.
    """

    name: str
    column: str
    condition: str
    remedy: str

    def broken(self, names: dict[str, str]) -> pl.Expr:
        """The condition as an expression; `names` says what each contract column is called in the frame."""
        # Text in quotes is a value, whatever it says; of the rest only what names a column is renamed.
        renamed = re.sub(
            r"'[^']*'|\b[a-z_]\w*\b",
            lambda word: f'"{names[word[0]]}"' if word[0] in names else word[0],
            self.condition,
        )
        return pl.sql_expr(renamed)


@dataclass(frozen=True)
class Suspicious:
    """When a delivery of the kind is suspicious beside the one before it (`ingestion.suspicion`).

    Attributes:
        shrunk_below_pct: of its rows, or of a sum, less than this share is left.
        fallen_below_pct: of the rows of one region, or of one category, that cover something, less than this share is
            left.
        region_of: column whose KATO code tells the region of a row; None when the rows name no place.
        category: column by whose values rows are told apart, each of which must stay.
        covered_where: SQL condition on the contract's columns that tells which rows cover something; None for all.
        sums: columns whose sum may not shrink.
        stands_in: whether, while the first delivery of a date is held, the last good one stands in for it on that date.
    """

    shrunk_below_pct: float
    fallen_below_pct: float
    region_of: str | None = None
    category: str | None = None
    covered_where: str | None = None
    sums: tuple[str, ...] = ()
    stands_in: bool = False


@dataclass(frozen=True)
class Contract:
    """What an extract kind must be: its grain, columns, key, owner, and rules of a row and of a delivery as a whole.

    Of a kind without `suspicious` no delivery is held.
    """

    id: str
    name: str
    version: str
    purpose: str
    owner: str
    grain: str
    cadence: str
    columns: tuple[Column, ...]
    row_rules: tuple[RowRule, ...] = ()
    geometry: Geometry | None = None
    neighbourhood: Neighbourhood | None = None
    suspicious: Suspicious | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that identify a row, in the contract's order."""
        return tuple(c.name for c in self.columns if c.primary_key)

    def column(self, name: str) -> Column:
        """The column of that name; raises KeyError when the contract has none."""
        for candidate in self.columns:
            if candidate.name == name:
                return candidate
        raise KeyError(f"contract {self.id} has no column {name!r}")

    def with_role(self, role: str) -> Column | None:
        """The column that plays a role, or None."""
        return next((c for c in self.columns if c.role == role), None)

    @property
    def lake_schema(self) -> dict[str, pl.DataType]:
        """Columns and types of accepted rows in the lake: the contract's, then where each row came from."""
        return {c.name: c.dtype for c in self.columns} | {
            "extract_id": pl.String(),
            "source_sheet": pl.String(),
            "source_row": pl.Int64(),
        }

    @property
    def cells_schema(self) -> dict[str, pl.DataType] | None:
        """Columns and types of the lake's cells: whose they are, the row's key, the cell; None where there are none.

        Lines have `length_km`, their length inside the cell, and `start_km`, where along the line from its beginning
        it first enters the cell. Polygons have `share`, which is NULL: a cell belongs to a polygon as a whole, when its
        centre lies inside. Positions have `ring`, how many cells away from that of the position the cell lies.
        """
        if self.geometry is not None:
            told = _LINE_CELL if self.geometry.kind == "line" else _POLYGON_CELL
        elif self.neighbourhood is not None:
            told = _RING_CELL
        else:
            return None
        return {
            "extract_id": pl.String(),
            "source_row": pl.Int64(),
            **{name: self.column(name).dtype for name in self.key},
            "h3_cell": pl.String(),
            **told,
        }


def _custom(prop: SchemaProperty, name: str) -> str | None:
    for custom in prop.customProperties or []:
        if custom.property == name:
            return str(custom.value)
    return None


def _column(prop: SchemaProperty) -> Column:
    options = prop.logicalTypeOptions or {}
    return Column(
        name=str(prop.name),
        physical_type=str(prop.physicalType),
        description=str(prop.description),
        required=bool(prop.required),
        primary_key=bool(prop.primaryKey),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        allowed=tuple(str(e.value) for e in prop.enum or []),
        pattern=options.get("pattern"),
        unit=_custom(prop, "unit"),
        role=_custom(prop, "role"),
        access=str(prop.classification or "internal"),
    )


def _row_rules(prop: SchemaProperty) -> list[RowRule]:
    """Rules that stand in the contract as quality of a column, to be evaluated by polars."""
    return [
        RowRule(str(rule.name), str(prop.name), str(rule.implementation), str(rule.description))
        for rule in prop.quality or []
        if rule.engine == "polars"
    ]


def _geometry(properties: list[SchemaProperty]) -> Geometry | None:
    for prop in properties:
        if prop.physicalType == GEOMETRY:
            kind, resolution = _custom(prop, "geometry_kind"), _custom(prop, "h3_resolution")
            return Geometry(str(prop.name), str(kind), int(str(resolution)))
    return None


def _neighbourhood(properties: list[SchemaProperty]) -> Neighbourhood | None:
    for prop in properties:
        if (rings := _custom(prop, "neighbourhood_rings")) is not None:
            return Neighbourhood(int(rings), int(str(_custom(prop, "neighbourhood_h3_resolution"))))
    return None


def _suspicious(table: SchemaObject) -> Suspicious | None:
    for custom in table.customProperties or []:
        if custom.property == "suspicious":
            told: dict[str, Any] = dict(custom.value or {})
            return Suspicious(**told | {"sums": tuple(told.get("sums", ()))})
    return None


def read_contract(path: Path) -> Contract:
    """Read one contract file; raises pydantic's ValidationError when it is not valid ODCS."""
    document = OpenDataContractStandard.model_validate(read_yaml(path))
    (table,) = document.schema_ or []
    frequency = next(p for p in document.slaProperties or [] if p.property == "frequency")
    return Contract(
        id=str(document.id),
        name=str(document.name),
        version=str(document.version),
        purpose=str(document.description.purpose if document.description else ""),
        owner=str(document.team.name if document.team and not isinstance(document.team, list) else ""),
        grain=str(table.dataGranularityDescription),
        cadence={"q": "quarterly", "y": "yearly"}[str(frequency.unit)],
        columns=tuple(_column(p) for p in table.properties or [] if p.physicalType != GEOMETRY),
        geometry=_geometry(table.properties or []),
        neighbourhood=_neighbourhood(table.properties or []),
        row_rules=tuple(rule for p in table.properties or [] for rule in _row_rules(p)),
        suspicious=_suspicious(table),
    )


@cache
def load_contracts(folder: Path = CONTRACTS_DIR) -> dict[str, Contract]:
    """All contracts of the project by extract kind, in alphabetical order."""
    contracts = [read_contract(path) for path in sorted(folder.glob("*.yaml"))]
    return {c.id: c for c in contracts}
