"""Places of a filing -> KATO codes of the latest edition, with the rule that each failure breaks.

Belongs here: joining a judged frame with the gazetteer, by code, by name inside a district, or by the labels of a
table whose hierarchy is its row order. Does not belong here: building the gazetteer (`places`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from ingestion.layout import Layout, Resolve
from ingestion.places import (
    NATION,
    REPUBLICAN_CITIES,
    Gazetteer,
    bare_name,
    clean_name,
    name_keys,
    place_kind,
    region_key,
    region_of,
)
from ingestion.rules import Flag, Judged, target

_NAMES = ("filed_region", "filed_district", "filed_settlement")
_CODE = "__filed_code"
_STATUS = "__code_status"


def resolve_places(layout: Layout, judged: Judged, gazetteer: Gazetteer) -> Judged:
    """Replace the filed place by its code in the latest edition and flag what cannot be resolved.

    A layout without a `resolve` section is returned as it is.
    """
    if layout.resolve is None:
        return judged
    rule = layout.resolve
    source = layout.columns.get(rule.kato)
    origin = source.source if source is not None else None
    frame, flags = judged.frame, list(judged.flags)
    by_code, by_name = "code" in rule.by, "name" in rule.by
    names = _named_by(layout)
    region, district, place = (names.get(role) for role in _NAMES)
    frame = (
        _region_of_row(frame, region.column, rule, gazetteer)
        if region is not None
        else frame.with_columns(pl.lit(None, pl.String).alias("__region"))
    )
    if by_code:
        # Where a name may tell the place, or none need be told, a row may come without a code.
        needs_code = not by_name and layout.contract.column(rule.kato).required
        frame, new = _by_code(frame, rule, gazetteer, origin, needs_code=needs_code)
        flags += new
        if region is not None:
            frame, new = _against_region(frame, rule, region, origin)
            flags += new
    if rule.level == "region":
        if by_name:
            frame, new = _region_by_name(frame, rule, names)
            flags += new
    elif by_name or (by_code and (district or place)):
        if place is None and by_name:
            place = _Name(_settlement_column(layout), None)
        frame = _with_district(frame, gazetteer, district, by_code=by_code)
        if place is not None:
            frame = _lookup(
                frame, gazetteer, "settlement", pl.col("__district"), pl.col(place.column), "__settlement"
            )
        if by_code:
            frame, new = _against_names(frame, gazetteer, district, place)
            flags += new
        if by_name and place is not None:
            frame, new = _by_name(frame, rule, place)
            flags += new
    if "label" in rule.by:
        frame, new = _by_label(layout, frame, rule, gazetteer)
        flags += new
    if not layout.contract.column(rule.kato).required:
        # The contract lets a place stay without a code: it is kept, and waits for geography to resolve it.
        lenient = {"place_not_found", "place_ambiguous", "place_context_missing"}
        flags = [flag for flag in flags if flag.rule not in lenient]
    return Judged(frame, flags, judged.constants - {rule.kato})


@dataclass(frozen=True)
class _Name:
    """A contract column in which a layout's rows name a part of their place, and the file's column it comes from."""

    name: str
    source: str | None

    @property
    def column(self) -> str:
        """Its name in a judged frame."""
        return target(self.name)


def _named_by(layout: Layout) -> dict[str, _Name]:
    """What rows of a layout name of their place, by role."""
    found = {}
    for role in _NAMES:
        column = layout.contract.with_role(role)
        source = layout.columns.get(column.name) if column else None
        if column is not None and source is not None and source.source is not None:
            found[role] = _Name(column.name, source.source)
    return found


def _settlement_column(layout: Layout) -> str:
    column = layout.contract.with_role("filed_settlement")
    assert column is not None, "a contract whose places are told by name has a column for the name"
    return column.name


def _per_distinct(
    columns: Mapping[str, pl.Expr], find: Callable[[pl.DataFrame], pl.Series], dtype: pl.DataType
) -> pl.Expr:
    """What `find` finds for rows of these columns, asked once for each that a batch of rows holds.

    A filing of millions of rows names few places, and the patterns of names cost more than all else that is looked at.
    """

    def found(batch: pl.Series) -> pl.Series:
        rows = batch.struct.unnest()
        distinct = rows.unique()
        told = distinct.with_columns(find(distinct).alias("__found"))
        return rows.join(told, on=rows.columns, how="left", maintain_order="left", nulls_equal=True)[
            "__found"
        ]

    asked = pl.struct(expression.alias(name) for name, expression in columns.items())
    return asked.map_batches(found, return_dtype=dtype, is_elementwise=True)


def _region_of_row(frame: pl.LazyFrame, column: str, rule: Resolve, gazetteer: Gazetteer) -> pl.LazyFrame:
    """Add `__region`: the region the row names, where the name is known."""
    names = gazetteer.regions.filter(pl.col("language") == rule.language).select("key", "kato")

    def find(asked: pl.DataFrame) -> pl.Series:
        keys = asked.select(key=region_key(pl.col("name")))
        return keys.join(names, on="key", how="left", maintain_order="left")["kato"]

    region = _per_distinct({"name": pl.col(column)}, find, pl.String())
    return frame.with_columns(region.alias("__region"))


def _by_code(
    frame: pl.LazyFrame,
    rule: Resolve,
    gazetteer: Gazetteer,
    origin: str | None,
    *,
    needs_code: bool,
) -> tuple[pl.LazyFrame, list[Flag]]:
    kato = target(rule.kato)
    codes = gazetteer.codes
    nation = pl.DataFrame(
        {"filed_code": [NATION], "kato": [NATION], "code_status": ["current"], "is_settlement": [False]}
    )
    codes = pl.concat([codes, nation])
    frame = frame.with_columns(pl.col(kato).alias(_CODE)).join(
        codes.lazy().rename(
            {"filed_code": _CODE, "kato": "__kato", "code_status": _STATUS, "is_settlement": "__lived_in"}
        ),
        on=_CODE, how="left", maintain_order="left",
    )  # fmt: skip
    filed = pl.col(_CODE).is_not_null()
    flags = [
        Flag("kato_unknown", rule.kato, origin),
        Flag("kato_retired", rule.kato, origin),
    ]
    columns = [
        (filed & pl.col(_STATUS).is_null()).alias(flags[0].name),
        (pl.col(_STATUS) == "retired").fill_null(False).alias(flags[1].name),
    ]
    if rule.level == "settlement":
        flags.append(Flag("kato_wrong_level", rule.kato, origin))
        wrong = pl.col("__kato").is_not_null() & ~pl.col("__lived_in").fill_null(False)
        columns.append(wrong.alias(flags[-1].name))
    if needs_code:
        flags.append(Flag("required_missing", rule.kato, origin))
        columns.append((~filed).alias(flags[-1].name))
    return frame.with_columns(*columns, pl.col("__kato").alias(kato)), flags


def _against_region(
    frame: pl.LazyFrame, rule: Resolve, region: _Name, origin: str | None
) -> tuple[pl.LazyFrame, list[Flag]]:
    """Flag codes of another region than the row names, and names that are no region's.

    A code may lie in the region as it was filed, or as the latest edition has it.
    """
    mismatch = Flag("kato_region_mismatch", rule.kato, origin)
    unknown = Flag("region_unknown", region.name, region.source)
    said, now = pl.col("__region"), pl.col("__kato")
    differs = (said != region_of(pl.col(_CODE))) & (said != region_of(now))
    is_unknown = now.is_not_null() & pl.col(region.column).is_not_null() & said.is_null()
    frame = frame.with_columns(differs.fill_null(False).alias(mismatch.name), is_unknown.alias(unknown.name))
    return frame, [mismatch, unknown]


def _against_names(
    frame: pl.LazyFrame, gazetteer: Gazetteer, district: _Name | None, place: _Name | None
) -> tuple[pl.LazyFrame, list[Flag]]:
    """Flag codes of another district of the region than the row names, and names that are another code's there.

    A village may have gone on from the district that it was filed in, and the district may have got another code.
    People of a republican city are counted for the city as a whole, whichever of its districts a row names.
    """
    districts = gazetteer.codes.select(__of_code="filed_code", __of_code_now="kato").lazy()
    frame = frame.with_columns(_district_of(pl.col(_CODE)).alias("__of_code")).join(
        districts, on="__of_code", how="left", maintain_order="left"
    )
    said, now = pl.col("__district"), pl.col("__kato")
    lies_there = (said == _district_of(now)) | (said == pl.col("__of_code_now"))
    # A region or the nation lies in no district, and a code of another region is told already.
    is_told = (
        (now.str.slice(2, 2) != "00")
        & (region_of(said) == region_of(now))
        & ~region_of(said).is_in(REPUBLICAN_CITIES)
    )
    flags, columns = [], []
    if district is not None:
        flags.append(Flag("kato_district_mismatch", district.name, district.source))
        columns.append(is_told & ~lies_there)
    if place is not None:
        flags.append(Flag("kato_name_mismatch", place.name, place.source))
        columns.append(lies_there & (pl.col("__settlement") != now))
    return frame.with_columns(
        broken.fill_null(False).alias(flag.name) for flag, broken in zip(flags, columns, strict=True)
    ), flags


def _district_of(kato: pl.Expr) -> pl.Expr:
    """Code of the district that a code lies in, or of the republican city."""
    in_city = region_of(kato).is_in(REPUBLICAN_CITIES)
    return pl.when(in_city).then(region_of(kato)).otherwise(kato.str.slice(0, 4) + pl.lit("00000"))


def _with_district(
    frame: pl.LazyFrame, gazetteer: Gazetteer, district: _Name | None, *, by_code: bool
) -> pl.LazyFrame:
    """Add `__district`: the district the row names inside its region; where it names none that is known, its code's."""
    region, of_code = pl.col("__region"), pl.lit(None, pl.String)
    if by_code:
        region, of_code = pl.coalesce(region, region_of(pl.col("__kato"))), _district_of(pl.col("__kato"))
    named = pl.lit(None, pl.String)
    if district is not None:
        frame = _lookup(frame, gazetteer, "district", region, pl.col(district.column), "__named")
        named = pl.col("__named")
    # A republican city has no district between itself and its people.
    city = pl.when(region.is_in(REPUBLICAN_CITIES)).then(region)
    return frame.with_columns(pl.coalesce(named, city, of_code).alias("__district"))


