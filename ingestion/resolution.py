"""Places of a filing -> KATO codes of the latest edition, with the rule that each failure breaks.

Belongs here: joining a judged frame with the gazetteer, by code, by name inside a district, or by the labels of a
table whose hierarchy is its row order. Does not belong here: building the gazetteer (`places`).
"""

from __future__ import annotations

import polars as pl

from ingestion.layout import Layout, Resolve
from ingestion.places import (
    NATION,
    REPUBLICAN_CITIES,
    Gazetteer,
    bare_name,
    clean_name,
    place_kind,
    region_key,
)
from ingestion.rules import Flag, Judged, target

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
    names_region = _names_region(layout)
    frame = (
        _region_of_row(layout, frame, rule, gazetteer)
        if names_region
        else frame.with_columns(pl.lit(None, pl.String).alias("__region"))
    )
    if "code" in rule.by:
        # Where a name may tell the place, or none need be told, a row may come without a code.
        needs_code = "name" not in rule.by and layout.contract.column(rule.kato).required
        frame, new = _by_code(
            frame, rule, gazetteer, origin, needs_code=needs_code, names_region=names_region
        )
        flags += new
    if "name" in rule.by:
        frame, new = _by_name(layout, frame, rule, gazetteer)
        flags += new
    if "label" in rule.by:
        frame, new = _by_label(layout, frame, rule, gazetteer)
        flags += new
    if not layout.contract.column(rule.kato).required:
        # The contract lets a place stay without a code: it is kept, and waits for geography to resolve it.
        lenient = {"place_not_found", "place_ambiguous", "place_context_missing"}
        flags = [flag for flag in flags if flag.rule not in lenient]
    return Judged(frame, flags, judged.constants - {rule.kato})


def _names_region(layout: Layout) -> bool:
    """Whether rows of a layout name their region."""
    column = layout.contract.with_role("filed_region")
    source = layout.columns.get(column.name) if column else None
    return source is not None and source.source is not None


def _region_of_row(layout: Layout, frame: pl.LazyFrame, rule: Resolve, gazetteer: Gazetteer) -> pl.LazyFrame:
    """Add `__region`: the region the row names, where the name is known."""
    column = layout.contract.with_role("filed_region")
    assert column is not None
    names = gazetteer.regions.filter(pl.col("language") == rule.language).select("key", "kato")
    return (
        frame.with_columns(region_key(pl.col(target(column.name))).alias("__region_key"))
        .join(
            names.lazy().rename({"key": "__region_key", "kato": "__region"}),
            on="__region_key", how="left", maintain_order="left",
        )
        .drop("__region_key")
    )  # fmt: skip


