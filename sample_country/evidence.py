"""What stands behind the mobile claims: which are true, and whose stations were ever listed.

Belongs here: the draws that site lists, field tests and volunteers' records share, so that they agree about a place.
Does not belong here: how any sender writes them (`sites`, `measurements`), or the claims themselves (`rollout`), which
stay what they are whether true or not.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from sample_country.filing import Filing

MOBILE = ("2g", "3g", "4g", "5g")
OPERATORS = ("arman_mobile", "sayran_cell")
SITES_FROM = dt.date(2025, 9, 30)
"""First quarter that sites, tiles and cells are filed for."""
TESTS_FROM = dt.date(2025, 3, 31)
"""First quarter of field tests."""

# Of the villages claimed with 4G this part has none; of all villages this part stands in no site list.
_UNTRUE, _UNLISTED = 0.03, 0.15
_PEOPLE = "population_2026"
_KM_PER_DEGREE = 111.2


def is_placed(filing: Filing) -> bool:
    """Whether the position of any place is known; over a geography without positions nobody lists or measures."""
    return filing.country.places["latitude"].drop_nulls().len() > 0


def mobile_claims(filing: Filing, day: dt.date) -> pl.DataFrame:
    """An operator's claims of a day about places whose position is known, in the order of operator, place, technology.

    Columns: operator_id, place, technology, connection_level, max_download_mbps, kind, people, latitude, longitude,
    is_true (false for 4G that is not there), is_listed (the operator's list of sites has the place).
    """
    places = filing.country.places
    drawn = pl.concat(
        [
            pl.DataFrame(
                {
                    "place": places["place"],
                    "operator_id": pl.repeat(operator, len(places), eager=True),
                    "untrue": filing.rng(61, number, 1).random(len(places)) < _UNTRUE,
                    "unlisted": filing.rng(61, number, 2).random(len(places)) < _UNLISTED,
                }
            )
            for number, operator in enumerate(OPERATORS)
        ]
    )
    is_village = pl.col("kind") == "village"
    return (
        filing.claims.filter(
            pl.col("as_of_date") == day,
            pl.col("operator_id").is_in(OPERATORS),
            pl.col("technology").is_in(MOBILE),
            pl.col("connection_level") >= 1,
        )
        .join(
            places.select("place", "kind", "latitude", "longitude", people=_PEOPLE).drop_nulls("latitude"),
            on="place",
        )
        .join(drawn, on=["place", "operator_id"])
        .select(
            "operator_id", "place", "technology", "connection_level", "max_download_mbps", "kind", "people",
            "latitude", "longitude",
            is_true=~(pl.col("untrue") & is_village & (pl.col("technology") == "4g")),
            is_listed=~(pl.col("unlisted") & is_village),
        )
        .sort("operator_id", "place", "technology")
    )  # fmt: skip


def around(frame: pl.DataFrame, kilometres: pl.Expr, rng: np.random.Generator) -> pl.DataFrame:
    """The frame with each position moved in some direction by up to so many kilometres, to five decimals."""
    angle, far = rng.uniform(0, 2 * np.pi, len(frame)), rng.random(len(frame)) ** 0.5
    reach = kilometres / _KM_PER_DEGREE * pl.Series(far)
    return frame.with_columns(
        latitude=(pl.col("latitude") + reach * pl.Series(np.sin(angle))).round(5),
        longitude=(
            pl.col("longitude") + reach * pl.Series(np.cos(angle)) / pl.col("latitude").radians().cos()
        ).round(5),
    )
