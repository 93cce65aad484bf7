"""Names and codes of places -> KATO codes of the latest edition.

Belongs here: normalising names, the gazetteer built from the KATO editions and their changes, and the joins that
resolve a frame of filed codes or names. Does not belong here: reading files, or deciding what a fault costs.

The order is fixed: a code first; then a name inside its district; never a name alone. What stays ambiguous is
left unresolved with its rule, so that the row is quarantined instead of guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import polars as pl

from ingestion.readers.table import INVISIBLE

CROSSWALKS_DIR = Path(__file__).parent / "crosswalks"
NATION = "000000000"
# The cities of republican rank: regions whose districts stand where oblasts have sub-districts.
REPUBLICAN_CITIES = ("710000000", "750000000", "790000000")

# Latin letters that look like Cyrillic ones once lower-cased (an upper-case H becomes h, and stands for н).
_HOMOGLYPHS = dict(zip("aceopxyhkmtbi", "асеорхункмтві", strict=True))
# Kazakh letters of an 8-bit code page read as another one (КАТО itself still holds "Форт-Шевченко ќ.").
_OLD_FONT = dict(zip("ќєїґўјѕћ", "қғүөұәңһ", strict=True))

# Between a kind and a name: before that of a person "им." or "имени", behind it "атын." or "атындағы".
_IN_HONOUR = r"(?:\s?им(?:\.|ени\s)\s*)?"
_BEHIND = r"(?:\s+ат(?:ын)?\.\s*|\s+атындағы\s+|\s+)"
# What kind of place a prefix or suffix names, as KATO writes it and as senders do. Longest first, so that "г.а." is not
# read as "г.".
_KINDS: list[tuple[str, str]] = [
    ("district", rf"(?:^район\s{_IN_HONOUR}\s*|\s+район$|\s+р-?н\.?$|{_BEHIND}(?:ауданы|ауд\.?)$)"),
    (
        "administration",
        r"(?:^г\.\s?а\.\s*|\s+г\.?\s?а\.?$|\s+қ\.?\s?ә\.?$|\s+қалалық әкімдігі$|\s+городской акимат$)",
    ),
    (
        "sub_district",
        rf"(?:^п\.\s?а\.\s*|^с\.\s?[оа]\.{_IN_HONOUR}\s*|\s+с\.?\s?о\.?$|\s+с\.\s?а\.$|\s+п\.?\s?а\.?$|"
        rf"{_BEHIND}а\.?\s?[оә]\.?$|\s+к\.?\s?ә\.?$|\s+сельский округ$)",
    ),
    ("city", r"(?:^г\.\s*|^город\s+|\s+қ\.?$|\s+қаласы$)"),
    ("town", r"(?:^п\.\s*|^пос\.\s*|^поселок\s+|\s+к\.?$|\s+кенті$)"),
    (
        "village",
        rf"(?:^с\.{_IN_HONOUR}\s*|^(?:село|аул)\s{_IN_HONOUR}\s*|{_BEHIND}(?:а\.?|ауылы|с\.)$)",
    ),
    ("station", r"(?:^ст\.\s*|^рзд\.\s*|^станция\s+|^разъезд\s+|\s+ст\.$|\s+рзд\.$|\s+станциясы$)"),
    ("winter_camp", r"(?:^зимовка\s+|^зим\.\s*|\s+зимовка$|\s+қыстауы$)"),
    ("section", r"(?:^уч\.\s*|^участок\s+|\s+уч\.$|\s+участок$|\s+учаскесі$)"),
]
# Kinds that one place goes through as it grows or shrinks; a name without a kind may be any of them.
POPULATED = ("", "city", "town", "village")
UNPOPULATED = ("winter_camp", "section")


def clean_name(name: pl.Expr) -> pl.Expr:
    """A name in lower case with one kind of letters and spaces: homoglyphs, old fonts, ё, dashes and quotes mended.

    A letter and its mark are one (a Mac writes й as и and a breve), and what cannot be seen is left out.

    Latin letters are replaced only in names that hold a Cyrillic one, so English names stay what they are.
    """
    text = (
        name.str.normalize("NFC")
        .str.to_lowercase()
        .str.replace_all(INVISIBLE, "")
        .str.replace_all(r"[\s_]+", " ")
        .str.strip_chars()
        .str.replace_all("ё", "е", literal=True)
        .str.replace_all(r"[‐-―]", "-")
        .str.replace_all(r"[«»\"'`’]", "")
    )
    mended = text.str.replace_many(list(_HOMOGLYPHS | _OLD_FONT), list((_HOMOGLYPHS | _OLD_FONT).values()))
    return pl.when(text.str.contains(r"[а-яәғқңөұүһі]")).then(mended).otherwise(text)


def place_kind(cleaned: pl.Expr) -> pl.Expr:
    """The kind of place a cleaned name states: district, administration, sub_district, city, town, village, station,
    winter_camp, section.

    Empty text when the name states none.
    """
    kind = pl.lit("")
    for name, pattern in reversed(_KINDS):
        kind = pl.when(cleaned.str.contains(pattern)).then(pl.lit(name)).otherwise(kind)
    return kind


def bare_name(cleaned: pl.Expr) -> pl.Expr:
    """A cleaned name without the words that state its kind."""
    text = cleaned
    for _, pattern in _KINDS:
        text = text.str.replace(pattern, "")
    return text.str.strip_chars(" .,")


def name_keys(kind: pl.Expr, bare: pl.Expr) -> dict[str, pl.Expr]:
    """Keys of a place's name: with its kind, with any kind of populated place, and without a kind.

    The second is null for kinds that are something else: the station of a village's name is another place. The third is
    null for winter camps and sections: nobody means them by their name alone.
    """
    return {
        "exact": kind + pl.lit("|") + bare,
        "populated": pl.when(kind.is_in(POPULATED)).then(pl.lit("populated|") + bare),
        "bare": pl.when(~kind.is_in(UNPOPULATED)).then(pl.lit("|") + bare),
    }


def region_key(name: pl.Expr) -> pl.Expr:
    """A region's name without "область", "обл." and "облысы".

    English names keep "region", which tells Almaty Region from Almaty.
    """
    cleaned = clean_name(name)
    return (
        cleaned.str.replace(r"^(?:область|обл\.)\s+", "")
        .str.replace(r"\s+(?:область|обл\.?|облысы|обл)$", "")
        .str.replace(r"^(?:город|г\.)\s*", "г. ")
        .str.replace(r"\s+(?:қ\.?|қ\.ә\.?)$", " қаласы")
        .str.strip_chars()
    )


def region_of(kato: pl.Expr) -> pl.Expr:
    """Code of the region that a code lies in."""
    return kato.str.slice(0, 2) + pl.lit("0000000")


def level_of(kato: pl.Expr) -> pl.Expr:
    """Level of a code by its digits: region, district, sub_district or settlement (nation for 000000000).

    Districts of the three republican cities stand where oblasts have sub-districts; they count as districts.
    """
    in_city = region_of(kato).is_in(REPUBLICAN_CITIES)
    return (
        pl.when(kato == NATION)
        .then(pl.lit("nation"))
        .when(kato.str.slice(2, 7) == "0000000")
        .then(pl.lit("region"))
        .when(kato.str.slice(4, 5) == "00000")
        .then(pl.lit("district"))
        .when(kato.str.slice(6, 3) == "000")
        .then(pl.when(in_city).then(pl.lit("district")).otherwise(pl.lit("sub_district")))
        .otherwise(pl.lit("settlement"))
    )


@dataclass(frozen=True)
class Gazetteer:
    """Look-up tables for places.

    codes: one row per code of any edition: filed_code, kato (successor in the latest edition, null when there is
        none), code_status in {current, mapped, retired}, is_settlement (people live there: a settlement, or a city
        that KATO lists above settlements).
    names: one row per (level, parent, key): the code a name has inside its parent, null when several places share it,
        or when it was that of a place that was abolished.
    regions: one row per (language, key): kato of nation, region or republican city.
    crosswalk: retired code -> successor, with date and how it was found, for the record.
    """

    codes: pl.DataFrame
    names: pl.DataFrame
    regions: pl.DataFrame
    crosswalk: pl.DataFrame

    @property
    def is_empty(self) -> bool:
        """True when no KATO edition has been received yet."""
        return self.codes.is_empty()


def _regions() -> pl.DataFrame:
    raw = pl.read_csv(CROSSWALKS_DIR / "region_names.csv", infer_schema=False)
    return (
        raw.with_columns(key=region_key(pl.col("name")))
        .select("language", "key", "kato")
        .unique(maintain_order=True)
    )


def _named(editions: pl.DataFrame) -> pl.DataFrame:
    """Editions with parents, kind and bare name; one row per edition, code and language of the name."""
    long = pl.concat(
        [
            editions.select("edition", "kato", name=pl.col("name_ru")),
            editions.select("edition", "kato", name=pl.col("name_kk")),
        ]
    ).drop_nulls("name")
    cleaned = pl.col("cleaned")
    places = (
        long.with_columns(cleaned=clean_name(pl.col("name")))
        .with_columns(
            level=level_of(pl.col("kato")),
            region=region_of(pl.col("kato")),
            district=pl.when(region_of(pl.col("kato")).is_in(REPUBLICAN_CITIES))
            .then(region_of(pl.col("kato")))
            .otherwise(pl.col("kato").str.slice(0, 4) + pl.lit("00000")),
            kind=place_kind(cleaned),
            bare=bare_name(cleaned),
        )
        .unique(["edition", "kato", "kind", "bare"], maintain_order=True)
    )
    # Without a rural district of its own (a district's town, say) a place is told by its district's code.
    sub_districts = places.filter(pl.col("level") == "sub_district").unique(
        ["edition", "kato"], keep="first", maintain_order=True
    )
    return (
        places.with_columns(sub_code=pl.col("kato").str.slice(0, 6) + pl.lit("000"))
        .join(
            sub_districts.select("edition", sub_code="kato", sub_district="bare"),
            on=["edition", "sub_code"],
            how="left",
        )
        .with_columns(sub_district=pl.coalesce("sub_district", "district"))
        .drop("sub_code")
    )


def _derived_changes(editions: pl.DataFrame, declared: pl.DataFrame) -> pl.DataFrame:
    """Successors that the editions themselves show: one retired and one new code that agree in name, kind and place.

    Both must be alone with that name among the retired and among the new codes of the district, or of the rural
    district of one name in the region (a district that was split takes its rural districts along); else nothing is
    claimed.
    """
    order = sorted(editions["edition"].unique().to_list())
    evidence = {
        "same name and kind in the same district, alone in both editions": ["district", "level", "kind", "bare"],
        "same name, kind and rural district in the same region, alone in both editions": [
            "region", "sub_district", "level", "kind", "bare",
        ],
    }  # fmt: skip
    found = []
    for older, newer in pairwise(order):
        named = _named(editions.filter(pl.col("edition").is_in([older, newer])))
        old_codes = named.filter(pl.col("edition") == older)
        new_codes = named.filter(pl.col("edition") == newer)
        retired = old_codes.join(new_codes.select("kato").unique(), on="kato", how="anti")
        fresh = new_codes.join(old_codes.select("kato").unique(), on="kato", how="anti")
        for method, keys in evidence.items():
            alone_before, alone_after = (
                side.unique(["kato", *keys])
                .group_by(keys)
                .agg(pl.len().alias("n"), pl.col("kato").first())
                .filter(pl.col("n") == 1)
                for side in (retired, fresh)
            )
            found.append(
                alone_before.join(alone_after, on=keys, suffix="_new").select(
                    retired_kato=pl.col("kato"),
                    current_kato=pl.col("kato_new"),
                    effective_from=pl.lit(newer).str.to_date("%Y-%m-%d"),
                    method=pl.lit(method),
                )
            )
    empty = {
        "retired_kato": pl.String,
        "current_kato": pl.String,
        "effective_from": pl.Date,
        "method": pl.String,
    }
    derived = pl.concat([pl.DataFrame(schema=empty), *found])
    ambiguous = (
        derived.group_by("retired_kato").agg(n=pl.col("current_kato").n_unique()).filter(pl.col("n") > 1)
    )
    return (
        derived.join(ambiguous, on="retired_kato", how="anti")
        .join(declared.select("retired_kato").unique(), on="retired_kato", how="anti")
        .unique("retired_kato", keep="first", maintain_order=True)
    )


def _successors(latest: pl.Series, changes: pl.DataFrame) -> pl.DataFrame:
    """Follow changes until a code of the latest edition is reached: retired_kato -> kato (null when abolished)."""
    step = changes.sort("effective_from", "retired_kato").unique(
        "retired_kato", keep="last", maintain_order=True
    )
    frame = step.select("retired_kato", kato=pl.col("current_kato"))
    for _ in range(10):
        # A code can be renamed twice between two editions; ten links is far beyond what the classifier ever did.
        frame = frame.join(
            step.select(kato=pl.col("retired_kato"), further=pl.col("current_kato")), on="kato", how="left"
        ).select(
            "retired_kato",
            kato=pl.when(pl.col("kato").is_in(latest.to_list()))
            .then("kato")
            .otherwise(pl.coalesce("further", "kato")),
        )
    return frame.with_columns(
        kato=pl.when(pl.col("kato").is_in(latest.to_list())).then(pl.col("kato")).otherwise(None)
    ).sort("retired_kato")


def _aliases(codes: pl.DataFrame) -> pl.DataFrame:
    """Spellings that no edition has, as rows older than any edition, so that an edition's own name wins."""
    raw = pl.read_csv(CROSSWALKS_DIR / "place_aliases.csv", infer_schema=False).with_columns(
        c=clean_name(pl.col("name"))
    )
    return (
        raw.with_columns(key=name_keys(place_kind(pl.col("c")), bare_name(pl.col("c")))["exact"])
        .join(codes.select("filed_code", now="kato"), left_on="kato", right_on="filed_code")
        .select("level", "parent", "key", edition=pl.lit(""), n=pl.lit(1, pl.UInt32), kato="now")
    )