def _region_by_name(
    frame: pl.LazyFrame, rule: Resolve, names: Mapping[str, _Name]
) -> tuple[pl.LazyFrame, list[Flag]]:
    region = names.get("filed_region")
    flag = Flag("place_not_found", "filed_region", region.source if region else None)
    found = pl.col("__region")
    is_open = _without_code(rule) & found.is_null()
    return frame.with_columns(is_open.alias(flag.name), found.alias(target(rule.kato))), [flag]


def _without_code(rule: Resolve) -> pl.Expr:
    """True where a row's place is still to be found by its name."""
    return pl.col(target(rule.kato)).is_null() & (
        pl.col(_CODE).is_null() if "code" in rule.by else pl.lit(True)
    )


def _by_name(frame: pl.LazyFrame, rule: Resolve, place: _Name) -> tuple[pl.LazyFrame, list[Flag]]:
    """Resolve rows without a code by their settlement's name in its district."""
    kato, name = target(rule.kato), pl.col(place.column)
    needs_code = _without_code(rule)
    city = pl.when(pl.col("__district").is_in(REPUBLICAN_CITIES)).then("__district")
    found = pl.coalesce("__settlement", pl.when(name.is_null()).then(city))
    flags = [
        Flag(rule_id, place.name, place.source)
        for rule_id in ("place_context_missing", "place_ambiguous", "place_not_found")
    ]
    open_row = needs_code & found.is_null()
    context_missing = open_row & pl.col("__district").is_null()
    ambiguous = open_row & pl.col("__settlement_ambiguous").fill_null(False)
    frame = frame.with_columns(
        context_missing.alias(flags[0].name),
        ambiguous.alias(flags[1].name),
        (open_row & ~context_missing & ~ambiguous).alias(flags[2].name),
        pl.when(needs_code).then(found).otherwise(pl.col(kato)).alias(kato),
    )
    return frame, flags


