"""Contracts: what an extract must be, read from Open Data Contract Standard files.

Belongs here: the contract's columns and bounds as plain data, and the Arrow/Parquet types they mean.
Does not belong here: how one sender writes an extract (`layout`), or judging rows (`rules`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty

CONTRACTS_DIR = Path(__file__).parent / "contracts"

_POLARS_TYPES: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(),
    "DATE": pl.Date(),
}


@dataclass(frozen=True)
class Column:
    """One column of an extract.

    `minimum` and `maximum` are numbers, or ISO dates for DATE columns. `role` tells ingestion what the column is
    for: `as_of`, `kato_settlement`, `kato_place`, `code`, `filed_region`, `filed_district`, `filed_settlement`, and
    `h3_cell`, which no sender files: it is computed from `latitude` and `longitude`.
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
class Contract:
    """What an extract kind must be: its grain, columns, key and owner."""

    id: str
    name: str
    version: str
    purpose: str
    owner: str
    grain: str
    cadence: str
    columns: tuple[Column, ...]

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


def read_contract(path: Path) -> Contract:
    """Read one contract file; raises pydantic's ValidationError when it is not valid ODCS."""
    document = OpenDataContractStandard.from_file(str(path))
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
        columns=tuple(_column(p) for p in table.properties or []),
    )


@cache
def load_contracts(folder: Path = CONTRACTS_DIR) -> dict[str, Contract]:
    """All contracts of the project by extract kind, in alphabetical order."""
    contracts = [read_contract(path) for path in sorted(folder.glob("*.yaml"))]
    return {c.id: c for c in contracts}