def _names(editions: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """The code of each key of a name inside its parent, by the newest edition that has it."""
    found = _named(editions).join(codes.select(kato="filed_code", now="kato"), on="kato", how="left")
    districts = found.filter(pl.col("level") == "district").with_columns(parent=pl.col("region"))
    # A city can be its own sub-district (г.Семей), so sub-district rows that name a city count as settlements too.
    settlements = found.filter(
        (pl.col("level") == "settlement") | ((pl.col("level") == "sub_district") & (pl.col("kind") == "city"))
    ).with_columns(parent=pl.col("district"), level=pl.lit("settlement"))
    # Districts moved between regions keep their old parent, so old filings still resolve.
    places = pl.concat([districts, settlements])
    rows = places.drop_nulls("now")
    keys = name_keys(pl.col("kind"), pl.col("bare"))
    keyed = pl.concat([rows.with_columns(key=key).drop_nulls("key") for key in keys.values()]).unique(
        ["edition", "level", "parent", "key", "now"], maintain_order=True
    )
    by_edition = keyed.group_by("level", "parent", "key", "edition").agg(
        n=pl.col("now").n_unique(), kato=pl.col("now").first()
    )
    place = ["level", "parent", "key"]
    # A name that went from one place to another says nothing in a file whose edition nobody knows.
    moved = by_edition.filter(pl.col("n") == 1).group_by(place).agg(has_moved=pl.col("kato").n_unique() > 1)
    by_edition = pl.concat([_aliases(codes), by_edition])
    newest = by_edition.sort("edition").unique(place, keep="last", maintain_order=True)
    known = newest.join(moved, on=place, how="left").with_columns(
        is_ambiguous=(pl.col("n") > 1) | pl.col("has_moved").fill_null(value=False)
    )
    # Without them a village that was abolished would be taken for the station of its name.
    abolished = (
        places.filter(pl.col("now").is_null())
        .select("level", "parent", key=keys["exact"])
        .unique()
        .join(known, on=place, how="anti")
        .with_columns(kato=pl.lit(None, pl.String), is_ambiguous=pl.lit(value=False))
    )
    return (
        pl.concat([known.select(abolished.columns), abolished])
        .select(*place, kato=pl.when(~pl.col("is_ambiguous")).then("kato"), is_ambiguous="is_ambiguous")
        .sort(place)
    )


def _settlements(editions: pl.DataFrame, edition: str) -> pl.Series:
    """Codes of an edition where people are counted as living: settlements, and cities listed above them."""
    named = _named(editions.filter(pl.col("edition") == edition))
    is_city = (pl.col("level") == "sub_district") & (pl.col("kind") == "city")
    is_republican = pl.col("kato").is_in(REPUBLICAN_CITIES)
    return named.filter((pl.col("level") == "settlement") | is_city | is_republican)["kato"].unique().sort()


def build_gazetteer(editions: pl.DataFrame, changes: pl.DataFrame) -> Gazetteer:
    """Build the look-up tables.

    Args:
        editions: accepted kato_classifier rows (edition, kato, name_ru, name_kk, type_code), any number of editions.
        changes: accepted kato_changes rows (retired_kato, current_kato, effective_from).
    """
    regions = _regions()
    declared = changes.select(
        "retired_kato",
        "current_kato",
        "effective_from",
        method=pl.lit("change published by the classifier's owner"),
    )
    if editions.is_empty():
        names_schema = {
            "level": pl.String,
            "parent": pl.String,
            "key": pl.String,
            "kato": pl.String,
            "is_ambiguous": pl.Boolean,
        }
        codes_schema = {
            "filed_code": pl.String, "kato": pl.String, "code_status": pl.String, "is_settlement": pl.Boolean,
        }  # fmt: skip
        return Gazetteer(
            pl.DataFrame(schema=codes_schema), pl.DataFrame(schema=names_schema), regions, declared.clear()
        )
    latest_edition = editions["edition"].max()
    latest = editions.filter(pl.col("edition") == latest_edition)["kato"]
    crosswalk = pl.concat([declared, _derived_changes(editions, declared)]).sort(
        "retired_kato", "effective_from"
    )
    successors = _successors(latest, crosswalk)
    all_codes = pl.concat([editions["kato"], crosswalk["retired_kato"]]).unique().sort()
    codes = (
        pl.DataFrame({"filed_code": all_codes})
        .join(successors.rename({"retired_kato": "filed_code"}), on="filed_code", how="left")
        .with_columns(is_current=pl.col("filed_code").is_in(latest.to_list()))
        .select(
            "filed_code",
            kato=pl.when("is_current").then("filed_code").otherwise("kato"),
            code_status=pl.when("is_current")
            .then(pl.lit("current"))
            .when(pl.col("kato").is_not_null())
            .then(pl.lit("mapped"))
            .otherwise(pl.lit("retired")),
        )
        .with_columns(
            is_settlement=pl.col("kato").is_in(_settlements(editions, str(latest_edition)).to_list())
        )
    )
    names = _names(editions, codes)
    return Gazetteer(codes, names, regions, crosswalk)