def _lookup(
    frame: pl.LazyFrame, gazetteer: Gazetteer, level: str, parent: pl.Expr, name: pl.Expr, out: str
) -> pl.LazyFrame:
    """Add `<out>`, the code of a name inside a parent, and `<out>_ambiguous`.

    The name with its kind decides. A name without a kind is looked up by itself inside the same parent, and still
    refused when several places share it; one whose kind is not found there only among kinds that it may have had.
    """
    names = gazetteer.names.filter(pl.col("level") == level).drop("level")
    other_names = names.rename({"key": "other_key"})

    def find(asked: pl.DataFrame) -> pl.Series:
        named = asked.select("parent", cleaned=clean_name(pl.col("name"))).select(
            "parent", kind=place_kind(pl.col("cleaned")), bare=bare_name(pl.col("cleaned"))
        )
        keys = name_keys(pl.col("kind"), pl.col("bare"))
        # A city's administration is called by the city's name alone more often than not.
        has_no_kind = pl.col("kind") == "" if level == "settlement" else pl.lit(True)
        other = pl.when(has_no_kind).then(keys["bare"]).otherwise(keys["populated"])
        found = (
            named.select("parent", key=keys["exact"], other_key=other)
            .join(names, on=["parent", "key"], how="left", maintain_order="left")
            .join(other_names, on=["parent", "other_key"], how="left", maintain_order="left", suffix="_other")
        )
        # A key may be known and its code not: of a place that was abolished, or of several.
        is_known = pl.col("is_ambiguous").is_not_null()
        return found.select(
            pl.struct(
                pl.when(is_known).then("kato").otherwise("kato_other").alias("kato"),
                pl.coalesce("is_ambiguous", "is_ambiguous_other").alias("is_ambiguous"),
            )
        ).to_series()

    dtype = pl.Struct({"kato": pl.String, "is_ambiguous": pl.Boolean})
    found = pl.col(f"{out}_found").struct
    return frame.with_columns(
        _per_distinct({"parent": parent, "name": name}, find, dtype).alias(f"{out}_found")
    ).with_columns(found.field("kato").alias(out), found.field("is_ambiguous").alias(f"{out}_ambiguous"))