def _by_code(
    frame: pl.LazyFrame,
    rule: Resolve,
    gazetteer: Gazetteer,
    origin: str | None,
    *,
    needs_code: bool,
    names_region: bool,
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
    if names_region:
        flags.append(Flag("kato_region_mismatch", rule.kato, origin))
        columns.append(_other_region().alias(flags[-1].name))
    if rule.level == "settlement":
        flags.append(Flag("kato_wrong_level", rule.kato, origin))
        wrong = pl.col("__kato").is_not_null() & ~pl.col("__lived_in").fill_null(False)
        columns.append(wrong.alias(flags[-1].name))
    if needs_code:
        flags.append(Flag("required_missing", rule.kato, origin))
        columns.append((~filed).alias(flags[-1].name))
    return frame.with_columns(*columns, pl.col("__kato").alias(kato)), flags


def _by_name(
    layout: Layout, frame: pl.LazyFrame, rule: Resolve, gazetteer: Gazetteer
) -> tuple[pl.LazyFrame, list[Flag]]:
    kato = target(rule.kato)
    roles = {
        role: layout.contract.with_role(role)
        for role in ("filed_region", "filed_district", "filed_settlement")
    }
    read = {role for role, column in roles.items() if column is not None and column.name in layout.columns}
    origin = {
        role: layout.columns[column.name].source for role, column in roles.items() if column and role in read
    }
    needs_code = pl.col(kato).is_null() & (pl.col(_CODE).is_null() if "code" in rule.by else pl.lit(True))
    if rule.level == "region":
        flags = [Flag("place_not_found", "filed_region", origin.get("filed_region"))]
        found = pl.col("__region")
        frame = frame.with_columns((needs_code & found.is_null()).alias(flags[0].name), found.alias(kato))
        return frame, flags
    assert roles["filed_district"] is not None
    district = (
        pl.col(target(roles["filed_district"].name)) if "filed_district" in read else pl.lit(None, pl.String)
    )
    name_column = roles["filed_settlement"] or layout.contract.column("place_name")
    name = pl.col(target(name_column.name))
    frame = _lookup(frame, gazetteer, "district", pl.col("__region"), district, "__district")
    # A republican city has no district between itself and its people.
    city = pl.when(pl.col("__region").is_in(REPUBLICAN_CITIES)).then("__region")
    frame = frame.with_columns(pl.coalesce("__district", city).alias("__district"))
    frame = _lookup(frame, gazetteer, "settlement", pl.col("__district"), name, "__settlement")
    found = pl.coalesce("__settlement", pl.when(name.is_null()).then(city))
    source = layout.columns.get(name_column.name)
    where = source.source if source else None
    flags = [
        Flag("place_context_missing", name_column.name, where),
        Flag("place_ambiguous", name_column.name, where),
        Flag("place_not_found", name_column.name, where),
    ]
    columns = []
    if "code" in rule.by:
        flags.append(Flag("kato_name_mismatch", name_column.name, where))
        columns.append((pl.col("__settlement") != pl.col(kato)).fill_null(False).alias(flags[-1].name))
    open_row = needs_code & found.is_null()
    context_missing = open_row & pl.col("__district").is_null()
    ambiguous = open_row & pl.col("__settlement_ambiguous").fill_null(False)
    frame = frame.with_columns(
        context_missing.alias(flags[0].name),
        ambiguous.alias(flags[1].name),
        (open_row & ~context_missing & ~ambiguous).alias(flags[2].name),
        *columns,
        pl.when(needs_code).then(found).otherwise(pl.col(kato)).alias(kato),
    )
    return frame, flags


def _other_region() -> pl.Expr:
    """True where the row names a region and neither the code as filed nor its successor lies in it."""
    region = pl.col("__region").str.slice(0, 2)
    filed, current = pl.col(_CODE).str.slice(0, 2), pl.col("__kato").str.slice(0, 2)
    return (region.is_not_null() & current.is_not_null() & (region != filed) & (region != current)).fill_null(
        False
    )


def _lookup(
    frame: pl.LazyFrame, gazetteer: Gazetteer, level: str, parent: pl.Expr, name: pl.Expr, out: str
) -> pl.LazyFrame:
    """Add `<out>`, the code of a name inside a parent, and `<out>_ambiguous`.

    The name with its kind decides; a name whose kind is missing or not found there is looked up by name alone
    inside the same parent, and still refused when several places share it.
    """
    names = gazetteer.names.filter(pl.col("level") == level).lazy()
    # In steps: the cleaned name is used by every pattern of kinds, and would be cleaned again for each.
    frame = (
        frame.with_columns(parent.alias("__parent"), clean_name(name).alias("__clean"))
        .with_columns(
            place_kind(pl.col("__clean")).alias("__kind"), bare_name(pl.col("__clean")).alias("__bare")
        )
        .with_columns(
            pl.concat_str("__kind", pl.lit("|"), "__bare").alias("__key"),
            pl.concat_str(pl.lit("|"), "__bare").alias("__bare_key"),
        )
    )
    for key, suffix in (("__key", "1"), ("__bare_key", "2")):
        frame = frame.join(
            names.select(
                __parent=pl.col("parent"),
                **{key: pl.col("key"), f"__kato{suffix}": pl.col("kato"), f"__many{suffix}": pl.col("is_ambiguous")},
            ),
            on=["__parent", key], how="left", maintain_order="left",
        )  # fmt: skip
    known = pl.col("__many1").is_not_null()
    return frame.with_columns(
        pl.when(known).then("__kato1").otherwise(pl.col("__kato2")).alias(out),
        pl.when(known).then("__many1").otherwise(pl.col("__many2")).alias(f"{out}_ambiguous"),
    ).drop(
        "__parent",
        "__clean",
        "__kind",
        "__bare",
        "__key",
        "__bare_key",
        "__kato1",
        "__many1",
        "__kato2",
        "__many2",
    )


def _by_label(
    layout: Layout, frame: pl.LazyFrame, rule: Resolve, gazetteer: Gazetteer
) -> tuple[pl.LazyFrame, list[Flag]]:
    """Resolve a table whose hierarchy is its row order: a region, its districts, each district's towns below it.

    The label is read from the column that the layout gives as `filed_settlement`.
    """
    kato = target(rule.kato)
    column = layout.contract.with_role("filed_settlement")
    assert column is not None
    label = pl.col(target(column.name))
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
    source = layout.columns[column.name].source
    flags = [Flag("place_ambiguous", column.name, source), Flag("place_not_found", column.name, source)]
    return (
        frame.with_columns(
            (found.is_null() & ambiguous).alias(flags[0].name),
            (found.is_null() & ~ambiguous).alias(flags[1].name),
            found.alias(kato),
        ),
        flags,
    )
