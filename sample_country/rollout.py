"""Who connects what, and when: the operators' networks that all filings are drawn from.

Belongs here: the counts the sample reproduces and the state of every network in every period. Does not belong
here: how an operator writes it down (`operators`), or faults, which never touch these rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from sample_country.country import Country
from sample_country.periods import PERIODS, census_for

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LAST = len(PERIODS) - 1
NEVER = 99
NO_ROW = -1

# Programme villages by period; the last number of each is what the ministry published for the end of 2025.
TRUNK_FIBRE = (1480, 1722, 2011, 2082, 2153, 2228, 2309, 2371, 2447, 2530, 2606)
LOCAL_NETWORK = (178, 251, 338, 362, 391, 424, 463, 508, 557, 611, 663)
VILLAGES_4G = (1290, 1628, 2141, 2263, 2388, 2521, 2660, 2771, 2893, 3004, 3115)
CITIES_5G = (0, 3, 7, 8, 10, 12, 14, 15, 17, 18, 20)
_VILLAGES_3G = {"arman_mobile": (3420, 4520), "sayran_cell": (2150, 3310)}
_VILLAGES_2G = {"arman_mobile": (5310, 5640), "sayran_cell": (3920, 4330)}
_LEO_VILLAGES = (0, 0, 0, 0, 96, 170, 262, 340, 401, 458, 504)

FIXED = ("dsl", "cable", "fttp", "fwa")
CLAIMS_SCHEMA = {
    "as_of_date": pl.Date(),
    "operator_id": pl.String(),
    "place": pl.Int64(),
    "technology": pl.String(),
    "connection_level": pl.Int64(),
    "max_download_mbps": pl.Float64(),
    "max_upload_mbps": pl.Float64(),
    "households_passed": pl.Int64(),
    "households_connected": pl.Int64(),
}


@dataclass(frozen=True)
class _Network:
    """One operator's network of one technology.

    level: by period and place, NO_ROW where nothing is filed. Speeds in Mbit/s and shares of homes: by place.
    """

    operator_id: str
    technology: str
    level: Ints
    down: Floats
    up: Floats
    passed_share: Floats | None = None
    connected_share: Floats | None = None


@dataclass(frozen=True)
class _Land:
    """The columns of the places that decide who is connected, as arrays."""

    people: Floats
    city: Bools
    village: Bools
    site: Bools
    centre: Bools
    republican: Bools
    nameable: Bools
    chance: float

    @property
    def count(self) -> int:
        return len(self.people)


def _land(country: Country) -> _Land:
    places = country.places
    kind = places["kind"].to_numpy()
    return _Land(
        people=places[f"population_{census_for(PERIODS[LAST]).year}"].to_numpy().astype(np.float64),
        city=kind == "city",
        village=places["is_programme"].to_numpy(),
        site=(kind == "site") & ~places["is_spare"].to_numpy(),
        centre=places["is_centre"].to_numpy(),
        republican=places["kato"].str.slice(2).to_numpy() == "0000000",
        nameable=places["name_is_unique"].to_numpy(),
        # Over the real geography only districts are weighed; less chance makes up for what is not known.
        chance=0.4 if country.is_real else 1.0,
    )


def _entry(score: Floats, eligible: Bools, counts: Sequence[int]) -> Ints:
    """First period in which each place is connected, so that exactly `counts[p]` are by period p."""
    entry = np.full(len(score), NEVER, dtype=np.int64)
    order = np.argsort(-np.where(eligible, score, -np.inf), kind="stable")
    done = 0
    for period, count in enumerate(counts):
        entry[order[done:count]] = period
        done = max(done, count)
    return entry


def _later_entry(first: Ints, score: Floats, counts: Sequence[int]) -> Ints:
    """As `_entry`, for a further step that a place can take only once it has taken the first."""
    entry = np.full(len(score), NEVER, dtype=np.int64)
    for period, count in enumerate(counts):
        open_now = (first <= period) & (entry == NEVER)
        missing = count - int((entry <= period).sum())
        order = np.argsort(-np.where(open_now, score, -np.inf), kind="stable")
        entry[order[: max(missing, 0)]] = period
    return entry


def _between(start: int, end: int) -> list[int]:
    """Counts that rise evenly over the periods."""
    return [round(start + (end - start) * p / LAST) for p in range(LAST + 1)]


def _late(entry: Ints, lag: Ints) -> Ints:
    """Entry of the operator that follows; never when its turn comes after the last period."""
    late = entry + lag
    return np.where((entry == NEVER) | (late > LAST), NEVER, late)


def _ladder(first: Ints, access: Ints, climbs: Ints) -> Ints:
    """Level by period: 1 from `first`, 2 from `access`, then one rung a period up to `climbs` rungs more."""
    period = np.arange(LAST + 1)[:, None]
    level = np.full((LAST + 1, len(first)), NO_ROW, dtype=np.int64)
    level[period >= first[None, :]] = 1
    reached = period >= access[None, :]
    higher = 2 + np.minimum(period - access[None, :], climbs[None, :])
    return np.where(reached, higher, level)


def _mobile_level(entry: Ints, climbs: Ints) -> Ints:
    return _ladder(np.full(len(entry), NEVER), entry, climbs)


def _fixed(land: _Land, rng: np.random.Generator) -> list[_Network]:
    n = land.count
    size = np.log(land.people + 1)
    trunk = _entry(0.6 * size + rng.normal(0, 1, n), land.village, TRUNK_FIBRE)
    access = _later_entry(trunk, 0.8 * size + rng.normal(0, 1, n), LOCAL_NETWORK)
    who, lag = rng.random(n), rng.integers(1, 4, n)
    both = who >= 0.88
    dala_first = (who < 0.72) | (both & (rng.random(n) < 0.7))
    second_builds = rng.random(n) < 0.5
    second_trunk = np.where(both, _late(trunk, lag), NEVER)
    second_access = np.where(
        second_builds & (second_trunk != NEVER), np.maximum(_late(access, lag), second_trunk), NEVER
    )
    climbs = rng.integers(0, 3, n)
    dala = _ladder(
        np.where(dala_first, trunk, second_trunk), np.where(dala_first, access, second_access), climbs
    )
    tulpar = _ladder(
        np.where(dala_first, second_trunk, trunk), np.where(dala_first, second_access, access), climbs
    )
    outside = np.flatnonzero(land.village & (trunk == NEVER))
    # Trunk that was counted and then withdrawn: a real decrease outside the places counted at the end.
    dala[1:6, outside[:5]] = 1
    # An operator may also state that it has nothing: level 0 is a row, and no coverage.
    dala[LAST - 3 :, outside[5:305]] = np.maximum(dala[LAST - 3 :, outside[5:305]], 0)
    dala[4:, np.flatnonzero(land.site)[:12]] = 1

    big = land.city & (land.people > 30_000)
    dala[:, land.city] = _ladder(
        np.where(big, 0, 2)[land.city], np.where(big, 0, 3)[land.city], np.full(int(land.city.sum()), 2)
    )
    speed_city = rng.choice([100.0, 200.0, 300.0, 500.0, 1000.0], n)
    speed_village = rng.choice([50.0, 100.0, 100.0, 200.0], n)
    fttp_down = np.where(land.city, speed_city, speed_village)
    share = np.where(land.city, 0.85, rng.uniform(0.45, 0.85, n))
    taken = rng.uniform(0.3, 0.65, n)

    legacy = land.city | (land.village & dala_first & (access == 0) & (rng.random(n) < 0.4))
    until = np.where(land.city, NEVER, rng.integers(5, 16, n))
    dsl = np.where(legacy[None, :] & (np.arange(LAST + 1)[:, None] < until[None, :]), 4, NO_ROW)
    dsl_down = rng.choice([8.0, 12.0, 16.0], n)

    on_air = rng.random(n) < 0.65
    wireless = np.where((on_air & land.village)[None, :], tulpar, NO_ROW)
    fibre = np.where((~on_air & land.village)[None, :], tulpar, NO_ROW)
    order = np.argsort(-np.where(land.city, land.people, -1), kind="stable")[: int(land.city.sum())]
    for index, place in enumerate(order[:60]):
        start = min(index // 8, LAST)
        layer = fibre if index % 3 else wireless
        layer[start:, place] = 3 + (index % 2)
    cable = np.full((LAST + 1, n), NO_ROW, dtype=np.int64)
    cable[:, order[3:18]] = 4
    fwa = rng.integers(0, 3, n)
    return [
        _Network("dala_telecom", "fttp", dala, fttp_down, np.round(fttp_down / 2, 1), share, taken),
        _Network("dala_telecom", "dsl", dsl, dsl_down, np.full(n, 1.0), np.full(n, 0.55), taken * 0.6),
        _Network(
            "tulpar_net",
            "fwa",
            wireless,
            np.array([8.0, 20.0, 50.0])[fwa],
            np.array([2.0, 5.0, 10.0])[fwa],
            share * 0.7,
            taken * 0.5,
        ),
        _Network("tulpar_net", "fttp", fibre, speed_village, speed_village / 2, share * 0.8, taken * 0.7),
        _Network(
            "tulpar_net", "cable", cable, np.full(n, 200.0), np.full(n, 30.0), np.full(n, 0.4), taken * 0.8
        ),
    ]


def _mobile(land: _Land, rng: np.random.Generator) -> list[_Network]:
    n = land.count
    size = np.log(land.people + 1)
    score = size + land.chance * rng.normal(0, 1.0, n)
    lte = _entry(score, land.village, VILLAGES_4G)
    # Sayran files names, so it has no network where a name alone would not tell the place.
    who, lag = np.where(land.nameable, rng.random(n), 0.0), rng.integers(1, 5, n)
    both, arman_first = who >= 0.65, (who < 0.45) | (rng.random(n) < 0.6) & (who >= 0.65)
    second = np.where(both, _late(lte, lag), NEVER)
    arman, sayran = np.where(arman_first, lte, second), np.where(arman_first, second, lte)
    order = np.argsort(-np.where(land.city, land.people, -1), kind="stable")[: int(land.city.sum())]
    arman[order], sayran[order[:60]] = 0, 0
    arman[order[-8:]] = [1, 1, 2, 2, 2, 3, 3, 4]
    arman[np.flatnonzero(land.site)[::10]] = 3
    climbs = rng.integers(0, 3, n)
    arman_lte, sayran_lte = _mobile_level(arman, climbs), _mobile_level(sayran, climbs)

    in_both = np.flatnonzero(land.village & (arman != NEVER) & (sayran != NEVER) & (sayran < 8) & (arman < 8))
    only_arman = np.flatnonzero(land.village & (arman <= 3) & (sayran == NEVER))
    outside = np.flatnonzero(land.village & land.nameable & (lte == NEVER))
    # Coverage goes down as well as up: failed sites for three quarters, sites given up where another
    # operator stays, and villages that lose 4G for good.
    arman_lte[5:8, only_arman[:9]] = NO_ROW
    sayran_lte[8:, in_both[:25]] = NO_ROW
    sayran_lte[:5, outside[:6]] = 2
    # Level 1 is under construction: filed, but no coverage yet.
    coming = outside[np.argsort(-score[outside], kind="stable")][10:130]
    arman_lte[LAST - 1 :, coming] = 1
    building = np.flatnonzero(land.village & (arman >= 2) & (arman != NEVER) & (rng.random(n) < 0.3))
    arman_lte[arman[building] - 1, building] = 1

    sayran_lte[:, ~land.nameable] = NO_ROW
    networks = []
    down = {"arman_mobile": 4 + 42 * rng.beta(1.2, 2.4, n), "sayran_cell": 2 + 28 * rng.beta(1.2, 2.4, n)}
    for operator, own, level in (("arman_mobile", arman, arman_lte), ("sayran_cell", sayran, sayran_lte)):
        urban = np.where(land.city, 0, NEVER)
        noise = score + rng.normal(0, 0.5, n)
        hspa = np.minimum(
            _entry(noise, land.village, _between(*_VILLAGES_3G[operator])), np.minimum(own, urban)
        )
        gsm = np.minimum(
            _entry(noise, land.village, _between(*_VILLAGES_2G[operator])), np.minimum(hspa, urban)
        )
        gsm[np.flatnonzero(land.site)[::3]] = 0
        if operator == "sayran_cell":
            hspa, gsm = np.where(land.nameable, hspa, NEVER), np.where(land.nameable, gsm, NEVER)
        lte_down = np.where(land.city, 25 + 45 * rng.random(n), down[operator])
        networks += [
            _Network(operator, "2g", _mobile_level(gsm, climbs), np.full(n, 0.2), np.full(n, 0.1)),
            _Network(operator, "3g", _mobile_level(hspa, climbs), 1.5 + 5 * rng.random(n), np.full(n, 0.6)),
            _Network(operator, "4g", level, lte_down, lte_down / 4),
        ]
    large = np.argsort(
        -(land.people * land.city + 1e9 * (land.centre & land.city) + 1e10 * land.republican), kind="stable"
    )
    for operator, counts, lag_5g in (("arman_mobile", CITIES_5G, 0), ("sayran_cell", CITIES_5G, 2)):
        entry = np.full(n, NEVER, dtype=np.int64)
        for period, count in enumerate(counts):
            entry[large[:count]] = np.minimum(entry[large[:count]], period + lag_5g)
        if lag_5g:
            entry[large[9:]] = NEVER
        nr_down = 120 + 280 * rng.random(n)
        networks.append(_Network(operator, "5g", _mobile_level(entry, np.full(n, 2)), nr_down, nr_down / 5))
    return networks


def _satellite(land: _Land, fixed: Sequence[_Network], rng: np.random.Generator) -> list[_Network]:
    n = land.count
    unconnected = land.village & np.all([net.level[LAST] < 1 for net in fixed], axis=0)
    score = rng.random(n)
    geo = _entry(score, unconnected, _between(310, 640))
    geo[np.flatnonzero(land.site)[1::6]] = 2
    leo = _entry(score + 0.3 * rng.random(n), unconnected, _LEO_VILLAGES)
    climbs = rng.integers(1, 3, n)
    return [
        _Network(
            "koktem_sat",
            "geo_satellite",
            _mobile_level(geo, climbs),
            rng.choice([10.0, 15.0, 25.0], n),
            np.full(n, 3.0),
        ),
        _Network(
            "koktem_sat",
            "leo_satellite",
            _mobile_level(leo, climbs),
            rng.choice([100.0, 120.0, 150.0], n),
            np.full(n, 15.0),
        ),
    ]


def _claims(network: _Network, period: int, households: Ints) -> pl.DataFrame:
    """Rows of one network in one period."""
    place = np.flatnonzero(network.level[period] > NO_ROW)
    level = network.level[period, place]
    live = level >= 2
    growth = 1 + 0.02 * (period - LAST) if network.technology in ("4g", "5g") else 1.0
    frame = {
        "as_of_date": pl.repeat(PERIODS[period], len(place), dtype=pl.Date, eager=True),
        "operator_id": pl.repeat(network.operator_id, len(place), eager=True),
        "place": place,
        "technology": pl.repeat(network.technology, len(place), eager=True),
        "connection_level": level,
        "max_download_mbps": pl.Series(np.round(network.down[place] * growth, 1)).set(pl.Series(~live), None),
        "max_upload_mbps": pl.Series(np.round(network.up[place], 1)).set(pl.Series(~live), None),
        "households_passed": pl.repeat(None, len(place), dtype=pl.Int64, eager=True),
        "households_connected": pl.repeat(None, len(place), dtype=pl.Int64, eager=True),
    }
    if network.passed_share is not None and network.connected_share is not None:
        built = 0.75 + 0.25 * (period + 1) / (LAST + 1)
        passed = np.where(live, np.floor(households[place] * network.passed_share[place] * built), 0).astype(
            np.int64
        )
        connected = np.where(level >= 4, np.floor(passed * network.connected_share[place]), 0).astype(
            np.int64
        )
        frame["households_passed"] = pl.Series(passed)
        frame["households_connected"] = pl.Series(connected)
    return pl.DataFrame(frame, schema=CLAIMS_SCHEMA)


def build(country: Country, seed: int, periods: Sequence[dt.date] = PERIODS) -> pl.DataFrame:
    """What every operator truly offers: one row per date, operator, place and technology, in that order.

    Args:
        country: the places.
        seed: of the whole sample; the networks are the same whichever periods are asked for.
        periods: dates out of PERIODS.
    """
    rng = np.random.default_rng([seed, 2])
    land = _land(country)
    fixed = _fixed(land, rng)
    networks = [*fixed, *_mobile(land, rng), *_satellite(land, fixed, rng)]
    frames = []
    for day in periods:
        households = country.places[f"households_{census_for(day).year}"].to_numpy()
        frames += [_claims(network, PERIODS.index(day), households) for network in networks]
    return pl.concat(frames).sort("as_of_date", "operator_id", "place", "technology")