def _by_label(
    layout: Layout, frame: pl.LazyFrame, rule: Resolve, gazetteer: Gazetteer
) -> tuple[pl.LazyFrame, list[Flag]]:
    """Resolve a table whose hierarchy is its row order: a region, its districts, each district's towns below it.

    The label is read from the column that the layout gives as `filed_settlement`.
    """
    kato, column = target(rule.kato), _settlement_column(layout)
    label = pl.col(target(column))
    cleaned = clean_name(label)
    regions = (
        gazetteer.regions.filter(pl.col("language") == rule.language)
        .select(__rk="key", __as_region="kato")
        .lazy()
    )
    frame = frame.with_columns(region_key(label).alias("__rk")).join(
        regions, on="__rk", how="left", maintain_order="left"
    )
    frame = frame.with_columns(
        pl.when(pl.col("__as_region") != NATION)
        .then("__as_region")
        .forward_fill()
        .over("source_sheet")
        .alias("__current_region")
    )
    is_district = place_kind(cleaned).is_in(["district", "administration"]) & pl.col("__as_region").is_null()
    frame = _lookup(
        frame,
        gazetteer,
        "district",
        pl.col("__current_region"),
        pl.when(is_district).then(label),
        "__as_district",
    )
    # Rows under a district that is not known must not fall to the district before it.
    marker = (
        pl.when(pl.col("__as_region").is_not_null())
        .then(pl.lit(""))
        .when(is_district)
        .then(pl.col("__as_district").fill_null(""))
    )
    frame = frame.with_columns(marker.forward_fill().over("source_sheet").alias("__current_district"))
    is_settlement = pl.col("__as_region").is_null() & ~is_district
    frame = _lookup(
        frame,
        gazetteer,
        "settlement",
        pl.col("__current_district"),
        pl.when(is_settlement).then(label),
        "__as_settlement",
    )
    found = pl.coalesce("__as_region", "__as_district", "__as_settlement")
    ambiguous = pl.coalesce("__as_district_ambiguous", "__as_settlement_ambiguous").fill_null(False)
    source = layout.columns[column].source
    flags = [Flag("place_ambiguous", column, source), Flag("place_not_found", column, source)]
    return (
        frame.with_columns(
            (found.is_null() & ambiguous).alias(flags[0].name),
            (found.is_null() & ~ambiguous).alias(flags[1].name),
            found.alias(kato),
        ),
        flags,
    )
